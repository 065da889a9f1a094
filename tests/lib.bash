# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Helpers of the integration tests. A file of tests calls `file_setup` in setup_file, `file_teardown` in teardown_file,
# `test_setup` in setup and `test_teardown` in teardown. All state is in one directory on a tmpfs, $T; the program under
# test is $DHOW; images are made once and kept in build-check/images.

bats_require_minimum_version 1.5.0
: "${DHOW_TOP:=$(cd "$BATS_TEST_DIRNAME/.." && pwd)}"
: "${DHOW:=$("$DHOW_TOP/tools/programs" "$DHOW_TOP/build")}"
IMAGES=$DHOW_TOP/build-check/images
IMAGE=localhost/test/busybox:1
export DHOW DHOW_TOP IMAGES IMAGE

# ---- the program ----
dhow() {
    "$DHOW" --root "$ROOT" --runroot "$RUNROOT" "$@" 3>&- 4>&-
}

# `capture SHOWN COMMAND...`: runs it with stdout in $output, stderr in $stderr, and the code in $status; ends after 60 s at the
# latest.
capture() {
    local shown=$1 rc=0
    shift
    timeout -k 5 "${TRY_SECONDS:-60}" "$@" >"$T/out" 2>"$T/err" 3>&- 4>&- || rc=$?
    status=$rc
    output=$(tr -d '\0' <"$T/out")
    stderr=$(tr -d '\0' <"$T/err")
    echo "\$ $shown   -> $status"
    [[ -z $output ]] || printf 'stdout: %s\n' "${output:0:2000}"
    [[ -z $stderr ]] || printf 'stderr: %s\n' "${stderr:0:2000}"
}
try() {
    capture "dhow $*" "$DHOW" --root "$ROOT" --runroot "$RUNROOT" "$@"
}

ok() {
    try "$@"
    want_status 0
}

# ---- assertions: each says what it saw ----
want_status() {
    [[ $status == "$1" ]] || fail "the exit code is $status, not $1"
}
want_output() {
    [[ $output == "$1" ]] || fail "stdout is '$output', not '$1'"
}
want_match() {
    [[ $output =~ $1 ]] || fail "stdout '$output' does not match '$1'"
}
want_stderr_match() {
    [[ $stderr =~ $1 ]] || fail "stderr '$stderr' does not match '$1'"
}
# One line that says what is wrong, and the code.
want_error() {
    local code=$1 pattern=${2:-.}
    want_status "$code"
    # Until networks exist a run says once that it has loopback only; that is no part of the error.
    local lines
    lines=$(grep -c . "$T/err" || true)
    [[ $lines == 1 ]] || fail "stderr has $lines lines, not one"
    [[ $stderr =~ ^(Error|dhow) ]] || fail "the line does not begin with 'Error' or 'dhow'"
    [[ $stderr =~ $pattern ]] || fail "the error does not match '$pattern'"
}
fail() {
    printf 'FAIL: %s\n' "$*"
    return 1
}
# `refute COMMAND...`: it fails. (A plain "!" does not end a test.)
refute() {
    if "$@"; then fail "it did not fail: $*"; fi
}
# `eventually SECONDS COMMAND...`: until it succeeds.
eventually() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || { fail "never came true: $*"; return 1; }
        sleep 0.05
    done
}
is_alive() { # a zombie whose parent does not care is dead
    [[ -e /proc/$1 && $(awk '/^State/ {print $2}' "/proc/$1/status" 2>/dev/null) != Z ]]
}
logged() {
    dhow logs "$1" 2>&1 | grep -q -- "$2"
}
log_is_longer() {
    (($(dhow logs "$1" | wc -l) > $2))
}
state_of() {
    dhow inspect --type container --format '{{.State.Status}}' "$1"
}
is_state() {
    [[ $(state_of "$1") == "$2" ]]
}
is_gone() {
    ! dhow inspect --type container "$1"
}

# ---- images ----
# `image NAME [make-image options...] RECIPE`: a path in $IMAGES, made when it is missing or older than the tool.
image() {
    local out=$IMAGES/$1 tool=$DHOW_TOP/tools/make-image new
    shift
    if [[ ! -e $out || $tool -nt $out ]]; then
        mkdir -p "$IMAGES"
        new=$(mktemp -u "$IMAGES/new.XXXXXX")
        "$tool" "${@:1:$#-1}" "${@: -1}" "$new"
        touch "$new"
        rm -rf "$out"
        mv -T "$new" "$out" 2>/dev/null || rm -rf "$new"
    fi
    echo "$out"
}
busybox_image() {
    image busybox --name localhost/test/busybox:1 busybox
}
load_busybox() {
    dhow load -q -i "$(image busybox.tar --format docker-archive --name localhost/test/busybox:1 busybox)" >/dev/null
}

# ---- registries ----
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
# `start_registry [plain|basic|tls]`: sets REGISTRY (127.0.0.1:PORT); user "user", password "pass"; TLS: the CA is $T/certs/ca.crt.
start_registry() {
    local kind=${1:-plain} dir=$F/registry.$RANDOM port
    for _ in 1 2 3; do
        port=$(free_port)
        mkdir -p "$dir/data"
        {
            printf 'version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: %s\n  delete:\n    enabled: true\n' "$dir/data"
            printf 'http:\n  addr: 127.0.0.1:%s\n' "$port"
            if [[ $kind == tls ]]; then
                make_certs "$F/certs"
                printf '  tls:\n    certificate: %s\n    key: %s\n' "$F/certs/server.crt" "$F/certs/server.key"
            elif [[ $kind == basic ]]; then
                htpasswd -Bbn user pass >"$dir/htpasswd"
                printf 'auth:\n  htpasswd:\n    realm: tests\n    path: %s\n' "$dir/htpasswd"
            fi
        } >"$dir/config.yml"
        OTEL_TRACES_EXPORTER=none docker-registry serve "$dir/config.yml" >"$dir/log" 2>&1 3>&- 4>&- </dev/null &
        REGISTRY_PIDS="${REGISTRY_PIDS:-} $!"
        REGISTRY=127.0.0.1:$port
        export REGISTRY REGISTRY_PIDS
        if registry_answers "$kind"; then return 0; fi
    done
    cat "$dir/log"
    return 1
}
registry_answers() {
    local scheme=http i
    [[ $1 == tls ]] && scheme=https
    for ((i = 0; i < 100; i++)); do
        python3 - "$scheme://$REGISTRY/v2/" <<'PY' && return 0
import ssl, sys, urllib.error, urllib.request
try:
    urllib.request.urlopen(sys.argv[1], timeout=2, context=ssl._create_unverified_context())
except urllib.error.HTTPError as e:
    sys.exit(e.code != 401)
except OSError:
    sys.exit(1)
PY
        sleep 0.1
    done
    return 1
}
# `push LAYOUT NAME [skopeo options...]`: into the registry of start_registry.
push() {
    local layout=$1 name=$2
    shift 2
    skopeo --insecure-policy copy -q --dest-tls-verify=false "$@" "oci:$layout" "docker://$REGISTRY/$name" </dev/null
}
# `start_fake LAYOUT [options...]`: tests/fake-registry; sets REGISTRY.
start_fake() {
    local layout=$1 port_file
    shift
    port_file=$(mktemp -u "$F/port.XXXXXX")
    "$DHOW_TOP/tests/fake-registry" "$@" "$layout" "$port_file" >/dev/null 2>"$port_file.err" 3>&- 4>&- </dev/null &
    REGISTRY_PIDS="${REGISTRY_PIDS:-} $!"
    local i
    for ((i = 0; i < 200; i++)); do
        [[ -s $port_file ]] && break
        sleep 0.05
    done
    REGISTRY=127.0.0.1:$(cat "$port_file")
    export REGISTRY REGISTRY_PIDS
}
stop_registries() {
    local pid
    for pid in ${REGISTRY_PIDS:-}; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    REGISTRY_PIDS=
}
# A CA, a certificate of 127.0.0.1 and localhost, a client's certificate.
make_certs() {
    local dir=$1
    [[ -e $dir/server.crt ]] && return 0
    mkdir -p "$dir"
    (
        cd "$dir" || exit 1
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj '/CN=dhow test CA' -keyout ca.key -out ca.crt
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '/CN=127.0.0.1' -keyout server.key -out server.csr
        printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\n' >ext
        openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out server.crt
    ) >/dev/null 2>&1
}

# ---- what must not be left ----
# Mounts of our directories, control groups of dhow, processes that hold our directories, rows and directories of the store.
leak_mounts() {
    awk '{print $5}' /proc/self/mountinfo | grep -F "$T" | sort
}
# (A group that has processes belongs to somebody: to us, then the processes tell, or to another store on this machine.)
leak_cgroups() {
    local group
    find /sys/fs/cgroup -type d -path '*dhow/*' 2>/dev/null | sort | while read -r group; do
        [[ -z $(cat "$group/cgroup.procs" 2>/dev/null) && -d $group ]] && echo "$group"
    done
}
# A process is ours when a descriptor, its command line or a mount in its namespace leads into $T.
leak_processes() {
    python3 - "$T" <<'PY'
import glob, os, re, sys
place = sys.argv[1]
ours = re.compile(re.escape(place) + r"/(root|run)\b")
skip, pid = set(), os.getpid()
while pid > 1:
    skip.add(pid)
    pid = int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
def mine(path):
    try:
        for fd in os.listdir(path + "/fd"):
            try:
                if ours.match(os.readlink(f"{path}/fd/{fd}")):
                    return True
            except OSError:
                pass
        if ours.search(open(path + "/cmdline").read()):
            return True
        return ours.search(open(path + "/mountinfo").read()) and place not in open("/proc/self/mountinfo").read()
    except OSError:
        return False
for path in glob.glob("/proc/[0-9]*"):
    pid = int(path[6:])
    if pid not in skip and mine(path):
        try:
            print(pid, open(path + "/comm").read().strip())
        except OSError:
            pass
PY
}
leak_files() {
    # Databases, caches and locks stay; a container, a layer, a staging directory does not.
    (cd "$T" && find root/containers root/layers root/tmp root/blobs run/containers -mindepth 1 -maxdepth 2 2>/dev/null | grep -vE '^root/blobs/sha256$' | sort)
}
leak_rows() {
    dhow ps -a --no-trunc --format '{{.ID}}' | sort
    dhow images -a --no-trunc --format '{{.ID}}' 2>/dev/null | sort -u || dhow images --no-trunc --format '{{.ID}}' | sort -u
}
world() {
    echo "# mounts"; leak_mounts || true
    echo "# cgroups"; leak_cgroups || true
    echo "# processes"; leak_processes || true
    echo "# files"; leak_files || true
    echo "# rows"; leak_rows || true
}
remember() {
    world >"$T/world.before"
}
# What was there at `remember` is there now, and nothing else; the kernel gets 10 s for its own part. Groups of other stores
# come and go: those that went are nobody's loss.
want_no_leaks() {
    local end=$((SECONDS + 10))
    while :; do
        world >"$T/world.after"
        diff -U0 "$T/world.before" "$T/world.after" | grep '^[-+][^-+]' | grep -v '^-/sys/fs/cgroup/' >"$T/world.diff" || return 0
        ((SECONDS < end)) || break
        sleep 0.2
    done
    cat "$T/world.diff"
    fail "something was left"
}
remove_containers() {
    local ids
    ids=$(dhow ps -aq --no-trunc 2>/dev/null) || true
    [[ -z $ids ]] || xargs -r -n 20 "$DHOW" --root "$ROOT" --runroot "$RUNROOT" rm -f -t 0 <<<"$ids" >/dev/null 2>&1 3>&- 4>&-
}

# ---- one file, one test ----
# `new_place`: T, ROOT and RUNROOT.
new_place() {
    T=$(mktemp -d /dev/shm/dhow-test.XXXXXX)
    ROOT=$T/root
    RUNROOT=$T/run
    export T ROOT RUNROOT
}
drop_place() {
    [[ -n ${T:-} && -d $T ]] || return 0
    remove_containers || true
    local m
    while read -r m; do umount -l "$m"; done < <(leak_mounts | tac) || true
    rm -rf --one-file-system "$T"
}
# A file's tests share a store with the busybox image in it; each test leaves it as it was.
file_setup() {
    new_place
    F=$T
    export F
    load_busybox
}
file_teardown() {
    stop_registries
    drop_place
}
# D is an empty directory of the test's own.
test_setup() {
    D=$T/test
    mkdir "$D"
    export D
    remember
}
test_teardown() {
    rm -rf --one-file-system "$D"
    remove_containers
    want_no_leaks
}
