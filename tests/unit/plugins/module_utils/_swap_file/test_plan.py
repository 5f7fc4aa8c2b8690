# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what is there to what is wished: every state has an end, and on the way there is always swap where there was
swap.
"""

import itertools

import pytest

from ansible_collections.memops.linux.plugins.module_utils._swap_file.fstab_lines import Fstab
from ansible_collections.memops.linux.plugins.module_utils._swap_file.plan import (
    changed_fstab,
    has_valid_header,
    most_disk,
    plan,
)
from ansible_collections.memops.linux.plugins.module_utils._swap_file.signature import Signature
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._swap_file.swap_states import (
    ABSENT,
    BRIDGE,
    FSTAB,
    LINE,
    OURS,
    PAGE,
    PATH,
    WANTED,
    G,
    M,
    area,
    state,
    swap_file,
)


def brief(steps):
    return [
        "%s %s%s" % (step.action, {PATH: "it", BRIDGE: "bridge"}.get(step.path, "half"), " over" * step.over)
        for step in steps
    ]


MAKE = ["make it", "activate it"]
PERSIST = ["fstab it", "reload it"]
BRIDGE_ON = ["make bridge", "activate bridge"]
BRIDGE_OFF = ["deactivate bridge", "remove bridge"]
REMAKE = ["make it over", "activate it"]  # beside the old one
EXCHANGE = ["link it"] + REMAKE

# (id, now, target, steps)
PLANS = [
    ("nothing there", state(), WANTED, MAKE + PERSIST),
    ("no systemd", state(systemd=False), WANTED, MAKE + ["fstab it"]),
    ("not persistent", state(), WANTED._replace(options=None), MAKE),
    ("as wished", state(swap_file(), area(), fstab=OURS), WANTED, []),
    ("right size, not active", state(swap_file(), fstab=OURS), WANTED, ["activate it"]),
    ("not active, readable by all", state(swap_file(mode=0o644), fstab=OURS), WANTED, ["secure it", "activate it"]),
    ("active, readable by all", state(swap_file(mode=0o644), area(), fstab=OURS), WANTED, ["secure it"]),
    ("active, without its label", state(swap_file(unlabeled=True), area(), fstab=OURS), WANTED, ["secure it"]),
    ("active, no line", state(swap_file(), area()), WANTED, PERSIST),
    ("active, other options", state(swap_file(), area(), fstab=OURS.replace(b"nofail,", b"")), WANTED, PERSIST),
    ("active, no longer persistent", state(swap_file(), area(), fstab=OURS), WANTED._replace(options=None), PERSIST),
    ("too small, not active", state(swap_file(G), fstab=OURS), WANTED, REMAKE),
    ("holes", state(swap_file(holes=True), fstab=OURS), WANTED, REMAKE),
    ("pages of 64 KiB", state(swap_file(signature=Signature("swap", 65536, 1, 2 * G)), fstab=OURS), WANTED, REMAKE),
    ("grow", state(swap_file(G), area(G), fstab=OURS), WANTED, BRIDGE_ON + ["deactivate it"] + EXCHANGE + BRIDGE_OFF),
    ("shrink", state(swap_file(3 * G), area(3 * G), fstab=OURS), WANTED, BRIDGE_ON + ["deactivate it"] + EXCHANGE + BRIDGE_OFF),
    ("priority", state(swap_file(), area(priority=5), fstab=OURS), WANTED, BRIDGE_ON + ["deactivate it", "activate it"] + BRIDGE_OFF),
    ("the kernel's own priority is kept", state(swap_file(), area(priority=-2), fstab=OURS), WANTED._replace(priority=None), []),
    ("blocks of 1 KiB: the kernel uses less", state(swap_file(), area(2 * G - 5 * PAGE), fstab=OURS), WANTED, []),
    # an interrupted run
    ("file in the making", state(partial=swap_file(M, 14), fstab=OURS), WANTED, ["remove half"] + MAKE),
    ("bridge was made", state(swap_file(G), area(G), swap_file(G, 13), fstab=OURS), WANTED,
     ["remove bridge"] + BRIDGE_ON + ["deactivate it"] + EXCHANGE + BRIDGE_OFF),
    ("bridge is active", state(swap_file(G), area(G), swap_file(G, 13), area(G, 13), fstab=OURS), WANTED, ["deactivate it"] + EXCHANGE + BRIDGE_OFF),
    ("old one is off", state(swap_file(G), None, swap_file(G, 13), area(G, 13), fstab=OURS), WANTED, EXCHANGE + BRIDGE_OFF),
    ("old one is gone", state(None, None, swap_file(G, 13), area(G, 13), fstab=OURS), WANTED, MAKE + BRIDGE_OFF),
    ("a link stands in", state(None, None, swap_file(G, 13), area(G, 13), fstab=OURS, links_to_temporary=True), WANTED, REMAKE + BRIDGE_OFF),
    ("a link stands in after a power cut", state(None, None, swap_file(G, 13), None, fstab=OURS, links_to_temporary=True), WANTED, REMAKE + ["remove bridge"]),
    ("a link to nothing", state(fstab=OURS, links_to_temporary=True), WANTED, REMAKE),
    ("new one is there", state(swap_file(), None, swap_file(G, 13), area(G, 13), fstab=OURS), WANTED, ["activate it"] + BRIDGE_OFF),
    ("new one is active", state(swap_file(), area(), swap_file(G, 13), area(G, 13), fstab=OURS), WANTED, BRIDGE_OFF),
    ("bridge is off", state(swap_file(), area(), swap_file(G, 13), fstab=OURS), WANTED, ["remove bridge"]),
    # absent
    ("absent, nothing there", state(), ABSENT, []),
    ("absent, active", state(swap_file(), area(), fstab=OURS), ABSENT, ["deactivate it"] + PERSIST + ["remove it"]),
    ("absent, not active", state(swap_file(), fstab=OURS), ABSENT, PERSIST + ["remove it"]),
    ("absent, only a line", state(fstab=OURS), ABSENT, PERSIST),
    ("absent, no folder", state(fstab=OURS, folder=False, mount=None, disk=None), ABSENT, PERSIST),
    ("absent after half a resize", state(swap_file(G), area(G), swap_file(G, 13), area(G, 13), fstab=OURS), ABSENT,
     ["deactivate it", "deactivate bridge"] + PERSIST + ["remove it", "remove bridge"]),
    ("absent where a link stands in", state(None, None, swap_file(G, 13), area(G, 13), fstab=OURS, links_to_temporary=True), ABSENT,
     ["deactivate bridge"] + PERSIST + ["remove it", "remove bridge"]),
    # temporary
    ("a timer", state(swap_file(), area(), fstab=OURS), WANTED._replace(expires_at=5.0), ["arm it"]),
    ("another time", state(swap_file(), area(), fstab=OURS, expires_at=6.0), WANTED._replace(expires_at=5.0), ["arm it"]),
    ("no timer any more", state(swap_file(), area(), fstab=OURS, expires_at=6.0), WANTED, ["disarm it"]),
    ("absent with a timer", state(swap_file(), area(), fstab=OURS, expires_at=6.0), ABSENT, ["deactivate it"] + PERSIST + ["remove it", "disarm it"]),
]  # fmt: skip


@pytest.mark.parametrize("now, target, expected", [row[1:] for row in PLANS], ids=[row[0] for row in PLANS])
def test_plan(now, target, expected):
    assert brief(plan(now, target)) == expected


TIGHT = ["remove it", "make it", "activate it"]


@pytest.mark.parametrize(
    "now, target, expected",
    [
        (state(swap_file(G), area(G), fstab=OURS), WANTED, ["deactivate it", "fstab it"] + TIGHT + PERSIST),
        (state(swap_file(G), fstab=OURS), WANTED, ["fstab it"] + TIGHT + PERSIST),
        (state(swap_file(G)), WANTED, TIGHT + PERSIST),
        (state(swap_file(G), fstab=OURS), WANTED._replace(options=None), ["fstab it"] + TIGHT + ["reload it"]),
        (state(swap_file(), area(priority=3), fstab=OURS), WANTED, ["deactivate it", "activate it"]),
    ],
    ids=["in use", "not in use", "no line", "no line wished", "priority"],
)
def test_without_disk_for_two_files_no_line_names_none(now, target, expected):
    steps = plan(now, target, in_place=True)
    assert brief(steps) == expected
    assert [step.options for step in steps if step.action == "fstab"] == {
        2: [None, "nofail,pri=10"],
        1: ["nofail,pri=10"],
        0: [],
    }.get(expected.count("fstab it") if target.options else -1, [None])


@pytest.mark.parametrize("old, new", [(G, 2 * G), (3 * G, 2 * G), (2 * G, 2 * G)])
def test_the_bridge_has_the_smaller_size_and_the_disk_holds_old_and_new(old, new):
    now = state(swap_file(old), area(old, priority=5), fstab=OURS)
    steps = plan(now, WANTED._replace(size=new))
    assert steps[0].size == min(old, new)
    assert most_disk(steps, now) == new


@pytest.mark.parametrize(
    "now, target, most",
    [
        (state(), WANTED, 2 * G),
        (state(swap_file(G)), WANTED, 2 * G),
        (state(swap_file(3 * G)), WANTED, 2 * G),
        (state(swap_file(G), None, swap_file(G, 13), area(G, 13)), WANTED, G),
        (state(None, None, swap_file(G, 13), None, links_to_temporary=True), WANTED, 2 * G),
        (state(swap_file(), area()), ABSENT, 0),
        (state(None, None, swap_file(G, 13), area(G, 13)), WANTED, 2 * G),
    ],
    ids=[
        "new",
        "in the place of a smaller one",
        "of a larger one",
        "where the bridge is in use",
        "of a link",
        "removal",
        "beside the bridge",
    ],
)
def test_most_disk(now, target, most):
    assert most_disk(plan(now, target), now) == most


@pytest.mark.parametrize("size, most", [(G, G), (2 * G, 0), (3 * G, 0)])
def test_most_disk_of_one_file_only(size, most):
    now = state(swap_file(size), area(size), fstab=OURS)
    assert most_disk(plan(now, WANTED, in_place=True), now) == most


class Model(object):
    """What the steps do to a host, without a host: the kernel's rules, as measured on 6.18, are exceptions here."""

    def __init__(self, now):
        self.now = now

    def slot(self, path):
        return ("file", "area") if path == PATH else ("temporary", "temporary_area")

    def do(self, step, target):
        file, active = self.slot(step.path)
        now = self.now
        if step.action == "make":
            assert step.over or (
                getattr(now, file) is None and not (file == "file" and now.links_to_temporary)
            ), "EEXIST"
            assert getattr(now, active) is None, "EPERM: in use"
            now = now._replace(**{file: swap_file(step.size, 12 if file == "file" else 13)})
            now = now._replace(links_to_temporary=now.links_to_temporary and file != "file")
        elif step.action == "link":
            assert now.area is None, "EPERM: in use"
            now = now._replace(file=None, links_to_temporary=True)
        elif step.action == "remove" and step.path == now.partial_path:
            now = now._replace(partial=None)
        elif step.action == "remove":
            assert getattr(now, active) is None, "EPERM: in use"
            now = now._replace(**{file: None})
            now = now._replace(links_to_temporary=now.links_to_temporary and file != "file")
        elif step.action == "activate":
            assert getattr(now, active) is None, "EBUSY"
            size = getattr(now, file).size
            assert has_valid_header(getattr(now, file), PAGE), "EINVAL"
            now = now._replace(**{active: area(size, priority=-2 if step.priority is None else step.priority)})
        elif step.action == "deactivate":
            assert getattr(now, active) is not None, "EINVAL"
            now = now._replace(**{active: None})
        elif step.action == "secure":
            now = now._replace(file=now.file._replace(mode=0o600, unlabeled=False))
        elif step.action == "fstab":
            now = now._replace(fstab=changed_fstab(step.options, PATH, Fstab(now.fstab.data)))
        elif step.action in ("arm", "disarm"):
            now = now._replace(expires_at=target.expires_at)
        self.now = now

    @property
    def named(self):
        """Whether a line of fstab names what is not there: a boot would find no swap."""
        now = self.now
        return (
            now.fstab.swap_entry(PATH) is None
            or now.file is not None
            or (now.links_to_temporary and now.temporary is not None)
        )


FILES = [None, swap_file(G), swap_file(), swap_file(mode=0o644), swap_file(holes=True), swap_file(3 * G)]
BRIDGES = [(None, None), (swap_file(M, 13), None), (swap_file(G, 13), area(G, 13))]
STATES = [
    state(
        file,
        area(file.size, priority=priority) if active else None,
        temporary,
        temporary_area,
        fstab=fstab,
        partial=partial,
        expires_at=expires_at,
    )
    for file, active, (temporary, temporary_area), fstab, partial, priority, expires_at in itertools.product(
        FILES, (False, True), BRIDGES, (FSTAB, OURS, OURS + LINE), (None, swap_file(M, 14)), (10, 3, -2), (None, 7.0)
    )
    if not active or (file is not None and not file.holes)
]
STATES += [
    state(None, None, temporary, temporary_area, fstab=fstab, partial=partial, links_to_temporary=True)
    for (temporary, temporary_area), fstab, partial in itertools.product(
        BRIDGES, (FSTAB, OURS), (None, swap_file(M, 14))
    )
]
TARGETS = [
    WANTED,
    ABSENT,
    WANTED._replace(options=None),
    WANTED._replace(priority=3, expires_at=9.0),
    WANTED._replace(size=G),
]


def go(model, steps, target, swap, in_place):
    """Each step leaves the host with swap where there was some (but for the tight way), and fstab with a name that is
    there.
    """
    named = model.named
    for step in steps:
        model.do(step, target)
        assert not swap or in_place or model.now.area or model.now.temporary_area, "no swap where there was swap"
        assert model.named or not named, "fstab names what is not there"
        named = named or model.named


@pytest.mark.slow
@pytest.mark.parametrize("in_place", [False, True], ids=["disk for two", "in place"])
@pytest.mark.parametrize("target", TARGETS)
def test_every_state_killed_anywhere_ends_as_requested(target, in_place):
    """After each step of each plan the run dies, or the power is cut, and the next plan goes on from there."""
    seen = set()
    for start in STATES:
        swap = target.present and (start.area is not None or start.temporary_area is not None)
        first = plan(start, target, in_place)
        for killed_after, power in itertools.product(range(len(first) + 1), (True, False)):
            model = Model(start)
            go(model, first[:killed_after], target, swap, in_place)
            if power:  # and what was active is not
                model.now = model.now._replace(area=None, temporary_area=None)
            now = model.now
            key = (
                now.file,
                now.area,
                now.temporary,
                now.temporary_area,
                now.partial,
                now.links_to_temporary,
                now.fstab.data,
                now.expires_at,
                swap and not power,
            )
            if key in seen:
                continue
            seen.add(key)
            go(model, plan(now, target, in_place), target, swap and not power, in_place)
            assert plan(model.now, target) == []
            assert (
                model.now.temporary is None
                and model.now.temporary_area is None
                and model.now.partial is None
                and not model.now.links_to_temporary
            )
            assert (model.now.area is not None) == (model.now.file is not None) == target.present


def test_steps_have_words():
    now = state(swap_file(G, mode=0o644), area(G), fstab=OURS)
    texts = [step.text for step in plan(now, WANTED._replace(priority=7, options="pri=7"))]
    assert texts[0] == "make /.swapfile.memops-bridge with 1073741824 bytes (1.0 GiB), as a temporary area"
    assert "swap to /swapfile with priority 7" in texts
    assert texts[-1] == "let systemd read /etc/fstab"
    (secure,) = plan(state(swap_file(mode=0o644), area(), fstab=OURS), WANTED)
    assert secure.text == "let only root read /swapfile: mode 0600 instead of 0644"
