#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What is wrong from outside: one clear line, the right code, nothing left.

setup_file() {
    load lib
    file_setup
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
    stop_registries
    test_teardown
}
debian_image() {
    image debian --name localhost/test/debian:1 debian
}

# bats test_tags=short
@test "a corrupt layer, config or manifest from a registry is refused" {
    local what
    for what in layer config manifest; do
        start_fake "$(debian_image)" --corrupt $what
        if [[ $what == manifest ]]; then
            try pull --tls-verify=false "$REGISTRY/test/debian@$(jq -r '.manifests[0].digest' "$(debian_image)/index.json")"
        else
            try pull --tls-verify=false "$REGISTRY/test/debian:1"
        fi
        want_error 125 '.'
        stop_registries
    done
}

@test "a blob that is longer than the manifest says is refused" {
    start_fake "$(debian_image)" --corrupt longer
    try pull --tls-verify=false "$REGISTRY/test/debian:1"
    want_error 125
}

# bats test_tags=short
@test "a registry that stops halfway through a layer is told" {
    start_fake "$(debian_image)" --stop-after 20000
    try pull --tls-verify=false "$REGISTRY/test/debian:1"
    want_error 125
}

@test "a pull that is interrupted leaves nothing" {
    start_fake "$(debian_image)" --stop-after 200000 --hang 30
    dhow pull -q --tls-verify=false "$REGISTRY/test/debian:1" >"$D/pull" 2>&1 &
    local pid=$!
    sleep 1
    kill -TERM $pid
    local rc=0
    wait $pid || rc=$?
    [[ $rc != 0 ]]
}

@test "a pull that is killed leaves nothing after the next write" {
    start_fake "$(debian_image)" --stop-after 200000 --hang 30
    "$DHOW" --root "$ROOT" --runroot "$RUNROOT" pull -q --tls-verify=false "$REGISTRY/test/debian:1" >"$D/pull" 2>&1 3>&- </dev/null &
    local pid=$!
    sleep 1
    kill -9 $pid
    wait $pid || true
    sleep 0.5
    ok create --name next --network none "$IMAGE" true
    ok rm next
}

# bats test_tags=short
@test "an image, a tag, a registry that is not there" {
    start_fake "$(debian_image)"
    try pull --tls-verify=false "$REGISTRY/test/debian:missing"
    want_error 125 'missing|not found|unknown'
    try pull --tls-verify=false 127.0.0.1:1/x/y:1
    want_error 125 '127.0.0.1:1'
    try pull 'NOT/a valid reference'
    want_error 125
    try run --rm --network none localhost/not/here:1 true
    want_error 125 'not/here'
    try rmi localhost/not/here:1
    [[ $status != 0 && $(grep -c . "$T/err") == 1 ]]
    try tag localhost/not/here:1 x
    want_error 125 'not/here'
}

@test "a registry that never answers is given up on a signal" {
    python3 -c '
import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
open(sys.argv[1], "w").write(str(s.getsockname()[1]))
time.sleep(20)' "$D/port" 3>&- &
    local server=$!
    eventually 5 test -s "$D/port"
    dhow pull -q --tls-verify=false "127.0.0.1:$(cat "$D/port")/x:1" >"$D/pull" 2>&1 &
    local pid=$!
    sleep 0.5
    kill -TERM $pid
    local rc=0
    wait $pid || rc=$?
    kill $server
    wait $server || true
    [[ $rc != 0 ]]
}

# bats test_tags=short
@test "archives that are cut, empty, or something else are refused" {
    local archive size form
    for form in docker-archive oci-tar; do
        archive=$(image "load-$form-none" --format $form --name localhost/test/loaded:$form busybox)
        size=$(stat -c %s "$archive")
        local part
        for part in 0 100 1000 $((size / 2)) $((size - 20000)); do
            head -c "$part" "$archive" >"$D/cut"
            try load -i "$D/cut"
            want_error 125
        done
    done
    head -c 100000 /dev/urandom >"$D/cut"
    try load -i "$D/cut"
    want_error 125
    try load -i "$T/no/such/file"
    want_error 125 'no/such/file'
    mkdir "$D/empty"
    try load -i "$D/empty"
    want_error 125
    rm -r "$D/cut" "$D/empty"
}

# bats test_tags=short
@test "an archive whose layer is not what its config says is refused" {
    local layout=$D/layout blob
    # Not busybox: a layer that the store has already is not even read.
    cp -r "$(debian_image)" "$layout"
    blob=$(jq -r '.manifests[0].digest[7:]' "$layout/index.json")
    blob=$(jq -r '.layers[0].digest[7:]' "$layout/blobs/sha256/$blob")
    printf 'X' | dd of="$layout/blobs/sha256/$blob" bs=1 seek=5000 conv=notrunc 2>/dev/null
    try load -i "$layout"
    want_error 125
    rm -r "$layout"
}

@test "an archive with the diff id of another layer is refused" {
    local layout=$D/layout
    python3 - "$(image load-docker-archive-none --format docker-archive --name localhost/test/loaded:docker-archive busybox)" "$D/wrong.tar" <<'PY'
import io, json, sys, tarfile
source, out = tarfile.open(sys.argv[1]), tarfile.open(sys.argv[2], "w")
for member in source:
    data = source.extractfile(member).read()
    if member.name.endswith(".json") and member.name != "manifest.json":
        config = json.loads(data)
        config["rootfs"]["diff_ids"] = ["sha256:" + "0" * 64]
        data = json.dumps(config).encode()
    member.size = len(data)
    out.addfile(member, io.BytesIO(data))
out.close()
PY
    try load -i "$D/wrong.tar"
    want_error 125
    rm -f "$D/wrong.tar" "$layout"
}

@test "a full disk: one line, nothing left, and room again means it works" {
    local small=$D/small
    mkdir "$small"
    mount -t tmpfs -o size=4m none "$small"
    local full_status=0
    timeout 60 "$DHOW" --root "$small/root" --runroot "$small/run" load -q -i "$(debian_image)" >"$T/out" 2>"$T/err" 3>&- || full_status=$?
    cat "$T/err"
    local left
    left=$(find "$small/root/tmp" "$small/root/layers" "$small/root/blobs" -mindepth 1 -type f 2>/dev/null | wc -l)
    mount -o remount,size=100m "$small"
    local after=0
    timeout 60 "$DHOW" --root "$small/root" --runroot "$small/run" load -q -i "$(debian_image)" >/dev/null 2>&1 3>&- || after=$?
    umount "$small"
    rmdir "$small"
    [[ $full_status == 125 ]] || fail "code $full_status"
    [[ $(grep -c . "$T/err") == 1 ]] || fail "not one line"
    grep -qi 'no space' "$T/err" || fail "it does not say that the disk is full"
    [[ $left == 0 ]] || fail "$left files were left"
    [[ $after == 0 ]]
}

@test "a container on a full disk" {
    local small=$D/small rc=0
    mkdir "$small"
    mount -t tmpfs -o size=8m none "$small"
    timeout 60 "$DHOW" --root "$small/root" --runroot "$small/run" load -q -i "$(busybox_image)" 3>&- >/dev/null
    timeout 60 "$DHOW" --root "$small/root" --runroot "$small/run" run --rm --network none "$IMAGE" sh -c 'dd if=/dev/zero of=/big bs=1M count=20 2>/dev/null || exit 9' 3>&- || rc=$?
    local again=0
    dd if=/dev/zero of="$small/fill" bs=4k 2>/dev/null || true
    timeout 60 "$DHOW" --root "$small/root" --runroot "$small/run" run --rm --network none "$IMAGE" true >"$T/out" 2>"$T/err" 3>&- || again=$?
    rm "$small/fill"
    local third=0
    timeout 60 "$DHOW" --root "$small/root" --runroot "$small/run" run --rm --network none "$IMAGE" true 3>&- || third=$?
    eventually 5 umount "$small"
    rmdir "$small"
    [[ $rc == 9 ]]
    [[ $again == 125 && $(grep -c . "$T/err") == 1 ]] || fail "full: code $again, $(cat "$T/err")"
    [[ $third == 0 ]]
}

# bats test_tags=short
@test "a name in use, a command that is not there, an option that is not there" {
    ok create --name taken --network none "$IMAGE" true
    try create --name taken --network none "$IMAGE" true
    want_error 125 'taken'
    try run -d --name taken --network none "$IMAGE" true
    want_error 125 'taken'
    ok rm taken
    try rnu "$IMAGE"
    want_error 125 'run'
    try run --netwrok none "$IMAGE"
    want_error 125 'network'
    try run
    want_error 125
    try frobnicate-completely
    want_error 125 'frobnicate-completely'
    try
    [[ $status == 125 || $status == 0 ]]
}

@test "a root that cannot be made or is a file" {
    touch "$D/file"
    local rc=0
    timeout 20 "$DHOW" --root "$D/file/x" --runroot "$D/run2" images >"$T/out" 2>"$T/err" 3>&- || rc=$?
    [[ $(grep -c . "$T/err") -le 1 ]]
    timeout 20 "$DHOW" --root "$D/file/x" --runroot "$D/run2" load -i "$(busybox_image)" >"$T/out" 2>"$T/err" 3>&- || rc=$?
    [[ $rc == 125 && $(grep -c . "$T/err") == 1 ]]
    rm -rf "$D/file" "$D/run2"
}

@test "a database that is no database" {
    mkdir -p "$D/bad/root"
    head -c 10000 /dev/urandom >"$D/bad/root/state.db"
    local rc=0
    timeout 20 "$DHOW" --root "$D/bad/root" --runroot "$D/bad/run" ps -a >"$T/out" 2>"$T/err" 3>&- || rc=$?
    [[ $rc == 125 && $(grep -c . "$T/err") == 1 ]]
    rm -rf "$D/bad"
}

@test "a run whose start fails leaves no container with --rm, and one that says why without" {
    try run --rm --name x --network none "$IMAGE" /no/such
    want_error 127
    is_gone x
    try run --name x --network none "$IMAGE" /no/such
    want_error 127
    is_state x created || is_state x exited
    ok rm x
}

@test "stdin, stdout or stderr that are closed do no harm" {
    local rc=0
    timeout 20 "$DHOW" --root "$ROOT" --runroot "$RUNROOT" run --rm --network none "$IMAGE" true <&- >&- 2>&- 3>&- || rc=$?
    [[ $rc == 0 ]] || fail "code $rc"
    rc=0
    timeout 20 "$DHOW" --root "$ROOT" --runroot "$RUNROOT" ps -a >/dev/full 2>"$T/err" 3>&- || rc=$?
    [[ $rc == 125 ]] || fail "a full stdout: code $rc"
}
