# SPDX-License-Identifier: GPL-2.0-or-later
"""checkpoint and restore by CRIU, which works on this kernel."""
import contextlib
import os

import bundle
from bundle import MIB, box
from testlib import eventually, load_modules, must, run, test, want

UNAVAILABLE = None if bundle.there_is_a_runtime() else f"there is no {bundle.RUNTIME} in this build"
COUNT = ("sh", "-c", "i=0; while :; do i=$((i + 1)); echo $i; usleep 100000; done")


def setup():
    bundle.setup()
    load_modules("checkpoint")


class Pipe:
    """Where a container's output goes, as its callers have it: after a restore it is another one."""

    def __init__(self):
        self.ours, self.theirs = os.pipe()
        os.set_blocking(self.ours, False)
        self.text = ""

    def numbers(self):
        with contextlib.suppress(BlockingIOError):
            self.text += os.read(self.ours, 65536).decode()
        return [int(x) for x in self.text.rpartition("\n")[0].split() if x.isdigit()]

    def close(self):
        os.close(self.ours)
        os.close(self.theirs)


@contextlib.contextmanager
def counting(**more):
    """A container that counts on a pipe, and runs."""
    pipe = Pipe()
    try:
        # The guest's own network: this CRIU cannot save a network namespace of this kernel.
        namespaces = [{"type": t} for t in ("pid", "mount", "ipc", "uts", "cgroup")]
        with box(*COUNT, linux={"namespaces": namespaces}, **more) as c:
            code = c.attached("create", stdout=pipe.theirs)
            want(code == 0, f"create gives {code}: {pipe.numbers()} {pipe.text}")
            c.ok("start")
            eventually("it counts", lambda: len(pipe.numbers()) > 3)
            yield c, pipe
    finally:
        pipe.close()


def checkpoint(c, options):
    done = c.call(f"checkpoint {options} --work-path {c.folder}")
    log = c.folder / "dump.log"
    errors = [line for line in log.read_text().splitlines() if "Error" in line] if log.exists() else []
    want(done.code == 0, f"{done} {errors[:6]}")


@test("criu check passes")
def check():
    must("criu", "check")


@test("a container goes on after checkpoint and restore, in a group with its limits")
def goes_on():
    after = Pipe()
    with counting(resources={"memory": {"limit": 64 * MIB}, "pids": {"limit": 20}}) as (c, pipe):
        checkpoint(c, f"--image-path {c.folder / 'images'}")
        before = pipe.numbers()
        want(c.call("state").code != 0 or c.state()["status"] == "stopped", "it still runs")
        c.call("delete --force")
        code = c.attached(f"restore --detach --image-path {c.folder / 'images'} --work-path {c.folder}", stdout=after.theirs)
        want(code == 0, f"restore gives {code}: {after.numbers()} {after.text} {restore_errors(c)}")
        eventually("it goes on counting", lambda: len(after.numbers()) > 3)
        now = after.numbers()
        want(now[0] - before[-1] in (0, 1) and now == list(range(now[0], now[0] + len(now))), f"{before} goes on as {now}")
        want(c.state()["status"] == "running", f"the state is {c.state()}")
        c.want_file("memory.max", str(64 * MIB))
        c.want_file("pids.max", "20")
    after.close()


def restore_errors(c):
    log = c.folder / "restore.log"
    return [line for line in log.read_text().splitlines() if "Error" in line][:6] if log.exists() else []


@test("checkpoint --leave-running leaves it running")
def leave_running():
    with counting() as (c, pipe):
        checkpoint(c, f"--leave-running --image-path {c.folder / 'images'}")
        before = len(pipe.numbers())
        eventually("it goes on counting", lambda: len(pipe.numbers()) > before + 3)
        want(c.state()["status"] == "running", f"the state is {c.state()}")


@test("restore without images is one clear error, and leaves nothing")
def no_images():
    with box(*COUNT) as c:
        empty = c.folder / "empty"
        empty.mkdir()
        done = run(*c.argv("restore", "--detach", "--bundle", str(c.folder), "--image-path", str(empty), c.name))
        want(done.code not in (0, "no end") and len(done.err.strip().splitlines()) == 1, str(done))
        want(c.call("state").code != 0, "there is a container")
