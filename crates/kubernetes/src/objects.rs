//! Objects of any kind: their YAML, and what an apply would make of them.

use crate::cluster::in_time;
use crate::{Cluster, Error};
use fairway_domain::Namespace;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::{self, ApiCapabilities, ApiResource, Scope};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Mutex;

/// What stands in place of every value of a Secret that is shown.
const HIDDEN: &str = "(hidden)";
/// Holds the whole object as text, a Secret's values included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Kinds already looked up: `apiVersion` and `kind` to how the API serves them.
pub(crate) type Discovered = Mutex<HashMap<(String, String), (ApiResource, ApiCapabilities)>>;

/// What is live, and what applying a manifest would make of it. Nothing was changed. Both are as the API server gave them,
/// a Secret's values included: whoever shows them hides those.
#[derive(Clone, Debug, PartialEq)]
pub struct DryRun {
    /// The object as it is, if there is one.
    pub live: Option<Value>,
    /// The object as it would be, after defaulting and admission.
    pub planned: Value,
}

impl Cluster {
    /// An object's YAML as a person wants to read it: without `managedFields`, and a Secret's values replaced by `(hidden)`.
    /// `None` if there is no such object. `kind` is one that the chart makes or that a rollout brings about.
    pub async fn object_yaml(&self, ns: &Namespace, kind: &str, name: &str) -> Result<Option<String>, Error> {
        let api_version = api_version_of(kind)?;
        let Some(mut object) = self.get(ns, api_version, kind, name).await? else { return Ok(None) };
        make_presentable(&mut object);
        serde_norway::to_string(&object).map(Some).map_err(|error| Error::Answer(error.to_string()))
    }

    /// An object of any kind as the API server gives it, or `None`.
    pub async fn get(
        &self,
        ns: &Namespace,
        api_version: &str,
        kind: &str,
        name: &str,
    ) -> Result<Option<Value>, Error> {
        let api = self.api_of(ns, api_version, kind).await?;
        in_time(api.get_opt(name)).await?.map(|object| to_value(&object)).transpose()
    }

    /// What applying `manifest` as Helm does (server-side, owning the fields) would do. Changes nothing.
    pub async fn apply_dry_run(&self, ns: &Namespace, manifest: &Value) -> Result<DryRun, Error> {
        let text =
            |pointer, what| manifest.pointer(pointer).and_then(Value::as_str).ok_or(Error::Manifest(what));
        let name = text("/metadata/name", "metadata.name")?;
        let api = self.api_of(ns, text("/apiVersion", "apiVersion")?, text("/kind", "kind")?).await?;
        let live = in_time(api.get_opt(name)).await?.map(|object| to_value(&object)).transpose()?;
        let parameters = PatchParams::apply("helm").force().dry_run();
        let planned = in_time(api.patch(name, &parameters, &Patch::Apply(manifest))).await?;
        Ok(DryRun { live, planned: to_value(&planned)? })
    }

    async fn api_of(
        &self,
        ns: &Namespace,
        api_version: &str,
        kind: &str,
    ) -> Result<Api<DynamicObject>, Error> {
        let (resource, capabilities) = self.discover(api_version, kind).await?;
        Ok(match capabilities.scope {
            Scope::Namespaced => Api::namespaced_with(self.client.clone(), ns.as_str(), &resource),
            Scope::Cluster => Api::all_with(self.client.clone(), &resource),
        })
    }

    async fn discover(&self, api_version: &str, kind: &str) -> Result<(ApiResource, ApiCapabilities), Error> {
        let key = (api_version.to_owned(), kind.to_owned());
        let known = self.discovered.lock().ok().and_then(|known| known.get(&key).cloned());
        if let Some(known) = known {
            return Ok(known);
        }
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let gvk = GroupVersionKind::gvk(group, version, kind);
        let unknown = || Error::UnknownKind { api_version: api_version.into(), kind: kind.into() };
        let found = match in_time(discovery::pinned_kind(&self.client, &gvk)).await {
            Err(error) if error.is_not_found() => return Err(unknown()),
            // The client reports a kind that a group lacks as a failure to talk.
            Err(Error::Unreachable(text)) if text.contains("Missing Kind") => return Err(unknown()),
            found => found?,
        };
        if let Ok(mut known) = self.discovered.lock() {
            known.insert(key, found.clone());
        }
        Ok(found)
    }
}

fn api_version_of(kind: &str) -> Result<&'static str, Error> {
    Ok(match kind {
        "Deployment" | "ReplicaSet" => "apps/v1",
        "Pod" | "Service" | "Secret" | "ConfigMap" | "ServiceAccount" | "Event" | "PersistentVolumeClaim" => {
            "v1"
        }
        "PodDisruptionBudget" => "policy/v1",
        "Ingress" | "NetworkPolicy" => "networking.k8s.io/v1",
        "HorizontalPodAutoscaler" => "autoscaling/v2",
        "Job" | "CronJob" => "batch/v1",
        _ => return Err(Error::UnknownKind { api_version: "what Fairway shows".into(), kind: kind.into() }),
    })
}

fn to_value(object: &DynamicObject) -> Result<Value, Error> {
    serde_json::to_value(object).map_err(|error| Error::Answer(error.to_string()))
}

fn make_presentable(object: &mut Value) {
    let secret = object.get("kind").and_then(Value::as_str) == Some("Secret");
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(LAST_APPLIED);
        }
    }
    if !secret {
        return;
    }
    for key in ["data", "stringData"] {
        for (_, value) in object.get_mut(key).and_then(Value::as_object_mut).into_iter().flatten() {
            *value = HIDDEN.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_value_of_a_secret_is_ever_shown() {
        let mut secret = json!({
            "kind": "Secret",
            "metadata": {
                "name": "orders-redis",
                "managedFields": [{ "manager": "helm" }],
                "annotations": { LAST_APPLIED: "{\"data\":{\"password\":\"aHVudGVyMg==\"}}", "kept": "yes" }
            },
            "data": { "password": "aHVudGVyMg==" },
            "stringData": { "other": "hunter2" }
        });
        make_presentable(&mut secret);
        let text = secret.to_string();
        assert!(!text.contains("aHVudGVyMg") && !text.contains("hunter2"), "{text}");
        assert!(!text.contains("managedFields"), "{text}");
        assert_eq!(secret["data"]["password"], HIDDEN);
        assert_eq!(secret["metadata"]["annotations"]["kept"], "yes");
    }

    #[test]
    fn a_config_map_is_shown_as_it_is() {
        let mut map = json!({ "kind": "ConfigMap", "metadata": { "name": "a" }, "data": { "key": "value" } });
        make_presentable(&mut map);
        assert_eq!(map["data"]["key"], "value");
    }
}
