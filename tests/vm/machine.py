# SPDX-License-Identifier: GPL-2.0-or-later
"""One QEMU machine: starts it, hands on what the guest says line by line, and ends it.

A PC with PCI, because Debian's cloud kernel finds its clock and its devices there without help, at no cost in time beside a
microvm (2 s to init under TCG). Results come over a virtio port, kernel messages over the serial line into a file.
"""
import ctypes
import os
import pathlib
import select
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)
QEMU = "qemu-system-x86_64"
FIRMWARE = ("/usr/share/qemu/qboot.rom", "/usr/share/seabios/bios-256k.bin")
COMMAND_LINE = ("console=ttyS0 loglevel=4 panic=-1 mitigations=off random.trust_cpu=on cryptomgr.notests i8042.noaux i8042.nokbd "
                "tsc=reliable no_timer_check apparmor=1 security=apparmor psi=1 net.ifnames=0")
PROBE_SECONDS = 6


def arguments(accel, kernel_image):
    firmware = next((f for f in FIRMWARE if os.path.exists(f)), None)
    cpu = "host" if accel == "kvm" else "max"
    return [QEMU, "-accel", accel, "-M", "q35", "-cpu", cpu, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            *(["-bios", firmware] if firmware else []), "-kernel", str(kernel_image)]


def start(argv, **more):
    """It goes when we do, even if we are killed."""
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL), **more)


class Probe:
    """Does KVM boot a kernel here? (Nested, it may start and then stand still.) A kernel without a root panics and reboots,
    which ends this machine; the answer is kept for this boot of the host."""

    def __init__(self, kernel_image, place):
        boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        self.answer = pathlib.Path(place, f"accel-{boot}")
        self.process = None
        if self.answer.exists() or not os.access("/dev/kvm", os.R_OK | os.W_OK):
            return
        for old in pathlib.Path(place).glob("accel-*"):
            old.unlink()
        self.end = time.monotonic() + PROBE_SECONDS
        self.process = start([*arguments("kvm", kernel_image), "-m", "256", "-append", "panic=-1 quiet"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def accel(self):
        if self.process:
            try:
                word = "kvm" if self.process.wait(max(0, self.end - time.monotonic())) == 0 else "tcg"
            except subprocess.TimeoutExpired:
                word = "tcg"
            self.close()
            self.answer.write_text(word)
        return self.answer.read_text() if self.answer.exists() else "tcg"

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


class Machine:
    """with Machine(...) as m: for line in m.lines(deadline): ..."""

    def __init__(self, accel, kernel_image, initramfs, disk, words, serial):
        ours, theirs = socket.socketpair()
        argv = [*arguments(accel, kernel_image), "-smp", "2", "-m", "1536",
                "-object", "memory-backend-ram,id=m0,size=1024M", "-object", "memory-backend-ram,id=m1,size=512M",
                "-numa", "node,cpus=0,memdev=m0", "-numa", "node,cpus=1,memdev=m1", "-initrd", str(initramfs),
                "-append", " ".join([COMMAND_LINE, *words]),
                "-drive", f"file={disk},if=none,id=root,format=raw,snapshot=on,cache=unsafe", "-device", "virtio-blk-pci,drive=root",
                "-blockdev", "null-co,node-name=scratch,size=67108864,read-zeroes=on", "-device", "virtio-blk-pci,drive=scratch",
                "-device", "virtio-serial-pci", "-chardev", f"socket,id=results,fd={theirs.fileno()}",
                "-device", "virtserialport,chardev=results,name=dhow.results", "-serial", f"file:{serial}"]
        self.serial, self.errors = pathlib.Path(serial), pathlib.Path(f"{serial}.errors")
        self.socket = ours
        with open(self.errors, "wb") as errors:
            self.process = start(argv, stdout=errors, stderr=errors, pass_fds=[theirs.fileno()])
        theirs.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
        self.socket.close()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def lines(self, deadline):
        """What the guest writes until it is off; raises TimeoutError at the deadline."""
        text = b""
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                raise TimeoutError
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return
            *whole, text = (text + data).split(b"\n")
            yield from (line.decode(errors="replace") for line in whole)

    def last_words(self, count=12):
        """Why it may have ended: the kernel's and QEMU's last lines."""
        self.end()
        texts = [p.read_text(errors="replace") for p in (self.serial, self.errors) if p.exists()]
        return [line.strip("\r\0 ") for text in texts for line in text.strip().splitlines()][-count:]
