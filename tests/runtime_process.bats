#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What `process` and the rest of `linux` say of the process, through dhow-runtime: create and exec.

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
    [[ -z ${NOTIFY_PID:-} ]] || kill "$NOTIFY_PID" 2>/dev/null || true
    runtime_teardown
}

# What a container that goes on has written so far.
wrote() {
    [[ $(cat "$D/$1.out") == "$2" ]]
}
# `exec_process ID FILTER`: exec --process with {"args", "cwd"} changed by a filter of jq.
exec_process() {
    jq -n "{args: [\"true\"], cwd: \"/\"} | $2" >"$D/process.json"
    rt_try exec --process "$D/process.json" "$1"
}

# bats test_tags=short
@test "scheduler: policy, nice and flags, of the container and of its execs" {
    edit '.process.scheduler = {policy: "SCHED_BATCH", nice: 7}'
    start_container c1
    chrt -p "$(pid_of c1)" | grep -q 'policy: SCHED_BATCH'
    [[ $(awk '{print $19}' "/proc/$(pid_of c1)/stat") == 7 ]]
    rt_try exec c1 sh -c 'awk "{print \$19, \$41}" /proc/self/stat'
    want_output '7 3'
    exec_process c1 '.scheduler = {policy: "SCHED_IDLE"} | .args = ["sh", "-c", "awk \"{print \\$41}\" /proc/self/stat"]'
    want_output 5
}

@test "scheduler: a deadline, which its parameters describe" {
    start_container c1
    jq -n '{args: ["sleep", "100"], cwd: "/", scheduler: {policy: "SCHED_DEADLINE", flags: ["SCHED_FLAG_RESET_ON_FORK"], runtime: 42000,
        deadline: 100000, period: 1000000}}' >"$D/process.json"
    rt_ok exec --detach --pid-file "$D/pid" --process "$D/process.json" c1
    chrt -p "$(cat "$D/pid")" >"$D/chrt"
    grep -q 'SCHED_DEADLINE|SCHED_RESET_ON_FORK' "$D/chrt"
    grep -q 'runtime/deadline/period parameters: 42000/100000/1000000' "$D/chrt"
}

@test "scheduler: what the kernel refuses fails the creation by its field" {
    edit '.process.scheduler = {policy: "SCHED_ISO"}'
    create c1
    rt_error "process.scheduler: set 'SCHED_ISO': "
    edit '.process.scheduler = {policy: "SCHED_DEADLINE", runtime: 42000, deadline: 1000000, period: 1000000} | .linux.resources.cpu.cpus = "0"'
    create c1
    rt_error "process.scheduler: process scheduler can't be used together with AllowedCPUs"
    edit '.process.scheduler = {policy: "SCHED_NICE"}'
    create c1
    rt_error "process.scheduler.policy: unknown value 'SCHED_NICE'"
}

@test "ioPriority: class and level, of the container and of its execs" {
    edit '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}'
    start_container c1
    [[ $(ionice -p "$(pid_of c1)") == 'best-effort: prio 6' ]]
    jq -n '{args: ["sleep", "100"], cwd: "/", ioPriority: {class: "IOPRIO_CLASS_IDLE", priority: 0}}' >"$D/process.json"
    rt_ok exec --detach --pid-file "$D/pid" --process "$D/process.json" c1
    [[ $(ionice -p "$(cat "$D/pid")") == idle ]]
    rt_ok exec --detach --pid-file "$D/pid" c1 sleep 100
    [[ $(ionice -p "$(cat "$D/pid")") == 'best-effort: prio 6' ]]
    edit '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 8}'
    create c2
    rt_error 'process.ioPriority.priority: 8 is not within 0..7'
}

@test "personality: what uname says, in the container and its execs" {
    edit '.linux.personality = {domain: "LINUX32", flags: []}'
    set_script 'uname -m; sleep 100'
    start_container c1
    eventually 5 grep -qx i686 "$D/c1.out"
    inside c1 uname -m
    want_output i686
    rt_ok delete --force c1
    edit '.linux.personality.domain = "LINUX"'
    run_script c2 'uname -m'
    want_output "$(uname -m)"
    edit '.linux.personality.flags = ["ADDR_NO_RANDOMIZE"]'
    create c3
    rt_error "linux.personality.flags\[0\]: unknown value 'ADDR_NO_RANDOMIZE'"
}

@test "memoryPolicy: mode, nodes and flags, in the container and its execs" {
    [[ -e /proc/self/numa_maps ]] || skip "this kernel has no memory policies"
    local policy='cut -d" " -f2 /proc/self/numa_maps | head -n 1'
    edit '.linux.memoryPolicy = {mode: "MPOL_INTERLEAVE", nodes: "0"}'
    set_script "$policy; sleep 100"
    start_container c1
    eventually 5 grep -qx interleave:0 "$D/c1.out"
    inside c1 sh -c "$policy"
    want_output interleave:0
    rt_ok delete --force c1
    edit '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"]}'
    run_script c2 "$policy"
    want_output bind=static:0
    edit '.linux.memoryPolicy = {mode: "MPOL_DEFAULT"}'
    run_script c3 "$policy"
    want_output default
}

@test "memoryPolicy: wrong words and nodes that are not there fail the creation by their field" {
    edit '.linux.memoryPolicy = {mode: "INTERLEAVE", nodes: "0"}'
    create c1
    rt_error "linux.memoryPolicy.mode: unknown value 'INTERLEAVE'"
    edit '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: ["badflag"]}'
    create c1
    rt_error "linux.memoryPolicy.flags\[0\]: unknown value 'badflag'"
    edit '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0-9876543210"}'
    create c1
    rt_error "linux.memoryPolicy.nodes: '0-9876543210' is not a list like '0-3,7' of numbers below 1024"
    edit '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "1023"}'
    create c1
    rt_error "linux.memoryPolicy: set 'MPOL_BIND': "
}

@test "execCPUAffinity: initial for the way into the container, final inside; not for the container itself" {
    [[ $(nproc) -gt 1 ]] || skip "one CPU"
    edit '.process.execCPUAffinity = {initial: "0", final: "1"}'
    set_script 'grep Cpus_allowed_list /proc/self/status; sleep 100'
    start_container c1
    eventually 5 wrote c1 "$(grep Cpus_allowed_list /proc/self/status)"
    inside c1 grep -h Cpus_allowed_list: /proc/self/status
    want_output $'Cpus_allowed_list:\t1'
    exec_process c1 '.execCPUAffinity = {initial: "1"} | .args = ["grep", "-h", "Cpus_allowed_list:", "/proc/self/status"]'
    want_output $'Cpus_allowed_list:\t1'
    exec_process c1 '.execCPUAffinity = {final: "0-1"} | .args = ["grep", "-h", "Cpus_allowed_list:", "/proc/self/status"]'
    want_output $'Cpus_allowed_list:\t0-1'
    exec_process c1 '.execCPUAffinity = {initial: "1000"}'
    [[ $status == 255 && $stderr == *"process.execCPUAffinity.initial: run on CPUs '1000': "* ]]
    exec_process c1 '.execCPUAffinity = {final: "1000"}'
    [[ $status == 255 && $stderr == *"process.execCPUAffinity.final: run on CPUs '1000': "* ]]
}

@test "rlimits: soft and hard, of the container and its execs; a hard limit that may not be raised is a warning" {
    edit '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 33, hard: 44}, {type: "RLIMIT_CORE", soft: 0, hard: 1024}]'
    set_script 'ulimit -n; ulimit -Hn; ulimit -c; ulimit -Hc; sleep 100'
    start_container c1
    eventually 5 wrote c1 $'33\n44\n0\n2'
    inside c1 sh -c 'ulimit -n; ulimit -Hn'
    want_output $'33\n44'
    exec_process c1 '.rlimits = [{type: "RLIMIT_NOFILE", soft: 22, hard: 23}] | .args = ["sh", "-c", "ulimit -n; ulimit -Hn"]'
    want_output $'22\n23'
    local now
    now=$(ulimit -Hn)
    edit '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: $hard}] | .process.args = ["sh", "-c", "ulimit -n; ulimit -Hn"]' --argjson hard $((now + 1))
    run_container c2
    if setpriv --dump | grep -q sys_resource; then
        want_output $'100\n'$((now + 1))
    else
        want_output $'100\n'"$now"
        [[ $stderr == *"level=warning msg=\"process.rlimits: the hard limit of RLIMIT_NOFILE cannot be raised here, it stays $now\""* ]]
    fi
}

@test "rlimits: in a user namespace they are set from outside, where they may be raised" {
    add_user_namespace
    give_rootfs 200000
    edit '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 33, hard: 2000}]'
    (
        ulimit -Sn 1000
        run_script c1 'ulimit -n; ulimit -Hn; sleep 0'
        want_output $'33\n2000'
    )
}

@test "oomScoreAdj: set when it is there, else left alone; what may not be lowered is a warning" {
    edit '.process.oomScoreAdj = 123'
    run_script c1 'cat /proc/self/oom_score_adj'
    want_output 123
    edit 'del(.process.oomScoreAdj)'
    run_script c2 'cat /proc/self/oom_score_adj'
    want_output "$(cat /proc/self/oom_score_adj)"
    edit '.process.oomScoreAdj = 77 | .process.args = ["sleep", "100"]'
    start_container c3
    inside c3 cat /proc/self/oom_score_adj
    want_output 77
    rt_ok delete --force c3
    setpriv --dump | grep -q sys_resource && return 0
    edit '.process.oomScoreAdj = -999'
    run_script c4 'echo ran'
    want_output ran
    [[ $stderr == *'oomScoreAdj -999 cannot be set'* ]]
}

@test "user: ids, groups and umask, of the container and its execs" {
    edit '.process.user = {uid: 5, gid: 6, additionalGids: [7, 8], umask: 7}'
    set_script 'id; umask; sleep 100'
    start_container c1
    eventually 5 wrote c1 $'uid=5 gid=6 groups=7,8\n0007'
    inside c1 sh -c 'id; umask'
    want_output $'uid=5 gid=6 groups=7,8\n0007'
    rt_ok delete --force c1
    edit 'del(.process.user.umask)'
    run_script c2 'umask'
    want_output 0022
}

# bats test_tags=short
@test "T-caps: all five sets are exactly what was asked for, in the container and its execs" {
    local caps='grep -E "^(Cap|NoNew)" /proc/self/status | tr -s "\t" " "'
    edit '.process.capabilities = {bounding: ["CAP_CHOWN", "CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_CHOWN", "CAP_KILL"],
        inheritable: ["CAP_KILL"], ambient: ["CAP_KILL"]} | .process.user = {uid: 5, gid: 5}'
    set_script "$caps; sleep 100"
    start_container c1
    # 0x1 is CAP_CHOWN, 0x20 CAP_KILL. An execve by a user keeps of the permitted ones what is ambient.
    local want=$'CapInh: 0000000000000020\nCapPrm: 0000000000000020\nCapEff: 0000000000000020\nCapBnd: 0000000000000021\nCapAmb: 0000000000000020\nNoNewPrivs: 1'
    eventually 5 wrote c1 "$want"
    inside c1 sh -c "$caps"
    want_output "$want"
    jq -n --arg caps "$caps" '{args: ["sh", "-c", $caps], cwd: "/", capabilities: {bounding: ["CAP_CHOWN"], effective: ["CAP_CHOWN"], permitted: ["CAP_CHOWN"]}}' >"$D/process.json"
    rt_ok exec --process "$D/process.json" c1
    want_output $'CapInh: 0000000000000000\nCapPrm: 0000000000000001\nCapEff: 0000000000000001\nCapBnd: 0000000000000001\nCapAmb: 0000000000000000\nNoNewPrivs: 0'
    jq -n --arg caps "$caps" '{args: ["sh", "-c", $caps], cwd: "/", noNewPrivileges: true, capabilities: {}}' >"$D/process.json"
    rt_ok exec --process "$D/process.json" c1
    want_output $'CapInh: 0000000000000000\nCapPrm: 0000000000000000\nCapEff: 0000000000000000\nCapBnd: 0000000000000000\nCapAmb: 0000000000000000\nNoNewPrivs: 1'
}

@test "T-caps: unknown capabilities, and those that the caller lacks, are warnings" {
    edit '.ociVersion = "1.2.0" | .process.capabilities.bounding += ["CAP_UNKNOWN", "CAP_SYS_RESOURCE"] | .process.capabilities.permitted += ["CAP_SYS_RESOURCE"]'
    run_script c1 'echo ran'
    want_output ran
    [[ $stderr == *'ignoring unknown or unavailable capabilities: [CAP_UNKNOWN]'* ]]
    setpriv --dump | grep -q sys_resource || [[ $stderr == *'process.capabilities: the caller does not have [CAP_SYS_RESOURCE]'* ]]
}

@test "hostname and domainname are the container's" {
    edit '.hostname = "boat" | .domainname = "sea.example"'
    run_script c1 'cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname'
    want_output $'boat\nsea.example'
    [[ $(hostname) != boat ]]
}

@test "sysctl: the container's own, by the table of names; T-0811: nothing else" {
    edit '.linux.sysctl = {"net.core.somaxconn": "77", "kernel.shmmax": "4096", "fs.mqueue.msg_max": "5"}'
    run_script c1 'cat /proc/sys/net/core/somaxconn /proc/sys/kernel/shmmax /proc/sys/fs/mqueue/msg_max'
    want_output $'77\n4096\n5'
    local before name
    before=$(cat /proc/sys/kernel/core_pattern)
    for name in kernel.core_pattern kernel.panic vm.swappiness kernel.hostname user.max_user_namespaces \
        kernel.shm_rmid_forced+kernel.core_pattern net/../kernel/core_pattern 'net..core.somaxconn' net.core.somaxconn/../x; do
        edit '.linux.sysctl = {($name): "1"}' --arg name "$name"
        create c2
        rt_error 'linux.sysctl.*: '
    done
    [[ $(cat /proc/sys/kernel/core_pattern) == "$before" ]]
}

@test "labels: what this kernel cannot do is refused by its field, for create and exec" {
    start_container c1
    if ! grep -qs Y /sys/module/apparmor/parameters/enabled; then
        edit '.process.apparmorProfile = "profile"'
        create c2
        rt_error 'process.apparmorProfile: config provided but apparmor not supported'
        rt_try exec --apparmor profile c1 true
        [[ $status == 255 && $stderr == *'process.apparmorProfile: config provided but apparmor not supported'* ]]
        edit '.process.apparmorProfile = ""'
    fi
    if [[ ! -e /sys/fs/selinux/enforce ]]; then
        edit '.process.selinuxLabel = "system_u:system_r:container_t:s0:c1,c2"'
        create c2
        rt_error 'process.selinuxLabel: selinux label is specified in config, but selinux is disabled or not supported'
        rt_try exec --process-label x c1 true
        [[ $status == 255 && $stderr == *'process.selinuxLabel: '* ]]
    fi
}

@test "keys: the session keyring is the container's own, shared with its execs, or the caller's with --no-new-keyring" {
    [[ -e /proc/keys ]] || skip "this kernel has no keys"
    edit '.linux.maskedPaths = []'
    local session
    set_script 'grep " keyring " /proc/keys; sleep 100'
    start_container c1
    eventually 5 grep -q ' _ses.c1' "$D/c1.out"
    session=$(awk '/_ses.c1/ {print $1}' "$D/c1.out")
    inside c1 grep ' keyring ' /proc/keys
    want_match "$session .* _ses.c1"
    rt_ok delete --force c1
    create c2 --no-new-keyring
    rt_ok start c2
    eventually 5 test -s "$D/c2.out"
    inside c2 grep ' keyring ' /proc/keys
    refute grep -q _ses.c2 <<<"$output"
    refute grep -q _ses.c2 "$D/c2.out"
}

@test "--no-pivot: the root is moved over the host's, of which nothing can be seen or shown" {
    edit '.process.capabilities[] += ["CAP_SYS_ADMIN", "CAP_SYS_CHROOT"] | .linux.readonlyPaths = [] | .linux.maskedPaths = []'
    set_script 'ls /; cut -d" " -f5 /proc/self/mountinfo | grep -v "^/\(proc\|dev\|sys\|$\)"; cd /..; ls -d bin'
    run_container c1 --no-pivot
    want_output $'bin\ndev\netc\nmnt\nproc\nroot\nsys\ntmp\nbin'
    # The classical way out of a chroot.
    cat >"$B/rootfs/out.c" <<'C'
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
int main(void)
{
    mkdir("/tmp/y", 0700);
    if (chroot("/tmp/y"))
        return 9;
    for (int i = 0; i < 100; i++)
        if (chdir(".."))
            return 8;
    if (chroot("."))
        return 7;
    return access("/etc/machine-id", F_OK) == 0 || access("/usr/bin/bats", F_OK) == 0 ? 1 : access("/out.c", F_OK) == 0 ? 0 : 2;
}
C
    cc -static -o "$B/rootfs/out" "$B/rootfs/out.c"
    set_args /out
    run_container c2 --no-pivot
    want_status 0
    add_user_namespace
    give_rootfs 200000
    set_script 'id -u; ls /'
    run_container c4 --no-pivot
    want_match $'^0\nbin\n'
}

# `notify_server OUT`: a stand-in for systemd at $D/notify.sock, which writes each message to OUT and answers barriers.
notify_server() {
    python3 - "$D/notify.sock" "$1" >/dev/null 2>&1 3>&- 4>&- <<'PY' &
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True:
    text, fds, _, _ = socket.recv_fds(s, 4096, 4)
    with open(sys.argv[2], "ab") as out:
        out.write(text + (b"\n" if not text.endswith(b"\n") else b""))
    for fd in fds:
        os.close(fd)
PY
    NOTIFY_PID=$!
    eventually 10 test -S "$D/notify.sock"
}
# A static program that sends its arguments, each as a datagram, to $NOTIFY_SOCKET.
make_sender() {
    cat >"$D/send.c" <<'C'
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    strncpy(a.sun_path, getenv("NOTIFY_SOCKET"), sizeof(a.sun_path) - 1);
    for (int i = 1; i < argc; i++)
        if (sendto(fd, argv[i], strlen(argv[i]), 0, (struct sockaddr *)&a, sizeof(a)) < 0)
            return 1;
    return 0;
}
C
    cc -static -o "$B/rootfs/bin/send" "$D/send.c"
}

@test "NOTIFY_SOCKET: start returns when the command is ready, which is told with the pid to watch" {
    make_sender
    notify_server "$D/told"
    set_script 'echo $NOTIFY_SOCKET; until [ -e /tmp/go ]; do sleep 0.05; done; send STATUS=almost "X=1
READY=1"; sleep 100'
    export NOTIFY_SOCKET=$D/notify.sock
    create c1
    want_status 0
    "$RUNTIME" --root "$STATE" start c1 >"$D/start.out" 2>&1 3>&- 4>&- &
    local start=$!
    eventually 10 is_status c1 running
    is_alive "$start"
    [[ ! -s $D/told ]]
    touch "$B/rootfs/tmp/go"
    wait "$start"
    [[ $(cat "$D/told") == READY=1$'\n'MAINPID=$(pid_of c1)$'\n'BARRIER=1 ]]
    [[ $(cat "$D/c1.out") == /run/notify/notify.sock ]]
    unset NOTIFY_SOCKET
    inside c1 sh -c 'echo $NOTIFY_SOCKET; touch /run/notify/x'  || true
    [[ $status == 1 && $stderr == *'Read-only file system'* ]]
}

@test "NOTIFY_SOCKET: in the foreground the pid to watch is the runtime's; a command that ends is ready never" {
    make_sender
    notify_server "$D/told"
    set_script 'send READY=1; until [ -e /tmp/go ]; do sleep 0.05; done; exit 7'
    choose_cgroup c1
    NOTIFY_SOCKET=$D/notify.sock "$RUNTIME" --root "$STATE" run --bundle "$B" c1 </dev/null >/dev/null 2>&1 3>&- 4>&- &
    local run=$! rc=0
    eventually 10 grep -q BARRIER "$D/told"
    [[ $(sed -n 2p "$D/told") == "MAINPID=$run" ]]
    touch "$B/rootfs/tmp/go"
    wait "$run" || rc=$?
    [[ $rc == 7 ]]
    rm "$D/told"
    set_script 'exit 3'
    choose_cgroup c2
    NOTIFY_SOCKET=$D/notify.sock rt_try run --bundle "$B" --detach c2
    want_status 0
    [[ ! -e $D/told ]]
    rt_ok delete --force c2
}

@test "LISTEN_FDS: the sockets meant for us are the command's, before those of --preserve-fds" {
    set_script 'echo $LISTEN_FDS $LISTEN_PID $$; for fd in 3 4 5 6; do if [ -e /proc/self/fd/$fd ]; then head -n 1 <&$fd; fi; done'
    printf 'one\n' >"$D/one"
    printf 'two\n' >"$D/two"
    printf 'three\n' >"$D/three"
    choose_cgroup c1
    local run=("$RUNTIME" --root "$STATE" run --bundle "$B")
    # exec keeps the pid, which is how systemd does it.
    LISTEN_FDS=2 sh -c 'LISTEN_PID=$$ exec "$@"' sh "${run[@]}" --preserve-fds 1 c1 \
        3<"$D/one" 4<"$D/two" 5<"$D/three" 6<"$D/three" </dev/null >"$D/out" 2>"$D/err"
    [[ $(cat "$D/out") == $'2 1 1\none\ntwo\nthree' ]]
    choose_cgroup c2
    LISTEN_FDS=2 LISTEN_PID=1 "${run[@]}" c2 3<"$D/one" 4<"$D/two" </dev/null >"$D/out" 2>"$D/err"
    [[ $(cat "$D/out") == 1 ]]
}

@test "process.args: an empty word is a command that is not there, in runc's words" {
    set_args ''
    create c1
    rt_error 'exec: .+: executable file not found in .PATH'
}

@test "run: in the foreground the container ends with the runtime, whoever its user is; detached it goes on" {
    local user pid
    for user in 0 5; do
        edit ".process.user = {uid: $user, gid: $user}"
        choose_cgroup c1
        "$RUNTIME" --root "$STATE" run --bundle "$B" c1 >"$D/out" 2>&1 3>&- 4>&- </dev/null &
        pid=$!
        eventually 10 is_status c1 running
        kill -KILL "$pid"
        eventually 10 is_status c1 stopped
        rt_ok delete c1
    done
    rt_ok run --detach --bundle "$B" c1
    is_status c1 running
}

@test "intelRdt: without resctrl it is one clear error" {
    grep -q ' - resctrl ' /proc/self/mountinfo && skip "this machine has resctrl mounted"
    edit '.linux.intelRdt = {closID: "gold", l3CacheSchema: "L3:0=f"}'
    create c1
    rt_error 'linux.intelRdt: no resctrl file system is mounted'
    edit '.linux.intelRdt = {closID: "a/b"}'
    create c1
    rt_error "linux.intelRdt.closID: 'a/b' is not a name"
}
