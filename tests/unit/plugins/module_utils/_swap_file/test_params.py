# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options to a wish, and the fourth field of our fstab line."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._swap_file.params import (
    Params,
    expiry,
    fstab_options,
    parse_params,
)
from ansible_collections.memops.linux.plugins.module_utils._swap_file.size import DEFAULT_RESERVE, Reserve, SizeParam

NOW = 1795377980.0
DAY = 86400
G = 1 << 30


def params(**given):
    values = dict(
        path="/swapfile", size="2G", state="present", priority=None, discard=None, persistent=True, nofail=True, min_free=None, expires=None,
        allow_on_kubernetes=False, allow_resume_change=False,
    )  # fmt: skip
    values.update(given)
    return values


def test_defaults():
    assert parse_params(params()) == Params("/swapfile", True, SizeParam("bytes", 2 * G), reserve=DEFAULT_RESERVE)


def test_all_options():
    given = params(
        path="/var/swap file", size="50%", priority=0, discard="once", persistent=False, nofail=False, min_free="1G", expires="2d",
        allow_on_kubernetes=True, allow_resume_change=True,
    )  # fmt: skip
    assert parse_params(given) == Params(
        "/var/swap file", True, SizeParam("share", 5000), 0, "once", False, False, Reserve(G, 0), "2d", True, True
    )


def test_absent_needs_no_size_and_has_no_end():
    assert parse_params(params(state="absent", size=None, expires="2d")) == Params(
        "/swapfile", False, reserve=DEFAULT_RESERVE
    )


WRONG = [
    (dict(path="swapfile"), ["path", "'swapfile'", "absolute"]),
    (dict(path="/"), ["path"]),
    (dict(path="/swap/"), ["path"]),
    (dict(path="/a/../b"), ["path"]),
    (dict(path="/a//b"), ["path"]),
    (dict(path="/a\0b"), ["path"]),
    (dict(path="/a\nb"), ["path"]),
    (dict(path="/swapfile "), ["path: '/swapfile ' ends in a blank"]),
    (
        dict(path="/swap/.swapfile.memops-bridge"),
        ["path", "a name that this module gives to a file for the time of a change"],
    ),
    (dict(path="/.swapfile.memops-half"), ["path", "a name that this module gives"]),
    (dict(size=None), ["size: it is empty; give a size such as 2G"]),
    (dict(size=" "), ["size: it is empty"]),
    (dict(size="1000%"), ["size: '1000%' is more than 100 %"]),
    (dict(path="/" + "x" * 201), ["path", "200 bytes"]),
    (dict(path="/x" * 2001), ["path", "4000 bytes"]),
    (dict(size="9" * 30 + "T"), ["size", "64 bits"]),
    (dict(priority=-1), ["priority", "-1", "0 to 32767"]),
    (dict(priority=32768), ["priority", "32768"]),
    (dict(size="2g"), ["size", "'2g'", "2G"]),
    (dict(size="1"), ["size", "1M"]),
    (dict(min_free="10 percent"), ["min_free", "10 percent"]),
]


@pytest.mark.parametrize("given, words", WRONG)
def test_wrong(given, words):
    with pytest.raises(ValueError) as caught:
        parse_params(params(**given))
    for word in words + ["Nothing was changed"]:
        assert word in str(caught.value)


# (id, option, timer that is there, when)
EXPIRES = [
    ("never", None, None, None),
    ("a timer that is no longer wanted", None, NOW + 5, None),
    ("two days", "2d", None, NOW + 2 * DAY),
    ("a later run does not put it off", "2d", NOW + DAY, NOW + DAY),
    ("a later run may bring it nearer", "1h", NOW + DAY, NOW + 3600),
    ("the timer is over and waits until it is safe", "2d", NOW - 5, NOW - 5),
    ("the time of a timer that is over and waits until it is safe", "2026-11-22T20:06:00Z", NOW - 20, NOW - 20),
    ("a time", "2026-11-25T00:00:00Z", None, 1795564800.0),
    ("a time puts it off", "2026-11-25T00:00:00Z", NOW + 5, 1795564800.0),
]


@pytest.mark.parametrize("text, scheduled, expected", [row[1:] for row in EXPIRES], ids=[row[0] for row in EXPIRES])
def test_expiry(text, scheduled, expected):
    assert expiry(text, NOW, scheduled) == expected


@pytest.mark.parametrize("scheduled", [None, NOW - 5, NOW + DAY])
@pytest.mark.parametrize("text", ["2020-01-01", "-2d", "0d", "soon", "999999999999w", "9999-12-31T23:59:59-01:00"])
def test_no_expiry(text, scheduled):
    with pytest.raises(ValueError, match="expires: .*Nothing was changed"):
        expiry(text, NOW, scheduled)


OPTIONS = [
    ("new", None, (True, 10, None), "nofail,pri=10"),
    ("no fail", None, (False, 10, None), "pri=10"),
    ("no priority", None, (True, None, None), "nofail"),
    ("nothing", None, (False, None, None), "defaults"),
    ("discard", None, (True, 10, "once"), "nofail,pri=10,discard=once"),
    ("both discards", None, (True, 10, "true"), "nofail,pri=10,discard"),
    (
        "what others wrote stays",
        ["sw", "x-systemd.device-timeout=5"],
        (True, 10, None),
        "sw,x-systemd.device-timeout=5,nofail,pri=10",
    ),
    ("what we mean goes", ["defaults", "pri=3", "discard", "fail", "noauto", "pri"], (True, 10, None), "nofail,pri=10"),
    (
        "what begins so stays",
        ["priority", "discardable", "nofailure"],
        (False, None, None),
        "priority,discardable,nofailure",
    ),
]


@pytest.mark.parametrize("existing, given, expected", [row[1:] for row in OPTIONS], ids=[row[0] for row in OPTIONS])
def test_fstab_options(existing, given, expected):
    assert fstab_options(existing, *given) == expected
