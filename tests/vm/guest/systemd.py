# SPDX-License-Identifier: GPL-2.0-or-later
"""The control groups of systemd, which is PID 1 in this boot."""
from testlib import must, test, want


@test("systemd runs and answers on its bus")
def answers():
    out = must("busctl", "get-property", "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "Version")
    want(out.startswith('s "252'), out)


@test("a plain user has a manager of his own")
def user_manager():
    must("systemctl", "start", "user@1000.service")
    out = must("systemctl", "--user", "show", "-p", "ControlGroup", user="app", env={"XDG_RUNTIME_DIR": "/run/user/1000"})
    want("user@1000.service" in out, out)
    must("systemctl", "stop", "user@1000.service")
