# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's files: a small initramfs that finds the disk, and an ext4 image with a Debian-like userland and the tests.

Files come from this machine (programs of the build, python, busybox, util-linux and the libraries that ldd names) and from
the unpacked packages of packages.py. An image is made again when a file that goes into it is another one.
"""
import hashlib
import os
import pathlib
import shutil
import subprocess
import sysconfig
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
BUSYBOX = pathlib.Path("/bin/busybox")
MODULES = ("virtio_pci", "virtio_blk", "virtio_console")  # before the root file system
LATE_MODULES = ("overlay", "veth", "dummy")  # by guest/prepare
SUITE_MODULES = {"checkpoint": ("nf_tables", "unix_diag", "tcp_diag", "udp_diag", "raw_diag", "af_packet_diag", "netlink_diag", "tun",
                               "nf_conntrack_netlink")}
PROGRAMS = ("bash", "dash", "mount", "umount", "unshare", "nsenter", "setpriv", "python3", "prlimit", "ip", "ldconfig", "tar", "gzip")
PACKAGES_LEFT_OUT = ("doc", "man", "locale", "lintian", "bug", "catalog", "bash-completion", "zsh", "tmpfiles.d", "sysusers.d",
                     "system-generators", "user-generators", "hwdb.d", "include", "compel", "dist-packages", "pkgconfig")
PYTHON_LEFT_OUT = ("test", "idlelib", "lib2to3", "tkinter", "ensurepip", "pydoc_data", "distutils", "dist-packages", "unittest")
UNITS = ("cgroup_", "runtime_", "sys_", "seccomp_")  # programs whose tests ask the kernel
TEXTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nmessagebus:x:100:100::/:/bin/false\napp:x:1000:1000:app:/home/app:/bin/sh\n"
                  "nobody:x:65534:65534::/:/bin/false\n",
    "etc/group": "root:x:0:\nmessagebus:x:100:\napp:x:1000:\nnogroup:x:65534:\n",
    "etc/subuid": "app:100000:65536\n",
    "etc/subgid": "app:100000:65536\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "etc/hosts": "127.0.0.1 localhost\n",
    "etc/hostname": "guest\n",
    "etc/os-release": 'ID=debian\nPRETTY_NAME="dhow test guest"\n',
    "etc/machine-id": "6d1f1c9e5b0e4c0e9a53c2f5b1d5a0aa\n",
    "etc/fstab": "",
    "etc/criu/default.conf": "network-lock nftables\n",  # which needs no iptables
}
FOLDERS = ("proc", "sys", "dev", "run", "tmp", "root", "home/app", "var/tmp", "var/log", "vm/units", "mnt", "etc")
BASE_SIZE_MIB = 96  # free space beside the files


def kernel_modules(kernel, names):
    """The files of these modules and of what they depend on, in the order of loading."""
    files = {p.stem.replace("-", "_"): p for p in kernel.glob("lib/modules/*/kernel/**/*.ko")}
    ordered = []

    def add(name):
        path = files.get(name)
        if not path or path in ordered:  # what is no file is built in
            return
        for field in path.read_bytes().split(b"\0"):
            if field.startswith(b"depends="):
                for needed in filter(None, field[8:].decode().split(",")):
                    add(needed.replace("-", "_"))
        ordered.append(path)
    for name in names:
        add(name)
    return ordered


# ---- the initramfs ----
def cpio(entries):
    """An archive of (name, mode, bytes) in the "newc" form, cpio(5)."""
    out = bytearray()
    for number, (name, mode, data) in enumerate(entries + [("TRAILER!!!", 0, b"")], 1):
        raw = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0)
        for part in (b"070701" + b"".join(b"%08X" % f for f in fields) + raw, data):
            out += part
            out += b"\0" * (-len(out) % 4)
    return bytes(out)


def make_initramfs(kernel):
    entries = [(name, 0o40755, b"") for name in ("bin", "dev", "proc", "sys", "modules", "newroot")]
    entries += [("bin/busybox", 0o100755, BUSYBOX.read_bytes()), ("init", 0o100755, (HERE / "guest/init").read_bytes())]
    for i, path in enumerate(kernel_modules(kernel, MODULES)):
        entries.append((f"modules/{i:02}-{path.name}", 0o100644, path.read_bytes()))
    return cpio(entries)


# ---- the root file system ----
class Tree:
    """{path in the guest: source on this machine}; a source is a path, or bytes."""

    def __init__(self):
        self.files = {}
        self.links = {}

    def add(self, name, source):
        self.files[str(name).lstrip("/")] = source

    def add_folder(self, prefix, folder, left_out=()):
        for base, folders, names in os.walk(folder):
            folders[:] = sorted(n for n in folders if n not in left_out)
            names = [n for n in names if not n.endswith(".a")]
            for name in sorted(names) + [n for n in folders if os.path.islink(os.path.join(base, n))]:
                path = pathlib.Path(base, name)
                guest = pathlib.Path(prefix, path.relative_to(folder))
                if path.is_symlink():
                    self.links[merged(guest)] = os.readlink(path)
                else:
                    self.add(merged(guest), path)

    def key(self):
        """Changes when anything that goes in does."""
        digest = hashlib.sha256()
        for name, source in sorted(self.files.items()):
            if isinstance(source, bytes):
                what = hashlib.sha256(source).hexdigest()
            else:
                s = os.stat(source)
                what = f"{source} {s.st_size} {s.st_mtime_ns} {s.st_mode:o}"
            digest.update(f"{name} {what}\n".encode())
        digest.update(repr(sorted(self.links.items())).encode())
        return digest.hexdigest()[:16]

    def write(self, root):
        for name in FOLDERS + ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64"):
            (root / name).mkdir(parents=True, exist_ok=True)
        for name in ("bin", "sbin", "lib", "lib64"):
            (root / name).symlink_to("usr/" + name)
        (root / "tmp").chmod(0o1777)
        os.chown(root / "home/app", 1000, 1000)
        for name, source in self.files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(source, bytes):
                path.write_bytes(source)
            else:
                shutil.copyfile(source, path)
                path.chmod(os.stat(source).st_mode & 0o7777)
        for name, target in self.links.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.is_symlink() and not path.exists():
                path.symlink_to(target)


def merged(path):
    """/bin is a link to /usr/bin in the guest."""
    parts = pathlib.PurePath(str(path).lstrip("/")).parts
    return str(pathlib.PurePath("usr", *parts)) if parts and parts[0] in ("bin", "sbin", "lib", "lib64") else str(pathlib.PurePath(*parts))


def is_elf(path):
    with open(path, "rb") as f:
        return f.read(4) == b"\x7fELF"


def add_libraries(tree, package_folders):
    """The libraries of every program in the tree, by ldd; the packages' own come first."""
    own = [str(f) for p in package_folders for f in (p / "usr/lib/x86_64-linux-gnu", p / "lib/x86_64-linux-gnu") if f.is_dir()]
    own_names = {os.path.basename(n) for n in list(tree.files) + list(tree.links)}
    programs = sorted({str(s) for s in tree.files.values() if not isinstance(s, bytes) and is_elf(s)})
    out = subprocess.run(["ldd", *programs], env={**os.environ, "LD_LIBRARY_PATH": ":".join(own)}, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    for line in out.splitlines():
        words = line.split()
        if words and os.path.basename(words[0]) in own_names:
            continue
        if line.endswith("not found") and "=>" in words:
            raise RuntimeError(f"the guest has no library {words[0]}: add its package to tests/vm/packages.py")
        path = words[2] if len(words) > 2 and words[1] == "=>" else words[0] if words and words[0].startswith("/") else ""
        if not path.startswith("/") or path.startswith(tuple(own)) or path.endswith(":"):
            continue
        tree.add(merged(path), pathlib.Path(path).resolve())


def busybox_applets():
    names = subprocess.run([BUSYBOX, "--list"], check=True, capture_output=True, text=True).stdout.split()
    return [n for n in names if n != "busybox"]


def add_host_programs(tree):
    for name in PROGRAMS + tuple(filter(None, [os.environ.get("VM_RUNTIME")])):
        path = shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin")
        if path:
            tree.add(merged(path), pathlib.Path(path).resolve())
    tree.links["usr/bin/sh"] = "dash"
    tree.add("usr/bin/busybox", BUSYBOX)
    for name in busybox_applets():
        if f"usr/bin/{name}" not in tree.files and f"usr/sbin/{name}" not in tree.files:
            tree.links.setdefault(f"usr/bin/{name}", "busybox")
    python = pathlib.Path(sysconfig.get_path("stdlib"))
    tree.add_folder(python, python, PYTHON_LEFT_OUT + tuple(p.name for p in python.glob("config-*")))
    for name in pathlib.Path("/usr/lib/x86_64-linux-gnu").glob("libnss_files.so*"):
        tree.add(merged(name), name.resolve())


def add_programs(tree, build):
    for path in sorted((build / "bin").iterdir()):
        tree.add(f"usr/bin/{path.name}", path)
    for path in sorted((build / "tests").glob("*_test")):
        if path.name.startswith(UNITS):
            tree.add(f"vm/units/{path.name}", path)


def add_rootfs(tree, prefix):
    """What bundles have as their root: busybox, and nothing that a container would change."""
    tree.add(f"{prefix}/bin/busybox", BUSYBOX)
    for name in busybox_applets():
        tree.links[f"{prefix}/bin/{name}"] = "busybox"
    for name in ("passwd", "group"):
        tree.add(f"{prefix}/etc/{name}", TEXTS[f"etc/{name}"].encode())
    for name in ("proc", "sys", "dev", "run", "tmp", "huge", "forbidden"):
        tree.add(f"{prefix}/{name}/.keep", b"")


def container_image(place):
    """An archive for `dhow load`."""
    out, tool = place / "busybox.tar", TOP / "tools/make-image"
    if not out.exists() or out.stat().st_mtime < tool.stat().st_mtime:
        new = place / "busybox.tar.new"
        subprocess.run([tool, "--format", "docker-archive", "--name", "localhost/test/busybox:1", "busybox", new], check=True)
        new.rename(out)
    return out


def collect(build, kernel, package_folders, place):
    tree = Tree()
    for folder in package_folders:
        tree.add_folder("", folder, PACKAGES_LEFT_OUT)
    # Nothing that a package would have started at boot, but what the tests' own units ask for, and the user's bus.
    tree.links = {n: t for n, t in tree.links.items() if ".wants/" not in n or n.endswith("user/sockets.target.wants/dbus.socket")}
    add_host_programs(tree)
    add_programs(tree, build)
    add_libraries(tree, package_folders)
    for name, text in TEXTS.items():
        tree.add(name, text.encode())
    for folder, names in {"late": LATE_MODULES, **SUITE_MODULES}.items():
        for i, path in enumerate(kernel_modules(kernel, names)):
            tree.add(f"vm/modules/{folder}/{i:02}-{path.name}", path)
    for path in sorted((HERE / "guest/systemd").iterdir()):
        tree.add(f"etc/systemd/{'' if path.suffix == '.conf' else 'system/'}{path.name}", path)
    tree.add_folder("vm/docs", TOP / "docs")  # some unit tests compare with them
    tree.add_folder("vm/guest", HERE / "guest", ("__pycache__",))
    add_rootfs(tree, "vm/rootfs")
    tree.add("vm/busybox.tar", container_image(place))
    return tree


def make_disk(tree, out):
    with tempfile.TemporaryDirectory(dir=out.parent, prefix="tree.") as folder:
        root = pathlib.Path(folder, "root")
        root.mkdir()
        tree.write(root)
        used = sum((p.lstat().st_size + 4095) // 4096 * 4096 for p in root.rglob("*"))
        size = used // (1 << 20) * 11 // 10 + BASE_SIZE_MIB
        new = out.with_suffix(".new")
        subprocess.run(["mkfs.ext4", "-q", "-F", "-d", root, "-E", "root_owner=0:0", "-O", "^has_journal", "-m", "0", new, f"{size}M"],
                       check=True, stdin=subprocess.DEVNULL, capture_output=True)
        new.rename(out)


def ensure(build, kernel, package_folders, place):
    """(initramfs, disk): made when they are missing; older ones go."""
    tree = collect(build, kernel, package_folders, place)
    disk = place / f"disk-{tree.key()}.ext4"
    if not disk.exists():
        make_disk(tree, disk)
    small = make_initramfs(kernel)
    initramfs = place / f"initramfs-{hashlib.sha256(small).hexdigest()[:16]}.cpio"
    if not initramfs.exists():
        new = initramfs.with_suffix(".new")
        new.write_bytes(small)
        new.rename(initramfs)
    for old in [*place.glob("disk-*"), *place.glob("initramfs-*")]:
        if old not in (disk, initramfs):
            old.unlink()
    return initramfs, disk
