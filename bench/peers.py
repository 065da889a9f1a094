# SPDX-License-Identifier: GPL-2.0-or-later
"""What the benchmarks share: timing a command, pairing two, printing a row, a mount namespace without the v2 tree."""
import ctypes
import os
import statistics
import time

NULL = os.open("/dev/null", os.O_RDWR)
ERR = os.memfd_create("stderr")


class Failed(Exception):
    pass


def timed(argv, env):
    """Milliseconds from before the start to after the end of a command."""
    actions = [(os.POSIX_SPAWN_DUP2, NULL, fd) for fd in (0, 1)] + [(os.POSIX_SPAWN_DUP2, ERR, 2)]
    os.ftruncate(ERR, 0)
    os.lseek(ERR, 0, os.SEEK_SET)
    start = time.perf_counter_ns()
    pid = os.posix_spawn(argv[0], argv, env, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    took = (time.perf_counter_ns() - start) / 1e6
    if status:
        os.lseek(ERR, 0, os.SEEK_SET)
        raise Failed(f"{' '.join(argv[:3])}...: {os.read(ERR, 300).decode(errors='replace').strip()}")
    return took


def pairs(n, a, b):
    """n + 1 pairs, the first one not counted: it warms both."""
    rows = [(a(), b()) for _ in range(n + 1)][1:]
    return [x for x, _ in rows], [y for _, y in rows]


def summary(values):
    return f"{min(values):.1f} / {statistics.median(values):.1f}"


def print_row(what, peer, mine, theirs):
    ratio = statistics.median(y / x for x, y in zip(mine, theirs))
    print(f"| {what} | {summary(mine)} | {peer} | {summary(theirs)} | {ratio:.1f} x |", flush=True)


def leave_hybrid():
    """A mount namespace of our own; without the empty v2 tree when it stands beside v1."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x00020000) or libc.mount(b"none", b"/", None, 0x4000 | 0x40000, None):
        raise Failed("bench needs root")
    if os.path.ismount("/sys/fs/cgroup/unified"):
        libc.umount2(b"/sys/fs/cgroup/unified", 2)


def groups():
    return {os.path.join(base, f) for base, folders, _ in os.walk("/sys/fs/cgroup") for f in folders}
