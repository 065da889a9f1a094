# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Helpers of the tests with the programs that drive an OCI runtime: containerd, dockerd, podman, slurmd.
#
# Each file has a "box" (see there), a machine of its own: daemons in it keep their usual places and meet nobody else, and when
# its first process is killed, everything in it is gone. The runtime under test is $RUNTIME, by default the build's
# dhow-runtime; RUNTIME=/usr/sbin/runc shows what the peer does. A daemon that does not come up is the machine's affair: the
# tests of the file are skipped, with the daemon's last words.

: "${DHOW_TOP:=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}"
export DHOW_TOP
# shellcheck source=tests/lib.bash
source "$DHOW_TOP/tests/lib.bash"
: "${RUNTIME:=$(dirname "$DHOW")/dhow-runtime}"
BOX=$DHOW_TOP/tests/plugs/box
BUSYBOX=localhost/test/busybox:1
PAUSE=localhost/test/pause:1
TRY_SECONDS=30
export RUNTIME BOX BUSYBOX PAUSE TRY_SECONDS

# ---- the box ----
# Sets T, the directory that the box sees, too, and BIN, the runtime in it (any user may call it there).
box_start() {
    T=$(mktemp -d /dev/shm/dhow-test.XXXXXX)
    BIN=$T/bin/dhow-runtime
    BOX_GROUP=dhow-plugs-$BASHPID
    export T BIN BOX_GROUP BOX_HOLDER BOX_PID
    chmod 755 "$T"
    mkdir "$T/bin"
    cp "$RUNTIME" "$BIN"
    "$BOX" hold "$T" "$BOX_GROUP" >"$T/box.log" 2>&1 3>&- 4>&- </dev/null &
    BOX_HOLDER=$!
    eventually 20 test -e "$T/box.ready" || give_up box || return 1
    BOX_PID=$(tr -d " " <"/proc/$BOX_HOLDER/task/$BOX_HOLDER/children")
}
# Frozen processes do not die (v1): thaw them first. Then the groups go as their last processes do.
box_stop() {
    local file end=$((SECONDS + 20))
    [[ -n ${BOX_HOLDER:-} ]] || return 0
    while read -r file; do echo THAWED >"$file"; done < <(find /sys/fs/cgroup -path "*/$BOX_GROUP/*" -name freezer.state 2>/dev/null)
    kill -KILL "${BOX_PID:-$BOX_HOLDER}" || true
    while [[ -n $(box_groups) ]] && ((SECONDS < end)); do
        box_groups | xargs -r rmdir 2>/dev/null || sleep 0.1
    done
    rm -rf --one-file-system "$T"
}
box_groups() {
    find /sys/fs/cgroup -depth -type d \( -name "$BOX_GROUP" -o -path "*/$BOX_GROUP/*" \) 2>/dev/null
}
# `give_up NAME` fails, with a reason for `need_box`.
give_up() {
    export GIVEN_UP
    GIVEN_UP="$1 does not come up here: $(tail -n 1 "$T/$1.log" | cut -c 1-200)"
    return 1
}
need_box() {
    [[ -z ${GIVEN_UP:-} ]] || skip "$GIVEN_UP"
}
in_box() {
    "$BOX" enter "$BOX_PID" "$BOX_GROUP" "$@" 3>&- 4>&-
}
# As `try` and `ok` for any command in the box.
try_in_box() {
    capture "$*" "$BOX" enter "$BOX_PID" "$BOX_GROUP" "$@"
}
ok_in_box() {
    try_in_box "$@"
    want_status 0
}
# On a terminal; what it shows comes without carriage returns.
on_tty() {
    capture "$* (on a terminal)" script -qefc "$(printf '%q ' "$BOX" enter "$BOX_PID" "$BOX_GROUP" "$@")" /dev/null </dev/null
    output=${output//$'\r'/}
}
# `daemon NAME COMMAND...`: in the background; its log is $T/NAME.log.
daemon() {
    local name=$1
    shift
    in_box "$@" >"$T/$name.log" 2>&1 </dev/null &
}
# `daemon_is_up NAME SECONDS COMMAND...`: when the command succeeds.
daemon_is_up() {
    local name=$1 seconds=$2
    shift 2
    eventually "$seconds" "$@" || give_up "$name"
}
# A user of the box with subordinate ids; "${PLAIN[@]}" before a command makes it his.
# shellcheck disable=SC2034
PLAIN=(setpriv --reuid 4242 --regid 4242 --init-groups --reset-env env HOME=/run/home XDG_RUNTIME_DIR=/run/user/4242)
make_plain_user() {
    in_box sh -c 'echo plain:x:4242:4242::/run/home:/bin/sh >>/etc/passwd; echo plain:x:4242: >>/etc/group
        echo plain:1000000:65536 >/etc/subuid; cp /etc/subuid /etc/subgid
        mkdir -p /run/user; install -d -m 700 -o 4242 -g 4242 /run/home /run/user/4242'
}

# ---- what runs ----
busybox_archive() {
    image busybox.tar --format docker-archive --name "$BUSYBOX" busybox
}
# A pod's first container.
pause_archive() {
    image pause.tar --format docker-archive --name "$PAUSE" --config '{"Cmd":["sleep","100000"]}' busybox
}
# A service that says so, and ends with 3 when it is asked to.
# shellcheck disable=SC2034
SERVICE='trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done'

# `want_nothing_left DIRECTORY [DEPTH]`: no container of the runtime in its directory of states, that deep; no group of one.
want_nothing_left() {
    in_box test -d "$1" || fail "there is no $1: that is not where the states are"
    eventually 10 no_state "$1" "${2:-1}" || { in_box find "$1"; return 1; }
    eventually 10 no_group || { box_groups; return 1; }
}
no_state() {
    [[ -z $(in_box find "$1" -mindepth "$2") ]]
}
no_group() {
    ! box_groups | grep -v '/libpod_parent/[0-9a-f]*$' | grep -qE '/(libpod-)?[0-9a-f]{64}|/c[0-9]+$' # pods' groups are podman's
}
