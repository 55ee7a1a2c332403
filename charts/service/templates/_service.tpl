{{/*
The values of this service in this environment, as JSON: the top of the file with environments.<environment> merged over it.
Sprig's mergeOverwrite would let `false` and `0` of an environment lose against the top, hence a merge of our own.
*/}}
{{- define "service.values" -}}
{{- $environment := required "Say where to: --set-string environment=staging" .Values.environment -}}
{{- if ne .Release.Name .Values.name -}}
{{- fail (printf "The release is called %q, but fairway.yaml describes %q: a service's release has its name." .Release.Name .Values.name) -}}
{{- end -}}
{{- $values := omit (deepCopy .Values) "environments" -}}
{{- include "service.merge" (dict "into" $values "from" (get .Values.environments $environment | default dict)) -}}
{{- toJson $values -}}
{{- end -}}

{{- define "service.merge" -}}
{{- range $key, $value := .from -}}
{{- if and (kindIs "map" $value) (kindIs "map" (get $.into $key)) -}}
{{- include "service.merge" (dict "into" (get $.into $key) "from" $value) -}}
{{- else -}}
{{- $_ := set $.into $key $value -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What selects the pods of one component: never changes in a service's life. */}}
{{- define "service.selector" -}}
app.kubernetes.io/name: {{ .name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* The labels of every object. None changes with a commit: only the Deployment and its pods name theirs, so that a deploy touches nothing else. */}}
{{- define "service.labels" -}}
{{ include "service.selector" . }}
app.kubernetes.io/instance: {{ .name | quote }}
app.kubernetes.io/managed-by: Helm
fairway.dev/team: {{ .team | quote }}
{{- end -}}

{{/* Called with a service's values: what the two above are called with, and the commit. */}}
{{- define "service.app" -}}
{{- $commit := required "Say which commit the image was built from: --set-string commit=<40 hexadecimal digits>" .commit -}}
{{- dict "name" .name "team" .team "component" "service" "commit" $commit | toJson -}}
{{- end -}}

{{- define "service.redis" -}}
{{- dict "name" .name "team" .team "component" "redis" | toJson -}}
{{- end -}}

{{/* A container that can do no more than a service needs. */}}
{{- define "service.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* A pod that runs as nobody's user. */}}
{{- define "service.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end -}}
