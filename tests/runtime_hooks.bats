#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Hooks through dhow-runtime: when, where and as whom they run, what they are told, and what their failure does.

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
    make_hook
}
teardown() {
    runtime_teardown
}

# $D/hook NAME: appends to $D/log a line of JSON: its name, directory, environment, namespaces, and the state on its stdin.
make_hook() {
    cat >"$D/hook" <<PY
#!/usr/bin/python3
import json, os, sys
spaces = {n: os.readlink("/proc/self/ns/" + n) for n in ("mnt", "net", "pid", "uts")}
line = {"name": sys.argv[1], "cwd": os.getcwd(), "env": dict(os.environ), "ns": spaces, "umask": os.umask(0), "root": os.listdir("/"),
        "state": json.load(sys.stdin)}
open("$D/log", "a").write(json.dumps(line) + "\n")
PY
    chmod 755 "$D/hook"
}
# Of all lines, by a filter of jq.
want_logged() {
    local is
    is=$(jq -rs "$1" "$D/log")
    [[ $is == "$2" ]] || fail "'$1' of the log is '$is', not '$2'"
}
# `hook STAGE [ARG...]`: the logging hook at this stage. `shell_hook STAGE SCRIPT`: a script of the host.
hook() {
    edit '.hooks[$stage] += [{path: $path, args: ["hook", $stage], env: ["A=b", "PATH=/usr/bin:/bin"]}]' \
        --arg stage "$1" --arg path "$D/hook"
}
shell_hook() {
    edit '.hooks[$stage] += [{path: "/bin/sh", args: ["sh", "-c", $script]}]' --arg stage "$1" --arg script "$2"
}

# bats test_tags=short
@test "the six stages run in their order, with the state of the container at each" {
    local stage
    for stage in prestart createRuntime createContainer poststart poststop; do hook $stage; done
    shell_hook startContainer 'cat >/tmp/state; pwd >/tmp/cwd'
    edit '.annotations = {"org.example.key": "value"} | .process.cwd = "/mnt"'
    create c1
    want_status 0
    want_logged '[.[].name] | join(" ")' 'prestart createRuntime createContainer'
    local pid
    pid=$(pid_of c1)
    [[ ! -e $B/rootfs/tmp/state ]]
    rt_ok start c1
    want_logged '[.[].name] | join(" ")' 'prestart createRuntime createContainer poststart'
    rt_ok delete --force c1
    want_logged '[.[].name] | join(" ")' 'prestart createRuntime createContainer poststart poststop'
    want_logged '[.[].state.status] | join(" ")' 'created creating creating running stopped'
    # In the container's namespace it is the container's number.
    want_logged '[.[].state.pid] | join(" ")' "$pid $pid 1 $pid "
    want_logged '[.[].state.id] | unique[]' c1
    want_logged '[.[].state.bundle] | unique[]' "$B"
    want_logged '[.[].state.ociVersion] | unique[]' 1.0.2
    want_logged '[.[].state.annotations["org.example.key"]] | unique[]' value
    jq -e '.status == "created" and .pid == 1 and .id == "c1"' "$B/rootfs/tmp/state"
    [[ $(cat "$B/rootfs/tmp/cwd") == /mnt ]]
}

@test "hooks of the runtime see the host, in the bundle, with no environment but their own" {
    hook prestart
    hook createRuntime
    hook poststart
    hook poststop
    SECRET=1 start_container c1
    rt_ok delete --force c1
    want_logged '[.[].cwd] | unique[]' "$B"
    want_logged '[.[].env | del(.LC_CTYPE)] | unique[] | tojson' '{"A":"b","PATH":"/usr/bin:/bin"}'
    want_logged '[.[].ns.mnt] | unique[]' "$(readlink /proc/self/ns/mnt)"
    want_logged '[.[].ns.net] | unique[]' "$(readlink /proc/self/ns/net)"
}

@test "createContainer hooks are in the container's namespaces, with the host's files, before the root is changed" {
    hook createContainer
    shell_hook createContainer 'mount -t tmpfs tmpfs mnt && echo there >mnt/file && umask >umask'
    set_script 'cat /mnt/file; cat /proc/sys/kernel/hostname'
    create c1
    want_status 0
    want_logged '.[0].ns.mnt' "$(readlink "/proc/$(pid_of c1)/ns/mnt")"
    want_logged '.[0].ns.pid' "$(readlink "/proc/$(pid_of c1)/ns/pid")"
    want_logged '.[0].ns.uts' "$(readlink "/proc/$(pid_of c1)/ns/uts")"
    want_logged '.[0].cwd' "$B/rootfs"
    want_logged '.[0].umask' 18
    rt_ok delete --force c1
    run_container c2
    want_output $'there\nbox'
    [[ ! -e $B/rootfs/mnt/file ]]
}

@test "prestart and createRuntime hooks reach the namespaces and the mounts of the container by its pid" {
    shell_hook createRuntime 'pid=$(sed "s/.*\"pid\"://; s/,.*//"); nsenter -t $pid -m sh -c "mount -t tmpfs tmpfs $PWD/rootfs/mnt && echo made >$PWD/rootfs/mnt/file"; nsenter -t $pid -n ip link add veth7 type veth'
    edit '.hooks.createRuntime[0].env = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]'
    # Also of a device that a hook made (docker's network is a prestart hook).
    edit '.linux.sysctl = {"net.ipv4.conf.veth7.forwarding": "1"}'
    run_script c1 'cat /mnt/file; cat /proc/sys/net/ipv4/conf/veth7/forwarding'
    want_output $'made\n1'
    [[ ! -e $B/rootfs/mnt/file ]]
}

@test "a hook like docker's is a program of the host that it calls by /proc/PID/exe" {
    busybox sleep 100 3>&- 4>&- &
    local pid=$!
    edit '.hooks.prestart = [{path: $exe, args: ["sh", "-c", "cat >setkey"]}]' --arg exe "/proc/$pid/exe"
    create c1
    want_status 0
    kill "$pid"
    [[ $(jq .pid "$B/setkey") == "$(pid_of c1)" ]]
    rt_ok delete --force c1
}

@test "startContainer hooks have the identity, the limits and the filter of the command, and its environment by default" {
    edit '.process.user = {uid: 5, gid: 6, additionalGids: [7], umask: 63} | .process.rlimits = [{type: "RLIMIT_NOFILE", soft: 33, hard: 44}] |
        .process.env += ["ONE=two"] | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO"}]}'
    chmod 777 "$B/rootfs/tmp"
    shell_hook startContainer 'exec >/tmp/seen 2>&1; id; umask; ulimit -n; ulimit -Hn; grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status; echo $ONE; mkdir /tmp/x; readlink /proc/self/exe; cat /proc/1/comm'
    shell_hook startContainer 'env >/tmp/env'
    edit '.hooks.startContainer[1].env = ["ONLY=this"]'
    set_script 'grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status'
    run_container c1
    want_status 0
    sed -n 5,8p "$B/rootfs/tmp/seen" | diff - <(echo "$output")
    sed -n '1,4p;9,$p' "$B/rootfs/tmp/seen" | diff - <(printf '%s\n' 'uid=5 gid=6 groups=7' 0077 33 44 two \
        "mkdir: can't create directory '/tmp/x': Operation not permitted" /bin/busybox dhow-runtime)
    grep -qx ONLY=this "$B/rootfs/tmp/env"
    refute grep -q ONE= "$B/rootfs/tmp/env"
}

@test "startContainer hooks have no descriptor of the command's, nor of ours" {
    shell_hook startContainer 'for f in /proc/self/fd/*; do readlink $f || true; done >/tmp/fds'
    choose_cgroup c1
    "$RUNTIME" --root "$STATE" create --bundle "$B" --preserve-fds 2 c1 3<"$B/config.json" 4<"$B/config.json" </dev/null >"$D/out" 2>&1
    rt_ok start c1
    refute grep -vE '^(/memfd:state \(deleted\)|/tmp/fds|pipe:.*|)$' "$B/rootfs/tmp/fds"
    rt_ok delete --force c1
}

@test "T-5736: a startContainer hook that is /proc/self/exe executes nothing of the host" {
    local before
    before=$(sha256sum <"$RUNTIME")
    printf '#!/proc/self/exe\n' >"$B/rootfs/bin/evil"
    chmod 755 "$B/rootfs/bin/evil"
    ln -s /proc/self/exe "$B/rootfs/bin/evil2"
    local evil
    for evil in evil evil2; do
        edit '.hooks = {startContainer: [{path: $path}]}' --arg path "/bin/$evil"
        create c1
        want_status 0
        rt_try start c1
        rt_error 'error running hook #0 of startContainer: .*/bin/evil'
        refute grep -q usage "$D/c1.out"
        rt_try state c1
        rt_error 'does not exist'
    done
    [[ $(sha256sum <"$RUNTIME") == "$before" ]]
}

# bats test_tags=short
@test "a hook that fails undoes the creation, and poststop hooks run" {
    local stage
    for stage in prestart createRuntime createContainer; do
        edit 'del(.hooks)'
        rm -f "$D/log"
        hook poststop
        shell_hook $stage true
        shell_hook $stage 'echo why not >&2; exit 7'
        shell_hook $stage "touch $D/never"
        create c1
        [[ $status == 1 ]]
        rt_error "error running hook #1 of $stage: '/bin/sh': exit status 7, stderr: why not"
        rt_try state c1
        rt_error 'does not exist'
        [[ -z $(cgroup_dirs c1) ]]
        want_logged '.[0].state.status' stopped
        [[ ! -e $D/never ]]
    done
}

@test "a startContainer hook that fails ends the container before its command runs" {
    shell_hook startContainer 'exit 3'
    hook poststop
    set_script 'echo ran >/tmp/ran; sleep 100'
    create c1
    want_status 0
    rt_try start c1
    rt_error "error running hook #0 of startContainer: '/bin/sh': exit status 3"
    [[ ! -e $B/rootfs/tmp/ran ]]
    rt_try state c1
    rt_error 'does not exist'
    [[ -z $(cgroup_dirs c1) ]]
    want_logged '.[0].name' poststop
    edit '.hooks.startContainer = [{path: "/bin/nothing"}]'
    create c2
    want_status 0
    rt_try start c2
    rt_error 'error running hook #0 of startContainer: exec: .*/bin/nothing.*: no such file or directory'
}

@test "a poststart hook that fails ends the container" {
    edit '.ociVersion = "1.1.0"'
    shell_hook poststart 'exit 3'
    hook poststop
    create c1
    want_status 0
    local pid
    pid=$(pid_of c1)
    rt_try start c1
    rt_error "error running hook #0 of poststart: '/bin/sh': exit status 3"
    eventually 5 refute is_alive "$pid"
    rt_try state c1
    rt_error 'does not exist'
    want_logged '.[0].name' poststop
}

@test "a poststart hook that fails is a warning by the text of 1.0, and the next one runs" {
    edit '.ociVersion = "1.0.2"'
    shell_hook poststart 'exit 3'
    hook poststart
    create c1
    rt_try start c1
    want_status 0
    [[ $stderr == *"level=warning msg=\"error running hook #0 of poststart: '/bin/sh': exit status 3\""* ]]
    want_logged '.[0].name' poststart
    rt_ok state c1
}

@test "a poststop hook that fails is a warning, and the next one runs" {
    shell_hook poststop 'exit 3'
    hook poststop
    start_container c1
    rt_try delete --force c1
    want_status 0
    [[ $stderr == *"level=warning msg=\"error running hook #0 of poststop: '/bin/sh': exit status 3\""* ]]
    want_logged '.[0].name' poststop
    rt_try state c1
    rt_error 'does not exist'
}

@test "poststop hooks use what the configuration was at the creation" {
    hook poststop
    start_container c1
    edit '.hooks.poststop = []'
    rt_ok delete --force c1
    want_logged '.[0].name' poststop
    # And they run though the bundle is gone.
    hook poststop
    start_container c2
    mv "$B" "$D/elsewhere"
    rt_ok delete --force c2
    want_logged '.[1].state.id' c2
}

@test "a hook is killed at its timeout, with its children" {
    local stage seconds=$((1000000 + $$))$RANDOM # of this test only
    for stage in createRuntime createContainer startContainer; do
        edit 'del(.hooks)'
        shell_hook $stage "sleep $seconds & wait"
        edit '.hooks[$stage][0].timeout = 1' --arg stage $stage
        create "$stage"
        [[ $stage != startContainer ]] || rt_try start "$stage"
        rt_error "error running hook #0 of $stage: '/bin/sh': hook ran past specified timeout of 1.0s"
        eventually 5 refute pgrep -fx "sleep $seconds"
    done
}

@test "hooks of every stage may take longer than the wait for an answer of ours" {
    shell_hook createContainer 'sleep 0.3'
    shell_hook startContainer 'sleep 0.3'
    run_script c1 'echo ran'
    want_output ran
}

@test "a killed creation takes its hook with it, and delete --force undoes the rest" {
    hook poststop
    shell_hook createRuntime 'echo $$ >hook.pid; exec sleep 1000'
    choose_cgroup c1
    "$RUNTIME" --root "$STATE" create --bundle "$B" c1 </dev/null >/dev/null 2>&1 3>&- 4>&- &
    local creator=$!
    eventually 10 test -s "$B/hook.pid"
    is_status c1 creating
    kill -9 "$creator"
    wait "$creator" || true
    eventually 5 refute is_alive "$(cat "$B/hook.pid")"
    rt_ok delete --force c1
    want_logged '.[0].name' poststop
}

@test "a hook with a wrong value is refused by its path" {
    edit '.hooks.createRuntime = [{path: "/bin/true"}, {path: "bin/true"}]'
    create c1
    rt_error "hooks.createRuntime\[1\].path: 'bin/true' is not an absolute path"
    edit '.hooks.createRuntime = [{path: "/bin/true", timeout: 0}]'
    create c1
    rt_error 'hooks.createRuntime\[0\].timeout: '
}

@test "in a user namespace createContainer and startContainer hooks are its root" {
    add_user_namespace
    give_rootfs 200000
    chmod 755 "$D" "$T"
    shell_hook createContainer 'id -u >tmp/id'
    shell_hook startContainer 'id -u >>/tmp/id'
    shell_hook createRuntime 'id -u >host.id'
    run_script c1 'cat /tmp/id'
    want_output $'0\n0'
    [[ $(cat "$B/host.id") == 0 && $(stat -c %u "$B/rootfs/tmp/id") == 200000 ]]
}
