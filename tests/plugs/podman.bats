#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# podman --runtime dhow-runtime, as root and as a plain user; pods.

setup_file() {
    load lib
    box_start || return 0
    make_plain_user
    mkdir "$T/shared"
    echo hello >"$T/shared/file"
    in_box mkdir -p /etc/containers/containers.conf.d
    sed "s|@bindir@|$T/bin|" "$DHOW_TOP/docs/dhow-runtime.conf.in" | in_box sh -c 'cat >/etc/containers/containers.conf.d/dhow-runtime.conf'
    config | in_box sh -c 'cat >/etc/containers/containers.conf.d/box.conf'
    in_box podman load -q <"$(busybox_archive)" >"$T/podman.log" 2>&1 || give_up podman || return 0
    in_box podman load -q <"$(pause_archive)" >/dev/null
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
    [[ -z ${GIVEN_UP:-} ]] || return 0
    in_box podman pod rm -f -a -t 0 >/dev/null
    in_box podman rm -f -a -t 0 >/dev/null
}

# For a machine without a registry, systemd and the right to raise limits.
config() {
    cat <<EOT
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
infra_image = "$PAUSE"
init_path = "/usr/bin/tini-static"
EOT
}

podman() {
    try_in_box podman --runtime dhow-runtime "$@"
}
podman_ok() {
    podman "$@"
    want_status 0
}
run() { # run [OPTIONS] IMAGE COMMAND...
    podman run --rm --network none "$@"
}
background() { # background NAME [OPTIONS] IMAGE COMMAND...
    podman_ok run -d --network none --name "$@"
}
has_logged() {
    in_box podman logs "$1" 2>&1 | grep -q -- "$2"
}
is() { # is NAME FORMAT VALUE
    [[ $(in_box podman inspect --format "$2" "$1") == "$3" ]]
}

@test "run: output, errors, exit code, input" {
    run "$BUSYBOX" sh -c 'echo out; echo err >&2; exit 7'
    want_status 7
    want_output out
    want_stderr_match err
    run -i "$BUSYBOX" cat <<<'some words'
    want_output 'some words'
}

@test "run -t: a terminal" {
    on_tty podman --runtime dhow-runtime run --rm -t --network none "$BUSYBOX" sh -c 'tty; test -t 0 && exit 4'
    want_match '/dev/pts/0'
    want_status 4
}

@test "run: what is not there is 127, what cannot be executed 126, and the text says which" {
    run "$BUSYBOX" nonsense
    want_status 127
    want_stderr_match 'nonsense.*(executable file not found|no such file or directory)'
    run "$BUSYBOX" /etc
    want_status 126
    want_stderr_match '/etc.*permission denied'
}

@test "run: environment, volumes, user, read-only root, tmpfs, host name, working directory" {
    run -e A=b -v "$T/shared:/mnt:ro" -u 5:6 --group-add 7 --read-only --tmpfs /scratch:size=1m,mode=1777 --hostname harbour -w /tmp "$BUSYBOX" \
        sh -c 'echo $A $(cat /mnt/file) $(id -u):$(id -g) $(hostname) $(pwd); touch /scratch/x && echo made; touch /x /mnt/x'
    want_match '^b hello 5:6 harbour /tmp'
    want_match made
    want_stderr_match '/x: Read-only file system.*/mnt/x: Read-only file system'
}

@test "run: capabilities, seccomp, no new privileges, limits, sysctl, ulimit, device" {
    run --cap-drop all --cap-add chown --security-opt no-new-privileges "$BUSYBOX" grep -E 'CapBnd|CapEff|Seccomp:|NoNewPrivs' /proc/self/status
    want_match 'CapEff:.0000000000000001'
    want_match 'CapBnd:.0000000000000001'
    want_match 'NoNewPrivs:.1'
    want_match 'Seccomp:.2'
    run --memory 64m --pids-limit 50 --ulimit nofile=100:200 --ulimit nproc=99:99 --sysctl net.ipv4.ip_forward=1 \
        --device /dev/zero:/dev/nought "$BUSYBOX" sh -c '
        for f in memory/memory.limit_in_bytes memory.max pids/pids.max pids.max; do [ ! -e /sys/fs/cgroup/$f ] || cat /sys/fs/cgroup/$f; done
        ulimit -Sn; ulimit -Hn; cat /proc/sys/net/ipv4/ip_forward; head -c 2 /dev/nought | wc -c'
    want_output $'67108864\n50\n100\n200\n1\n2'
}

@test "run --init, --systemd=false, --privileged, --userns, --pid host" {
    run --init "$BUSYBOX" cat /proc/1/cmdline
    want_match podman-init
    run --systemd=false "$BUSYBOX" true
    want_status 0
    run --privileged "$BUSYBOX" sh -c 'mount -t tmpfs none /tmp && grep Seccomp: /proc/self/status'
    want_match 'Seccomp:.0'
    run --uidmap 0:100000:1000 --gidmap 0:100000:1000 "$BUSYBOX" sh -c 'cat /proc/self/uid_map; id -u; touch /x && echo made'
    want_match '0 +100000 +1000'
    want_match $'\n0\nmade$'
    run --pid host "$BUSYBOX" sh -c 'cat /proc/1/comm'
    want_output tini
}

@test "run --cgroups=disabled, no-conmon" {
    run --cgroups=disabled "$BUSYBOX" sh -c 'grep -c libpod /proc/self/cgroup'
    want_output 0
}

@test "run: a network with an address" {
    podman_ok run --rm --network podman "$BUSYBOX" ip -o -4 address show eth0
    want_match 'inet 10\.88\.'
}

@test "logs, top, stats, cp, pause and unpause, update, stop" {
    background box --memory 64m "$BUSYBOX" sh -c "$SERVICE"
    eventually 10 has_logged box ready
    podman_ok top box
    want_match 'echo ready'
    podman_ok stats --no-stream --format '{{.PIDS}} {{.MemUsage}}' box
    want_match '^[1-9][0-9]* [1-9]'
    podman_ok cp "$T/shared" box:/copy
    podman_ok exec box cat /copy/file
    want_output hello
    podman_ok pause box
    is box '{{.State.Status}}' paused
    podman_ok unpause box
    podman_ok update --memory 128m --memory-swap 256m box
    podman_ok exec box sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max'
    want_output 134217728
    podman_ok stop -t 20 box
    is box '{{.State.ExitCode}}' 3
}

@test "exec: code, input, environment, user, terminal, 126 and 127" {
    background box "$BUSYBOX" sleep 1000
    podman exec box sh -c 'echo out; exit 9'
    want_status 9
    want_output out
    podman_ok exec -i -e A=b -u 5:6 -w /tmp box sh -c 'read line; echo $line $A $(id -u):$(id -g) $(pwd)' <<<word
    want_output 'word b 5:6 /tmp'
    on_tty podman --runtime dhow-runtime exec -t box tty
    want_match /dev/pts/
    podman exec box nonsense
    want_status 127
    want_stderr_match 'nonsense.*(executable file not found|no such file or directory)'
    podman exec box /etc
    want_status 126
    podman_ok exec -d box sleep 4321
    eventually 5 in_box pgrep -f 'sleep 4321'
}

@test "kill, start again, restart, wait" {
    background box "$BUSYBOX" sh -c "$SERVICE"
    podman_ok kill -s KILL box
    podman_ok wait box
    want_output 137
    podman_ok start box
    podman_ok restart -t 0 box
    is box '{{.State.Status}}' running
    podman_ok rm -f -t 0 box
}

@test "too little memory is the end" {
    podman run --name hungry --network none --memory 16m --memory-swap 16m "$BUSYBOX" sh -c 'x=a; while :; do x=$x$x; done'
    want_status 137
}

@test "a pod: containers share network, host name and what they say to each other" {
    podman_ok pod create --name pod --share net,ipc,uts --network none --hostname harbour
    podman_ok run -d --name server --pod pod "$BUSYBOX" sh -c 'mkdir /www; echo page >/www/index.html; exec httpd -f -p 80 -h /www'
    podman_ok run --rm --pod pod "$BUSYBOX" sh -c 'hostname; for i in 1 2 3 4 5 6 7 8 9 10; do wget -q -O - http://127.0.0.1/ && exit 0; sleep 0.3; done; exit 1'
    want_output $'harbour\npage'
    podman_ok pod ps --format '{{.Name}} {{.Status}} {{.NumberOfContainers}}'
    want_output 'pod Running 2'
    podman_ok pod pause pod
    is server '{{.State.Status}}' paused
    podman_ok pod unpause pod
    podman_ok pod stop -t 0 pod
    podman_ok pod start pod
    podman_ok pod rm -f -t 0 pod
}

@test "a pod with one process namespace" {
    podman_ok pod create --name pod --share pid,net --network none
    podman_ok run -d --name one --pod pod "$BUSYBOX" sleep 4321
    podman_ok run --rm --pod pod "$BUSYBOX" ps
    want_match 'sleep 4321'
}

@test "nothing is left" {
    want_nothing_left "/run/$(basename "$RUNTIME")"
}

# ---- without root ----
mine() {
    try_in_box "${PLAIN[@]}" podman --runtime dhow-runtime "$@"
}
load_mine() {
    in_box test -e /run/home/.local/share/containers || mine load -q <"$(busybox_archive)"
}

@test "a plain user: run with all his ids, input, what is not there" {
    load_mine
    mine run --rm --network none "$BUSYBOX" sh -c 'cat /proc/self/uid_map; id -u; chown 5:6 /tmp && echo owned; exit 4'
    want_status 4
    want_match $'0 +4242 +1\n +1 +1000000 +65536\n0\nowned'
    mine run --rm -i --network host "$BUSYBOX" cat <<<word
    want_output word
    mine run --rm --network none "$BUSYBOX" nonsense
    want_status 127
}

@test "a plain user: a container in the background: exec, top, logs, stop" {
    load_mine
    mine run -d --name box --network none "$BUSYBOX" sh -c "$SERVICE"
    want_status 0
    mine exec box sh -c 'id -u; exit 9'
    want_status 9
    want_output 0
    mine top box
    want_match 'echo ready'
    mine logs box
    want_output ready
    mine stop -t 20 box
    mine inspect --format '{{.State.ExitCode}}' box
    want_output 3
    mine rm box
    want_status 0
}

@test "a plain user: --userns keep-id" {
    load_mine
    mine run --rm --network none --userns keep-id -v "$T/shared:/mnt" "$BUSYBOX" sh -c 'id -u; cat /mnt/file'
    want_output $'4242\nhello'
}
