#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# create start stop kill rm ps logs exec inspect wait attach pause rename.

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
box() { # box NAME COMMAND...: a container in the background
    local name=$1
    shift
    dhow run -d --name "$name" --network none "$IMAGE" "$@" >/dev/null
}

# bats test_tags=short
@test "create, start, stop, start again, rm" {
    ok create --name c --network none "$IMAGE" sleep 100
    want_match '^[0-9a-f]{64}$'
    is_state c created
    ok start c
    is_state c running
    try rm c
    [[ $status != 0 ]]
    is_state c running
    ok stop -t 0 c
    is_state c exited
    ok start c
    is_state c running
    ok rm -f -t 0 c
    is_gone c
}

@test "files of a container stay over a restart, and go with it" {
    ok create --name c --network none "$IMAGE" sh -c 'cat /kept 2>/dev/null; echo again >>/kept'
    ok start -a c
    want_output ''
    ok start -a c
    want_output again
    ok rm c
}

@test "stop asks first, then kills" {
    box polite sh -c 'trap "exit 5" TERM; echo ready; while :; do sleep 0.1; done'
    eventually 5 logged polite ready
    ok stop -t 10 polite
    ok inspect --format '{{.State.ExitCode}}' polite
    want_output 5
    box deaf sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
    eventually 5 logged deaf ready
    local before=$SECONDS
    ok stop -t 1 deaf
    ((SECONDS - before >= 1 && SECONDS - before < 8))
    ok inspect --format '{{.State.ExitCode}}' deaf
    want_output 137
    ok rm polite deaf
}

# bats test_tags=short
@test "kill sends signals by name and number, to running containers only" {
    box c sh -c 'trap "echo usr1" USR1; trap "exit 9" TERM; echo ready; while :; do sleep 0.1; done'
    eventually 5 logged c ready
    ok kill --signal USR1 c
    eventually 5 logged c usr1
    try kill -s NOSUCH c
    want_error 125 'NOSUCH'
    ok kill -s 15 c
    ok wait c
    want_output 9
    try kill c
    [[ $status != 0 && -s $T/err ]]
    ok rm c
}

# bats test_tags=short
@test "exec runs a process inside, with its own code, streams, user, directory and environment" {
    box c sleep 100
    ok exec c sh -c 'echo out; echo err >&2'
    want_output out
    [[ $stderr == err ]]
    try exec c sh -c 'exit 33'
    want_status 33
    ok exec -u app -w /tmp -e X=1 c sh -c 'echo $(id -u) $(pwd) $X'
    want_output '1000 /tmp 1'
    ok exec c ps -o pid,comm
    want_match '1 sleep'
    try exec c /no/such
    want_error 127 'no/such'
    try exec c /etc/passwd
    want_error 126 '/etc/passwd'
    try exec -u nosuchuser c true
    [[ $status == 125 || $status == 126 ]]
    try exec nosuchcontainer true
    want_error 125 'nosuchcontainer'
    ok rm -f -t 0 c
}

@test "exec joins every namespace and the cgroup" {
    box c sleep 100
    local pid ns
    pid=$(dhow inspect --format '{{.State.Pid}}' c)
    for ns in pid uts ipc mnt net cgroup; do
        ok exec c readlink /proc/self/ns/$ns
        want_output "$(readlink "/proc/$pid/ns/$ns")"
    done
    dhow exec c sleep 50 3>&- &
    eventually 5 pgrep -nf '^sleep 50$'
    local inner
    inner=$(pgrep -nf '^sleep 50$')
    diff <(cut -d: -f2- "/proc/$pid/cgroup" | sort) <(cut -d: -f2- "/proc/$inner/cgroup" | sort)
    ok rm -f -t 0 c
    wait || true
}

@test "exec -i passes stdin, exec -t a terminal" {
    box c sleep 100
    [[ $(printf 'a\0b\n' | dhow exec -i c od -An -c | tr -d ' \n') == 'a\0b\n' ]]
    script -qec "'$DHOW' --root '$ROOT' --runroot '$RUNROOT' exec -it c sh -c 'tty; exit 4'; echo code \$?" "$D/typescript" </dev/null >"$D/pty" 3>&-
    sed 's/\r//g; s/\^[@D]//g' "$D/pty" >"$D/pty.text" # script's own stdin ends: its terminal echoes that
    grep -q '/dev/pts/' "$D/pty.text"
    grep -qx 'code 4' "$D/pty.text"
    ok rm -f -t 0 c
}

@test "exec into a container that does not run is refused" {
    ok create --name c --network none "$IMAGE" true
    try exec c true
    want_error 125 'c'
    ok rm c
}

# bats test_tags=short
@test "logs gives back every byte, stdout and stderr apart" {
    try run --name c --network none "$IMAGE" sh -c 'printf "one\ntwo\n"; printf "err\n" >&2; printf "no newline"'
    ok logs c
    printf 'one\ntwo\nno newline' | cmp - <(head -c 18 "$T/out")
    printf 'err\n' | cmp - "$T/err"
    ok logs --tail 1 c
    [[ $output == *'no newline'* && $output != *one* ]]
    ok logs -t c
    want_match '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+) one'
    ok rm c
}

@test "logs keeps a line of a megabyte whole" {
    try run --name c --network none "$IMAGE" sh -c 'head -c 1000000 /dev/zero | tr "\000" x; echo; echo end' >/dev/null
    dhow logs c >"$D/log"
    [[ $(head -n 1 "$D/log" | wc -c) == 1000001 && $(tail -n 1 "$D/log") == end ]]
    ok rm c
}

@test "the log on the disk is the CRI format" {
    try run --name c --network none "$IMAGE" sh -c 'echo hello; echo oops >&2; printf part'
    local log
    log=$(dhow inspect --format '{{.LogPath}}' c 2>/dev/null) || log=$(dhow inspect --format '{{.HostConfig.LogConfig.Path}}' c)
    [[ -f $log ]]
    grep -qE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2}) stdout F hello$' "$log"
    grep -qE ' stderr F oops$' "$log"
    grep -qE ' stdout P part$' "$log"
    ok rm c
}

@test "logs -f follows to the end of the container" {
    box c sh -c 'for i in 1 2 3; do echo $i; sleep 0.3; done'
    ok logs -f c
    want_output $'1\n2\n3'
    ok rm -f c
}

@test "wait gives the code of each, in order" {
    box a sh -c 'sleep 0.5; exit 11'
    box b sh -c 'exit 22'
    ok wait a b
    want_output $'11\n22'
    ok rm a b
    try wait nosuch
    want_error 125 'nosuch'
}

@test "attach sees output and gives the code" {
    box c sh -c 'sleep 1; echo late; exit 6'
    try attach --no-stdin c
    want_status 6
    want_output late
    ok rm c
}

@test "two that attach both see the output" {
    box c sh -c 'sleep 1; echo both; exit 0'
    dhow attach --no-stdin c >"$D/one" 2>&1 &
    local one=$!
    dhow attach --no-stdin c >"$D/two" 2>&1
    wait $one
    grep -qx both "$D/one"
    grep -qx both "$D/two"
    ok rm c
}

@test "stdin of a container that was created with -i arrives by start -a -i" {
    ok create -i --name c --network none "$IMAGE" cat
    [[ $(printf 'typed\n' | timeout 20 "$DHOW" --root "$ROOT" --runroot "$RUNROOT" start -a -i c 3>&-) == typed ]]
    ok rm c
}

@test "pause stops the processes, unpause lets them go on" {
    box c sh -c 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done'
    ok pause c
    is_state c paused
    local one two
    one=$(dhow logs c | wc -l)
    sleep 0.5
    two=$(dhow logs c | wc -l)
    [[ $one == "$two" ]]
    try pause c
    [[ $status != 0 ]]
    try exec c true
    [[ $status != 0 ]]
    ok unpause c
    is_state c running
    eventually 5 log_is_longer c "$two"
    try unpause c
    [[ $status != 0 ]]
    ok rm -f -t 0 c
}

@test "rename keeps the id and frees the name" {
    local id
    id=$(dhow create --name old --network none "$IMAGE" true)
    ok create --name taken --network none "$IMAGE" true
    try rename old taken
    want_error 125 'taken'
    ok rename old new
    [[ $(dhow inspect --format '{{.Id}}' new) == "$id" ]]
    is_gone old
    ok create --name old --network none "$IMAGE" true
    ok rm old new taken
}

# bats test_tags=short
@test "ps shows what runs, ps -a all, -q ids, --no-trunc full ones, filters select" {
    box runs sleep 100
    ok create --name made --network none --label kind=test "$IMAGE" true
    ok ps
    want_match 'CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES'
    want_match "$IMAGE"
    [[ $output == *runs* && $output != *made* ]]
    want_match 'Up '
    ok ps -a
    [[ $output == *runs* && $output == *made* ]]
    ok ps -aq
    [[ $(wc -l <"$T/out") == 2 ]]
    want_match '^[0-9a-f]{12}'
    ok ps -aq --no-trunc
    want_match '^[0-9a-f]{64}'
    ok ps -a --filter status=created --format '{{.Names}}'
    want_output made
    ok ps -a --filter label=kind=test --format '{{.Names}}'
    want_output made
    ok ps -a --filter name=runs --format '{{.Names}}'
    want_output runs
    try ps --filter nonsense=1
    want_error 125 'nonsense'
    ok rm -f -t 0 runs made
}

@test "rm -f takes running and paused containers, rm refuses them, several errors are all told" {
    box a sleep 100
    box b sleep 100
    ok pause b
    try rm a
    want_status 2
    try rm nosuch1 nosuch2
    [[ $status != 0 && $(wc -l <"$T/err") == 2 ]]
    ok rm -f -t 0 a b
    try rm -f nosuch
    [[ $status == 0 || $status == 1 ]]
}

@test "start and stop of many in one command" {
    ok create --name a --network none "$IMAGE" sleep 100
    ok create --name b --network none "$IMAGE" sleep 100
    ok start a b
    is_state a running
    is_state b running
    try stop -t 0 a nosuch b
    [[ $status != 0 ]]
    is_state a exited
    is_state b exited
    ok rm a b
}

@test "inspect tells a container's facts" {
    box c sh -c 'sleep 100'
    ok inspect c
    jq -e '.[0] | .Id and .Name == "c" and .State.Running == true and .State.Pid > 0 and .Config.Cmd == ["sh","-c","sleep 100"] and (.Image | length) == 64' "$T/out"
    jq -e '.[0].State.StartedAt | test("^20[0-9]{2}-")' "$T/out"
    ok stop -t 0 c
    ok inspect c
    jq -e '.[0].State | .Running == false and .ExitCode == 137 and .Pid == 0' "$T/out"
    ok rm c
    try inspect c
    want_error 125 'c'
}

@test "a monitor that was killed does not leave a lie" {
    box c sleep 100
    local pid monitor
    pid=$(dhow inspect --format '{{.State.Pid}}' c)
    monitor=$(awk '/^PPid/ {print $2}' "/proc/$pid/status")
    grep -q dhow-monitor "/proc/$monitor/cmdline"
    kill -9 "$monitor"
    # Whether the container dies with its monitor or not: what is told is what the kernel says, and rm -f takes it.
    sleep 0.3
    local told alive=no
    told=$(state_of c)
    is_alive "$pid" && alive=yes
    [[ $alive == yes && $told == running || $alive == no && $told != running ]] || fail "alive: $alive, told: $told"
    ok rm -f -t 0 c
    eventually 5 refute is_alive "$pid"
}
