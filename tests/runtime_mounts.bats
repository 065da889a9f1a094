#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Mounts of a bundle: their options, where they land, what they may not do.

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

@test "a process and its exit status" {
    run_script c1 'echo hello; echo problem >&2; exit 7'
    want_status 7
    want_output hello
    [[ $stderr == problem ]]
    set_args sleep 100
    start_container c2
    is_status c2 running
    inside c2 hostname
    want_output box
    [[ $(cgroup_dirs c2) ]]
    rt_ok delete --force c2
    rt_try state c2
    rt_error 'does not exist'
}
