# Stopping, in an order that leaves nothing behind.
# shellcheck shell=bash

command_down() {
    local owner
    owner=$(owner_of_running_cluster)
    if [[ -n $owner && $owner != "$state" ]]; then
        step 'own mounts' unmount_state
        echo "Local cluster: the one of $owner goes on running; this clone only used it"
        return
    fi
    if [[ ! -d $state ]]; then
        echo 'Local cluster: was never started here'
        return
    fi
    echo 'Local cluster: stopping'
    step 'Kubernetes' stop 5 metrics-server coredns kube-proxy kubelet kube-scheduler kube-controller-manager kube-apiserver
    step 'containers' remove_containers
    step 'containerd, etcd, registry' stop 5 containerd etcd registry
    step 'mounts' unmount_state
    step 'network' remove_network
    step 'traces on the machine' remove_traces
}

command_reset() {
    command_down
    if [[ -d $state ]]; then
        # Not through `step`: its log is in the folder.
        rm -rf --one-file-system "$state"
        echo '  data forgotten'
    fi
}

# A container's shim outlives containerd, so every task is ended while containerd can do it.
remove_containers() {
    if ! running containerd; then
        # It crashed, or was killed: its containers are still there, and only it knows them.
        if [[ ! -e $state/containerd/config.toml || ! -d $machine/containerd ]]; then return; fi
        start containerd containerd --config "$state/containerd/config.toml"
    fi
    wait_for 20 containerd ctr --address "$machine/containerd.sock" version
    # Not `&` and `wait`: where containerd was started just above, it is among those waited for.
    k8s tasks list --quiet | xargs --no-run-if-empty --max-procs=8 --max-args=1 "${k8s[@]}" tasks kill --signal SIGKILL || true
    k8s tasks list --quiet | xargs --no-run-if-empty --max-procs=8 --max-args=1 "${k8s[@]}" tasks rm --force || true
    k8s containers list --quiet | xargs --no-run-if-empty "${k8s[@]}" containers rm
}

k8s=(ctr --address "$machine/containerd.sock" --namespace k8s.io)
k8s() { "${k8s[@]}" "$@"; }

# Deepest first; lazily, if something still holds one.
unmount_state() {
    local path
    awk '{ print $5 }' /proc/self/mountinfo | sort --reverse | while read -r path; do
        if [[ $path == "$state"/* || $path == "$machine"/* ]]; then
            umount "$path" || umount --lazy "$path"
        fi
    done
}

remove_network() {
    local namespace chain running_program
    # The program that was started, which is not the one of the sources if they changed since.
    running_program=$(dirname "$(readlink -f "$state/bin/kubectl")")
    if [[ -x $running_program/kube-proxy ]]; then
        "$running_program/kube-proxy" --cleanup --config="$state/kube-proxy.yaml" || true
    fi
    # The one chain that kube-proxy's own cleanup forgets; only Kubernetes makes it.
    for chain in INPUT OUTPUT; do
        while iptables -w -D "$chain" -j KUBE-FIREWALL 2>/dev/null; do :; done
    done
    if iptables -w -F KUBE-FIREWALL 2>/dev/null; then iptables -w -X KUBE-FIREWALL; fi
    while iptables -w -t nat -D PREROUTING "${api_rule[@]}" 2>/dev/null; do :; done
    # A network namespace takes its end of the pair, and so the other end, along.
    for namespace in /run/netns/cni-*; do
        if [[ -e $namespace ]]; then ip netns delete "${namespace##*/}"; fi
    done
    if ip link show "$bridge" >/dev/null 2>&1; then ip link delete "$bridge"; fi
    if [[ -s $machine/ip_forward ]]; then sysctl -qw "net.ipv4.ip_forward=$(<"$machine/ip_forward")"; fi
}

remove_traces() {
    local controller
    sed -i '/ # fairway local cluster$/d' /etc/hosts || true
    for controller in /sys/fs/cgroup /sys/fs/cgroup/*; do
        if [[ -d $controller/kubepods ]]; then
            find "$controller/kubepods" -depth -type d -exec rmdir {} \; || true
        fi
    done
    rm -rf --one-file-system "$machine"
    # Folders that containerd, runc and kubelet make at fixed places; they stay where somebody else uses them.
    rm -f /var/lib/kubelet/device-plugins/kubelet.sock
    rmdir /var/lib/kubelet/device-plugins /var/lib/kubelet 2>/dev/null || true
    rmdir /run/containerd/runc/k8s.io /run/containerd/runc /run/containerd/s /run/containerd 2>/dev/null || true
}
