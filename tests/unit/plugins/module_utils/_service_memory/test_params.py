# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest

from ansible_collections.memops.linux.plugins.module_utils._service_memory.params import (
    Overrides,
    ParamsError,
    parse_overrides,
    parse_requests,
)
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._service_memory.states import params


def test_names_share_the_settings_at_the_top():
    first, second = parse_requests(
        params(name=["nginx", "getty@"], oom_score_adjust=-500, memory_max="1.5G", apply="restart")
    )
    assert first.unit.name == "nginx.service" and second.unit.name == "getty@.service"
    assert first.settings == second.settings == {"oom_score_adjust": "-500", "memory_max": "1536M"}
    assert (first.state, first.dropin, first.apply, first.missing) == ("present", "50-memops.conf", "restart", "fail")


def test_an_entry_of_services_wins_over_the_top():
    services = [
        dict(name="a", oom_score_adjust=1),
        dict(name="b", memory_max="1G", apply="next_start", missing="skip", dropin="60-x.conf"),
        dict(name="c", state="absent"),
    ]
    first, second, third = parse_requests(params(services=services, apply="restart"))
    assert (first.apply, first.missing, first.dropin) == ("restart", "fail", "50-memops.conf")
    assert (second.apply, second.missing, second.dropin) == ("next_start", "skip", "60-x.conf") and second.settings == {
        "memory_max": "1G"
    }
    assert third.state == "absent" and third.settings == {}


WRONG = [
    (dict(), ["no service is named", "name or services"]),
    (dict(name=[]), ["no service is named"]),
    (dict(name=["web"]), ["no setting is given for web.service", "state=absent"]),
    (dict(name=["../x"], oom_score_adjust=1), ["begins with '.'"]),
    (dict(name=["web"], oom_score_adjust=1001), ["oom_score_adjust", "1001 is outside -1000 to 1000"]),
    (dict(name=["web"], oom_score_adjust=True), ["oom_score_adjust: True is not an integer"]),
    (dict(name=["web"], memory_max="64m"), ["memory_max", "64M"]),
    (dict(name=["web"], memory_max="101%"), ["memory_max", "100 %"]),
    (dict(name=["web"], memory_high="0"), ["memory_high", "infinity"]),
    (dict(name=["web"], oom_score_adjust=1, dropin="override.conf"), ["dropin", "override.conf"]),
    (dict(name=["web"], oom_score_adjust=1, dropin="../../x.conf"), ["dropin", "without a path"]),
    (
        dict(name=["web", "web.service"], oom_score_adjust=1),
        ["web.service is named twice: once with oom_score_adjust=1, once with oom_score_adjust=1"],
    ),
    (
        dict(
            services=[dict(name="web", oom_score_adjust=1, memory_max="1G"), dict(name="web.service", state="absent")]
        ),
        [
            "web.service is named twice: once with oom_score_adjust=1 memory_max=1G, once with state=absent; name it once"
        ],
    ),
    (
        dict(services=[dict(name="web", oom_score_adjust=1), dict(name="web", oom_score_adjust=2, dropin="60-x.conf")]),
        ["oom_score_adjust is 1 for 50-memops.conf and 2 for 60-x.conf, and only one of them can be in force"],
    ),
    (
        dict(services=[dict(name="a", oom_score_adjust=1), dict(name="b")]),
        ["services[1]", "no setting is given for b.service"],
    ),
    (dict(services=[dict(name="a*", oom_score_adjust=1)]), ["services[0]", "wildcard"]),
    (dict(services=[dict(name="", oom_score_adjust=1)]), ["services[0]", "name is missing"]),
    (
        dict(services=[dict(name="a", oom_score_adjust=1)], oom_score_adjust=5),
        ["oom_score_adjust cannot be combined with services"],
    ),
]


@pytest.mark.parametrize("given, words", WRONG)
def test_a_wrong_wish_is_refused_before_anything_is_read(given, words):
    with pytest.raises(ParamsError) as caught:
        parse_requests(params(**given))
    for word in words + ["Nothing was changed."]:
        assert word in str(caught.value)


TWO_FILES = [
    (dict(oom_score_adjust=1), dict(memory_max="1G")),
    (dict(oom_score_adjust=1, memory_max="1G"), dict(oom_score_adjust=1)),
    (dict(state="absent"), dict(oom_score_adjust=1)),  # the file gets another name
]


@pytest.mark.parametrize("one, two", TWO_FILES)
def test_the_same_unit_with_two_files_is_two_wishes(one, two):
    assert len(parse_requests(params(services=[dict(name="a", **one), dict(name="a", dropin="60-x.conf", **two)]))) == 2


def test_allow():
    assert parse_overrides(params()) == Overrides(settle=0.0, restart_timeout=5.0)
    assert parse_overrides(params(min_killable="12.5%")).min_killable == 1250


@pytest.mark.parametrize(
    "given, words",
    [
        (dict(min_killable="x"), "not a percentage"),
        (dict(min_killable="120%"), "100 %"),
        (dict(settle=-1), "settle"),
        (dict(restart_timeout=4000.0), "3600"),
    ],
)
def test_a_wrong_allowance(given, words):
    with pytest.raises(ParamsError) as caught:
        parse_overrides(params(**given))
    assert words in str(caught.value)
