# A line a step with the time it took; a failure that says what to do.
# shellcheck shell=bash

# step TITLE COMMAND [ARGUMENT]…: the command's output goes to a file, which is shown only if it fails.
step() {
    local title=$1 log=$state/log/step.log started code
    shift
    mkdir -p "$state/log"
    started=$EPOCHREALTIME
    printf '  %-28s' "$title"
    # Not `if ( … )`: inside a condition, bash ignores errexit however often it is set.
    set +e
    (
        set -eE
        # `return` is a function of ours that has said already what is wrong.
        trap 'code=$?; [[ $BASH_COMMAND == return* ]] || echo "failed: $BASH_COMMAND (exit code $code)"' ERR
        "$@"
    ) >"$log" 2>&1 </dev/null
    code=$?
    set -e
    if ((code != 0)); then
        printf '%8s\n' failed
        explain "$title" "$log"
        exit 1
    fi
    printf '%8s s\n' "$(seconds_since "$started")"
}

seconds_since() {
    awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.1f", to - from }'
}

explain() {
    local title=$1 log=$2
    {
        echo
        echo "The step '$title' failed. Its last lines ($log):"
        tail -n 15 "$log" | sed 's/^/    /'
        echo
        echo "What to do: mend what it names and run the same command again, it goes on where it stopped."
        echo "The components' own logs are in $state/log; 'cluster/cluster reset' starts from nothing."
    } >&2
}

# wait_for SECONDS WHAT COMMAND…: asks ten times a second; a failure shows what the component said last.
wait_for() {
    local limit=$1 component=$2 deadline
    shift 2
    deadline=$((SECONDS + limit))
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS >= deadline)); then
            echo "$component did not answer within $limit s to: $*"
            tail -n 8 "$state/log/$component.log" 2>/dev/null || true
            return 1
        fi
        if [[ -e $state/run/$component.pid ]] && ! running "$component"; then
            echo "$component ended:"
            tail -n 8 "$state/log/$component.log" || true
            return 1
        fi
        sleep 0.1
    done
}
