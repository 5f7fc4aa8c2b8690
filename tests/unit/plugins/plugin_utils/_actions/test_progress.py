# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress: a line now and then, from processes that know nothing of each other."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from unittest.mock import MagicMock

import pytest

from ansible_collections.memops.linux.plugins.action import oom_facts
from ansible_collections.memops.linux.plugins.plugin_utils._actions import progress as room
from ansible_collections.memops.linux.plugins.plugin_utils._actions.progress import Progress

NOW = 1763835100.0


def told(path, total, every=0.0, kills=(), lost=(), asked=None):
    """What is said while so many hosts answer, one after the other."""
    lines = []
    for number in range(asked if asked is not None else total):
        one = Progress(str(path), total)  # each host is asked by a process of its own
        one.begin(NOW + number * every)
        lines.append(one.done(number in kills, number in lost, NOW + (number + 1) * every))
    return [line for line in lines if line]


def test_a_tenth_of_the_hosts_is_a_line(tmp_path):
    lines = told(tmp_path / "p", 1000, kills=(3, 99, 500), lost=(7,))
    assert len(lines) == 10
    assert lines[0] == "100 of 1,000 hosts, 2 with kills, 1 not read"
    assert lines[-1] == "1,000 of 1,000 hosts, 3 with kills, 1 not read"


@pytest.mark.parametrize(
    "total, every, lines",
    [
        pytest.param(3, 1, [], id="few hosts are a line each anyway"),
        pytest.param(8, 20, ["2 of 8 hosts, 0 with kills", "4 of 8 hosts, 0 with kills", "6 of 8 hosts, 0 with kills"],
                     id="few that are slow: after half a minute"),
        pytest.param(1, 100, [], id="the last one needs no line"),
    ],
)  # fmt: skip
def test_few_hosts(tmp_path, total, every, lines):
    assert told(tmp_path / "p", total, every) == lines


@pytest.mark.parametrize("total", [20, 37, 412])
@pytest.mark.parametrize("every", [0.0, 0.1])
def test_a_log_is_not_flooded(tmp_path, total, every):
    assert len(told(tmp_path / "p", total, every)) <= 2 * room._LINES + total * every / 30


def test_a_loop_asks_each_host_more_than_once(tmp_path):
    assert told(tmp_path / "p", 20, asked=60)[-1].startswith("20 of 20 hosts")


@pytest.mark.parametrize("text", ["", "x", "[1", '{"a": 1}', '["a", 1, 2, 3, 4]', "[1, 2, 3, 4, 5, 6, 7]"])
def test_a_file_that_is_damaged_costs_no_answer(tmp_path, text):
    (tmp_path / "p").write_text(text)
    one = Progress(str(tmp_path / "p"), 1000)
    one.begin(NOW)
    assert one.done(False, False, NOW) is None


def test_a_directory_that_is_gone_costs_no_answer(tmp_path):
    one = Progress(str(tmp_path / "gone" / "p"), 1000)
    one.begin()
    assert one.done(False, False) is None


COUNT = """
import sys
from ansible_collections.memops.linux.plugins.plugin_utils._actions.progress import Progress
for _host in range(50):
    one = Progress(sys.argv[1], 200)
    one.begin()
    line = one.done(True, False)
    if line:
        print(line)
"""


@pytest.mark.slow
def test_processes_that_count_at_once_lose_nothing(tmp_path):
    roots = os.pathsep.join(filter(None, sys.path))
    running = [
        subprocess.Popen(
            [sys.executable, "-c", COUNT, str(tmp_path / "p")],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": roots},
        )
        for _process in range(4)
    ]
    lines = sorted(line for process in running for line in process.communicate()[0].splitlines())
    assert lines == sorted(f"{n} of 200 hosts, {n} with kills" for n in range(20, 201, 20))


class Hangs(BaseException):
    """As the alarm of the keyword timeout."""


@pytest.mark.parametrize(
    "answer, line",
    [
        ({"ansible_facts": {"oom": {"summary": {"total": 2}}}}, "2 of 20 hosts, 1 with kills"),
        ({"ansible_facts": {"oom": {"summary": {"total": 0}}}}, "2 of 20 hosts, 0 with kills"),
        ({"ansible_facts": {"oom": {"summary": "x"}}}, "2 of 20 hosts, 0 with kills"),
        ({"failed": True}, "2 of 20 hosts, 0 with kills, 1 not read"),
        (Hangs(), "2 of 20 hosts, 0 with kills, 1 not read"),
    ],
    ids=["kills", "none", "an odd answer", "it failed", "it hangs"],
)
def test_the_action_counts_whatever_comes_of_it(tmp_path, monkeypatch, answer, line):
    said = []
    monkeypatch.setattr(oom_facts.display, "display", lambda text, stderr: said.append((text, stderr)))
    monkeypatch.setattr(oom_facts.C, "DEFAULT_LOCAL_TMP", str(tmp_path))
    side = {"side_effect": answer} if isinstance(answer, BaseException) else {"return_value": answer}
    monkeypatch.setattr(oom_facts.HostModule, "run", MagicMock(**side))
    task = MagicMock(args={}, async_val=0, _uuid="u")
    made = oom_facts.ActionModule(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock())
    earlier = Progress(str(tmp_path / "memops-u"), 20)
    earlier.begin()
    earlier.done(False, False)
    with pytest.raises(Hangs) if isinstance(answer, Hangs) else contextlib.nullcontext():
        made.run(task_vars={"ansible_play_hosts_all": [f"h{n}" for n in range(20)]})
    assert said == [(line, True)]
