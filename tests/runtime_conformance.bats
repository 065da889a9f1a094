#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What the suites of runc and of OCI runtime-tools look for in dhow-runtime, in small (docs/conformance.md).

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
    runtime_teardown
}

# ---- words ----

@test "help begins with the name that the program was called by" {
    local command
    ln -s "$RUNTIME" "$D/runc"
    [[ $("$D/runc" --help) == $'NAME:\n   runc - Open Container Initiative runtime\n'* ]]
    for command in create delete events exec kill list pause ps resume run spec start state update; do
        [[ $("$D/runc" $command -h) == $'NAME:\n'"   runc $command - "* ]] || fail "help of $command"
    done
    rt_try foo -h
    rt_error "No help topic for 'foo'"
}

@test "debug messages name the stages in runc's words, on stderr or in the log" {
    set_args true
    choose_cgroup c1
    rt_try --debug run --bundle "$B" c1
    want_status 0
    [[ $stderr == *'level=debug msg="nsexec container setup'* ]]
    [[ $stderr == *'level=debug msg="child process in init()'* ]]
    [[ $stderr == *'level=debug msg="init: closing the pipe to signal completion'* ]]
    rt_try --debug --log "$D/log" --log-format json run --bundle "$B" c1
    want_status 0
    [[ -z $stderr ]]
    grep -q '"level":"debug","msg":"nsexec container setup' "$D/log"
    set_args sleep 100
    start_container c2
    rt_try --debug exec c2 true
    want_status 0
    [[ $stderr == *'setns_init: about to exec'* ]]
}

@test "statistics do not say oom, which is the word of the event" {
    start_container c1
    rt_ok events --stats c1
    refute grep -q oom <<<"$output"
}

# ---- the life of a container ----

@test "delete refuses what is not stopped, a created container too, and changes nothing" {
    create c1
    want_status 0
    rt_try delete c1
    rt_error "cannot delete container 'c1' that is not stopped: created"
    is_status c1 created
    rt_ok start c1
    rt_try delete c1
    rt_error 'that is not stopped: running'
    is_status c1 running
    rt_ok delete --force c1
}

@test "an unknown capability is an error for a configuration of 1.0, and a warning since" {
    edit '.process.capabilities.bounding += ["CAP_TEST"] | .ociVersion = "1.0.2"'
    set_args true
    run_container c1
    rt_error "process.capabilities.bounding\[11\]: unknown value 'CAP_TEST'"
    edit '.ociVersion = "1.1.0"'
    run_container c1
    want_status 0
    [[ $stderr == *'level=warning msg="ignoring unknown or unavailable capabilities: [CAP_TEST]"'* ]]
}

@test "a created container with a terminal has none of its creator's streams" {
    edit '.process.terminal = true'
    choose_cgroup c1
    python3 - "$D/socket" <<'PY' 3>&- 4>&- &
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
c = s.accept()[0]
_, fds, _, _ = socket.recv_fds(c, 100, 1)
c.recv(1)
PY
    eventually 10 test -S "$D/socket"
    # The pipe ends although the container is there.
    timeout 20 bash -c '"$@" | cat' sh "$RUNTIME" --root "$STATE" create --bundle "$B" --console-socket "$D/socket" c1 3>&- 4>&-
    is_status c1 created
    rt_ok delete --force c1
    wait
}

@test "a terminal whose output is a pipe keeps its newlines" {
    edit '.process.terminal = true'
    set_args printf 'one\ntwo\n'
    choose_cgroup c1
    rt_ok run --bundle "$B" c1
    [[ $output == $'one\ntwo' ]]
}

@test "a user whom only a capability lets execute the command can, and is left with what was asked for" {
    cp "$B/rootfs/bin/busybox" "$B/rootfs/bin/busybox-for-root"
    chmod 700 "$B/rootfs/bin/busybox-for-root"
    edit '.process.user = {uid: 1000, gid: 1000} | .process.capabilities |= map_values(. - ["CAP_DAC_OVERRIDE"])'
    set_args /bin/busybox-for-root cat /proc/self/status
    run_container c1
    rt_error 'exec: .*/bin/busybox-for-root.*: permission denied'
    edit '.process.capabilities |= map_values(. + ["CAP_DAC_OVERRIDE"])'
    run_container c1
    want_status 0
    [[ $output == *$'CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n'*$'CapAmb:\t0000000000000000\n'* ]]
    edit '.process.capabilities.inheritable = ["CAP_DAC_OVERRIDE", "CAP_KILL"]'
    run_container c1
    want_status 0
    [[ $output == *$'CapInh:\t0000000000000022\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n'* ]]
    [[ $output == *$'CapAmb:\t0000000000000000\n'* ]]
    edit '.process.capabilities.ambient = ["CAP_KILL"] | .process.noNewPrivileges = false'
    run_container c1
    want_status 0
    [[ $output == *$'CapInh:\t0000000000000022\nCapPrm:\t0000000000000020\nCapEff:\t0000000000000020\n'* ]]
    [[ $output == *$'CapAmb:\t0000000000000020\n'* ]]
    edit '.process.args = ["sleep", "100"]'
    start_container c1
    inside c1 /bin/busybox-for-root true
}

# ---- the filter ----

# bats test_tags=short
@test "a filter that allows little more than execve lets the command run" {
    edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"], syscalls: [
        {action: "SCMP_ACT_ALLOW", names: ["execve", "execveat", "brk", "mmap", "munmap", "mprotect", "arch_prctl", "set_tid_address",
            "set_robust_list", "rseq", "prlimit64", "readlink", "readlinkat", "getrandom", "fstat", "newfstatat", "write", "exit_group",
            "getuid", "geteuid", "ioctl", "fcntl", "prctl", "capset", "capget"]}]}'
    set_args echo there
    run_container c1
    want_status 0
    [[ $output == there ]]
    # Nothing of ours needs getcwd when it is loaded.
    edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getcwd"], action: "SCMP_ACT_ERRNO"}]}'
    run_container c1
    want_status 0
}

# ---- the root ----

@test "a read-only tmpfs takes what is mounted in it, and is read-only then" {
    mkdir "$D/source"
    edit '.mounts |= map(if .destination == "/dev" then .options += ["ro"] else . end)'
    add_mount /mnt tmpfs tmpfs ro mode=755
    add_mount /mnt/in/it bind "$D/source" bind
    set_script 'touch /mnt/file || touch /dev/file || touch /mnt/in/it/file && grep -c "^tmpfs /\(dev\|mnt\) tmpfs ro," /proc/mounts'
    run_container c1
    want_status 0
    [[ $output == 2 ]]
    [[ -e $D/source/file ]]
}

@test "parameters of a file system mean nothing to a bind" {
    mkdir "$D/source"
    add_mount /mnt bind "$D/source" bind mode=700 size=1k
    set_args stat -c %a /mnt
    chmod 711 "$D/source"
    run_container c1
    want_status 0
    [[ $output == 711 ]]
}

@test "--no-pivot moves the root, and leaves no bare proc or sysfs behind" {
    set_script 'readlink /proc/self/cwd; ls / | wc -l
        unshare -mrpf sh -c "mount -t proc none /tmp" 2>&1 || unshare -mr sh -c "mount -t sysfs none /tmp" 2>&1'
    edit '.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"]) | .linux.namespaces -= [{type: "network"}]'
    choose_cgroup c1
    rt_try run --no-pivot --bundle "$B" c1
    want_status 1
    [[ $output == $'/\n8\n'* && $(grep -c 'permission denied' <<<"$output") == 2 ]]
}
