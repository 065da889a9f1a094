#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# pull, load, tag, rmi, images.

setup_file() {
    load lib
    new_place
    F=$T
    export F
}
teardown_file() {
    load lib
    file_teardown
}
setup() {
    load lib
    test_setup
}
teardown() {
    rm -rf "$D"
    remove_containers
    remove_images
    stop_registries
    want_no_leaks
}
remove_images() {
    local ids
    ids=$(dhow images -q --no-trunc | sort -u)
    [[ -z $ids ]] || xargs -r "$DHOW" --root "$ROOT" --runroot "$RUNROOT" rmi -f <<<"$ids" >/dev/null 3>&-
}
runs() { # the image can be run
    try run --rm --network none "$1" sh -c 'echo it runs'
    want_output 'it runs'
}
debian_image() {
    image debian --name localhost/test/debian:1 debian
}

# bats test_tags=short
@test "pull over http, run, and again: what is there is not fetched twice" {
    start_registry plain
    push "$(debian_image)" test/debian:1
    ok pull --tls-verify=false "$REGISTRY/test/debian:1"
    [[ $(tail -n 1 "$T/out") =~ ^[0-9a-f]{64}$ ]]
    try run --rm --network none "$REGISTRY/test/debian:1" bash -c 'echo $BASH_VERSION | head -c 2; ls / | head -n 1'
    want_output $'5.bin'
    ok pull --tls-verify=false "$REGISTRY/test/debian:1"
    ok images -q
    [[ $(wc -l <"$T/out") == 1 ]]
}

@test "layers are put on top of each other as they should be" {
    ok load -q -i "$(debian_image)"
    try run --rm --network none --name t localhost/test/debian:1 bash -c '
        cd /opt
        ls a b; test ! -e gone && test ! -e tree && echo removed
        cat becomes-dir/inside
        stat -c "%a %u:%g %n" setuid owned
        stat -c %h one; [ one -ef two ] && echo linked
        stat -c %F fifo; readlink absolute dangling
        cat größe; cat long-*; cat d*/e*'
    want_status 0
    want_output $'a:\nkept\n\nb:\nshown\nremoved\ninside\n4755 0:0 setuid\n640 1000:4 owned\n2\nlinked\nfifo\n/etc/passwd\nnowhere\nutf-8\nlong\ndeep'
}

@test "extended attributes and file capabilities arrive" {
    ok load -q -i "$(debian_image)"
    local top
    top=$(find "$ROOT/layers" -path '*/opt/xattr' -print -quit)
    [[ -n $top ]]
    [[ $(getfattr --only-values -n user.color "$top") == blue ]] || skip "this filesystem holds no user attributes"
    getfattr -n security.capability "${top%/xattr}/capable"
}

# bats test_tags=short
@test "pull over https with a CA of its own; without it is refused" {
    start_registry tls
    push "$(busybox_image)" test/busybox:1
    try pull "$REGISTRY/test/busybox:1"
    want_error 125 'certificate|SSL|TLS'
    mkdir "$D/ca"
    cp "$F/certs/ca.crt" "$D/ca/"
    ok pull --cert-dir "$D/ca" "$REGISTRY/test/busybox:1"
    runs "$REGISTRY/test/busybox:1"
    ok rmi "$REGISTRY/test/busybox:1"
    ok pull --tls-verify=false "$REGISTRY/test/busybox:1"
}

@test "plain http is taken from this machine only, unless it is allowed" {
    start_registry plain
    push "$(busybox_image)" test/busybox:1
    ok pull "$REGISTRY/test/busybox:1"
    # Another machine's address, in a network of our own.
    cat >"$D/there" <<'END'
        set -e
        ip link set lo up
        ip addr add 192.0.2.7/32 dev lo
        "$DHOW_TOP/tests/fake-registry" --address 192.0.2.7 "$1" "$D/port" &
        trap 'kill $!' EXIT
        for i in $(seq 100); do test -s "$D/port" && break; sleep 0.05; done
        rc=0
        "$DHOW" --root "$ROOT" --runroot "$RUNROOT" pull "192.0.2.7:$(cat "$D/port")/x/y:1" >"$D/strict" 2>&1 || rc=$?
        "$DHOW" --root "$ROOT" --runroot "$RUNROOT" pull -q --tls-verify=false "192.0.2.7:$(cat "$D/port")/x/y:1"
        exit "$rc"
END
    local rc=0
    unshare -n sh "$D/there" "$(busybox_image)" 3>&- || rc=$?
    cat "$D/strict"
    [[ $rc == 125 && $(grep -c '^Error' "$D/strict") == 1 ]] || fail "code $rc"
}

# bats test_tags=short
@test "pull with basic authentication; wrong and none are refused" {
    start_registry basic
    push "$(busybox_image)" test/busybox:1 --dest-creds user:pass
    try pull --tls-verify=false "$REGISTRY/test/busybox:1"
    want_error 125 '[Uu]nauthorized|authentication|401|password'
    try pull --tls-verify=false --creds user:wrong "$REGISTRY/test/busybox:1"
    want_error 125
    [[ $(cat "$T/out" "$T/err") != *wrong* ]] || fail "the password is told"
    ok pull --tls-verify=false --creds user:pass "$REGISTRY/test/busybox:1"
    runs "$REGISTRY/test/busybox:1"
}

# bats test_tags=short
@test "pull with bearer tokens, anonymous and with a password" {
    start_fake "$(busybox_image)" --auth bearer --log "$D/requests"
    ok pull --tls-verify=false "$REGISTRY/test/busybox:1"
    grep -q '^GET /token.*scope=repository' "$D/requests"
    grep -q 'manifests/1 Bearer' "$D/requests"
    ok rmi "$REGISTRY/test/busybox:1"
    start_fake "$(busybox_image)" --auth bearer --token-needs-basic
    try pull --tls-verify=false "$REGISTRY/test/busybox:1"
    want_error 125
    ok pull --tls-verify=false --creds user:pass "$REGISTRY/test/busybox:1"
}

@test "credentials do not follow a redirection to another host" {
    start_fake "$(busybox_image)" --auth none --log "$D/elsewhere"
    local other=$REGISTRY
    start_fake "$(busybox_image)" --auth bearer --redirect --log "$D/requests"
    [[ $other != "$REGISTRY" ]]
    ok pull --tls-verify=false --creds user:pass "$REGISTRY/test/busybox:1"
    grep -q '/elsewhere/blobs' "$D/requests"
}

# bats test_tags=short
@test "a manifest list gives the image of this machine, --platform another" {
    local both other
    both=$(image both --name localhost/test/both:1 --arch arm64 amd64 -- busybox)
    start_fake "$both"
    ok pull --tls-verify=false "$REGISTRY/test/both:1"
    ok image inspect --format '{{.Architecture}}' "$REGISTRY/test/both:1"
    case $(uname -m) in
        x86_64) want_output amd64 ;;
        *) want_output arm64 ;;
    esac
    [[ $output == amd64 ]] && other=arm64 || other=amd64
    ok pull --tls-verify=false --platform "linux/$other" "$REGISTRY/test/both:1"
    ok image inspect --format '{{.Architecture}}' "$REGISTRY/test/both:1"
    want_output "$other"
    try pull --tls-verify=false --platform linux/s390x "$REGISTRY/test/both:1"
    want_error 125 's390x'
}

@test "gzip, gzip in members, zstd and plain layers" {
    local how
    for how in gzip gzip-members zstd none; do
        start_fake "$(image "busybox-$how" --layers $how --name localhost/test/busybox:1 busybox)"
        ok pull --tls-verify=false "$REGISTRY/test/busybox:$how"
        runs "$REGISTRY/test/busybox:$how"
        ok rmi "$REGISTRY/test/busybox:$how"
    done
}

@test "docker's own manifest form" {
    start_registry plain
    push "$(debian_image)" test/debian:1 --format v2s2
    ok pull --tls-verify=false "$REGISTRY/test/debian:1"
    try run --rm --network none "$REGISTRY/test/debian:1" bash -c 'echo $0'
    want_output bash
}

# bats test_tags=short
@test "a pull by digest gives just that image" {
    start_registry plain
    push "$(busybox_image)" test/busybox:1
    local digest
    digest=$(jq -r '.manifests[0].digest' "$(busybox_image)/index.json")
    ok pull --tls-verify=false "$REGISTRY/test/busybox@$digest"
    runs "$REGISTRY/test/busybox@$digest"
    try pull --tls-verify=false "$REGISTRY/test/busybox@sha256:$(printf '0%.0s' {1..64})"
    want_error 125
}

# bats test_tags=short
@test "load: docker-archive and OCI layout, as directory, tar, compressed tar, from a pipe" {
    local form outer path
    for form in oci-dir oci-tar docker-archive; do
        for outer in none gzip zstd; do
            [[ $form == oci-dir && $outer != none ]] && continue
            path=$(image "load-$form-$outer" --format $form --outer $outer --name localhost/test/loaded:$form busybox)
            ok load -i "$path"
            want_match "localhost/test/loaded:$form"
            runs "localhost/test/loaded:$form"
            ok rmi "localhost/test/loaded:$form"
        done
    done
    path=$(image load-docker-archive-gzip --format docker-archive --outer gzip --name localhost/test/loaded:docker-archive busybox)
    ok load <"$path"
    # shellcheck disable=SC2002
    cat "$path" | dhow load -q >/dev/null
    runs localhost/test/loaded:docker-archive
}

@test "a short name in an archive is stored under localhost" {
    ok load -q -i "$(image short.tar --format docker-archive --name short/name:1 busybox)"
    ok images --format '{{.Repository}}:{{.Tag}}'
    want_output localhost/short/name:1
    runs short/name:1
}

@test "an image that other tools saved is loaded" {
    skopeo --insecure-policy copy -q "oci:$(busybox_image)" "docker-archive:$D/skopeo.tar:example.org/saved/by:skopeo" </dev/null
    ok load -q -i "$D/skopeo.tar"
    runs example.org/saved/by:skopeo
    skopeo --insecure-policy copy -q "oci:$(busybox_image)" "oci-archive:$D/skopeo.oci.tar:v1" </dev/null
    ok load -q -i "$D/skopeo.oci.tar"
}

# bats test_tags=short
@test "tag gives a name more, rmi takes names, then the image" {
    load_busybox
    ok tag "$IMAGE" example.org/other:2
    ok tag "$IMAGE" third
    ok images --format '{{.Repository}}:{{.Tag}}'
    want_match 'example.org/other:2'
    want_match 'localhost/third:latest'
    ok rmi example.org/other:2
    want_match 'Untagged: example.org/other:2'
    [[ $output != *Deleted* ]]
    runs third
    ok rmi third
    ok rmi "$IMAGE"
    want_match 'Deleted: '
    ok images -q
    want_output ''
    [[ -z $(find "$ROOT/layers" -mindepth 1 -maxdepth 1 2>/dev/null) ]]
}

@test "rmi refuses an image that a container uses, -f takes both" {
    load_busybox
    ok create --name user --network none "$IMAGE" true
    try rmi "$IMAGE"
    [[ $status != 0 && $stderr =~ (use|container) ]]
    ok rmi -f "$IMAGE"
    is_gone user
}

@test "layers that two images share are kept until the last one goes" {
    load_busybox
    local other
    other=$(image configured --name localhost/test/configured:1 --config '{"Entrypoint":["/bin/sh","-c","echo $0 $1 $(id -u) $(pwd) $V"],"Cmd":["one","two"],"User":"app","WorkingDir":"/home/app","Env":["PATH=/bin","V=value"]}' busybox)
    ok load -q -i "$other"
    [[ $(find "$ROOT/layers" -mindepth 1 -maxdepth 1 | wc -l) == 1 ]]
    ok rmi "$IMAGE"
    try run --rm --network none localhost/test/configured:1
    want_status 0
    ok rmi localhost/test/configured:1
}

# bats test_tags=short
@test "images: columns, json, templates, filters, digests" {
    load_busybox
    ok images
    want_match 'REPOSITORY +TAG +IMAGE ID +CREATED +SIZE'
    want_match 'localhost/test/busybox +1 +[0-9a-f]{12} '
    ok images --digests
    want_match 'sha256:[0-9a-f]{12}'
    ok images --format json
    jq -e 'length == 1 and (.[0].Id | length) == 64' "$T/out"
    ok images --noheading --no-trunc --format '{{.ID}} {{.Repository}} {{.Tag}} {{.Size}}'
    want_match '[0-9a-f]{64} localhost/test/busybox 1 [0-9.]+ ?[kMG]?B'
    ok images test/busybox
    want_match 'busybox'
    ok images nothing/like/it
    [[ $output != *busybox* ]]
    ok images --filter reference='*busybox*' -q
    want_match '^[0-9a-f]{12}$'
    ok images --filter dangling=true -q
    want_output ''
    try images --filter nonsense=x
    want_error 125 'nonsense'
}

@test "short names are found when just one image fits" {
    load_busybox
    runs test/busybox:1
    local id
    id=$(dhow images -q)
    runs "$id"
}

@test "two pulls at once of one image are both right" {
    start_registry plain
    push "$(debian_image)" test/debian:1
    local one rc=0
    dhow pull -q --tls-verify=false "$REGISTRY/test/debian:1" >"$D/one" 2>&1 &
    one=$!
    dhow pull -q --tls-verify=false "$REGISTRY/test/debian:1" >"$D/two" 2>&1 || rc=$?
    wait $one || rc=$?
    [[ $rc == 0 ]] || fail "$(cat "$D/one" "$D/two")"
    try run --rm --network none "$REGISTRY/test/debian:1" bash -c 'echo fine'
    want_output fine
}

@test "run pulls what is not there" {
    start_registry plain
    push "$(busybox_image)" test/busybox:1
    try run --rm --network none --tls-verify=false "$REGISTRY/test/busybox:1" echo pulled
    want_status 0
    want_output pulled
}
