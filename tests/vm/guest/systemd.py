# SPDX-License-Identifier: GPL-2.0-or-later
"""--systemd-cgroup, where systemd is PID 1: each container has a transient scope that systemd knows all about."""
import os
import pathlib

import bundle
from bundle import BUSY, DISK, MIB, RUNTIME, box, device_number, eat
from testlib import CGROUP, eventually, is_alive, must, numbers, run, skip, test, want

APP = 1000
APP_ENV = {"XDG_RUNTIME_DIR": f"/run/user/{APP}", "DBUS_SESSION_BUS_ADDRESS": f"unix:path=/run/user/{APP}/bus"}
setup = bundle.setup


def show(unit, *words, **more):
    """The properties of a unit."""
    return dict(line.split("=", 1) for line in must("systemctl", *words, "show", unit, **more).splitlines() if "=" in line)


def want_properties(unit, wanted, *words, **more):
    have = show(unit, *words, **more)
    wrong = {k: have.get(k) for k, v in wanted.items() if have.get(k) != v}
    want(not wrong, f"{unit} has {wrong}, not {wanted}")


def group_of(pid):
    return CGROUP / pathlib.Path(f"/proc/{pid}/cgroup").read_text().strip().removeprefix("0::/")


def need_driver(name="systemd"):
    if not bundle.there_is_a_runtime():
        skip(f"there is no {RUNTIME} in this build")
    bundle.want_feature("linux", "cgroup", name)


def scope(*args, slice_name="system.slice", **more):
    """A container with a scope dhow-NAME.scope below the slice; `up` tells where its group is."""
    need_driver()
    return box(*args, group=f"{slice_name}:dhow:{{name}}", words=("--systemd-cgroup",), **more)


def up(c):
    c.up()
    c.group = group_of(c.state()["pid"])
    return f"dhow-{c.name}.scope"


def want_gone(unit, *words, **more):
    eventually(f"{unit} is gone", lambda: show(unit, *words, **more)["LoadState"] == "not-found")


@test("systemd runs and answers on its bus")
def answers():
    out = must("busctl", "get-property", "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "Version")
    want(out.startswith('s "252'), out)


@test("a container has a transient scope with its limits as properties, delete removes it")
def properties():
    limits = {"memory": {"limit": 64 * MIB, "swap": 96 * MIB, "reservation": 32 * MIB}, "pids": {"limit": 20},
              "cpu": {"quota": 25000, "period": 100000, "cpus": "1"}}
    with scope(resources=limits) as c:
        unit = up(c)
        want(unit in c.group.parts and "system.slice" in c.group.parts, f"its group is {c.group}")
        want_properties(unit, {"ActiveState": "active", "Transient": "yes", "Slice": "system.slice", "Delegate": "yes",
                               "MemoryMax": str(64 * MIB), "MemorySwapMax": str(32 * MIB), "MemoryLow": str(32 * MIB), "TasksMax": "20",
                               "CPUQuotaPerSecUSec": "250ms", "AllowedCPUs": "1"})
        for name, text in (("memory.max", str(64 * MIB)), ("pids.max", "20"), ("cpu.max", "25000 100000"), ("cpuset.cpus", "1")):
            c.want_file(name, text)
        c.ok("delete --force")
        want_gone(unit)


@test("update changes the scope's properties and its files")
def update():
    with scope(resources={"memory": {"limit": 64 * MIB}}) as c:
        unit = up(c)
        c.update({"memory": {"limit": 48 * MIB, "swap": 48 * MIB}, "pids": {"limit": 7}, "cpu": {"quota": 50000, "period": 100000, "shares": 512}})
        want_properties(unit, {"MemoryMax": str(48 * MIB), "MemorySwapMax": "0", "TasksMax": "7", "CPUQuotaPerSecUSec": "500ms"})
        for name, text in (("memory.max", str(48 * MIB)), ("memory.swap.max", "0"), ("pids.max", "7"), ("cpu.max", "50000 100000")):
            c.want_file(name, text)
        want(show(unit)["CPUWeight"] == c.file("cpu.weight") != "100", f"the weight is {c.file('cpu.weight')}")


@test("limits outlive systemctl daemon-reload")
def reload():
    with scope(resources={"memory": {"limit": 64 * MIB}, "cpu": {"quota": 25000, "period": 100000}, "pids": {"limit": 20}}) as c:
        up(c)
        c.update({"memory": {"limit": 48 * MIB}, "pids": {"limit": 7}})
        must("systemctl", "daemon-reload")
        for name, text in (("memory.max", str(48 * MIB)), ("pids.max", "7"), ("cpu.max", "25000 100000")):
            c.want_file(name, text)


@test("device rules hold after systemctl daemon-reload")
def device_rules():
    major, minor = device_number(DISK)
    script = f"mknod /dev/disk b {major} {minor}; while :; do dd if=/dev/disk of=/dev/null bs=512 count=1 2>/dev/null && echo open || echo refused; usleep 100000; done"
    deny = {"allow": False, "access": "rwm"}
    for rules, word in (([deny], "refused"), ([deny, {"allow": True, "type": "b", "major": major, "minor": minor, "access": "rm"}], "open")):
        with scope("sh", "-c", script, resources={"devices": rules}) as c:
            up(c)
            eventually("it tried", lambda: word in c.output())
            must("systemctl", "daemon-reload")
            seen = len(c.output())
            eventually("it tried again", lambda: len(c.output()) > seen + len(word))
            want({line for line in c.output().splitlines() if line in ("open", "refused")} == {word}, f"with {rules}: {c.output()}")


@test("a limit of memory kills in a scope too")
def memory_kills():
    with scope(*eat(100), resources={"memory": {"limit": 32 * MIB, "swap": 32 * MIB}}) as c:
        want(c.run() == 137, f"it was not killed: {c.output()}")
        want_gone(f"dhow-{c.name}.scope")


@test("nested slices are made, and are those of the path")
def slices():
    with scope(slice_name="dhowtest-inner.slice") as c:
        unit = up(c)
        want(str(c.group).startswith("/sys/fs/cgroup/dhowtest.slice/dhowtest-inner.slice/" + unit), f"its group is {c.group}")
        want_properties(unit, {"Slice": "dhowtest-inner.slice"})
    run("systemctl", "stop", "dhowtest-inner.slice", "dhowtest.slice")


@test("a container that has ended leaves no scope behind")
def ended():
    with scope("true") as c:
        c.create()
        unit = f"dhow-{c.name}.scope"
        want(show(unit)["ActiveState"] == "active", "there is no scope")
        c.ok("start")
        eventually("it has stopped", lambda: c.state()["status"] == "stopped")
        c.ok("delete")
        want_gone(unit)


@test("pause, exec, ps and kill work in a scope")
def the_rest():
    with scope(*BUSY) as c:
        up(c)
        out = must(*c.argv("exec", c.name, "cat", "/proc/self/cgroup"))
        want(out.strip() == "0::/", f"exec is in {out}")
        c.ok("pause")
        want(numbers(c.group / "cgroup.events")["frozen"] == 1, "the group is not frozen")
        c.ok("resume")
        pid = c.state()["pid"]
        want(str(pid) in must(*c.argv("ps", "--format", "json", c.name)), "ps does not know the process")
        must(*c.argv("kill", c.name, "KILL"))
        eventually("it is dead", lambda: not is_alive(pid))


@test("annotations org.systemd.property set properties of the scope")
def annotations():
    with scope(annotations={"org.systemd.property.TimeoutStopUSec": "uint64 123000000", "org.systemd.property.CollectMode": "'inactive-or-failed'"}) as c:
        want_properties(up(c), {"TimeoutStopUSec": "2min 3s", "CollectMode": "inactive-or-failed"})


@test("a name that systemd refuses is one clear error")
def refused():
    need_driver()
    for group in ("no/slice:dhow:{name}", "system.slice:dhow"):
        with box(group=group, words=("--systemd-cgroup",)) as c:
            code = c.attached("create")
            want(code != 0, f"'{group}' is taken")
            want(len(c.output().splitlines()) == 1, f"more than one line: {c.output()}")


# ---- a plain user, with a manager of his own ----
def user_manager():
    must("systemctl", "start", f"user@{APP}.service")
    eventually("the user's bus", lambda: os.path.exists(f"/run/user/{APP}/bus"))


@test("a plain user has a manager of his own")
def has_user_manager():
    user_manager()
    out = must("systemctl", "--user", "show", "-p", "ControlGroup", user=APP, env=APP_ENV)
    want(f"user@{APP}.service" in out, out)


@test("a plain user's container has a scope of his manager, with limits")
def rootless():
    need_driver("systemdUser")
    user_manager()
    with scope(slice_name="user.slice", user=APP, **bundle.rootless(APP),
               resources={"memory": {"limit": 64 * MIB}, "pids": {"limit": 20}}) as c:
        c.env = APP_ENV
        unit = up(c)
        want(f"user@{APP}.service" in str(c.group), f"its group is {c.group}")
        want_properties(unit, {"ActiveState": "active", "Transient": "yes", "MemoryMax": str(64 * MIB), "TasksMax": "20"}, "--user", user=APP, env=APP_ENV)
        c.want_file("memory.max", str(64 * MIB))
        c.want_file("pids.max", "20")
        done = run(*c.argv("exec", c.name, "cat", "/proc/self/cgroup"), user=APP, env=APP_ENV)
        want(done.out.strip() == "0::/", f"exec is elsewhere: {done}")
        c.update({"memory": {"limit": 48 * MIB}})
        c.want_file("memory.max", str(48 * MIB))
        c.ok("delete --force")
        want_gone(unit, "--user", user=APP, env=APP_ENV)


def teardown():
    run("systemctl", "stop", f"user@{APP}.service")
