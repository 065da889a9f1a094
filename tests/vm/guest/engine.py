# SPDX-License-Identifier: GPL-2.0-or-later
"""dhow's containers have limits that limit, on a pure v2 machine."""
import contextlib
import json
import shutil
import time

from testlib import CGROUP, eventually, is_alive, must, numbers, run, test, want

PLACE = "/dev/shm/dhow-test"
IMAGE = "localhost/test/busybox:1"
EAT_100_MIB = ("dd", "if=/dev/zero", "of=/dev/null", "bs=100M", "count=1")
BUSY = ("sh", "-c", "while :; do :; done")


def dhow(*args):
    return ("dhow", "--root", PLACE + "/root", "--runroot", PLACE + "/run", *args)


def setup():
    must(*dhow("load", "-q", "-i", "/vm/busybox.tar"))


def teardown():
    shutil.rmtree(PLACE, ignore_errors=True)


def inspect(name):
    return json.loads(must(*dhow("inspect", name)))[0]


@contextlib.contextmanager
def container(*options, command):
    """The folder of its control group while it runs."""
    name = must(*dhow("run", "-d", "--network", "none", *options, IMAGE, *command)).strip()
    try:
        yield name, CGROUP / "dhow" / name
    finally:
        run(*dhow("rm", "-f", "-t", "0", name))


def text(group, name):
    return (group / name).read_text().strip()


@test("dhow info tells of v2")
def tells_the_mode():
    info = json.loads(must(*dhow("info", "--format", "json")))
    want(info["host"]["cgroupVersion"] == "v2", f"host is {info['host']}")


@test("a container above --memory is killed, and inspect says so")
def memory():
    done = run(*dhow("run", "--name", "eater", "--network", "none", "--memory", "32m", "--memory-swap", "32m", IMAGE, *EAT_100_MIB))
    state = inspect("eater")["State"]
    must(*dhow("rm", "eater"))
    want(done.code == 137, str(done))
    want(state["OOMKilled"] is True, f"State is {state}")


@test("a container below --memory is not")
def enough_memory():
    done = run(*dhow("run", "--name", "small", "--network", "none", "--memory", "256m", IMAGE, *EAT_100_MIB))
    state = inspect("small")["State"]
    must(*dhow("rm", "small"))
    want(done.code == 0, str(done))
    want(state["OOMKilled"] is False, f"State is {state}")


@test("memory limits stand in the group")
def memory_files():
    with container("--memory", "64m", "--memory-swap", "96m", "--memory-reservation", "32m", command=["sleep", "1000"]) as (_, group):
        have = {n: text(group, n) for n in ("memory.max", "memory.swap.max", "memory.low")}
        want(have == {"memory.max": str(64 << 20), "memory.swap.max": str(32 << 20), "memory.low": str(32 << 20)}, f"it has {have}")


@test("a CPU quota throttles")
def cpu():
    with container("--cpus", "0.2", command=BUSY) as (_, group):
        want(text(group, "cpu.max") == "20000 100000", "cpu.max is " + text(group, "cpu.max"))
        eventually("nr_throttled > 2", lambda: numbers(group / "cpu.stat")["nr_throttled"] > 2)


@test("CPU shares become a weight")
def cpu_weight():
    with container("--cpu-shares", "2048", command=["sleep", "1000"]) as (_, group):
        want(text(group, "cpu.weight") == "79", "cpu.weight is " + text(group, "cpu.weight"))


@test("a cpuset binds to its CPUs")
def cpuset():
    done = run(*dhow("run", "--rm", "--network", "none", "--cpuset-cpus", "1", IMAGE, "grep", "Cpus_allowed_list", "/proc/self/status"))
    want(done.out.split() == ["Cpus_allowed_list:", "1"], str(done))


@test("a limit of processes makes fork fail")
def pids():
    script = "for i in 1 2 3 4 5 6 7 8; do sleep 100 & done"
    done = run(*dhow("run", "--rm", "--network", "none", "--pids-limit", "5", IMAGE, "sh", "-c", script))
    want(done.code != 0 and "fork" in done.err, str(done))


@test("a paused container stands still, an unpaused one goes on")
def freeze():
    def used():
        return numbers(group / "cpu.stat")["usage_usec"]
    with container(command=BUSY) as (name, group):
        eventually("it runs", lambda: used() > 50000)
        must(*dhow("pause", name))
        want(numbers(group / "cgroup.events")["frozen"] == 1, "the group is not frozen")
        first = used()
        time.sleep(0.5)
        want(used() - first < 5000, f"it used {used() - first} us while it was frozen")
        must(*dhow("unpause", name))
        eventually("it runs again", lambda: used() - first > 50000)


@test("rm -f ends all of a container's processes at once")
def kill():
    with container(command=["sh", "-c", "for i in 1 2 3 4 5; do setsid sleep 1000 & done; trap '' TERM; sleep 1000; true"]) as (name, group):
        eventually("seven processes", lambda: len(text(group, "cgroup.procs").split()) == 7)
        pids = text(group, "cgroup.procs").split()
        must(*dhow("rm", "-f", "-t", "0", name))
        want(not group.exists(), "the group is still there")
        alive = [p for p in pids if is_alive(p)]
        want(not alive, f"alive: {alive}")


@test("a paused container can be removed")
def kill_frozen():
    with container(command=BUSY) as (name, group):
        must(*dhow("pause", name))
        must(*dhow("rm", "-f", "-t", "0", name))
        want(not group.exists(), "the group is still there")


@test("device rules are enforced, --device opens one")
def devices():
    script = "mknod /disk b 254 0 && dd if=/disk of=/dev/null bs=512 count=1"
    done = run(*dhow("run", "--rm", "--network", "none", IMAGE, "sh", "-c", script))
    want(done.code != 0 and "Operation not permitted" in done.err, str(done))
    done = run(*dhow("run", "--rm", "--network", "none", "--device", "/dev/vda:/disk:r", IMAGE, "dd", "if=/disk", "of=/dev/null", "bs=512", "count=1"))
    want(done.code == 0, str(done))


@test("a container sees its group as the root")
def namespace():
    done = run(*dhow("run", "--rm", "--network", "none", IMAGE, "sh", "-c", "cat /proc/self/cgroup; ls /sys/fs/cgroup/cgroup.controllers; mkdir /sys/fs/cgroup/x"))
    want(done.out.startswith("0::/\n/sys/fs/cgroup/cgroup.controllers"), str(done))
    want("Read-only file system" in done.err, str(done))
