# What the scripts of this folder share. Sourced, after `set -euo pipefail`.
# shellcheck shell=bash

clone=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
# Everything of this clone that lasts: the cluster, Fairway's data, logs and pid files.
state=$(realpath --canonicalize-missing "${FAIRWAY_STATE:-$clone/.fairway}")
log=$state/log
mkdir -p "$log" "$state/run"

# step TITLE COMMAND…: a line with the time it took; the output goes to a file, of which a failure shows the end.
step() {
    local title=$1 output started=$EPOCHREALTIME code
    shift
    output=$log/${title//[^A-Za-z0-9]/-}.log
    printf '  %-34s' "$title"
    set +e
    (set -e; "$@") >"$output" 2>&1 </dev/null
    code=$?
    set -e
    if ((code != 0)); then
        printf '%9s\n\n' failed
        {
            echo "The step '$title' failed (exit code $code) at: $*"
            echo "Its last lines ($output):"
            tail -n 20 "$output" | sed 's/^/    /'
            echo
            echo "Mend what they name and run the same command again: it goes on where it stopped."
        } >&2
        exit 1
    fi
    printf '%8.1fs\n' "$(seconds_since "$started")"
}

seconds_since() {
    awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { print to - from }'
}

# The toolchain that rust-toolchain.toml names, with its parts.
install_toolchain() {
    if ! command -v rustup >/dev/null; then
        echo "rustup is missing: install Rust as its home page says, then run this again." >&2
        return 1
    fi
    local version
    version=$(sed -n 's/^channel = "\(.*\)"/\1/p' "$clone/rust-toolchain.toml")
    rustup toolchain install "$version" --profile minimal -c rustfmt -c clippy -t wasm32-unknown-unknown
}

# Sets the variables by which Fairway finds the local cluster.
use_local_cluster() {
    local name value
    declare -A cluster=()
    while IFS='=' read -r name value; do cluster[$name]=$value; done <"$state/cluster/cluster.env"
    export PATH="${cluster[BIN]}:$PATH"
    export FAIRWAY_KUBERNETES_KUBECONFIG=${cluster[KUBECONFIG]}
    export FAIRWAY_REGISTRY_ADDRESS=${cluster[REGISTRY]}
    export FAIRWAY_REGISTRY_PLAIN_HTTP=true
    export FAIRWAY_BASE_IMAGES_PYTHON=${cluster[BASE_PYTHON]}
    export FAIRWAY_BASE_IMAGES_REDIS=${cluster[BASE_REDIS]}
    export FAIRWAY_BASE_IMAGES_GO_BUILDER=${cluster[BASE_GO_BUILDER]}
    export FAIRWAY_BUILDER_ROOT=${cluster[BUILDAH_ROOT]}
    export FAIRWAY_BUILDER_RUN_ROOT=${cluster[BUILDAH_RUNROOT]}
    export FAIRWAY_BUILDER_BUILD_ARGUMENTS="GOPROXY=${cluster[GOPROXY]}"
    # Modules are fetched while an image is built: with this machine's certificates and name servers.
    export FAIRWAY_BUILDER_READ_ONLY_MOUNTS="/etc/ssl/certs:/etc/ssl/certs,/etc/resolv.conf:/etc/resolv.conf"
    export FAIRWAY_HELM_PROGRAM=${cluster[BIN]}/helm
    export FAIRWAY_ENVIRONMENTS="${FAIRWAY_ENVIRONMENTS:-staging=staging:purgeable,production=production}"
}

# Whether the process of the pid file is still the program that wrote it.
alive() {
    local file=$1 program=$2 pid
    [[ -e $file ]] || return 1
    pid=$(<"$file")
    [[ $(readlink "/proc/$pid/exe" 2>/dev/null) == "$program"* ]]
}

# start_fairway DATA LISTEN: in the background, its output in a log, its pid in a file; returns once it answers.
start_fairway() {
    local data=$1 listen=$2 program=$clone/target/debug/fairway
    export FAIRWAY_DATA=$data FAIRWAY_LISTEN=$listen FAIRWAY_SITE=$clone/target/site
    setsid "$program" >>"$log/fairway.log" 2>&1 </dev/null &
    echo $! >"$state/run/fairway.pid"
    for _ in $(seq 150); do
        if curl --silent --fail --noproxy '*' "http://$listen/readyz" >/dev/null; then return; fi
        if ! alive "$state/run/fairway.pid" "$program"; then
            tail -n 20 "$log/fairway.log"
            return 1
        fi
        sleep 0.1
    done
    echo "Fairway did not answer at $listen within 15 s; its log: $log/fairway.log"
    return 1
}

# Ends Fairway by its pid, and waits until it has given its jobs back.
stop_fairway() {
    local file=$state/run/fairway.pid program=$clone/target/debug/fairway pid
    if alive "$file" "$program"; then
        pid=$(<"$file")
        kill "$pid"
        for _ in $(seq 150); do
            alive "$file" "$program" || break
            sleep 0.1
        done
        if alive "$file" "$program"; then kill -KILL "$pid"; fi
    fi
    rm -f "$file"
}
