#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Many at once, and a world that does not help: full and read-only state, odd and long names, callers that are gone.

setup_file() {
    load runtime
    runtime_file_setup
}
teardown_file() {
    load runtime
    runtime_file_teardown
}
setup() {
    load runtime
    runtime_setup
    bundle
}
teardown() {
    load runtime
    runtime_teardown
}

# `rt_at ROOT ARG...`: rt_try with another --root.
rt_at() {
    local rc=0 root=$1
    shift
    timeout -k 5 60 "$RUNTIME" --root "$root" "$@" >"$D/.out" 2>"$D/.err" 3>&- 4>&- </dev/null || rc=$?
    take_result "$rc" "$D/.out" "$D/.err" "$*"
}
want_empty() {
    [[ -z $(find "$1" -mindepth 1) ]] || fail "left: $(find "$1" -mindepth 1)"
}

# ---- many at once ----
# `at_once COUNT VERB [OPTION...]`: `dhow-runtime VERB OPTION... cN` for all N at once; each succeeds. "%" is the id.
at_once() {
    local count=$1 i pid rc=0 pids=()
    shift
    for ((i = 1; i <= count; i++)); do
        timeout -k 5 120 "$RUNTIME" --root "$STATE" "${@//%/c$i}" >"$D/out.$i" 2>&1 3>&- 4>&- </dev/null &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || rc=1; done
    [[ $rc == 0 ]] || fail "$1: $(cat "$D"/out.* | head -5)"
}
all_are() {
    [[ $(rt list --format json | jq -r 'map(.status) | unique | join(" ")') == "$1" ]]
}
live_at_once() {
    local i
    for ((i = 1; i <= $1; i++)); do
        jq --arg path "/$GROUP/c$i" '.linux.cgroupsPath = $path' "$B/config.json" >"$B/c$i.json"
    done
    at_once "$1" create --bundle "$B" --config "$B/%.json" %
    [[ $(rt list -q | wc -l) == "$1" ]] || fail "list does not have $1"
    all_are created
    at_once "$1" start %
    all_are running
    at_once "$1" kill % KILL
    eventually 30 all_are stopped
    at_once "$1" delete %
    want_empty "$STATE"
}

@test "a hundred are created, started, killed and deleted at once" {
    local few many
    few=$(date +%s%N)
    live_at_once 25
    many=$(date +%s%N)
    live_at_once 100
    echo "# 25 at once: $(((many - few) / 1000000)) ms, 100: $((($(date +%s%N) - many) / 1000000)) ms" >&3
}

@test "of ten creations of an id one wins, and ten deletions by force do no harm" {
    local i pid won=0 pids=()
    choose_cgroup c1
    for ((i = 0; i < 10; i++)); do
        "$RUNTIME" --root "$STATE" create --bundle "$B" c1 >"$D/out.$i" 2>&1 3>&- 4>&- </dev/null &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do if wait "$pid"; then won=$((won + 1)); fi; done
    [[ $won == 1 ]] || fail "$won won"
    [[ $(cat "$D"/out.* | grep -c 'container with given ID already exists') == 9 ]] || fail "$(cat "$D"/out.*)"
    at_once 10 delete --force c1
    want_empty "$STATE"
}

# ---- standing still ----
# `without_v2`: $RUNTIME sees cgroup v1 only, whose freezer holds even who is killed.
without_v2() {
    [[ -d /sys/fs/cgroup/freezer ]] || skip "there is no freezer of cgroup v1 here"
    printf '#!/bin/sh\nmountpoint -q /sys/fs/cgroup/unified && umount /sys/fs/cgroup/unified\nexec "%s" "$@"\n' "$RUNTIME" >"$D/inside"
    printf '#!/bin/sh\nexec unshare -m sh "%s" "$@"\n' "$D/inside" >"$D/without-v2"
    chmod +x "$D/without-v2"
    RUNTIME=$D/without-v2
}
@test "a paused container is killed, and deleted by force, where cgroup v1 freezes" {
    without_v2
    create c1
    rt_ok start c1
    rt_ok pause c1
    is_status c1 paused
    rt_ok kill c1 KILL
    eventually 10 is_status c1 stopped
    rt_ok delete c1
    create c1
    rt_ok pause c1
    TRY_SECONDS=9 rt_ok delete --force c1
    want_empty "$STATE"
}

@test "who reads the messages may go away" {
    choose_cgroup c1
    "$RUNTIME" --debug --root "$STATE" create --bundle "$B" c1 2> >(exec true) >/dev/null 3>&- 4>&- </dev/null
    is_status c1 created
    rt_ok delete --force c1
}

# ---- the state's root ----
@test "a read-only state root is one line of error" {
    mkdir "$D/ro"
    host_mount -t tmpfs -o ro tmpfs "$D/ro"
    for verb in create run; do
        rt_at "$D/ro" "$verb" --bundle "$B" c1
        rt_error "Read-only file system"
    done
    rt_at "$D/ro/states" create --bundle "$B" c1
    rt_error "Read-only file system"
    rt_at "$D/ro" list
    want_status 0
    rt_at "$D/ro" delete --force c1
    want_status 0
    rt_at "$D/ro" delete c1
    rt_error "container does not exist"
}

@test "a full state root is one line of error, wherever it gets full" {
    local inodes ok=0
    mkdir "$D/full"
    for inodes in 2 3 4 5 6 7 8 9 10; do
        mount -t tmpfs -o "nr_inodes=$inodes,size=1m" tmpfs "$D/full"
        echo "$D/full" >"$D/.mounts"
        rt_at "$D/full" create --bundle "$B" c1
        if [[ $status == 0 ]]; then
            ok=1
            rt_at "$D/full" delete --force c1
            want_status 0
        else
            rt_error "No space left on device"
        fi
        want_empty "$D/full"
        umount "$D/full"
    done
    [[ $ok == 1 ]] || fail "it is never created"
}

@test "a disk that is full leaves no half-written state" {
    mkdir "$D/full"
    host_mount -t tmpfs -o size=8k tmpfs "$D/full"
    head -c 4096 /dev/zero >"$D/full/.filler"
    head -c 4000 /dev/zero | tr '\0' x >"$D/long"
    edit '.annotations = {long: $long}' --rawfile long "$D/long"
    rt_at "$D/full" create --bundle "$B" c1
    rt_error "No space left on device"
    [[ $(find "$D/full" -mindepth 1) == "$D/full/.filler" ]] || fail "left: $(find "$D/full")"
}

@test "the state's root may be a link, relative, and have an odd name" {
    local odd=$D/$'a b\n"c"'
    mkdir "$odd"
    ln -s "$odd" "$D/link"
    rt_at "$D/link/deeper/still" create --bundle "$B" c1
    want_status 0
    rt_at "$odd/deeper/still" state c1
    want_match '"status": "created"'
    cd "$D"
    rt_at "link/deeper/still" delete --force c1
    want_status 0
    want_empty "$odd/deeper/still"
}

@test "directories and files of the state are their owner's alone, whatever the umask is" {
    local mask
    for mask in 000 077 022; do
        set_script 'umask; sleep 100'
        (umask "$mask" && create c1 --pid-file "$D/pid")
        [[ $(stat -c %a "$STATE/c1") == 700 ]] || fail "umask $mask: $(stat -c %a "$STATE/c1")"
        [[ -z $(find "$STATE/c1" -type f -perm /077) ]] || fail "umask $mask: $(ls -l "$STATE/c1")"
        rt_ok start c1
        eventually 10 test -s "$D/c1.out"
        [[ $(cat "$D/c1.out") == 0022 ]] || fail "umask $mask gives $(cat "$D/c1.out") inside"
        rt_ok delete --force c1
    done
}

# ---- names ----
@test "a bundle's path may have blanks and lines in it" {
    local odd=$D/$'a b\n"c"\\'
    mv "$B" "$odd"
    B=$odd
    create c1
    rt_try state c1
    [[ $(jq -r .bundle <<<"$output") == "$odd" ]] || fail "$(jq .bundle <<<"$output")"
    rt_ok list
    [[ $(grep -c . <<<"$output") == 2 ]] || fail "list is not two lines"
    (cd "$odd" && rt_ok run c2 </dev/null &)
    eventually 10 is_status c2 running
    rt_ok delete --force c2
    rt_ok start c1
    rt_ok delete --force c1
}

@test "an id of 255 characters is one, of 256 none" {
    local long
    long=$(head -c 255 /dev/zero | tr '\0' x)
    edit '.linux.cgroupsPath = $path' --arg path "/$GROUP/long"
    rt_ok create --bundle "$B" "$long" </dev/null
    rt_ok state "$long"
    rt_ok delete --force "$long"
    rt_try create --bundle "$B" "${long}x"
    rt_error "invalid container id"
    want_empty "$STATE"
}

@test "a bundle deeper than a path can name is one line of error" {
    python3 - "$B" "$D" <<'PY'
import os, sys
os.chdir(sys.argv[2])
for _ in range(20):
    os.mkdir("x" * 250)
    os.chdir("x" * 250)
os.symlink(sys.argv[1] + "/config.json", "config.json")
PY
    local rc=0
    python3 - "$RUNTIME" "$STATE" "$D" >"$D/.out" 2>"$D/.err" <<'PY' || rc=$?
import os, subprocess, sys
os.chdir(sys.argv[3])
for _ in range(20):
    os.chdir("x" * 250)
sys.exit(subprocess.run([sys.argv[1], "--root", sys.argv[2], "create", "c1"], stdin=subprocess.DEVNULL).returncode)
PY
    take_result "$rc" "$D/.out" "$D/.err" "create c1"
    rt_error "File name too long"
    want_empty "$STATE"
}

# ---- what a caller asks for ----
@test "a creation that cannot hand over its process leaves nothing" {
    local verb
    for verb in create run; do
        rt_try "$verb" --bundle "$B" --pid-file "$D/no/such/pid" c1
        rt_error "write the pid file"
        rt_try "$verb" --bundle "$B" --pidfd-socket "$D/nobody" c1
        rt_error "send a descriptor"
        rt_try "$verb" --bundle "$B" --preserve-fds 500 c1
        rt_error "preserve descriptor"
    done
    edit '.process.terminal = true'
    rt_try create --bundle "$B" c1
    rt_error "without setting console socket"
    rt_try create --bundle "$B" --console-socket "$D/nobody" c1
    rt_error "send a descriptor"
    python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$D/deaf"
    rt_try create --bundle "$B" --console-socket "$D/deaf" c1
    rt_error "Connection refused"
    want_empty "$STATE"
}

@test "a creation lets go of its caller's descriptors, but of the streams" {
    choose_cgroup c1
    python3 - "$RUNTIME" "$STATE" "$B" <<'PY'
import os, select, subprocess, sys
runtime, state, bundle = sys.argv[1:]
r, w = os.pipe()
subprocess.run([runtime, "--root", state, "create", "--bundle", bundle, "c1"], stdin=subprocess.DEVNULL, pass_fds=[w],
               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
os.close(w)
ready, _, _ = select.select([r], [], [], 20)
assert ready and os.read(r, 1) == b"", "the container holds a pipe of its creator's caller"
PY
    rt_ok delete --force c1
}

@test "what a killed creation leaves is no container, and goes by force" {
    mkdir -m 700 "$STATE/c1"
    rt_try state c1
    rt_error "container does not exist"
    rt_try delete c1
    rt_error "container does not exist"
    rt_try create --bundle "$B" c1
    rt_error "container with given ID already exists"
    rt_ok list
    rt_ok delete --force c1
    want_empty "$STATE"
}

@test "a damaged state is an error, and stops no other container" {
    create c1
    create c2
    cp "$STATE/c1/state.json" "$D/good"
    head -c 100 "$D/good" >"$STATE/c1/state.json"
    rt_try state c1
    rt_error "state.json of container 'c1'"
    rt_try delete --force c1
    rt_error "state.json of container 'c1'"
    rt_ok list
    want_match 'c2 '
    want_stderr_match "level=warning .*state.json of container 'c1'"
    cp "$D/good" "$STATE/c1/state.json"
    rt_ok delete --force c1
    rt_ok delete --force c2
}
