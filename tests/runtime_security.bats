#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The attacks that other runtimes fell to, by the ids of the project's security document, with bundles whose root
# filesystem is hostile. The host's side is a directory of the test's own, never anything that matters.

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
    mkdir "$D/host" "$D/host/dir"
    echo 'the secret of the host' >"$D/host/secret"
    host_before=$(host_state)
    mounts_before=$(host_mounts)
}
teardown() {
    load runtime
    kill_swapper
    host_is_untouched
    runtime_teardown
}
host_state() {
    (cd "$D/host" && find . -printf '%p %y %m %U:%G %s %T@ %l\n' | sort && sha256sum secret /proc/sys/kernel/core_pattern)
}
host_mounts() {
    grep -F "$D" /proc/self/mountinfo || true
}
host_is_untouched() {
    [[ $(host_state) == "$host_before" ]] || fail "the host's directory is not as it was: $(host_state)"
    [[ $(host_mounts) == "$mounts_before" ]] || fail "the host sees mounts: $(host_mounts)"
}
without_mount() {
    edit '.mounts |= map(select(.destination | startswith($path) | not))' --arg path "$1"
}
# Either it runs, or one line says why not, soon.
ran_or_refused() {
    [[ $status != 124 ]] || fail "it hung"
    [[ $status == 0 ]] || { [[ $status == 1 ]] && rt_error .; }
}

# `start_swapper A B`: exchanges the two names as fast as it can, in a container of its own that has the volume of the
# names; its pid is its container's.
start_swapper() {
    local saved=$B
    bundle swapper
    mkdir -p "$B/rootfs/usr"
    ln -s usr/lib "$B/rootfs/lib"
    ln -s usr/lib64 "$B/rootfs/lib64"
    add_mount /usr bind /usr rbind ro
    add_mount /volume bind "$D/volume" bind
    set_args /usr/bin/python3 -c '
import ctypes, os, sys
libc, a, b = ctypes.CDLL(None), os.fsencode(sys.argv[1]), os.fsencode(sys.argv[2])
os.chdir("/volume")
while True:
    libc.renameat2(-100, a, -100, b, 2)  # RENAME_EXCHANGE' "$1" "$2"
    start_container swapper
    B=$saved
}
kill_swapper() {
    [[ ! -d $STATE/swapper ]] || rt delete --force swapper
}

@test "T-30465 a volume whose owner exchanges directories and links while another container mounts beneath" {
    local i sources ran=0
    mkdir -p "$D/volume/dir/sub" "$D/other"
    touch "$D/other/file"
    ln -s "$D/host" "$D/volume/link"
    ln -s / "$D/volume/root"
    start_swapper dir link
    add_mount /data bind "$D/volume" bind
    add_mount /data/dir/sub bind "$D/other" bind
    add_mount /data/dir/file tmpfs tmpfs size=16k
    add_mount /data/dir/deep/er bind "$D/other/file" bind
    set_args cat /proc/self/mountinfo
    for ((i = 0; i < 40; i++)); do
        run_container victim >/dev/null
        ran_or_refused
        [[ $status != 0 ]] || {
            ran=$((ran + 1))
            sources=$(awk -v d="${D#/dev/shm}" 'index($4, d) && $4 !~ d "/(bundle/rootfs|volume|other)" {print $4}' <<<"$output")
            [[ -z $sources ]] || fail "the container got '$sources' of the host"
        }
        [[ $(host_state) == "$host_before" ]] || fail "try $i: the host's directory has changed"
    done
    is_status swapper running
    echo "$ran of 40 ran"
    ((ran > 0))
    host_is_untouched
}

@test "T-30465 the target of a bind is exchanged with a link to its own source's parent" {
    local i
    mkdir -p "$D/volume/a"
    ln -s .. "$D/volume/b"
    start_swapper a b
    add_mount /data bind "$D/volume" bind
    add_mount /data/a/x/y tmpfs tmpfs size=16k mode=700
    set_args cat /proc/self/mountinfo
    for ((i = 0; i < 20; i++)); do
        run_container victim >/dev/null
        ran_or_refused
    done
    # What was made is in the volume, or in the container's own root.
    [[ $(find "$D" -maxdepth 1 -name x) == '' ]] || fail "a directory was made beside the volume"
    host_is_untouched
}

@test "T-31133 T-52565 the null device and the console are links: masks mask, nothing is written elsewhere" {
    local kind more
    echo hidden >"$B/rootfs/masked"
    without_mount /dev
    edit '.linux.maskedPaths += ["/masked"]'
    for kind in /proc/sys/kernel/core_pattern "$D/host/secret" /masked /proc/self/fd/0; do
        for more in false true; do
            rm -rf "$B/rootfs/dev"
            mkdir "$B/rootfs/dev"
            ln -s "$kind" "$B/rootfs/dev/null"
            ln -s "$kind" "$B/rootfs/dev/console"
            edit '.root.readonly = $more' --argjson more $more
            run_script c1 'wc -c </masked; stat -L -c %t:%T /dev/null; exit 0'
            ran_or_refused
            [[ $status != 0 || $output == 0$'\n'1:3 ]] || fail "$kind: a mask that is none: $output"
        done
    done
    # With a /dev of our own they are of no interest.
    default_config >"$B/config.json"
    edit '.linux.maskedPaths += ["/masked"]'
    run_script c2 'wc -c </masked; stat -L -c %t:%T /dev/null'
    want_status 0
    want_output $'0\n1:3'
}

@test "T-31133 the null device of a shared /dev is exchanged with a link while paths are masked" {
    local i
    mkdir -p "$D/volume/pts"
    mknod "$D/volume/null" c 1 3
    ln -s /proc/sys/kernel/core_pattern "$D/volume/link"
    echo hidden >"$B/rootfs/masked"
    start_swapper null link
    without_mount /dev
    add_mount /dev bind "$D/volume" bind
    edit '.linux.maskedPaths += ["/masked"]'
    set_script 'wc -c </masked; stat -c %t:%T /masked'
    for ((i = 0; i < 20; i++)); do
        run_container victim >/dev/null
        ran_or_refused
        [[ $status != 0 || $output == $'0\n1:3' ]] || fail "try $i: a mask that is none: $output"
    done
}

@test "T-52565 a console on a link, with a terminal" {
    local kind
    without_mount /dev
    add_mount /dev/pts devpts devpts newinstance ptmxmode=0666 mode=0620
    edit '.process.terminal = true'
    set_script 'stat -c %t /dev/console; exit 0'
    for kind in "$D/host/secret" "$D/host/new" /proc/sys/kernel/core_pattern /dev/pts/0; do
        rm -rf "$B/rootfs/dev"
        mkdir -p "$B/rootfs/dev/pts"
        ln -s "$kind" "$B/rootfs/dev/console"
        timeout -k 5 60 script -qefc "$RUNTIME --root $STATE run --bundle $B c1" /dev/null >"$D/tty" 2>&1 </dev/null 3>&- 4>&- || true
        rt delete --force c1
        host_is_untouched
    done
}

@test "T-52881 T-16884 a volume in the place of /proc gets no write of ours" {
    local before
    mkdir -p "$D/fake/self/attr" "$D/fake/sys/net/ipv4" "$D/fake/sys/kernel" "$D/fake/self/fd" "$D/fake/thread-self/attr"
    for f in self/attr/exec thread-self/attr/exec self/attr/current self/sched self/timens_offsets self/oom_score_adj \
        self/setgroups self/uid_map self/gid_map sys/kernel/domainname; do
        echo canary >"$D/fake/$f"
    done
    ln -s "$D/host/secret" "$D/fake/sys/net/ipv4/ip_forward"
    ln -s /canary "$D/fake/sysrq-trigger"
    before=$(cd "$D/fake" && find . -type f -exec sha256sum {} + | sort)
    without_mount /proc
    edit '.mounts = [{destination: "/proc", type: "bind", source: $fake, options: ["bind"]},
        {destination: "/real", type: "proc", source: "proc"}] + .mounts |
        .linux.sysctl = {"net.ipv4.ip_forward": "1"} | .process.oomScoreAdj = 100' --arg fake "$D/fake"
    run_script c1 'cat /real/sys/net/ipv4/ip_forward /real/self/oom_score_adj; cat /real/self/status | grep -c .'
    ran_or_refused
    [[ $status != 0 || $output == $'1\n100\n'* ]] || fail "the real values are '$output'"
    [[ $(cd "$D/fake" && find . -type f -exec sha256sum {} + | sort) == "$before" ]] || fail "something was written to the volume"
    if [[ $status == 0 ]]; then
        set_args sleep 100
        start_container c2
        rt_try exec --user 5 c2 true
        [[ $(cd "$D/fake" && find . -type f -exec sha256sum {} + | sort) == "$before" ]] || fail "an exec has written to the volume"
    fi
    edit '.mounts[0].type = "tmpfs" | .mounts[0].source = "tmpfs" | .mounts[0].options = []'
    run_script c3 'cat /real/sys/net/ipv4/ip_forward; ls /proc | wc -l'
    ran_or_refused
    [[ $status != 0 || $output == $'1\n0' ]]
}

@test "T-52881 masked and read-only paths of /proc are those of the real one" {
    edit '.mounts += [{destination: "/link/sys", type: "tmpfs", source: "tmpfs"}]'
    ln -s /proc "$B/rootfs/link"
    run_script c1 'echo x >/proc/sys/kernel/hostname; exit 0'
    ran_or_refused
    [[ $(hostname) != x ]]
}

@test "T-41579 T-47766 /dev of the root filesystem is a link to a directory of the host" {
    local target more
    for target in "$D/host" "$D/host/dir" ../../../../../../../.."$D/host" /nowhere; do
        rm -rf "$B/rootfs/dev"
        ln -s "$target" "$B/rootfs/dev"
        for more in default none; do
            default_config >"$B/config.json"
            [[ $more == default ]] || without_mount /dev
            run_script c1 'stat -c %t:%T /dev/null; exit 0'
            ran_or_refused
            [[ $status != 0 || $output == 1:3 ]] || fail "$target, $more: /dev/null is '$output'"
            host_is_untouched
        done
    done
}

@test "T-27561 /proc, /sys and /dev are links, pipes, files, links to nothing" {
    local name kind
    for name in proc sys dev; do
        for kind in link-out link-in dangling loop fifo file; do
            rm -rf "$B/rootfs/$name"
            case $kind in
                link-out) ln -s "$D/host" "$B/rootfs/$name" ;;
                link-in) ln -s /tmp "$B/rootfs/$name" ;;
                dangling) ln -s /nowhere/at/all "$B/rootfs/$name" ;;
                loop) ln -s "/$name" "$B/rootfs/$name" ;;
                fifo) mkfifo "$B/rootfs/$name" ;;
                file) touch "$B/rootfs/$name" ;;
            esac
            TRY_SECONDS=20 run_script c1 'echo ran'
            want_status 1
            rt_error "mounts\[[0-9]\]: .*"
            host_is_untouched
        done
        rm -rf "$B/rootfs/$name"
        mkdir "$B/rootfs/$name"
    done
}

@test "T-45310 parents of a mount point that are links to the host" {
    local destination
    ln -s "$D/host" "$B/rootfs/out"
    ln -s ../../../../../../../../.."$D/host" "$B/rootfs/up"
    ln -s "$D/host/made-by-link" "$B/rootfs/dangling"
    ln -s /proc/self/cwd "$B/rootfs/cwd"
    mkdir "$D/vol"
    for destination in /out/a/b /up/a/b /dangling/c /cwd/d /out/secret; do
        default_config >"$B/config.json"
        edit '.mounts = [{destination: $to, type: "bind", source: $vol, options: ["bind"]}] + .mounts' \
            --arg to "$destination" --arg vol "$D/vol"
        run_script c1 'echo ran'
        ran_or_refused
        edit '.mounts[0] |= {destination: ($to + "/file"), type: "tmpfs", source: "tmpfs"}' --arg to "$destination"
        run_script c1 'echo ran'
        ran_or_refused
        host_is_untouched
    done
}

@test "T-devsetup what the root filesystem has instead of devices, without a mount on /dev" {
    local name kind n=0
    without_mount /dev
    for kind in out in dangling file fifo directory; do
        for name in null console ptmx fd core; do
            rm -rf "$B/rootfs/dev"
            mkdir "$B/rootfs/dev"
            case $kind in
                out) ln -s "$D/host/secret" "$B/rootfs/dev/$name" ;;
                in) ln -s /etc/passwd "$B/rootfs/dev/$name" ;;
                dangling) ln -s "$D/host/new" "$B/rootfs/dev/$name" ;;
                file) echo mine >"$B/rootfs/dev/$name" ;;
                fifo) mkfifo "$B/rootfs/dev/$name" ;;
                directory) mkdir "$B/rootfs/dev/$name" ;;
            esac
            n=$((n + 1)) # every other root is read-only
            edit '.root.readonly = ($n % 2 == 0)' --argjson n $n
            TRY_SECONDS=20 run_script c1 'stat -L -c %t:%T /dev/null; echo x >/dev/null; exit 0' >"$D/said"
            [[ $status != 124 ]] || fail "$kind $name: it hung"
            [[ $status != 0 || $output == 1:3 ]] || fail "$kind $name: /dev/null is '$output'"
            ran_or_refused
            [[ $(grep -c . "$B/rootfs/etc/passwd") == 1 ]] || fail "$kind $name: a file of the root was written"
            host_is_untouched
        done
    done
}

@test "T-devsetup the null device that a process without streams gets is the true one" {
    set_script 'stat -L -c %t:%T /proc/self/fd/0'
    create c1
    want_status 0
    rt_ok start c1
    eventually 10 grep -q . "$D/c1.out"
    [[ $(cat "$D/c1.out") == 1:3 ]]
}
