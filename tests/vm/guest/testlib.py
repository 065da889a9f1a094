# SPDX-License-Identifier: GPL-2.0-or-later
"""What the guest's tests are written with. A suite is a module; its tests are functions marked @test("what holds")."""
import os
import pathlib
import re
import signal
import subprocess
import time
import traceback

CGROUP = pathlib.Path("/sys/fs/cgroup")
WORDS = dict(w.split("=", 1) for w in pathlib.Path("/proc/cmdline").read_text().split() if "=" in w)
PATIENCE = int(WORDS["dhow.patience"])  # how busy the host was at the start: without KVM we are as slow as that
TEST_SECONDS = 90 * PATIENCE
NOT_YET = re.compile(r"[\w.'-]+ is not supported yet|'\w+' is not a dhow-runtime command")
TESTS = {}  # module name: [(name, function)]


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def test(name):
    def mark(function):
        TESTS.setdefault(function.__module__, []).append((name, function))
        return function
    return mark


def skip(why):
    raise Skipped(why)


def want(condition, text):
    if not condition:
        raise Failed(text)


def load_modules(suite):
    for path in sorted(pathlib.Path("/vm/modules", suite).iterdir()):
        must("insmod", path)


class Done:
    """How a command ended."""

    def __init__(self, argv, code, out, err):
        self.argv, self.code, self.out, self.err = argv, code, out, err

    def __str__(self):
        return f"'{' '.join(self.argv)[:200]}' gives {self.code}: {self.out.strip()[-300:]} {self.err.strip()[-300:]}"


def run(*argv, timeout=30 * PATIENCE, stdin=None, env=None, user=None, merged=False, cwd="/"):
    """Files, not pipes: a container that goes on keeps none of ours open. `merged`: all that is printed is out."""
    argv = [str(a) for a in argv]
    fds = [os.memfd_create(n) for n in ("out", "err")]
    try:
        p = subprocess.Popen(argv, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL, stdout=fds[0], stderr=fds[0 if merged else 1],
                             env={**os.environ, **(env or {})}, user=user, group=user, extra_groups=[] if user else None, cwd=cwd)
        try:
            if stdin is not None:
                p.stdin.write(stdin.encode())
                p.stdin.close()
            code = p.wait(timeout)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            code = "no end"
        texts = [os.pread(fd, 1 << 20, 0).decode(errors="replace") for fd in fds]
    finally:
        for fd in fds:
            os.close(fd)
    return Done(argv, code, *texts)


def must(*argv, **more):
    done = run(*argv, **more)
    want(done.code == 0, str(done))
    return done.out


def eventually(what, predicate, seconds=30 * PATIENCE):
    """The first true value of the predicate."""
    end = time.monotonic() + seconds
    while True:
        value = predicate()
        if value:
            return value
        want(time.monotonic() < end, f"never came true: {what}")
        time.sleep(0.05)


def numbers(path):
    """A file of lines "KEY NUMBER"."""
    return {k: int(v) for k, v in (line.split() for line in pathlib.Path(path).read_text().splitlines())}


def status_of(pid, key):
    """A line of /proc/PID/status; None when there is no such process or line."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key + ":")), None)


def is_alive(pid):
    return (status_of(pid, "State") or "Z")[0] not in "ZX"


def groups():
    """Those of containers; a parent that was made for them stays."""
    return {p for p, _, _ in os.walk(CGROUP) if "/dhow" in os.path.dirname(p)}


def mounts():
    return sorted(line.split()[4] for line in open("/proc/self/mountinfo"))


def left_since(before):
    """What the test left; the kernel and who ends by himself get some time."""
    end = time.monotonic() + 5
    while True:
        left = sorted(groups() - before[0]) + [m for m in mounts() if m not in before[1]]
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.1)


def on_alarm(*_):
    raise Failed(f"no end in {TEST_SECONDS} s")


def run_test(function):
    """(word, why)."""
    before = groups(), mounts()
    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(TEST_SECONDS)
    try:
        function()
        signal.alarm(0)
        left = left_since(before)
        return ("not ok", "left: " + " ".join(left)) if left else ("ok", "")
    except Skipped as e:
        return "skip", str(e)
    except Failed as e:
        not_yet = NOT_YET.search(str(e))
        return ("skip", not_yet[0]) if not_yet else ("not ok", str(e))
    except Exception:
        return "not ok", traceback.format_exc(limit=-2)
    finally:
        signal.alarm(0)


def say(port, word, name, why):
    name = " ".join(name.replace("#", " ").split())
    why = " | ".join(line.strip() for line in why.splitlines() if line.strip())
    port.write(f"{word} {name}{' # ' + why if why else ''}\n")


def run_suite(suite, module, port):
    begin = time.monotonic()
    if getattr(module, "UNAVAILABLE", None):
        say(port, "skip", f"{suite}: the suite", module.UNAVAILABLE)
        return
    if hasattr(module, "results"):  # a suite that makes its results itself
        for word, name, why in module.results():
            say(port, word, f"{suite}: {name}", why)
    else:
        getattr(module, "setup", lambda: None)()
        for name, function in TESTS.get(module.__name__, ()):
            say(port, *(lambda r: (r[0], f"{suite}: {name}", r[1]))(run_test(function)))
        getattr(module, "teardown", lambda: None)()
    port.write(f"# {suite}: {time.monotonic() - begin:.1f} s in the guest\n")
