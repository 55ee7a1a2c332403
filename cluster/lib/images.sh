# Base images: root file systems out of Debian's own packages, kept as OCI layouts in the cache
# and pushed to the local registry. No image is taken from anywhere else.
# shellcheck shell=bash

base_image_names=(debian python redis go-builder pause)

base_image_reference() {
    case $1 in
        debian) echo "$registry/base/debian:12" ;;
        python) echo "$registry/base/python:3" ;;
        redis) echo "$registry/base/redis:7" ;;
        go-builder) echo "$registry/base/go-builder:1.23" ;;
        pause) echo "$registry/base/pause:1" ;;
    esac
}

# What is in each image. The text of this function is the key under which results are cached:
# change anything here, and the images are made anew.
base_image_recipe() {
    local suite=bookworm packages=() user='' command=() settings=() path=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
    case $1 in
        debian)
            packages=(ca-certificates git)
            command=(/bin/bash)
            ;;
        python)
            packages=(python3 python3-fastapi python3-uvicorn python3-redis python3-prometheus-client)
            user=10001
            command=(python3)
            # Lines of a log have to leave the process when they are written, not when a buffer is full.
            settings=(--env PYTHONUNBUFFERED=1 --env PYTHONDONTWRITEBYTECODE=1 --workdir /app)
            ;;
        redis)
            packages=(redis-server redis-tools)
            user=10002
            # Protected mode would refuse every other pod; a password is the chart's matter.
            command=(redis-server --protected-mode no --save '' --appendonly no --dir /data)
            settings=(--workdir /data)
            ;;
        go-builder)
            suite=bookworm-backports
            packages=(golang-1.23-go ca-certificates)
            command=(/bin/bash)
            path=/usr/lib/go-1.23/bin:$path
            settings=(--env GOPATH=/go --env GOTOOLCHAIN=local --env CGO_ENABLED=0 --workdir /src)
            ;;
    esac
    settings+=(--env "PATH=$path")
    debian_root "$suite" "$user" "${packages[@]}" |
        "$program/image" pack ${user:+--user "$user:$user"} "${settings[@]}" "$layout" "${command[@]}"
}

# A root file system as a tar on standard output.
debian_root() {
    local suite=$1 user=$2 mirror sources options=()
    shift 2
    mirror=$(debian_mirror)
    sources=("deb $mirror bookworm main")
    if [[ $suite != bookworm ]]; then
        sources+=("deb $mirror $suite main")
    fi
    if [[ -n $user ]]; then
        # shellcheck disable=SC2016 # "$1" is mmdebstrap's, the root it is building
        options+=(--customize-hook='chroot "$1" useradd --uid '"$user"' --user-group --no-create-home --shell /usr/sbin/nologin app'
            --customize-hook='install -d -o '"$user"' -g '"$user"' "$1/app" "$1/data"')
    fi
    mmdebstrap --quiet --mode=root --variant=minbase --format=tar --skip=output/dev \
        --aptopt='Acquire::Languages "none"' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
        --include="$(IFS=,; echo "$*")" "${options[@]}" bookworm - "${sources[@]}"
}

# The mirror that this machine's own apt uses.
debian_mirror() {
    local mirror
    mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
        awk '$1 == "bookworm" { print $2; exit }')
    if [[ -z $mirror ]]; then
        echo "apt knows no mirror of Debian 12 (bookworm); the base images are made from its packages" >&2
        return 1
    fi
    echo "$mirror"
}

# pause comes from program/, everything else from Debian.
make_base_image() {
    local name=$1 layout target
    target=$(base_image_layout "$name")
    if [[ -d $target ]]; then return; fi
    layout=$(mktemp -d "$cache/images/.making-$name-XXXXXX")
    if [[ $name == pause ]]; then
        tar --create --file - --directory "$program" --owner=0 --group=0 pause |
            "$program/image" pack --user 65535:65535 "$layout" /pause
    else
        base_image_recipe "$name"
    fi
    chmod 755 "$layout"
    mv --no-target-directory "$layout" "$target"
}

base_image_layout() {
    local key
    if [[ $1 == pause ]]; then
        key=$(basename "$program")
    else
        key=$({ declare -f base_image_recipe debian_root; uname -m; } | sha256sum | cut -c1-16)
    fi
    echo "$cache/images/$1-$key"
}

# All at once: each waits for the network first, and then for one core.
make_base_images() {
    local name making failed=0
    local -a all=()
    mkdir -p "$cache/images"
    find "$cache/images" -maxdepth 1 -name '.making-*' -exec rm -rf {} +
    for name in "${base_image_names[@]}"; do
        make_base_image "$name" &
        all+=($!)
    done
    for making in "${all[@]}"; do wait "$making" || failed=1; done
    return "$failed"
}

base_images_made() {
    local name
    for name in "${base_image_names[@]}"; do
        if [[ ! -d $(base_image_layout "$name") ]]; then return 1; fi
    done
}

push_base_images() {
    local name reference layout stamp
    for name in "${base_image_names[@]}"; do
        reference=$(base_image_reference "$name")
        layout=$(base_image_layout "$name")
        # A stamp beside the registry's data spares asking it; `reset` forgets both.
        stamp=$state/registry/pushed-$(basename "$layout")
        if [[ ! -e $stamp ]]; then
            "$program/image" push "$layout" "$reference"
            touch "$stamp"
        fi
    done
}
