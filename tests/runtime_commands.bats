#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The commands of dhow-runtime that others parse: their words, their JSON, their exit codes (CONTRACTS 1, 4, 5, 10).

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
    set_args sleep 1000
}
teardown() {
    runtime_teardown
}

@test "state has the fields of the specification, and the words of each state" {
    edit '.annotations = {"org.test.a": "b=c"}'
    create c1
    rt_ok state c1
    jq -e --arg b "$B" '.ociVersion and .id == "c1" and .status == "created" and .pid > 1 and .bundle == $b and .rootfs == $b + "/rootfs" and .annotations["org.test.a"] == "b=c" and .owner == "root" and (.created | test("^[0-9]{4}-.*Z$"))' <<<"$output"
    rt_ok start c1
    is_status c1 running
    rt_ok pause c1
    is_status c1 paused
    rt_ok resume c1
    is_status c1 running
    rt_ok kill c1 KILL
    eventually 10 is_status c1 stopped
    rt_ok state c1
    jq -e '.pid == 0' <<<"$output"
    rt_ok delete c1
    rt_try state c1
    rt_error 'container does not exist'
}

@test "wrong states are refused with the words that callers match" {
    create c1
    rt_try create --bundle "$B" c1
    rt_error 'container with given ID already exists'
    rt_try delete c1
    rt_error 'that is not stopped: created'
    rt_ok start c1
    rt_try start c1
    rt_error 'cannot start an already running container'
    rt_ok pause c1
    rt_try exec c1 true
    want_status 255
    want_stderr_match 'cannot exec in a paused container'
    rt_ok resume c1
    rt_ok kill c1 9
    eventually 10 is_status c1 stopped
    rt_try kill c1 TERM
    rt_error 'container not running'
    rt_ok kill --all c1 0
    rt_try start c1
    rt_error 'cannot start a container that has stopped'
    rt_try exec c1 true
    want_status 255
    want_stderr_match 'cannot exec in a stopped container'
    rt_ok delete c1
    rt_try delete c1
    rt_error 'does not exist'
    rt_ok delete --force c1
}

@test "list has runc's table, its JSON, and ids alone" {
    rt_ok list
    want_match '^ID +PID +STATUS +BUNDLE +CREATED +OWNER$'
    rt_ok list --format json
    want_output '[]'
    create b2
    create a1
    rt_ok list
    want_match $'\na1 +[0-9]+ +created +[^ ]+ +[0-9]{4}-[^ ]+Z +root\nb2 '
    rt_ok list -q
    want_output $'a1\nb2'
    rt_ok list -f json
    jq -e '[.[].id] == ["a1", "b2"] and .[0].status == "created"' <<<"$output"
    [[ $output == '[{"ociVersion":'* ]]
    rt_try list --format yaml
    rt_error 'table or json'
    rt_ok delete --force a1
    rt_ok delete --force b2
}

@test "ps shows the container's processes: table, JSON, ps(1)'s own options" {
    set_script 'sleep 1000 & exec sleep 1001'
    start_container c1
    eventually 10 has_processes c1 2
    rt_ok ps c1
    want_match '^UID +PID +PPID +C +STIME +TTY +TIME +CMD'
    want_match "root +$(pid_of c1) .* sleep 1001"
    want_match 'sleep 1000'
    rt_ok ps c1 -o pid,args
    want_match '^ *PID COMMAND'
    [[ $(wc -l <<<"$output") == 3 ]]
    rt_ok kill --all c1 KILL
    eventually 10 is_status c1 stopped
    rt_ok ps --format json c1
    want_output '[]'
    rt_ok delete c1
}
has_processes() {
    rt ps --format json "$1" | jq -e --argjson n "$2" 'length == $n'
}

@test "kill takes names and numbers, for the first process or for all" {
    set_script 'trap "exit 7" USR1; while :; do sleep 0.05; done'
    start_container c1
    local name
    for name in 0 CONT SIGCONT 18 sigcont; do rt_ok kill c1 "$name"; done
    for name in NOPE 65 -1; do
        rt_try kill c1 -- "$name"
        want_status 1
    done
    rt_ok kill -a c1 KILL
    eventually 10 is_status c1 stopped
    rt_ok delete c1
}

@test "spec writes a configuration that runs, and never over one" {
    mkdir -p "$D/new/rootfs"
    rt_ok spec --bundle "$D/new"
    jq -e '.process.args == ["sh"] and .root.readonly and .hostname and (.linux.maskedPaths | length > 3)' "$D/new/config.json"
    rt_try spec --bundle "$D/new"
    rt_error 'config.json. exists'
    cp -a "$B/rootfs/." "$D/new/rootfs"
    B=$D/new
    edit '.process.terminal = false | .process.args = ["echo", "it runs"] | .process.rlimits = []'
    rt_ok run --bundle "$B" c1
    want_output 'it runs'
    mkdir "$D/plain"
    rt_ok spec --rootless --bundle "$D/plain"
    jq -e '[.linux.namespaces[].type] | index("user") and (index("network") | not)' "$D/plain/config.json"
}

@test "features claims what the specification wants to know" {
    rt_ok features
    jq -e '.ociVersionMin == "1.0.0" and .ociVersionMax == "1.3.0" and (.hooks | length == 6)' <<<"$output"
    jq -e '[.mountOptions[] | select(. == "rro" or . == "idmap" or . == "ridmap" or . == "tmpcopyup")] | length == 4' <<<"$output"
    jq -e '.linux.cgroup == {v1: true, v2: true, systemd: true, systemdUser: true, rdma: true}' <<<"$output"
    jq -e '.linux.seccomp.enabled and (.linux.seccomp.actions | index("SCMP_ACT_NOTIFY")) and .linux.mountExtensions.idmap.enabled' <<<"$output"
    jq -e '(.linux.capabilities | index("CAP_SYS_ADMIN")) and (.linux.namespaces | index("time"))' <<<"$output"
    jq -e '.potentiallyUnsafeConfigAnnotations | index("org.systemd.property.")' <<<"$output"
}

@test "events prints statistics once, at an interval, and ends with the container" {
    start_container c1
    rt_ok events --stats c1
    jq -e '.type == "stats" and .id == "c1" and .data.pids.current >= 1 and (.data.cpu.usage.total >= 0)' <<<"$output"
    [[ $output == '{"type":"stats","id":"c1","data":'* ]]
    rt events --interval 100ms c1 >"$D/events" 2>&1 &
    local events=$!
    eventually 10 has_lines "$D/events" 3
    rt_ok kill c1 KILL
    eventually 10 is_status c1 stopped
    rt_ok delete c1
    eventually 10 refute is_alive "$events"
    wait "$events"
    rt_try events --interval nonsense c1
    rt_error 'interval'
    rt_try events c1
    rt_error 'does not exist'
}
has_lines() {
    (($(wc -l <"$1") >= $2))
}

@test "errors go to the log, as text or JSON, and to stderr; the last line is the reason" {
    rt_try --log "$D/log" --log-format json start nobody
    want_status 1
    want_stderr_match 'container does not exist'
    jq -es '.[-1] | .level == "error" and (.msg | test("does not exist")) and (.time | test("^[0-9]{4}-.*Z$"))' "$D/log"
    rt_try --log "$D/text" start nobody
    grep -Eq '^time="[^"]+" level=error msg="container does not exist: .nobody.' "$D/text"
    rt_try --log-format xml list
    rt_error 'text json'
}

@test "wrong input is one line: options, commands, bundles, configurations" {
    rt_try frobnicate
    want_status 1
    rt_try create --nope c1
    rt_error "unknown option '--nope'"
    rt_try create --bundle "$D/nowhere" c1
    rt_error 'open the bundle'
    rt_try create --bundle "$B" 'a/b'
    rt_error 'invalid container id'
    edit '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: "many", hard: 10}]'
    rt_try create --bundle "$B" c1
    rt_error 'process.rlimits\[0\].soft: expected integer'
    edit '.process.rlimits = [] | .linux.namespaces += [{type: "fridge"}]'
    rt_try create --bundle "$B" c1
    rt_error 'linux.namespaces\[[0-9]\].type'
    printf '{' >"$B/config.json"
    rt_try create --bundle "$B" c1
    rt_error 'config.json'
    rt_ok list -q
    want_output ''
}

@test "options may stand behind the id, as Slurm writes them" {
    rt_ok create c1 --bundle "$B" </dev/null >/dev/null
    is_status c1 created
    rt_ok kill c1 -a KILL
    eventually 10 is_status c1 stopped
    rt_ok delete c1 --force
}

@test "run ends with the exit code of its command, and leaves nothing unless it is to be kept" {
    set_script 'exit 42'
    rt_try run --bundle "$B" c1
    want_status 42
    set_script 'kill -9 $$'
    edit '.linux.namespaces |= map(select(.type != "pid"))'
    rt_try run --bundle "$B" c1
    want_status 137
    rt_ok list -q
    want_output ''
    set_script 'exit 3'
    rt_try run --keep --bundle "$B" c1
    want_status 3
    is_status c1 stopped
    rt_ok delete c1
    set_args nosuchprogram
    rt_try run --bundle "$B" c1
    rt_error 'executable file not found in .PATH'
    rt_ok list -q
    want_output ''
}

@test "exec: user, groups, directory, environment, process file, exit code" {
    start_container c1
    rt_ok exec --user 5:6 --additional-gids 7 --cwd /tmp --env X=y c1 sh -c 'id -u; id -G; pwd; echo $X'
    want_output $'5\n6 7\n/tmp\ny'
    rt_try exec c1 sh -c 'exit 9'
    want_status 9
    jq -n '{args: ["sh", "-c", "echo from a file; cat"], cwd: "/"}' >"$D/process.json"
    [[ $(rt exec --process "$D/process.json" c1 <<<'and stdin') == $'from a file\nand stdin' ]]
    rt_ok exec --detach --pid-file "$D/pid" c1 sleep 500
    is_alive "$(cat "$D/pid")"
    rt_try exec c1 nosuchprogram
    want_status 255
    want_stderr_match 'executable file not found in .PATH'
    rt_try exec c1
    want_status 255
    rt_ok delete --force c1
}
