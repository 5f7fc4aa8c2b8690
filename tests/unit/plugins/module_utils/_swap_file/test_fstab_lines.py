# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables as people write them: only our line changes, and glibc reads the result as we do."""

import ctypes
import os
import random

import pytest

from ansible_collections.memops.linux.plugins.module_utils._swap_file.fstab_lines import (
    Entry,
    Fstab,
    FstabError,
    changed_lines,
    check,
    decode,
    encode,
)

OURS = "/my swap/file"
LINE = b"/my\\040swap/file none swap nofail,pri=5 0 0\n"
OPTIONS = "nofail,pri=5"
DEBIAN = (
    b"# <file system> <mount point>   <type>  <options>       <dump>  <pass>\n"
    b"UUID=ea32 /               ext4    errors=remount-ro 0       1\n"
    b"# swap was on /dev/vda5 during installation\n"
    b"UUID=91ab none            swap    sw              0       0\n"
)


class _Mntent(ctypes.Structure):
    _fields_ = [(name, ctypes.c_char_p) for name in ("fsname", "dir", "type", "opts")] + [
        ("freq", ctypes.c_int),
        ("passno", ctypes.c_int),
    ]


def glibc(path):
    """What getmntent(3) reads: systemd's fstab-generator and swapon of busybox ask it."""
    libc = ctypes.CDLL(None)
    libc.setmntent.restype = ctypes.c_void_p
    libc.setmntent.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
    libc.getmntent.restype = ctypes.POINTER(_Mntent)
    libc.getmntent.argtypes = [ctypes.c_void_p]
    libc.endmntent.argtypes = [ctypes.c_void_p]
    stream = libc.setmntent(os.fsencode(str(path)), b"r")
    found = []
    entry = libc.getmntent(stream)
    while entry:
        found.append((entry.contents.fsname, entry.contents.dir, entry.contents.type, entry.contents.opts))
        entry = libc.getmntent(stream)
    libc.endmntent(stream)
    return found


#: What was there, what is there with our line, and again without it (None: as at first).
TABLES = [
    ("empty", b"", LINE, None),
    ("Debian's", DEBIAN, DEBIAN + LINE, None),
    ("no newline at the end", b"UUID=1 / ext4 defaults 0 1", LINE + b"UUID=1 / ext4 defaults 0 1", None),
    (
        "a last line that only looks empty",
        b"/dev/a / ext4 defaults 0 1\n  ",
        b"/dev/a / ext4 defaults 0 1\n" + LINE + b"  ",
        None,
    ),
    ("CRLF", b"/dev/a / ext4 defaults 0 1\r\n", b"/dev/a / ext4 defaults 0 1\r\n" + LINE, None),
    (
        "byte order mark",
        b"\xef\xbb\xbf/dev/a / ext4 defaults 0 1\n",
        b"\xef\xbb\xbf/dev/a / ext4 defaults 0 1\n" + LINE,
        None,
    ),
    ("not UTF-8", b"/dev/\xff / ext4 defaults 0 1\n", b"/dev/\xff / ext4 defaults 0 1\n" + LINE, None),
    ("our line, as we write it", DEBIAN + LINE, DEBIAN + LINE, DEBIAN),
    ("our line, with tabs and another mount point", b"/my\\040swap/file\tswap\tswap\tnofail,pri=5\t0\t0\n", None, b""),
    ("four fields", b"  /my\\040swap/file none swap nofail,pri=5", None, b""),
    ("five fields and blanks behind", b"/my\\040swap/file none swap nofail,pri=5 0 \t\n", None, b""),
    ("a comment behind six fields", b"/my\\040swap/file none swap nofail,pri=5 0 0 # ours\n", None, b""),
    ("double slashes", b"//my\\040swap/./file none swap nofail,pri=5\n", None, b""),
    (
        "other options, everything else stays",
        b"/my\\040swap/file\tswap   swap sw,pri=1 0\t0 # for the build\n",
        b"/my\\040swap/file\tswap   swap nofail,pri=5 0\t0 # for the build\n",
        b"",
    ),
    ("three fields", b"/my\\040swap/file swap\tswap\n", b"/my\\040swap/file swap\tswap nofail,pri=5 0 0\n", b""),
    (
        "three fields without a newline",
        b"/my\\040swap/file swap swap",
        b"/my\\040swap/file swap swap nofail,pri=5 0 0",
        b"",
    ),
    ("ours with CRLF", b"/my\\040swap/file none swap nofail,pri=5 0 0\r\n", LINE, b""),
    ("ours with CRLF in the type", b"/my\\040swap/file none swap\r\n", LINE, b""),
    (
        "a comment where a number belongs",
        b"/my\\040swap/file none swap nofail,pri=5 # mine\n",
        b"/my\\040swap/file none swap nofail,pri=5 0 0 # mine\n",
        b"",
    ),
    (
        "a comment where the second number belongs",
        b"/my\\040swap/file none swap sw 0 # mine\n",
        b"/my\\040swap/file none swap nofail,pri=5 0 0 # mine\n",
        b"",
    ),
    (
        "carriage returns within",
        b"/my\\040swap/file none swap sw\r # a\rb\r\n",
        b"/my\\040swap/file none swap nofail,pri=5 0 0 # ab\n",
        b"",
    ),
    ("ours twice", LINE + DEBIAN + b"/my\\040swap/file swap swap sw\n", LINE + DEBIAN, DEBIAN),
    (
        "ours twice, the second without a newline",
        b"/my\\040swap/file none swap sw\n" + LINE[:-1],
        LINE[:-1].replace(b" 0 0", b"") + b"\n",
        b"",
    ),
    (
        "swap swap of others",
        b"/dev/a swap swap sw 0 0\n/dev/b swap swap sw 0 0\n",
        b"/dev/a swap swap sw 0 0\n/dev/b swap swap sw 0 0\n" + LINE,
        None,
    ),
    ("in a comment", b"#" + LINE + b" # " + LINE, b"#" + LINE + b" # " + LINE + LINE, None),
    (
        "mounted there, not swap",
        b"/my\\040swap/file /mnt ext4 loop 0 0\n",
        b"/my\\040swap/file /mnt ext4 loop 0 0\n" + LINE,
        None,
    ),
    (
        "unescaped, which is another source",
        b"/my swap/file none swap sw\n",
        b"/my swap/file none swap sw\n" + LINE,
        None,
    ),
    ("two fields", b"/my\\040swap/file none\n", b"/my\\040swap/file none\n" + LINE, None),
    ("vertical tab is no blank", b"/dev/a\x0bnone swap sw\n", b"/dev/a\x0bnone swap sw\n" + LINE, None),
]


@pytest.mark.parametrize("before, present, absent", [row[1:] for row in TABLES], ids=[row[0] for row in TABLES])
def test_table(before, present, absent, tmp_path):
    table = Fstab.parse(before)
    there = table.with_swap(OURS, OPTIONS)
    assert there.data == (before if present is None else present)
    assert there.with_swap(OURS, OPTIONS).data == there.data
    entry = there.swap_entry(OURS)
    assert entry == Entry(OURS, ["nofail", "pri=5"], entry.line_no)
    assert there.without_swap(OURS).data == table.without_swap(OURS).data == (before if absent is None else absent)
    assert there.without_swap(OURS).swap_entry(OURS) is None
    check(table, there)
    check(there, there.without_swap(OURS))

    path = tmp_path / "fstab"
    path.write_bytes(there.data)
    name = OURS.encode()
    ours = [
        row for row in glibc(path) if row[0].replace(b"//", b"/").replace(b"/./", b"/") == name and row[2] == b"swap"
    ]
    assert [row[3] for row in ours] == [b"nofail,pri=5"]


def test_what_is_read_of_a_line():
    table = Fstab.parse(DEBIAN + b"/swap none swap\n/other none swap sw,,pri=2 0 0\n")
    assert table.swap_entry("/swap") == Entry("/swap", [], 5)
    assert table.swap_entry("/other") == Entry("/other", ["sw", "pri=2"], 6)
    assert table.swap_entry("/third") is None
    assert table.problems() == []


@pytest.mark.parametrize(
    "field, name",
    [
        (b"/a\\040b", b"/a b"),
        (b"/a\\011b", b"/a\tb"),
        (b"/a\\012b", b"/a\nb"),
        (b"/a\\134040b", b"/a\\040b"),
        (b"/a\\134b", b"/a\\b"),
        ("/ä".encode(), "/ä".encode()),
        (b"/\xff", b"/\xff"),
    ],
)
def test_names_there_and_back(field, name):
    assert decode(field) == name and encode(name) == field


def test_other_ways_to_write_a_name():
    assert decode(b"/a\\\\b") == b"/a\\b"
    assert decode(b"/a\\303\\244") == "/aä".encode()
    assert decode(b"/a\\4") == b"/a\\4"


@pytest.mark.parametrize("name", [os.fsdecode(b"/sw\xffap"), "/a\nb", "/a\\040b", "/ä b", "/#1"])
def test_any_name_is_one_line(name):
    table = Fstab.parse(DEBIAN).with_swap(name, "nofail")
    assert len(table.lines) == len(Fstab.parse(DEBIAN).lines) + 1
    assert table.swap_entry(name).options == ["nofail"]
    assert table.with_swap(name, "nofail").data == table.data
    assert table.without_swap(name).data == DEBIAN


@pytest.mark.parametrize(
    "options", ["", "a b", "a\tb", "a\n/evil / ext4 x", "#a", "a\\040b", "pri=1\r", "-", "ä", 'a"b']
)
def test_options_that_would_break_a_line(options):
    with pytest.raises(FstabError, match="not valid options of an fstab line"):
        Fstab.parse(b"").with_swap("/swap", options)


@pytest.mark.parametrize("path", ["swap", "", "UUID=1", "/a\0b"])
def test_paths_that_are_none(path):
    for wish in (
        lambda table: table.with_swap(path, "sw"),
        lambda table: table.without_swap(path),
        lambda table: table.swap_entry(path),
    ):
        with pytest.raises(FstabError, match="not an absolute path"):
            wish(Fstab.parse(b""))
    with pytest.raises(FstabError, match="carriage return"):
        Fstab.parse(b"").with_swap("/a\rb", "sw")


def test_foreign_duplicates_and_marks_are_told():
    table = Fstab.parse(b"\xef\xbb\xbf# x\n/dev/a none swap sw\n/dev/b none swap sw\n/dev/a swap swap sw\n").with_swap(
        "/swap", "sw"
    )
    assert table.problems() == [
        "fstab has /dev/a as swap in line 2 and again in line 4; the first one counts",
        "fstab begins with a byte order mark, which makes its first line unreadable at boot",
    ]


@pytest.mark.parametrize(
    "after",
    [
        b"",
        DEBIAN.replace(b"0       1", b"0 1"),
        DEBIAN[:-1],
        DEBIAN + b"/dev/x none swap sw\n",
        DEBIAN + b"\n",
        b"".join(reversed(DEBIAN.splitlines(True))),
        DEBIAN + LINE + LINE,
        DEBIAN + b"/my\\040swap/file none swap\n",
        DEBIAN + LINE.replace(b" 0 0", b" # 0"),
    ],
)
def test_check_refuses(after):
    with pytest.raises(FstabError, match="bug of memops.linux"):
        check(Fstab.parse(DEBIAN), Fstab(after, frozenset([OURS.encode()])))


def test_the_diff_has_our_lines_only():
    before = Fstab.parse(b"//server/share /mnt cifs password=secret 0 0\n/swap none swap sw\n")
    assert changed_lines(before, before.with_swap("/swap", "nofail")) == (
        ["/swap none swap sw"],
        ["/swap none swap nofail"],
    )
    assert changed_lines(before, before.without_swap("/swap")) == (["/swap none swap sw"], [])


# ---------------------------------------------------------------------- 10,000 of them

SOURCES = [
    b"UUID=1",
    b"LABEL=swap",
    b'PARTLABEL="a\\040b"',
    b"/dev/vda1",
    b"/other",
    b"/my\\040swap/file2",
    b"/my",
    b"tmpfs",
    b"//srv/x",
    b"\xffx",
]
BLANKS = [b" ", b"\t", b"  ", b" \t ", b"\t\t"]
NOISE = [
    b"# comment",
    b"#",
    b"",
    b"   ",
    b"\t# indented",
    b"\x00",
    b"one",
    b"one two",
    "# ümlaut".encode(),
    b"\xfe\xff",
    b"#/my\\040swap/file none swap sw 0 0",
]
TYPES = [b"ext4", b"xfs", b"swap", b"swap", b"none", b"nfs4"]
OPTION_SETS = [b"defaults", b"sw", b"sw,pri=1", b"nofail,pri=5", b"pri=5", b"noauto", b"rw,errors=remount-ro"]
OURS_WRITTEN = [b"/my\\040swap/file", b"//my\\040swap/file", b"/my\\040swap/./file"]


def a_line(rng, source, fstype):
    fields = [
        source,
        rng.choice([b"none", b"swap", b"/", b"/mnt/a\\040b"]),
        fstype,
        rng.choice(OPTION_SETS),
        rng.choice([b"0", b"1"]),
        rng.choice([b"0", b"2", b"#"]),
    ]
    text = rng.choice([b"", b"", b"", b" ", b"\t"])
    for field in fields[: rng.choice([3, 4, 5, 6, 6, 6])]:
        text += field + rng.choice(BLANKS)
    return text.rstrip(b" \t") + rng.choice([b"", b"", b"", b" ", b" # why", b"\r"])


def a_table(rng):
    """Lines and, for each, whether it is ours."""
    lines = []
    for _line in range(rng.randrange(12)):
        kind = rng.random()
        if kind < 0.3:
            lines.append((rng.choice(NOISE), False))
        elif kind < 0.85:
            lines.append((a_line(rng, rng.choice(SOURCES), rng.choice(TYPES)), False))
        else:
            lines.append((a_line(rng, rng.choice(OURS_WRITTEN), b"swap"), True))
    text = [(line + b"\n", ours) for line, ours in lines]
    if text and rng.random() < 0.2:
        text[-1] = (text[-1][0][:-1], text[-1][1])
    if rng.random() < 0.05 and not (text and text[0][1]):
        text.insert(0, (b"\xef\xbb\xbf# mark\n", False))
    return text


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_ten_thousand_tables(seed, tmp_path):
    rng = random.Random(seed)
    for number in range(1000):
        rows = a_table(rng)
        data = b"".join(line for line, _ours in rows)
        foreign = b"".join(line for line, ours in rows if not ours)
        table = Fstab.parse(data)
        assert b"".join(table.lines) == data
        absent = table.without_swap(OURS)
        assert absent.data == foreign, data
        present = table.with_swap(OURS, OPTIONS)
        check(table, present)
        assert present.without_swap(OURS).data == foreign, data
        assert present.swap_entry(OURS).options == ["nofail", "pri=5"], data
        assert present.with_swap(OURS, OPTIONS).data == present.data, data
        if not any(ours for _line, ours in rows):
            assert absent.data == data and absent.with_swap(OURS, OPTIONS).without_swap(OURS).data == data
        if number % 20 == 0 and b"\0" not in data:
            path = tmp_path / "fstab"
            path.write_bytes(absent.data)
            without = glibc(path)
            path.write_bytes(present.data)
            with_ours = glibc(path)
            extra = [row for row in with_ours if row not in without]
            assert len(with_ours) == len(without) + 1 and [(row[2], row[3]) for row in extra] == [
                (b"swap", b"nofail,pri=5")
            ], data


def test_a_large_table_is_quick():
    table = Fstab.parse(DEBIAN * 5000)
    assert table.with_swap(OURS, OPTIONS).data == DEBIAN * 5000 + LINE
