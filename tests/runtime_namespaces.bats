#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Namespaces of a bundle: made, joined by path, mapped, with clocks of their own.

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
    HOLDER=
}
teardown() {
    [[ -z ${HOLDER:-} ]] || kill "$HOLDER" 2>/dev/null || true
    load runtime
    runtime_teardown
}

# `hold UNSHARE-OPTION...`: a process with namespaces of its own, $HOLDER.
hold() {
    unshare "$@" sleep 100 >/dev/null 2>&1 3>&- 4>&- &
    HOLDER=$!
    eventually 10 holds
}
holds() {
    [[ $(tr '\0' ' ' <"/proc/$HOLDER/cmdline") == 'sleep 100 ' ]]
}
ns() { # ns PID KIND: as "net:[4026531840]"
    readlink "/proc/$1/ns/$2"
}
# `join TYPE PATH`: instead of a new one.
join() {
    edit '.linux.namespaces |= map(select(.type != $type)) + [{type: $type, path: $path}]' --arg type "$1" --arg path "$2"
}
without() {
    edit '.linux.namespaces |= map(select(.type != $type))' --arg type "$1"
}
want_same() { # want_same KIND PID PID
    [[ $(ns "$2" "$1") == "$(ns "$3" "$1")" ]] || fail "$1: $(ns "$2" "$1") is not $(ns "$3" "$1")"
}
want_other() {
    [[ $(ns "$2" "$1") != "$(ns "$3" "$1")" ]] || fail "$1: both are $(ns "$2" "$1")"
}

@test "new namespaces are new, others are the caller's" {
    local kind pid
    edit '.linux.namespaces += [{type: "time"}]'
    start_container c1
    pid=$(pid_of c1)
    for kind in pid net ipc uts mnt cgroup time; do want_other $kind "$pid" self; done
    want_same user "$pid" self
    inside c1 hostname
    want_output box
    inside c1 sh -c 'ip link show lo; ls /proc | grep -c "^[0-9]*$"'
    want_match 'LOOPBACK,UP'
    rt_ok delete --force c1

    edit '.linux.namespaces = [{type: "mount"}] | del(.hostname)'
    start_container c2
    pid=$(pid_of c2)
    for kind in pid net ipc uts cgroup time user; do want_same $kind "$pid" self; done
    want_other mnt "$pid" self
    # In the host's pid namespace the kernel ends nobody with init; the container does.
    inside c2 sh -c 'sleep 1234 >/dev/null 2>&1 & echo $!'
    pid=$output
    is_alive "$pid"
    rt_ok kill c2 KILL
    eventually 10 is_status c2 stopped
    rt_ok delete c2
    eventually 10 refute is_alive "$pid"
}

@test "namespaces are joined by path" {
    local kind pid
    hold --net --ipc --uts --cgroup
    edit 'del(.hostname)'
    join network "/proc/$HOLDER/ns/net"
    join ipc "/proc/$HOLDER/ns/ipc"
    join uts "/proc/$HOLDER/ns/uts"
    join cgroup "/proc/$HOLDER/ns/cgroup"
    start_container c1
    pid=$(pid_of c1)
    for kind in net ipc uts cgroup; do
        want_same $kind "$pid" "$HOLDER"
        want_other $kind "$pid" self
    done
}

@test "a pid and a time namespace of another container" {
    local first pid
    edit '.linux.namespaces += [{type: "time"}]'
    start_container first
    first=$(pid_of first)
    join pid "/proc/$first/ns/pid"
    join time "/proc/$first/ns/time"
    set_script 'sleep 101'
    start_container second
    pid=$(pid_of second)
    want_same pid "$pid" "$first"
    want_same time "$pid" "$first"
    inside second ps -o pid,args
    want_match '1 sleep 100'
    want_match 'sleep 101'
    rt_ok delete --force second
    is_status first running
}

@test "a path that is no namespace, or another one" {
    local rows="network|/proc/self/ns/uts|is not a network namespace
user|/proc/self/ns/net|is not a user namespace
time|/proc/self/ns/mnt|is not a time namespace
uts|/etc/passwd|is not a uts namespace
pid|/nowhere|open '/nowhere': No such file or directory
mount|/proc/self/ns/mnt|a mount namespace of the container's own is needed for mounts
uts|/proc/self/ns/uts|a uts namespace of the container's own is needed for hostname"
    local type path message
    while IFS='|' read -r type path message; do
        default_config >"$B/config.json"
        join "$type" "$path"
        run_container c1
        rt_error "linux\.namespaces\[[56]\]\.path: .*$message"
    done < <(grep -v ^user <<<"$rows")
    default_config >"$B/config.json"
    join user /proc/self/ns/net
    run_container c1
    rt_error "linux\.namespaces\[6\]\.path: '/proc/self/ns/net' is not a user namespace"
    default_config >"$B/config.json"
    join network /proc/self/ns/net
    edit '.linux.sysctl = {"net.ipv4.ip_forward": "1"}'
    run_container c1
    rt_error "linux\.namespaces\[5\]\.path: a network namespace of the container's own is needed for linux\.sysctl"
    default_config >"$B/config.json"
    without mount
    run_container c1
    rt_error "linux\.namespaces: a mount namespace of its own is needed"
}

@test "a user namespace: maps, gaps, many ranges" {
    edit '.linux.namespaces += [{type: "user"}] |
        .linux.uidMappings = [{containerID: 0, hostID: 200000, size: 10}, {containerID: 1000, hostID: 300000, size: 1}] |
        .linux.gidMappings = [{containerID: 0, hostID: 210000, size: 20}]'
    chown -Rh 200000:210000 "$B/rootfs"
    run_script c1 'cat /proc/self/uid_map /proc/self/gid_map; touch /made; chown 1000:19 /made; chown 1001 /made 2>/dev/null || echo no such owner'
    want_status 0
    [[ $(tr -s ' ' <<<"$output") == " 0 200000 10
 1000 300000 1
 0 210000 20
no such owner" ]] || fail "the maps are not as asked for"
    [[ $(stat -c %u:%g "$B/rootfs/made") == 300000:210019 ]]
    edit '.linux.uidMappings = [range(200) | {containerID: (. * 2), hostID: (. + 200000), size: 1}]'
    run_script c2 'wc -l </proc/self/uid_map'
    want_output 200
    edit '.process.user.uid = 300'
    run_script c3 'id -u'
    want_output 300
    edit '.process.user.uid = 301'
    run_container c4
    rt_error 'set the user id 301: Invalid argument'
    edit '.process.user.uid = 0 | .linux.uidMappings = [{containerID: 1, hostID: 200000, size: 1}]'
    run_container c5
    rt_error 'linux\.uidMappings: root \(containerID 0\) is not among them'
    edit '.linux.uidMappings = [range(340) | {containerID: (. * 2 + 1000000000), hostID: (. + 2000000000), size: 1}] + [{containerID: 0, hostID: 1, size: 1}]'
    run_container c6
    rt_error 'linux\.uidMappings: '
}

@test "a user namespace without the usual group 5, without network, pid and ipc namespaces" {
    add_user_namespace 200000 1
    edit '.linux.gidMappings[0].size = 1'
    give_rootfs 200000
    run_script c1 'grep -c " /dev/pts " /proc/self/mounts; ls /dev/pts/ptmx'
    want_status 0
    want_output $'1\n/dev/pts/ptmx'
    without network
    without pid
    without ipc
    edit '.mounts |= map(select(.type != "mqueue"))'
    run_script c2 'for d in /proc /sys; do grep -o " $d [a-z]* [a-z]*," /proc/self/mounts | head -n 1; done; ls /sys/class/net; touch /sys/x 2>/dev/null || echo refused'
    want_status 0
    want_match "^ /proc proc "
    want_match " /sys sysfs ro,"
    want_match "refused"
}

@test "a user namespace together with joined ones" {
    local pid
    hold --net --uts
    edit 'del(.hostname)'
    add_user_namespace 200000
    give_rootfs 200000
    join network "/proc/$HOLDER/ns/net"
    join uts "/proc/$HOLDER/ns/uts"
    start_container c1
    pid=$(pid_of c1)
    want_same net "$pid" "$HOLDER"
    want_same uts "$pid" "$HOLDER"
    want_other user "$pid" self
    inside c1 sh -c 'id -u; cat /proc/self/uid_map'
    want_match '^0'
    want_match '200000 +65536'
}

@test "a user namespace of another container, alone and with all that it owns" {
    local first pid kind
    edit '.linux.namespaces += [{type: "time"}]'
    add_user_namespace 200000
    give_rootfs 200000
    start_container first
    first=$(pid_of first)
    edit 'del(.linux.uidMappings, .linux.gidMappings)'
    join user "/proc/$first/ns/user"
    start_container second
    pid=$(pid_of second)
    want_same user "$pid" "$first"
    for kind in pid net ipc uts mnt cgroup time; do want_other $kind "$pid" "$first"; done
    inside second sh -c 'id -u; hostname; ls /proc | grep -c "^[0-9]*$"; touch /made'
    want_match $'^0\nbox\n'
    [[ $(stat -c %u "$B/rootfs/made") == 200000 ]]
    rt_ok delete --force second
    edit 'del(.hostname)'
    join network "/proc/$first/ns/net"
    join ipc "/proc/$first/ns/ipc"
    join uts "/proc/$first/ns/uts"
    join pid "/proc/$first/ns/pid"
    join time "/proc/$first/ns/time"
    start_container third
    pid=$(pid_of third)
    for kind in user net ipc uts pid time; do want_same $kind "$pid" "$first"; done
    want_other mnt "$pid" "$first"
    rt_ok delete --force third
    # The stage of a joined user namespace is nobody's child afterwards, and an idmap follows the joined maps.
    mkdir "$D/vol"
    touch "$D/vol/file"
    add_mount /v bind "$D/vol" bind idmap
    run_script fourth 'stat -c %u /v/file'
    want_output 0
}

@test "clocks" {
    local uptime
    edit '.linux.namespaces += [{type: "time"}] |
        .linux.timeOffsets = {monotonic: {secs: 1000000, nanosecs: 7}, boottime: {secs: 2000000}}'
    start_container c1
    inside c1 cat /proc/self/timens_offsets
    [[ $(tr -s ' ' <<<"$output") == $'monotonic 1000000 7\nboottime 2000000 0' ]] || fail "the offsets are not as asked for"
    inside c1 cut -d. -f1 /proc/uptime
    ((output >= 2000000))
    rt_ok delete --force c1
    add_user_namespace 200000
    give_rootfs 200000
    run_script c2 'cut -d. -f1 /proc/uptime'
    ((output >= 2000000))
    uptime=$(cut -d. -f1 /proc/uptime)
    edit '.linux.timeOffsets = {boottime: {secs: $secs}}' --argjson secs "-$((uptime + 1000))"
    run_container c3
    rt_error 'linux\.timeOffsets: set the clocks: Numerical result out of range'
    without time
    run_container c4
    rt_error 'linux\.timeOffsets: needs a new time namespace'
}

@test "a mount namespace of others" {
    local pid before
    hold --mount --propagation private
    before=$(wc -l <"/proc/$HOLDER/mountinfo")
    mkdir "$D/vol"
    echo content >"$D/vol/file"
    add_mount /v bind "$D/vol" bind ro
    join mount "/proc/$HOLDER/ns/mnt"
    set_script 'cat /v/file; ls -d /proc/self; echo x 2>/dev/null >/v/file || echo refused; exec sleep 100'
    start_container c1
    eventually 10 grep -q refused "$D/c1.out"
    [[ $(cat "$D/c1.out") == $'content\n/proc/self\nrefused' ]]
    pid=$(pid_of c1)
    want_same mnt "$pid" "$HOLDER"
    inside c1 ls /v
    want_output file
    ! grep -q "$B" /proc/self/mountinfo || fail "the host sees mounts"
    rt_ok delete --force c1
    # A failure leaves nothing there.
    kill "$HOLDER"
    hold --mount --propagation private
    join mount "/proc/$HOLDER/ns/mnt"
    set_args nothing-of-this-name
    run_container c2
    rt_error 'executable file not found'
    [[ $(wc -l <"/proc/$HOLDER/mountinfo") == "$before" ]]
    kill "$HOLDER"
    # Where the host would see it, it is refused.
    mkdir "$D/shared"
    host_mount -t tmpfs -o size=8m,mode=755 shared "$D/shared"
    mount --make-shared "$D/shared"
    mv "$B/rootfs" "$D/shared/rootfs"
    edit '.root.path = $path' --arg path "$D/shared/rootfs"
    hold --mount --propagation unchanged
    join mount "/proc/$HOLDER/ns/mnt"
    run_container c3
    rt_error 'is shared: ours would appear elsewhere'
}
