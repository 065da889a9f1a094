#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# `dhow run`: what the command sees, what comes back, what is refused.

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
run_box() {
    try run --rm --network none "$@"
}

# bats test_tags=short
@test "the exit code of the command is the exit code of run" {
    local code
    for code in 0 1 3 42 255; do
        run_box "$IMAGE" sh -c "exit $code"
        want_status $code
    done
}

# bats test_tags=short
@test "a command that is not there gives 127 and one line" {
    run_box "$IMAGE" /no/such/command
    want_error 127 'no/such/command'
    run_box "$IMAGE" nosuchcommand
    want_error 127 'nosuchcommand'
}

# bats test_tags=short
@test "a command that cannot be executed gives 126 and one line" {
    run_box "$IMAGE" /etc/passwd
    want_error 126 '/etc/passwd'
    run_box "$IMAGE" /etc
    want_error 126 '/etc'
}

# bats test_tags=short
@test "an error of the engine gives 125 and one line" {
    run_box --no-such-option "$IMAGE" true
    want_error 125 'no-such-option'
    run_box --memory nonsense "$IMAGE" true
    want_error 125 'nonsense'
    run_box --network nonsense "$IMAGE" true
    want_error 125 'nonsense'
}

@test "an option that is not supported yet says so" {
    local option
    for option in --publish=80:80 --pod=x --gpus=all; do
        run_box "$option" "$IMAGE" true
        want_error 125 'not supported yet'
    done
}

# bats test_tags=short
@test "a command that dies by a signal gives 128 and the signal" {
    run_box "$IMAGE" sh -c 'kill -9 $$; sleep 5'
    # The first process of a pid namespace does not hear its own signals: a child does.
    run_box "$IMAGE" sh -c 'sh -c "kill -TERM \$\$"; exit $?'
    want_status 143
    local id
    id=$(dhow run -d --network none "$IMAGE" sleep 100)
    dhow kill -s KILL "$id"
    ok wait "$id"
    want_output 137
    ok rm "$id"
}

# bats test_tags=short
@test "stdout and stderr are apart and exact" {
    run_box "$IMAGE" sh -c 'printf "out\n\n no newline"; printf "err\n\n no newline" >&2'
    want_status 0
    printf 'out\n\n no newline' | cmp - "$T/out"
    printf 'err\n\n no newline' | cmp - "$T/err"
}

@test "a megabyte of every byte comes through stdin and stdout as it was" {
    python3 -c 'import sys; sys.stdout.buffer.write(bytes(range(256)) * 4096)' >"$D/bytes"
    timeout 60 "$DHOW" --root "$ROOT" --runroot "$RUNROOT" run --rm -i --network none "$IMAGE" cat <"$D/bytes" >"$D/back" 3>&-
    cmp "$D/bytes" "$D/back"
}

@test "eight megabytes on stdout and stderr at once are all there" {
    run_box "$IMAGE" sh -c '(dd if=/dev/zero bs=64k count=64 2>/dev/null | tr "\000" e >&2) & dd if=/dev/zero bs=64k count=64 2>/dev/null | tr "\000" o; wait' >/dev/null
    want_status 0
    [[ $(tr -d 'o' <"$T/out" | wc -c) == 0 && $(wc -c <"$T/out") == 4194304 ]]
    [[ $(tr -d 'e' <"$T/err" | wc -c) == 0 && $(wc -c <"$T/err") == 4194304 ]]
}

# bats test_tags=short
@test "without -i the command sees the end of stdin at once" {
    echo hello >"$T/in"
    try run --rm --network none "$IMAGE" cat <"$T/in"
    want_status 0
    want_output ''
}

@test "a reader that goes away does not hang run" {
    timeout 30 bash -c '"$0" --root "$ROOT" --runroot "$RUNROOT" run --rm --network none "$IMAGE" sh -c "yes | head -n 200000" 2>/dev/null 3>&- | head -n 1' "$DHOW"
}

# bats test_tags=short
@test "-t gives a terminal, with a size, in raw mode outside" {
    script -qec "stty rows 33 cols 77; '$DHOW' --root '$ROOT' --runroot '$RUNROOT' run --rm -it --network none $IMAGE sh -c 'tty; stty size; test -t 0 && test -t 1 && test -t 2 && echo three'; echo code \$?" "$T/typescript" </dev/null >"$T/pty" 3>&-
    sed 's/\r//g; s/\^[@D]//g' "$T/pty" >"$T/pty.text" # script's own stdin ends: its terminal echoes that
    cat "$T/pty.text"
    grep -q '/dev/pts/0$' "$T/pty.text"
    grep -q '33 77$' "$T/pty.text"
    grep -qx 'three' "$T/pty.text"
    grep -qx 'code 0' "$T/pty.text"
}

# bats test_tags=short
@test "-e, --env-file and the image's own make the environment" {
    printf 'FROM_FILE=1\n# a comment\nHOST_VALUE\n' >"$T/env"
    HOST_VALUE=inherited run_box -e A=1 -e 'B=two words' -e C= --env-file "$T/env" "$IMAGE" env
    want_status 0
    want_match $'(^|\n)A=1(\n|$)'
    want_match $'(^|\n)B=two words(\n|$)'
    want_match $'(^|\n)C=(\n|$)'
    want_match $'(^|\n)FROM_FILE=1(\n|$)'
    want_match $'(^|\n)HOST_VALUE=inherited(\n|$)'
    want_match $'(^|\n)PATH=/usr/local/sbin:'
    want_match $'(^|\n)HOME=/root(\n|$)'
    want_match $'(^|\n)HOSTNAME='
}

# bats test_tags=short
@test "-w sets the directory, and makes it" {
    run_box -w /tmp "$IMAGE" pwd
    want_output /tmp
    run_box -w /made/for/you "$IMAGE" pwd
    want_output /made/for/you
}

# bats test_tags=short
@test "-u takes numbers and names of the image" {
    run_box -u 1234:2345 "$IMAGE" sh -c 'echo $(id -u):$(id -g)'
    want_output 1234:2345
    run_box -u app "$IMAGE" sh -c 'echo $(id -u):$(id -g) $HOME; id -G'
    want_output $'1000:1000 /home/app\n1000 4 29'
    run_box -u app:adm "$IMAGE" sh -c 'echo $(id -u):$(id -g)'
    want_output 1000:4
    run_box -u nosuchuser "$IMAGE" true
    want_error 125 'nosuchuser'
}

@test "--group-add adds groups by name and number" {
    run_box -u 5:5 --group-add audio --group-add 77 "$IMAGE" id -G
    want_match '(^| )29( |$)'
    want_match '(^| )77( |$)'
}

# bats test_tags=short
@test "-v mounts a directory and a file, rw and ro" {
    echo from the host >"$D/file"
    run_box -v "$D:/mnt" "$IMAGE" sh -c 'cat /mnt/file; echo from inside >/mnt/new'
    want_status 0
    want_output 'from the host'
    [[ $(cat "$D/new") == 'from inside' ]]
    run_box -v "$D:/mnt:ro" "$IMAGE" sh -c 'echo x >/mnt/not || echo refused'
    want_output refused
    [[ ! -e $D/not ]]
    run_box -v "$D/file:/etc/one:ro" "$IMAGE" cat /etc/one
    want_output 'from the host'
    run_box -v "$D/nothing/here:/mnt" "$IMAGE" true
    want_error 125 'nothing/here'
}

@test "a mount does not come back to the host" {
    run_box --cap-add SYS_ADMIN --security-opt seccomp=unconfined -v "$D:/mnt" "$IMAGE" sh -c 'mount -t tmpfs none /mnt && echo x >/mnt/inside && echo mounted'
    [[ ! -e $D/inside ]]
    refute grep -qF "$D" /proc/self/mountinfo
}

# bats test_tags=short
@test "--entrypoint replaces the image's, and takes the arguments" {
    run_box --entrypoint /bin/echo "$IMAGE" a b
    want_output 'a b'
    run_box --entrypoint '' "$IMAGE" echo plain
    want_output plain
}

@test "the image's entry point, command, user, directory and environment count" {
    local with
    with=$(image configured --name localhost/test/configured:1 --config '{"Entrypoint":["/bin/sh","-c","echo $0 $1 $(id -u) $(pwd) $V"],"Cmd":["one","two"],"User":"app","WorkingDir":"/home/app","Env":["PATH=/bin","V=value"]}' busybox)
    ok load -q -i "$with"
    run_box localhost/test/configured:1
    want_output 'one two 1000 /home/app value'
    run_box localhost/test/configured:1 three
    want_output 'three 1000 /home/app value'
    run_box -u 0 -w / -e V=mine localhost/test/configured:1 x y
    want_output 'x y 0 / mine'
    ok rmi localhost/test/configured:1
}

# bats test_tags=short
@test "--hostname is the name inside; without it the short id is" {
    run_box --hostname box.example "$IMAGE" sh -c 'hostname; echo $(cat /etc/hostname); grep -c box.example /etc/hosts'
    want_output $'box.example\nbox.example\n1'
    run_box "$IMAGE" hostname
    want_match '^[0-9a-f]{12}$'
}

# bats test_tags=short
@test "--read-only leaves only its own places writable" {
    run_box --read-only "$IMAGE" sh -c 'for d in / /etc /bin /root; do (echo x >$d/w) 2>/dev/null && echo "wrote $d"; done; echo x >/dev/shm/w && echo shm'
    want_output shm
}

# bats test_tags=short
@test "--rm removes, without it the container stays" {
    run_box --name away "$IMAGE" true
    want_status 0
    is_gone away
    try run --name stays --network none "$IMAGE" true
    want_status 0
    ok ps -a --format '{{.Names}} {{.Status}}'
    want_match 'stays Exited \(0\)'
    ok rm stays
}

# bats test_tags=short
@test "-d prints the full id and goes on" {
    ok run -d --name back --network none "$IMAGE" sleep 100
    want_match '^[0-9a-f]{64}$'
    is_state back running
    ok rm -f -t 0 back
}

@test "names are unique, short ids work, ambiguous ones do not" {
    local id
    id=$(dhow create --name first --network none "$IMAGE" true)
    try create --name first --network none "$IMAGE" true
    want_error 125 'first'
    ok inspect --format '{{.Name}}' "${id:0:12}"
    want_output first
    try inspect --type container --format x "${id:0:63}z"
    [[ $status != 0 ]]
    try create --name 'in valid' "$IMAGE"
    want_error 125 'in valid'
    try create --name '../escape' "$IMAGE"
    want_error 125
    ok rm first
}

@test "two containers of one image do not see each other's files or processes" {
    dhow run -d --name one --network none "$IMAGE" sh -c 'echo secret >/mine; sleep 100'
    eventually 5 dhow exec one test -s /mine
    run_box "$IMAGE" sh -c 'test ! -e /mine && ps -o pid= | wc -l'
    want_status 0
    [[ $output -le 4 ]]
    ok rm -f -t 0 one
}

@test "--ipc none has an ipc namespace of its own and no shared memory" {
    run_box --ipc none "$IMAGE" sh -c 'readlink /proc/self/ns/ipc; grep -c " /dev/shm " /proc/self/mounts'
    [[ ${output##*$'\n'} == 0 && ${output%%$'\n'*} != "$(readlink /proc/self/ns/ipc)" ]]
    run_box "$IMAGE" grep -c ' /dev/shm ' /proc/self/mounts
    want_output 1
}

@test "pid, uts, ipc, mount, cgroup and network namespaces are new; --pid, --ipc, --uts, --network host share" {
    local ns host inside
    run_box "$IMAGE" sh -c 'for n in pid uts ipc mnt net cgroup; do readlink /proc/self/ns/$n; done'
    for ns in pid uts ipc mnt net cgroup; do
        host=$(readlink /proc/self/ns/$ns)
        [[ $output != *"$host"* ]] || fail "$ns is the host's"
    done
    for ns in pid ipc uts; do
        inside=$(dhow run --rm --network none "--$ns" host "$IMAGE" readlink /proc/self/ns/$ns)
        [[ $inside == "$(readlink /proc/self/ns/$ns)" ]] || fail "--$ns host is not the host's"
    done
    inside=$(dhow run --rm --network host "$IMAGE" readlink /proc/self/ns/net)
    [[ $inside == "$(readlink /proc/self/ns/net)" ]]
}

# bats test_tags=short
@test "--network none has a loopback that is up, and nothing else" {
    run_box "$IMAGE" sh -c 'ip -o link | wc -l; ip -o addr show lo | grep -c 127.0.0.1; ping -c 1 -W 2 127.0.0.1 >/dev/null && echo up'
    want_output $'1\n1\nup'
}

# bats test_tags=short
@test "without --network a run has loopback and says so once" {
    try run --rm "$IMAGE" true
    want_status 0
    [[ $(grep -ci network "$T/err") == 1 ]] || fail "it does not say so once"
    try run --rm --network none "$IMAGE" true
    [[ ! -s $T/err ]] || fail "with --network it says something"
}

limit_file() {
    # The value that the kernel holds for us: cgroup v2 file, or v1 file.
    dhow exec "$1" cat "/sys/fs/cgroup/$2" 2>/dev/null || dhow exec "$1" cat "/sys/fs/cgroup/$3" 2>/dev/null
}

@test "--memory kills what takes more, and inspect tells" {
    [[ -d /sys/fs/cgroup/memory || $(cat /sys/fs/cgroup/cgroup.controllers 2>/dev/null) == *memory* ]] || skip "this host has no memory controller"
    try run --name greedy --network none --memory 32m "$IMAGE" sh -c 'dd if=/dev/zero of=/dev/null bs=200M count=1'
    want_status 137
    ok inspect --format '{{.State.OOMKilled}}' greedy
    want_output true
    ok rm greedy
    run_box --memory 64m "$IMAGE" sh -c 'dd if=/dev/zero of=/dev/null bs=8M count=1 2>/dev/null && echo fits'
    want_output fits
}

@test "--pids-limit stops a fork bomb" {
    [[ -d /sys/fs/cgroup/pids || $(cat /sys/fs/cgroup/cgroup.controllers 2>/dev/null) == *pids* ]] || skip "this host has no pids controller"
    run_box --pids-limit 10 "$IMAGE" sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 2 & done; echo all' 
    [[ $output != *all* ]] || fail "twenty processes fit in ten"
    run_box --pids-limit 30 "$IMAGE" sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1 & done; wait; echo all'
    want_output all
}

@test "--cpus limits" {
    [[ -d /sys/fs/cgroup/cpu || $(cat /sys/fs/cgroup/cgroup.controllers 2>/dev/null) == *cpu* ]] || skip "this host has no cpu controller"
    local id group
    id=$(dhow run -d --network none --cpus 0.5 "$IMAGE" sh -c 'while :; do :; done')
    group=$(find /sys/fs/cgroup -type d -path "*dhow*$id*" \( -exec test -e '{}/cpu.cfs_quota_us' ';' -o -exec test -e '{}/cpu.max' ';' \) -print -quit)
    [[ -n $group ]]
    if [[ -e $group/cpu.max ]]; then
        [[ $(cat "$group/cpu.max") == '50000 100000' ]]
    else
        [[ $(cat "$group/cpu.cfs_quota_us") == 50000 && $(cat "$group/cpu.cfs_period_us") == 100000 ]]
    fi
    # Half a processor in three seconds is a second and a half.
    local pid used
    pid=$(dhow inspect --format '{{.State.Pid}}' "$id")
    sleep 3
    used=$(awk '{print $14 + $15}' "/proc/$pid/stat")
    ((used < 250)) || fail "it used $used ticks in three seconds"
    ok rm -f -t 0 "$id"
}

@test "--ulimit and --sysctl reach the command" {
    run_box --ulimit nofile=100:200 "$IMAGE" sh -c 'ulimit -n; ulimit -Hn'
    want_output $'100\n200'
    run_box --sysctl kernel.shmmax=12345678 "$IMAGE" cat /proc/sys/kernel/shmmax
    want_output 12345678
    run_box --sysctl kernel.core_pattern=x "$IMAGE" true
    want_error 125 'core_pattern'
    run_box --sysctl 'kernel.shm_rmid_forced=1+kernel.core_pattern=x' "$IMAGE" true
    [[ $status == 125 ]]
}

@test "--tmpfs mounts one" {
    run_box --tmpfs /scratch:size=1m "$IMAGE" sh -c 'grep " /scratch tmpfs" /proc/mounts | grep -o size=1024k; dd if=/dev/zero of=/scratch/f bs=1M count=2 2>/dev/null || echo full'
    want_output $'size=1024k\nfull'
}

@test "--device gives a device, and no other is to be had" {
    run_box --device /dev/full:/dev/mine:rw "$IMAGE" sh -c 'echo x >/dev/mine' 
    want_status 1
    want_stderr_match 'No space'
    run_box --cap-add MKNOD "$IMAGE" sh -c 'mknod /tmp/kmsg c 1 11 && head -c 1 /tmp/kmsg 2>&1 || echo refused'
    want_match refused
}

@test "the default devices are what they say" {
    run_box "$IMAGE" sh -c 'stat -c "%n %t:%T" /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty; for l in fd stdin stdout stderr ptmx; do readlink /dev/$l; done; touch /dev/shm/x /dev/mqueue && echo fine'
    want_output $'/dev/null 1:3\n/dev/zero 1:5\n/dev/full 1:7\n/dev/random 1:8\n/dev/urandom 1:9\n/dev/tty 5:0\n/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx\nfine'
}

@test "masked and read-only paths hold" {
    run_box "$IMAGE" sh -c 'cat /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | wc -c; ls /proc/acpi /proc/scsi /sys/firmware 2>/dev/null | grep -vc ":$"; for f in /proc/sys/kernel/hostname /proc/sysrq-trigger /proc/irq/default_smp_affinity /sys/kernel/profiling; do [ -e $f ] && (echo x >$f) 2>/dev/null && echo "wrote $f"; done; true'
    want_match '^0'
    [[ $output != *wrote* ]]
}

@test "seccomp is on, and off with seccomp=unconfined" {
    run_box "$IMAGE" sh -c 'grep Seccomp: /proc/self/status; unshare -U true 2>/dev/null && echo made a user namespace'
    want_match 'Seccomp:.2'
    [[ $output != *made* ]]
    run_box --security-opt seccomp=unconfined "$IMAGE" grep Seccomp: /proc/self/status
    want_match 'Seccomp:.0'
}

@test "--security-opt no-new-privileges is set on request" {
    run_box --security-opt no-new-privileges "$IMAGE" grep NoNewPrivs /proc/self/status
    want_match 'NoNewPrivs:.1'
}

@test "a detached container outlives a kill of the command that started it" {
    local id pid
    "$DHOW" --root "$ROOT" --runroot "$RUNROOT" run --name survivor --network none "$IMAGE" sh -c 'i=0; while [ $i -lt 600 ]; do echo $i; i=$((i+1)); sleep 0.1; done' >"$D/run.out" 2>&1 3>&- </dev/null &
    pid=$!
    eventually 10 test -s "$D/run.out"
    kill -9 $pid
    wait $pid || true
    sleep 0.5
    is_state survivor running
    local before
    before=$(dhow logs survivor | wc -l)
    sleep 0.5
    (($(dhow logs survivor | wc -l) > before))
    ok exec survivor echo here
    want_output here
    id=$(dhow inspect --format '{{.Id}}' survivor)
    ok stop -t 0 "$id"
    is_state survivor exited
    ok rm survivor
}

@test "run --rm cleans up even when its command line was killed" {
    "$DHOW" --root "$ROOT" --runroot "$RUNROOT" run --rm --name orphan --network none "$IMAGE" sh -c 'echo up; sleep 2' >"$D/run.out" 2>&1 3>&- </dev/null &
    local pid=$!
    eventually 10 test -s "$D/run.out"
    kill -9 $pid
    wait $pid || true
    eventually 15 is_gone orphan
}

@test "signals go to the command" {
    "$DHOW" --root "$ROOT" --runroot "$RUNROOT" run --rm --name trapper --network none "$IMAGE" sh -c 'trap "echo caught; exit 7" TERM; echo ready; while :; do sleep 0.1; done' >"$D/run.out" 2>&1 3>&- </dev/null &
    local pid=$! rc=0
    eventually 10 grep -q ready "$D/run.out"
    kill -TERM $pid
    wait $pid || rc=$?
    [[ $rc == 7 ]]
    grep -q caught "$D/run.out"
}

@test "--trace writes one valid trace that says where the time went" {
    run_box --trace "$T/trace.json" "$IMAGE" true
    want_status 0
    eventually 5 jq -e . "$T/trace.json"
    jq -e 'length > 5' "$T/trace.json"
}

@test "run pulls nothing when the image is not there and no registry is reachable" {
    run_box 127.0.0.1:1/nothing:1 true
    want_error 125 '127.0.0.1:1'
    [[ -z $(dhow ps -aq) ]]
}

@test "options after the image belong to the command" {
    run_box "$IMAGE" echo -d --rm -e X
    want_output '-d --rm -e X'
}

@test "twenty at once all come back right" {
    local i pids=() bad=0
    for ((i = 0; i < 20; i++)); do
        "$DHOW" --root "$ROOT" --runroot "$RUNROOT" run --rm --network none "$IMAGE" sh -c "echo $i; exit $i" >"$T/par.$i" 2>"$T/par.$i.err" 3>&- </dev/null &
        pids+=($!)
    done
    for ((i = 0; i < 20; i++)); do
        local rc=0
        wait "${pids[$i]}" || rc=$?
        [[ $rc == "$i" && $(cat "$T/par.$i") == "$i" ]] || {
            echo "$i: code $rc, $(cat "$T/par.$i" "$T/par.$i.err")"
            bad=1
        }
    done
    [[ $bad == 0 ]]
}
