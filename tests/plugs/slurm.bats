#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Slurm's `--container=BUNDLE` with the runtime in oci.conf: a controller and two nodes n1 and n2, each with a host name and a
# network of its own on one bridge, one file system for all. Jobs of a plain user, and of root.

setup_file() {
    load lib
    box_start || return 0
    make_plain_user
    SLURM_CONF=$T/slurm/slurm.conf
    export SLURM_CONF
    mkdir "$T/slurm"
    slurm_conf >"$SLURM_CONF"
    oci_conf_run
    # %U is younger than Slurm 22.05; a directory of states for each user, then, as of tmpfiles.d.
    in_box sh -c 'install -d -m 755 /run/oci; install -d -m 700 /run/oci/root; install -d -m 700 -o plain /run/oci/plain
        install -d -m 777 /run/jobs; echo 10.66.0.11 n1 >>/etc/hosts; echo 10.66.0.12 n2 >>/etc/hosts'
    make_bundle "$T/bundle" "${PLAIN[@]}" "$BIN" spec --rootless
    in_box chown -R plain "$T/bundle"
    make_bundle "$T/root-bundle" "$BIN" spec
    start_munge || return 0
    start_node n1 10.66.0.11 || return 0
    start_node n2 10.66.0.12 || return 0
    daemon slurmctld slurmctld -D -f "$SLURM_CONF"
    daemon_is_up slurmctld 60 nodes_are_idle || return 0
}
teardown_file() {
    load lib
    box_stop
}
setup() {
    load lib
    need_box
}
teardown() {
    [[ -z ${GIVEN_UP:-} ]] || return 0
    in_box scancel --state=RUNNING --user=plain --user=root || true
    eventually 20 no_jobs
}

slurm_conf() {
    cat <<EOT
ClusterName=box
SlurmctldHost=box(10.66.0.1)
SlurmUser=root
AuthType=auth/munge
MpiDefault=none
ProctrackType=proctrack/pgid
TaskPlugin=task/none
ReturnToService=2
KillWait=2
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.%n.pid
SlurmdSpoolDir=/var/spool/slurmd.%n
StateSaveLocation=/var/spool/slurmctld
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
NodeName=n1 NodeAddr=10.66.0.11 CPUs=4
NodeName=n2 NodeAddr=10.66.0.12 CPUs=4
PartitionName=all Nodes=ALL Default=YES OverSubscribe=YES MaxTime=10 State=UP
EOT
}
# Both as docs/guides/slurm.md has them.
oci_conf_run() {
    {
        oci_conf KILL
        echo "RunTimeRun=\"$BIN --rootless=true --root=/run/oci/%u run --bundle %b %n.%u.%j.%s.%t\""
    } >"$T/slurm/oci.conf"
}
oci_conf_create() {
    {
        oci_conf
        echo "RunTimeCreate=\"$BIN --rootless=true --root=/run/oci/%u create %n.%u.%j.%s.%t --bundle %b >/dev/null 2>&1\""
        echo "RunTimeStart=\"$BIN --rootless=true --root=/run/oci/%u start %n.%u.%j.%s.%t\""
    } >"$T/slurm/oci.conf"
}
oci_conf() { # oci_conf [SIGNAL]
    cat <<EOT
RunTimeQuery="$BIN --rootless=true --root=/run/oci/%u state %n.%u.%j.%s.%t"
RunTimeKill="$BIN --rootless=true --root=/run/oci/%u kill -a %n.%u.%j.%s.%t $*"
RunTimeDelete="$BIN --rootless=true --root=/run/oci/%u delete --force %n.%u.%j.%s.%t"
EOT
}
start_munge() {
    install -d -o munge -g munge "$T/munge"
    head -c 1024 /dev/urandom >"$T/munge/key"
    chown munge "$T/munge/key"
    chmod 400 "$T/munge/key"
    in_box install -d -o munge /run/munge
    daemon munged setpriv --reuid munge --regid munge --clear-groups munged --foreground --key-file "$T/munge/key" --seed-file "$T/munge/seed"
    daemon_is_up munged 20 in_box munge -n
}
start_node() { # start_node NAME ADDRESS
    in_box sh -c 'ip netns add $1 && ip link add $1 type veth peer name eth0 netns $1 && ip link set $1 master box0 up &&
        ip -n $1 address add $2/24 dev eth0 && ip -n $1 link set eth0 up && ip -n $1 link set lo up' sh "$@" >"$T/network.log" 2>&1 ||
        give_up network || return 1
    daemon "$1" nsenter "--net=/run/netns/$1" unshare --uts sh -c "hostname $1; exec slurmd -D -f $SLURM_CONF"
}
make_bundle() { # make_bundle DIRECTORY SPEC-COMMAND...
    local bundle=$1 name
    shift
    mkdir -p "$bundle/rootfs"/{bin,dev,etc,proc,sys,tmp,run/jobs}
    cp "$(command -v busybox)" "$bundle/rootfs/bin/busybox"
    for name in $("$bundle/rootfs/bin/busybox" --list); do ln -s busybox "$bundle/rootfs/bin/$name" 2>/dev/null || true; done
    chmod 777 "$bundle"
    in_box sh -c 'cd "$1"; shift; "$@"' sh "$bundle" "$@"
    # As on a cluster: the node's name and network are the job's.
    jq '.process.terminal = false | .process.rlimits = [] | .root.readonly = false | del(.hostname) |
        del(.linux.namespaces[] | select(.type == "uts" or .type == "network")) |
        .mounts += [{destination: "/run/jobs", source: "/run/jobs", type: "bind", options: ["rbind"]}]' "$bundle/config.json" >"$bundle/new"
    mv "$bundle/new" "$bundle/config.json"
}
nodes_are_idle() {
    [[ $(in_box sinfo -h -t idle -o %D) == 2 ]]
}
no_jobs() {
    [[ -z $(in_box squeue -h) ]]
}
job_is() { # job_is ID STATE
    [[ $(in_box squeue -h -j "$1" -o %T) == "$2" ]]
}
mine() {
    try_in_box "${PLAIN[@]}" "SLURM_CONF=$SLURM_CONF" "$@"
}

@test "srun: output, exit code, input, environment" {
    mine srun --container="$T/bundle" sh -c 'echo out $SLURM_JOB_NAME; echo err >&2; exit 7'
    want_status 7
    want_output 'out sh'
    want_stderr_match err
    mine srun --container="$T/bundle" cat <<<'some words'
    want_status 0
    want_output 'some words'
    mine env A=b srun --container="$T/bundle" sh -c 'echo $A $(id -u) $(ls -d /boot 2>/dev/null)'
    want_output 'b 0'
}

@test "srun: a command that is not there" {
    mine srun --container="$T/bundle" nonsense
    [[ $status != 0 ]]
    want_stderr_match 'nonsense.*(executable file not found|no such file or directory)'
}

@test "srun on two nodes: one job, a container on each" {
    mine srun -N 2 -n 2 --container="$T/bundle" sh -c 'echo $(hostname) $SLURM_JOB_NUM_NODES $$'
    want_status 0
    [[ $(sort <<<"$output") == $'n1 2 1\nn2 2 1' ]] || fail "unexpected: $output"
}

@test "sbatch on two nodes: a script, steps in containers" {
    mine sbatch --parsable --wait -N 2 --output /run/jobs/out --wrap "srun --container=$T/bundle sh -c 'echo step on \$(hostname)'"
    want_status 0
    [[ $(in_box sort /run/jobs/out) == $'step on n1\nstep on n2' ]] || fail "unexpected: $(in_box cat /run/jobs/out)"
}

@test "sbatch --container: the script itself is in the container" {
    mine sbatch --parsable --wait --container="$T/bundle" --output /run/jobs/batch --wrap 'echo $$ > /run/jobs/pid; ls -d /boot || echo inside; exit 3'
    want_status 3
    [[ $(in_box cat /run/jobs/pid) == 1 ]]
    in_box grep -q inside /run/jobs/batch
}

@test "scancel ends the container" {
    mine sbatch --parsable --output /run/jobs/out --wrap "srun --container=$T/bundle sh -c 'echo started; exec sleep 4321'"
    want_status 0
    local job=$output
    eventually 20 in_box grep -q started /run/jobs/out
    job_is "$job" RUNNING
    mine scancel "$job"
    eventually 20 no_jobs
    eventually 10 no_sleeper
}
no_sleeper() {
    ! in_box pgrep -f 'sleep 4321'
}

@test "root's job" {
    try_in_box srun -w n2 --container="$T/root-bundle" sh -c 'id -u; hostname; grep -c . /proc/self/uid_map; cat /proc/self/uid_map; exit 5'
    want_status 5
    want_match $'^0\nn2'
    want_match '0 +0 +4294967295'
}

@test "create and start instead of run: state, kill and delete as the guide has them" {
    oci_conf_create
    mine srun --container="$T/bundle" sh -c 'echo created >/run/jobs/created; exit 0'
    oci_conf_run
    want_status 0
    in_box grep -q created /run/jobs/created
}

@test "create and start: scancel" {
    oci_conf_create
    mine sbatch --parsable --output /run/jobs/out --wrap "srun --container=$T/bundle sh -c 'echo x >/run/jobs/started; exec sleep 4321'"
    local job=$output
    eventually 20 in_box test -e /run/jobs/started
    mine scancel "$job"
    eventually 30 no_jobs
    eventually 20 no_sleeper
    oci_conf_run
}

@test "nothing is left" {
    oci_conf_run
    want_nothing_left /run/oci/plain
    want_nothing_left /run/oci/root
}
