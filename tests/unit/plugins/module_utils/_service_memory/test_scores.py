# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._service_memory import scores
from ansible_collections.memops.linux.plugins.module_utils._service_memory.run_record import (
    default_score,
    is_older,
    previous_scores,
    record,
    recorded,
)
from ansible_collections.memops.linux.plugins.module_utils._service_memory.scores import (
    Process,
    apply_scores,
    may_lower,
)
from ansible_collections.memops.linux.plugins.module_utils._systemd.manager import UnitState

GROUP = "/system.slice/web.service"


def rows(found):
    return [(row.before, row.after, row.state) for row in found[0]]


def test_only_who_has_the_earlier_score_gets_the_new_one(make):
    machine = make()
    old, own, right = (
        machine.start("web.service")[0],
        machine.spawn("web.service", 77),
        machine.spawn("web.service", -500),
    )

    def pids():
        return [old, own, right]

    told = apply_scores(machine.host, GROUP, pids, -500, frozenset([0]), False)
    assert machine.score(old) == 0
    done = apply_scores(machine.host, GROUP, pids, -500, frozenset([0]), True)
    assert rows(told) == rows(done) == [(0, -500, "as_wanted"), (77, 77, "own_score"), (-500, -500, "as_wanted")]
    assert [machine.score(pid) for pid in (old, own, right)] == [-500, 77, -500] and done[1]


@pytest.mark.parametrize(
    "before, wanted, state, after",
    [(0, -500, "denied", 0), (300, 0, "as_wanted", 0), (300, -1, "denied", 300), (0, 300, "as_wanted", 300)],
)
def test_without_cap_sys_resource(make, before, wanted, state, after):
    """D1: what is foreseen is what the kernel does"""
    machine = make(capable=False)
    machine.start("web.service", 0)
    pid = machine.spawn("web.service", before)
    told = apply_scores(machine.host, GROUP, lambda: [pid], wanted, frozenset([before]), False)
    done = apply_scores(machine.host, GROUP, lambda: [pid], wanted, frozenset([before]), True)
    assert rows(told) == rows(done) == [(before, after, state)]


def test_children_born_meanwhile(make):
    """D4"""
    machine = make()
    first = machine.start("web.service")[0]
    born = []

    def pids():
        if len(born) < 2:
            born.append(machine.spawn("web.service", 0))
        return [first] + born

    found, settled = apply_scores(machine.host, GROUP, pids, -5, frozenset([0]), True)
    assert settled and [row.after for row in found] == [-5, -5, -5]


def test_a_unit_that_forks_without_end(make):
    machine = make()
    machine.start("web.service")
    seen = []

    def pids():
        seen.append(machine.spawn("web.service", 0))
        return list(seen)

    assert apply_scores(machine.host, GROUP, pids, -5, frozenset([0]), True)[1] is False


def test_processes_that_are_gone_or_elsewhere(make):
    """D5, D6: a pid that was given to another process, one that ends between two looks"""
    machine = make()
    pid = machine.start("web.service")[0]
    machine._process(5000, "other", "/system.slice/web.service2", 0)
    machine._process(5001, "child", GROUP + "/inner", 0)
    found = apply_scores(machine.host, GROUP, lambda: [pid, 4999, 5000, 5001], -5, frozenset([0]), True)
    assert [row.pid for row in found[0]] == [pid, 5001] and machine.score(5000) == 0
    with Process(machine.host, 5001) as process:
        os.unlink(machine.root + "/proc/5001/oom_score_adj")
        with pytest.raises(FileNotFoundError):
            assert process.score


def test_the_name_of_a_process_is_made_harmless(make):
    machine = make()
    pid = machine.start("web.service")[0]
    machine.write("/proc/%d/comm" % pid, b"a\x1b[2J\xff\n")
    assert apply_scores(machine.host, GROUP, lambda: [pid], 0, frozenset(), False)[0][0].comm == "a\\x1b[2J\\xff"


def test_a_real_process_of_this_machine(monkeypatch):
    """Raising needs no right: the real /proc and the real write."""
    from ansible_collections.memops.linux.plugins.module_utils._host import Host

    child = os.fork()
    if child == 0:
        import signal

        signal.pause()
        os._exit(0)
    try:
        with Process(Host(), child) as process:
            before = process.score
            process.write(min(1000, before + 7))
            assert process.score == min(1000, before + 7) and process.comm
            with pytest.raises(OSError):
                process.write(1001)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


@pytest.mark.parametrize(
    "line, capable",
    [
        ("CapEff:\t000001ffffffffff", True),
        ("CapEff:\t000001fffeffffff", False),
        ("CapEff:\t", False),
        ("CapEff:\tzz", False),
        ("x", False),
    ],
)
def test_may_lower(make, line, capable):
    machine = make()
    machine.write("/proc/77/status", "Name:\tx\n%s\n" % line)
    assert may_lower(machine.host, "77") is capable


def state(machine, **more):
    return UnitState(
        "web.service",
        dict(dict(InvocationID="a" * 32, OOMScoreAdjust="0", ExecMainStartTimestampMonotonic="1000000"), **more),
    )


def test_scores_are_remembered_for_this_run_of_the_unit(make):
    machine = make()
    assert recorded(machine.host, state(machine)) == frozenset()
    record(machine.host, state(machine), [0, -300])
    assert recorded(machine.host, state(machine)) == frozenset([0, -300])
    assert recorded(machine.host, state(machine, InvocationID="b" * 32)) == frozenset()
    assert os.stat(machine.root + "/run/memops/scores/web.service").st_mode & 0o777 == 0o600


def test_a_start_is_told_by_its_time_where_systemd_has_no_invocation_id(make):
    """Before systemd 232"""
    machine = make()
    first = state(machine, InvocationID="", ActiveEnterTimestampMonotonic="2000000")
    record(machine.host, first, [0, -300])
    assert recorded(machine.host, first) == frozenset([0, -300])
    assert (
        recorded(machine.host, state(machine, InvocationID="", ActiveEnterTimestampMonotonic="3000000")) == frozenset()
    )
    unknown = state(machine, InvocationID="", ActiveEnterTimestampMonotonic="0")
    record(machine.host, unknown, [0, -300])
    assert recorded(machine.host, unknown) == frozenset()


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"a" * 32 + b" x y -", b"only"])
def test_a_record_that_is_none(make, data):
    machine = make()
    record(machine.host, state(machine), [1])
    machine.write("/run/memops/scores/web.service", data)
    assert recorded(machine.host, state(machine)) == frozenset()


def test_a_record_by_somebody_else_is_not_believed(make):
    machine = make()
    record(machine.host, state(machine), [1])
    os.chmod(machine.root + "/run/memops/scores", 0o777)
    assert recorded(machine.host, state(machine)) == frozenset()


@pytest.mark.parametrize("text, score", [(None, 0), ("", 0), ("-500", -500), ("0x10", 16), ("010", 8)])
def test_default_score(text, score):
    assert default_score(text) == score


def test_who_is_older_than_the_file(make):
    machine = make()
    path = machine.drop_in("web.service", "50-memops.conf", "x", old=False)
    assert is_older(machine.host, state(machine), path)
    assert not is_older(machine.host, state(machine, ExecMainStartTimestampMonotonic="0"), path)
    os.utime(machine.root + path, (0, 0))
    assert (
        not is_older(machine.host, state(machine), path)
        and not is_older(machine.host, state(machine), "/no/such")
        and not is_older(machine.host, state(machine), None)
    )


def test_which_scores_are_systemds(make):
    machine = make()
    path = machine.drop_in("web.service", "50-memops.conf", "x", old=True)
    assert previous_scores(machine.host, state(machine, OOMScoreAdjust="-300"), -500, path, True) == frozenset([-300])
    assert previous_scores(machine.host, state(machine, OOMScoreAdjust="-500"), -500, path, True) == frozenset()
    assert previous_scores(machine.host, state(machine, OOMScoreAdjust="-500"), -500, path, False) == frozenset([0])
    assert previous_scores(machine.host, state(machine, OOMScoreAdjust="-900"), 5, path, True) == frozenset([-900])
    assert previous_scores(machine.host, state(machine, OOMScoreAdjust="-900"), 5, path, False) == frozenset(
        [-900, 0]
    )  # dbus in a container
    record(machine.host, state(machine, OOMScoreAdjust="-77"), [])
    assert previous_scores(machine.host, state(machine, OOMScoreAdjust="-500"), -500, path, True) == frozenset([-77])


def test_the_passes_are_bounded():
    assert scores._PASSES == 5
