# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that removes a temporary swap file, run by a real shell. swapoff and systemctl are scripts: the kernel's
swap is the host's.
"""

import fcntl
import os
import shutil
import subprocess
import sys

import pytest

from ansible_collections.memops.linux.plugins.module_utils._swap_file.expiry_script import Places, script
from ansible_collections.memops.linux.plugins.module_utils._swap_file.fstab_lines import Fstab, encode

UNIT = "memops-swap-expiry-x"
EXPIRES = 1795377980
PARTS = ("units", "stamps", "lib", "etc", "disk")
FOREIGN = b"# fstab\r\nUUID=1 / ext4 defaults 0 1\n\n/dev/a swap swap sw\n  \xff\xfe none\n/swap2 none swap sw 0 0\nUUID=2 /mnt ext4 ro"

SWAPOFF = r"""
import os, re, sys
path, gone = sys.argv[1], re.sub(rb"[ \t\n\\]", lambda sign: b"\\%03o" % ord(sign.group()), os.fsencode(sys.argv[2]))
with open(path, "rb") as stream:
    lines = stream.readlines()
with open(path + ".new", "wb") as stream:
    stream.writelines(line for line in lines if not line.startswith(gone + b" "))
os.rename(path + ".new", path)
"""


class Machine:
    def __init__(self, tmp_path, name):
        self.folder = tmp_path
        tmp_path.chmod(0o755)
        for part in ("bin", "etc", "run", "units", "stamps", "lib", "disk"):
            (tmp_path / part).mkdir(mode=0o755)
        self.file = str(tmp_path / "disk" / name)
        self.encoded = encode(os.fsencode(self.file))
        self.places = Places(
            swaps=str(tmp_path / "swaps"),
            meminfo=str(tmp_path / "meminfo"),
            fstab=str(tmp_path / "etc" / "fstab"),
            lock_folder=str(tmp_path / "run" / "memops"),
            units=str(tmp_path / "units"),
            stamps=str(tmp_path / "stamps"),
            program=str(tmp_path / "lib" / "swap-expiry"),
            root=str(tmp_path),
            path="%s:/usr/sbin:/usr/bin:/sbin:/bin" % (tmp_path / "bin"),
        )
        (tmp_path / "lib" / "swap-expiry").write_bytes(script(900, os.geteuid(), self.places))
        (tmp_path / "units" / (UNIT + ".timer")).write_text("# x\n# expires=%d\n[Unit]\n" % EXPIRES)
        (tmp_path / "units" / (UNIT + ".service")).write_text("[Unit]\n")
        (tmp_path / "stamps" / ("stamp-%s.timer" % UNIT)).write_text("")
        with open(self.file, "wb") as stream:
            stream.write(b"\0" * 4086 + b"SWAPSPACE2" + b"\0" * 4096)
        self.fstab = tmp_path / "etc" / "fstab"
        self.fstab.write_bytes(Fstab.parse(FOREIGN).with_swap(self.file, "nofail,pri=1").data)
        self.memory(available=1 << 20)
        self.swapped(used=1000)
        (tmp_path / "bin" / "swapoff.py").write_text(SWAPOFF)
        self.tool(
            "swapoff", 'exec "%s" -ISB "%s/bin/swapoff.py" "%s/swaps" "$1"' % (sys.executable, tmp_path, tmp_path)
        )
        self.tool("systemctl", "")
        self.tool("sleep", "")

    def tool(self, name, text):
        path = self.folder / "bin" / name
        path.write_text('#!/bin/sh\nprintf "%%s\\n" "%s $*" >>"%s/calls"\n%s\n' % (name, self.folder, text))
        path.chmod(0o755)

    def memory(self, available):
        (self.folder / "meminfo").write_text("MemTotal: 9999999 kB\nMemFree: 1 kB\nMemAvailable: %d kB\n" % available)

    def swapped(self, used, others=""):
        text = b"Filename\tType\tSize\tUsed\tPriority\n" + self.encoded + b" file 1048572 %d -2\n" % used
        (self.folder / "swaps").write_bytes(text + others.encode())

    def calls(self):
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def run(self, expires=EXPIRES, timeout=30, now=EXPIRES + 1):
        self.tool("date", "echo %d" % now)
        argv = ["sh", self.places.program, UNIT, str(expires), self.file, os.fsdecode(self.encoded)]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = process.communicate(timeout=timeout)[0].decode()
        return process.returncode, said

    def left(self):
        return sorted(
            name for part in PARTS if (self.folder / part).exists() for name in os.listdir(str(self.folder / part))
        )


@pytest.fixture(params=["swap", "my swap\\040 é"], ids=["plain", "odd"])
def machine(request, tmp_path):
    return Machine(tmp_path, request.param)


def untouched(machine, data=None):
    assert machine.left() == sorted(
        [
            os.path.basename(machine.file),
            "fstab",
            UNIT + ".service",
            UNIT + ".timer",
            "stamp-%s.timer" % UNIT,
            "swap-expiry",
        ]
    )
    assert machine.fstab.read_bytes() == (data or Fstab.parse(FOREIGN).with_swap(machine.file, "nofail,pri=1").data)


def test_everything_goes_and_nothing_else(machine):
    machine.fstab.chmod(0o640)
    code, said = machine.run()
    assert (code, said) == (0, "%s is removed: its time is over.\n" % machine.file)
    assert machine.left() == ["fstab"]
    assert machine.fstab.read_bytes() == FOREIGN
    assert machine.fstab.stat().st_mode & 0o777 == 0o640
    calls = [call for call in machine.calls() if not call.startswith(("date", "sleep"))]
    assert not (machine.folder / "lib").exists()
    assert calls == ["swapoff " + machine.file, "systemctl --no-block stop %s.timer" % UNIT, "systemctl daemon-reload"]
    assert os.listdir(str(machine.folder / "run" / "memops")) == ["lock"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "used, available, others, fits",
    [
        (1000, 66536, "", True),
        (1001, 66536, "", False),
        (0, 0, "", True),
        (900000, 1000000, "", True),
        (900001, 1000000, "", False),
        (900000, 0, "/dev/zram0 partition 2000000 1000000 100\n", True),
        (900001, 0, "/dev/zram0 partition 2000000 1000000 100\n", False),
        (9 << 32, 11 << 32, "", True),
        (11 << 32, 11 << 32, "", False),
    ],
)
def test_room(tmp_path, used, available, others, fits):
    """The same arithmetic as headroom.py."""
    machine = Machine(tmp_path, "swap")
    machine.memory(available)
    machine.swapped(used, others)
    code, said = machine.run()
    assert code == (0 if fits else 75), said
    if not fits:
        untouched(machine)
        assert said.startswith("%s stays: %d KiB are in use and there is room for " % (machine.file, used))
        assert said.endswith(". The next try is in 900 seconds.\n")
        assert not [call for call in machine.calls() if call.startswith(("swapoff", "systemctl"))]


def test_the_same_arithmetic_as_the_module():
    from ansible_collections.memops.linux.plugins.module_utils._swap_file.headroom import shortfall

    kib = 1024
    assert shortfall(1000 * kib, 66536 * kib, 0) is None and shortfall(1001 * kib, 66536 * kib, 0) is not None
    assert shortfall(900000 * kib, 0, 1000000 * kib) is None and shortfall(900001 * kib, 0, 1000000 * kib) is not None


def test_before_its_time(machine):
    assert machine.run(now=EXPIRES - 121) == (0, "")
    untouched(machine)


def test_shortly_before_it_waits(machine):
    """The timer starts nothing that runs already: an early start that went away at that moment would be the last one."""
    assert machine.run(now=EXPIRES - 7)[0] == 0
    assert "sleep 7" in machine.calls()
    assert machine.left() == ["fstab"]


def test_taken_back_or_moved_while_it_waited(machine):
    (machine.folder / "units" / (UNIT + ".timer")).write_text("# expires=%d\n" % (EXPIRES + 500))
    assert machine.run() == (0, "")
    untouched(machine)
    (machine.folder / "units" / (UNIT + ".timer")).unlink()
    assert machine.run() == (0, "")
    assert os.path.exists(machine.file) and machine.fstab.read_bytes() != FOREIGN


def test_the_kernel_does_not_let_go(machine):
    machine.tool("swapoff", "exit 0")  # its word is not believed
    code, said = machine.run()
    assert code == 75 and "the kernel did not let go of it" in said
    untouched(machine)


def test_not_active_as_after_a_reboot_without_fstab(machine):
    (machine.folder / "swaps").write_text("Filename\tType\tSize\tUsed\tPriority\n")
    assert machine.run()[0] == 0
    assert machine.left() == ["fstab"]
    assert not [call for call in machine.calls() if call.startswith("swapoff")]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["other data", "link", "hard link", "folder"])
def test_another_file_of_that_name_stays(machine, kind):
    (machine.folder / "swaps").write_text("Filename\tType\tSize\tUsed\tPriority\n")
    if kind == "hard link":
        os.link(machine.file, str(machine.folder / "disk" / "second"))
    else:
        os.rename(machine.file, str(machine.folder / "run" / "away"))
        if kind == "other data":
            with open(machine.file, "wb") as stream:
                stream.write(b"the photos\n" * 1000)
        elif kind == "link":
            os.symlink(str(machine.folder / "run" / "away"), machine.file)
        else:
            os.mkdir(machine.file)
    code, said = machine.run()
    assert code == 0 and "is not the swap file that was made; it stays." in said
    assert os.path.lexists(machine.file) and machine.fstab.read_bytes() == FOREIGN


TOOLS = "awk cat cksum cp date dd dirname flock mkdir mv readlink rm rmdir sed sleep stat swapoff sync systemctl tr wc".split()

#: Takes the next free number. The one that is to die kills its process group, before it does anything or with half of
#: its output written.
WRAPPER = r"""#!/bin/sh
set -C
number=1
until printf %s {name} >"{numbers}/$number"; do number=$((number + 1)); done 2>/dev/null
set +C
if [ $number = {fatal} ]; then
    if {partial}; then
        {real} "$@" >"{numbers}/said"
        /usr/bin/head -c $(($(/usr/bin/wc -c <"{numbers}/said") / 2)) "{numbers}/said"
    fi
    kill -9 0
fi
exec {real} "$@"
"""


class Dying(Machine):
    """Its script finds nothing but wrappers of what it calls: a command that is not in TOOLS fails, and the test with
    it.
    """

    def __init__(self, tmp_path, fatal, partial=False):
        tmp_path.mkdir()
        super(Dying, self).__init__(tmp_path, "swap")
        self.tool("date", "echo %d" % (EXPIRES + 1))
        (tmp_path / "numbers").mkdir()
        (tmp_path / "wrappers").mkdir()
        for name in TOOLS:
            real = shutil.which(name, path=self.places.path)
            words = dict(
                name=name, numbers=tmp_path / "numbers", fatal=fatal, partial="true" if partial else "false", real=real
            )
            path = tmp_path / "wrappers" / name
            path.write_text(WRAPPER.format(**words))
            path.chmod(0o755)
        self.program = tmp_path / "lib" / "swap-expiry"
        self.program.write_bytes(script(900, os.geteuid(), self.places._replace(path=str(tmp_path / "wrappers"))))

    def die(self):
        """Returns when the whole group is gone: then nobody holds the pipe any more."""
        argv = ["sh", self.places.program, UNIT, str(EXPIRES), self.file, os.fsdecode(self.encoded)]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        said = process.communicate(timeout=30)[0].decode()
        return process.returncode, said

    def names(self):
        """What was called, in order."""
        numbers = self.folder / "numbers"
        return [
            (numbers / str(number)).read_text()
            for number in range(1, 1 + len([name for name in os.listdir(str(numbers)) if name != "said"]))
        ]


def interrupted(machine):
    """A change of its size was interrupted, the worst of test_an_interrupted_change_of_its_size: three names, the area
    that stands in is in use.
    """
    temporary, partial = (machine.folder / "disk" / (".swap.memops-%s" % kind) for kind in ("bridge", "half"))
    os.rename(machine.file, str(temporary))
    os.symlink(temporary.name, machine.file)
    partial.write_bytes(b"\0" * 99)
    (machine.folder / "swaps").write_bytes(
        b"Filename\tType\tSize\tUsed\tPriority\n" + encode(os.fsencode(str(temporary))) + b" file 1048572 1000 -2\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("prepare", [None, interrupted], ids=["whole", "interrupted"])
def test_killed_at_each_of_its_commands_and_run_again(tmp_path, prepare):
    """SIGKILL before each command that it starts, and in the middle of what cat and sed write: the table is whole, and
    the next run ends it.
    """
    whole = Dying(tmp_path / "whole", 0)
    if prepare:
        prepare(whole)
    assert whole.die() == (0, "%s is removed: its time is over.\n" % whole.file)
    names = whole.names()
    assert set(names) == set(TOOLS)
    places = [(number, False) for number in range(1, len(names) + 1)]
    places += [(number, True) for number, name in enumerate(names, 1) if name in ("cat", "sed")]
    states = set()
    for number, partial in places:
        machine = Dying(tmp_path / ("%d%s" % (number, "-half" if partial else "")), number, partial)
        if prepare:
            prepare(machine)
        before = machine.fstab.read_bytes()
        where = "%d of %d, %s%s" % (number, len(names), names[number - 1], ", half done" if partial else "")
        assert machine.die()[0] == -9, where
        assert machine.fstab.read_bytes() in (before, FOREIGN), where
        assert (
            os.path.exists(machine.file) or machine.fstab.read_bytes() == FOREIGN
        ), where  # a boot finds what the line names
        states.add(
            (tuple(machine.left()), machine.fstab.read_bytes(), (machine.folder / "swaps").read_bytes().count(b"\n"))
        )
        if machine.program.exists():
            machine.program.write_bytes(script(900, os.geteuid(), machine.places))
            assert machine.run()[0] == 0, where
        assert machine.left() == ["fstab"] and machine.fstab.read_bytes() == FOREIGN, where
        assert (machine.folder / "swaps").read_bytes().count(b"\n") == 1, where
    assert len(states) >= 8  # swap on, off; the table beside, in place; the files; the units


@pytest.mark.parametrize("gone", [1, 2, 3])
def test_killed_among_its_units(machine, gone):
    """rm takes one name after the other: whatever it had taken when it was killed, the next run takes the rest."""
    os.unlink(machine.file)
    machine.fstab.write_bytes(FOREIGN)
    units = [machine.folder / "units" / (UNIT + ".timer"), machine.folder / "units" / (UNIT + ".service")]
    for path in (units + [machine.folder / "stamps" / ("stamp-%s.timer" % UNIT)])[:gone]:
        path.unlink()
    assert machine.run() == (0, "")
    assert machine.left() == ["fstab"]
    assert not [call for call in machine.calls() if call.startswith("swapoff")]


@pytest.mark.slow
@pytest.mark.parametrize("state", ["bridge and old", "bridge and link", "bridge and new", "half"])
def test_an_interrupted_change_of_its_size(machine, state):
    """What transaction.py may leave when it dies: the area that stands in is in use, under the name is the old file, a
    link, or the new one.
    """
    temporary, partial = (
        machine.folder / "disk" / (".%s.memops-%s" % (os.path.basename(machine.file), kind))
        for kind in ("bridge", "half")
    )
    shutil.copy(machine.file, str(temporary))
    if state != "bridge and new":
        partial.write_bytes(b"\0" * 99)
    if state == "bridge and link":
        os.unlink(machine.file)
        os.symlink(temporary.name, machine.file)
    area = encode(os.fsencode(str(temporary))) + b" file 1048572 1000 -2\n"
    if state == "half":
        temporary.unlink()
    elif state == "bridge and link":
        (machine.folder / "swaps").write_bytes(b"Filename\tType\tSize\tUsed\tPriority\n" + area)
    else:
        machine.swapped(1000, area.decode())
    code, said = machine.run()
    assert code == 0, said
    assert machine.left() == ["fstab"] and machine.fstab.read_bytes() == FOREIGN
    assert (machine.folder / "swaps").read_text().count("\n") == 1
    expected = {"bridge and old": 2, "bridge and link": 1, "bridge and new": 2, "half": 1}
    assert len([call for call in machine.calls() if call.startswith("swapoff")]) == expected[state]


def test_a_link_of_the_area_of_another_file_stays(machine):
    other = machine.folder / "disk" / ".other.memops-bridge"
    os.rename(machine.file, str(other))
    os.symlink(other.name, machine.file)
    (machine.folder / "swaps").write_text("Filename\tType\tSize\tUsed\tPriority\n")
    code, said = machine.run()
    assert code == 0 and "is not the swap file that was made; it stays." in said
    assert machine.left() == sorted([other.name, os.path.basename(machine.file), "fstab"])


def test_two_other_timers_keep_the_script(machine):
    (machine.folder / "units" / "memops-swap-expiry-y.timer").write_text("")
    assert machine.run()[0] == 0
    assert machine.left() == ["fstab", "memops-swap-expiry-y.timer", "swap-expiry"]


def test_an_editor_on_the_way_is_kept(machine):
    machine.tool(
        "cksum",
        'real=$(/usr/bin/cksum); [ -e {0}/once ] || {{ : >{0}/once; echo "# edited" >>{0}/etc/fstab; }}; echo "$real"'.format(
            machine.folder
        ),
    )
    assert machine.run()[0] == 0
    assert machine.fstab.read_bytes() == FOREIGN + b"# edited\n"


@pytest.mark.slow
def test_it_waits_for_the_lock(machine):
    os.mkdir(str(machine.folder / "run" / "memops"), 0o755)
    with open(str(machine.folder / "run" / "memops" / "lock"), "w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(subprocess.TimeoutExpired):
            machine.run(timeout=0.7)
        untouched(machine)


def of_a_user(path):
    os.chown(str(path), 1234, 1234)


def link_away(path):
    away = path.parent.parent / "away"
    if path.exists():
        path.rename(away)
    else:
        away.mkdir(mode=0o755)
    path.symlink_to(away)


#: What a user can have made where /run may be written by all, as in containers of podman; and what nobody but root
#: should have made.
USERS = [
    ("a link in the place of the lock folder", lambda m: link_away(m / "run/memops"), "/run/memops is a symbolic link"),
    ("a lock folder of a user", lambda m: ((m / "run/memops").mkdir(), of_a_user(m / "run/memops")), "/run/memops belongs to user 1234"),
    ("a lock folder that users may write", lambda m: ((m / "run/memops").mkdir(), (m / "run/memops").chmod(0o1777)), "/run/memops may be written by others"),
    (
        "a link in the place of the lock",
        lambda m: ((m / "run/memops").mkdir(mode=0o755), (m / "run/memops/lock").symlink_to(m / "etc/fstab")),
        "/run/memops/lock is a symbolic link",
    ),
    ("a lock of a user", lambda m: ((m / "run/memops").mkdir(mode=0o755), (m / "run/memops/lock").touch(), of_a_user(m / "run/memops/lock")), "belongs to"),
    ("fstab of a user", lambda m: of_a_user(m / "etc/fstab"), "/etc/fstab belongs to user 1234"),
    ("fstab that users may write", lambda m: (m / "etc/fstab").chmod(0o664), "/etc/fstab may be written by others (mode 0664)"),
    ("fstab in a folder of a user", lambda m: (link_away(m / "etc/fstab"), of_a_user(m / "etc"), (m / "away").rename(m / "etc/real"),
                                               (m / "etc/fstab").unlink(), (m / "etc/fstab").symlink_to("real")), "/etc belongs to user 1234"),
    ("units of a user", lambda m: of_a_user(m / "units"), "/units belongs to user 1234"),
    ("the swap file in a folder of a user", lambda m: of_a_user(m / "disk"), "/disk belongs to user 1234"),
    ("the swap file in a folder that users may write", lambda m: (m / "disk").chmod(0o1777), "/disk may be written by others (mode 01777)"),
    ("the swap file behind a link", lambda m: link_away(m / "disk"), "/disk is a symbolic link"),
]  # fmt: skip


@pytest.mark.skipif(os.geteuid() != 0, reason="a user's files are needed")
@pytest.mark.parametrize("spoil, words", [row[1:] for row in USERS], ids=[row[0] for row in USERS])
def test_what_a_user_could_have_made_is_not_opened(tmp_path, spoil, words):
    machine = Machine(tmp_path, "swap")
    (tmp_path / "run").chmod(0o1777)
    spoil(tmp_path)
    before = machine.fstab.read_bytes()
    code, said = machine.run()
    assert code == 75 and words in said and said.endswith(". The next try is in 900 seconds.\n"), said
    assert machine.fstab.read_bytes() == before and os.path.exists(machine.file)
    assert not [call for call in machine.calls() if call.startswith(("swapoff", "systemctl"))]


@pytest.mark.skipif(os.geteuid() != 0, reason="a folder of root's is needed")
def test_a_shared_run_alone_keeps_nothing(machine):
    (machine.folder / "run").chmod(0o1777)
    assert machine.run()[0] == 0
    assert machine.left() == ["fstab"] and machine.fstab.read_bytes() == FOREIGN


SPELLINGS = [b"/%s", b"//%s", b"/./%s", b"\\057%s"]


@pytest.mark.slow
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("kind", [b"swap", b"swap\r"])
def test_our_line_however_it_is_spelled(machine, spelling, kind):
    """The key of a line is its decoded source, as in fstab_lines.py."""
    source = spelling % machine.encoded.lstrip(b"/").replace(b"d", b"\\144", 1)
    comment = b"#" + machine.encoded + b" none swap sw\n"
    machine.fstab.write_bytes(
        comment + b" \t" + source + b" none " + kind + b" sw\n" + machine.encoded + b" none ext4 ro\n" + FOREIGN
    )
    table = Fstab.parse(machine.fstab.read_bytes())
    assert table.swap_entry(machine.file) is not None
    code, said = machine.run()
    assert code == 0, said
    assert (
        machine.fstab.read_bytes()
        == table.without_swap(machine.file).data
        == comment + machine.encoded + b" none ext4 ro\n" + FOREIGN
    )


@pytest.mark.parametrize("text", [None, "", "nonsense\n"])
def test_what_cannot_be_read_is_not_taken_for_no_swap(machine, text):
    path = machine.folder / "swaps"
    path.unlink()
    if text is not None:
        path.write_text(text)
    code, said = machine.run()
    assert code == 75 and "%s stays: %s cannot be read" % (machine.file, path) in said
    untouched(machine)
