# SPDX-License-Identifier: GPL-2.0-or-later
"""Bundles of busybox, and the OCI runtime under test: dhow-runtime, or what the kernel's command line says (dhow.runtime=)."""
import contextlib
import functools
import itertools
import json
import os
import pathlib
import shutil
import subprocess

from testlib import CGROUP, PATIENCE, WORDS, Failed, run, skip, want

PLACE = pathlib.Path("/run/dhow-bundles")
ROOTFS = "/vm/rootfs"
DISK = "/dev/vdb"  # no data behind it: what is slow there is slow by a limit
SLEEP = ("sleep", "1000")
BUSY = ("sh", "-c", "while :; do :; done")
MIB = 1 << 20
CAPABILITIES = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_MKNOD", "CAP_SETGID", "CAP_SETUID"]
RUNTIME = WORDS.get("dhow.runtime", "dhow-runtime")
IS_OURS = RUNTIME == "dhow-runtime"
counter = itertools.count(1)


def there_is_a_runtime():
    return shutil.which(RUNTIME) is not None


def device_number(path):
    return tuple(int(x) for x in pathlib.Path("/sys/class/block", pathlib.Path(path).name, "dev").read_text().split(":"))


@functools.cache
def features():
    done = run(RUNTIME, "features")
    return json.loads(done.out) if done.code == 0 else {}


def want_feature(*path):
    """Skips what our runtime does not claim to do; another one is taken at no word."""
    value = features()
    if not value:
        return  # it cannot tell
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if IS_OURS and not value:
        skip(f"{RUNTIME} features does not say {'.'.join(path)}")


def eat(mib):
    return ("dd", "if=/dev/zero", "of=/dev/null", f"bs={mib}M", "count=1")


def config(args, *, group, resources=None, linux=None, process=None, mounts=(), **top):
    """config.json as `spec` would make it, without a terminal."""
    capabilities = {kind: CAPABILITIES for kind in ("bounding", "effective", "permitted")}
    namespaces = [{"type": t} for t in ("pid", "mount", "ipc", "uts", "network", "cgroup")]
    return {
        "ociVersion": "1.0.2",
        "root": {"path": ROOTFS},
        "process": {"args": list(args), "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}, "capabilities": capabilities,
                    **(process or {})},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                   {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
                   {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]},
                   *mounts],
        "linux": {"namespaces": namespaces, **({"cgroupsPath": group} if group else {}), **({"resources": resources} if resources else {}),
                  **(linux or {})},
        **top,
    }


def rootless(user):
    """Parts of a configuration: a user namespace whose root is this user."""
    mapping = [{"containerID": 0, "hostID": user, "size": 1}]
    namespaces = [{"type": t} for t in ("user", "pid", "mount", "ipc", "uts", "network", "cgroup")]
    return {"root": {"path": ROOTFS, "readonly": True}, "linux": {"namespaces": namespaces, "uidMappings": mapping, "gidMappings": mapping}}


class Container:
    """One container of a bundle of its own; what it prints is in `output()`."""

    def __init__(self, name, folder, group, words=(), user=None, prefix=()):
        self.name, self.folder, self.words, self.user, self.prefix = name, folder, words, user, prefix
        self.env = {}
        self.group = CGROUP / group.lstrip("/") if group else None

    def argv(self, *args):
        return (*self.prefix, RUNTIME, "--root", str(self.folder / "state"), *self.words, *args)

    def call(self, verb, *args, **more):
        """`verb` is "update --memory 5" or ("update", ...): the id comes after the options."""
        return run(*self.argv(*verb.split(), *args, self.name), user=self.user, env=self.env, **more)

    def ok(self, verb, *args, **more):
        done = self.call(verb, *args, **more)
        want(done.code == 0, str(done))
        return done.out

    def attached(self, verb, timeout=30 * PATIENCE, stdout=None):
        """create, run or restore: the container's output goes to a file, the runtime's errors too."""
        with open(self.folder / "out", "ab") as out:
            p = subprocess.Popen(self.argv(*verb.split(), "--bundle", str(self.folder), self.name), stdin=subprocess.DEVNULL, stdout=stdout or out,
                                 stderr=stdout or out, user=self.user, group=self.user, extra_groups=[] if self.user else None, cwd="/",
                                 env={**os.environ, **self.env})
            try:
                return p.wait(timeout)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
                raise Failed(f"{verb} does not end: {self.output()}") from None

    def create(self):
        code = self.attached("create")
        want(code == 0, f"create gives {code}: {self.output()}")

    def up(self):
        self.create()
        self.ok("start")

    def run(self):
        """The exit code of `run` in the foreground."""
        return self.attached("run")

    def output(self):
        return (self.folder / "out").read_text(errors="replace").strip()[-600:]

    def state(self):
        return json.loads(self.ok("state"))

    def file(self, name):
        return (self.group / name).read_text().strip()

    def want_file(self, name, text):
        have = self.file(name)
        want(have == text, f"{name} is '{have}', not '{text}'")

    def update(self, resources):
        self.ok("update --resources -", stdin=json.dumps(resources))


@contextlib.contextmanager
def box(*args, group="/dhow-vm/{name}", words=(), user=None, prefix=(), **more):
    """A container that is not created yet; it is deleted at the end, whatever it is then. `user` calls the runtime: `prefix`
    is a command that becomes him by itself."""
    name = f"c{next(counter)}"
    group = group.format(name=name) if group else None
    folder = PLACE / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config(args or SLEEP, group=group, **more)))
    if user:
        for path in (folder, folder / "config.json"):
            os.chown(path, user, user)
    c = Container(name, folder, group if group and ":" not in group else None, words, None if prefix else user, prefix)
    try:
        yield c
    finally:
        c.call("delete --force")
        shutil.rmtree(folder, ignore_errors=True)
    if c.group:
        want(not c.group.exists(), f"delete leaves {c.group}")


def setup():
    PLACE.mkdir(parents=True, exist_ok=True)


def want_ours(what):
    if not IS_OURS:
        skip(f"{RUNTIME} has no {what}")
