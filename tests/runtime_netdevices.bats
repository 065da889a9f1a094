#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# linux.netDevices: devices of the caller's network namespace (here one of the test's own) that a container gets.

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
    HOST=dhow-test-${T##*.}
    ip netns add "$HOST"
    host ip link set lo up
    # From here on the runtime's network namespace is that one; its mounts and groups are the machine's.
    PROGRAM=$RUNTIME
    RUNTIME=$D/runtime
    printf '#!/bin/sh\nexec nsenter --net=/run/netns/%s %s "$@"\n' "$HOST" "$(realpath "$PROGRAM")" >"$RUNTIME"
    chmod 755 "$RUNTIME"
    host ip link add veth0 type veth peer name peer0
    host ip link set peer0 up
}
teardown() {
    RUNTIME=$PROGRAM
    remove_containers
    ip netns del "$HOST" 2>/dev/null || true
    ip netns del "$HOST-2" 2>/dev/null || true
    runtime_teardown
}
host() {
    nsenter --net="/run/netns/$HOST" "$@"
}
has_device() {
    host ip link show dev "$1"
}
want_at_home() {
    has_device "$1" >/dev/null || fail "'$1' is not there any more"
}

# bats test_tags=short
@test "a device is moved, with its MTU, link address and permanent global addresses, and brought up" {
    host ip link set veth0 mtu 1789 address 02:11:22:33:44:55
    host ip address add 10.1.2.3/24 broadcast 10.1.2.255 dev veth0
    host ip address add 10.1.2.4/32 peer 10.9.9.9 dev veth0
    host ip address add 127.9.9.9/8 scope host dev veth0
    host ip address add 2001:db8::7/64 nodad dev veth0
    host ip link set veth0 up
    edit '.linux.netDevices = {veth0: {}}'
    run_script c1 'ip address show dev veth0; ip route'
    want_status 0
    want_match 'veth0@.*UP.* mtu 1789 '
    want_match 'link/ether 02:11:22:33:44:55'
    want_match 'inet 10.1.2.3/24 brd 10.1.2.255 scope global veth0'
    want_match 'inet 10.1.2.4 peer 10.9.9.9/32 scope global veth0'
    want_match 'inet6 2001:db8::7/64 scope global'
    [[ $output != *127.9.9.9* ]]
    want_match '10.1.2.0/24 dev veth0 scope link'
    refute has_device veth0
}

@test "a device gets its new name; a template is filled in by the kernel" {
    host ip link add veth2 type veth peer name peer2
    host ip link add veth3 type veth peer name peer3
    edit '.linux.netDevices = {veth0: {name: "inside"}, veth2: {name: "eth%d"}, veth3: {name: "eth%d"}}'
    run_script c1 'ip -o link | cut -d: -f2 | cut -d@ -f1 | sort'
    want_output $' eth0\n eth1\n inside\n lo'
}

@test "a macvlan device goes, too, and to a namespace that is joined, where it stays" {
    ip netns add "$HOST-2"
    host ip link add mac0 link peer0 type macvlan
    host ip address add 10.3.3.3/24 dev mac0
    edit '.linux.netDevices = {mac0: {name: "net0"}} | (.linux.namespaces[] | select(.type == "network")).path = $path' \
        --arg path "/run/netns/$HOST-2"
    run_script c1 'ip address show dev net0'
    want_match 'inet 10.3.3.3/24'
    ip -n "$HOST-2" address show dev net0 | grep -q 'inet 10.3.3.3/24'
}

@test "hooks and kernel parameters find the devices in their place" {
    edit '.linux.netDevices = {veth0: {name: "eth0"}} | .linux.sysctl = {"net.ipv4.conf.eth0.forwarding": "1"} |
        .hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "pid=$(sed \"s/.*pid.:\\([0-9]*\\).*/\\1/\"); nsenter -t $pid -n ip link show dev eth0 >seen"],
            env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}]'
    run_script c1 'cat /proc/sys/net/ipv4/conf/eth0/forwarding'
    want_output 1
    grep -q 'eth0@' "$B/seen"
}

@test "in a user namespace, too" {
    host ip address add 10.1.2.3/24 dev veth0
    add_user_namespace
    give_rootfs 200000
    edit '.linux.netDevices = {veth0: {}}'
    run_script c1 'ip address show dev veth0'
    want_match 'inet 10.1.2.3/24'
}

# bats test_tags=short
@test "a device that is not there, or a name that is taken, is one clear error, and all is as it was" {
    host ip address add 10.1.2.3/24 dev veth0
    host ip link set veth0 up
    edit '.linux.netDevices = {veth0: {}, none0: {}}'
    create c1
    rt_error "linux.netDevices.none0: the host has no such device"
    host ip address show dev veth0 >"$D/now"
    grep -q 'inet 10.1.2.3/24' "$D/now"
    grep -q '[<,]UP[,>]' "$D/now"
    edit '.linux.netDevices = {veth0: {name: "lo"}}'
    create c1
    rt_error "linux.netDevices.veth0: the container has a device 'lo'"
    want_at_home veth0
    edit '.linux.netDevices = {lo: {name: "lo2"}}'
    create c1
    rt_error "linux.netDevices.lo: move to the container as 'lo2': "
    edit '.linux.netDevices = {veth0: {name: "a/b"}}'
    create c1
    rt_error "linux.netDevices.veth0.name: 'a/b' is not a name of a network device"
    edit '.linux.netDevices = {veth0: {}} | .linux.namespaces |= map(select(.type != "network"))'
    create c1
    rt_error 'linux.netDevices: needs a network namespace'
    want_at_home veth0
}

@test "a creation that fails later gives the devices back" {
    host ip address add 10.1.2.3/24 dev veth0
    edit '.linux.netDevices = {veth0: {name: "x"}} | .hooks.createRuntime = [{path: "/bin/false"}]'
    create c1
    rt_error 'error running hook #0 of createRuntime'
    host ip address show dev veth0 | grep -q 'inet 10.1.2.3/24'
    edit 'del(.hooks) | .process.args = ["no-such-command"]'
    create c1
    rt_error 'executable file not found'
    host ip address show dev veth0 | grep -q 'inet 10.1.2.3/24'
}
