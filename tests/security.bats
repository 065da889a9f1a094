#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The attacks that other engines fell to, by the ids of the project's security document.

setup_file() {
    load lib
    file_setup
    # The host's side of the attacks: a directory that images point at, a secret in it.
    mkdir "$T/host"
    echo 'the secret of the host' >"$T/host/secret"
    chmod 600 "$T/host/secret"
}
teardown_file() {
    load lib
    file_teardown
}
setup() {
    load lib
    test_setup
    host_before=$(host_state)
}
teardown() {
    rm -rf --one-file-system "$D"
    [[ $(host_state) == "$host_before" ]] || fail "the host's directory is not as it was: $(host_state)"
    remove_containers
    remove_other_images
    want_no_leaks
}
host_state() {
    (cd "$T/host" && find . -printf '%p %y %m %U:%G %s %l\n' | sort && sha256sum secret)
}
remove_other_images() {
    local ids keep
    keep=$(dhow image inspect --format '{{.Id}}' "$IMAGE")
    ids=$(dhow images -q --no-trunc | sed 's/^sha256://' | sort -u | grep -v "$keep") || true
    [[ -z $ids ]] || xargs -r "$DHOW" --root "$ROOT" --runroot "$RUNROOT" rmi -f <<<"$ids" >/dev/null 3>&-
}
# `hostile NAME [options...] RECIPE`: an image that knows $T/host is made for this run and loaded as localhost/test/NAME:1.
hostile() {
    local name=$1
    shift
    rm -rf "$D/hostile"
    "$DHOW_TOP/tools/make-image" --name "localhost/test/$name:1" --arg "target=$T/host" "$@" "$D/hostile"
    try load -q -i "$D/hostile"
    rm -rf "$D/hostile"
}
run_hostile() {
    try run --rm --network none "$@"
}

program_sums() {
    find "$1" -maxdepth 1 -type f -name 'dhow*' -perm -u+x -exec sha256sum {} + | sort
}

@test "T-5736 no program of ours can be overwritten from a container" {
    local folder before opened n=500 i
    folder=$(dirname "$DHOW")
    before=$(program_sums "$folder")
    hostile exe hostile-exe
    want_status 0
    run_hostile localhost/test/exe:1 /evil
    [[ $status != 0 ]] || fail "an interpreter line of the runtime itself was executed"
    run_hostile --entrypoint /evil localhost/test/exe:1
    [[ $status != 0 ]]
    dhow run -d --name loop --network none localhost/test/exe:1 /loop >/dev/null
    ok exec loop true
    [[ ${DHOW_SLOW_BUILD:-} ]] && n=100
    for ((i = 0; i < n; i++)); do dhow exec loop true; done
    opened=$(dhow exec loop cat /opened 2>/dev/null) || true
    ok rm -f -t 0 loop
    [[ $(program_sums "$folder") == "$before" ]] || fail "a program has changed"
    [[ -z $opened ]] || fail "opened for writing: $(sort -u <<<"$opened")"
}

@test "T-21626 a working directory cannot lead out through a descriptor" {
    local fd
    dhow run -d --name c --network none "$IMAGE" sleep 100 >/dev/null
    for fd in 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        run_hostile -w "/proc/self/fd/$fd" "$IMAGE" sh -c 'pwd; ls; cat ../../../../../../../../etc/hostname'
        if [[ $status == 0 ]]; then
            [[ $output != *"$(hostname)"* ]] || fail "fd $fd: a run reads the host's file"
            fail "fd $fd: a run was not refused"
        fi
        try exec -w "/proc/self/fd/$fd" c pwd
        [[ $status != 0 ]] || fail "fd $fd: an exec was not refused"
    done
    hostile workdir --arg workdir=/proc/self/fd/7 hostile-workdir
    run_hostile localhost/test/workdir:1 pwd
    [[ $status != 0 ]]
    ok rm -f -t 0 c
}

@test "T-21626 the first process has no descriptor but its three" {
    # The shell opens none; ls is a child with one of its own.
    run_hostile "$IMAGE" sh -c 'ls /proc/1/fd; :'
    want_output $'0\n1\n2'
    dhow run -d --name c --network none "$IMAGE" sleep 100 >/dev/null
    ok exec c ls /proc/1/fd
    want_output $'0\n1\n2'
    ok exec c sh -c 'ls /proc/$$/fd; :'
    want_output $'0\n1\n2'
    local pid
    pid=$(dhow inspect --format '{{.State.Pid}}' c)
    [[ -z $(find "/proc/$pid/fd" -lname '/*' ! -lname '/dev/null' -print) ]] || fail "$(ls -l "/proc/$pid/fd")"
    ok rm -f -t 0 c
}

@test "T-55686 a working directory behind a link is made inside" {
    hostile workdir --arg workdir="/leads-out/made" hostile-workdir
    run_hostile localhost/test/workdir:1 pwd
    [[ $status != 0 || $output == "$T/host/made" ]]
    [[ ! -e $T/host/made ]]
}

# The result of an attack by a layer: refused (125, one line), or a tree that stays inside. `teardown` compares the host's side.
attack() {
    local name=$1 want=$2
    shift 2
    hostile layer --arg "attack=$name" "$@" hostile-layer
    case $want in
        refused) [[ $status == 125 && $(grep -c . "$T/err") == 1 ]] || fail "$name: not refused in one line" ;;
        taken) [[ $status == 0 ]] || fail "$name: refused" ;;
        either) [[ $status == 0 || $status == 125 ]] || fail "$name: code $status" ;;
    esac
    [[ ! -e /escaped && ! -e /bomb && ! -e /sparse ]]
    [[ $(host_state) == "$host_before" ]] || fail "$name: the host's directory has changed: $(host_state)"
    if [[ $status == 0 ]]; then
        # The container sees no byte of the host.
        run_hostile localhost/test/layer:1 sh -c 'cat /stolen /way/secret /way 2>/dev/null; echo; echo x >>/stolen; echo x >/way/escaped; true' 2>/dev/null
        [[ $output != *'secret of the host'* ]] || fail "$name: the secret is inside"
        [[ $(host_state) == "$host_before" ]] || fail "$name: a container reaches the host's directory"
        ok rmi -f localhost/test/layer:1
    fi
}

@test "T-unpack names and links that lead out" {
    local name
    for name in dotdot absolute link-then-file link-dir-then-file link-relative root-entry root-mode empty-name nul-name duplicate; do
        attack $name either
    done
    for name in hardlink-out hardlink-absolute hardlink-to-link hardlink-through-link setuid-by-hardlink; do
        attack $name either
    done
}

@test "T-unpack whiteouts that lead out or make no sense" {
    local name
    for name in whiteout-out whiteout-through-link whiteout-parent opaque-through-link opaque-on-file aufs overlay-xattr; do
        attack $name either
    done
    # The base is still there under all of it.
    hostile layer --arg attack=whiteout-parent hostile-layer
    if [[ $status == 0 ]]; then
        run_hostile localhost/test/layer:1 true
        want_status 0
    fi
}

@test "T-unpack devices do not open" {
    attack device-block either
    hostile layer --arg attack=device-block hostile-layer
    if [[ $status == 0 ]]; then
        run_hostile localhost/test/layer:1 sh -c 'head -c 1 /disk >/dev/null 2>&1 && echo disk; head -c 1 /mem >/dev/null 2>&1 && echo mem; true'
        want_output ''
    fi
}

@test "T-unpack headers that lie" {
    local name
    for name in pax-endless gnu-long-endless negative-size huge-size bad-checksum cut; do
        attack $name refused
    done
    for name in pax-number sparse trailing long-path long-part deep xattr-large; do
        attack $name either
    done
}

# `max_rss COMMAND...`: prints the largest resident size, in kB, of the command and what it waited for.
max_rss() {
    python3 -c '
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, close_fds=True).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, code)' "$@"
}

@test "T-unpack bombs end early and in little memory" {
    [[ -z ${DHOW_SLOW_BUILD:-} ]] || skip "a sanitizer's memory is not the program's"
    local attack rss code before
    for attack in many bomb; do
        rm -rf "$D/hostile"
        "$DHOW_TOP/tools/make-image" --name localhost/test/layer:1 --layers gzip-best --arg attack=$attack hostile-layer "$D/hostile"
        before=$SECONDS
        read -r rss code < <(max_rss timeout 120 "$DHOW" --root "$ROOT" --runroot "$RUNROOT" load -q -i "$D/hostile" 2>"$T/err" 3>&- | tail -n 1)
        echo "$attack: $rss kB, code $code, $((SECONDS - before)) s: $(cat "$T/err")"
        [[ $code == 0 || $code == 125 ]]
        ((rss < 65536)) || fail "$attack: $rss kB"
        ((SECONDS - before < 100))
        [[ $attack == bomb && $code == 0 ]] && fail "a layer of 1000:1 was unpacked"
        rm -rf "$D/hostile"
        remove_other_images
    done
    true
}

@test "T-unpack a zstd window of 2 GiB takes no 2 GiB" {
    [[ -z ${DHOW_SLOW_BUILD:-} ]] || skip "a sanitizer's memory is not the program's"
    local rss code layout
    layout=$(image busybox-zstd-window --layers zstd-window --name localhost/test/window:1 busybox)
    read -r rss code < <(max_rss timeout 120 "$DHOW" --root "$ROOT" --runroot "$RUNROOT" load -q -i "$layout" 2>"$T/err" 3>&- | tail -n 1)
    echo "$rss kB, code $code: $(cat "$T/err")"
    [[ $code == 0 || $code == 125 ]]
    ((rss < 200000)) || fail "$rss kB"
}

# A manifest that lies, served by a registry.
tiny_image() { # none of it is in the store
    image tiny --name localhost/test/tiny:1 tiny
}
serve_manifest() {
    start_fake "$(tiny_image)" --manifest "$D/manifest.json"
    try pull --tls-verify=false "$REGISTRY/test/evil:1"
    stop_registries
}

@test "T-3727 digests that are no digests are refused" {
    local layout manifest good digest which
    layout=$(tiny_image)
    manifest=$layout/blobs/sha256/$(jq -r '.manifests[0].digest[7:]' "$layout/index.json")
    good=$(jq -r '.layers[0].digest' "$manifest")
    for which in .layers[0].digest .config.digest; do
        for digest in 'sha256:../../../../../../etc/passwd' 'sha256:' 'sha256' '' '../../x' 'md5:d41d8cd98f00b204e9800998ecf8427e' \
            "sha256:$(tr a-f A-F <<<"${good#sha256:}")" "${good}0" "${good%?}" "sha512:${good#sha256:}" "$good/../x" 'sha256:zz'; do
            jq --arg d "$digest" "$which = \$d" "$manifest" >"$D/manifest.json"
            serve_manifest
            want_error 125
        done
    done
    jq ".layers[0].digest = 5" "$manifest" >"$D/manifest.json"
    serve_manifest
    want_error 125
    rm "$D/manifest.json"
}

@test "T-3727 sizes that lie, and a manifest that is an index too, are refused" {
    local layout manifest
    layout=$(tiny_image)
    manifest=$layout/blobs/sha256/$(jq -r '.manifests[0].digest[7:]' "$layout/index.json")
    local change
    for change in '.layers[0].size -= 1' '.layers[0].size = -1' '.layers[0].size = 99999999999999999999' '.config.size += 1' \
        '.schemaVersion = 1' '.layers = {}' '.config = null' 'del(.config)' '. + {manifests: [.config]}' '[.]'; do
        jq "$change" "$manifest" >"$D/manifest.json"
        serve_manifest
        want_error 125
    done
    printf '%s' '{"schemaVersion":2,"layers":[' >"$D/manifest.json"
    serve_manifest
    want_error 125
    python3 -c 'print("[" * 100000)' >"$D/manifest.json"
    serve_manifest
    want_error 125
    python3 -c 'print("{\"schemaVersion\":2,\"x\":\"" + "x" * 20000000 + "\"}")' >"$D/manifest.json"
    serve_manifest
    want_error 125
    rm "$D/manifest.json"
}

@test "T-40635 T-46680 T-30892 a user that does not fit is refused, never root by accident" {
    local user
    hostile user hostile-user
    want_status 0
    dhow run -d --name c --network none localhost/test/user:1 sleep 100 >/dev/null
    for user in 4294967296 4294967296:4294967296 99999999999999999999 18446744073709551616 18446744073709551616:0 -1 -1:-1 4294967295 0x0 +0 1:4294967296 1:-1 ':1' '1:1:1' ' 0' '1 '; do
        run_hostile "--user=$user" localhost/test/user:1 id -u
        [[ $status != 0 || $output != 0 ]] || fail "run -u '$user' is root"
        [[ $status == 125 ]] || fail "run -u '$user': code $status, uid '$output'"
        try exec "--user=$user" c id -u
        [[ $status == 125 || $status == 126 ]] || fail "exec -u '$user': code $status, uid '$output'"
    done
    for user in 1 1: 1:1 00001 2147483648 2147483648:2147483648 4294967294; do
        run_hostile "--user=$user" localhost/test/user:1 id -u
        [[ $status == 125 || $output == $((10#${user%%:*})) ]] || fail "run -u '$user': code $status, uid '$output'"
        try exec "--user=$user" c id -u
        [[ $status == 125 || $status == 126 || $output == $((10#${user%%:*})) ]] || fail "exec -u '$user': code $status, uid '$output'"
    done
    run_hostile -u 1 localhost/test/user:1 id -u
    want_output 1
    try exec -u 1 c id -u
    want_output 1
    ok rm -f -t 0 c
    # The same in the image's own configuration.
    for user in 4294967296:4294967296 99999999999999999999 -1 2147483648; do
        hostile user2 --config "{\"User\":\"$user\"}" hostile-user
        want_status 0
        run_hostile localhost/test/user2:1 id -u
        [[ $status == 125 || $output == "$user" ]] || fail "USER $user: code $status, uid '$output'"
        ok rmi -f localhost/test/user2:1
    done
}

@test "T-9676 a passwd that is a trap costs no time and no memory" {
    local kind before
    for kind in fifo zero huge nul dir; do
        hostile "passwd-$kind" --arg kind=$kind hostile-passwd
        want_status 0
        before=$SECONDS
        TRY_SECONDS=20 try run --rm --network none -u app "localhost/test/passwd-$kind:1" awk '/^Uid/ {print $2}' /proc/self/status
        ((SECONDS - before < 10)) || fail "$kind: $((SECONDS - before)) s"
        [[ $status != 124 ]] || fail "$kind: it hung"
        [[ $status != 0 || $output != 0 ]] || fail "$kind: app is root"
        TRY_SECONDS=20 try run --rm --network none -u 7:8 "localhost/test/passwd-$kind:1" awk '/^Uid/ {print $2}' /proc/self/status
        [[ $status == 125 || $output == 7 ]] || fail "$kind: a number needs no passwd: code $status"
        TRY_SECONDS=20 try run --rm --network none "localhost/test/passwd-$kind:1" awk '/^Uid/ {print $2}' /proc/self/status
        [[ $status == 125 || $output == 0 ]] || fail "$kind: no user: code $status"
        ok rmi -f "localhost/test/passwd-$kind:1"
    done
}

@test "T-9676 HOME with a newline writes no line into passwd" {
    hostile passwd-home --arg kind=home hostile-passwd
    want_status 0
    run_hostile -u 4242 localhost/test/passwd-home:1 cat /etc/passwd
    [[ $output != *root2* ]]
    [[ $status == 125 || $status == 0 ]]
}

@test "T-seccomp: the default profile decides each call as it should, through x86_64, i386 and x32" {
    [[ $(uname -m) == x86_64 ]] || skip "the matrix is that of x86_64"
    musl-gcc -static -O1 -Wall -Werror -iquote "$BATS_TEST_DIRNAME/../src" -o "$D/probe" "$BATS_TEST_DIRNAME/seccomp_probe.c"
    run_hostile -v "$D:/mnt:ro" "$IMAGE" /mnt/probe ours
    want_status 0
    want_match ' 0 wrong'
}

@test "T-53488 labels and annotations of an image are data" {
    hostile labels --arg "canary=$T/host/canary" hostile-labels
    want_status 0
    dhow run -d --name c --network none localhost/test/labels:1 sh -c 'echo logged; sleep 100' >/dev/null
    eventually 5 logged c logged
    ok inspect c
    jq -e '.[0] | (.HostConfig.Privileged | not) and (.HostConfig.AutoRemove | not) and ((.HostConfig.Binds // []) == []) and .HostConfig.LogConfig.Type == "k8s-file"' "$T/out"
    jq -e '.[0] | ((.Config.Annotations // {}) | keys | map(select(test("podman|oci|cdi|systemd|kata"))) | length) == 0' "$T/out"
    ok exec c sh -c 'grep CapEff /proc/1/status; grep Seccomp: /proc/1/status; test ! -e /host'
    want_match 'Seccomp:.2'
    [[ $output != *0000003fffffffff* && $output != *000001ffffffffff* ]]
    ok stop -t 0 c
    sleep 0.5
    is_state c exited
    [[ ! -e $T/host/canary ]]
    ok rm c
}

@test "T-57231 the host's environment is not copied on an image's word" {
    hostile env hostile-env
    want_status 0
    DHOW_TEST_SECRET=of-the-host run_hostile localhost/test/env:1 env
    [[ $status == 0 || $status == 125 ]]
    [[ $output != *of-the-host* && $stderr != *of-the-host* ]]
    if [[ $status == 0 ]]; then want_match $'(^|\n)FINE=yes'; fi
    DHOW_TEST_SECRET=of-the-host try run -d --name c --network none localhost/test/env:1 sleep 100
    if [[ $status == 0 ]]; then
        DHOW_TEST_SECRET=of-the-host try exec c env
        [[ $output != *of-the-host* ]]
        ok rm -f -t 0 c
    fi
}

caps() { # caps OUTPUT NAME: the set as a number
    sed -n "s/^Cap$2:[[:space:]]*/0x/p" <<<"$1"
}
DEFAULT_CAPS=$((1 << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 18 | 1 << 31))

@test "T-caps every set is what was asked for, and inheritable is empty" {
    local status_of='grep ^Cap /proc/self/status' all
    check_caps() { # check_caps NAME INH PRM EFF BND AMB
        [[ $(($(caps "$output" Inh))) == "$2" ]] || fail "$1: inheritable $(caps "$output" Inh)"
        [[ $(($(caps "$output" Prm))) == "$3" ]] || fail "$1: permitted $(caps "$output" Prm), not $(printf %x "$3")"
        [[ $(($(caps "$output" Eff))) == "$4" ]] || fail "$1: effective $(caps "$output" Eff), not $(printf %x "$4")"
        [[ $(($(caps "$output" Bnd))) == "$5" ]] || fail "$1: bounding $(caps "$output" Bnd), not $(printf %x "$5")"
        [[ $(($(caps "$output" Amb))) == "$6" ]] || fail "$1: ambient $(caps "$output" Amb)"
    }
    run_hostile "$IMAGE" sh -c "$status_of"
    local d=$(($(caps "$output" Bnd)))
    # The default set lies between podman's and docker's.
    (((d & DEFAULT_CAPS) == DEFAULT_CAPS)) || fail "the default set $(printf %x $d) lacks some of podman's"
    (((d & ~(DEFAULT_CAPS | 1 << 13 | 1 << 27 | 1 << 29)) == 0)) || fail "the default set $(printf %x $d) has more than docker's"
    check_caps default 0 "$d" "$d" "$d" 0
    run_hostile -u 1000 "$IMAGE" sh -c "$status_of"
    check_caps user 0 0 0 "$d" 0
    run_hostile --cap-drop all "$IMAGE" sh -c "$status_of"
    check_caps drop-all 0 0 0 0 0
    run_hostile --cap-drop all --cap-add NET_ADMIN "$IMAGE" sh -c "$status_of"
    check_caps only-net-admin 0 $((1 << 12)) $((1 << 12)) $((1 << 12)) 0
    run_hostile --cap-add sys_time --cap-drop CAP_CHOWN "$IMAGE" sh -c "$status_of"
    check_caps add-drop 0 $(((d | 1 << 25) & ~1)) $(((d | 1 << 25) & ~1)) $(((d | 1 << 25) & ~1)) 0
    run_hostile --cap-add NO_SUCH "$IMAGE" true
    want_error 125 'NO_SUCH'
    run_hostile --privileged "$IMAGE" sh -c "$status_of"
    all=$(($(sed -n 's/^CapBnd:[[:space:]]*/0x/p' /proc/self/status)))
    check_caps privileged 0 "$all" "$all" "$all" 0
    dhow run -d --name c --network none "$IMAGE" sleep 100 >/dev/null
    ok exec c sh -c "$status_of"
    check_caps exec 0 "$d" "$d" "$d" 0
    ok exec -u 1000 c sh -c "$status_of"
    check_caps exec-user 0 0 0 "$d" 0
    ok exec --privileged c sh -c "$status_of"
    check_caps exec-privileged 0 "$all" "$all" "$all" 0
    ok rm -f -t 0 c
    dhow run -d --name c --cap-drop all --network none "$IMAGE" sleep 100 >/dev/null
    ok exec c sh -c "$status_of"
    check_caps exec-drop-all 0 0 0 0 0
    ok rm -f -t 0 c
}

@test "T-devsetup a /dev that is already there, as something else" {
    local kind more
    for kind in link links files fifos dirs; do
        hostile "dev-$kind" --arg kind=$kind hostile-dev
        want_status 0
        for more in '' --read-only; do
            # shellcheck disable=SC2086
            TRY_SECONDS=20 try run --rm --network none $more "localhost/test/dev-$kind:1" sh -c 'stat -c "%t:%T" /dev/null; echo x >/dev/null; readlink /dev/fd; echo fine'
            [[ $status != 124 ]] || fail "$kind: it hung"
            if [[ $status == 0 ]]; then
                want_output $'1:3\n/proc/self/fd\nfine'
            else
                [[ $status == 125 && $(grep -c . "$T/err") == 1 ]] || fail "$kind $more: neither right nor refused in one line: code $status"
            fi
            [[ $(host_state) == "$host_before" ]] || fail "$kind $more: the host's directory has changed: $(host_state)"
        done
        TRY_SECONDS=20 try run --rm -t --network none "localhost/test/dev-$kind:1" sh -c 'tty; stat -c "%t" /dev/console'
        [[ $status != 124 ]] || fail "$kind with a terminal: it hung"
        [[ $(host_state) == "$host_before" ]] || fail "$kind with a terminal: the host's directory has changed"
        ok rmi -f "localhost/test/dev-$kind:1"
    done
}

@test "T-devsetup stdio without a stdin is our own null device" {
    run_hostile "$IMAGE" sh -c 'stat -L -c "%t:%T" /proc/self/fd/0'
    [[ $output == 1:3 || $(stat -L -c %F /dev/stdin) == *fifo* ]] || fail "stdin is $output"
}

@test "T-27561 T-45310 mount points that are links stay inside" {
    hostile mountpoints hostile-mountpoints
    want_status 0
    TRY_SECONDS=20 try run --rm --network none localhost/test/mountpoints:1 sh -c 'grep -c " /proc proc" /proc/mounts'
    [[ $status == 125 || $status == 0 || $status == 1 ]]
    [[ $(host_state) == "$host_before" ]] || fail "the host's directory has changed"
    mkdir "$D/volume"
    TRY_SECONDS=20 try run --rm --network none -v "$D/volume:/etc/hosts/deep/er" localhost/test/mountpoints:1 true
    TRY_SECONDS=20 try run --rm --network none -v "$D/volume:/proc/self/cwd/x" localhost/test/mountpoints:1 true
    rmdir "$D/volume"
}

@test "T-0811 sysctl names are taken exactly, and only those of the container" {
    local s before
    before=$(cat /proc/sys/kernel/core_pattern)
    for s in 'kernel.shm_rmid_forced=1+kernel.core_pattern=|/x' 'kernel/core_pattern=x' 'kernel.core_pattern=x' 'net/../kernel/core_pattern=x' 'net.ipv4/../../kernel/core_pattern=x' 'fs.file-max=1' $'kernel.shmmax\n=1' 'kernel.shmmax'; do
        run_hostile --sysctl "$s" "$IMAGE" true
        want_error 125
    done
    [[ $(cat /proc/sys/kernel/core_pattern) == "$before" ]]
}
