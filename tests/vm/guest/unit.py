# SPDX-License-Identifier: GPL-2.0-or-later
"""The unit tests that ask the kernel, where it has everything: each case is a result."""
import concurrent.futures
import pathlib
import re
import time

import testlib

CASE = re.compile(r"^\[\s+(OK|FAILED|SKIPPED)\s+\] (\S+)$", re.M)
WORDS = {"OK": "ok", "FAILED": "not ok", "SKIPPED": "skip"}


def run_program(path):
    begin = time.monotonic()
    return path, testlib.run(path, timeout=testlib.TEST_SECONDS, merged=True, cwd="/vm"), time.monotonic() - begin


def results():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for path, done, seconds in pool.map(run_program, sorted(pathlib.Path("/vm/units").iterdir())):
            name = path.name.removesuffix("_test").replace("_", "/", 1)
            cases = {case: word for word, case in CASE.findall(done.out)}
            print(f"{name}: {seconds:.1f} s", flush=True)
            for case, word in cases.items():
                yield WORDS[word], f"{name}: {case}", reason(done.out, case) if word != "OK" else ""
            if done.code != 0 and "FAILED" not in cases.values():
                yield "not ok", f"{name}: the program", str(done)


def reason(text, case):
    """What was printed while the case ran."""
    match = re.search(rf"^\[ RUN +\] {case}$(.*?)^\[ +(?:FAILED|SKIPPED) +\] {case}$", text, re.M | re.S)
    return match[1].strip()[-600:] if match else "no reason given"
