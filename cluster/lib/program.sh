# The Go program that is every Kubernetes component, kubectl, helm, CoreDNS and metrics-server.
# shellcheck shell=bash

kubernetes_version=v1.36.3
helm_version=v4.3.1
program_names=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl helm coredns metrics-server)

# The folder of this source's build: another source, or another Go, is another folder, so a
# stale program is never used and clones share what is equal.
program_folder() {
    local key
    key=$({
        cd "$here/program"
        sha256sum go.mod go.sum ./*.go ./*/*.go
        go env GOVERSION GOARCH
        linker_flags
    } | sha256sum | cut -c1-16)
    echo "$cache/program/$key"
}

# Versions that the components' own release builds write in too.
linker_flags() {
    local major minor kubernetes=k8s.io/component-base/version helm=helm.sh/helm/v4/internal/version
    IFS=. read -r major minor _ <<<"${kubernetes_version#v}"
    echo "-s -w -X $kubernetes.gitVersion=$kubernetes_version -X $kubernetes.gitMajor=$major -X $kubernetes.gitMinor=$minor" \
        "-X $helm.version=$helm_version"
}

build_program() {
    local making name
    if [[ -d $program ]]; then return; fi
    mkdir -p "$cache/program"
    find "$cache/program" -maxdepth 1 -name '.making-*' -exec rm -rf {} +
    making=$(mktemp -d "$cache/program/.making-XXXXXX")
    cd "$here/program"
    export CGO_ENABLED=0
    go build -trimpath -o "$making/" -ldflags '-s -w' ./image ./pause
    go build -trimpath -o "$making/kubernetes" -ldflags "$(linker_flags)" .
    for name in "${program_names[@]}"; do ln -s kubernetes "$making/$name"; done
    chmod 755 "$making"
    mv --no-target-directory "$making" "$program"
}
