# SPDX-License-Identifier: GPL-2.0-or-later
"""dhow's containers have limits that limit, on a pure v2 machine."""
import json
import pathlib
import shutil

from testlib import CGROUP, eventually, must, numbers, run, test, want

PLACE = "/dev/shm/dhow-test"
IMAGE = "localhost/test/busybox:1"


def dhow(*args):
    return ("dhow", "--root", PLACE + "/root", "--runroot", PLACE + "/run", *args)


def setup():
    must(*dhow("load", "-q", "-i", "/vm/busybox.tar"))


def teardown():
    shutil.rmtree(PLACE, ignore_errors=True)


def inspect(name):
    return json.loads(must(*dhow("inspect", name)))[0]


@test("a container above --memory is killed, and inspect says so")
def memory():
    done = run(*dhow("run", "--name", "eater", "--network", "none", "--memory", "32m", IMAGE, "dd", "if=/dev/zero", "of=/dev/null", "bs=100M", "count=1"))
    want(done.code == 137, str(done))
    state = inspect("eater")["State"]
    want(state["OOMKilled"] is True, f"State is {state}")
    must(*dhow("rm", "eater"))
