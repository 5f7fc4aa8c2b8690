# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd names units of bare kills, where there is no doubt which."""

from ansible_collections.memops.linux.plugins.module_utils._facts.facts import kill_section
from ansible_collections.memops.linux.plugins.module_utils._facts.ledger import Entry, Ledger
from ansible_collections.memops.linux.plugins.module_utils._facts.unit_results import name_units
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Process, Verdict
from ansible_collections.memops.linux.plugins.module_utils._oom.unparsed import Unparsed
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine


def kill(pid, at, unit=None, trusted=True, **more):
    return Kill(
        line=LogLine("", "journal", time=at, trusted=trusted), victim=Process(pid=pid, total_vm=4096), unit=unit, **more
    )


def verdict(unit, at, trusted=True):
    return Verdict(line=LogLine("", "journal", time=at, trusted=trusted), unit=unit)


def units(kills, verdicts):
    return [entry.kill.unit for entry in name_units([Entry(one, ("journal",)) for one in kills], verdicts)]


def test_one_bare_kill_and_one_verdict():
    assert units([kill(1, 100.0)], [verdict("a.service", 100.4), verdict("system.slice", 100.4)]) == ["a.service"]


def test_a_verdict_that_a_kill_explains_already_names_no_other():
    assert units([kill(1, 100.0, "a.service"), kill(2, 100.1)], [verdict("a.service", 100.4)]) == ["a.service", None]


def test_what_is_left_over_is_clear():
    kills = [kill(1, 100.0, "a.service"), kill(2, 100.1)]
    assert units(kills, [verdict("a.service", 100.4), verdict("b.service", 100.5)]) == ["a.service", "b.service"]


def test_no_guess_among_several():
    assert units([kill(1, 100.0), kill(2, 101.0)], [verdict("a.service", 102.0), verdict("b.service", 102.0)]) == [
        None,
        None,
    ]
    assert units([kill(1, 100.0)], [verdict("a.service", 102.0), verdict("b.service", 102.0)]) == [None]


def test_one_after_the_other():
    found = units([kill(1, 100.0), kill(2, 108.0)], [verdict("a.service", 101.0), verdict("b.service", 109.0)])
    assert found == ["a.service", "b.service"]


def test_too_far_too_early_or_forged():
    for wrong in (verdict("a.service", 120.0), verdict("a.service", 98.0), verdict("a.service", 100.1, trusted=False)):
        assert units([kill(1, 100.0)], [wrong]) == [None]
    assert units([kill(1, 100.0, trusted=False)], [verdict("a.service", 100.1)]) == [None]
    assert units([kill(1, 100.0, killer="earlyoom")], [verdict("a.service", 100.1)]) == [None]


def test_a_storm_is_left_alone():
    kills = [kill(pid, 100.0 + pid) for pid in range(3000)]
    assert set(units(kills, [verdict("u%d.service" % pid, 100.0 + pid) for pid in range(3000)])) == {None}


def test_the_summary_counts_the_name():
    ledger = Ledger(10)
    ledger.add(kill(1, 100.0))
    section = kill_section(ledger, [], Unparsed(), [verdict("a.service", 100.4)])
    assert section["summary"]["by_unit"] == {"a.service": 1}
    assert section["kills"][0]["unit"] == "a.service"
    assert section["confirmed_units"] == ["a.service"]
