#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# checkpoint and restore where CRIU cannot work, which is told before anything is made. What they do where it can: tests/vm.

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

# Whether or not this machine has its library: this is no criu.
without_criu() {
    rt_try --criu "$D/no-such-criu" "$@"
}

@test "checkpoint without CRIU is one clear error, and the container goes on" {
    start_container c1
    without_criu checkpoint --image-path "$D/images" --work-path "$D/work" c1
    rt_error 'need CRIU'
    [[ ! -e $D/images && ! -e $D/work ]]
    is_status c1 running
}

@test "restore without CRIU is one clear error, and makes nothing" {
    mkdir "$D/images"
    without_criu restore --detach --bundle "$B" --image-path "$D/images" --work-path "$D/work" c1
    rt_error 'need CRIU'
    [[ ! -e $D/work && -z $(ls -A "$D/images") && ! -e $STATE/c1 ]]
    [[ -z $(cgroup_dirs c1) ]]
}

@test "checkpoint wants a container that runs, and a parent beside the images" {
    create c1
    want_status 0
    rt_try checkpoint --image-path "$D/images" c1
    rt_error 'cannot be checkpointed in the created state'
    rt_ok start c1
    rt_try checkpoint --image-path "$D/images" --parent-path "$D" c1
    rt_error '--parent-path .*relative'
    rt_try checkpoint --image-path "$D/images" c2
    rt_error 'container does not exist'
    rt_try checkpoint --manage-cgroups-mode hard c1
    rt_error "--manage-cgroups-mode 'hard'"
    [[ ! -e $D/images ]]
}
