# SPDX-License-Identifier: GPL-2.0-or-later
"""linux.resources of config.json on a pure v2 machine with all controllers: each limit stands in its file, and limits."""
import contextlib
import json
import os
import pathlib
import subprocess
import time

import bundle
from bundle import BUSY, DISK, MIB, box, device_number, eat, want_ours
from testlib import CGROUP, eventually, is_alive, must, numbers, run, skip, status_of, test, want

setup = bundle.setup
UNAVAILABLE = None if bundle.there_is_a_runtime() else f"there is no {bundle.RUNTIME} in this build"


# ---- memory ----
@test("memory.limit kills who takes more")
def memory_kills():
    with box(*eat(100), resources={"memory": {"limit": 32 * MIB, "swap": 32 * MIB}}) as c:
        want(c.run() == 137, f"it was not killed: {c.output()}")


@test("memory.limit, reservation and swap stand in their files, update changes each")
def memory_files():
    with box(resources={"memory": {"limit": 64 * MIB, "swap": 96 * MIB, "reservation": 32 * MIB}}) as c:
        c.up()
        for name, value in (("max", 64), ("swap.max", 32), ("low", 32)):
            c.want_file(f"memory.{name}", str(value * MIB))
        c.update({"memory": {"limit": 128 * MIB, "swap": 128 * MIB, "reservation": 16 * MIB}})
        for name, value in (("max", 128), ("swap.max", 0), ("low", 16)):
            c.want_file(f"memory.{name}", str(value * MIB))
        c.ok("update --memory 50331648 --memory-swap 50331648 --memory-reservation 1048576")
        for name, value in (("max", 48), ("swap.max", 0), ("low", 1)):
            c.want_file(f"memory.{name}", str(value * MIB))


@test("unified memory.high slows who takes more, without a kill")
def memory_high():
    with box(*eat(64), resources={"unified": {"memory.high": str(16 * MIB)}}) as c:
        c.up()
        c.want_file("memory.high", str(16 * MIB))
        eventually("memory.high is noticed", lambda: numbers(c.group / "memory.events")["high"] > 0)
        want(numbers(c.group / "memory.events")["oom_kill"] == 0, "it was killed")


@test("unified of a controller or a file that is not there is one clear error")
def unified_unknown():
    for key in ("nosuch.max", "memory.nosuch"):
        with box(resources={"unified": {key: "1"}}) as c:
            code = c.attached("create")
            want(code not in (0, 137), f"create takes {key}")
            want(key in c.output() or key.partition(".")[0] in c.output(), f"no '{key}' in: {c.output()}")
            want(len(c.output().splitlines()) == 1, f"more than one line: {c.output()}")


@test("checkBeforeUpdate refuses a limit that would kill")
def check_before_update():
    with box("sh", "-c", "dd if=/dev/zero of=/run/x bs=1M count=40; echo full; exec sleep 1000",
             mounts=[{"destination": "/run", "type": "tmpfs", "source": "tmpfs"}], resources={"memory": {"limit": 128 * MIB}}) as c:
        c.up()
        eventually("it has 40 MiB", lambda: "full" in c.output())
        done = c.call("update --resources -", stdin=json.dumps({"memory": {"limit": 8 * MIB, "checkBeforeUpdate": True}}))
        want(done.code != 0, str(done))
        c.want_file("memory.max", str(128 * MIB))


# ---- cpu ----
@test("cpu.quota throttles; update of quota and period")
def cpu_quota():
    with box(*BUSY, resources={"cpu": {"quota": 20000, "period": 100000}}) as c:
        c.up()
        c.want_file("cpu.max", "20000 100000")
        eventually("nr_throttled > 2", lambda: numbers(c.group / "cpu.stat")["nr_throttled"] > 2)
        c.ok("update --cpu-quota 30000 --cpu-period 50000")
        c.want_file("cpu.max", "30000 50000")
        c.update({"cpu": {"quota": -1, "period": 100000}})
        c.want_file("cpu.max", "max 100000")


@test("cpu.shares become a weight; update of shares")
def cpu_shares():
    with box(resources={"cpu": {"shares": 2048}}) as c:
        c.up()
        first = int(c.file("cpu.weight"))
        want(first > 50, f"cpu.weight is {first}")
        c.ok("update --cpu-share 512")
        want(int(c.file("cpu.weight")) < first, "cpu.weight did not become less")


@test("cpu.burst and cpu.idle")
def cpu_burst():
    with box(resources={"cpu": {"quota": 50000, "period": 100000, "burst": 20000}}) as c:
        c.up()
        c.want_file("cpu.max.burst", "20000")
    with box(resources={"cpu": {"idle": 1}}) as c:
        c.up()
        c.want_file("cpu.idle", "1")


@test("cpuset.cpus binds, update rebinds")
def cpuset():
    def allowed():
        return status_of(c.state()["pid"], "Cpus_allowed_list")
    with box(resources={"cpu": {"cpus": "1", "mems": "0"}}) as c:
        c.up()
        c.want_file("cpuset.cpus", "1")
        c.want_file("cpuset.mems", "0")
        want(allowed() == "1", f"it may run on {allowed()}")
        c.ok("update --cpuset-cpus 0")
        c.want_file("cpuset.cpus", "0")
        want(allowed() == "0", f"it may run on {allowed()}")


@test("cpuset.mems and memoryPolicy choose the node, update another")
def nodes():
    with box(resources={"cpu": {"mems": "1"}}) as c:
        c.up()
        pid = c.state()["pid"]
        want(status_of(pid, "Mems_allowed_list") == "1", f"it has the nodes {status_of(pid, 'Mems_allowed_list')}")
        c.ok("update --cpuset-mems 0")
        want(status_of(pid, "Mems_allowed_list") == "0", f"it has the nodes {status_of(pid, 'Mems_allowed_list')}")


@test("linux.memoryPolicy binds the memory to its nodes")
def memory_policy():
    want_ours("memory policies")
    with box("head", "-n", "1", "/proc/self/numa_maps", linux={"memoryPolicy": {"mode": "MPOL_BIND", "nodes": "1", "flags": ["MPOL_F_STATIC_NODES"]}}) as c:
        want(c.run() == 0 and "bind=static:1" in c.output(), c.output())


# ---- processes, huge pages, disks, devices ----
@test("pids.limit makes fork fail; update of it")
def pids():
    script = "while [ ! -e /run/go ]; do usleep 20000; done; for i in 1 2 3 4 5 6 7 8; do sleep 100 & done; wait"
    with box("sh", "-c", script, mounts=[{"destination": "/run", "type": "tmpfs", "source": "tmpfs"}], resources={"pids": {"limit": 6}}) as c:
        c.up()
        c.want_file("pids.max", "6")
        c.ok("update --pids-limit 5")
        c.want_file("pids.max", "5")
        exec_ok(c, "touch", "/run/go")
        eventually("fork fails", lambda: numbers(c.group / "pids.events")["max"] > 0 and "fork" in c.output())


def exec_ok(c, *command):
    done = run(*c.argv("exec", c.name, *command))
    want(done.code == 0, str(done))
    return done.out


@test("hugepageLimits let no more pages be taken")
def hugetlb():
    pages = pathlib.Path("/proc/sys/vm/nr_hugepages")
    pages.write_text("8")
    if int(pages.read_text()) < 8:
        skip("the guest has no 8 huge pages")
    try:
        script = "fallocate -l 4194304 /huge/a && echo first; fallocate -l 4194304 /huge/b || echo refused"
        with box("sh", "-c", script, mounts=[{"destination": "/huge", "type": "hugetlbfs", "source": "hugetlbfs", "options": ["pagesize=2M"]}],
                 resources={"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}) as c:
            c.create()
            c.want_file("hugetlb.2MB.max", "4194304")
            c.ok("start")
            eventually("both were tried", lambda: c.output().endswith("refused"))
            want(c.output().startswith("first"), c.output())
    finally:
        pages.write_text("0")


@test("blockIO throttles reads")
def io_max():
    major, minor = device_number(DISK)
    limit = {"major": major, "minor": minor, "rate": 2 * MIB}
    script = f"mknod /dev/disk b {major} {minor} && dd if=/dev/disk of=/dev/null bs=64k count=64 iflag=direct && echo done"
    with box("sh", "-c", script, resources={"blockIO": {"throttleReadBpsDevice": [limit]},
                                            "devices": [{"allow": True, "type": "b", "major": major, "minor": minor, "access": "rwm"}]}) as c:
        c.create()
        c.want_file("io.max", f"{major}:{minor} rbps={2 * MIB} wbps=max riops=max wiops=max")
        begin = time.monotonic()
        c.ok("start")
        eventually("4 MiB were read", lambda: c.output().endswith("done"))
        want(time.monotonic() - begin > 1, "4 MiB at 2 MiB/s took less than 1 s")
        want(f"{major}:{minor}" in c.file("io.stat"), "io.stat has no line of the disk")


@test("blockIO limits of each kind stand in io.max; weight")
def io_files():
    major, minor = device_number(DISK)

    def limit(rate):
        return [{"major": major, "minor": minor, "rate": rate}]
    block = {"weight": 500, "throttleReadBpsDevice": limit(1000000), "throttleWriteBpsDevice": limit(2000000),
             "throttleReadIOPSDevice": limit(300), "throttleWriteIOPSDevice": limit(400)}
    with box(resources={"blockIO": block}) as c:
        c.up()
        c.want_file("io.max", f"{major}:{minor} rbps=1000000 wbps=2000000 riops=300 wiops=400")
        name = "io.bfq.weight" if (c.group / "io.bfq.weight").exists() else "io.weight"
        want(c.file(name) in ("default 500", "default 4950"), f"{name} is {c.file(name)}")


@test("update changes blockIO's weight, unified files and the limit of huge pages")
def update_the_rest():
    with box(resources={"blockIO": {"weight": 500}}) as c:
        c.up()
        name = "io.bfq.weight" if (c.group / "io.bfq.weight").exists() else "io.weight"
        first = c.file(name)
        c.ok("update --blkio-weight 300")
        want(c.file(name) != first, f"{name} is still {first}")
        if not bundle.IS_OURS:
            return
        c.update({"unified": {"memory.high": str(64 * MIB)}, "hugepageLimits": [{"pageSize": "2MB", "limit": 2 * MIB}]})
        c.want_file("memory.high", str(64 * MIB))
        c.want_file("hugetlb.2MB.max", str(2 * MIB))


@test("device rules are enforced, access by access")
def devices():
    major, minor = device_number(DISK)
    script = f"""mknod /dev/disk b {major} {minor}
        dd if=/dev/disk of=/dev/null bs=512 count=1 2>/dev/null && echo read
        dd if=/dev/zero of=/dev/disk bs=512 count=1 conv=notrunc 2>/dev/null && echo written
        echo x >/dev/null && head -c 1 /dev/zero >/dev/null && echo null; echo end"""
    rules = [{"allow": False, "access": "rwm"}, {"allow": True, "type": "b", "major": major, "minor": minor, "access": "rm"}]
    for given, text in ((rules, "read\nnull\nend"), (rules[:1], "null\nend"), (None, None),
                        ([{"allow": True, "access": "rwm"}], "read\nwritten\nnull\nend")):
        if text is None:
            continue
        with box("sh", "-c", script, resources={"devices": given}) as c:
            c.run()
            want(c.output() == text, f"with {given} it prints '{c.output()}'")


# ---- what only root with all capabilities may ----
@test("rlimits are raised, oomScoreAdj is lowered")
def raised():
    limits = [{"type": "RLIMIT_NOFILE", "soft": 2000000, "hard": 2000000}, {"type": "RLIMIT_NICE", "soft": 40, "hard": 40}]
    pathlib.Path("/proc/sys/fs/nr_open").write_text("3000000")
    script = "ulimit -n; cat /proc/self/oom_score_adj; grep nice /proc/self/limits"
    with box("sh", "-c", script, process={"rlimits": limits, "oomScoreAdj": -500}) as c:
        want(c.run() == 0, c.output())
        want(c.output().split() == ["2000000", "-500", "Max", "nice", "priority", "40", "40"], c.output())


@test("process.scheduler: real time, batch, nice")
def scheduler():
    want_ours("schedulers")
    for given, policy, nice in (({"policy": "SCHED_FIFO", "priority": 10}, "1", None), ({"policy": "SCHED_BATCH", "nice": 5}, "3", "5"),
                                ({"policy": "SCHED_OTHER", "nice": -5}, "0", "-5"), ({"policy": "SCHED_IDLE"}, "5", None)):
        with box("cat", "/proc/self/stat", process={"scheduler": given}) as c:
            want(c.run() == 0, c.output())
            fields = c.output().rpartition(")")[2].split()  # from the third on
            want(fields[38] == policy and nice in (None, fields[16]), f"{given} gives policy {fields[38]}, nice {fields[16]}")


@test("linux.netDevices moves an interface in, renamed, with its addresses, and the host has it back")
def net_devices():
    want_ours("network devices")
    must("ip", "link", "add", "dhow0", "type", "dummy")
    try:
        must("ip", "address", "add", "192.0.2.1/24", "dev", "dhow0")
        with box("ip", "address", "show", linux={"netDevices": {"dhow0": {"name": "inside0"}}}) as c:
            want(c.run() == 0, c.output())
            want("inside0" in c.output() and "192.0.2.1/24" in c.output() and "dhow0" not in c.output(), c.output())
    finally:
        run("ip", "link", "del", "dhow0")


# ---- freezing, killing, watching ----
@test("pause freezes, resume thaws")
def pause():
    def used():
        return numbers(c.group / "cpu.stat")["usage_usec"]
    with box(*BUSY) as c:
        c.up()
        eventually("it runs", lambda: used() > 50000)
        c.ok("pause")
        want(numbers(c.group / "cgroup.events")["frozen"] == 1, "the group is not frozen")
        want(c.state()["status"] == "paused", f"the state is {c.state()}")
        first = used()
        time.sleep(0.5)
        want(used() - first < 5000, f"it used {used() - first} us while it was frozen")
        c.ok("resume")
        want(c.state()["status"] == "running", f"the state is {c.state()}")
        eventually("it runs again", lambda: used() - first > 50000)


@test("a paused container is killed and deleted")
def kill_paused():
    with box(*BUSY) as c:
        c.up()
        pid = c.state()["pid"]
        c.ok("pause")
        c.ok("delete --force")
        want(not c.group.exists(), "the group is still there")
        want(not is_alive(pid), "it lives")


@test("delete --force ends every process of the group")
def kill_all():
    # Without a pid namespace nobody dies with the first process.
    namespaces = [{"type": t} for t in ("mount", "ipc", "uts", "network", "cgroup")]
    with box("sh", "-c", "for i in 1 2 3 4 5; do setsid sleep 1000 & done; sleep 1000; true", linux={"namespaces": namespaces}) as c:
        c.up()
        eventually("seven processes", lambda: len(c.file("cgroup.procs").split()) == 7)
        pids = c.file("cgroup.procs").split()
        c.ok("delete --force")
        alive = [p for p in pids if is_alive(p)]
        want(not alive, f"alive: {alive}")


@test("exec joins the group and its cpuset")
def exec_joins():
    with box(resources={"cpu": {"cpus": "1"}}) as c:
        c.up()
        out = exec_ok(c, "sh", "-c", "cat /proc/self/cgroup; grep Cpus_allowed_list /proc/self/status")
        want(out.split() == ["0::/", "Cpus_allowed_list:", "1"], out)


@test("ps lists the processes of the group")
def ps():
    with box("sh", "-c", "sleep 1000 & sleep 1000 & wait") as c:
        c.up()
        eventually("three processes", lambda: len(c.file("cgroup.procs").split()) == 3)
        done = run(*c.argv("ps", "--format", "json", c.name))
        want(sorted(json.loads(done.out)) == sorted(int(p) for p in c.file("cgroup.procs").split()), str(done))


@contextlib.contextmanager
def watching(c, *options):
    """`events` in the background; gives a function that reads what it has said."""
    path = c.folder / "events"
    with open(path, "wb") as out:
        p = subprocess.Popen(c.argv("events", *options, c.name), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield lambda: [json.loads(line) for line in path.read_text().splitlines()]
    finally:
        p.kill()
        p.wait()


@test("events tells of an OOM kill")
def events_oom():
    if bundle.RUNTIME == "crun":
        skip("crun has no events")
    # The first process is spared: its child is the larger one.
    script = "while [ ! -e /run/go ]; do usleep 20000; done; dd if=/dev/zero of=/dev/null bs=100M count=1; sleep 1000"
    with box("sh", "-c", script, mounts=[{"destination": "/run", "type": "tmpfs", "source": "tmpfs"}],
             resources={"memory": {"limit": 32 * MIB, "swap": 32 * MIB}}) as c:
        c.up()
        with watching(c, "--interval", "1s") as events:
            eventually("events runs", events)
            exec_ok(c, "touch", "/run/go")
            eventually("an event of type oom", lambda: [e for e in events() if e["type"] == "oom" and e["id"] == c.name])


def stats_of(c):
    out = c.ok("events --stats")
    return json.loads(out)["data"]


@test("events --stats has what the controllers count")
def stats():
    if bundle.RUNTIME == "crun":
        skip("crun has no events")
    with box(*BUSY, resources={"memory": {"limit": 64 * MIB}, "pids": {"limit": 10}, "cpu": {"quota": 20000, "period": 100000}}) as c:
        c.up()
        eventually("it was throttled", lambda: numbers(c.group / "cpu.stat")["nr_throttled"] > 2)
        data = stats_of(c)
        want(data["cpu"]["usage"]["total"] > 0, f"cpu is {data['cpu']}")
        want(data["cpu"]["throttling"]["throttledPeriods"] > 0, f"cpu is {data['cpu']}")
        want(data["memory"]["usage"]["limit"] == 64 * MIB and data["memory"]["usage"]["usage"] > 0, f"memory is {data['memory']}")
        want(data["pids"] == {"current": 1, "limit": 10}, f"pids is {data['pids']}")


@test("events --stats has the pressure of cpu, memory and io")
def pressure():
    want_ours("pressure in its statistics")
    with box(*BUSY, resources={"cpu": {"quota": 20000, "period": 100000}}) as c:
        c.up()
        eventually("it waits for the CPU", lambda: int(c.file("cpu.pressure").split("total=")[1].split()[0]) > 0)
        data = stats_of(c)
        want(data["cpu"]["psi"]["some"]["total"] > 0, f"cpu is {data['cpu']}")
        for name in ("memory", "blkio"):
            want(set(data[name]["psi"]["full"]) == {"avg10", "avg60", "avg300", "total"}, f"{name} is {data[name]}")


# ---- namespaces ----
@test("a time namespace has its offsets")
def time_namespace():
    want_ours("time namespaces") if bundle.RUNTIME == "runc" else None
    namespaces = [{"type": t} for t in ("pid", "mount", "ipc", "uts", "network", "cgroup", "time")]
    with box("cat", "/proc/uptime", "/proc/self/timens_offsets",
             linux={"namespaces": namespaces, "timeOffsets": {"boottime": {"secs": 1000000, "nanosecs": 0}, "monotonic": {"secs": 2000000}}}) as c:
        want(c.run() == 0, c.output())
        uptime, *offsets = c.output().splitlines()
        want(float(uptime.split()[0]) > 1000000, f"the uptime is {uptime}")
        want([o.split() for o in offsets] == [["monotonic", "2000000", "0"], ["boottime", "1000000", "0"]], f"the offsets are {offsets}")


@test("a cgroup mount shows the container's own group, and mkdir works where it is writable")
def cgroup_mount():
    def mount(*options):
        return [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "noexec", "nodev", *options]}]
    script = "cat /proc/self/cgroup; mkdir /sys/fs/cgroup/inner 2>/dev/null && echo made; cat /sys/fs/cgroup/memory.max"
    for options, text in ((("ro",), f"0::/\n{64 * MIB}"), ((), f"0::/\nmade\n{64 * MIB}")):
        with box("sh", "-c", script, mounts=mount(*options), resources={"memory": {"limit": 64 * MIB}}) as c:
            want(c.run() == 0, c.output())
            want(c.output() == text, f"with {options} it prints '{c.output()}'")


@test("a group below one that has processes is one clear error")
def busy_parent():
    with box() as outer:
        outer.up()
        with box(group=f"/dhow-vm/{outer.name}/inner", resources={"memory": {"limit": 64 * MIB}}) as c:
            code = c.attached("create")
            want(code != 0, "it was created")
            want(len(c.output().splitlines()) == 1, f"more than one line: {c.output()}")


# ---- a plain user ----
@test("a plain user's container has limits, in a group that is the user's")
def rootless():
    user, mine = 1000, CGROUP / "dhow-user"
    (mine / "caller").mkdir(parents=True)
    for path in (mine, *(p / n for p in (mine, mine / "caller") for n in ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads"))):
        os.chown(path, user, user)
    prefix = ("sh", "-c", f'echo $$ >{mine}/caller/cgroup.procs && exec /usr/bin/setpriv --reuid {user} --regid {user} --clear-groups "$@"', "sh")
    try:
        with box("true", group="/dhow-user/{name}", user=user, prefix=prefix, **bundle.rootless(user)) as c:
            if c.run() != 0:
                skip(f"no container of a plain user runs, limits or not: {c.output()}")
        with box(*eat(100), group="/dhow-user/{name}", user=user, prefix=prefix, **bundle.rootless(user),
                 resources={"memory": {"limit": 32 * MIB, "swap": 32 * MIB}, "pids": {"limit": 9}}) as c:
            c.create()
            c.want_file("memory.max", str(32 * MIB))
            c.want_file("pids.max", "9")
            want(status_of(c.state()["pid"], "Uid").split()[0] == str(user), "it does not run as the user")
            c.ok("start")
            eventually("it is killed", lambda: numbers(c.group / "memory.events")["oom_kill"] == 1)
    finally:
        for path in (mine / "caller", mine):
            path.rmdir()
