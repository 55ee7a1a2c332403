# Starting, and healing what is half started.
# shellcheck shell=bash

command_up() {
    require_debian_12
    local started=$EPOCHREALTIME owner
    owner=$(owner_of_running_cluster)
    if [[ -n $owner && $owner != "$state" ]]; then
        reuse_cluster "$owner"
        return
    fi
    install_needed
    if everything_runs; then
        echo "Local cluster: up already ($kubeconfig)"
        return
    fi
    echo 'Local cluster'
    mkdir -p "$machine"
    echo "$state" >"$machine/owner"
    step 'certificates, settings' write_settings
    step 'network' start_network
    step 'control plane' start_control_plane
    step 'node' start_node
    step 'namespaces, addons' start_addons
    step 'base images in registry' push_base_images
    step 'node Ready' wait_for_node
    echo "  up after $(seconds_since "$started") s, kubeconfig: $kubeconfig"
}

# One cluster fits a machine: two kube-proxies would rewrite each other's chains. So a clone that
# meets another's running cluster uses that one, with a builder's storage of its own.
owner_of_running_cluster() {
    local owner
    owner=$(cat "$machine/owner" 2>/dev/null) || return 0
    if running_in "$owner" kube-apiserver; then echo "$owner"; fi
}

reuse_cluster() {
    mkdir -p "$state/buildah"
    sed -e "s|^BUILDAH_ROOT=.*|BUILDAH_ROOT=$state/buildah/root|" \
        -e "s|^BUILDAH_RUNROOT=.*|BUILDAH_RUNROOT=$state/buildah/run|" "$1/cluster.env" >"$state/cluster.env"
    ln -sfn "$1/bin" "$state/bin"
    ln -sfn "$1/kubeconfig" "$kubeconfig"
    echo "Local cluster: reusing the one of $1, which stays when this clone stops"
}

components=(etcd registry kube-apiserver kube-controller-manager kube-scheduler containerd kubelet kube-proxy coredns metrics-server)

everything_runs() {
    local name
    for name in "${components[@]}"; do running "$name" || return 1; done
    ip link show "$bridge" >/dev/null 2>&1 && node_ready
}

api() {
    curl --silent --fail --max-time 5 --cacert "$state/pki/ca.crt" --cert "$state/pki/admin.crt" --key "$state/pki/admin.key" "https://127.0.0.1:$api_port$1"
}

# Ready, and said so since this kubelet was started: etcd remembers what the one before it said.
node_ready() {
    local status heartbeat
    read -r status heartbeat < <("$program/kubectl" --kubeconfig "$kubeconfig" get node "$node" --output \
        'jsonpath={range .status.conditions[?(@.type=="Ready")]}{.status} {.lastHeartbeatTime}{"\n"}{end}')
    [[ $status == True ]] && (($(date --date "$heartbeat" +%s) >= $(stat --format %Y "$state/run/kubelet.pid")))
}

wait_for_node() { wait_for 60 kubelet node_ready; }

start_network() {
    # kubectl logs, exec and port-forward reach the kubelet by the node's name.
    if ! getent ahostsv4 "$node" | grep -q '^127\.0\.0\.1 '; then
        echo "127.0.0.1 $node # fairway local cluster" >>/etc/hosts
    fi
    if ! ip link show "$bridge" >/dev/null 2>&1; then
        ip link add "$bridge" type bridge
    fi
    # The CNI plugin would make the bridge with the first pod; CoreDNS needs its address before.
    ip address replace "$gateway/${pod_network#*/}" dev "$bridge"
    ip link set "$bridge" up
    if [[ ! -e $machine/ip_forward ]]; then sysctl -n net.ipv4.ip_forward >"$machine/ip_forward"; fi
    sysctl -qw net.ipv4.ip_forward=1
    # The apiserver listens on loopback only, where no endpoint may be. So the service `kubernetes`
    # has none, kube-proxy passes it by, and this rule leads pods to it.
    sysctl -qw "net.ipv4.conf.$bridge.route_localnet=1"
    if ! iptables -w -t nat -C PREROUTING "${api_rule[@]}" 2>/dev/null; then
        iptables -w -t nat -A PREROUTING "${api_rule[@]}"
    fi
    # Where the kernel can: traffic between two pods of the bridge passes the services' rules too.
    sysctl -qw net.bridge.bridge-nf-call-iptables=1 2>/dev/null || true
}

api_rule=(-i "$bridge" -d "$api_service/32" -p tcp --dport 443 -j DNAT --to-destination "127.0.0.1:$api_port")

start_control_plane() {
    local pki=$state/pki
    # Without fsync: a power cut may cost the cluster's state, which is made to be thrown away.
    start etcd etcd --name fairway --data-dir "$state/etcd" --unsafe-no-fsync \
        --listen-client-urls https://127.0.0.1:2379 --advertise-client-urls https://127.0.0.1:2379 \
        --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
        --initial-cluster fairway=http://127.0.0.1:2380 \
        --cert-file "$pki/etcd.crt" --key-file "$pki/etcd.key" --client-cert-auth --trusted-ca-file "$pki/ca.crt"
    start registry docker-registry serve "$state/registry/config.yml"
    start containerd containerd --config "$state/containerd/config.toml"
    start kube-apiserver "$program/kube-apiserver" --bind-address=127.0.0.1 --secure-port="$api_port" \
        --advertise-address=127.0.0.1 --endpoint-reconciler-type=none \
        --etcd-servers=https://127.0.0.1:2379 --etcd-cafile="$pki/ca.crt" \
        --etcd-certfile="$pki/apiserver-client.crt" --etcd-keyfile="$pki/apiserver-client.key" \
        --client-ca-file="$pki/ca.crt" --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
        --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged \
        --service-cluster-ip-range="$service_network" --service-account-issuer=https://kubernetes.default.svc \
        --service-account-key-file="$pki/service-accounts.pub" --service-account-signing-key-file="$pki/service-accounts.key" \
        --kubelet-preferred-address-types=Hostname --kubelet-certificate-authority="$pki/ca.crt" \
        --kubelet-client-certificate="$pki/apiserver-client.crt" --kubelet-client-key="$pki/apiserver-client.key" \
        --requestheader-client-ca-file="$pki/ca.crt" --requestheader-allowed-names=aggregator \
        --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
        --requestheader-extra-headers-prefix=X-Remote-Extra- \
        --proxy-client-cert-file="$pki/aggregator.crt" --proxy-client-key-file="$pki/aggregator.key"
    wait_for 60 kube-apiserver api /readyz
    start kube-controller-manager "$program/kube-controller-manager" --bind-address=127.0.0.1 --leader-elect=false \
        --kubeconfig="$state/kubeconfigs/controller-manager" --cluster-cidr="$pod_network" \
        --root-ca-file="$pki/ca.crt" --service-account-private-key-file="$pki/service-accounts.key" \
        --use-service-account-credentials \
        --authentication-kubeconfig="$state/kubeconfigs/controller-manager" \
        --authorization-kubeconfig="$state/kubeconfigs/controller-manager"
    start kube-scheduler "$program/kube-scheduler" --bind-address=127.0.0.1 --leader-elect=false \
        --kubeconfig="$state/kubeconfigs/scheduler" \
        --authentication-kubeconfig="$state/kubeconfigs/scheduler" --authorization-kubeconfig="$state/kubeconfigs/scheduler"
}

start_node() {
    wait_for 20 containerd ctr --address "$machine/containerd.sock" version
    start kubelet "$program/kubelet" --config="$state/kubelet.yaml" --kubeconfig="$state/kubeconfigs/kubelet" \
        --root-dir="$state/kubelet" --hostname-override="$node"
    start kube-proxy "$program/kube-proxy" --config="$state/kube-proxy.yaml"
}

start_addons() {
    "$program/kubectl" --kubeconfig "$kubeconfig" apply --filename "$here/manifests"
    start coredns "$program/coredns" -conf "$state/Corefile"
    start metrics-server "$program/metrics-server" --bind-address=127.0.0.1 --secure-port=4443 \
        --kubeconfig="$state/kubeconfigs/metrics-server" \
        --authentication-kubeconfig="$state/kubeconfigs/metrics-server" \
        --authorization-kubeconfig="$state/kubeconfigs/metrics-server" \
        --tls-cert-file="$state/pki/metrics-server.crt" --tls-private-key-file="$state/pki/metrics-server.key" \
        --kubelet-insecure-tls --kubelet-preferred-address-types=Hostname --kubelet-request-timeout=5s --metric-resolution=10s
    wait_for 20 registry curl --silent --fail "http://$registry/v2/"
}

command_status() {
    local name owner
    owner=$(owner_of_running_cluster)
    if [[ -n $owner && $owner != "$state" ]]; then
        echo "This clone uses the cluster of $owner"
        return
    fi
    for name in "${components[@]}"; do
        if running "$name"; then
            printf '  %-24s pid %s\n' "$name" "$(<"$state/run/$name.pid")"
        else
            printf '  %-24s %s\n' "$name" 'not running'
        fi
    done
    if running kube-apiserver; then
        "$state/bin/kubectl" --kubeconfig "$kubeconfig" get nodes
    fi
}
