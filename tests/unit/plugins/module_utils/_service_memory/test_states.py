# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties over 300 machines made by chance: check mode tells the truth, a second run rests, people's files stay,
absent is absent.
"""

import os
import shutil

import pytest

from ansible_collections.memops.linux.tests.unit.plugins.module_utils._service_memory.states import OURS, act, generated

COUNT = 300


def people(tree, path):
    """All but our file, what an interrupted run of ours left beside it, and its folder."""
    folder = os.path.dirname(path)
    return {
        where: what for where, what in tree.items() if where not in (path, folder, "%s/.%s.memops~" % (folder, OURS))
    }


def expected_after_reload(result):
    """What check mode must have told: everything but pids of processes that a restart replaced."""
    service = result["services"][0]
    rows = [(row["before"], row["after"], row["state"], row["comm"], row["pid"]) for row in service["processes"]]
    return {
        "changed": result["changed"], "failed": result["failed"], "steps": service["steps"], "effective": service["effective"],
        "shadowed_by": service["shadowed_by"], "error": service["error"], "status": service["status"], "diff": service["diff"],
        "restart_required": result["restart_required"],
        "processes": None if any(step.startswith("restart") for step in service["steps"]) else rows,
    }  # fmt: skip


FILES = {
    "memory_max": ("MemoryMax", "memory.max"), "memory_high": ("MemoryHigh", "memory.high"), "oom_policy": ("OOMPolicy", "memory.oom.group"),
}  # fmt: skip


def not_held(made, options):
    """Where the kernel's file is not what systemd shows, read without the module's rooms."""
    found = []
    for name, running in made.running.items():
        for key, file in [FILES[option] for option in options if option in FILES]:
            shown, path = made._shown(made.loaded[name]).get(key), "/sys/fs/cgroup%s/%s" % (running.cgroup, file)
            wanted = {"infinity": "max", "kill": "1"}.get(shown, shown if shown and shown.isdigit() else "0")
            if shown is not None and made.cgroups == "2" and made.read(path).decode().strip() != wanted:
                found.append((name, file, shown))
    return found


def one(seed, root, monkeypatch, tally):
    made, call, unit, kind = generated(seed, root)
    made.patch(monkeypatch)
    path = "/etc/systemd/system/%s.d/%s" % (unit, OURS)
    before = made.tree("/etc", "/usr", "/run", "/proc", "/sys")
    told = act(made, check=True, **call)
    assert made.tree("/etc", "/usr", "/run", "/proc", "/sys") == before, "check mode changed something"
    asked = [
        text for text in made.asked if " show" not in text and "--version" not in text and " list-units" not in text
    ]
    assert asked == [], "check mode did something"
    before = made.tree()
    done = act(made, **call)
    foretold, came = expected_after_reload(told), expected_after_reload(done)
    if (
        foretold["effective"].get("oom_policy", "") is None
    ):  # DefaultOOMPolicy= may be another one: then it cannot be known
        came["effective"]["oom_policy"] = None
    other = {key: (value, came[key]) for key, value in foretold.items() if value != came[key]}
    assert not other, "check mode foretold something else: %r" % other
    assert people(made.tree(), path) == people(before, path), "a person's file changed"
    if kind == "person":
        assert made.tree().get(path) == before.get(path), "a person's file of our name changed"
    tally["failed" if done["failed"] else done["services"][0]["status"]] += 1
    tally["apply " + call["apply"]] += 1
    tally["kind " + kind] += 1
    tally["unit " + unit] += 1
    tally["verified"] += done["services"][0]["verified"]
    tally["scope"] += any("systemd-run" in text for text in made.asked)
    tally["limit"] += any(step.startswith("set memory") for step in done["services"][0]["steps"])
    if done["services"][0]["verified"]:
        assert not_held(made, call) == [], "verified, and the kernel holds something else"
    if done["failed"]:
        assert made.tree() == before, "a refused request left something"
    again = act(made, **call)
    assert not again["changed"] and again["failed"] == done["failed"], again["msg"]
    assert again["failed"] or again["services"][0]["steps"] == []
    if done["failed"] or kind == "person":
        return
    absent = {
        name: value
        for name, value in call.items()
        if name in ("name", "apply", "missing", "allow_shadowed", "min_killable", "allow_limits", "allow_broad")
    }
    gone = act(made, state="absent", **absent)
    assert not gone["failed"], gone["msg"]
    left = {
        where: what
        for where, what in before.items()
        if where not in (path, "%s/.%s.memops~" % (os.path.dirname(path), OURS))
    }
    folder = os.path.dirname(path)
    if not [where for where in left if where.startswith(folder + "/")]:
        left.pop(folder, None)
    assert made.tree() == left, "absent left something, or took more than ours"
    assert not act(made, state="absent", **absent)["changed"]
    if gone["services"][0]["verified"]:
        assert not_held(made, call) == [], "verified as gone, and the kernel holds something else"


@pytest.mark.slow
def test_generated_states(tmp_path, monkeypatch):
    from collections import Counter

    tally = Counter()
    wrong = []
    for seed in range(COUNT):
        root = tmp_path / str(seed)
        root.mkdir(mode=0o755)
        try:
            one(seed, str(root), monkeypatch, tally)
        except AssertionError as exc:
            wrong.append("seed %d: %s" % (seed, exc))
        shutil.rmtree(str(root))
    print(dict(tally))
    assert wrong == []
    # the chances are such that every kind of end is met often
    assert tally["changed"] > 60 and tally["unchanged"] > 5 and tally["failed"] > 20 and tally["verified"] > 20, dict(
        tally
    )
    assert tally["unit user-.slice"] > 10 and tally["unit job.service"] > 10, dict(tally)
    assert tally["scope"] > 5 and tally["limit"] > 20, dict(tally)
