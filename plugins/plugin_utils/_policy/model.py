# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a policy expects, as values."""

from __future__ import annotations

import typing as t

from ansible_collections.memops.linux.plugins.module_utils._systemd.unit_name import UnitName

from .expression import Expression

SEVERITIES = ("info", "warning", "error")
#: what is checked without a rule of its own -> why, and how bad it is
CHECKS = {
    "facts": ("A host that was not read, or long ago, may be in any state.", "error"),
    "visibility": ("Without its logs a host cannot say that nothing was killed.", "error"),
    "kills": ("Every kill is work that was lost.", "error"),
    "service-missing": ("The policy expects a service that is not installed.", "error"),
    "service-setting": ("What systemd has loaded is not what was declared.", "error"),
    "service-kernel": ("A limit that was declared is not what the kernel holds: it is not in force.", "error"),
    "service-reload": ("A file was changed and systemd has not read it.", "error"),
    "service-processes": (
        "Processes of the service do not have its score: the kernel knows nothing but theirs.",
        "error",
    ),
    "service-removed": ("A drop-in that should be gone is still read.", "warning"),
    "setting": ("A vm setting is not what was declared.", "error"),
    "setting-at-boot": ("A vm setting will be another one after the next boot.", "warning"),
    "killer": ("A user-space killer is not in the state that was declared.", "error"),
    "swap": ("There is less, more or other swap than was declared.", "error"),
}


#: Ids of rules before they said what they find. A policy may name them until 2.0.0; findings have the new ones.
RENAMED = {
    "kernel-gave-up": "oom-without-kill",
    "killed-and-gone": "unit-missing-after-kill",
    "way-in-killed": "login-service-killed",
    "high-without-way-out": "memory-high-without-swap",
    "unkillable-brood": "delegate-unkillable",
    "killed-for-good": "killed-not-restarted",
}


class PolicyError(Exception):
    """The policy is wrong; the text names the keys."""


class Service(t.NamedTuple):
    """settings -- option -> text, in systemd's spelling; own_score -- fail, lower or allow"""

    unit: UnitName
    settings: dict[str, str]
    present: bool = True
    missing: str = "fail"
    own_score: str = "fail"
    dropin: str = "50-memops.conf"


class SwapFile(t.NamedTuple):
    path: str
    size: str | None = None
    priority: int | None = None
    persistent: bool | None = None
    present: bool = True


class Swap(t.NamedTuple):
    """min, max -- bytes or a share of RAM"""

    min: str | None = None
    max: str | None = None
    files: tuple[SwapFile, ...] = ()


class Range(t.NamedTuple):
    """One of the values, or from least to most."""

    values: tuple[int, ...] = ()
    least: int | None = None
    most: int | None = None

    def holds(self, value: int) -> bool:
        if self.values:
            return value in self.values
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        if self.values:
            return " or ".join(map(str, self.values))
        ends = [f"{word} {end}" for word, end in (("at least", self.least), ("at most", self.most)) if end is not None]
        return " and ".join(ends)


#: What a policy may want to speak for a kill that it counts, the strongest first.
PROOFS = ("kernel", "confirmed", "logged")


class Kills(t.NamedTuple):
    """At most so many in so many seconds; of these units and scopes, or all; with this proof, or a stronger one."""

    max: int
    window: float | None = None
    window_text: str = ""
    scopes: tuple[str, ...] = ()
    units: tuple[UnitName, ...] = ()
    proof: str = PROOFS[-1]


class Visibility(t.NamedTuple):
    state: str = "partial"
    since: float | None = None
    since_text: str = ""


class Rule(t.NamedTuple):
    """each -- the list it is about, None: the host; when -- whom it concerns; holds -- what has to be true; needs --
    what has to be known
    """

    id: str
    severity: str
    message: str
    remedy: str
    holds: Expression
    reason: str = ""
    each: Expression | None = None
    when: Expression | None = None
    needs: tuple[Expression, ...] = ()
    subject: Expression | None = None
    expect: str = ""


class Policy(t.NamedTuple):
    name: str
    services: tuple[Service, ...] = ()
    swap: Swap | None = None
    settings: dict[str, Range] = {}
    killers: dict[str, tuple[str, ...]] = {}
    kills: Kills | None = None
    visibility: Visibility = Visibility()
    max_age: float | None = None
    rules: tuple[Rule, ...] = ()
    severities: dict[str, str] = {}
    disabled: frozenset[str] = frozenset()
    #: old ids of rules that it names, and what they are now
    renamed: tuple[tuple[str, str], ...] = ()

    def notes(self) -> list[str]:
        """What a person should change in it."""
        return [
            f"policy {self.name}: the rule {old} is called {new} now; the old id is deprecated"
            for old, new in self.renamed
        ]

    def severity(self, check: str) -> str:
        return self.severities.get(check) or CHECKS[check][1]
