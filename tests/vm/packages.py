# SPDX-License-Identifier: GPL-2.0-or-later
"""What the guest has of Debian: packages that are fetched and unpacked into build-check/vm, never installed.

The rest of the guest's userland are files of this machine (image.py); these are what a machine that runs tests should not need
to have installed: another kernel, an init system, AppArmor's tools. A library that one of them needs and that build machines
may lack stands in the list too; image.py says so when one is missing.
"""
import pathlib
import re
import subprocess

KERNEL = "linux-image-cloud-amd64"
USERLAND = ("apparmor", "systemd", "libsystemd-shared", "dbus", "dbus-daemon", "dbus-system-bus-common", "dbus-session-bus-common",
            "dbus-user-session", "libapparmor1", "libargon2-1", "libcap-ng0", "libcryptsetup12", "libdbus-1-3", "libdevmapper1.02.1",
            "libexpat1", "libfdisk1", "libip4tc2", "libkmod2", "criu", "libbsd0", "libedit2", "libjansson4", "libmd0", "libmnl0", "libnet1",
            "libnftables1", "libnftnl11", "libnl-3-200", "libprotobuf-c1", "libxtables12")
KERNEL_FILES = ("./boot/vmlinuz-*", "./lib/modules/*/kernel/drivers", "./lib/modules/*/kernel/fs", "./lib/modules/*/kernel/lib",
                "./lib/modules/*/kernel/net", "./lib/modules/*/kernel/crypto", "./lib/modules/*/kernel/arch")


class Unavailable(Exception):
    """Something that this machine has not and cannot fetch: a skip, not a failure."""


def run(*argv, cwd=None):
    return subprocess.run([str(a) for a in argv], cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=180)


def real_kernel():
    """The package that the ever newest kernel's package depends on."""
    shown = run("apt-cache", "show", "--no-all-versions", KERNEL)
    match = re.search(r"^Depends: (linux-image-\S+)", shown.stdout, re.M)
    return match[1] if match else None


def download(folder, names):
    argv = ("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *names)
    return run(*argv, cwd=folder)


def fetch(folder, wanted):
    """Downloads what is missing of `wanted`, a function that gives names; the lists on the disk may be old or missing."""
    names = wanted()
    done = download(folder, names) if None not in names else None
    if done is None or done.returncode:
        run("apt-get", "-q", "update")
        names = wanted()
        if None in names:
            raise Unavailable(f"apt knows no package {KERNEL}")
        done = download(folder, names)
    if done.returncode:
        raise Unavailable("apt-get download: " + (done.stdout.strip().splitlines() or ["failed"])[-1])


def deb(folder, name):
    found = sorted(folder.glob(f"{name}_*.deb"))
    return found[-1] if found else None


def unpack(package, folder, patterns=()):
    """Into `folder`, which appears as a whole or not at all."""
    new = folder.with_name(folder.name + ".new")
    subprocess.run(["rm", "-rf", new, folder], check=True)
    new.mkdir(parents=True)
    tar = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE)
    argv = ["tar", "-x", "-C", new, "-f", "-"] + (["--wildcards", *patterns] if patterns else [])
    subprocess.run(argv, stdin=tar.stdout, check=True, stderr=subprocess.DEVNULL if patterns else None)
    if tar.wait():
        raise Unavailable(f"{package.name} cannot be unpacked")
    new.rename(folder)


def ensure(place):
    """(folder of the kernel, [folder of each other package]); raises Unavailable."""
    debs = pathlib.Path(place, "debs")
    debs.mkdir(parents=True, exist_ok=True)

    def wanted():
        kernel = [] if deb(debs, "linux-image-*-cloud-amd64") else [real_kernel()]
        return kernel + [n for n in USERLAND if not deb(debs, n)]
    if wanted():
        fetch(debs, wanted)
    folders = []
    for name, patterns in [("linux-image-*-cloud-amd64", KERNEL_FILES)] + [(n, ()) for n in USERLAND]:
        package = deb(debs, name)
        folder = pathlib.Path(place, "unpacked", package.stem)
        if not folder.exists():
            unpack(package, folder, patterns)
        folders.append(folder)
    return folders[0], folders[1:]
