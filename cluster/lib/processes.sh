# Processes of the cluster: started in a session of their own, known by a pid file, ended by that pid.
# shellcheck shell=bash

# start NAME PROGRAM [ARGUMENT]…: nothing if it runs already.
start() {
    local name=$1
    shift
    if running "$name"; then return; fi
    mkdir -p "$state/run" "$state/log"
    (
        # A process that kept a descriptor of ours would keep a CI job's output, or the lock, open.
        for descriptor in "/proc/$BASHPID/fd/"*; do
            descriptor=${descriptor##*/}
            if ((descriptor > 2)); then exec {descriptor}>&-; fi
        done
        cd "$state"
        exec setsid "$@"
    ) </dev/null >"$state/log/$name.log" 2>&1 &
    echo $! >"$state/run/$name.pid"
}

# Whether the pid in the file is still the process that was started: it runs in the state
# folder and was called by the component's name. A number alone may be someone else's by now.
running() { running_in "$state" "$1"; }

running_in() {
    local folder=$1 name=$2 pid called
    pid=$(cat "$folder/run/$name.pid" 2>/dev/null) || return 1
    [[ -n $pid && $(readlink "/proc/$pid/cwd" 2>/dev/null) == "$folder" ]] || return 1
    IFS= read -r -d '' called <"/proc/$pid/cmdline" || return 1
    # Between fork and exec it is still called bash or setsid.
    case ${called##*/} in
        "$(program_of "$name")" | setsid | bash) return 0 ;;
        *) return 1 ;;
    esac
} 2>/dev/null

program_of() {
    case $1 in
        registry) echo docker-registry ;;
        *) echo "$1" ;;
    esac
}

# stop SECONDS NAME…: asks all of them to end, waits, and kills what is left after so many seconds.
stop() {
    local limit=$1 name pid deadline
    local -a names=()
    shift
    for name in "$@"; do
        if running "$name"; then
            kill -TERM "$(<"$state/run/$name.pid")" 2>/dev/null || true
            names+=("$name")
        fi
    done
    deadline=$((SECONDS + limit))
    for name in "${names[@]}"; do
        while running "$name"; do
            if ((SECONDS >= deadline)); then
                kill -KILL "$(<"$state/run/$name.pid")" 2>/dev/null || true
            fi
            sleep 0.05
        done
    done
    for name in "$@"; do rm -f "$state/run/$name.pid"; done
}
