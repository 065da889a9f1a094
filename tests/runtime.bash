# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Helpers of the tests that drive dhow-runtime with bundles, on top of lib.bash (want_status, want_output, want_match, fail,
# refute, eventually, is_alive, ...). A file of tests does, in setup_file, teardown_file, setup and teardown:
#
#   setup_file()    { load runtime; runtime_file_setup; }        teardown_file() { load runtime; runtime_file_teardown; }
#   setup()         { load runtime; runtime_setup; }             teardown()      { load runtime; runtime_teardown; }
#
# State is in $STATE (in $T), a test's own files in $D; both go with the test. What a test leaves (mounts, cgroups,
# processes, states) fails it. $RUNTIME is the program; the words in the array AS are put before it (setpriv ...).
#
#   bundle [NAME]             a bundle $D/NAME ("bundle"), named by $B: busybox with all applets, default_config
#   edit FILTER [JQ-ARG...]   changes $B/config.json by a filter of jq
#   set_args ARG...           process.args
#   set_script TEXT           process.args: sh -c TEXT
#   add_mount DEST TYPE SOURCE [OPTION...]         appends a mount
#   add_user_namespace [FIRST [SIZE]]              a user namespace with root as FIRST (200000) of the host
#   give_rootfs FIRST         chowns the bundle's root filesystem to it
#   rt ARG...                 the program, with the tests' --root
#   rt_try ARG...             the same with $output, $stderr, $status; ends after $TRY_SECONDS (60) at the latest
#   rt_ok ARG...              rt_try that must succeed
#   rt_error PATTERN          the last one failed with 1 and one line (beside warnings) that matches
#   create ID [OPTION...]     creates it from $B; its stdout is $D/ID.out, its stderr $D/ID.err
#   start_container ID [OPTION...]                 create, start
#   run_container ID [OPTION...]                   run, from $B: $output, $stderr and $status are the process's, or those of the
#                                                  command that failed
#   run_script ID TEXT        set_script, run_container
#   status_of ID, pid_of ID   from its state;   is_status ID STATUS   for `eventually 10 is_status c1 stopped`
#   inside ID COMMAND...      exec, rt_ok
#   cgroup_dirs ID            the container's directories in all hierarchies
#   host_mount MOUNT-ARG...   mount(8), undone at the end of the test

load lib
: "${RUNTIME:=$(dirname "$DHOW")/dhow-runtime}"
export RUNTIME
AS=()

# ---- the program ----
rt() {
    "${AS[@]}" "$RUNTIME" --root "$STATE" "$@" 3>&- 4>&-
}
rt_try() {
    local rc=0
    timeout -k 5 "${TRY_SECONDS:-60}" "${AS[@]}" "$RUNTIME" --root "$STATE" "$@" >"$D/.out" 2>"$D/.err" 3>&- 4>&- </dev/null || rc=$?
    take_result "$rc" "$D/.out" "$D/.err" "$*"
}
# `take_result CODE STDOUT-FILE STDERR-FILE WHAT`
take_result() {
    status=$1
    output=$(tr -d '\0' <"$2")
    stderr=$(tr -d '\0' <"$3")
    echo "\$ dhow-runtime $4   -> $status"
    [[ -z $output ]] || printf 'stdout: %s\n' "${output:0:2000}"
    [[ -z $stderr ]] || printf 'stderr: %s\n' "${stderr:0:2000}"
}
rt_ok() {
    rt_try "$@"
    want_status 0
}
rt_error() {
    want_status 1
    [[ $(grep -vc 'level=warning' <<<"$stderr") == 1 ]] || fail "stderr is not one line"
    [[ $stderr =~ $1 ]] || fail "the error does not match '$1'"
}

# ---- bundles ----
default_config() {
    jq -n --arg cgroup "/$GROUP/" '
    ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETFCAP",
     "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT"] as $caps |
    {ociVersion: "1.0.2",
     process: {user: {uid: 0, gid: 0}, args: ["sleep", "100"], env: ["PATH=/bin:/usr/bin:/sbin:/usr/sbin"], cwd: "/",
       capabilities: {bounding: $caps, effective: $caps, permitted: $caps}, noNewPrivileges: true},
     root: {path: "rootfs"}, hostname: "box",
     mounts: [
       {destination: "/proc", type: "proc", source: "proc"},
       {destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=755", "size=65536k"]},
       {destination: "/dev/pts", type: "devpts", source: "devpts",
         options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
       {destination: "/dev/shm", type: "tmpfs", source: "shm", options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
       {destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"]},
       {destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"]}],
     linux: {
       cgroupsPath: $cgroup,
       namespaces: ["pid", "network", "ipc", "uts", "mount", "cgroup" | {type: .}],
       maskedPaths: ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
       readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]}}'
}
make_rootfs() {
    mkdir -p "$1"/{bin,dev,etc,proc,root,sys,tmp,mnt}
    cp "$(type -P busybox)" "$1/bin/busybox"
    "$1/bin/busybox" --list | grep -vx busybox | sed "s|.*|$1/bin/&|" | xargs -n 1 ln -sT busybox
    echo 'root:x:0:0:root:/root:/bin/sh' >"$1/etc/passwd"
    echo 'root:x:0:' >"$1/etc/group"
}
bundle() {
    B=$D/${1:-bundle}
    mkdir "$B"
    cp -a "$F/rootfs" "$B/rootfs"
    default_config >"$B/config.json"
}
edit() {
    local filter=$1
    shift
    jq "$filter" "$B/config.json" "$@" >"$B/config.json.new"
    mv "$B/config.json.new" "$B/config.json"
}
set_args() {
    edit ".process.args = \$ARGS.positional" --args -- "$@"
}
set_script() {
    set_args sh -c "$1"
}
add_mount() {
    local destination=$1 type=$2 source=$3
    shift 3
    edit ".mounts += [{destination: \$destination, type: \$type, source: \$source, options: \$ARGS.positional}]" \
        --arg destination "$destination" --arg type "$type" --arg source "$source" --args -- "$@"
}
add_user_namespace() {
    edit '.linux.namespaces += [{type: "user"}] |
        .linux.uidMappings = [{containerID: 0, hostID: $first, size: $size}] | .linux.gidMappings = .linux.uidMappings' \
        --argjson first "${1:-200000}" --argjson size "${2:-65536}"
}
give_rootfs() {
    chown -Rh "$1:$1" "$B/rootfs"
}

# ---- containers ----
# The group of each container is its own, /$GROUP/ID, when the test has not chosen another.
choose_cgroup() {
    edit 'if (.linux.cgroupsPath // "" | startswith($group)) then .linux.cgroupsPath = $group + $id else . end' \
        --arg id "$1" --arg group "/$GROUP/"
}
create() {
    local id=$1 rc=0
    shift
    choose_cgroup "$id"
    timeout -k 5 60 "${AS[@]}" "$RUNTIME" --root "$STATE" create --bundle "$B" "$@" "$id" >"$D/$id.out" 2>"$D/$id.err" 3>&- 4>&- </dev/null || rc=$?
    take_result "$rc" "$D/$id.out" "$D/$id.err" "create $id"
}
start_container() {
    create "$@"
    want_status 0
    rt_ok start "$1"
}
run_container() {
    local id=$1 rc=0
    shift
    choose_cgroup "$id"
    timeout -k 5 "${TRY_SECONDS:-60}" "${AS[@]}" "$RUNTIME" --root "$STATE" run --bundle "$B" "$@" "$id" \
        >"$D/$id.out" 2>"$D/$id.err" 3>&- 4>&- </dev/null || rc=$?
    take_result "$rc" "$D/$id.out" "$D/$id.err" "run $id"
    [[ $rc != 124 ]] || rt delete --force "$id"
}
run_script() {
    set_script "$2"
    run_container "$1"
}
status_of() {
    rt state "$1" | jq -r .status
}
pid_of() {
    rt state "$1" | jq -r .pid
}
is_status() {
    [[ $(status_of "$1") == "$2" ]]
}
inside() {
    rt_ok exec "$@"
}
host_mount() {
    mount "$@"
    echo "${*: -1}" >>"$D/.mounts"
}
host_unmount() {
    local path
    [[ -e $D/.mounts ]] || return 0
    while read -r path; do umount -l "$path"; done < <(tac "$D/.mounts")
}
cgroup_dirs() {
    find /sys/fs/cgroup -type d -path "*/$GROUP/$1" 2>/dev/null
}

# ---- what must not be left ----
leak_cgroups() {
    find /sys/fs/cgroup -mindepth 2 -type d -path "*/$GROUP/*" 2>/dev/null | sort
}
# A process is ours when its command line, a descriptor or a mount in its namespace leads into our directories, or its
# group is one of ours.
leak_processes() {
    python3 - "$T" "$GROUP" <<'PY'
import glob, os, re, sys
place, group = sys.argv[1:]
ours = re.compile(re.escape(os.path.basename(place)) + r"/(state|test)\b|/" + re.escape(group) + "/")
skip, pid = set(), os.getpid()
while pid > 1:
    skip.add(pid)
    pid = int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
def mine(path):
    try:
        for fd in os.listdir(path + "/fd"):
            try:
                if ours.search(os.readlink(f"{path}/fd/{fd}")):
                    return True
            except OSError:
                pass
        return any(ours.search(open(f"{path}/{name}").read()) for name in ("cmdline", "cgroup")) or \
            os.readlink(path + "/ns/mnt") != os.readlink("/proc/self/ns/mnt") and ours.search(open(path + "/mountinfo").read())
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
    (cd "$T" && find state -mindepth 1 -maxdepth 2 2>/dev/null | sort)
}
leak_rows() {
    :
}
# The words that name a container are directories of $STATE, also when the program no longer knows them.
remove_containers() {
    local id
    for id in "$STATE"/*/; do
        [[ -d $id ]] || continue
        timeout -k 5 30 "$RUNTIME" --root "$STATE" delete --force "$(basename "$id")" >/dev/null 2>&1 3>&- 4>&- </dev/null || true
    done
}

# ---- one file, one test ----
runtime_file_setup() {
    new_place
    F=$T
    STATE=$T/state
    GROUP=dhow-test-${T##*.}
    export F STATE GROUP
    mkdir "$STATE"
    make_rootfs "$F/rootfs"
}
runtime_file_teardown() {
    drop_place
    find /sys/fs/cgroup -depth -type d -path "*/$GROUP" -exec rmdir {} + 2>/dev/null || true
}
runtime_setup() {
    D=$T/test
    mkdir "$D"
    export D
    remember
}
runtime_teardown() {
    remove_containers
    host_unmount
    rm -rf --one-file-system "$D"
    want_no_leaks
}
