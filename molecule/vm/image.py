# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian disks with real kernels: built once by mmdebstrap, kept until this recipe changes.

    python3 molecule/vm/image.py [SUITE...]

The archive is the one that this machine's apt uses; no other machine is asked. Debian's cloud kernels have ext4 built
in and virtio as modules: a small initramfs loads these. (NVMe is built in, too. qemu's own loses an interrupt on a busy
machine now and then, and three of them change their names from boot to boot.)
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("MEMOPS_VM_CACHE") or HERE.parent.parent / ".cache" / "vm").absolute()
SUITES = ("bullseye", "bookworm", "trixie")
PACKAGES = """
systemd systemd-sysv systemd-journal-remote dbus udev python3 openssh-server sudo iproute2 procps kmod util-linux rsyslog e2fsprogs xfsprogs
busybox-static earlyoom
""".split()
EXTRA = {"bookworm": ["systemd-oomd"], "trixie": ["systemd-oomd"]}  # Debian 11 has no systemd-oomd

# What a boot of a test machine can do without.
MASKED = """
apt-daily.timer apt-daily-upgrade.timer cron.service dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
getty@tty1.service serial-getty@ttyS0.service logrotate.timer man-db.timer modprobe@drm.service modprobe@dm_mod.service
modprobe@efi_pstore.service modprobe@loop.service systemd-binfmt.service systemd-journal-remote.socket systemd-logind.service
systemd-networkd.service systemd-networkd.socket systemd-networkd-wait-online.service systemd-pstore.service systemd-timesyncd.service
xfs_scrub_all.timer
""".split()

# A daemon-reload runs all generators; only fstab's has anything to do here.
GENERATORS = """
systemd-bless-boot-generator systemd-cryptsetup-generator systemd-debug-generator systemd-getty-generator systemd-gpt-auto-generator
systemd-hibernate-resume-generator systemd-integritysetup-generator systemd-rc-local-generator systemd-run-generator systemd-ssh-generator
systemd-system-update-generator systemd-sysv-generator systemd-tpm2-generator systemd-veritysetup-generator
""".split()

FILES = {
    "etc/apt/sources.list": "",
    "etc/fstab": "# the root is mounted by the kernel\ntmpfs   /srv\ttmpfs nofail,size=1m  0 0 # a line that is not ours\n",
    "etc/sudoers.d/ansible": "ansible ALL=(ALL) NOPASSWD:ALL\n",
    "etc/ssh/sshd_config.d/test.conf": "UseDNS no\nPasswordAuthentication no\nPermitRootLogin no\nPrintMotd no\nPrintLastLog no\nMaxSessions 50\n",
    "etc/sysctl.d/90-test.conf": "kernel.sysrq = 1\n-vm.compaction_proactiveness = 0\n",
    # Kept on disk, and not cut short: a flood of kills is what is to be read.
    "etc/systemd/journald.conf.d/test.conf": "[Journal]\nStorage=persistent\nForwardToSyslog=yes\nRateLimitBurst=0\n",
    "etc/rsyslog.d/60-test.conf": (
        '*.info;mail.none;authpriv.none\t-/var/log/messages\nmodule(load="imudp")\ninput(type="imudp" address="127.0.0.1" port="514")\n'
    ),
    "etc/systemd/system.conf.d/test.conf": "[Manager]\nDefaultTimeoutStartSec=180s\nDefaultTimeoutStopSec=20s\n",
    # A fixed address behind qemu's user network.
    "etc/systemd/system/test-net.service": (
        "[Unit]\nDefaultDependencies=no\nAfter=systemd-remount-fs.service systemd-udevd.service\nBefore=network.target ssh.service\n"
        "[Service]\nType=oneshot\nRemainAfterExit=yes\n"
        "ExecStart=/bin/sh -c 'modprobe -a virtio_pci virtio_net; ip link set lo up; ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up'\n"
        "[Install]\nWantedBy=sysinit.target\n"
    ),
}

# Only the kernel's own package: the initramfs tools that come with it by dependency take half a minute and are not
# used.
KERNEL = r"""
cd /tmp
apt-get download -q "$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: //p')"
dpkg-deb --fsys-tarfile linux-image-*.deb | tar -x --keep-directory-symlink -C /
rm linux-image-*.deb
version=$(ls /lib/modules)
depmod "$version"
mkdir -p /tmp/initramfs/modules /tmp/initramfs/dev /tmp/initramfs/root
cd /tmp/initramfs
cp "$(command -v busybox)" .
modprobe --set-version="$version" --show-depends --all virtio_pci virtio_blk | awk '$1 == "insmod" && !seen[$2]++ { printf "%02d %s\n", NR, $2 }' |
while read -r number module; do
    case $module in *.xz) unpack=xzcat ;; *) unpack=cat ;; esac
    busybox $unpack "$module" >"modules/$number.ko"
done
cat >init <<'END'
#!/busybox sh
/busybox mount -t devtmpfs dev /dev
for module in /modules/*; do /busybox insmod "$module"; done
/busybox mount -t ext4 /dev/vda /root
/busybox mount -o move /dev /root/dev
exec /busybox switch_root /root /sbin/init
END
chmod 755 init
find . | busybox cpio -o -H newc | gzip -1 >/boot/initramfs
rm -r /tmp/initramfs
"""


class Image(NamedTuple):
    """A disk to put overlays on, its kernel, and the key that opens it."""

    suite: str
    folder: Path

    @property
    def disk(self) -> Path:
        return self.folder / "disk.qcow2"

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def initramfs(self) -> Path:
        return self.folder / "initramfs"

    @property
    def key(self) -> Path:
        return self.folder / "id_ed25519"


def archive() -> list[str]:
    """The Debian archive of this machine's apt, or nothing: then mmdebstrap has its own."""
    texts = [p.read_text() for p in sorted(Path("/etc/apt").glob("sources.list.d/*.sources"))]
    texts += [
        p.read_text()
        for p in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt").glob("sources.list.d/*.list"))]
        if p.is_file()
    ]
    for text in texts:
        for uri in re.findall(r"^(?:URIs:|deb(?: \[.*?\])?) *(\S+)", text, re.M):
            if uri.rstrip("/").endswith("/debian"):
                return [uri]
    return []


def image(suite: str) -> Image:
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    return Image(suite, CACHE / f"{suite}-{recipe}")


def run(*argv: str | Path, log: Path) -> None:
    # The system's own folders first: mmdebstrap's helpers run the first python3 that they find.
    env = dict(os.environ, PATH=f"/usr/sbin:/usr/bin:/sbin:/bin:{os.environ['PATH']}", LC_ALL="C.UTF-8")
    with log.open("a") as out:
        if subprocess.run(
            [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, check=False
        ).returncode:
            raise SystemExit(
                f"{argv[0]} failed, see {log}:\n" + "".join(log.read_text(errors="replace").splitlines(True)[-15:])
            )


def build(suite: str) -> Image:
    """The image of a suite; at once where it is there. Who comes second waits for who came first."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{suite}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = image(suite)
        return made if made.folder.is_dir() else _build(made)


def _build(made: Image) -> Image:
    suite = made.suite
    if os.geteuid() != 0:
        raise SystemExit(f"no image of {suite} in {CACHE}, and only root can build one")
    started = time.monotonic()
    for old in CACHE.glob(f"{suite}-*"):  # of an older recipe, or half made
        for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            if line.split()[1].startswith(f"{old}/"):
                subprocess.run(["umount", line.split()[1]], check=True)
        shutil.rmtree(old)
    work = CACHE / f"{suite}-new"
    root, log = work / "root", work / "build.log"
    work.mkdir(parents=True)
    print(f"vm: building {suite}, log in {log}", flush=True)
    packages = ",".join(PACKAGES + EXTRA.get(suite, []))
    hook = f'--customize-hook=chroot "$1" sh -eu -c {quoted(KERNEL)}'
    run(
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        "--dpkgopt=force-unsafe-io",
        f"--include={packages}",
        hook,
        suite,
        root,
        *archive(),
        log=log,
    )
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", work / "id_ed25519", log=log)
    configure(root, (work / "id_ed25519.pub").read_text(), log)
    shutil.move(str(next(root.glob("boot/vmlinuz-*"))), work / "vmlinuz")
    shutil.move(str(root / "boot/initramfs"), work / "initramfs")
    for needless in (
        "usr/share/doc",
        "usr/share/man",
        "usr/share/locale",
        "usr/share/info",
        "var/cache/apt",
        "var/lib/apt/lists",
        "boot",
    ):
        shutil.rmtree(root / needless, ignore_errors=True)
    raw = work / "disk.raw"
    run("truncate", "--size=4G", raw, log=log)
    run(
        "mke2fs",
        "-q",
        "-F",
        "-t",
        "ext4",
        "-E",
        "lazy_itable_init=0,lazy_journal_init=0,nodiscard",
        "-d",
        root,
        raw,
        log=log,
    )
    run("qemu-img", "convert", "-O", "qcow2", raw, work / "disk.qcow2", log=log)
    raw.unlink()
    shutil.rmtree(root)
    work.rename(made.folder)
    print(f"vm: {suite} built in {time.monotonic() - started:.0f} s", flush=True)
    return made


def configure(root: Path, public_key: str, log: Path) -> None:
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "etc/sudoers.d/ansible").chmod(0o440)
    for user, uid in (("ansible", 1000), ("alice", 1001), ("bob", 1002)):
        run("chroot", root, "useradd", "--create-home", "--uid", str(uid), "--shell", "/bin/bash", user, log=log)
    keys = root / "home/ansible/.ssh/authorized_keys"
    keys.parent.mkdir(mode=0o700)
    keys.write_text(public_key)
    for path in (keys.parent, keys):
        os.chown(path, 1000, 1000)
    (root / "etc/systemd/system-generators").mkdir()
    for masked in [f"system/{unit}" for unit in MASKED] + [f"system-generators/{name}" for name in GENERATORS]:
        (root / "etc/systemd" / masked).unlink(missing_ok=True)
        (root / "etc/systemd" / masked).symlink_to("/dev/null")
    run("chroot", root, "systemctl", "enable", "test-net.service", "ssh.service", log=log)
    run("chroot", root, "systemctl", "disable", "earlyoom.service", log=log)
    if (root / "usr/lib/systemd/system/systemd-oomd.service").exists():
        run("chroot", root, "systemctl", "disable", "systemd-oomd.service", log=log)
    (root / "var/log/journal").mkdir(exist_ok=True)
    (root / "etc/hostname").write_text("machine\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost machine\n")
    (root / "etc/machine-id").write_text(os.urandom(16).hex() + "\n")
    run("chroot", root, "python3", "-m", "compileall", "-q", "/usr/lib/python3", log=log)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def main(suites: list[str]) -> None:
    with ThreadPoolExecutor(2) as pool:
        for done in pool.map(build, suites or SUITES):
            print(done.folder)


if __name__ == "__main__":
    main(sys.argv[1:])
