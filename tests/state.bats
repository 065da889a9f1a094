#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What is told is what is: over a reboot, a lost run directory, killed processes, many readers.

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
    test_teardown
}
# The power goes: every process of a container dies at once, without a word.
power_loss() {
    local pid monitor
    pid=$(dhow inspect --format '{{.State.Pid}}' "$1")
    monitor=$(awk '/^PPid/ {print $2}' "/proc/$pid/status")
    kill -9 "$monitor" "$pid"
    eventually 5 refute is_alive "$pid"
}

# bats test_tags=short
@test "after a reboot nothing is believed to run, and all of it can be used again" {
    dhow run -d --name c --network none "$IMAGE" sh -c 'echo x >>/count; sleep 100' >/dev/null
    eventually 5 dhow exec c test -s /count
    power_loss c
    rm -rf "$RUNROOT"
    ok ps -q
    want_output ''
    ok ps -a --format '{{.Names}} {{.Status}}'
    want_match '^c (Exited|Created)'
    is_state c exited
    try exec c true
    want_error 125
    ok start c
    is_state c running
    eventually 5 dhow exec c sh -c 'test $(wc -l </count) = 2'
    ok rm -f -t 0 c
}

@test "a run record of another boot is not believed, though its pid lives" {
    dhow run -d --name c --network none "$IMAGE" sleep 100 >/dev/null
    local id record
    id=$(dhow inspect --format '{{.Id}}' c)
    record=$RUNROOT/containers/$id/init
    grep -q '^boot=' "$record"
    power_loss c
    # A pid and a start time that are alive now, as they may be by chance after a reboot.
    sed -i "s/^boot=.*/boot=00000000-0000-0000-0000-000000000000/; s/^pid=.*/pid=$$/; s/^start=.*/start=$(awk '{print $22}' "/proc/$$/stat")/" "$record"
    is_state c exited
    ok ps -q
    want_output ''
    kill -0 $$
    ok rm -f c
    kill -0 $$
}

@test "a pid that was given to another process is not believed" {
    dhow run -d --name c --network none "$IMAGE" sleep 100 >/dev/null
    local id record
    id=$(dhow inspect --format '{{.Id}}' c)
    record=$RUNROOT/containers/$id/init
    power_loss c
    sleep 50 3>&- &
    local other=$!
    sed -i "s/^pid=.*/pid=$other/" "$record"
    is_state c exited
    ok rm -f c
    kill -0 $other
    kill $other
}

@test "what a reboot cut in the middle is swept by the next write" {
    mkdir -p "$ROOT/tmp/pull.abcdef/layers/x" "$ROOT/layers/$(printf 'a%.0s' {1..64})/etc" "$ROOT/containers/$(printf 'b%.0s' {1..64})/upper"
    echo x >"$ROOT/blobs/sha256/$(printf 'c%.0s' {1..64})"
    ok create --name c --network none "$IMAGE" true
    ok rm c
    eventually 5 refute test -e "$ROOT/tmp/pull.abcdef"
    refute test -e "$ROOT/layers/$(printf 'a%.0s' {1..64})"
    refute test -e "$ROOT/containers/$(printf 'b%.0s' {1..64})"
    refute test -e "$ROOT/blobs/sha256/$(printf 'c%.0s' {1..64})"
}

@test "readers do not wait for a writer" {
    command -v sqlite3 >/dev/null || python3 -c 'import sqlite3'
    python3 - "$ROOT/state.db" "$D/held" 3>&- <<'PY' &
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
open(sys.argv[2], "w").close()
time.sleep(4)
db.execute("ROLLBACK")
PY
    local holder=$! before
    eventually 5 test -e "$D/held"
    before=$(date +%s%N)
    ok ps -a
    ok images
    ok inspect "$IMAGE"
    (($(date +%s%N) - before < 2000000000)) || fail "a reader waited"
    # A writer waits and then goes on.
    ok create --name late --network none "$IMAGE" true
    wait $holder
    ok rm late
    rm "$D/held"
}

@test "the store is private" {
    [[ $(stat -c %a "$ROOT/containers") == 700 || $(stat -c %a "$ROOT") == 700 ]]
    dhow run -d --name c --network none "$IMAGE" sleep 100 >/dev/null
    local path
    while read -r path; do
        [[ $(stat -c %A "$path") == srw------- ]] || fail "$path: $(stat -c %A "$path")"
    done < <(find "$RUNROOT" -type s)
    ok rm -f -t 0 c
}

@test "a container that ended while nobody looked is told with its code and time" {
    dhow run -d --name c --network none "$IMAGE" sh -c 'sleep 0.3; exit 17' >/dev/null
    eventually 5 is_state c exited
    ok inspect --format '{{.State.ExitCode}} {{.State.Running}}' c
    want_output '17 false'
    ok inspect --format '{{.State.FinishedAt}}' c
    want_match '^20'
    ok rm c
}

@test "a store that was taken away under a container is not made again" {
    local pid
    ok run -d --name orphan --network none "$IMAGE" sleep 100
    pid=$(dhow inspect --format '{{.State.Pid}}' orphan)
    mv "$ROOT" "$ROOT.away"
    mv "$RUNROOT" "$RUNROOT.away"
    kill -9 "$pid"
    eventually 5 refute is_alive "$pid"
    sleep 0.5
    refute test -e "$ROOT"
    mv "$ROOT.away" "$ROOT"
    rm -rf "$RUNROOT"
    mv "$RUNROOT.away" "$RUNROOT"
    ok rm -f -t 0 orphan
}
