# Certificates, kubeconfigs and every component's settings, written into the state folder.
# shellcheck shell=bash

node=node-1
bridge=fairway0
gateway=10.244.0.1
pod_network=10.244.0.0/16
service_network=10.96.0.0/16
api_service=10.96.0.1
api_port=6443

write_settings() {
    local link
    # Left from when this clone used another's cluster.
    for link in "$kubeconfig" "$state/bin"; do
        if [[ -L $link ]]; then rm "$link"; fi
    done
    mkdir -p "$state"/{run,log,pki,kubeconfigs,containerd,cni,registry,etcd,buildah}
    chmod 700 "$state/pki" "$state/kubeconfigs" "$state/etcd"
    write_certificates
    write_kubeconfigs
    write_registry_settings
    write_containerd_settings
    write_node_settings
    write_coredns_settings
    write_cluster_env
}

# One authority signs everybody; it lives as long as the state folder.
write_certificates() {
    cd "$state/pki"
    if [[ -e complete ]]; then return; fi
    rm -f -- *
    openssl ecparam -name prime256v1 -genkey -noout -out ca.key
    openssl req -x509 -new -key ca.key -days 3650 -subj '/CN=fairway-cluster' -out ca.crt
    openssl ecparam -name prime256v1 -genkey -noout -out service-accounts.key
    openssl ec -in service-accounts.key -pubout -out service-accounts.pub

    local localhost=DNS:localhost,IP:127.0.0.1
    certificate etcd /CN=etcd "$localhost"
    certificate apiserver /CN=kube-apiserver "$localhost,DNS:$node,IP:$api_service,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
    certificate kubelet "/O=system:nodes/CN=system:node:$node" "$localhost,DNS:$node"
    certificate apiserver-client /O=system:masters/CN=kube-apiserver
    certificate aggregator /CN=aggregator
    certificate admin /O=system:masters/CN=admin
    certificate controller-manager /CN=system:kube-controller-manager
    certificate scheduler /CN=system:kube-scheduler
    certificate proxy /CN=system:kube-proxy
    certificate coredns /CN=fairway:coredns
    certificate metrics-server /CN=fairway:metrics-server "$localhost,DNS:$node"
    touch complete
}

# certificate NAME SUBJECT [ALTERNATIVE-NAMES]
certificate() {
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
    openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -out "$1.crt" \
        -extfile <(echo 'extendedKeyUsage=serverAuth,clientAuth'; if [[ -n ${3:-} ]]; then echo "subjectAltName=$3"; fi)
    rm "$1.csr"
}

write_kubeconfigs() {
    local name
    if [[ ! -e $kubeconfig ]]; then write_kubeconfig admin "$kubeconfig"; fi
    for name in controller-manager scheduler kubelet proxy coredns metrics-server; do
        if [[ ! -e $state/kubeconfigs/$name ]]; then write_kubeconfig "$name" "$state/kubeconfigs/$name"; fi
    done
}

# Certificates are inlined: the file can be copied to wherever a person's tools look for it.
write_kubeconfig() {
    (
        umask 077
        cat >"$2.making" <<YAML
apiVersion: v1
kind: Config
current-context: fairway
contexts:
- name: fairway
  context: {cluster: fairway, user: $1}
clusters:
- name: fairway
  cluster:
    server: https://127.0.0.1:$api_port
    certificate-authority-data: $(base64 -w0 "$state/pki/ca.crt")
users:
- name: $1
  user:
    client-certificate-data: $(base64 -w0 "$state/pki/$1.crt")
    client-key-data: $(base64 -w0 "$state/pki/$1.key")
YAML
    )
    mv "$2.making" "$2"
}

write_registry_settings() {
    cat >"$state/registry/config.yml" <<YAML
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: $state/registry/data}
  delete: {enabled: true}
http: {addr: $registry}
YAML
}

write_containerd_settings() {
    cat >"$state/containerd/config.toml" <<TOML
version = 2
root = "$state/containerd/root"
state = "$machine/containerd"
# Images come by pulling; the snapshotters for other file systems only warn.
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]

[grpc]
  address = "$machine/containerd.sock"
[ttrpc]
  address = "$machine/containerd.sock.ttrpc"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$(base_image_reference pause)"
  # A machine inside another one may not lower an oom score, and every sandbox would die of it.
  restrict_oom_score_adj = true
  max_container_log_line_size = 16384
  disable_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$state/cni"
TOML
    # No masquerading: pods have no business outside the machine.
    cat >"$state/cni/10-fairway.conflist" <<JSON
{
  "cniVersion": "0.4.0",
  "name": "fairway",
  "plugins": [
    {
      "type": "bridge", "bridge": "$bridge", "isGateway": true, "hairpinMode": true,
      "ipam": {
        "type": "host-local", "dataDir": "$machine/leases",
        "ranges": [[{"subnet": "$pod_network", "gateway": "$gateway"}]],
        "routes": [{"dst": "0.0.0.0/0"}]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
JSON
}

write_node_settings() {
    # Names outside the cluster are not resolved in pods: CoreDNS answers, and has nobody to ask.
    : >"$state/resolv.conf"
    cat >"$state/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: 127.0.0.1
healthzBindAddress: 127.0.0.1
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $state/pki/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: $state/pki/kubelet.crt
tlsPrivateKeyFile: $state/pki/kubelet.key
containerRuntimeEndpoint: unix://$machine/containerd.sock
clusterDomain: cluster.local
clusterDNS: [$gateway]
resolvConf: $state/resolv.conf
podLogsDir: $state/pod-logs
volumePluginDir: $state/kubelet/volume-plugins
# Both kinds of cgroups are met on developers' machines.
failCgroupV1: false
cgroupDriver: cgroupfs
enforceNodeAllocatable: []
localStorageCapacityIsolation: false
makeIPTablesUtilChains: false
failSwapOn: false
# A pod's state is written when it is synced: with the default of a minute, one that crashes in a
# loop would be called "Error" for as long.
syncFrequency: 3s
serializeImagePulls: false
registryPullQPS: 0
maxPods: 250
# A disk that is nearly full is the owner's matter, not a reason to evict every pod.
imageGCHighThresholdPercent: 98
imageGCLowThresholdPercent: 96
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%, nodefs.inodesFree: 1%, imagefs.inodesFree: 1%}
YAML
    # maxPerCore and min 0: leave the machine's connection tracking as it is.
    cat >"$state/kube-proxy.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
hostnameOverride: $node
clusterCIDR: $pod_network
clientConnection: {kubeconfig: $state/kubeconfigs/proxy}
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
nodePortAddresses: [127.0.0.0/8]
conntrack: {maxPerCore: 0, min: 0}
YAML
}

write_coredns_settings() {
    cat >"$state/Corefile" <<CORE
.:53 {
    bind $gateway
    ready 127.0.0.1:8181
    errors
    cache 5
    kubernetes cluster.local in-addr.arpa {
        kubeconfig $state/kubeconfigs/coredns fairway
    }
}
CORE
}

# What everything else has to know of the cluster, one KEY=VALUE a line; a value goes to the line's end.
write_cluster_env() {
    local name
    {
        echo "KUBECONFIG=$kubeconfig"
        echo "REGISTRY=$registry"
        echo "BIN=$state/bin"
        echo "BUILDAH_ROOT=$state/buildah/root"
        echo "BUILDAH_RUNROOT=$state/buildah/run"
        echo "BASE_PYTHON=$(base_image_reference python)"
        echo "BASE_REDIS=$(base_image_reference redis)"
        echo "BASE_GO_BUILDER=$(base_image_reference go-builder)"
        echo "BASE_DEBIAN=$(base_image_reference debian)"
        echo "GOPROXY=$(go env GOPROXY)"
        for name in GOSUMDB GOFLAGS; do
            if [[ -n ${!name:-} ]]; then echo "$name=${!name}"; fi
        done
    } >"$state/cluster.env.making"
    mv "$state/cluster.env.making" "$state/cluster.env"
    mkdir -p "$state/bin"
    for name in kubectl helm; do ln -sfn "$program/$name" "$state/bin/$name"; done
}
