#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# containerd and its ctr with the runtime below the shim io.containerd.runc.v2; then the kubelet's calls (CRI).

setup_file() {
    load lib
    box_start || return 0
    config >"$T/containerd.toml"
    network | in_box sh -c 'mkdir -p /etc/cni/net.d; cat >/etc/cni/net.d/10-box.conflist'
    daemon containerd containerd --config "$T/containerd.toml"
    daemon_is_up containerd 30 in_box ctr version || return 0
    in_box ctr images import - <"$(busybox_archive)" >/dev/null
    in_box ctr -n k8s.io images import - <"$(busybox_archive)" >/dev/null
    in_box ctr -n k8s.io images import - <"$(pause_archive)" >/dev/null
    SOCKET=/run/containerd/containerd.sock
    export SOCKET
}
teardown_file() {
    load lib
    box_stop
}
setup() {
    load lib
    need_box
}
teardown() {
    [[ -n ${BATS_TEST_COMPLETED:-}${GIVEN_UP:-} ]] || remove_all
}

# As docs/guides/kubernetes.md has it; the last four lines are for a machine without a registry and without privileges.
config() {
    cat <<EOT
version = 2
[plugins."io.containerd.grpc.v1.cri".containerd]
  default_runtime_name = "dhow"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.dhow]
  runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.dhow.options]
    BinaryName = "$BIN"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$PAUSE"
  restrict_oom_score_adj = true
EOT
}
network() {
    echo '{"cniVersion": "0.4.0", "name": "box", "plugins": [{"type": "bridge", "bridge": "cni0", "isGateway": true,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.67.0.0/24"}]]}}]}'
}

# ---- ctr ----
run() { # run [OPTIONS] IMAGE ID COMMAND...
    try_in_box ctr run --runc-binary "$BIN" "$@"
}
background() { # background ID COMMAND...
    run -d "$BUSYBOX" "$@"
    want_status 0
}
task_is() {
    in_box ctr task ls | grep -q "^$1 .*$2"
}
remove() {
    in_box ctr task kill -s KILL "$1" || true
    eventually 10 task_is "$1" STOPPED
    ok_in_box ctr task delete "$1"
    ok_in_box ctr container rm "$1"
}

remove_all() {
    local id
    for id in $(in_box ctr container ls -q); do
        in_box ctr task delete --force "$id" || true
        in_box ctr container rm "$id" || true
    done
}

@test "run: output, errors and the exit code" {
    run --rm "$BUSYBOX" c1 sh -c 'echo out; echo err >&2; exit 7'
    want_status 7
    want_output out
    want_stderr_match err
}

@test "run: input" {
    run --rm "$BUSYBOX" c1 sh -c 'read line; echo "got $line"' <<<word
    want_status 0
    want_output 'got word'
}

@test "run -t: a terminal" {
    on_tty ctr run --rm -t --runc-binary "$BIN" "$BUSYBOX" c1 sh -c 'tty; test -t 0 && test -t 2 && exit 4'
    want_match '/dev/pts/0'
    want_status 4
}

@test "run: environment, directory, mounts, limits, capabilities, no more privileges" {
    mkdir -p "$T/shared"
    echo hello >"$T/shared/file"
    run --rm --env A=b --cwd /tmp --memory-limit 67108864 --cpus 0.5 --read-only --cap-drop CAP_CHOWN \
        --mount "type=bind,src=$T/shared,dst=/mnt,options=rbind:ro" "$BUSYBOX" c1 \
        sh -c 'echo $A $(pwd) $(cat /mnt/file); touch /x /mnt/x; chown 5 /dev/shm; grep NoNewPrivs: /proc/self/status'
    want_match '^b /tmp hello'
    want_match 'NoNewPrivs:.1'
    want_stderr_match '/x: Read-only file system.*/mnt/x: Read-only file system.*Operation not permitted'
}

@test "run --seccomp and --privileged" {
    run --rm --seccomp "$BUSYBOX" c1 grep Seccomp: /proc/self/status
    want_match '2$'
    run --rm --privileged "$BUSYBOX" c1 grep -E 'Seccomp:|CapEff' /proc/self/status
    want_match '0$'
}

@test "run: the text of what cannot be executed arrives" {
    run --rm "$BUSYBOX" c1 nonsense
    want_status 1
    want_stderr_match 'nonsense.*(executable file not found|no such file or directory)'
    run --rm "$BUSYBOX" c1 /etc
    want_status 1
    want_stderr_match 'permission denied'
}

@test "run -d, ps, metrics, pause and resume, kill, delete" {
    background c1 sh -c "$SERVICE"
    task_is c1 RUNNING
    ok_in_box ctr task ps c1
    want_match '[0-9]+ +-'
    ok_in_box ctr task metrics c1
    want_match 'pids.current +[1-9]'
    want_match 'memory.usage_in_bytes +[1-9]|memory.usage +[1-9]'
    ok_in_box ctr task pause c1
    task_is c1 PAUSED
    ok_in_box ctr task resume c1
    task_is c1 RUNNING
    ok_in_box ctr task kill -s TERM c1
    eventually 10 task_is c1 STOPPED
    ok_in_box ctr task delete c1
    want_stderr_match 'code 3'
    ok_in_box ctr container rm c1
}

@test "exec: exit code, terminal, user, what is missing" {
    background c1 sleep 1000
    try_in_box ctr task exec --exec-id e c1 sh -c 'echo out; exit 4'
    want_status 4
    want_output out
    on_tty ctr task exec -t --exec-id e c1 tty
    want_match /dev/pts/
    ok_in_box ctr task exec --exec-id e --user 5:6 --cwd /tmp c1 sh -c 'echo $(id -u):$(id -g) $(pwd)'
    want_output '5:6 /tmp'
    try_in_box ctr task exec --exec-id e c1 nonsense
    want_status 1
    want_stderr_match 'nonsense.*(executable file not found|no such file or directory)'
    remove c1
}

@test "exec -d and kill of one of two processes" {
    background c1 sleep 1000
    ok_in_box ctr task exec -d --exec-id e c1 sleep 2000
    in_box ctr task ps c1 | grep -q e
    ok_in_box ctr task kill --exec-id e -s KILL c1
    eventually 10 one_process
    task_is c1 RUNNING
    remove c1
}
one_process() {
    [[ $(in_box ctr task ps c1 | grep -c '^[0-9]') == 1 ]]
}

@test "kill --all takes what init left behind" {
    run -d --with-ns "pid:/proc/1/ns/pid" "$BUSYBOX" c1 sh -c 'sleep 4321 & exec sleep 1000'
    want_status 0
    eventually 10 in_box pgrep -f 'sleep 4321'
    ok_in_box ctr task kill --all -s KILL c1
    eventually 10 task_is c1 STOPPED
    eventually 10 refute in_box pgrep -f 'sleep 4321'
    remove c1
}

@test "a task that ended and one that is not there" {
    background c1 true
    eventually 10 task_is c1 STOPPED
    try_in_box ctr task kill -s KILL c1
    want_stderr_match 'not found|already finished|not running'
    try_in_box ctr task kill -s KILL c9
    want_status 1
    want_stderr_match 'not found'
    remove c1
}

@test "twenty at once" {
    local i pids=()
    for i in {1..20}; do
        in_box timeout 60 ctr run --rm --runc-binary "$BIN" "$BUSYBOX" "c$i" sh -c "echo $i" >"$T/out.$i" 2>&1 </dev/null &
        pids+=($!)
    done
    wait "${pids[@]}"
    for i in {1..20}; do [[ $(cat "$T/out.$i") == "$i" ]] || fail "$i: $(cat "$T/out.$i")"; done
}

# ---- CRI: a pod of RuntimeClass dhow ----
cri() { # cri METHOD REQUEST
    capture "cri $1" "$BOX" enter "$BOX_PID" "$BOX_GROUP" "$DHOW_TOP/tests/plugs/cri" "$SOCKET" "$@"
}
cri_ok() {
    cri "$@"
    want_status 0
}
get() { # get FILTER: of the answer
    jq -r "$1" <<<"$output"
}
POD_CONFIG='{"metadata": {"name": "pod'"$BATS_TEST_NUMBER"'", "uid": "uid", "namespace": "default"}, "hostname": "harbour", "log_directory": "/var/log/pods",
    "linux": {"cgroup_parent": "/kubepods/pod1", "sysctls": {"net.ipv4.ip_unprivileged_port_start": "80"}}}'
start_pod() { # sets POD
    cri_ok RunPodSandbox "{\"config\": $POD_CONFIG, \"runtime_handler\": \"dhow\"}"
    POD=$(get .pod_sandbox_id)
}
start_container() { # start_container NAME COMMAND [more of the configuration]: sets CONTAINER
    local config
    config=$(jq -n --arg name "$1" --arg command "$2" --arg image "$BUSYBOX" \
        '{metadata: {name: $name}, image: {image: $image}, command: ["sh", "-c", $command], log_path: ($name + ".log")}')
    config=$(jq -n "$config * ${3:-"{}"}")
    cri_ok CreateContainer "{\"pod_sandbox_id\": \"$POD\", \"sandbox_config\": $POD_CONFIG, \"config\": $config}"
    CONTAINER=$(get .container_id)
    cri_ok StartContainer "{\"container_id\": \"$CONTAINER\"}"
}
in_container() { # in_container COMMAND: the answer has stdout and exit_code
    cri_ok ExecSync "$(jq -n --arg id "$CONTAINER" --arg command "$1" '{container_id: $id, cmd: ["sh", "-c", $command], timeout: 20}')"
}
container_is() { # 1 running, 2 exited
    cri ContainerStatus "{\"container_id\": \"$CONTAINER\"}"
    [[ $(get .status.state) == "$1" ]]
}
remove_pod() {
    cri_ok StopPodSandbox "{\"pod_sandbox_id\": \"$POD\"}"
    cri_ok RemovePodSandbox "{\"pod_sandbox_id\": \"$POD\"}"
}

@test "CRI: ready, a pod with an address, of the runtime that was asked for" {
    cri_ok Status '{}'
    [[ $(get '.status.conditions[] | select(.type == "RuntimeReady").status') == 1 ]]
    start_pod
    cri_ok PodSandboxStatus "{\"pod_sandbox_id\": \"$POD\"}"
    [[ $(get .status.runtime_handler) == dhow && $(get .status.network.ip) == 10.67.0.* ]]
    remove_pod
}

@test "CRI: a node without the handler says so" {
    cri RunPodSandbox "{\"config\": $POD_CONFIG, \"runtime_handler\": \"other\"}"
    want_status 1
    want_stderr_match 'no runtime for "other" is configured'
}

@test "CRI: containers of a pod share its network and host name, keep their log and exit code" {
    start_pod
    start_container first "$SERVICE"
    start_container second 'echo "second in $(hostname)"; wget -q -O - http://127.0.0.1:80/file; exit 5' || true
    eventually 10 container_is 2
    [[ $(get .status.exit_code) == 5 ]]
    in_box grep -q 'stdout F second in harbour' /var/log/pods/second.log
    remove_pod
    in_box grep -q 'stdout F ready' /var/log/pods/first.log
}

@test "CRI: ExecSync, limits and their update, statistics, stop" {
    start_pod
    start_container c "$SERVICE" '{"linux": {"resources": {"memory_limit_in_bytes": 67108864, "cpu_shares": 512, "cpu_quota": 50000, "cpu_period": 100000},
        "security_context": {"run_as_user": {"value": 5}, "readonly_rootfs": 1, "no_new_privs": 1, "capabilities": {"drop_capabilities": ["ALL"]}}},
        "envs": [{"key": "A", "value": "b"}], "mounts": [{"container_path": "/mnt", "host_path": "/etc/cni", "readonly": 1}]}'
    in_container 'echo $(id -u) $A $(ls /mnt); touch /x; grep -E "NoNewPrivs|CapBnd" /proc/self/status; exit 4'
    [[ $(get .exit_code) == 4 ]]
    [[ $(get .stdout) =~ ^'5 b net.d' && $(get .stdout) =~ NoNewPrivs:.1 && $(get .stdout) =~ CapBnd:.0000000000000000 ]]
    [[ $(get .stderr) =~ 'Read-only file system' ]]
    want_limit 67108864
    cri_ok UpdateContainerResources "{\"container_id\": \"$CONTAINER\", \"linux\": {\"memory_limit_in_bytes\": 134217728}}"
    want_limit 134217728
    cri_ok ContainerStats "{\"container_id\": \"$CONTAINER\"}"
    (($(get .stats.memory.working_set_bytes.value) > 0 && $(get .stats.cpu.usage_core_nano_seconds.value) > 0))
    cri_ok StopContainer "{\"container_id\": \"$CONTAINER\", \"timeout\": 10}"
    container_is 2
    [[ $(get .status.exit_code) == 3 ]]
    cri_ok RemoveContainer "{\"container_id\": \"$CONTAINER\"}"
    remove_pod
}
want_limit() {
    local file
    file=$(in_box find /sys/fs/cgroup -path "*/kubepods/pod1/$CONTAINER/memory*" \( -name memory.limit_in_bytes -o -name memory.max \))
    [[ $(in_box cat "$file") == "$1" ]] || fail "the limit is $(in_box cat "$file"), not $1"
}

@test "CRI: a container that needs more memory than it may have is OOMKilled" {
    start_pod
    start_container hungry 'x=a; while :; do x=$x$x; done' '{"linux": {"resources": {"memory_limit_in_bytes": 33554432}}}'
    eventually 20 container_is 2
    [[ $(get .status.exit_code) == 137 ]]
    eventually 10 is_oom_killed
    remove_pod
}

is_oom_killed() {
    container_is 2 && [[ $(get .status.reason) == OOMKilled ]]
}

@test "CRI: a command that is not there fails the start, with its name" {
    start_pod
    cri_ok CreateContainer "{\"pod_sandbox_id\": \"$POD\", \"sandbox_config\": $POD_CONFIG,
        \"config\": {\"metadata\": {\"name\": \"c\"}, \"image\": {\"image\": \"$BUSYBOX\"}, \"command\": [\"nonsense\"]}}"
    cri StartContainer "{\"container_id\": \"$(get .container_id)\"}"
    want_status 1
    want_stderr_match 'nonsense.*(executable file not found|no such file or directory)'
    remove_pod
}

@test "CRI: a pod's processes in one namespace" {
    start_pod_shared
    start_container c 'sleep 1000' '{"linux": {"security_context": {"namespace_options": {"pid": 0}}}}'
    in_container 'cat /proc/1/cmdline | tr "\0" " "'
    [[ $(get .stdout) == 'sleep 100000 ' ]]
    remove_pod
}
start_pod_shared() {
    POD_CONFIG=$(jq -n "$POD_CONFIG"' * {linux: {security_context: {namespace_options: {pid: 0}}}}')
    start_pod
}

@test "nothing is left" {
    want_nothing_left /run/containerd/runc 2
}
