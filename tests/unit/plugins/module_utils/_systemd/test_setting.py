# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json
import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._systemd import setting as settings_room
from ansible_collections.memops.linux.plugins.module_utils._systemd.dropin import settings_of
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import (
    BY_KEY,
    BY_OPTION,
    INFINITY,
    normalize_settings,
    unsupported,
)

G = 1 << 30
M = 1 << 20

# (option, what a person writes, what stands in the drop-in; None: refused). What systemd would ignore is refused, not
# written.
VALUES = [
    ("memory_max", "64M", "64M"),
    ("memory_max", "67108864", "64M"),
    ("memory_max", "1536M", "1536M"),
    ("memory_max", "1.5G", "1536M"),
    ("memory_max", "64 M", "64M"),
    ("memory_max", "50%", "50%"),
    ("memory_max", "12.5%", "12.5%"),
    ("memory_max", "100%", "100%"),
    ("memory_max", "infinity", "infinity"),
    ("memory_max", "1000", "1000"),
    ("memory_max", "1T", "1T"),
    ("memory_max", 1024, "1K"),
    ("memory_max", "64m", None),
    ("memory_max", "64MB", None),
    ("memory_max", "64MiB", None),
    ("memory_max", "1e9", None),
    ("memory_max", "101%", None),
    ("memory_max", "-1", None),
    ("memory_max", "0", None),
    ("memory_max", "0%", None),
    ("memory_max", "0x10", None),
    ("memory_max", "+5", None),
    ("memory_max", "5 # x", None),
    ("memory_max", "max", None),
    ("memory_max", "", None),
    ("memory_max", "1G\nExecStart=/bin/sh", None),
    ("memory_max", "1,5G", None),
    ("memory_max", "18446744073709551615", None),
    ("memory_max", "20E", None),
    ("memory_max", "none", None),
    ("memory_high", "0", None),
    ("memory_swap_max", "0", "0"),
    ("memory_low", "0", "0"),
    ("memory_min", "0%", "0%"),
    ("oom_score_adjust", -1000, "-1000"),
    ("oom_score_adjust", 1000, "1000"),
    ("oom_score_adjust", 0, "0"),
    ("oom_score_adjust", -1001, None),
    ("oom_score_adjust", 1001, None),
    ("oom_score_adjust", "abc", None),
    ("oom_policy", "kill", "kill"),
    ("oom_policy", "Kill", None),
    ("restart", "no", "no"),
    ("restart", "yes", None),
    ("managed_oom_swap", "kill", "kill"),
    ("managed_oom_preference", "omit", "omit"),
    ("managed_oom_preference", "omit\n[Unit]", None),
]


@pytest.mark.parametrize("option, given, written", VALUES)
def test_what_is_written(option, given, written):
    if written is None:
        with pytest.raises(ValueError) as caught:
            BY_OPTION[option].normalize(given)
        assert str(caught.value)
    else:
        assert BY_OPTION[option].normalize(given) == written
        assert BY_OPTION[option].normalize(written) == written


def _recorded(fixtures):
    with open(os.path.join(fixtures, "systemd", "values.json")) as file:
        return json.load(file)


def test_values_and_files_are_read_as_systemd_reads_them(fixtures, monkeypatch):
    """340 drop-ins, each of which 247, 252 and 257 had read: the number that they loaded is the number that we expect."""
    monkeypatch.setattr(settings_room, "_PAGE", 4096)
    recorded = _recorded(fixtures)
    wrong = []
    for key, text, _old, middle, new in recorded["rows"]:
        setting = BY_KEY[key]
        assert middle == new
        found = settings_of(text.encode("latin-1"), "service").get(setting.option)
        ours = (
            setting.expected(found, recorded["ram"])
            if found
            else setting.default if setting.default is not None else "stop"
        )
        if ours != setting.loaded(new):
            wrong.append((key, text, new, ours))
    assert wrong == []
    assert len(recorded["rows"]) > 300


def test_what_we_write_every_systemd_takes(fixtures, monkeypatch):
    """Whatever passes canonical() is loaded as it was meant; 247 ignores the second digit of a share, which is read
    back and said.
    """
    monkeypatch.setattr(settings_room, "_PAGE", 4096)
    recorded = _recorded(fixtures)
    count = 0
    for key, text, old, _middle, new in recorded["rows"]:
        setting = BY_KEY[key]
        if setting.kind != "memory" or text.count("\n") != 3:
            continue
        given = text.rsplit("=", 1)[1][:-1]
        try:
            written = setting.normalize(given)
        except ValueError:
            continue
        if written != given:
            continue
        count += 1
        assert setting.expected(written, recorded["ram"]) == setting.loaded(new), text
        if not (given.endswith("%") and len(given.partition(".")[2]) > 2) and given != "0.1%":
            assert old == new, text
    assert count > 20


SHOWN = [
    ("memory_max", "18446744073709551615", INFINITY),
    ("memory_max", "infinity", INFINITY),
    ("memory_max", "[not set]", INFINITY),
    ("memory_max", "67108864", 64 * M),
    ("memory_max", "", None),
    ("memory_max", None, None),
    ("memory_max", "x", None),
    ("oom_score_adjust", "-500", -500),
    ("oom_score_adjust", "0", 0),
    ("oom_policy", "stop", "stop"),
    ("oom_policy", "", None),
    ("restart", "no", "no"),
]


@pytest.mark.parametrize("option, shown, loaded", SHOWN)
def test_what_systemctl_shows(option, shown, loaded):
    assert BY_OPTION[option].loaded(shown) == loaded


def test_a_share_of_unknown_ram_is_unknown():
    assert BY_OPTION["memory_max"].expected("50%", None) is None
    assert BY_OPTION["memory_max"].expected("50%", 4 * G) == 2 * G


# (option, type of unit, version, words; None: it is known)
SUPPORT = [
    ("oom_score_adjust", "service", 219, None),
    ("oom_score_adjust", "slice", 252, "no effect in a slice"),
    ("oom_score_adjust", "scope", 252, "no effect in a scope"),
    ("oom_policy", "service", 242, "243 or newer, this is 242"),
    ("oom_policy", "service", 243, None),
    ("oom_policy", "scope", 252, "253 or newer"),
    ("oom_policy", "scope", 253, None),
    ("oom_policy", "slice", 257, "no effect"),
    ("memory_max", "service", 219, "231 or newer"),
    ("memory_max", "slice", 231, None),
    ("memory_min", "service", 239, "240 or newer"),
    ("memory_swap_max", "service", 231, "232 or newer"),
    ("managed_oom_swap", "service", 246, "247 or newer"),
    ("managed_oom_preference", "service", 247, "248 or newer"),
    ("restart", "socket", 252, "no effect"),
    ("managed_oom_swap", "mount", 252, "no effect in a mount"),
    ("memory_max", "service", None, None),
]


@pytest.mark.parametrize("option, kind, version, words", SUPPORT)
def test_who_knows_it(option, kind, version, words):
    message = unsupported(BY_OPTION[option], kind, version)
    assert (message is None) if words is None else (message is not None and words in message)


def test_the_order_is_the_tables_and_a_wrong_value_names_its_option():
    assert list(
        normalize_settings(
            {"restart": "always", "memory_max": "1G", "oom_score_adjust": 5, "oom_policy": None}, ValueError
        )
    ) == [
        "oom_score_adjust",
        "memory_max",
        "restart",
    ]
    with pytest.raises(KeyError) as caught:
        normalize_settings({"memory_max": "64m"}, KeyError)
    assert "memory_max: '64m' is not a valid size; write 64M" in str(caught.value)
