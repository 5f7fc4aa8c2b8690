# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused before anything is touched, and with which words."""

import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._errors import PreconditionError
from ansible_collections.memops.linux.plugins.module_utils._host import Host, Ran
from ansible_collections.memops.linux.plugins.module_utils._swap_file import checks as preflight
from ansible_collections.memops.linux.plugins.module_utils._swap_file.areas import Area
from ansible_collections.memops.linux.plugins.module_utils._swap_file.btrfs import Btrfs
from ansible_collections.memops.linux.plugins.module_utils._swap_file.file_system import Disk
from ansible_collections.memops.linux.plugins.module_utils._swap_file.fstab_lines import Fstab
from ansible_collections.memops.linux.plugins.module_utils._swap_file.headroom import Memory
from ansible_collections.memops.linux.plugins.module_utils._swap_file.params import Params
from ansible_collections.memops.linux.plugins.module_utils._swap_file.plan import plan
from ansible_collections.memops.linux.plugins.module_utils._swap_file.signature import Signature
from ansible_collections.memops.linux.plugins.module_utils._swap_file.size import DEFAULT_RESERVE, Reserve
from ansible_collections.memops.linux.plugins.module_utils._swap_file.swap_unit import SwapUnit, read_unit
from ansible_collections.memops.linux.plugins.module_utils._swap_file.warnings import warnings
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._swap_file.swap_states import (
    ABSENT,
    FSTAB,
    OURS,
    PATH,
    ROOT_FS,
    WANTED,
    G,
    M,
    area,
    state,
    swap_file,
)

WISH = Params(PATH, reserve=DEFAULT_RESERVE)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A host whose kernel lets us swap (this one may be a container that does not)."""
    monkeypatch.setattr(preflight, "may_swap", lambda: True)
    monkeypatch.setattr(preflight.shutil, "which", lambda name, path: "/sbin/" + name)
    return tmp_path


def write(root, path, text=""):
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def test_our_own_link_is_no_link_of_others():
    preflight.check_file(swap_file(links=1, signature=None, links_to_temporary=True), PATH)
    with pytest.raises(PreconditionError, match="belongs to user 1000"):
        preflight.check_file(swap_file(uid=1000, signature=None, links_to_temporary=True), PATH)


def refusal(root, now, target=WANTED, wish=WISH):
    host = Host(root=str(root), run=lambda argv, timeout=90: Ran(0))
    try:
        preflight.check(host, wish, now, plan(now, target))
    except PreconditionError as exc:
        return str(exc)
    return None


def test_nothing_to_say(root):
    assert refusal(root, state()) is None
    assert refusal(root, state(swap_file(), area(), fstab=OURS), ABSENT) is None


FOREIGN = [
    ("a link", dict(special="a symbolic link"), "is a symbolic link"),
    ("a folder", dict(special="a folder"), "is a folder"),
    ("a user's", dict(uid=1000), "belongs to user 1000"),
    ("two names", dict(links=2), "has 2 names"),
    ("data", dict(signature=None), "is not a swap file"),
    ("a hibernated system", dict(signature=Signature("hibernation", 4096)), "hibernated"),
    ("grown by hand", dict(signature=Signature("swap", 4096, 1, G)), "mkswap made it for 1073741824"),
]


@pytest.mark.parametrize("changes, words", [row[1:] for row in FOREIGN], ids=[row[0] for row in FOREIGN])
def test_a_file_that_is_not_ours(changes, words):
    with pytest.raises(PreconditionError) as caught:
        preflight.check_file(swap_file(**changes), PATH)
    assert words in str(caught.value) and "Nothing was changed" in str(caught.value)


def test_a_file_that_is_ours():
    preflight.check_file(None, PATH)
    preflight.check_file(swap_file(), PATH)
    preflight.check_file(swap_file(size=G + 100, signature=Signature("swap", 4096, 1, G)), PATH)
    preflight.check_file(swap_file(signature=Signature("swap", 4096, 1, G)), PATH, active=True)
    preflight.check_file(swap_file(signature=None, links=2), PATH, signature_needed=False)


def test_an_area_without_a_name():
    now = state(others=[Area(PATH, "file", G, 0, 1, deleted=True)])
    with pytest.raises(PreconditionError, match="reboot"):
        preflight.check_areas(now)
    preflight.check_areas(state(others=[Area("/other", "file", G, 0, 1, deleted=True)]))


BTRFS = ROOT_FS._replace(fstype="btrfs")
MASKED = SwapUnit("swapfile.swap", "/etc/systemd/system/swapfile.swap", True, True)
BY_HAND = MASKED._replace(masked=False)
FSTAB_MOUNT = "22 1 253:1 / / rw - ext4 /dev/vda1 rw\n23 22 253:1 /x /etc/fstab rw - ext4 /dev/vda1 rw\n"
# (id, files of the host, state, target, words; None: it may go on)
KUBELET = {"/usr/lib/systemd/system/kubelet.service": "[Unit]\n"}
GROWN = state(swap_file(G), area(G, used=900 * M), fstab=OURS)
HOSTS = [
    ("zfs", {}, state(mount=ROOT_FS._replace(fstype="zfs")), WANTED, "deadlock"),
    ("zfs, removal", {}, state(swap_file(), None, mount=ROOT_FS._replace(fstype="zfs"), fstab=OURS), ABSENT, None),
    ("read-only", {}, state(mount=ROOT_FS._replace(options="ro")), WANTED, "read-only"),
    ("read-only, way out", {}, state(mount=ROOT_FS._replace(options="ro")), WANTED, "Mount it read-write or choose another path"),
    ("read-only, removal", {}, state(swap_file(), None, mount=ROOT_FS._replace(options="ro")), ABSENT, "mount it read-write"),
    ("read-only, as wished", {}, state(swap_file(), area(), fstab=OURS, mount=ROOT_FS._replace(options="ro")), WANTED, None),
    ("immutable", {}, state(swap_file(immutable=True), fstab=OURS), WANTED, "chattr -ia"),
    ("immutable, removal", {}, state(swap_file(immutable=True), area(), fstab=OURS), ABSENT, "chattr -ia"),
    ("immutable, only its line", {}, state(swap_file(immutable=True), area()), WANTED, None),
    ("fstab is a mount", {"/proc/self/mountinfo": FSTAB_MOUNT}, state(), WANTED, "change the file that is mounted there, or give persistent: false"),
    ("fstab is a mount, removal", {"/proc/self/mountinfo": FSTAB_MOUNT}, state(swap_file(), area(), fstab=OURS), ABSENT, "mounted there. Nothing"),
    ("fstab is a mount, line is there", {"/proc/self/mountinfo": FSTAB_MOUNT}, state(swap_file(), fstab=OURS), WANTED, None),
    ("no mountinfo", {}, state(mount=None), WANTED, "mountinfo"),
    ("btrfs raid1", {}, state(mount=ROOT_FS._replace(fstype="btrfs"), btrfs=Btrfs("raid1")), WANTED, "raid1"),
    ("btrfs single", {}, state(mount=ROOT_FS._replace(fstype="btrfs"), btrfs=Btrfs("single")), WANTED, None),
    ("btrfs, too little quota", {}, state(mount=BTRFS, btrfs=Btrfs("single", quota=G, subvolume=257)), WANTED,
     "it takes 2.0 GiB, and the quota of its subvolume (qgroup 0/257) leaves 1.0 GiB; raise it (btrfs qgroup limit)"),
    ("btrfs, enough quota", {}, state(mount=BTRFS, btrfs=Btrfs("single", quota=3 * G)), WANTED, None),
    ("nothing can be made there", {}, state(writable=False), WANTED,
     "nothing can be made in /: the directory is immutable (lsattr -d shows it), or a read-only"),
    ("nothing can be removed there", {}, state(swap_file(), writable=False, fstab=OURS), ABSENT, "immutable (lsattr -d shows it) or a read-only subvolume"),
    ("masked", {}, state(unit=MASKED), WANTED, "masked (/etc/systemd/system/swapfile.swap), so no boot would activate it; allow it with systemctl unmask"),
    ("masked, as wished", {}, state(swap_file(), area(), fstab=OURS, unit=MASKED), WANTED, "give persistent: false"),
    ("masked, removal", {}, state(swap_file(), area(), fstab=OURS, unit=MASKED), ABSENT, None),
    ("a unit made by hand", {}, state(unit=BY_HAND), WANTED, "/etc/systemd/system/swapfile.swap activates it at boot, with its own priority"),
    ("a unit that fstab hides", {}, state(unit=BY_HAND._replace(first=False)), WANTED, None),
    ("full disk", {}, state(disk=Disk(50 * G, 4 * G)), WANTED, "2.0 GiB of disk, of which 4.0 GiB are free and 2.5 GiB are to stay free"),
    ("just enough disk", {}, state(disk=Disk(50 * G, 2 * G + 50 * G // 20)), WANTED, None),
    ("one byte short", {}, state(disk=Disk(50 * G, 2 * G + 50 * G // 20 - 1)), WANTED, "min_free"),
    ("full disk, resize", {}, GROWN._replace(disk=Disk(50 * G, 4 * G)), WANTED, "until the old one can go"),
    ("full disk, as wished", {}, state(swap_file(), area(), fstab=OURS, disk=Disk(50 * G, 0)), WANTED, None),
    ("full disk, only to be activated", {}, state(swap_file(), fstab=OURS, disk=Disk(50 * G, 0)), WANTED, None),
    ("kubelet by its configuration", {"/var/lib/kubelet/config.yaml": "failSwapOn: true\n"}, state(), WANTED, "allow_on_kubernetes"),
    ("kubelet that accepts swap", {"/var/lib/kubelet/config.yaml": "kind: K\nfailSwapOn: false # since 1.28\n"}, state(), WANTED, None),
    ("kubelet, a comment is no word", {"/var/lib/kubelet/config.yaml": "# failSwapOn: false\n"}, state(), WANTED, "allow_on_kubernetes"),
    ("kubelet in JSON", {"/var/lib/kubelet/config.yaml": '{"kind":"KubeletConfiguration","failSwapOn":false}'}, state(), WANTED, None),
    ("kubelet in JSON, refuses", {"/var/lib/kubelet/config.yaml": '{"kind":"K","failSwapOn": true}'}, state(), WANTED, "allow_on_kubernetes"),
    ("kubelet by its argument",
     {**KUBELET, "/var/lib/kubelet/kubeadm-flags.env": 'KUBELET_KUBEADM_ARGS="--x=y --fail-swap-on=false"\n'}, state(), WANTED, None),
    ("kubelet by a drop-in", {**KUBELET, "/etc/systemd/system/kubelet.service.d/10.conf": "[Service]\nEnvironment=A=--fail-swap-on=false\n"},
     state(), WANTED, None),
    ("kubelet by a drop-in of others", {**KUBELET, "/etc/systemd/system/kubelet.service.d/10.conf": "[Service]\nNice=1\n"}, state(), WANTED, "kubelet"),
    ("kubelet by what runs", {**KUBELET, "/proc/7/comm": "kubelet\n", "/proc/7/cmdline": "/bin/kubelet\0--fail-swap-on=false\0"}, state(), WANTED, None),
    ("an argument beats the configuration",
     {**KUBELET, "/etc/default/kubelet": "X=--fail-swap-on=true\n", "/var/lib/kubelet/config.yaml": "failSwapOn: false\n"},
     state(), WANTED, "kubelet"),
    ("kubelet by kubelet.conf.d", {**KUBELET, "/etc/kubernetes/kubelet.conf.d/20-swap.conf": "failSwapOn: false\n"}, state(), WANTED, None),
    ("a folder beats the file", {"/var/lib/kubelet/config.yaml": "failSwapOn: false\n", "/etc/kubernetes/kubelet.conf.d/1.conf": "failSwapOn: true\n"},
     state(), WANTED, "kubelet"),
    ("kubelet with another configuration", {"/etc/systemd/system/kubelet.service": "ExecStart=/k --config=/opt/k.yml\n", "/opt/k.yml": "failSwapOn: false\n"},
     state(), WANTED, None),
    ("k3s accepts swap by itself", {"/etc/systemd/system/k3s.service": "[Unit]\n"}, state(), WANTED, None),
    ("k3s, told otherwise", {"/etc/systemd/system/k3s.service": "[Unit]\n", "/etc/rancher/k3s/config.yaml": 'kubelet-arg:\n- "fail-swap-on=true"\n'},
     state(), WANTED, "k3s"),
    ("microk8s", {"/etc/systemd/system/snap.microk8s.daemon-kubelite.service": "[Unit]\n", "/var/snap/microk8s/current/args/kubelet": "--fail-swap-on=false\n"},
     state(), WANTED, None),
    ("kubelet by its unit", {"/usr/lib/systemd/system/kubelet.service": "[Unit]\n"}, state(), WANTED, "/usr/lib/systemd/system/kubelet.service"),
    ("kubelet is masked", {"/etc/systemd/system/kubelet.service": "", "/usr/lib/systemd/system/kubelet.service": "[Unit]\n"}, state(), WANTED, None),
    ("k0s", {"/etc/systemd/system/k0sworker.service": "[Unit]\n"}, state(), WANTED, "k0sworker"),
    ("kubelet, swap is there already", {"/etc/systemd/system/kubelet.service": "[Unit]\n"}, GROWN, WANTED, None),
    ("kubelet, removal", {"/etc/systemd/system/kubelet.service": "[Unit]\n"}, state(swap_file(), area(), fstab=OURS), ABSENT, None),
    ("no room to remove", {}, state(swap_file(), area(used=G), fstab=OURS, memory=Memory(4 * G, 100 * M)), ABSENT,
     "it holds 1.0 GiB, and there is room for 36 MiB"),
    ("room in another area", {}, state(swap_file(), area(used=G), fstab=OURS, memory=Memory(4 * G, 100 * M),
                                       others=[Area("/dev/vdb", "partition", 2 * G, 0, -2)]), ABSENT, None),
    ("no room to shrink", {}, state(swap_file(4 * G), area(4 * G, used=3 * G), fstab=OURS, memory=Memory(4 * G, 100 * M)), WANTED, "it holds 3.0 GiB"),
    ("the bridge takes it", {}, GROWN._replace(memory=Memory(4 * G, 100 * M)), WANTED, None),
    ("the new area takes what is in the bridge", {},
     state(swap_file(), None, swap_file(G, 13), area(G, 13, used=900 * M), fstab=OURS, memory=Memory(4 * G, 10 * M)), WANTED, None),
    ("no meminfo", {}, state(swap_file(), area(), fstab=OURS, memory=None), ABSENT, "/proc/meminfo"),
    ("hibernation", {"/proc/cmdline": "root=/dev/x resume=253:1 resume_offset=16384\n"}, GROWN, WANTED, "allow_resume_change"),
    ("hibernation, removal", {"/proc/cmdline": "resume=253:1 resume_offset=16384\n"}, state(swap_file(), area(), fstab=OURS), ABSENT, "resume_offset"),
    ("hibernation into another file", {"/proc/cmdline": "resume=253:1 resume_offset=16385\n"}, GROWN, WANTED, None),
    ("hibernation, nothing to turn off", {"/proc/cmdline": "resume=253:1 resume_offset=16384\n"}, state(swap_file(), fstab=OURS), WANTED, None),
    ("a timer without systemd", {}, state(swap_file(), area(), fstab=OURS), WANTED._replace(expires_at=9e9), "systemd"),
]  # fmt: skip


@pytest.mark.parametrize("files, now, target, words", [row[1:] for row in HOSTS], ids=[row[0] for row in HOSTS])
def test_hosts(root, files, now, target, words):
    for path, text in files.items():
        write(root, path, text)
    said = refusal(root, now, target, WISH._replace(present=target.present))
    if words is None:
        assert said is None
    else:
        assert words in said and "Nothing was changed" in said


def test_options_that_let_it_go_on(root):
    write(root, "/var/lib/kubelet/config.yaml", "failSwapOn: true\n")
    assert refusal(root, state(), wish=WISH._replace(allow_on_kubernetes=True)) is None
    write(root, "/proc/cmdline", "resume=253:1 resume_offset=16384\n")
    assert refusal(root, GROWN, wish=WISH._replace(allow_resume_change=True)) is None
    assert (
        refusal(
            root, state(disk=Disk(50 * G, 2 * G)), wish=WISH._replace(reserve=Reserve(0, 0), allow_on_kubernetes=True)
        )
        is None
    )


def test_all_reasons_at_once(root, monkeypatch):
    monkeypatch.setattr(preflight, "may_swap", lambda: False)
    monkeypatch.setattr(preflight.shutil, "which", lambda name, path: None)
    said = refusal(root, state(mount=ROOT_FS._replace(fstype="tmpfs"), disk=Disk(0, 0)))
    assert "of disk" not in said  # nobody makes room where no swap file can be
    assert (
        "CAP_SYS_ADMIN" in said
        and "tmpfs is memory itself" in said
        and "mkswap was not found; install the package util-linux" in said
    )


CONTAINERS = [
    ("lxc", {"/proc/1/environ": "PATH=/bin\0container=lxc\0"}, "lxc"),
    ("podman", {"/run/.containerenv": ""}, "podman"),
    ("docker", {"/.dockerenv": ""}, "docker"),
    ("systemd knows", {"/run/systemd/container": "systemd-nspawn\n", "/.dockerenv": ""}, "systemd-nspawn"),
    ("none", {"/proc/1/environ": "notcontainer=lxc\0"}, None),
]


@pytest.mark.parametrize("files, kind", [row[1:] for row in CONTAINERS], ids=[row[0] for row in CONTAINERS])
def test_container(root, monkeypatch, files, kind):
    for path, text in files.items():
        write(root, path, text)
    assert preflight.container(Host(root=str(root))) == kind
    assert refusal(root, state()) is None  # one that may swap, may
    monkeypatch.setattr(preflight, "may_swap", lambda: False)
    assert ("this is a container (%s)" % kind if kind else "run as root") in refusal(root, state())


@pytest.mark.parametrize(
    "caps, allowed",
    [("000001ffffffffff", True), ("0000000000200000", True), ("00000000a80425fb", False), (None, False)],
)
def test_a_python_that_cannot_ask(root, monkeypatch, caps, allowed):
    monkeypatch.setattr(preflight, "may_swap", lambda: None)
    if caps is not None:
        write(root, "/proc/self/status", "Name:\tpython3\nCapPrm:\t0\nCapEff:\t%s\n" % caps)
    assert (refusal(root, state()) is None) == allowed


def test_a_line_by_another_name(root):
    (root / "real").mkdir()
    (root / "link").symlink_to("real")
    now = state(fstab=FSTAB + b"/link/my\\040swap swap swap sw 0 0\n")._replace(path="/real/my swap")
    (said,) = warnings(Host(root=str(root)), now, [], WANTED)
    assert said.startswith("fstab names /real/my swap in line 2 by another name, /link/my swap;")
    assert warnings(Host(root=str(root)), now._replace(path="/real/swap"), [], WANTED) == []
    # by another mount, of which realpath knows nothing
    (root / "real/other").write_text("")
    there = os.stat(str(root / "real/other"))
    now = now._replace(
        fstab=Fstab(b"/real/other none swap sw 0 0\n"), file=swap_file()._replace(identity=(there.st_dev, there.st_ino))
    )
    assert "another name, /real/other;" in warnings(Host(root=str(root)), now, [], WANTED)[0]


def test_warnings(root):
    host = Host(root=str(root))
    big = state(disk=Disk(3 * G, 3 * G))
    assert "more than half" in warnings(host, big, plan(big, WANTED), WANTED)[0]
    twice = state(swap_file(), area(), fstab=OURS + b"/dev/vdb none swap sw 0 0\n/dev/vdb none swap sw 0 0\n")
    assert "/dev/vdb" in warnings(host, twice, plan(twice, WANTED), WANTED)[0]
    assert warnings(host, state(), plan(state(), WANTED), WANTED) == []


IDENTIFIER = "0a1b2c3d-0000-4000-8000-00000000beef"
WITH_ID = swap_file(signature=Signature("swap", 4096, 1, 2 * G, IDENTIFIER))
SAID = [
    ("zram is filled first", state(others=[Area("/dev/zram0", "partition", G, 0, 100)]), WANTED, None),
    ("zram is filled after it", state(others=[Area("/dev/zram0", "partition", G, 0, -2)]), WANTED,
     "/dev/zram0 has priority -2 and is filled after /swapfile, which has 10"),
    ("zram of the same priority", state(others=[Area("/dev/zram0", "partition", G, 0, 10)]), WANTED, "/dev/zram0 has priority 10"),
    ("zram, removal", state(swap_file(), area(), others=[Area("/dev/zram0", "partition", G, 0, -2)]), ABSENT, None),
    ("by its UUID", state(WITH_ID, fstab=FSTAB + b'UUID="0A1B2C3D-0000-4000-8000-00000000BEEF" none swap sw 0 0\n'), WANTED,
     "fstab names /swapfile in line 2 by its UUID, which finds devices only"),
    ("another UUID", state(WITH_ID, fstab=FSTAB + b"UUID=1234 none swap sw 0 0\n"), WANTED, None),
    ("a subvolume of its own", state(mount=BTRFS, btrfs=Btrfs("single")), WANTED, None),
    ("a subvolume with other things", state(mount=BTRFS, btrfs=Btrfs("single", shared=True)), WANTED, "btrfs subvolume create /swap, and path: /swap/swapfile"),
    ("a subvolume with other things, removal", state(swap_file(), mount=BTRFS, btrfs=Btrfs("single", shared=True)), ABSENT, None),
    ("a unit by hand, not persistent", state(swap_file(), area(), unit=BY_HAND), WANTED._replace(options=None), "is not to outlast a boot, but /etc/systemd"),
    ("a unit by hand, removal", state(unit=BY_HAND), ABSENT, "still activates /swapfile at boot, and fails without the file; remove that unit"),
    ("masked, not persistent", state(swap_file(), area(), unit=MASKED), WANTED._replace(options=None), None),
]  # fmt: skip


@pytest.mark.parametrize("now, target, words", [row[1:] for row in SAID], ids=[row[0] for row in SAID])
def test_what_is_allowed_and_said(root, now, target, words):
    said = warnings(Host(root=str(root)), now, plan(now, target), target)
    assert len(said) == (words is not None) and (words or "") in "".join(said)


def test_an_area_beneath_a_mount():
    with pytest.raises(
        PreconditionError,
        match="the kernel swaps to a file /swapfile that is hidden by the mount at /mnt.*unmount that first",
    ):
        preflight.check_areas(state(beneath="/mnt"))


UNIT = "/swapfile.swap"
UNITS = [
    ("none", {}, None),
    ("ours", {"/run/systemd/generator" + UNIT: "[Unit]\nSourcePath=/etc/fstab\n"}, None),
    ("masked", {"/etc/systemd/system" + UNIT: ""}, ("/etc/systemd/system" + UNIT, True, True)),
    ("masked until the next boot", {"/run/systemd/system" + UNIT: ""}, ("/run/systemd/system" + UNIT, True, True)),
    ("by hand, beside ours", {"/etc/systemd/system" + UNIT: "[Swap]\n", "/run/systemd/generator" + UNIT: "SourcePath=/etc/fstab\n"},
     ("/etc/systemd/system" + UNIT, False, True)),
    ("generated by another", {"/run/systemd/generator" + UNIT: "[Unit]\nSourcePath=/etc/cryptotab\n"}, ("/run/systemd/generator" + UNIT, False, True)),
    ("hidden by ours", {"/usr/lib/systemd/system" + UNIT: "[Swap]\n"}, ("/usr/lib/systemd/system" + UNIT, False, False)),
    ("generated late", {"/run/systemd/generator.late" + UNIT: "[Swap]\n"}, ("/run/systemd/generator.late" + UNIT, False, False)),
    ("of another file", {"/etc/systemd/system/other.swap": "[Swap]\n"}, None),
]  # fmt: skip


@pytest.mark.parametrize("files, expected", [row[1:] for row in UNITS], ids=[row[0] for row in UNITS])
def test_units_beside_our_line(root, files, expected):
    (root / "run/systemd/system").mkdir(parents=True)
    for path, text in files.items():
        write(root, path, text)
    found = read_unit(Host(root=str(root)), "/swapfile")
    assert (found and (found.path, found.masked, found.first)) == expected
