#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Control groups of a bundle: where they are, what they limit, whose they are, what is seen of them inside. Each test runs
# on v1, on a hybrid and on v2, and skips what a v2 tree without controllers cannot show; tests/vm has the rest.

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

# The file of a controller in the container's group: `group_file memory memory.limit_in_bytes c1`
group_file() {
    local dir=/sys/fs/cgroup/$1/$GROUP/$3
    [[ -d $dir ]] || dir=/sys/fs/cgroup/$GROUP/$3
    cat "$dir/$2"
}
has_v1() {
    [[ -e /sys/fs/cgroup/$1/cgroup.procs ]]
}
# exec's failures have a code of their own.
exec_error() {
    rt_try exec "${@:2}"
    want_status 255
    want_stderr_match "$1"
}
need_v1() {
    local name
    for name; do
        has_v1 "$name" || skip "needs a v1 hierarchy of $name"
    done
}

@test "a container is in a group of its own in every hierarchy, and a second process too" {
    start_container c1
    local n
    n=$(grep -c ' - cgroup' /proc/self/mountinfo)
    [[ $(cgroup_dirs c1 | wc -l) == "$n" ]]
    [[ $(grep -c "/$GROUP/c1\$" "/proc/$(pid_of c1)/cgroup") == "$n" ]]
    inside c1 cat /proc/self/cgroup
    [[ $(grep -c ':/$' <<<"$output") -ge $n ]] # the root of its namespace
    rt_ok delete --force c1
    [[ -z $(cgroup_dirs c1) ]]
}

@test "a relative path, and none, begin at the caller's group" {
    edit 'del(.linux.cgroupsPath)'
    start_container "$GROUP-c1"
    grep -q "/$GROUP-c1\$" "/proc/$(pid_of "$GROUP-c1")/cgroup"
    rt_ok delete --force "$GROUP-c1"
    [[ -z $(find /sys/fs/cgroup -name "$GROUP-c1") ]]
    edit '.linux.cgroupsPath = $path' --arg path "$GROUP/relative"
    start_container c2
    grep -q "/$GROUP/relative\$" "/proc/$(pid_of c2)/cgroup"
    rt_ok delete --force c2
    edit '.linux.cgroupsPath = "/../../etc"'
    create c3
    rt_error 'not a path beneath the root'
}

@test "limits are set, changed, and kept when they are not given" {
    need_v1 memory cpu pids
    edit '.linux.resources = {memory: {limit: 33554432, swap: 33554432}, pids: {limit: 20},
        cpu: {shares: 100, quota: 500000, period: 1000000, cpus: "0"}}'
    start_container c1
    [[ $(group_file memory memory.limit_in_bytes c1) == 33554432 ]]
    [[ $(group_file cpu cpu.cfs_quota_us c1) == 500000 ]]
    [[ $(group_file cpuset cpuset.cpus c1) == 0 ]]
    rt_ok update --memory 64M --memory-swap 96M c1
    [[ $(group_file memory memory.limit_in_bytes c1) == 67108864 ]]
    [[ $(group_file memory memory.memsw.limit_in_bytes c1) == 100663296 ]]
    [[ $(group_file pids pids.max c1) == 20 ]]
    rt_ok update --memory 16M --memory-swap 32M --cpu-quota -1 --pids-limit -1 c1
    [[ $(group_file memory memory.limit_in_bytes c1) == 16777216 ]]
    [[ $(group_file cpu cpu.cfs_quota_us c1) == -1 ]]
    [[ $(group_file cpu cpu.shares c1) == 100 ]]
    [[ $(group_file pids pids.max c1) == max ]]
    rt_try update --cpu-share 1 c1
    rt_error 'the minimum allowed cpu-shares is 2'
}

@test "a limit that cannot be is an error that names it, and leaves nothing" {
    edit '.linux.resources = {memory: {limit: 1000}}'
    if has_v1 memory; then
        create c1
        rt_error 'memory limit too low'
        [[ -z $(cgroup_dirs c1) ]]
    fi
    edit '.linux.resources = {cpu: {cpus: "900-901"}}'
    create c1
    want_status 1
    [[ -z $(cgroup_dirs c1) ]]
    if has_v1 memory; then
        edit '.linux.resources = {unified: {"memory.high": "5"}}'
        create c1
        rt_error 'invalid configuration'
    fi
    if ! has_v1 net_cls; then
        edit '.linux.resources = {network: {classID: 5}}'
        create c1
        rt_error 'network class'
    fi
    rt_try state c1
    rt_error 'does not exist'
}

@test "block devices have weights and rates" {
    need_v1 blkio
    local numbers
    numbers=$(cat /sys/block/*/dev 2>/dev/null | head -n 1)
    [[ $numbers ]] || skip "there is no block device"
    edit '.linux.resources.blockIO = {
        throttleReadBpsDevice: [{major: $major, minor: $minor, rate: 1048576}],
        throttleWriteIOPSDevice: [{major: $major, minor: $minor, rate: 50}]}' \
        --argjson major "${numbers%:*}" --argjson minor "${numbers#*:}"
    start_container c1
    [[ $(group_file blkio blkio.throttle.read_bps_device c1) == "$numbers 1048576" ]]
    [[ $(group_file blkio blkio.throttle.write_iops_device c1) == "$numbers 50" ]]
    edit '.linux.resources.blockIO.leafWeight = 10'
    [[ -e /sys/fs/cgroup/blkio/$GROUP/c1/blkio.leaf_weight ]] && return
    create c2
    rt_error 'cannot set the block I/O leaf weight'
}

@test "huge pages have a limit where they are accounted" {
    [[ -d /sys/kernel/mm/hugepages/hugepages-2048kB ]] || skip "there are no huge pages of 2 MB"
    edit '.linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 2097152}]'
    create c1
    if [[ $status != 0 ]]; then
        rt_error 'huge page limit|hugetlb'
        skip "there is no hugetlb controller"
    fi
    [[ $(cat /sys/fs/cgroup{,/*}/"$GROUP"/c1/hugetlb.2MB.{max,limit_in_bytes} 2>/dev/null) == 2097152 ]]
    rt_ok events --stats c1
    [[ $(jq '.data.hugetlb["2MB"].failcnt' <<<"$output") == 0 ]]
}

@test "two containers in one group: a warning, and the end of one is not the other's" {
    edit '.linux.cgroupsPath = $path' --arg path "/$GROUP-shared/both"
    start_container c1
    create c2
    want_status 0
    want_stderr_match "container's cgroup is not empty: 1 process"
    rt_ok start c2
    rt_ok delete --force c2
    is_status c1 running
    is_alive "$(pid_of c1)"
    rt_ok delete --force c1
    [[ -z $(find /sys/fs/cgroup -path "*/$GROUP-shared/both") ]]
    find /sys/fs/cgroup -maxdepth 3 -name "$GROUP-shared" -exec rmdir {} +
}

@test "a creation killed at any moment inside a shared group does not take the others with it" {
    edit '.linux.cgroupsPath = $path' --arg path "/$GROUP-shared/both"
    start_container c1
    local pid delay victim
    pid=$(pid_of c1)
    for delay in 0 0.002 0.004 0.008 0.016; do
        "$RUNTIME" --root "$STATE" create --bundle "$B" c2 >/dev/null 2>&1 3>&- 4>&- </dev/null &
        victim=$!
        sleep "$delay"
        kill -9 "$victim" 2>/dev/null || true
        wait "$victim" || true
        rt_try delete --force c2 # known or not
        is_alive "$pid"
    done
    is_status c1 running
    rt_ok delete --force c1
    find /sys/fs/cgroup -maxdepth 3 -name "$GROUP-shared" -exec rmdir {} +
}

@test "a group that is frozen already is refused, and stays" {
    need_v1 freezer
    local dir=/sys/fs/cgroup/freezer/$GROUP-frozen/x
    mkdir -p "$dir"
    echo FROZEN >"$dir/freezer.state"
    edit '.linux.cgroupsPath = $path' --arg path "/$GROUP-frozen/x"
    create c1
    rt_error "container's cgroup unexpectedly frozen"
    rmdir "$dir" "$(dirname "$dir")"
}

@test "exec --cgroup goes below, never above" {
    edit '.mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["nosuid", "noexec", "nodev"]}]'
    start_container c1
    exec_error ' \.\. is not a sub cgroup path' --cgroup .. c1 true
    exec_error ' adding pid .*/nonexistent/cgroup.procs: no such file ' --cgroup nonexistent c1 true
    exec_error 'unknown controller ' --cgroup whaaat:/ c1 true
    inside --cgroup / c1 true
    need_v1 memory cpu cpuacct
    inside c1 mkdir /sys/fs/cgroup/memory/sub /sys/fs/cgroup/cpu/sub /sys/fs/cgroup/cpuacct/sub
    inside --cgroup memory:sub --cgroup cpu,cpuacct:sub c1 cat /proc/self/cgroup
    want_match ':memory:/sub'
    want_match ':cpu:/sub|:cpu,cpuacct:/sub'
    want_match ':pids:/'$'\n'
}

@test "without a cgroup namespace the mounts begin at the container's group" {
    edit '.linux.namespaces |= map(select(.type != "cgroup")) |
        .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro", "nosuid"]}]'
    start_container c1
    inside c1 sh -c 'find /sys/fs/cgroup -mindepth 2 -type d; find /sys/fs/cgroup -name "cgroup.procs" | wc -l'
    want_match '^[0-9]+$'
    [[ $output != 0 ]]
    rt_try exec c1 sh -c 'for d in $(find /sys/fs/cgroup -name cgroup.procs); do mkdir "${d%/*}/x" && exit 1; done; exit 0'
    want_status 0
}

@test "what was used is told, memory that ran out too" {
    need_v1 memory cpuacct
    edit '.linux.resources = {memory: {limit: 20971520, swap: 20971520}}'
    start_container c1
    rt_ok events --stats c1
    [[ $(jq -r .type <<<"$output") == stats ]]
    [[ $(jq .data.memory.usage.limit <<<"$output") == 20971520 ]]
    [[ $(jq .data.cpu.usage.total <<<"$output") -gt 0 ]]
    [[ $(jq .data.pids.current <<<"$output") == 1 ]]
    "$RUNTIME" --root "$STATE" events --interval 100ms c1 >"$D/events" 2>&1 3>&- 4>&- &
    local pid=$!
    eventually 10 grep -q '"type":"stats"' "$D/events"
    rt_try exec c1 sh -c 'x=$(dd if=/dev/zero bs=1M count=64 | tr "\0" x); echo ${#x}'
    eventually 10 grep -q '"type":"oom","id":"c1"' "$D/events"
    rt_ok delete --force c1
    eventually 10 refute kill -0 "$pid"
}

@test "groups that the container made go with it" {
    edit '.mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["nosuid", "noexec", "nodev"]}]'
    start_container c1
    inside c1 sh -c 'for d in $(find /sys/fs/cgroup -name cgroup.procs); do mkdir -p "${d%/*}/a/b"; done'
    [[ $(find /sys/fs/cgroup -path "*/$GROUP/c1/a/b" | wc -l) -gt 0 ]]
    rt_ok delete --force c1
    [[ -z $(cgroup_dirs c1) ]]
}

@test "a paused container is paused, and dies all the same" {
    start_container c1
    rt_ok pause c1
    is_status c1 paused
    ! has_v1 pids || rt_ok update --pids-limit 30 c1
    is_status c1 paused
    exec_error 'cannot exec in a paused container' c1 true
    rt_ok resume c1
    is_status c1 running
    rt_ok pause c1
    rt_ok delete --force c1
}
