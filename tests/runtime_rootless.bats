#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# dhow-runtime of a plain user (12345, without capabilities): his own id only, or with a range of subordinate ids; and of
# a root in a user namespace.

USER_ID=12345

setup_file() {
    load runtime
    runtime_file_setup
    chmod 755 "$T"
    mkdir "$F/etc" "$F/bin"
    cp "$RUNTIME" "$F/bin/dhow-runtime" # where everybody can execute it
    echo "dhowtest:x:$USER_ID:$USER_ID::/:/bin/sh" | cat /etc/passwd - >"$F/etc/passwd"
    echo "dhowtest:500000:65536" | tee "$F/etc/subgid" >"$F/etc/subuid"
    chown -Rh "$USER_ID:$USER_ID" "$F/rootfs" "$STATE"
}
teardown_file() {
    load runtime
    runtime_file_teardown
}
setup() {
    load runtime
    runtime_setup
    RUNTIME=$F/bin/dhow-runtime
    AS=(setpriv "--reuid=$USER_ID" "--regid=$USER_ID" --clear-groups --no-new-privs)
    bundle
    edit 'del(.linux.cgroupsPath)'
    chown -R "$USER_ID:$USER_ID" "$D"
}
teardown() {
    load runtime
    RUNTIME=$F/bin/dhow-runtime
    runtime_teardown
}

# The user's own id as root inside.
map_own() {
    edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: $id, size: 1}] |
        .linux.gidMappings = .linux.uidMappings' --argjson id "$USER_ID"
}
# ... and the subordinate ones from 1 on. newuidmap(1) wants to find the user and his range.
map_range() {
    edit '.linux.namespaces += [{type: "user"}] |
        .linux.uidMappings = [{containerID: 0, hostID: $id, size: 1}, {containerID: 1, hostID: 500000, size: 65536}] |
        .linux.gidMappings = .linux.uidMappings' --argjson id "$USER_ID"
    # shellcheck disable=SC2016
    AS=(env "FAKE=$F/etc" unshare --mount --propagation slave sh -c
        'for f in passwd subuid subgid; do [ -e /etc/$f ] || : >/etc/$f; mount --bind "$FAKE/$f" "/etc/$f"; done; exec "$@"' sh
        setpriv "--reuid=$USER_ID" "--regid=$USER_ID" --clear-groups)
}
own_cgroup() { # the container stays in its caller's
    [[ $(cat "/proc/$1/cgroup") == "$(cat /proc/self/cgroup)" ]]
}

@test "create, state, exec, kill, delete" {
    map_own
    start_container c1
    is_status c1 running
    [[ $(rt state c1 | jq -r .owner) == *$USER_ID* ]]
    own_cgroup "$(pid_of c1)"
    inside c1 sh -c 'id -u; tr -s " " </proc/self/uid_map; cat /proc/self/setgroups; hostname; ls /proc | grep -c "^[0-9]*$"'
    want_match $'^0\n 0 12345 1\ndeny\nbox\n'
    rt_try pause c1
    rt_error "container 'c1' has no cgroup of its own to freeze"
    rt_ok kill c1 KILL
    eventually 10 is_status c1 stopped
    rt_ok delete c1
    rt_try state c1
    rt_error 'does not exist'
}

@test "what is made belongs to the user, what is there is his" {
    map_own
    run_script c1 'touch /made; stat -c "%u %t:%T" /made /dev/null; echo x >/dev/null; for m in /proc /sys /dev/pts /dev/shm /dev/mqueue; do grep -c " $m " /proc/self/mounts; done; chown 1 /made 2>/dev/null || echo refused'
    want_status 0
    want_output $'0 0:0\n65534 1:3\n1\n1\n1\n1\n1\nrefused'
    [[ $(stat -c %u "$B/rootfs/made") == "$USER_ID" ]]
}

@test "subordinate ids, by newuidmap and newgidmap" {
    command -v newuidmap newgidmap >/dev/null || skip "newuidmap is not installed (package uidmap)"
    map_range
    edit '.process.user = {uid: 1000, gid: 1000, additionalGids: [20, 30]}'
    run_script c1 'id -u; grep Groups /proc/self/status; tr -s " " </proc/self/uid_map; cat /proc/self/setgroups; stat -c "%g" /dev/pts/ptmx'
    want_status 0
    want_output $'1000\nGroups:\t20 30 \n 0 12345 1\n 1 500000 65536\nallow\n0'
    edit '.process.user = {uid: 0, gid: 0}'
    run_script c2 'touch /made; chown 7:8 /made'
    want_status 0
    [[ $(stat -c %u:%g "$B/rootfs/made") == 500006:500007 ]]
    rm "$B/rootfs/made"
    edit '.linux.uidMappings[1].hostID = 600000'
    run_container c3
    rt_error 'linux\.uidMappings: newuidmap: uid range .* not allowed'
    AS+=(env PATH=/nowhere)
    run_container c4 || true
    create c5
    rt_error "linux\.gidMappings: .*'newgidmap', which is not in PATH"
}

@test "without a user namespace, with groups, with mapped mounts: one clear error" {
    run_container c1
    rt_error "linux\.namespaces: a plain user's container needs a user namespace"
    map_own
    edit '.process.user.additionalGids = [5]'
    run_container c2
    rt_error 'process\.user\.additionalGids: .*'
    edit 'del(.process.user.additionalGids)'
    mkdir "$D/vol"
    add_mount /v bind "$D/vol" bind idmap
    run_container c3
    rt_error 'mounts\[6\]\.source: mapped mounts are not for plain users'
    edit 'del(.mounts[-1]) | .linux.uidMappings[0].hostID = 0'
    run_container c4
    rt_error 'linux\.[ug]idMappings: '
}

@test "binds: of files and directories of his, read-only ones, what he may not read" {
    mkdir -p "$D/vol/sub" "$D/secret"
    echo content >"$D/vol/file"
    chown -R "$USER_ID" "$D/vol"
    chmod 700 "$D/secret"
    chown 0 "$D/secret"
    host_mount -t tmpfs -o size=64k,nosuid,nodev sub "$D/vol/sub"
    map_own
    add_mount /a bind "$D/vol" bind ro
    add_mount /b bind "$D/vol" rbind rro
    add_mount /c bind "$D/vol" rbind rw suid dev
    add_mount /file bind "$D/vol/file" bind
    run_script c1 'cat /a/file /file; for f in /a/x /b/x /b/sub/x; do touch $f 2>/dev/null || echo "$f is protected"; done; touch /c/made; cat /proc/self/mountinfo'
    want_status 0
    want_match $'^content\ncontent\n/a/x is protected\n/b/x is protected\n/b/sub/x is protected\n'
    [[ $(stat -c %u "$D/vol/made") == "$USER_ID" ]]
    # What lies below a mount of the host cannot be left away, nor what the host has locked be taken off.
    [[ $(awk '$5 == "/a/sub" {print $6}' <<<"$output") == *nosuid* ]]
    [[ $(awk '$5 == "/c/sub" {print $6}' <<<"$output") == *nosuid,nodev* ]]
    add_mount /secret bind "$D/secret/x" bind
    run_container c2
    rt_error "mounts\[10\]\.source: open '$D/secret/x': Permission denied"
}

@test "mounts of the host arrive in slaves" {
    local pid
    mkdir "$D/shared"
    host_mount -t tmpfs -o size=64k,mode=777 shared "$D/shared"
    mount --make-shared "$D/shared"
    mkdir "$D/shared/sub"
    map_own
    add_mount /private bind "$D/shared" rbind
    add_mount /slave bind "$D/shared" rbind rslave
    start_container c1
    pid=$(pid_of c1)
    mount -t tmpfs -o size=16k late "$D/shared/sub"
    eventually 5 grep -q ' /slave/sub ' "/proc/$pid/mountinfo"
    ! grep -q ' /private/sub ' "/proc/$pid/mountinfo" || fail "a private bind receives"
    umount "$D/shared/sub"
}

@test "the host's /sys when the network is the host's, all of it read-only" {
    map_own
    edit '.linux.namespaces |= map(select(.type != "network"))'
    run_script c1 'ls /sys/class/net | grep -c .; touch /sys/x /sys/fs/cgroup/x 2>/dev/null || echo refused; awk "\$5 ~ \"^/sys\" && \$6 !~ /^ro/" /proc/self/mountinfo | grep -v /sys/firmware'
    want_match $'refused$'
    want_match '^[1-9]'
}

@test "the default specification of a plain user" {
    local spec=$D/spec
    mkdir "$spec"
    chown "$USER_ID" "$spec"
    "${AS[@]}" "$RUNTIME" spec --rootless --bundle "$spec"
    B=$spec
    cp -a "$F/rootfs" "$B/rootfs"
    edit '.process.terminal = false | .root.readonly = false'
    run_script c1 'id -u; echo fine'
    want_status 0
    want_output $'0\nfine'
}

@test "exec: users, a terminal, environment" {
    map_own
    start_container c1
    inside c1 sh -c 'for k in user mnt net ipc uts pid; do readlink /proc/self/ns/$k; readlink /proc/1/ns/$k; done | uniq | wc -l'
    want_output 6
    rt_ok exec --env A=b --cwd /tmp c1 sh -c 'echo $A; pwd; cat /proc/self/oom_score_adj'
    want_match $'^b\n/tmp\n'
    script -qefc "${AS[*]} $RUNTIME --root $STATE exec -t c1 sh -c 'tty; stat -c %u /dev/pts/0'" /dev/null >"$D/tty" </dev/null
    grep -q '/dev/pts/0' "$D/tty"
    rt_try exec --user 5 c1 true
    [[ $status != 0 && $stderr == *'user id 5'* ]]
}

@test "the score of the out-of-memory killer can be raised, not lowered" {
    local before
    before=$(cat /proc/self/oom_score_adj)
    map_own
    edit '.process.oomScoreAdj = 777'
    run_script c1 'cat /proc/self/oom_score_adj'
    want_output 777
    edit '.process.oomScoreAdj = -900'
    run_script c2 'cat /proc/self/oom_score_adj'
    want_status 0
    want_output "$before"
    [[ $stderr == *'oomScoreAdj -900 cannot be set'* ]]
}

@test "clocks, and a user namespace of another container of his" {
    local first pid
    map_own
    edit '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: 3000000}}'
    start_container first
    first=$(pid_of first)
    inside first cut -d. -f1 /proc/uptime
    ((output >= 3000000))
    edit 'del(.linux.uidMappings, .linux.gidMappings, .linux.timeOffsets, .hostname) |
        .linux.namespaces = ([{type: "mount"}, {type: "pid"}] +
            [{"user": "user", "network": "net", "ipc": "ipc", "uts": "uts"} | to_entries[] | {type: .key, path: "/proc/\($pid)/ns/\(.value)"}])' \
        --arg pid "$first"
    start_container second
    pid=$(pid_of second)
    [[ $(readlink "/proc/$pid/ns/user") == "$(readlink "/proc/$first/ns/user")" ]]
    [[ $(readlink "/proc/$pid/ns/net") == "$(readlink "/proc/$first/ns/net")" ]]
    [[ $(readlink "/proc/$pid/ns/pid") != "$(readlink "/proc/$first/ns/pid")" ]]
    inside second sh -c 'id -u; ls /sys/class/net'
    want_output $'0\nlo'
}

@test "a root in a user namespace, with and without a mount namespace of his" {
    local how
    edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}] |
        .linux.gidMappings = .linux.uidMappings'
    for how in --mount --uts; do
        AS=(setpriv "--reuid=$USER_ID" "--regid=$USER_ID" --clear-groups unshare --user --map-root-user "$how")
        run_script "c$how" 'id -u; touch /made; ls -ln /dev/null | cut -c1; rm /made'
        want_status 0
        want_output $'0\nc'
    done
    edit '.linux.namespaces |= map(select(.type != "user")) | del(.linux.uidMappings, .linux.gidMappings)'
    AS=(setpriv "--reuid=$USER_ID" "--regid=$USER_ID" --clear-groups unshare --user --map-root-user --mount)
    run_script c3 'id -u; grep -c " /proc " /proc/self/mounts'
    want_status 0
    want_output $'0\n1'
}

@test "--rootless" {
    map_own
    rt_try --rootless maybe list
    rt_error "'maybe' is not one of true false auto"
    set_args true
    rt_try --rootless=false create --bundle "$B" c1
    rt_error 'ermission denied'
    rt_ok --rootless=true create --bundle "$B" c2
    rt_ok delete --force c2
}

@test "mounts add, mounts remove" {
    mkdir "$D/vol"
    echo content >"$D/vol/file"
    chown -R "$USER_ID" "$D/vol"
    map_own
    start_container c1
    jq -n --arg vol "$D/vol" '[{destination: "/later", type: "bind", source: $vol, options: ["bind", "ro"]},
        {destination: "/tmpfs", type: "tmpfs", source: "tmpfs", options: ["size=64k"]}]' >"$D/mounts.json"
    rt_ok mounts add c1 "$D/mounts.json"
    inside c1 sh -c 'cat /later/file; touch /later/x 2>/dev/null || echo refused; touch /tmpfs/x; ls /tmpfs'
    want_output $'content\nrefused\nx'
    rt_ok mounts remove c1 "$D/mounts.json"
    inside c1 sh -c 'ls /later /tmpfs | grep -c .'
    want_output 2
}
