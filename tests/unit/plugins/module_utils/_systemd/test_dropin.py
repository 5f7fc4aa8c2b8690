# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest

from ansible_collections.memops.linux.plugins.module_utils._systemd.dropin import (
    MARK,
    assignments,
    check_dropin_name,
    ignored_lines,
    is_ours,
    render,
    settings_of,
)


def test_what_we_write():
    data = render("service", {"restart": "always", "oom_score_adjust": "-500", "memory_max": "1G"})
    assert data.decode("ascii").split("\n")[2:] == [
        "[Service]",
        "OOMScoreAdjust=-500",
        "MemoryMax=1G",
        "Restart=always",
        "",
    ]
    assert data.decode("ascii").startswith(MARK + "\n#") and is_ours(data)
    assert settings_of(data, "service") == {"oom_score_adjust": "-500", "memory_max": "1G", "restart": "always"}
    assert render("slice", {"memory_max": "1G"}).decode("ascii").split("\n")[2] == "[Slice]"


@pytest.mark.parametrize(
    "data", [b"", b"[Service]\nOOMScoreAdjust=5\n", b"# Managed by hand\n", b"\xef\xbb\xbf" + MARK.encode("ascii")]
)
def test_whose_it_is(data):
    assert not is_ours(data)


@pytest.mark.parametrize("name", ["50-memops.conf", "90-oom.conf", "zz_last.conf", "99-a.b@c.conf"])
def test_good_names(name):
    assert check_dropin_name(name) == name


BAD_NAMES = [
    "", "a", "50-memops", "50-memops.conf~", ".50-memops.conf", "../x.conf", "a/b.conf", "-x.conf", "a b.conf", "a\n.conf", "x" * 250 + ".conf", "a.conf\n",
    "override.conf", "50-MemoryMax.conf", "50-OOMScoreAdjust.conf", "*.conf",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_names(name):
    with pytest.raises(ValueError) as caught:
        check_dropin_name(name)
    assert "50-memops.conf" in str(caught.value)


# Lines of systemd's grammar; values.json holds what it makes of many more.
LINES = [
    ("spaces", b" [Service] \n OOMScoreAdjust = 5 \n", {"oom_score_adjust": "5"}),
    ("the last one counts", b"[Service]\nOOMScoreAdjust=5\nOOMScoreAdjust=6\n", {"oom_score_adjust": "6"}),
    ("a wrong one does not count", b"[Service]\nOOMScoreAdjust=5\nOOMScoreAdjust=x\n", {"oom_score_adjust": "5"}),
    ("an empty one resets", b"[Service]\nOOMScoreAdjust=5\nOOMScoreAdjust=\n", {"oom_score_adjust": ""}),
    ("an empty word is none", b"[Service]\nRestart=always\nRestart=\n", {"restart": "always"}),
    ("another section", b"[Unit]\nOOMScoreAdjust=5\n", {}),
    ("no section", b"OOMScoreAdjust=5\n", {}),
    ("a comment", b"[Service]\n#OOMScoreAdjust=5\n;OOMScoreAdjust=6\n", {}),
    ("CRLF", b"[Service]\r\nOOMScoreAdjust=5\r\n", {"oom_score_adjust": "5"}),
    ("a continued line hides the next", b"[Service]\nEnvironment=A=b \\\nOOMScoreAdjust=5\n", {}),
    ("two backslashes do not", b"[Service]\nEnvironment=A=b\\\\\nOOMScoreAdjust=5\n", {"oom_score_adjust": "5"}),
    ("BOM", b"\xef\xbb\xbf[Service]\nOOMScoreAdjust=5\n", {"oom_score_adjust": "5"}),
    ("NUL ends a line", b"[Service]\0OOMScoreAdjust=5\0", {"oom_score_adjust": "5"}),
    (
        "what is no UTF-8 ends the file",
        b"[Service]\nOOMScoreAdjust=5\nEnvironment=\xff\nOOMScoreAdjust=6\n",
        {"oom_score_adjust": "5"},
    ),
    (
        "a line above 1 MiB ends it too",
        b"[Service]\nOOMScoreAdjust=5\nEnvironment=" + b"x" * 1100000 + b"\nOOMScoreAdjust=6\n",
        {"oom_score_adjust": "5"},
    ),
    ("a no-break space is no blank", "[Service]\nOOMScoreAdjust=5\u00a0\n".encode("utf-8"), {}),
    (
        "hexadecimal",
        b"[Service]\nOOMScoreAdjust=0x10\nMemoryMax=1G512M\n",
        {"oom_score_adjust": "0x10", "memory_max": "1G512M"},
    ),
]


@pytest.mark.parametrize("data, found", [row[1:] for row in LINES], ids=[row[0] for row in LINES])
def test_what_a_file_sets(data, found):
    assert settings_of(data, "service") == found


def test_a_slice_has_no_score():
    data = b"[Slice]\nOOMScoreAdjust=5\nMemoryMax=1G\n"
    assert settings_of(data, "slice") == {"memory_max": "1G"}
    assert [line.reason for line in ignored_lines(data, "slice")] == ["it has no effect in a slice"]


IGNORED = [
    ("OOMScoreAdj=5", "OOMScoreAdjust= was meant"),
    ("OomScoreAdjust=5", "OOMScoreAdjust= was meant"),
    ("MemoryMaximum=1G", "MemoryMax= was meant"),
    ("MemoryMax=64m", "ignores this value"),
    ("OOMScoreAdjust=-1001", "ignores this value"),
    ("OOMPolicy=Kill", "ignores this value"),
]


@pytest.mark.parametrize("line, words", IGNORED)
def test_lines_that_do_nothing(line, words):
    found = ignored_lines(("[Service]\n# x\n%s\n" % line).encode("ascii"), "service")
    assert [(item.line, item.text) for item in found] == [(3, line)] and words in found[0].reason


def test_a_setting_in_the_wrong_section():
    (found,) = ignored_lines(b"[Unit]\nMemoryMax=1G\n", "service")
    assert "stands in [Unit], systemd reads it in [Service] only" in found.reason


@pytest.mark.parametrize(
    "line",
    [
        "RestartSec=5",
        "MemoryLimit=1G",
        "MemoryZSwapMax=1G",
        "X-OOMScoreAdjust=1",
        "CPUWeight=5",
        "MemoryMax=infinity",
        "MemoryAccounting=yes",
    ],
)
def test_lines_that_are_all_right(line):
    assert ignored_lines(("[Service]\n%s\n" % line).encode("ascii"), "service") == []


def test_lines_have_their_numbers():
    assert [tuple(item) for item in assignments(b"\n[A]\nx = 1\n\n[B]\ny=\\\n2\nz=\n")] == [
        ("A", "x", "1", 3),
        ("B", "y", "2", 6),
        ("B", "z", "", 8),
    ]
