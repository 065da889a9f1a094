#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Mounts of a bundle: their options, where they land, who sees them.

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
}
teardown() {
    load runtime
    runtime_teardown
}

add_capability() {
    edit ".process.capabilities[] += [\"$1\"]"
}
# `options_of PATH`: the mount's own options, of mountinfo in $output; the last one when there are several.
options_of() {
    awk -v path="$1" '$5 == path {o = $6} END {print o}' <<<"$output"
}
want_options() {
    [[ $(options_of "$1") == "$2" ]] || fail "$1 ($3) is '$(options_of "$1")', not '$2'"
}

@test "the default mounts are there" {
    run_script c1 'sed -nE "s,.* / (/(proc|dev|dev/[^ ]*|sys)) ([^ ]*) .*,\1 \3,p" /proc/self/mountinfo'
    want_status 0
    want_output "/proc rw,relatime
/dev rw,nosuid
/dev/pts rw,nosuid,noexec,relatime
/dev/shm rw,nosuid,nodev,noexec,relatime
/dev/mqueue rw,nosuid,nodev,noexec,relatime
/sys ro,nosuid,nodev,noexec,relatime"
}

@test "each attribute is on the mount" {
    # What is asked for, of a tmpfs; of a bind of a source that is "rw"; of one that is "ro,nosuid,nodev,noexec,noatime".
    local rows="defaults|rw,relatime|rw,relatime|ro,nosuid,nodev,noexec,noatime
ro|ro,relatime|ro,relatime|ro,nosuid,nodev,noexec,noatime
rw|rw,relatime|rw,relatime|rw,nosuid,nodev,noexec,noatime
nosuid,nodev,noexec|rw,nosuid,nodev,noexec,relatime|rw,nosuid,nodev,noexec,relatime|ro,nosuid,nodev,noexec,noatime
suid,dev,exec|rw,relatime|rw,relatime|ro,noatime
noatime|rw,noatime|rw,noatime|ro,nosuid,nodev,noexec,noatime
strictatime|rw|rw|ro,nosuid,nodev,noexec
relatime|rw,relatime|rw,relatime|ro,nosuid,nodev,noexec,relatime
nodiratime|rw,nodiratime,relatime|rw,nodiratime,relatime|ro,nosuid,nodev,noexec,noatime,nodiratime
nosymfollow|rw,relatime,nosymfollow|rw,relatime,nosymfollow|ro,nosuid,nodev,noexec,noatime,nosymfollow
rro|ro,relatime|ro,relatime|ro,nosuid,nodev,noexec,noatime
rro,rrw|rw,relatime|rw,relatime|rw,nosuid,nodev,noexec,noatime
rnosuid,rnodev,rnoexec|rw,nosuid,nodev,noexec,relatime|rw,nosuid,nodev,noexec,relatime|ro,nosuid,nodev,noexec,noatime
rsuid,rdev,rexec|rw,relatime|rw,relatime|ro,noatime
rnoatime|rw,noatime|rw,noatime|ro,nosuid,nodev,noexec,noatime
rstrictatime|rw|rw|ro,nosuid,nodev,noexec"
    mkdir "$D/plain" "$D/strict"
    host_mount --bind "$D/plain" "$D/strict"
    mount -o remount,bind,ro,nosuid,nodev,noexec,noatime "$D/strict"
    local i=0 options filesystem bind strict list
    while IFS='|' read -r options filesystem bind strict; do
        mapfile -t list < <(tr , '\n' <<<"$options")
        add_mount "/mnt/t$i" tmpfs tmpfs "${list[@]}"
        add_mount "/mnt/b$i" none "$D/plain" bind "${list[@]}"
        add_mount "/mnt/s$i" none "$D/strict" bind "${list[@]}"
        i=$((i + 1))
    done <<<"$rows"
    run_script c1 'cat /proc/self/mountinfo'
    want_status 0
    i=0
    while IFS='|' read -r options filesystem bind strict; do
        want_options "/mnt/t$i" "$filesystem" "tmpfs: $options"
        want_options "/mnt/b$i" "$bind" "bind: $options"
        want_options "/mnt/s$i" "$strict" "bind of a strict source: $options"
        i=$((i + 1))
    done <<<"$rows"
}

@test "recursive attributes reach what lies below, others do not" {
    mkdir "$D/tree"
    host_mount -t tmpfs -o size=64k tree "$D/tree"
    mkdir "$D/tree/sub"
    host_mount -t tmpfs -o size=64k,nosuid sub "$D/tree/sub"
    add_mount /a bind "$D/tree" rbind ro
    add_mount /b bind "$D/tree" rbind rro
    add_mount /c bind "$D/tree" rbind rsuid rnoexec
    add_mount /d bind "$D/tree" bind rro
    add_mount /e rbind "$D/tree"
    run_script c1 'cat /proc/self/mountinfo'
    want_status 0
    want_options /a ro,relatime "rbind ro"
    want_options /a/sub rw,nosuid,relatime "rbind ro"
    want_options /b ro,relatime "rbind rro"
    want_options /b/sub ro,nosuid,relatime "rbind rro"
    want_options /c rw,noexec,relatime "rbind rsuid,rnoexec"
    want_options /c/sub rw,noexec,relatime "rbind rsuid,rnoexec"
    want_options /d ro,relatime "bind rro"
    want_options /d/sub "" "bind rro"
    want_options /e/sub rw,nosuid,relatime "type rbind"
}

@test "parameters go to the file system" {
    add_mount /t tmpfs tmpfs size=64k mode=1711 uid=7 gid=8 nr_inodes=20 lazytime
    add_mount /u tmpfs tmpfs
    mkdir -m 1750 "$B/rootfs/u"
    run_script c1 'stat -c "%a %u %g" /t /u; grep -E " /t " /proc/self/mountinfo; dd if=/dev/zero of=/t/big bs=1k count=100 2>/dev/null || echo full'
    want_status 0
    want_match '^1711 7 8'
    want_match $'\n1750 0 0'
    want_match 'lazytime,size=64k,nr_inodes=20,mode=1711,uid=7,gid=8'
    want_match 'full$'
    edit '.mounts[-1].options = ["no-such-option"]'
    run_container c2
    rt_error "mounts\[7\]: mount 'tmpfs' on '/u': mount option 'no-such-option'"
    edit '.mounts[-1] |= {destination: "/u", type: "no-such-fs"}'
    run_container c3
    rt_error "mounts\[7\]: .*this kernel has no file system 'no-such-fs'"
}

@test "sources of every kind, and where they count from" {
    mkdir -p "$B/volume/deep" "$D/elsewhere"
    echo in-bundle >"$B/volume/deep/file"
    echo absolute >"$D/elsewhere/file"
    mkfifo "$D/fifo"
    python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$D/socket"
    ln -s elsewhere/file "$D/link"
    add_mount /a none volume/deep bind
    add_mount /new/deep/file "" "$D/elsewhere/file" bind ro
    add_mount /fifo bind "$D/fifo" bind
    add_mount /socket bind "$D/socket" bind
    add_mount /null bind /dev/null bind
    add_mount /followed bind "$D/link" bind
    add_mount relative/place tmpfs tmpfs size=16k
    run_script c1 'cat /a/file /new/deep/file /followed; stat -c "%F" /fifo /socket /null; grep -c " /relative/place " /proc/self/mountinfo'
    want_status 0
    want_output "in-bundle
absolute
absolute
fifo
socket
character special file
1"
}

@test "a missing source is one clear error" {
    add_mount /a bind "$D/none" rbind
    run_container c1
    rt_error "mounts\[6\]\.source: open '$D/none': No such file or directory"
    edit '.mounts[-1].source = "none"'
    run_container c1
    rt_error "mounts\[6\]\.source: open 'none': No such file or directory"
    edit 'del(.mounts[-1].source)'
    run_container c1
    rt_error "mounts\[6\]\.source"
    [[ ! -e $B/rootfs/a ]]
}

@test "a file and a directory do not cover each other" {
    touch "$D/file"
    mkdir "$D/directory"
    touch "$B/rootfs/file"
    add_mount /mnt bind "$D/file" bind
    run_container c1
    rt_error "mounts\[6\]: open the mount point '/mnt': Is a directory"
    edit '.mounts[-1] |= {destination: "/file", type: "bind", source: $source, options: ["bind"]}' --arg source "$D/directory"
    run_container c1
    rt_error "mounts\[6\]: '/file' must be mounted on ordinary directory"
}

@test "mounts are made in their order, later ones on top" {
    mkdir -p "$D"/{one,two}/sub
    echo one >"$D/one/sub/name"
    echo two >"$D/two/sub/name"
    echo file >"$D/three"
    add_mount /v bind "$D/one" bind
    add_mount /v bind "$D/two" bind
    add_mount /v/sub/name bind "$D/three" bind
    add_mount /w/inner tmpfs tmpfs size=16k
    add_mount /w bind "$D/one" bind
    run_script c1 'cat /v/sub/name; ls /w; grep -c " /w" /proc/self/mountinfo'
    want_status 0
    want_output "file
sub
2"
    [[ $(cat "$D/two/sub/name") == two ]]
}

@test "remount changes what is there" {
    mkdir "$D/vol"
    add_mount /t tmpfs tmpfs size=64k nosuid
    add_mount /t none none remount ro size=128k
    add_mount /v bind "$D/vol" bind nosuid
    add_mount /v none none bind remount ro nodev
    run_script c1 'cat /proc/self/mountinfo'
    want_status 0
    want_options /t ro,nosuid,relatime remount
    want_match 'tmpfs ro,size=128k'
    want_options /v ro,nosuid,nodev,relatime 'bind remount'
    add_mount /mnt none none remount ro
    run_container c2
    rt_error "mounts\[10\]: remount '/mnt': Invalid argument"
}

@test "tmpcopyup brings what is covered" {
    mkdir -p "$B/rootfs/full/sub/empty"
    echo content >"$B/rootfs/full/file"
    echo deep >"$B/rootfs/full/sub/deep"
    chown 5:6 "$B/rootfs/full/file"
    chmod 4711 "$B/rootfs/full/file"
    touch -d 2001-02-03T04:05:06Z "$B/rootfs/full/file"
    ln -s /etc/passwd "$B/rootfs/full/link"
    mkfifo "$B/rootfs/full/fifo"
    mknod "$B/rootfs/full/device" c 1 3
    add_mount /full tmpfs tmpfs tmpcopyup size=1m
    add_mount /absent tmpfs tmpfs tmpcopyup size=1m
    run_script c1 'cd /full; cat file sub/deep; stat -c "%a %u:%g %Y" file; readlink link; stat -c %F fifo sub/empty; [ ! -e device ]; rm -r /full/sub; ls /full'
    want_status 0
    want_output "content
deep
4711 5:6 981173106
/etc/passwd
fifo
directory
fifo
file
link"
    [[ -e $B/rootfs/full/sub/deep ]]
    edit '.mounts[-2].options = ["tmpcopyup", "size=4k"]'
    dd if=/dev/zero of="$B/rootfs/full/big" bs=1k count=64 2>/dev/null
    run_container c2
    rt_error "copy '/full' up: No space left on device"
}

@test "an overlay of more lower directories than fit into one option" {
    local i lowers='' escaped=''
    for ((i = 0; i < 40; i++)); do
        mkdir -p "$D/layers/with-a-long-name-$i" "$D/layers/colon:$i"
        echo "$i" >"$D/layers/with-a-long-name-$i/f$i"
        echo "$i" >"$D/layers/colon:$i/f$i"
        lowers+=:$D/layers/with-a-long-name-$i
        escaped+=:$D/layers/colon\\:$i
    done
    mkdir "$D/upper" "$D/work"
    ((${#lowers} > 2000))
    add_mount /o overlay overlay "lowerdir=${lowers:1}" "upperdir=$D/upper" "workdir=$D/work"
    add_mount /p overlay overlay "lowerdir=${escaped:1}" ro nosuid
    run_script c1 'ls /o | wc -l; cat /o/f39 /p/f38; echo new >/o/new; cat /proc/self/mountinfo'
    want_status 0
    want_match $'^40\n39\n38\n'
    want_options /p ro,nosuid,relatime "by mount(2)"
    [[ $(cat "$D/upper/new") == new ]]
}

@test "idmap: the container's own mapping" {
    mkdir -p "$D/vol/sub"
    touch "$D/vol/root" "$D/vol/user"
    chown 1000:1001 "$D/vol/user"
    host_mount -t tmpfs -o size=64k sub "$D/vol/sub"
    touch "$D/vol/sub/root"
    add_user_namespace 300000
    give_rootfs 300000
    add_mount /plain bind "$D/vol" rbind
    add_mount /one bind "$D/vol" rbind idmap
    add_mount /all bind "$D/vol" rbind ridmap
    run_script c1 'stat -c "%n %u:%g" /plain/root /one/root /one/user /one/sub/root /all/root /all/sub/root; touch /all/made'
    want_status 0
    want_output "/plain/root 65534:65534
/one/root 0:0
/one/user 1000:1001
/one/sub/root 65534:65534
/all/root 0:0
/all/sub/root 0:0"
    [[ $(stat -c %u:%g "$D/vol/made") == 0:0 ]]
}

@test "idmap: a mapping of the mount's own, with and without a user namespace" {
    local maps='{containerID: 1000, hostID: 5, size: 2}'
    mkdir "$D/vol"
    touch "$D/vol/file"
    chown 1001:1000 "$D/vol/file"
    add_mount /a bind "$D/vol" bind
    edit ".mounts[-1] += {uidMappings: [$maps], gidMappings: [$maps]}"
    add_mount /b bind "$D/vol" bind idmap
    edit ".mounts[-1] += {uidMappings: [$maps], gidMappings: [$maps]}"
    add_mount /c bind "$D/vol" bind "idmap=uids=1001-9-1;gids=1000-8-1"
    run_script c1 'stat -c "%u:%g" /a/file /b/file /c/file'
    want_status 0
    want_output $'6:5\n6:5\n9:8'
    add_user_namespace 300000
    give_rootfs 300000
    edit '.mounts[-1].options[1] = "idmap=uids=@1001-9-1;gids=@1000-8-1" |
        .mounts[-3:-1][] |= (.uidMappings[0].hostID = 300005 | .gidMappings[0].hostID = 300005)'
    run_container c2
    want_status 0
    want_output $'6:5\n6:5\n9:8'
}

@test "idmap: what the kernel cannot map is one clear error" {
    add_user_namespace 300000
    give_rootfs 300000
    add_mount /a bind /proc/self bind idmap
    run_container c1
    rt_error "mounts\[6\]\.source: the file system of '/proc/self' has no mapped mounts"
    edit 'del(.linux.uidMappings, .linux.gidMappings) | .linux.namespaces |= map(select(.type != "user"))'
    run_container c1
    rt_error "mounts\[6\]\.options: 'idmap' without a mapping needs a user namespace"
}

@test "links as sources and targets, when asked for" {
    echo content >"$D/file"
    ln -s /nowhere "$D/dangling"
    ln -s /etc/passwd "$B/rootfs/link"
    add_mount /link bind "$D/dangling" bind src-nofollow dest-nofollow
    run_script c1 'readlink /link; grep -c root /etc/passwd'
    want_status 0
    want_output $'/nowhere\n1'
}

# ---- propagation ----
# $D/shared is a shared mount of the host.
shared_volume() {
    mkdir "$D/shared"
    host_mount -t tmpfs -o size=8m,mode=755 shared "$D/shared"
    mount --make-shared "$D/shared"
    mkdir -p "$D/shared"/{vol/{host,guest},sub}
}
# `mount_in ID PATH`: a tmpfs, from inside.
mount_in() {
    inside "$1" mount -t tmpfs -o size=16k guest "$2"
}
sees() { # sees ID PATH: PATH is a mount point inside
    rt exec "$1" grep -q " $2 " /proc/self/mountinfo
}
host_sees() {
    grep -q " $1 " /proc/self/mountinfo
}

@test "propagation of binds: private unless asked for" {
    local kind host guest
    shared_volume
    add_capability CAP_SYS_ADMIN
    for kind in none private rprivate slave rslave shared rshared unbindable; do
        case $kind in
            slave | rslave) host=yes guest=no ;;
            shared | rshared) host=yes guest=yes ;;
            *) host=no guest=no ;;
        esac
        edit '.mounts |= .[0:6]'
        add_mount /v bind "$D/shared/vol" rbind "$kind"
        [[ $kind != none ]] || edit '.mounts[-1].options = ["rbind"]'
        start_container "$kind"
        mount -t tmpfs -o size=16k host "$D/shared/vol/host"
        if [[ $host == yes ]]; then eventually 5 sees "$kind" /v/host; else refute sees "$kind" /v/host; fi
        umount "$D/shared/vol/host"
        mount_in "$kind" /v/guest
        if [[ $guest == yes ]]; then eventually 5 host_sees "$D/shared/vol/guest"; else refute host_sees "$D/shared/vol/guest"; fi
        [[ $guest == no ]] || inside "$kind" umount /v/guest
        rt_ok delete --force "$kind"
    done
}

@test "rootfsPropagation: nothing of ours reaches the host, slaves receive" {
    local kind
    shared_volume
    add_capability CAP_SYS_ADMIN
    mv "$B/rootfs" "$D/shared/rootfs"
    for kind in '' private rprivate shared rshared unbindable runbindable slave rslave; do
        edit '.root.path = $path | .linux.rootfsPropagation = $kind' --arg path "$D/shared/rootfs" --arg kind "$kind"
        start_container c
        refute host_sees "$D/shared/rootfs/[a-z]*"
        mount -t tmpfs -o size=16k host "$D/shared/rootfs/mnt"
        if [[ $kind == *slave ]]; then eventually 5 sees c /mnt; else refute sees c /mnt; fi
        umount "$D/shared/rootfs/mnt"
        mount_in c /tmp
        refute host_sees "$D/shared/rootfs/tmp"
        inside c sh -c 'awk "\$5 == \"/\" {print \$7}" /proc/self/mountinfo'
        case $kind in
            shared | rshared) want_match '^shared:' ;;
            slave | rslave) want_match '^master:' ;;
            *unbindable) want_output unbindable ;;
            *) want_output - ;;
        esac
        inside c sh -c 'awk "\$5 == \"/proc\" {print \$7}" /proc/self/mountinfo'
        case $kind in
            rshared) want_match '^shared:' ;;
            runbindable) want_output unbindable ;;
            *) want_output - ;;
        esac
        rt_ok delete --force c
    done
}

@test "a bind in a slave root is a slave, unless it says otherwise" {
    shared_volume
    edit '.linux.rootfsPropagation = "rslave"'
    add_mount /v bind "$D/shared/vol" rbind
    add_mount /w bind "$D/shared/vol" rbind rprivate
    start_container c
    mount -t tmpfs -o size=16k host "$D/shared/vol/host"
    eventually 5 sees c /v/host
    refute sees c /w/host
    umount "$D/shared/vol/host"
}

@test "file systems of the container with a propagation" {
    add_capability CAP_SYS_ADMIN
    add_mount /t tmpfs tmpfs size=64k shared
    add_mount /u tmpfs tmpfs size=64k unbindable
    run_script c1 'awk "\$5 ~ /^.[tu]$/ {print \$5, \$7}" /proc/self/mountinfo; mount --bind /u /mnt 2>/dev/null || echo refused'
    want_status 0
    want_match '/t shared:'
    want_match '/u unbindable'
    want_match 'refused$'
}

# ---- the root ----
@test "the root: read-only, behind a link, a mount point, never the host's" {
    edit '.root.readonly = true'
    run_script c1 'touch /x 2>/dev/null || echo refused; touch /dev/shm/x && echo made'
    want_output $'refused\nmade'
    mv "$B/rootfs" "$B/real"
    ln -s real "$B/rootfs"
    edit '.root.readonly = false'
    run_script c2 'touch /x && echo made'
    want_output made
    [[ -e $B/real/x ]]
    mkdir "$D/mounted"
    host_mount --bind "$B/real" "$D/mounted"
    edit '.root.path = $path' --arg path "$D/mounted"
    run_script c3 'ls /x'
    want_output /x
    edit '.root.path = "/"'
    run_container c4
    rt_error "root\.path: the host's own root cannot be a container's"
    edit '.root.path = "nowhere"'
    run_container c5
    rt_error "root\.path: .*'nowhere'.*No such file or directory"
}

@test "masked and read-only paths: missing ones, links, files, directories, mounts" {
    mkdir -p "$B/rootfs/secret" "$B/rootfs/ro/sub" "$D/vol"
    echo hidden >"$B/rootfs/secret/file"
    echo hidden >"$B/rootfs/file"
    echo visible >"$B/rootfs/other"
    ln -s /secret "$B/rootfs/to-secret"
    ln -s ../../../../file "$B/rootfs/to-file"
    ln -s /nowhere "$B/rootfs/dangling"
    add_mount /ro/sub bind "$D/vol" bind
    edit '.linux.maskedPaths += ["/to-secret", "/to-file", "/dangling", "/absent", "/file/below"] |
        .linux.readonlyPaths += ["/ro", "/absent", "/dangling", "/other"]'
    run_script c1 'ls -A /secret | wc -l; wc -c </file; touch /secret/x 2>/dev/null || echo refused; cat /other
        for f in /ro/x /ro/sub/x /other; do touch $f 2>/dev/null || echo "$f is protected"; done'
    want_status 0
    want_output "0
0
refused
visible
/ro/x is protected
/ro/sub/x is protected
/other is protected"
    [[ ! -e $B/rootfs/nowhere && ! -e $B/rootfs/absent ]]
}

@test "a mount label means nothing without SELinux" {
    [[ ! -e /sys/fs/selinux/enforce ]] || skip "this kernel has SELinux"
    edit '.linux.mountLabel = "system_u:object_r:container_file_t:s0:c1,c2"'
    run_script c1 'grep -c context= /proc/self/mountinfo'
    want_status 1
    want_output 0
}

# ---- mounts that come later ----
# `mounts_file JSON`: $D/mounts.json; $vol is $D/vol.
mounts_file() {
    jq -n --arg vol "$D/vol" "$1" >"$D/mounts.json"
}
LATER='[{destination: "/later/tmp", type: "tmpfs", source: "tmpfs", options: ["size=64k", "ro"]},
    {destination: "/later/vol", type: "bind", source: $vol, options: ["bind", "ro"]},
    {destination: "/later/file", type: "bind", source: "inside", options: ["bind"]},
    {destination: "/later/proc", type: "proc", source: "proc"}]'

@test "mounts add, mounts remove" {
    mkdir "$D/vol"
    echo content >"$D/vol/file"
    echo bundled >"$B/inside"
    start_container c1
    mounts_file "$LATER"
    rt_ok mounts add c1 "$D/mounts.json"
    inside c1 sh -c 'cat /later/vol/file /later/file; touch /later/vol/x /later/tmp/x 2>/dev/null || echo refused; ls -d /later/proc/1; awk "\$5 ~ \"later\" {print \$5}" /proc/self/mountinfo | sort'
    want_output $'content\nbundled\nrefused\n/later/proc/1\n/later/file\n/later/proc\n/later/tmp\n/later/vol'
    ! grep -q "$B" /proc/self/mountinfo || fail "the host sees mounts"
    mounts_file '{mounts: [{destination: "/later/vol"}, {destination: "/later/file"}]}'
    rt_ok mounts remove c1 "$D/mounts.json"
    inside c1 sh -c 'awk "\$5 ~ \"later\" {print \$5}" /proc/self/mountinfo | sort; ls /later/vol | wc -l'
    want_output $'/later/proc\n/later/tmp\n0'
    [[ -e $D/vol/file ]]
    rt_try mounts remove c1 "$D/mounts.json"
    rt_error "mounts\[0\]\.destination: '/later/vol': unmount it: Invalid argument"
    mounts_file '[{destination: "/x", type: "bind", source: "/nowhere", options: ["bind"]}]'
    rt_try mounts add c1 "$D/mounts.json"
    rt_error "mounts\[0\]\.source: open '/nowhere': No such file or directory"
    echo '{"mounts": [{"source": 1}]}' >"$D/mounts.json"
    rt_try mounts add c1 "$D/mounts.json"
    rt_error 'mounts\[0\]'
    rt_try mounts add nobody "$D/mounts.json"
    rt_error 'does not exist'
    rt_ok kill c1 KILL
    eventually 10 is_status c1 stopped
    mounts_file "$LATER"
    rt_try mounts add c1 "$D/mounts.json"
    rt_error 'container not running'
    rt_try mounts move c1 "$D/mounts.json"
    [[ $status != 0 ]]
}

@test "mounts add: in a user namespace, mapped" {
    mkdir "$D/vol"
    touch "$D/vol/file"
    add_user_namespace 300000
    give_rootfs 300000
    start_container c1
    mounts_file '[{destination: "/plain", type: "bind", source: $vol, options: ["bind"]},
        {destination: "/mapped", type: "bind", source: $vol, options: ["bind", "idmap"]},
        {destination: "/tmpfs", type: "tmpfs", source: "tmpfs", options: ["size=64k"]}]'
    rt_ok mounts add c1 "$D/mounts.json"
    inside c1 stat -c %u /plain/file /mapped/file /tmpfs
    want_output $'65534\n0\n0'
    rt_ok mounts remove c1 "$D/mounts.json"
    inside c1 sh -c 'ls /plain /mapped | grep file || echo none'
    want_output none
}

@test "mounts add: the container's links and its /proc lead nowhere else" {
    mkdir "$D/vol" "$D/host"
    echo secret >"$D/host/file"
    ln -s "$D/host" "$B/rootfs/link"
    ln -s /proc/1/root "$B/rootfs/up"
    start_container c1
    mounts_file '[{destination: "/link/new", type: "bind", source: $vol, options: ["bind"]}]'
    rt_ok mounts add c1 "$D/mounts.json"
    [[ $(ls "$D/host") == file ]]
    inside c1 grep -c " $D/host/new " /proc/self/mountinfo
    want_output 1
    mounts_file '[{destination: "/up/new", type: "bind", source: $vol, options: ["bind"]}]'
    rt_try mounts add c1 "$D/mounts.json"
    rt_error "mounts\[0\]: .*'/up/new'.*: Too many levels of symbolic links"
    ! grep -q "$D" /proc/self/mountinfo || fail "the host sees mounts"
}
