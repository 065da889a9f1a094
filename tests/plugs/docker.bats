#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# dockerd with the runtime as "dhow", first asked for by name, then as the default below a Swarm of one node.

setup_file() {
    load lib
    box_start || return 0
    mkdir "$T/shared"
    echo hello >"$T/shared/file"
    echo "{\"runtimes\": {\"dhow\": {\"path\": \"$BIN\"}}, \"default-runtime\": \"dhow\", \"storage-driver\": \"overlay2\"}" >"$T/daemon.json"
    daemon dockerd dockerd --config-file "$T/daemon.json"
    daemon_is_up dockerd 40 in_box docker version || return 0
    in_box docker load -q <"$(busybox_archive)" >/dev/null
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
    in_box sh -c 'docker ps -aq | xargs -r docker rm -f' >/dev/null
}

docker() {
    try_in_box docker "$@"
}
docker_ok() {
    ok_in_box docker "$@"
}
run() { # run [OPTIONS] IMAGE COMMAND...
    docker run --rm --runtime dhow --network none "$@"
}
background() { # background NAME [OPTIONS] IMAGE COMMAND...
    docker_ok run -d --network none --name "$@"
}
has_logged() {
    in_box docker logs "$1" 2>&1 | grep -q -- "$2"
}
is() { # is NAME FORMAT VALUE
    [[ $(in_box docker inspect --format "$2" "$1") == "$3" ]]
}
# `limit FILE OF V1 FILE OF V2` in the container.
LIMIT='limit() { for f in "/sys/fs/cgroup/$1" "/sys/fs/cgroup/$2"; do [ ! -e "$f" ] || cat "$f"; done; };'

@test "the runtime is there and says its version" {
    docker_ok info --format '{{.DefaultRuntime}} {{range $name, $x := .Runtimes}}{{$name}} {{end}}'
    want_match '^dhow .*dhow'
}

@test "run: output, errors, exit code" {
    run "$BUSYBOX" sh -c 'echo out; echo err >&2; exit 7'
    want_status 7
    want_output out
    want_stderr_match err
}

@test "run -i: input to its end" {
    run -i "$BUSYBOX" cat <<<"some words"
    want_status 0
    want_output 'some words'
}

@test "run -t: a terminal of the right size" {
    on_tty docker run --rm -t --network none "$BUSYBOX" sh -c 'tty; test -t 0 && exit 4'
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

@test "run: environment, volumes, user, read-only root, tmpfs, host name" {
    run -e A=b -v "$T/shared:/mnt:ro" -u 5:6 --group-add 7 --read-only --tmpfs /scratch:size=1m --hostname harbour -w /tmp "$BUSYBOX" \
        sh -c 'echo $A $(cat /mnt/file) $(id -u):$(id -g) $(id -G) $(hostname) $(pwd); touch /scratch/x && echo made; touch /x /mnt/x'
    want_match '^b hello 5:6 6 7 harbour /tmp'
    want_match made
    want_stderr_match '/x: Read-only file system.*/mnt/x: Read-only file system'
}

@test "run: a directory with propagation, a file, a device, sysctl, shm size, ulimit" {
    run -v "$T/shared:/mnt:rslave" -v "$T/shared/file:/etc/one:ro" --device /dev/zero:/dev/nought --sysctl net.ipv4.ip_forward=1 --shm-size 3m \
        --ulimit nofile=100:200 "$BUSYBOX" sh -c 'cat /etc/one; head -c 2 /dev/nought | wc -c; cat /proc/sys/net/ipv4/ip_forward
            df -k /dev/shm | tail -n 1; ulimit -Sn; ulimit -Hn'
    want_status 0
    want_match $'^hello\n2\n1\nshm +3072 .*\n100\n200$'
}

@test "run: capabilities, seccomp, no new privileges, masked paths" {
    run --cap-drop ALL --cap-add CHOWN --security-opt no-new-privileges "$BUSYBOX" grep -E 'CapBnd|CapEff|Seccomp:|NoNewPrivs' /proc/self/status
    want_match 'CapEff:.0000000000000001'
    want_match 'CapBnd:.0000000000000001'
    want_match 'NoNewPrivs:.1'
    want_match 'Seccomp:.2'
    run "$BUSYBOX" sh -c 'unshare -m true; wc -c </proc/keys; ls /proc/acpi | wc -l; echo 1 >/proc/sys/kernel/printk'
    want_stderr_match 'unshare.*Operation not permitted'
    want_stderr_match 'printk: Read-only file system'
    want_output $'0\n0'
    run --security-opt seccomp=unconfined --cap-add SYS_ADMIN "$BUSYBOX" unshare -m true
    want_status 0
}

# Whatever docker's profile is here: each answer of the kernel, through x86_64, i386 and x32, is the one under runc.
@test "T-seccomp: docker's profile is the same filter as with runc" {
    [[ $(uname -m) == x86_64 ]] || skip "the matrix is that of x86_64"
    musl-gcc -static -O1 -Wall -Werror -iquote "$DHOW_TOP/src" -o "$T/shared/probe" "$DHOW_TOP/tests/seccomp_probe.c"
    docker_ok run --rm --runtime runc --network none -v "$T/shared:/mnt" "$BUSYBOX" /mnt/probe list
    want_match ' 0 wrong'
    echo "$output" >"$T/runc.answers"
    docker_ok run --rm --runtime dhow --network none -v "$T/shared:/mnt" "$BUSYBOX" /mnt/probe list
    diff "$T/runc.answers" - <<<"$output"
}

@test "run --privileged: the host's devices, every capability" {
    run --privileged "$BUSYBOX" sh -c 'test -c /dev/kmsg && readlink /dev/ptmx; mount -t tmpfs none /tmp && echo mounted; grep Seccomp: /proc/self/status'
    want_match $'^pts/ptmx\nmounted\nSeccomp:.0'
}

@test "run: limits of memory, processes and processors hold" {
    run --memory 64m --pids-limit 50 --cpus 0.5 --cpuset-cpus 0 "$BUSYBOX" sh -c "$LIMIT"'
        limit memory/memory.limit_in_bytes memory.max; limit pids/pids.max pids.max; limit cpu/cpu.cfs_quota_us cpu.max; limit cpuset/cpuset.cpus cpuset.cpus'
    want_match $'^67108864\n50\n50000( 100000)?\n0$'
    # docker believes only what it hears of before the end.
    docker run --name hungry --network none --memory 16m --memory-swap 16m "$BUSYBOX" sh -c '(x=a; while :; do x=$x$x; done); echo $?; sleep 2'
    want_output 137
    is hungry '{{.State.OOMKilled}}' true
}

@test "run --init, --pid, --ipc, --uts and --userns host" {
    run --init "$BUSYBOX" sh -c 'cat /proc/1/comm'
    want_output docker-init
    background one "$BUSYBOX" sleep 4321
    run --pid container:one "$BUSYBOX" ps
    want_match 'sleep 4321'
    run --pid host --uts host --ipc host "$BUSYBOX" hostname
    want_output box
}

@test "a network of its own: address, name, a way to another container" {
    docker_ok run -d --name server "$BUSYBOX" sh -c 'mkdir /www; echo page >/www/index.html; exec httpd -f -p 80 -h /www'
    local address
    address=$(in_box docker inspect --format '{{.NetworkSettings.IPAddress}}' server)
    docker_ok run --rm "$BUSYBOX" sh -c "for i in 1 2 3 4 5 6 7 8 9 10; do wget -q -O - http://$address/ && exit 0; sleep 0.3; done; exit 1"
    want_output page
    docker_ok run --rm --network container:server "$BUSYBOX" wget -q -O - http://127.0.0.1/
    want_output page
    docker_ok exec server ip -o -4 address show eth0
    want_match "$address"
}

@test "exec: code, input, environment, user, terminal, what is missing" {
    background box "$BUSYBOX" sleep 1000
    docker exec box sh -c 'echo out; exit 9'
    want_status 9
    want_output out
    docker_ok exec -i -e A=b -u 5:6 -w /tmp box sh -c 'read line; echo $line $A $(id -u):$(id -g) $(pwd)' <<<word
    want_output 'word b 5:6 /tmp'
    on_tty docker exec -t box tty
    want_match /dev/pts/
    docker exec box nonsense
    want_status 126 # so with every runtime: 127 came later to docker
    want_match 'nonsense.*(executable file not found|no such file or directory)'
    docker exec --privileged box grep CapEff /proc/self/status
    refute grep -q 'CapEff:.00000000a80425fb' "$T/out"
}

@test "logs, top, stats, cp, rename, pause and unpause" {
    background box "$BUSYBOX" sh -c "$SERVICE"
    eventually 10 has_logged box ready
    docker_ok top box
    want_match 'echo ready'
    docker_ok stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' box
    want_match '^[1-9][0-9]* [1-9]'
    docker_ok cp "$T/shared" box:/copy
    docker_ok exec box cat /copy/file
    want_output hello
    docker_ok pause box
    is box '{{.State.Status}}' paused
    docker exec box true
    want_stderr_match 'is paused'
    docker_ok unpause box
    is box '{{.State.Status}}' running
}

@test "update: memory, processors, processes of what runs" {
    background box --memory 64m "$BUSYBOX" sleep 1000
    docker_ok update --memory 128m --memory-swap 256m --cpus 0.25 --pids-limit 33 box
    docker_ok exec box sh -c "$LIMIT"'limit memory/memory.limit_in_bytes memory.max; limit cpu/cpu.cfs_quota_us cpu.max; limit pids/pids.max pids.max'
    want_match $'^134217728\n25000( 100000)?\n33$'
}

@test "stop asks, kill does not, wait and restart" {
    background box "$BUSYBOX" sh -c "$SERVICE"
    eventually 10 has_logged box ready
    docker_ok stop -t 20 box
    is box '{{.State.ExitCode}}' 3
    docker_ok start box
    is box '{{.State.Status}}' running
    docker_ok restart -t 0 box
    docker_ok kill -s KILL box
    docker_ok wait box
    want_output 137
}

@test "a restart policy starts it again" {
    docker_ok run -d --name box --restart on-failure:2 --network none "$BUSYBOX" sh -c 'echo run; exit 1'
    eventually 20 is box '{{.RestartCount}} {{.State.Status}}' '2 exited'
    [[ $(in_box docker logs box | grep -c run) == 3 ]]
}

@test "build: RUN is a container of the default runtime" {
    mkdir -p "$T/build"
    printf 'FROM %s\nRUN echo built >/made\n' "$BUSYBOX" >"$T/build/Dockerfile"
    try_in_box env DOCKER_BUILDKIT=0 docker build -q -t localhost/test/built:1 "$T/build"
    want_status 0
    run localhost/test/built:1 cat /made
    want_output built
}

# ---- Swarm ----
tasks() { # tasks SERVICE: how many run
    in_box docker service ps --filter desired-state=running --format '{{.CurrentState}}' "$1" | grep -c '^Running'
}
tasks_are() {
    [[ $(tasks "$1") == "$2" ]]
}

@test "Swarm: a service with a limit and a secret; one that dies is replaced; scaled; updated; removed" {
    docker_ok swarm init --advertise-addr 10.66.0.1
    echo hidden | in_box docker secret create word - >/dev/null
    docker_ok service create --quiet --detach --no-resolve-image --name web --replicas 2 --restart-delay 100ms --limit-memory 64m --secret word --stop-grace-period 1s \
        "$BUSYBOX" sh -c 'cat /run/secrets/word; exec sleep 1000'
    eventually 30 tasks_are web 2
    local first
    first=$(in_box docker ps -q --filter label=com.docker.swarm.service.name=web | head -n 1)
    is "$first" '{{.HostConfig.Runtime}} {{.HostConfig.Memory}}' 'dhow 67108864'
    has_logged "$first" hidden
    docker_ok kill "$first"
    eventually 30 is_replaced "$first"
    docker_ok service scale --detach web=3
    eventually 30 tasks_are web 3
    docker_ok service update --quiet --detach --no-resolve-image --env-add A=b --update-delay 0s --update-parallelism 3 web
    eventually 30 all_have_env
    docker_ok service rm web
    eventually 30 no_containers
    docker_ok swarm leave --force
}
is_replaced() {
    tasks_are web 2 && ! in_box docker ps -q | grep -q "$1"
}
all_have_env() {
    [[ $(in_box sh -c 'docker ps -q --filter label=com.docker.swarm.service.name=web |
        xargs docker inspect --format "{{.Config.Env}}"' | grep -c A=b) == 3 ]]
}
no_containers() {
    [[ -z $(in_box docker ps -aq) ]]
}

@test "nothing is left" {
    want_nothing_left /run/docker/runtime-runc 2
}
