#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# linux.seccomp through dhow-runtime: agents that are notified, flags, profiles that allow next to nothing.

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
    stop_agent
    runtime_teardown
}

# Numbers of x86_64; busybox makes these calls.
MKDIR=83
NO_MEDIUM=123

# `start_agent [ERRNO [CALL...]]`: at $D/agent.sock, its log is $D/agent.log.
start_agent() {
    rm -f "$D/agent.sock" "$D/agent.sock.ready"
    mkfifo "$D/agent.stdin"
    "$BATS_TEST_DIRNAME/seccomp-agent" "$D/agent.sock" "$D/agent.log" "$@" <"$D/agent.stdin" >"$D/agent.out" 2>&1 3>&- 4>&- &
    AGENT=$!
    exec 7>"$D/agent.stdin"
    rm "$D/agent.stdin"
    eventually 20 test -e "$D/agent.sock.ready"
}
stop_agent() {
    [[ -n ${AGENT:-} ]] || return 0
    exec 7>&-
    wait "$AGENT" || true
    AGENT=
}
# `notify NAMES [MEMBERS-OF-SECCOMP]`: names separated by blanks.
notify() {
    edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: $path, listenerMetadata: "bar",
        architectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_X86_64"],
        syscalls: [{names: ($names | split(" ")), action: "SCMP_ACT_NOTIFY"}]} + $more' \
        --arg path "$D/agent.sock" --arg names "$1" --argjson more "${2:-{\}}"
}
new_privileges() {
    edit ".process.noNewPrivileges = ($1 | not)"
}
# `want_told N FILTER VALUE`: message N (from 0) of the agent's log.
want_told() {
    local is
    is=$(sed -n "$(($1 + 1))p" "$D/agent.log" | jq -rc "$2")
    [[ $is == "$3" ]] || fail "'$2' of message $1 is '$is', not '$3'"
}
want_messages() {
    [[ $(wc -l <"$D/agent.log") == "$1" ]] || fail "$(wc -l <"$D/agent.log") messages, not $1"
}

# bats test_tags=short
@test "an agent is told of the container's process, and answers for the kernel" {
    local allowed
    start_agent $NO_MEDIUM $MKDIR
    notify mkdir
    edit '.annotations = {"org.example": "x"}'
    for allowed in true false; do
        new_privileges $allowed
        rm -f "$D/agent.log"
        run_script c1 'mkdir /tmp/x; rmdir /tmp 2>/dev/null; echo on'
        want_status 0
        want_output on
        [[ $stderr == *"mkdir: can't create directory '/tmp/x': No medium found"* ]]
        want_messages 1
        want_told 0 '[.ociVersion, .fds, .metadata]' '["1.0.2",["seccompFd"],"bar"]'
        want_told 0 '.pid == .state.pid and .pid > 1' true
        want_told 0 '.state | [.ociVersion, .id, .status, .bundle, .annotations["org.example"]]' "[\"1.0.2\",\"c1\",\"creating\",\"$B\",\"x\"]"
    done
}

@test "an agent is told of an exec, by its own pid" {
    local allowed pid
    start_agent $NO_MEDIUM $MKDIR
    notify mkdir
    for allowed in true false; do
        new_privileges $allowed
        rm -f "$D/agent.log"
        start_container c1
        pid=$(pid_of c1)
        rt_try exec c1 sh -c 'mkdir /tmp/y'
        want_status 1
        [[ $stderr == *"No medium found"* ]]
        want_messages 2
        want_told 0 .pid "$pid"
        want_told 1 '.state | [.id, .status, .pid]' "[\"c1\",\"running\",$pid]"
        want_told 1 '.pid == .state.pid' false
        rt_ok delete --force c1
    done
}

@test "calls that the runtime itself needs may be notified" {
    local allowed
    start_agent
    notify 'execve execveat openat open read close fcntl sendmsg recvmsg capset capget prctl mmap brk close_range writev exit_group openat2 readlink'
    for allowed in true false; do
        new_privileges $allowed
        set_args sleep 100
        start_container c1
        inside c1 echo inside
        want_output inside
        eventually 10 is_status c1 running
        rt_ok delete --force c1
        run_script c2 'cat /etc/passwd; exit 5'
        want_status 5
        want_match root
    done
}

@test "what cannot be notified is refused by name" {
    start_agent
    notify 'mkdir write'
    create c1
    rt_error 'linux.seccomp.syscalls\[0\]: SCMP_ACT_NOTIFY cannot be used for the write syscall'
    notify mkdir '{"defaultAction": "SCMP_ACT_NOTIFY"}'
    create c1
    rt_error 'linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be used as default action'
    notify mkdir '{"listenerPath": ""}'
    edit 'del(.linux.seccomp.listenerMetadata)'
    create c1
    rt_error 'linux.seccomp.listenerPath'
}

@test "an agent that is not there fails the start, one that is not needed is not missed" {
    local path
    for path in "$D/nowhere.sock" @nobody-here; do
        notify mkdir "{\"listenerPath\": \"$path\"}"
        create c1
        want_status 0
        rt_try start c1
        rt_error 'failed to connect with seccomp agent specified in the seccomp profile'
        eventually 10 is_status c1 stopped
        rt_ok delete c1
    done
    notify mkdir "{\"listenerPath\": \"$D/nowhere.sock\", \"syscalls\": [{\"names\": [\"mkdir\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 100}]}"
    run_script c1 'mkdir /tmp/x'
    [[ $stderr == *"Network is down"* ]]
}

@test "without its agent a call fails, and no process hangs" {
    start_agent $NO_MEDIUM $MKDIR
    notify mkdir
    set_script 'mkdir /tmp/x; while [ ! -e /tmp/go ]; do sleep 0.1; done; mkdir /tmp/x && echo made'
    start_container c1
    eventually 10 grep -q 'No medium' "$D/c1.err"
    stop_agent
    touch "$B/rootfs/tmp/go"
    eventually 10 grep -q "Function not implemented" "$D/c1.err"
    eventually 10 is_status c1 stopped
    rt_ok delete c1
}

@test "a startContainer hook runs under the filter that notifies, and has no descriptor of it" {
    start_agent $NO_MEDIUM $MKDIR
    notify mkdir
    edit '.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "mkdir /tmp/made 2>/tmp/error; ls /proc/self/fd | wc -l >/tmp/fds"]}]'
    set_args true
    run_container c1
    want_status 0
    want_messages 1
    grep 'No medium' "$B/rootfs/tmp/error"
    [[ $(cat "$B/rootfs/tmp/fds") == 4 ]]
}

@test "flags reach the kernel" {
    local row
    start_agent
    set_args true
    for row in 'del(.flags)|4' '.flags = []|0' '.flags = ["SECCOMP_FILTER_FLAG_TSYNC"]|0' '.flags = ["SECCOMP_FILTER_FLAG_LOG"]|2' \
        '.flags = ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]|6' '.flags = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]|0'; do
        edit ".linux.seccomp = ({defaultAction: \"SCMP_ACT_ALLOW\", syscalls: [{names: [\"nosuch\", \"mkdir\"], action: \"SCMP_ACT_ERRNO\"}]} | ${row%|*})"
        rt_try --debug create --bundle "$B" c1
        want_status 0
        [[ $stderr == *"\"seccomp filter flags: ${row##*|}\""* ]] || fail "${row%|*}"
        [[ $stderr == *"unknown seccomp syscall 'nosuch' ignored"* ]]
        rt_ok start c1
        rt_ok delete --force c1
    done
    notify mkdir '{"flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]}'
    rt_try --debug create --bundle "$B" c1
    [[ $stderr == *'"seccomp filter flags: 40"'* ]]
    rt_ok start c1
    rt_ok delete --force c1
    edit '.linux.seccomp.flags = ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_ODD"]'
    rt_try create --bundle "$B" c1
    rt_error 'linux.seccomp.flags\[1\]'
}

# What busybox calls to print a word; nothing else, and whatever else kills. The runtime's own last calls are not the
# profile's affair, but for capset(2), which other runtimes make too.
@test "a profile of the command's calls alone is enough" {
    local names='"brk","arch_prctl","set_tid_address","set_robust_list","rseq","prlimit64","readlink","getrandom","mprotect","prctl","getuid","getgid","write","writev","ioctl","fstat","newfstatat","exit_group"'
    set_args echo enough
    edit ".linux.seccomp = {defaultAction: \"SCMP_ACT_KILL_PROCESS\", syscalls: [{names: [\"execve\",$names], action: \"SCMP_ACT_ALLOW\"}]}"
    run_container c1
    want_status 0
    want_output enough
    new_privileges true
    edit '.linux.seccomp.syscalls[0].names += ["capset"]'
    run_container c1
    want_status 0
    want_output enough
    # The kernel does what the profile says: without write(2) it ends.
    edit '.linux.seccomp.syscalls[0].names -= ["write", "writev"]'
    run_container c1
    want_status 159
}
