# What the cluster needs and this machine lacks.
# shellcheck shell=bash

debian_packages=(
    buildah conntrack containerd containernetworking-plugins curl docker-registry etcd-server
    iproute2 iptables mmdebstrap openssl runc
)

command_install() {
    require_debian_12
    echo "Local cluster: what it needs"
    install_needed "$@"
}

install_needed() {
    local -a missing
    mapfile -t missing < <(missing_packages "${debian_packages[@]}" "$@")
    if ((${#missing[@]} > 0)); then
        step "Debian packages (${#missing[@]})" install_packages "${missing[@]}"
    fi
    require_go
    program=$(program_folder)
    if [[ ! -d $program ]]; then
        step 'Go program (5 min once)' build_program
    fi
    if ! base_images_made; then
        step 'base images' make_base_images
    fi
}

require_debian_12() {
    if ! grep -q '^VERSION_CODENAME=bookworm$' /etc/os-release || [[ $(uname -m) != x86_64 ]]; then
        echo 'The local cluster is made of the packages of Debian 12 (bookworm) on amd64, and this machine is another.' >&2
        echo "What to do: use a cluster that you have (README.md, 'your own cluster')." >&2
        exit 69
    fi
}

require_go() {
    if ! command -v go >/dev/null; then
        echo 'The local cluster is built by Go 1.26 or newer, and there is no `go` in PATH.' >&2
        echo 'What to do: install it, then run the same command again.' >&2
        exit 69
    fi
}

missing_packages() {
    local installed package
    # A name that dpkg has never heard of is an error to it; to us it is one more that is missing.
    installed=$(dpkg-query --show --showformat '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
    for package in "$@"; do
        if ! grep -qxF "$package installed" <<<"$installed"; then echo "$package"; fi
    done
}

install_packages() {
    local policy=/usr/sbin/policy-rc.d
    # Debian starts a service when its package is installed; etcd, containerd and the registry
    # are to run under the cluster's own settings only. A policy that is there already stays.
    if [[ ! -e $policy ]]; then
        # shellcheck disable=SC2064 # the path as it is now
        trap "rm -f $policy" EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get -o DPkg::Lock::Timeout=300 update
    apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "$@"
}
