# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines under qemu's software emulation: no KVM, no network but ports of 127.0.0.1.

    python3 molecule/vm/machine.py up [SUITE...]     boot them, write the inventory, say where it is
    python3 molecule/vm/machine.py down              end what `up` started; the disks are thrown away

They boot anew every time, in 15 to 30 s.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import image

RUN = image.CACHE / "run"
WORDS = (
    "root=/dev/vda rootfstype=ext4 rw console=ttyS0 net.ifnames=0 psi=1 panic=-1 mitigations=off nowatchdog no_timer_check log_buf_len=4M "
    "random.trust_cpu=on quiet loglevel=4 systemd.show_status=0 "
    "module_blacklist=kvm,kvm_amd,kvm_intel,pcspkr,i2c_piix4,psmouse,floppy,parport_pc"
)
V1 = "systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1"
V2 = "systemd.unified_cgroup_hierarchy=1"  # Debian 11 boots its own hybrid otherwise
BOOT_LIMIT = 240.0


class Gone(Exception):
    """The machine has stopped; the text says whether its kernel panicked."""


class Machine:
    """One machine on an overlay of its suite's image, with two more disks for the tests of power cuts."""

    def __init__(self, suite: str, name: str = "", memory: int = 384, words: str = V2, folder: Path = RUN) -> None:
        self.suite = suite
        self.name = name or suite
        self.memory = memory
        self.words = words
        self.image = image.build(suite)
        self.folder = folder / self.name
        self.port = 0
        self.process: subprocess.Popen | None = None
        self.sockets = Path(tempfile.mkdtemp(prefix="vm-"))  # the path of a socket may not be long

    # ------------------------------------------------------------ power

    def create(self) -> Machine:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        make = [
            "qemu-img",
            "create",
            "-q",
            "-f",
            "qcow2",
            "-F",
            "qcow2",
            "-b",
            str(self.image.disk),
            str(self.folder / "disk.qcow2"),
        ]
        subprocess.run(make, check=True)
        for extra in ("data.raw", "after.raw"):
            with (self.folder / extra).open("wb") as disk:
                disk.truncate(320 << 20)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        return self

    def start(self) -> Machine:
        disks = [("disk.qcow2", "qcow2"), ("data.raw", "raw"), ("after.raw", "raw")]
        command = [
            "qemu-system-x86_64",
            "-name",
            self.name,
            "-accel",
            "tcg,thread=multi,tb-size=256",
            "-machine",
            "pc,usb=off,vmport=off,hpet=off",
        ]
        # Without cx16: TCG of qemu 7.2 spoils the flags after a cmpxchg16b now and then, and Linux 6.12 dies of a
        # double fault.
        command += [
            "-cpu",
            "Nehalem,+rdrand,-cx16",
            "-m",
            str(self.memory),
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-no-reboot",
        ]
        command += [
            "-kernel",
            str(self.image.kernel),
            "-initrd",
            str(self.image.initramfs),
            "-append",
            f"{WORDS} {self.words}",
            "-serial",
            "chardev:log",
        ]
        command += ["-chardev", f"file,id=log,append=on,path={self.folder / 'serial.log'}"]
        for number, (file, kind) in enumerate(disks):
            # A guest's flush reaches the file: a killed qemu is then a power cut, and no worse.
            command += [
                "-drive",
                f"file={self.folder / file},format={kind},if=none,id=d{number},cache=writeback",
                "-device",
                f"virtio-blk-pci,drive=d{number}",
            ]
        command += [
            "-netdev",
            f"user,id=n0,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:22",
            "-device",
            "virtio-net-pci,netdev=n0,romfile=",
        ]
        with (self.folder / "qemu.log").open("a") as log:
            # Its own session: ^C ends the tests, and those end the machine.
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.wait_for_ssh()
        return self

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def cut(self) -> None:
        """Pull the plug."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.hang_up()

    def hang_up(self) -> None:
        subprocess.run([*self.ssh(), "-O", "exit"], capture_output=True, check=False)

    def reboot(self) -> None:
        """A clean one. qemu ends instead of resetting, so that a panic is not taken for it."""
        self.root("systemctl reboot", check=False)
        self.hang_up()
        assert self.process is not None
        self.process.wait(BOOT_LIMIT)
        self.start()

    def destroy(self) -> None:
        self.cut()
        for name in ("disk.qcow2", "data.raw", "after.raw"):  # the logs stay
            (self.folder / name).unlink(missing_ok=True)
        shutil.rmtree(self.sockets, ignore_errors=True)

    # ------------------------------------------------------------ talk

    def ssh(self) -> list[str]:
        options = [
            "BatchMode=yes",
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
            "ConnectTimeout=20",
        ]
        options += [
            "ServerAliveInterval=15",
            "ServerAliveCountMax=20",
            "ControlMaster=auto",
            "ControlPersist=600",
            f"ControlPath={self.sockets}/ssh",
        ]
        return [
            "ssh",
            "-i",
            str(self.image.key),
            "-p",
            str(self.port),
            *(f"-o{o}" for o in options),
            "ansible@127.0.0.1",
        ]

    def root(self, command: str, check: bool = True, data: bytes = b"", timeout: float = 300.0) -> str:
        """What a command prints, as root by sudo."""
        done = subprocess.run(
            [*self.ssh(), f"sudo sh -c {shlex.quote(command)}"],
            input=data,
            capture_output=True,
            check=False,
            timeout=timeout,
        )
        if check and done.returncode:
            if not self.alive():
                raise Gone(self.last_words())
            raise RuntimeError(
                f"{self.name}: exit code {done.returncode} of {command!r}: {done.stderr.decode(errors='replace')[-800:]}"
            )
        return done.stdout.decode("utf-8", "surrogateescape")

    def put(self, folder: Path, path: str) -> None:
        """A folder of ours, as it is."""
        packed = subprocess.run(
            ["tar", "-C", str(folder), "--exclude=__pycache__", "-c", "."], capture_output=True, check=True
        ).stdout
        self.root(f"mkdir -p {path} && tar -x --no-same-owner -C {path}", data=packed)

    def wait_for_ssh(self) -> None:
        end = time.monotonic() + BOOT_LIMIT
        while time.monotonic() < end:
            if not self.alive():
                raise Gone(self.last_words())
            # The user network takes a connection at once; only an answer means that sshd is there.
            if (
                subprocess.run(
                    [*self.ssh(), "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False
                ).returncode
                == 0
            ):
                return
            time.sleep(0.3)
        raise Gone(f"{self.name}: no ssh after {BOOT_LIMIT:.0f} s; see {self.folder}/serial.log")

    def last_words(self) -> str:
        text = (self.folder / "serial.log").read_text(errors="replace") + (self.folder / "qemu.log").read_text(
            errors="replace"
        )
        return f"{self.name} has stopped; see {self.folder}/serial.log:\n" + "".join(text.splitlines(True)[-12:])

    def panicked(self) -> bool:
        return "Kernel panic" in (self.folder / "serial.log").read_text(errors="replace")

    def host(self) -> dict[str, object]:
        """Its row of an inventory."""
        common = [f"-o{o}" for o in ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")]
        kept = [
            f"-o{o}"
            for o in (
                "ControlMaster=auto",
                "ControlPersist=600",
                f"ControlPath={self.sockets}/ansible",
                "ServerAliveInterval=15",
            )
        ]
        return {
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": "ansible",
            "ansible_become": True,
            "ansible_ssh_private_key_file": str(self.image.key),
            "ansible_ssh_common_args": " ".join(common),
            "ansible_ssh_args": " ".join([*kept, "-oServerAliveCountMax=20"]),
            "ansible_ssh_timeout": 60,
            "ansible_pipelining": True,
            "ansible_python_interpreter": "/usr/bin/python3",
        }


def inventory(machines: list[Machine], path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"all": {"hosts": {m.name: m.host() for m in machines}}}, indent=1))
    return path


def up(suites: list[str]) -> None:
    with ThreadPoolExecutor(2) as pool:
        machines = list(pool.map(lambda suite: Machine(suite).create().start(), suites or image.SUITES))
    (RUN / "pids.json").write_text(json.dumps({m.name: m.process.pid for m in machines if m.process}))
    print(inventory(machines, RUN / "hosts.json"))


def down() -> None:
    if not (RUN / "pids.json").is_file():
        return
    for name, pid in json.loads((RUN / "pids.json").read_text()).items():
        try:
            if f"{RUN / name}".encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGTERM)
        except OSError:
            pass  # it has ended
    shutil.rmtree(RUN, ignore_errors=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["up"]:
        up(sys.argv[2:])
    elif sys.argv[1:] == ["down"]:
        down()
    else:
        raise SystemExit(__doc__)
