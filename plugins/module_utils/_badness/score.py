# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's arithmetic: how bad a process is, in pages, and who of several it kills. mm/oom_kill.c by era.

Each rule names the upstream commit that made or ended it. Distributions backport: where the running kernel can be asked
(selection.py), its answer counts more than its version.
"""

import re
from typing import List, NamedTuple, Optional, Sequence, Tuple

#: OOM_SCORE_ADJ_MIN: never chosen.
UNKILLABLE = -1000
#: Bounds of oom_score_adj.
ADJ_MIN, ADJ_MAX = -1000, 1000

_RELEASE = re.compile(r"^(\d{1,3})\.(\d{1,3})(?:\.(\d{1,4}))?(?:-(\d{1,5}))?")
_EL = re.compile(r"\.el(\d{1,2})(?:\D|$)")

Version = Tuple[int, int, int, int]


class Era(NamedTuple):
    """What differs between kernels.

    root_bonus -- what a process with CAP_SYS_ADMIN is spared: "total" 3 % of all memory, "usage" 3 % of its own, None
        nothing
    child_sacrifice -- the chosen process's worst child dies instead of it, where it has one
    negative_points -- a sum below 1 stays what it is; before, every such process had 1
    later_wins_tie -- of equals the later in the task list; before, the earlier
    thousandths -- points are thousandths of memory, 1 to 1000, and tie often
    approximate_rss -- /proc is exact, and what the kernel compares is not
    known -- False: this kernel's heuristic was another one (or too old to name)
    """

    name: str
    root_bonus: Optional[str] = None
    child_sacrifice: bool = False
    negative_points: bool = True
    later_wins_tie: bool = True
    thousandths: bool = False
    approximate_rss: bool = False
    known: bool = True


class Contender(NamedTuple):
    """A process with memory of its own, as the kernel sees it.

    pages -- rss (anonymous, file and shared), swap and page tables
    privileged -- has CAP_SYS_ADMIN (root_bonus)
    order -- position in the task list: processes stand there as they were started
    """

    pid: int
    pages: int
    oom_score_adj: int
    privileged: bool = False
    order: int = 0
    ppid: Optional[int] = None


class Ranked(NamedTuple):
    """A contender that can be chosen, and how bad it is, in pages (thousandths in an era of thousandths)."""

    badness: int
    contender: Contender


NEWEST = Era("newest")


def version_of(release: str) -> Optional[Version]:
    """The numbers of ``uname -r``, the distribution's build last (0 where it has none); None where there are none."""
    match = _RELEASE.match(release)
    if match is None:
        return None
    major, minor, patch, build = [int(number or 0) for number in match.groups()]
    return major, minor, patch, build


def _negative_points(version: Version, el: int) -> bool:
    # 9066e5cfb73c "mm, oom: make the calculation of oom badness more accurate": 5.9, and 5.4.144 of the long-term
    # kernels.
    return version >= (5, 9) or (not el and (5, 4, 144) <= version < (5, 5))


def _root_bonus(version: Version) -> Optional[str]:
    # a63d83f427fb (2.6.36) adj -= 30; 778c14affaf9 (3.14) 3 % of the usage; d46078b28889 (4.17) none.
    if version >= (4, 17):
        return None
    return "usage" if version >= (3, 14) else "total"


def _child_sacrifice(version: Version, el: int) -> bool:
    # bbbe48029720 "remove 'prefer children over parent' heuristic": 5.2. EL 8 lost the words "or sacrifice child" by
    # 4.18.0-240.
    return version < (4, 18, 0, 240) if el == 8 else version < (5, 2)


def _approximate_rss(version: Version) -> bool:
    # f1a7941243c1 (6.2) counts per CPU; 82241a83cd15 (6.16, 6.15.7, 6.12.39) adds that up for /proc, and only 7.0 for
    # the choice as well.
    return (6, 16) <= version < (7, 0) or (6, 15, 7) <= version < (6, 16) or (6, 12, 39) <= version < (6, 13)


def era_of(release: Optional[str]) -> Era:
    """The era of ``uname -r`` (or of the version in a log). Unknown: the newest rules, and name says so."""
    version = version_of(release or "")
    if version is None:
        return NEWEST
    match = _EL.search(release or "")
    el = int(match.group(1)) if match else 0
    if version < (2, 6, 36) and el != 6:  # EL 6 has the rewrite of 2.6.36 in its 2.6.32
        return Era("before 2.6.36", "total", True, False, False, thousandths=True, known=False)
    return Era(
        name="%d.%d" % version[:2] + (" el%d" % el if el else ""),
        root_bonus=_root_bonus(version),
        child_sacrifice=_child_sacrifice(version, el),
        negative_points=_negative_points(version, el),
        # f168a9a54ec3 (5.3) dropped the rule for thread group leaders, and with it what kept the earlier of equals.
        later_wins_tie=version >= (5, 3),
        # a7f638f999ff (3.5): thousandths are for /proc only.
        thousandths=version < (3, 5),
        approximate_rss=_approximate_rss(version),
    )


def badness(pages: int, oom_score_adj: int, totalpages: int, era: Era, privileged: bool = False) -> Optional[int]:
    """oom_badness(): None is "not eligible" (oom_score_adj -1000; LONG_MIN, or 0 before negative points)."""
    if oom_score_adj <= UNKILLABLE:
        return None
    total = max(totalpages, 1)
    points, adj = pages, oom_score_adj
    if era.thousandths:
        points = points * 1000 // total - (30 if privileged and era.root_bonus else 0) + adj
        return min(max(points, 1), 1000)
    if privileged and era.root_bonus == "usage":
        points -= points * 3 // 100
    elif privileged and era.root_bonus == "total":
        adj -= 30
    points += adj * (total // 1000)
    return points if era.negative_points else max(points, 1)


def choose(candidates: Sequence[Contender], totalpages: int, era: Era) -> List[Ranked]:
    """Who can be chosen, worst first, as select_bad_process() would take them one after the other."""
    ranked = []  # type: List[Ranked]
    for contender in candidates:
        points = badness(contender.pages, contender.oom_score_adj, totalpages, era, contender.privileged)
        if points is not None:
            ranked.append(Ranked(points, contender))
    later = -1 if era.later_wins_tie else 1
    return sorted(ranked, key=lambda row: (-row.badness, later * row.contender.order))


def victim(ranked: Sequence[Ranked], era: Era) -> Optional[Ranked]:
    """Who dies: the first, or in an era of sacrifice the worst of its children (oom_kill_process(): the earlier of
    equals).
    """
    if not ranked:
        return None
    first = ranked[0]
    if not era.child_sacrifice:
        return first
    children = [row for row in ranked[1:] if row.contender.ppid == first.contender.pid]
    return max(children, key=lambda row: (row.badness, -row.contender.order)) if children else first


def oom_score(points: Optional[int], totalpages: int, era: Era) -> int:
    """What /proc/PID/oom_score shows of a badness: rounded to a thousandth of memory, 0 for those not eligible."""
    if points is None:
        return 0
    total = max(totalpages, 1)
    if era.thousandths:
        return points
    share = abs(points) * 1000 // total  # C divides towards zero
    if not era.negative_points:
        return share
    signed = share if points >= 0 else -share
    return (1000 + signed) * 2 // 3


def slack(era: Era, cpus: int) -> int:
    """Pages by which the kernel's own sum for a process may differ from that of /proc: four counters, a batch on every
    CPU.
    """
    return 4 * cpus * max(32, 2 * cpus) if era.approximate_rss else 0
