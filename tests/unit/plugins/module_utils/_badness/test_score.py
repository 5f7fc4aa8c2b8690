# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's arithmetic, with numbers worked out by hand from mm/oom_kill.c of each era."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._badness import score
from ansible_collections.memops.linux.plugins.module_utils._badness.score import (
    Contender,
    badness,
    choose,
    era_of,
    victim,
)

TOTAL = 1_015_808  # 3968 MiB; a thousandth is 1015 pages
EL6, EL7, EL8_OLD, EL8 = (
    "2.6.32-642.el6.x86_64",
    "3.10.0-1160.el7.x86_64",
    "4.18.0-147.el8.x86_64",
    "4.18.0-553.el8_10.x86_64",
)

# release: root_bonus, child_sacrifice, negative_points, later_wins_tie, thousandths, approximate_rss
ERAS = {
    "2.6.39": ("total", True, False, False, True, False),
    EL6: ("total", True, False, False, True, False),
    "3.5.0": ("total", True, False, False, False, False),
    EL7: ("total", True, False, False, False, False),
    "3.13.0-170-generic": ("total", True, False, False, False, False),
    "3.16.0-11-amd64": ("usage", True, False, False, False, False),
    "4.9.0-19-amd64": ("usage", True, False, False, False, False),
    "4.17.0": (None, True, False, False, False, False),
    "4.19.0-27-amd64": (None, True, False, False, False, False),
    EL8_OLD: (None, True, False, False, False, False),
    EL8: (None, False, False, False, False, False),
    "5.1.21": (None, True, False, False, False, False),
    "5.2.0": (None, False, False, False, False, False),
    "5.3.18-150300.59-default": (None, False, False, True, False, False),
    "5.4.143": (None, False, False, True, False, False),
    "5.4.144": (None, False, True, True, False, False),
    "5.8.18": (None, False, False, True, False, False),
    "5.9": (None, False, True, True, False, False),
    "5.10.0-34-amd64": (None, False, True, True, False, False),
    "5.14.0-503.el9.x86_64": (None, False, True, True, False, False),
    "6.1.0-56-cloud-amd64": (None, False, True, True, False, False),
    "6.12.0-55.el10.x86_64": (None, False, True, True, False, False),
    "6.12.48+deb13-cloud-amd64": (None, False, True, True, False, True),
    "6.15.6": (None, False, True, True, False, False),
    "6.18.44-fc": (None, False, True, True, False, True),
    "7.0.1": (None, False, True, True, False, False),
}


@pytest.mark.parametrize("release", ERAS)
def test_eras(release):
    era = era_of(release)
    assert era[1:7] == ERAS[release] and era.known


@pytest.mark.parametrize("release", [None, "", "linux", "-6.1"])
def test_an_unknown_kernel_has_the_newest_rules_and_says_so(release):
    assert era_of(release) == score.NEWEST and era_of(release).name == "newest"


def test_the_heuristic_before_2_6_36_is_not_ours():
    assert not era_of("2.6.18-419.el5").known and not era_of("2.6.32-5-amd64").known


def test_names():
    assert [era_of(release).name for release in (EL6, EL7, "6.12.0-55.el10.x86_64", "5.10.0-34-amd64")] == [
        "2.6 el6",
        "3.10 el7",
        "6.12 el10",
        "5.10",
    ]


# id: (release, pages, oom_score_adj, privileged, points)
POINTS = {
    "as large as it is": ("6.1.0", 5000, 0, False, 5000),
    "root is like others since 4.17": ("6.1.0", 5000, 0, True, 5000),
    "above": ("6.1.0", 5000, 300, False, 5000 + 300 * 1015),
    "below zero": ("6.1.0", 100, -5, False, 100 - 5075),
    "below zero was one": ("5.8.0", 100, -5, False, 1),
    "zero was one": ("4.19.0", 0, 0, False, 1),
    "-999 can be chosen": ("6.1.0", 900_000, -999, False, 900_000 - 999 * 1015),
    "-1000 cannot": ("6.1.0", 900_000, -1000, False, None),
    "-1000 could not": (EL7, 900_000, -1000, True, None),
    "root, 3 % of its own": ("4.9.0", 10_099, 0, True, 10_099 - 302),  # 30297 / 100, cut
    "root, 3 % of its own, then the adjustment": ("4.9.0", 10_000, 100, True, 9_700 + 101_500),
    "root, 3 % of everything": ("3.10.0", 40_000, 0, True, 40_000 - 30 * 1015),
    "root, 3 % of everything and little of its own": (EL7, 10_000, 0, True, 1),
    "not root": (EL7, 10_000, 0, False, 10_000),
    "thousandths": (EL6, 507_904, 0, False, 500),
    "thousandths, cut": (EL6, 508_000, 0, False, 500),
    "thousandths of root": (EL6, 507_904, 0, True, 470),
    "thousandths, at most 1000": (EL6, 507_904, 600, False, 1000),
    "thousandths, at least 1": (EL6, 100, -400, False, 1),
}


@pytest.mark.parametrize("case", POINTS)
def test_points(case):
    release, pages, adj, privileged, points = POINTS[case]
    assert badness(pages, adj, TOTAL, era_of(release), privileged) == points


def test_a_share_of_less_than_a_thousand_pages_is_nothing():
    """adj * (totalpages / 1000) and not adj * totalpages / 1000: in a cgroup of 3 MiB a score of 1000 adds 0."""
    assert badness(700, 1000, 768, score.NEWEST) == 700
    assert badness(700, 1000, 0, score.NEWEST) == 700  # mem_cgroup_get_max() ?: 1


# id: (release, points, /proc/PID/oom_score)
SHOWN = {
    "nothing": ("6.1.0", 0, 666),
    "all": ("6.1.0", TOTAL, 1333),
    "half below": ("6.1.0", -TOTAL // 2, 333),
    "C cuts towards zero": ("6.1.0", -1523, 666),  # -1.49 thousandths are -1: (1000 - 1) * 2 / 3
    "not eligible": ("6.1.0", None, 0),
    "before 5.9": ("4.19.0", TOTAL // 2, 500),
    "one page before 5.9": ("4.19.0", 1, 0),
    "thousandths": (EL6, 470, 470),
}


@pytest.mark.parametrize("case", SHOWN)
def test_what_proc_shows(case):
    release, points, shown = SHOWN[case]
    assert score.oom_score(points, TOTAL, era_of(release)) == shown


def pids(ranked):
    return [row.contender.pid for row in ranked]


def test_the_order_of_dying():
    candidates = [
        Contender(7, 100, 0),
        Contender(8, 50, 1),
        Contender(9, 9_000, -1000),
        Contender(10, 10, -1),
        Contender(11, 4000, -3),
    ]
    ranked = choose(candidates, TOTAL, score.NEWEST)
    assert [(row.contender.pid, row.badness) for row in ranked] == [(8, 1065), (11, 955), (7, 100), (10, -1005)]


@pytest.mark.parametrize(
    "release, order",
    [("6.1.0", [9, 5, 7]), ("5.3.0", [9, 5, 7]), ("5.2.0", [7, 5, 9]), (EL7, [7, 5, 9]), (EL6, [7, 5, 9])],
)
def test_of_equals_the_later_since_5_3(release, order):
    """By their place in the task list, not by pid: pids begin anew."""
    equals = [Contender(9, 100, 0, order=3), Contender(7, 100, 0, order=1), Contender(5, 100, 0, order=2)]
    assert pids(choose(equals, TOTAL, era_of(release))) == order


def test_everything_far_below_zero_is_equal_before_5_9():
    candidates = [Contender(1, 90_000, -900, order=1), Contender(2, 10, -500, order=2)]
    assert pids(choose(candidates, TOTAL, era_of("4.19.0"))) == [1, 2]
    assert pids(choose(candidates, TOTAL, era_of("6.1.0"))) == [2, 1]


FAMILY = [
    Contender(10, 1000, 0, order=1, ppid=1),
    Contender(11, 50, 0, order=2, ppid=10),
    Contender(12, 70, 0, order=3, ppid=10),
    Contender(13, 70, 0, order=4, ppid=10),
    Contender(14, 900, -1000, order=5, ppid=10),
    Contender(15, 800, 0, order=6, ppid=11),  # a grandchild is no child
]


@pytest.mark.parametrize(
    "release, pid", [("4.19.0", 12), ("5.1.0", 12), (EL7, 12), (EL8_OLD, 12), ("5.2.0", 10), (EL8, 10), ("6.1.0", 10)]
)
def test_a_child_is_sacrificed_up_to_5_1(release, pid):
    era = era_of(release)
    died = victim(choose(FAMILY, TOTAL, era), era)
    assert died.contender.pid == pid


def test_who_has_no_child_dies_itself():
    era = era_of("4.19.0")
    assert victim(choose([FAMILY[0], FAMILY[5], FAMILY[4]], TOTAL, era), era).contender.pid == 10


def test_nobody():
    assert choose([FAMILY[4]], TOTAL, score.NEWEST) == [] and victim([], score.NEWEST) is None


def test_how_far_proc_and_the_kernel_may_differ():
    """Four per-CPU counters with a batch of max(32, 2 * CPUs) each; only where /proc is exact and the choice is not."""
    assert score.slack(era_of("6.18.0"), 2) == 4 * 2 * 32
    assert score.slack(era_of("6.18.0"), 64) == 4 * 64 * 128
    assert score.slack(era_of("6.12.0"), 64) == 0 == score.slack(era_of("7.0.0"), 64)
