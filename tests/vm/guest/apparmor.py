# SPDX-License-Identifier: GPL-2.0-or-later
"""process.apparmorProfile on a kernel that has AppArmor."""
import pathlib

import bundle
from bundle import box, want_ours
from testlib import eventually, must, run, test, want

UNAVAILABLE = None if bundle.there_is_a_runtime() else f"there is no {bundle.RUNTIME} in this build"
PROFILE = """
profile dhow-test flags=(attach_disconnected,mediate_deleted) {
  file,
  signal,
  capability,
  deny /etc/passwd r,
  deny /forbidden/** w,
}
profile dhow-test-closed flags=(attach_disconnected,mediate_deleted) {
  /** rwlkm,
  signal,
  capability,
}
"""


def setup():
    bundle.setup()
    path = pathlib.Path("/run/dhow-test.profile")
    path.write_text(PROFILE)
    must("apparmor_parser", "--replace", "--skip-cache", path)


def teardown():
    run("apparmor_parser", "--remove", "/run/dhow-test.profile")


@test("a profile is applied and enforced")
def enforced():
    with box("sh", "-c", "cat /proc/self/attr/current; cat /etc/group >/dev/null && echo group; cat /etc/passwd 2>&1; true",
             process={"apparmorProfile": "dhow-test"}) as c:
        want(c.run() == 0, c.output())
        lines = c.output().splitlines()
        want(lines[0] == "dhow-test (enforce)", c.output())
        want(lines[1] == "group" and "Permission denied" in lines[2], c.output())


@test("exec has the container's profile")
def of_exec():
    with box(process={"apparmorProfile": "dhow-test"}) as c:
        c.up()
        done = run(*c.argv("exec", c.name, "cat", "/proc/self/attr/current", "/etc/passwd"))
        want(done.out.strip() == "dhow-test (enforce)" and "Permission denied" in done.err, str(done))


@test("exec --apparmor sets another")
def exec_option():
    with box() as c:
        c.up()
        done = run(*c.argv("exec", "--apparmor", "dhow-test", c.name, "cat", "/proc/self/attr/current"))
        want(done.out.strip() == "dhow-test (enforce)", str(done))


@test("without a profile a container is unconfined")
def unconfined():
    with box("cat", "/proc/self/attr/current") as c:
        want(c.run() == 0 and c.output() == "unconfined", c.output())


@test("a profile that is not loaded is one clear error, and nothing runs")
def unknown():
    with box("echo", "it runs", process={"apparmorProfile": "no-such-profile"}) as c:
        code = c.run()
        want(code not in (0, 137) and "it runs" not in c.output(), c.output())
        want("apparmor" in c.output().lower() and len(c.output().splitlines()) == 1, f"the error is: {c.output()}")
        if bundle.IS_OURS:
            want("no-such-profile" in c.output(), f"the error is: {c.output()}")


@test("no-new-privileges and a profile go together")
def with_no_new_privileges():
    with box("cat", "/proc/self/attr/current", process={"apparmorProfile": "dhow-test", "noNewPrivileges": True}) as c:
        want(c.run() == 0 and c.output() == "dhow-test (enforce)", c.output())


@test("a profile that lets nothing be executed still has its command")
def closed():
    with box("cat", "/proc/self/attr/current", process={"apparmorProfile": "dhow-test-closed"}) as c:
        want(c.run() == 0 and c.output() == "dhow-test-closed (enforce)", c.output())
    with box("sh", "-c", "/bin/true", process={"apparmorProfile": "dhow-test-closed"}) as c:
        want(c.run() == 126 and "Permission denied" in c.output(), c.output())


@test("a startContainer hook has the profile")
def of_hook():
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "cat /proc/self/attr/current >&2; exit 3"]}
    with box(process={"apparmorProfile": "dhow-test"}, hooks={"startContainer": [hook]}) as c:
        c.create()
        done = c.call("start")
        want(done.code != 0, "the hook did not fail")
        if bundle.IS_OURS:
            want("dhow-test (enforce)" in done.err, done.err)


@test("T-52881: a label does not go to what stands on /proc")
def misdirected():
    fake = {"destination": "/proc", "type": "tmpfs", "source": "tmpfs"}
    with box("sleep", "1000", process={"apparmorProfile": "dhow-test"}, mounts=[fake]) as c:
        if not bundle.IS_OURS and c.attached("create") != 0:
            return  # refused: as safe
        if bundle.IS_OURS:
            c.create()
        c.ok("start")
        label = pathlib.Path("/proc", str(c.state()["pid"]), "attr/apparmor/current")
        eventually("the command has its label", lambda: label.read_text().strip() == "dhow-test (enforce)")
