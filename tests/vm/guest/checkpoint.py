# SPDX-License-Identifier: GPL-2.0-or-later
"""checkpoint and restore by CRIU, which works on this kernel."""
import array
import contextlib
import os
import pathlib
import shutil
import socket

import bundle
from bundle import MIB, box, want_ours
from testlib import eventually, load_modules, must, run, test, want

UNAVAILABLE = None if bundle.there_is_a_runtime() else f"there is no {bundle.RUNTIME} in this build"
COUNT = ("sh", "-c", "i=0; while :; do i=$((i + 1)); echo $i; usleep 100000; done")
ECHO = ("sh", "-c", "while read x; do echo got $x; done")
NETWORK = "dhow-criu"
SECONDS = 80  # criu is slow under TCG


def setup():
    bundle.setup()
    load_modules("checkpoint")
    must("ip", "netns", "add", NETWORK)


def teardown():
    must("ip", "netns", "del", NETWORK)


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


def of_network(*networks):
    """The guest's own network without an argument: one that criu saves takes it long."""
    return {"namespaces": [{"type": t} for t in ("pid", "mount", "ipc", "uts", "cgroup")] + list(networks)}


@contextlib.contextmanager
def counting(linux=None, **more):
    """A container that counts on a pipe, and runs."""
    pipe = Pipe()
    try:
        with box(*COUNT, linux={**of_network(), **(linux or {})}, **more) as c:
            code = c.attached("create", stdout=pipe.theirs)
            want(code == 0, f"create gives {code}: {pipe.numbers()} {pipe.text}")
            c.ok("start")
            eventually("it counts", lambda: len(pipe.numbers()) > 3)
            yield c, pipe
    finally:
        pipe.close()


def errors(path):
    return [line for line in path.read_text().splitlines() if "Error" in line][-6:] if path.exists() else []


def checkpoint(c, options="", images="images"):
    done = c.call(f"checkpoint {options} --image-path {c.folder / images} --work-path {c.folder}", timeout=SECONDS)
    want(done.code == 0 and not done.err, f"{done} {errors(c.folder / 'dump.log')}")


def restore(c, stdout, options=""):
    code = c.attached(f"restore --detach {options} --image-path {c.folder / 'images'} --work-path {c.folder}", SECONDS, stdout=stdout)
    want(code == 0, f"restore gives {code}: {errors(c.folder / 'restore.log')}")
    want(c.state()["status"] == "running", f"the state is {c.state()}")


@contextlib.contextmanager
def goes_on(c, pipe, options=""):
    """It is checkpointed and restored, and counts on, on another pipe."""
    checkpoint(c, options)
    before, after = pipe.numbers(), Pipe()
    want(c.call("state").code != 0, "it is still there")
    try:
        restore(c, after.theirs)
        eventually("it goes on counting", lambda: len(after.numbers()) > 3)
        now = after.numbers()
        want(now[0] - before[-1] in (0, 1) and now == list(range(now[0], now[0] + len(now))), f"{before} goes on as {now}")
        want(not after.text.translate(str.maketrans("", "", "0123456789\n")), f"more was written to its pipe: {after.text}")
        yield
    finally:
        after.close()


def one_line(done, text):
    want(done.code not in (0, "no end") and len(done.err.strip().splitlines()) == 1 and text in done.err, f"no '{text}' in: {done}")


@test("criu check passes")
def check():
    must("criu", "check")


@test("a container goes on after checkpoint and restore, with its limits, mounts, masks; exec, kill and delete work")
def everything():
    source = pathlib.Path("/run/dhow-source")
    source.mkdir(exist_ok=True)
    (source / "file").write_text("of the host\n")
    mounts = [{"destination": "/tmp", "type": "bind", "source": str(source), "options": ["bind", "rw"]},
              {"destination": "/etc/hostname", "type": "bind", "source": "/etc/hostname", "options": ["bind", "ro"]},
              {"destination": "/run", "type": "tmpfs", "source": "tmpfs"},
              {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro"]}]
    linux = {"maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/scsi", "/sys/firmware"], "readonlyPaths": ["/proc/sys", "/proc/irq"]}
    try:
        with counting(linux, mounts=mounts, resources={"memory": {"limit": 64 * MIB}, "pids": {"limit": 20}}) as (c, pipe):
            must(*c.argv("exec", c.name, "sh", "-c", "echo kept >/run/file"))
            with goes_on(c, pipe):
                c.want_file("memory.max", str(64 * MIB))
                c.want_file("pids.max", "20")
                want(str(c.state()["pid"]) in c.file("cgroup.procs").split(), "it is not in its group")
                out = must(*c.argv("exec", c.name, "sh", "-c", "cat /run/file /tmp/file; ls /sys/firmware; wc -c </proc/keys; echo x >/proc/sys/kernel/hostname; true"),
                           merged=True)
                want(out.startswith("kept\nof the host\n0\n") and "Read-only" in out, out)
                must(*c.argv("kill", c.name, "KILL"))
                eventually("it is stopped", lambda: c.state()["status"] == "stopped")
                c.ok("delete")
    finally:
        shutil.rmtree(source)


@test("--leave-running and --pre-dump leave it running, a dump has a parent, groups are left alone")
def parents():
    with counting() as (c, pipe):
        checkpoint(c, "--leave-running", "other")
        checkpoint(c, "--pre-dump", "before")
        before = len(pipe.numbers())
        eventually("it goes on counting", lambda: len(pipe.numbers()) > before + 3)
        want(c.state()["status"] == "running", f"the state is {c.state()}")
        with goes_on(c, pipe, "--parent-path ../before --manage-cgroups-mode ignore"):
            want(os.readlink(c.folder / "images/parent") == "../before", "there is no parent")


@test("a terminal goes to the console socket, again")
def terminal():
    mounts = [{"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666", "mode=0620"]}]
    with box(*ECHO, linux=of_network(), process={"terminal": True}, mounts=mounts) as c, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(c.folder / "console"))
        listener.listen(1)
        listener.settimeout(SECONDS)

        def accept():
            with listener.accept()[0] as s:
                fd = array.array("i", s.recvmsg(64, socket.CMSG_SPACE(4))[1][0][2][:4])[0]
            os.set_blocking(fd, False)
            return fd

        def speak(fd, word):
            text = bytearray()

            def heard():
                with contextlib.suppress(BlockingIOError):
                    text.extend(os.read(fd, 4096))
                return f"got {word}".encode() in text
            os.write(fd, f"{word}\n".encode())
            eventually("it answers", heard)
        code = c.attached(f"create --console-socket {c.folder / 'console'}")
        want(code == 0, c.output())
        c.ok("start")
        masters = [accept()]  # to close it is to hang up
        try:
            speak(masters[0], "one")
            checkpoint(c)
            restore(c, None, f"--console-socket {c.folder / 'console'}")
            masters.append(accept())
            speak(masters[1], "two")
        finally:
            for fd in masters:
                os.close(fd)


@test("a network namespace by its path is found again")
def network_path():
    path = f"/run/netns/{NETWORK}"
    with counting(of_network({"type": "network", "path": path})) as (c, pipe), goes_on(c, pipe):
        want(os.stat(f"/proc/{c.state()['pid']}/ns/net").st_ino == os.stat(path).st_ino, "it is in another")


@test("a network namespace of its own is restored")
def network_own():
    with counting(of_network({"type": "network"})) as (c, pipe), goes_on(c, pipe):
        out = must(*c.argv("exec", c.name, "ip", "address", "show", "lo"))
        want("127.0.0.1" in out and "UP" in out, out)


@test("what cannot be is one clear error, and leaves nothing")
def errors_of_use():
    with box(*COUNT) as c:
        empty = c.folder / "empty"
        empty.mkdir()
        for path, text in ((empty, "criu failed: restore"), (c.folder / "none", "No such file")):
            one_line(run(*c.argv("restore", "--detach", "--bundle", c.folder, "--image-path", path, c.name)), text)
            want(c.call("state").code != 0 and not c.group.exists(), "there is a container")
        c.create()
        c.ok("start")
        one_line(c.call(f"checkpoint --image-path {c.folder / 'images'} --parent-path ../none"), "--parent-path")
        want(not (c.folder / "images").exists(), "it makes the directory")


@test("T-restore: a directory of images is not believed")
def distrust():
    want_ours("rules for this")
    victim = pathlib.Path("/run/dhow-victim")
    victim.write_text("safe\n")
    with counting() as (c, pipe):
        images = c.folder / "images"
        images.mkdir()
        for name in ("descriptors.json", "pages-1.img", "core-1.img"):
            (images / name).symlink_to(victim)
        for name in ("dump.log", "stats-dump", "restore.log", "stats-restore"):
            (c.folder / name).symlink_to(victim)
        checkpoint(c)
        want(victim.read_text() == "safe\n", "a link was followed by the dump")
        (images / "config.json").write_text('{"annotations": {"evil": "1"}}')
        (images / "config.dump").write_text('{"annotations": {"evil": "1"}}')
        descriptors = images / "descriptors.json"
        kept = descriptors.read_text()
        for make in (lambda p: p.symlink_to(victim), os.mkfifo, lambda p: p.write_text("[" * 300000), lambda p: p.write_text('{"a": 1}')):
            descriptors.unlink()
            make(descriptors)
            one_line(run(*c.argv("restore", "--detach", "--bundle", c.folder, "--image-path", images, "--work-path", c.folder, c.name)),
                     "descriptors.json")
            want(c.call("state").code != 0 and not c.group.exists(), "there is a container")
        descriptors.unlink()
        descriptors.write_text(kept)
        (c.folder / "restore.log").symlink_to(victim)
        restore(c, pipe.theirs)
        want(victim.read_text() == "safe\n", "a link was followed by the restore")
        want("evil" not in str(c.state()), f"the state is {c.state()}")
    victim.unlink()
