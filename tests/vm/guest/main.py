# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the suites that the kernel's command line names, and tells the host over the port "dhow.results"."""
import importlib
import pathlib
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "/vm/guest")
import testlib  # noqa: E402


def results_port():
    for name in pathlib.Path("/sys/class/virtio-ports").glob("*/name"):
        if name.read_text().strip() == "dhow.results":
            return open(f"/dev/{name.parent.name}", "w", buffering=1)
    raise OSError("there is no port dhow.results")


def main():
    port = results_port()
    port.write("# hello\n")
    for suite in testlib.WORDS["dhow.suites"].split(","):
        try:
            module = importlib.import_module(re.sub(r"\W", "", suite))
            testlib.run_suite(suite, module, port)
        except Exception as e:  # a broken suite is a failure, not the end of the others
            port.write(f"not ok {suite}: the suite itself # {type(e).__name__}: {e}\n".replace("\n", " ").rstrip() + "\n")
    port.write("# end\n")


main()
