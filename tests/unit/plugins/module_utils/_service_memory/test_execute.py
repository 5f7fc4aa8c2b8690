# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From wanted to proof on a machine in a folder: what every command calls success and is none, and the way back."""

import errno
import os
import shutil

import pytest

from ansible_collections.memops.linux.plugins.module_utils._host import Ran
from ansible_collections.memops.linux.plugins.module_utils._safe_file import Folder
from ansible_collections.memops.linux.plugins.module_utils._service_memory import execute as act_room
from ansible_collections.memops.linux.plugins.module_utils._service_memory import scores
from ansible_collections.memops.linux.plugins.module_utils._service_memory.execute import ProtectError
from ansible_collections.memops.linux.plugins.module_utils._service_memory.params import Overrides, ParamsError, Request
from ansible_collections.memops.linux.plugins.module_utils._systemd.dropin import MARK
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit_name import parse_unit_name
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._service_memory.fake_machine import MIB, lines
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._service_memory.states import act

PATH = "/etc/systemd/system/web.service.d/50-memops.conf"


def web(machine, check=False, **given):
    return act(machine, check, **dict(dict(name=["web"]), **given))


def causes(result):
    return sorted({gap["cause"] for gap in result["services"][0]["gaps"]})


def told(machine, word):
    return [text for text in machine.asked if word in text]


def test_a_change_from_nothing_to_proof(make):
    machine = make()
    pids = machine.start("web.service", 3)
    result = web(machine, oom_score_adjust=-500, memory_max="1G")
    service = result["services"][0]
    assert (
        result["changed"]
        and result["verified"]
        and not result["failed"]
        and service["reloaded"]
        and service["gaps"] == []
    )
    assert lines(machine.read(PATH)) == ["[Service]", "OOMScoreAdjust=-500", "MemoryMax=1G"]
    assert [machine.score(pid) for pid in pids] == [-500] * 3
    assert service["effective"]["oom_score_adjust"] == -500 and service["effective"]["memory_max"] == 1 << 30
    assert service["steps"] == [
        "write " + PATH,
        "daemon-reload",
        "set memory.max of web.service to 1073741824",
        "set oom_score_adj of 3 processes to -500",
    ]
    assert told(machine, "restart") == [] and len(told(machine, "daemon-reload")) == 1
    assert os.stat(machine.root + PATH).st_mode & 0o777 == 0o644


def test_the_second_run_asks_and_does_nothing(make):
    """A daemon-reload in every run would make changed=false a lie."""
    machine = make()
    machine.start("web.service", 2)
    web(machine, oom_score_adjust=-500)
    machine.asked = []
    result = web(machine, oom_score_adjust=-500)
    assert not result["changed"] and result["verified"] and result["services"][0]["steps"] == []
    assert [text.split()[1] for text in machine.asked] == ["--version", "show"]


@pytest.mark.slow
def test_twenty_services_cost_as_many_commands_as_one(make):
    machine = make()
    for number in range(20):
        machine.unit("s%d.service" % number)
        machine.start("s%d.service" % number)
    result = act(machine, services=[dict(name="s%d" % number, oom_score_adjust=100 + number) for number in range(20)])
    assert result["verified"] and len(result["services"]) == 20 and len(told(machine, "daemon-reload")) == 1
    assert len(machine.asked) <= 7, machine.asked
    assert result["services"][7]["processes"][0]["after"] == 107


def test_an_alias_is_followed_to_its_unit(make):
    """A drop-in in the alias' directory would work only while the alias exists."""
    machine = make()
    machine.unit("mariadb.service")
    machine.link("/etc/systemd/system/mysql.service", "/usr/lib/systemd/system/mariadb.service")
    machine.boot()
    result = act(machine, name=["mysql"], oom_score_adjust=-5)
    assert result["drop_in"] == "/etc/systemd/system/mariadb.service.d/50-memops.conf" and result["verified"]
    assert (result["services"][0]["name"], result["services"][0]["asked"]) == ("mariadb.service", "mysql.service")
    with pytest.raises(ParamsError) as caught:
        act(machine, name=["mysql", "mariadb"], oom_score_adjust=-6)
    assert "mysql.service and mariadb.service are the same unit, mariadb.service: once with oom_score_adjust=-6" in str(
        caught.value
    )
    before = machine.tree()
    with pytest.raises(ParamsError) as caught:
        act(
            machine,
            services=[
                dict(name="mysql", oom_score_adjust=-6),
                dict(name="mariadb", oom_score_adjust=-7, dropin="60-x.conf"),
            ],
        )
    assert (
        "oom_score_adjust is -6 for 50-memops.conf and -7 for 60-x.conf" in str(caught.value)
        and machine.tree() == before
    )


def test_a_template_is_every_instance_with_its_own_files(make):
    """An instance may have a file that its template has not"""
    machine = make()
    machine.unit("pg@.service")
    machine.drop_in("pg@15.service", "override.conf", "[Service]\nOOMScoreAdjust=-900\n")
    for name in ("pg@14.service", "pg@15.service", "pg@16.service"):
        machine.start(name)
    result = act(machine, name=["pg@"], oom_score_adjust=-500)
    assert result["drop_in"] == "/etc/systemd/system/pg@.service.d/50-memops.conf"
    assert [(row["unit"], row["after"]) for row in result["processes"]] == [
        ("pg@14.service", -500),
        ("pg@15.service", -900),
        ("pg@16.service", -500),
    ]
    assert (
        causes(result) == ["shadowed"]
        and "pg@15.service" in result["msg"]
        and "pg@14" not in result["services"][0]["gaps"][0]["text"]
    )
    again = act(machine, name=["pg@"], oom_score_adjust=-500)
    assert not again["changed"]


def test_a_template_without_instances(make):
    machine = make()
    machine.unit("pg@.service")
    result = act(machine, name=["pg@"], oom_score_adjust=-500)
    assert result["changed"] and causes(result) == ["no_instance"] and not result["verified"]


# ---------------------------------------------------------------- silent failures: every command exits 0, and it is not
# so


def silently_shadowed_by_name(machine):
    machine.drop_in("web.service", "zz.conf", "[Service]\nOOMScoreAdjust=9\n")


def silently_shadowed_for_all_services(machine):
    machine.drop_in("service", "zz.conf", "[Service]\nOOMScoreAdjust=9\n", "/usr/lib/systemd/system")


def silently_shadowed_since_its_start(machine):
    machine.stop("web.service")
    silently_shadowed_by_name(machine)
    machine.start("web.service", 2)


def silently_set_property(machine):
    machine.drop_in("web.service", "50-oom.conf", "[Service]\nOOMScoreAdjust=9\n", "/etc/systemd/system.control")


def silently_hexadecimal(machine):
    machine.drop_in("web.service", "90-x.conf", "[Service]\nOOMScoreAdjust=0x10\n")


def silently_reset(machine):
    machine.drop_in("web.service", "90-x.conf", "[Service]\nOOMScoreAdjust=\n")


def silently_masked(machine):
    machine.link("/etc/systemd/system/web.service", "/dev/null")


def silently_absent(machine):
    os.unlink(machine.root + "/usr/lib/systemd/system/web.service")
    machine.loaded.clear()


def silently_run_is_full(machine):
    machine.reload_says = "Failed to reload daemon: Refusing to reload, not enough space available on /run/systemd."


def silently_reload_changes_nothing(machine):
    machine._daemon_reload = lambda: Ran(0)


def silently_bus_is_gone(machine):
    machine.refuses_show = True


def silently_old_systemd(machine):
    machine.version = 219


def silently_verify_complains(machine):
    run = machine.run
    message = "%s:4: Failed to parse, ignoring\n" % PATH
    machine.run = lambda argv, timeout=90: Ran(0, "", message) if argv[0] == "systemd-analyze" else run(argv, timeout)


REFUSED = [
    (silently_shadowed_by_name, dict(oom_score_adjust=-5), "zz.conf sets it to 9"),
    (silently_shadowed_for_all_services, dict(oom_score_adjust=-5), "service.d/zz.conf"),
    (silently_set_property, dict(oom_score_adjust=-5), "50-oom.conf sets it to 9"),
    (silently_hexadecimal, dict(oom_score_adjust=-5), "90-x.conf sets it to 0x10"),
    (silently_reset, dict(oom_score_adjust=-5), "its default"),
    (silently_masked, dict(oom_score_adjust=-5), "masked"),
    (silently_absent, dict(oom_score_adjust=-5), "not installed"),
    (silently_run_is_full, dict(oom_score_adjust=-5), "not enough space"),
    (silently_reload_changes_nothing, dict(oom_score_adjust=-5), "systemd has loaded OOMScoreAdjust=0"),
    (silently_old_systemd, dict(memory_high="1G"), "231 or newer, this is 219"),
    (silently_verify_complains, dict(oom_score_adjust=-5), "Failed to parse"),
]


@pytest.mark.parametrize("spoil, settings, words", REFUSED, ids=[row[0].__name__ for row in REFUSED])
def test_silent_failure_refused_or_rolled_back_with_its_reason(make, spoil, settings, words):
    machine = make()
    spoil(machine)
    machine.boot()
    before = machine.tree()
    result = web(machine, **settings)
    assert result["failed"] and not result["changed"] and not result["verified"] and words in result["msg"]
    assert machine.tree() == before
    assert result["services"][0]["status"] == "failed"


def test_silent_failure_a_bus_that_does_not_answer(make):
    machine = make()
    silently_bus_is_gone(machine)
    before = machine.tree()
    with pytest.raises(ProtectError) as caught:
        web(machine, oom_score_adjust=-5)
    assert (
        "Failed to connect to bus" in str(caught.value)
        and "Nothing was changed" in str(caught.value)
        and machine.tree() == before
    )


def silently_own_score(machine):
    machine.spawn("web.service", 77)


def silently_typing_error(machine):
    machine.drop_in("web.service", "10-x.conf", "[Service]\nOOMScoreAdj=5\n")


GAPS = [
    ("own score", dict(), silently_own_score, dict(oom_score_adjust=-5), ["own_score"]),
    ("no capability", dict(capable=False), None, dict(oom_score_adjust=-5), ["no_cap_sys_resource"]),
    ("next start", dict(), None, dict(oom_score_adjust=-5, apply="next_start"), ["older_than_drop_in"]),
    ("cgroup 1", dict(cgroups="1"), None, dict(memory_high="1G"), ["cgroup_v1"]),
    ("limit waits", dict(version=257), None, dict(memory_max="1G", apply="next_start"), ["older_than_drop_in"]),
    ("policy waits", dict(version=257), None, dict(oom_policy="kill", apply="next_start"), ["older_than_drop_in"]),
    (
        "shadow allowed",
        dict(),
        silently_shadowed_since_its_start,
        dict(oom_score_adjust=-5, allow_shadowed=True),
        ["shadowed"],
    ),
]


@pytest.mark.parametrize("machine_is, spoil, settings, gaps", [row[1:] for row in GAPS], ids=[row[0] for row in GAPS])
def test_silent_failure_done_but_not_in_force(make, machine_is, spoil, settings, gaps):
    machine = make(**machine_is)
    machine.start("web.service", 2)
    if spoil:
        spoil(machine)
        machine.load("web.service")
    result = web(machine, **settings)
    assert not result["failed"] and result["changed"] and not result["verified"] and causes(result) == gaps, result[
        "msg"
    ]
    assert "NOT in force" in result["msg"] and machine.read(PATH)
    assert result["restart_required"] == ("older_than_drop_in" in gaps)


@pytest.mark.parametrize("spoil, gap", [(silently_masked, "masked"), (silently_absent, "absent")])
def test_silent_failure_staged(make, spoil, gap):
    machine = make()
    spoil(machine)
    machine.boot()
    result = web(machine, oom_score_adjust=-5, missing="stage")
    assert result["changed"] and causes(result) == [gap] and machine.read(PATH)
    assert not web(machine, oom_score_adjust=-5, missing="stage")["changed"]
    skipped = web(machine, oom_score_adjust=-6, missing="skip")
    assert not skipped["changed"] and skipped["services"][0]["status"] == gap and "skipped" in skipped["msg"]


@pytest.mark.parametrize("version, memory", [(252, "2"), (252, "1")])
def test_silent_failure_no_memory_controller(make, version, memory):
    machine = make(version=version, cgroups=memory)
    machine.start("web.service")
    if memory == "2":
        machine.write("/sys/fs/cgroup/cgroup.controllers", "cpu pids\n")
    else:
        os.rename(machine.root + "/sys/fs/cgroup/memory", machine.root + "/sys/fs/cgroup/away")
        machine._limits = lambda name, used=None: None
    assert causes(web(machine, memory_max="1G")) == ["no_memory_controller"]


def test_silent_failure_the_kernel_holds_another_limit(make):
    machine = make()
    machine.start("web.service")
    machine._limits = lambda name, used=None: None
    result = web(machine, memory_max="1G")
    assert causes(result) == ["not_enforced"] and "infinity" in result["msg"]


def test_silent_failure_typing_errors_of_people_are_told(make):
    machine = make()
    silently_typing_error(machine)
    machine.load("web.service")
    result = web(machine, oom_score_adjust=-5)
    assert result["verified"] and "OOMScoreAdjust= was meant" in result["services"][0]["notes"][0]


@pytest.mark.parametrize("not_loaded", [True, False])
def test_silent_failure_a_run_that_was_killed_before_its_reload(make, not_loaded):
    """systemd says NeedDaemonReload=no after a unit's first drop-in"""
    machine = make(not_loaded=not_loaded)
    pid = machine.start("web.service")[0]
    real = machine._daemon_reload
    machine._daemon_reload = lambda: (one for one in ()).throw(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        web(machine, oom_score_adjust=-500)
    machine._daemon_reload = real
    assert machine.score(pid) == 0 and machine.read(PATH)
    result = web(machine, oom_score_adjust=-500)
    assert result["verified"] and result["services"][0]["steps"][0] == "daemon-reload" and machine.score(pid) == -500


def test_the_reload_brings_other_peoples_edits_and_says_so(make):
    """daemon-reload is global: pending edits of others come into force with ours."""
    machine = make()
    machine.unit("other.service")
    machine.drop_in("other.service", "a.conf", "[Service]\n")
    machine.boot()
    machine.drop_in("other.service", "a.conf", "[Service]\nRestart=always\n", old=False)
    result = web(machine, oom_score_adjust=-5)
    assert any("other.service" in note for note in result["services"][0]["notes"])


@pytest.mark.parametrize("load_state, loaded", [("bad-setting", True), ("error", False)])
def test_a_unit_that_systemd_cannot_load(make, load_state, loaded):
    """Measured on 252: with bad-setting it takes drop-ins, with error none; the first wants a reload for ever. Neither
    can be started
    """
    machine = make()
    real, needs = machine.load, machine._needs_reload

    def load(name):
        real(name)
        machine.loaded[name].state = load_state
        if not loaded:
            machine.loaded[name].values = {}

    machine.load, machine._needs_reload = load, lambda unit: loaded or needs(unit)
    machine.load("web.service")
    before = machine.tree()
    for missing in ("fail", "skip"):
        result = web(machine, oom_score_adjust=5, missing=missing)
        assert (
            result["failed"]
            and "systemd cannot load it (%s)" % load_state in result["msg"]
            and "missing=stage" in result["msg"]
        )
    assert machine.tree() == before
    staged = web(machine, oom_score_adjust=5, missing="stage")
    assert (
        staged["changed"]
        and causes(staged) == ["not_read"]
        and lines(machine.read(PATH)) == ["[Service]", "OOMScoreAdjust=5"]
    )
    again = web(machine, oom_score_adjust=5, missing="stage")
    assert not again["changed"] and not again["verified"] and "once its unit file is repaired" in again["msg"]
    assert (
        web(machine, state="absent")["changed"]
        and not web(machine, state="absent")["changed"]
        and machine.tree() == before
    )


def test_a_unit_that_wants_a_reload_for_ever_is_not_one_of_them(make):
    """A masked one on 252, or one with a dangling drop-in"""
    machine = make()
    machine.unit("other.service")
    machine.boot()
    real = machine._needs_reload
    machine._needs_reload = lambda unit: unit.id == "other.service" or real(unit)
    assert web(machine, oom_score_adjust=-5)["services"][0]["notes"] == []


def test_a_score_that_pid_1_could_not_give_is_nobodys_own(make):
    """dbus.service has -900, and in a container its processes have 0"""
    machine = make("OOMScoreAdjust=-900\n", capable=False)
    pid = machine.start("web.service")[0]
    assert machine.score(pid) == 0
    result = web(machine, oom_score_adjust=5)
    assert result["verified"] and result["processes"][0]["state"] == "as_wanted" and machine.score(pid) == 5


@pytest.mark.parametrize("wanted, score", [(dict(oom_score_adjust=7), 7), (dict(state="absent"), 0)])
def test_a_drop_in_that_a_person_took_away(make, wanted, score):
    """What the processes have from us is not their own"""
    machine = make()
    pid, own = machine.start("web.service", 2)
    machine.kernel_write(own, 33)
    web(machine, oom_score_adjust=5)
    os.unlink(machine.root + PATH)
    machine._daemon_reload()
    assert machine.score(pid) == 5
    web(machine, **wanted)
    assert machine.score(pid) == score and machine.score(own) == 33


def test_without_systemd_the_file_is_written_and_nothing_is_claimed(make):
    machine = make(booted=False)
    result = web(machine, oom_score_adjust=-5)
    assert (
        result["changed"]
        and not result["verified"]
        and causes(result) == ["systemd_not_running"]
        and machine.asked == []
    )
    assert not web(machine, oom_score_adjust=-5)["changed"]


# ---------------------------------------------------------------- left halfway


def falls_silent(machine, at):
    """systemd stops to answer after this call of the machine's."""
    real = getattr(machine, at)

    def last(*arguments):
        machine.refuses_show = True
        return real(*arguments)

    setattr(machine, at, last)
    return lambda: (setattr(machine, at, real), setattr(machine, "refuses_show", False))


@pytest.mark.parametrize("at", ["_daemon_reload", "_restart"])
def test_systemd_does_not_answer_any_more_halfway(make, at):
    machine = make()
    machine.unit("rests.service", "OOMScoreAdjust=-500\n")
    machine.start("web.service")
    act(machine, name=["rests"], oom_score_adjust=-500)
    answers_again = falls_silent(machine, at)
    result = act(machine, name=["web", "rests"], oom_score_adjust=-500, apply="restart")
    begun, rests = result["services"]
    assert result["failed"] and result["changed"] and not result["verified"] and machine.read(PATH)
    assert "Failed to connect to bus" in begun["error"] and begun["error"].endswith(
        "It was left halfway; the next run goes on from there."
    )
    assert (
        begun["steps"][0] == "write " + PATH and begun["reloaded"] and rests["error"].endswith("Nothing was changed.")
    )
    assert begun["restarted"] == (["web.service"] if at == "_restart" else [])
    answers_again()
    result = act(machine, name=["web", "rests"], oom_score_adjust=-500, apply="restart")
    assert result["verified"] and {row["after"] for row in result["services"][0]["processes"]} == {-500}


def test_a_proc_that_is_read_only(make, monkeypatch):
    machine = make()
    pid = machine.start("web.service")[0]
    refuse = OSError(errno.EROFS, "Read-only file system")
    monkeypatch.setattr(scores.Process, "write", lambda _process, _score: (one for one in ()).throw(refuse))
    result = web(machine, oom_score_adjust=-500)
    assert causes(result) == ["denied"] and result["changed"] and not result["verified"] and machine.score(pid) == 0


# ---------------------------------------------------------------- who comes between the survey and the reload


def meanwhile(machine, score, *names):
    """systemd had read these before our file came"""
    real = machine._daemon_reload

    def later():
        for name in names:
            machine.start(name, 0)
            machine.running[name].score = score
            for one in (score, 77):
                machine.spawn(name, one)
        machine._daemon_reload = real
        return real()

    machine._daemon_reload = later


@pytest.mark.parametrize("apply, score", [("live", -500), ("restart", -500), ("next_start", -300)])
@pytest.mark.parametrize("previous", ["vendor", "ours"])
def test_a_unit_that_starts_before_the_reload(make, apply, score, previous):
    """It has the score that the files gave until then; one of its processes chose 77"""
    machine = make("OOMScoreAdjust=-300\n" if previous == "vendor" else "")
    if previous == "ours":
        web(machine, oom_score_adjust=-300)
    meanwhile(machine, -300, "web.service")
    result = web(machine, oom_score_adjust=-500, apply=apply)
    assert sorted(row["after"] for row in result["processes"]) == [score, 77]
    assert causes(result) == (["older_than_drop_in", "own_score"] if apply == "next_start" else ["own_score"])
    assert ("set oom_score_adj of 1 process to -500" in result["services"][0]["steps"]) is (apply != "next_start")


@pytest.mark.parametrize("version", [252, 257])
def test_an_instance_that_starts_before_the_reload(make, version):
    machine = make(version=version)
    machine.unit("pg@.service")
    machine.drop_in("pg@2.service", "90-x.conf", "[Service]\nOOMScoreAdjust=9\n")
    machine.start("pg@1.service")
    meanwhile(machine, 9, "pg@2.service")
    meanwhile(machine, 0, "pg@3.service")
    result = act(machine, name=["pg@"], oom_score_adjust=-500, memory_max="1G")
    after = {(row["unit"], row["after"]) for row in result["processes"] if row["after"] != 77}
    assert after == {("pg@1.service", -500), ("pg@2.service", 9), ("pg@3.service", -500)}
    assert {kernel_value(machine, name) for name in machine.running} == {str(1 << 30)} and causes(result) == [
        "own_score",
        "shadowed",
    ]


# ---------------------------------------------------------------- absent


def test_absent_takes_exactly_ours_and_gives_the_score_back(make):
    machine = make("OOMScoreAdjust=-100\n")
    pids = machine.start("web.service", 2)
    person = machine.drop_in("web.service", "10-x.conf", "[Service]\nRestart=always\n")
    machine.load("web.service")
    before = machine.tree()
    web(machine, oom_score_adjust=-500)
    assert [machine.score(pid) for pid in pids] == [-500, -500]
    result = web(machine, state="absent")
    assert result["changed"] and result["verified"] and machine.tree() == before and machine.read(person)
    assert [machine.score(pid) for pid in pids] == [-100, -100]
    assert not web(machine, state="absent")["changed"]


def test_an_empty_folder_that_a_killed_run_left(make):
    machine = make()
    os.makedirs(machine.root + os.path.dirname(PATH))
    result = web(machine, state="absent")
    assert (
        result["changed"]
        and not os.path.exists(machine.root + os.path.dirname(PATH))
        and told(machine, "daemon-reload") == []
    )
    assert not web(machine, state="absent")["changed"]


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_persons_file_of_our_name_stays(make, state):
    machine = make()
    machine.drop_in("web.service", "50-memops.conf", "[Service]\nOOMScoreAdjust=1\n")
    before = machine.tree()
    result = web(machine, state=state, **({"oom_score_adjust": -5} if state == "present" else {}))
    assert result["failed"] and "was not written by this module" in result["msg"] and machine.tree() == before


# ---------------------------------------------------------------- limits of what runs, on systemd that applies them at
# a reload and on 257


def kernel_value(machine, unit="web.service", file="memory.max"):
    running = machine.running[unit]
    tree = "/sys/fs/cgroup" if machine.cgroups == "2" else "/sys/fs/cgroup/memory"
    return machine.read("%s%s/%s" % (tree, running.cgroup, file)).decode("ascii").strip()


def scopes(machine):
    return [text.partition("--slice=")[2].partition(" ")[0] for text in told(machine, "systemd-run")]


LIMITS = [
    ("memory_max", "1G", "memory.max", str(1 << 30), "max"),
    ("memory_high", "1G", "memory.high", str(1 << 30), "max"),
    ("memory_swap_max", "0", "memory.swap.max", "0", "max"),
    ("memory_low", "1M", "memory.low", str(MIB), "0"),
    ("memory_min", "1M", "memory.min", str(MIB), "0"),
    ("oom_policy", "kill", "memory.oom.group", "1", "0"),
]


@pytest.mark.slow
@pytest.mark.parametrize("option, value, file, there, gone", LIMITS, ids=[row[0] for row in LIMITS])
@pytest.mark.parametrize("version", [247, 252, 257])
def test_a_limit_comes_into_force_and_goes_without_a_restart(make, version, option, value, file, there, gone):
    machine = make(version=version)
    machine.start("web.service", used=MIB)
    told_first = web(machine, True, **{option: value})
    result = web(machine, **{option: value})
    assert result["verified"] and result["changed"] and kernel_value(machine, file=file) == there, result["msg"]
    assert (
        told_first["services"][0]["steps"] == result["services"][0]["steps"]
        and "set %s of web.service" % file in result["msg"]
    )
    assert not web(machine, **{option: value})["changed"] and told(machine, "restart") == []
    taken = web(machine, state="absent")
    assert taken["verified"] and taken["changed"] and kernel_value(machine, file=file) == gone, taken["msg"]
    assert not web(machine, state="absent")["changed"]
    assert scopes(machine) == (
        ["system.slice"] * 2 if version == 257 else []
    ), "a systemd that applies limits at the reload pays nothing"


@pytest.mark.parametrize("version", [247, 252, 257])
@pytest.mark.parametrize("apply", ["live", "restart"])
def test_a_limit_that_drifted_is_set_again(make, version, apply):
    """Somebody wrote into the cgroup, or 257 was left between its reload and the start that brings the limit"""
    machine = make(version=version)
    machine.start("web.service", used=MIB)
    web(machine, memory_max="1G")
    machine.write("/sys/fs/cgroup/system.slice/web.service/memory.max", "max\n")
    foretold = web(machine, True, memory_max="1G", apply=apply)
    assert foretold["changed"] and not foretold["verified"]
    result = web(machine, memory_max="1G", apply=apply)
    assert result["changed"] and result["verified"] and kernel_value(machine) == str(1 << 30)
    steps = ["daemon-reload", "set memory.max of web.service to 1073741824"]
    assert (
        foretold["services"][0]["steps"] == result["services"][0]["steps"] == steps and told(machine, "restart") == []
    )
    assert not web(machine, memory_max="1G")["changed"]


@pytest.mark.parametrize("version", [252, 257])
@pytest.mark.parametrize("check", [True, False])
def test_a_limit_that_drifted_is_below_use_now(make, version, check):
    machine = make(version=version)
    machine.start("web.service", used=MIB)
    web(machine, memory_max="64M")
    machine.write("/sys/fs/cgroup/system.slice/web.service/memory.max", "max\n")
    machine.write("/sys/fs/cgroup/system.slice/web.service/memory.current", "%d\n" % (900 * MIB))
    result = web(machine, check, memory_max="64M")
    assert (
        result["failed"]
        and "uses 900 MiB now" in result["msg"]
        and "allow_limits=true" in result["msg"]
        and kernel_value(machine) == "max"
    )
    assert web(machine, memory_max="64M", allow_limits=True)["verified"] and kernel_value(machine) == str(64 * MIB)


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_persons_lower_limit_that_ours_hid_is_guarded_too(make, state):
    machine = make()
    machine.drop_in("web.service", "10-person.conf", "[Service]\nMemoryMax=64M\n")
    machine.load("web.service")
    machine.start("web.service", used=MIB)
    web(machine, memory_max="2G", allow_weaker=True)
    machine.write("/sys/fs/cgroup/system.slice/web.service/memory.current", "%d\n" % (900 * MIB))
    wanted = dict(oom_score_adjust=5) if state == "present" else dict(state="absent")
    before = machine.tree()
    result = web(machine, **wanted)
    assert (
        result["failed"]
        and "with memory_max=64 MiB the kernel would kill it" in result["msg"]
        and machine.tree() == before
    ), result["msg"]
    assert not web(machine, allow_limits=True, **wanted)["failed"] and kernel_value(machine) == str(64 * MIB)


def test_next_start_leaves_limits_and_says_so(make):
    machine = make(version=257)
    machine.start("web.service", used=MIB)
    for changed in (True, False):
        result = web(machine, memory_max="1G", apply="next_start")
        assert (
            result["changed"] is changed
            and result["restart_required"]
            and causes(result) == ["older_than_drop_in"]
            and kernel_value(machine) == "max"
        )
    machine._restart("web.service")
    assert web(machine, memory_max="1G", apply="next_start")["verified"]


def test_twenty_units_in_four_slices_cost_one_scope_a_slice(make):
    """A scope reaches its slice and those above: nobody starts one there"""
    machine = make(version=257)
    for name in ("pg@", "cache@"):
        machine.unit(name + ".service")
        for number in range(6):
            machine.start("%s%d.service" % (name, number))
    machine.unit("a-b.slice")
    machine.start("a-b.slice", 0)
    machine.start("web.service")
    result = act(machine, name=["pg@", "cache@", "web", "a-b.slice"], memory_max="100M")
    assert result["verified"], result["msg"]
    assert scopes(machine) == ["a.slice", "system-cache.slice", "system-pg.slice"]
    assert {kernel_value(machine, name) for name in machine.running} == {str(100 * MIB)}


@pytest.mark.parametrize("where", ["removed", "reloaded"])
def test_a_removal_that_was_killed_is_finished(make, where):
    """The file is gone, and with it what it said: the record of the run still knows that the limit was ours"""
    machine = make(version=257)
    machine.start("web.service", used=MIB)
    web(machine, memory_max="1G", memory_high="512M")
    name = "_daemon_reload" if where == "removed" else "_run_scope"
    real = getattr(machine, name)
    setattr(machine, name, lambda *_words: (one for one in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        web(machine, state="absent")
    setattr(machine, name, real)
    assert (kernel_value(machine), kernel_value(machine, file="memory.high")) == (str(1 << 30), str(512 * MIB))
    assert web(machine, True, state="absent")["changed"]
    result = web(machine, state="absent")
    assert (
        result["changed"]
        and result["verified"]
        and (kernel_value(machine), kernel_value(machine, file="memory.high")) == ("max", "max")
    )
    assert not web(machine, state="absent")["changed"]


@pytest.mark.parametrize("wanted", [dict(state="absent"), dict(memory_max="1G")], ids=["absent", "left out"])
def test_a_removal_of_the_score_that_was_killed_after_its_reload_is_finished(make, wanted):
    machine = make()
    pids = machine.start("web.service", 2, used=MIB)
    pids.append(machine.spawn("web.service", 77))
    web(machine, oom_score_adjust=-500, memory_max="1G")
    real = machine._daemon_reload

    def dies_after():
        real()
        raise KeyboardInterrupt

    machine._daemon_reload = dies_after
    with pytest.raises(KeyboardInterrupt):
        web(machine, **wanted)
    machine._daemon_reload = real
    assert [machine.score(pid) for pid in pids] == [-500, -500, 77]
    assert web(machine, True, **wanted)["changed"]
    assert web(machine, **wanted)["changed"] and [machine.score(pid) for pid in pids] == [0, 0, 77]
    again = web(machine, **wanted)
    assert not again["changed"] and again["verified"] and again["processes"] == [], "the score is nobody's any more"


def test_a_removal_of_the_score_that_was_left_to_the_next_start(make):
    machine = make("OOMScoreAdjust=-100\n")
    pid = machine.start("web.service")[0]
    web(machine, oom_score_adjust=-500)
    for changed in (True, False):
        result = web(machine, state="absent", apply="next_start")
        assert (
            result["changed"] is changed
            and result["restart_required"]
            and causes(result) == ["older_than_drop_in"]
            and machine.score(pid) == -500
        )
    result = web(machine, state="absent")
    assert result["changed"] and result["verified"] and machine.score(pid) == -100


@pytest.mark.parametrize("cgroups, limit", [("2", "8E"), ("2", "9223372036854771712"), ("1", "4E")])
def test_a_limit_that_no_machine_can_reach(make, cgroups, limit):
    """The kernel shows it as none"""
    machine = make(cgroups=cgroups)
    machine.start("web.service", used=MIB)
    for changed in (True, False):
        result = web(machine, memory_max=limit, allow_overcommit=True)
        assert result["changed"] is changed and result["verified"], result["msg"]


def no_scope(machine):
    machine._run_scope = lambda words: Ran(1, "", "Failed to start transient scope unit: Permission denied")


def test_where_nothing_brings_it_into_force_it_stays_a_gap(make):
    machine = make(version=257)
    machine.start("web.service", used=MIB)
    no_scope(machine)
    result = web(machine, memory_max="1G")
    assert (
        causes(result) == ["not_enforced"]
        and not result["verified"]
        and any("systemd-run failed: Failed to start" in note for note in result["services"][0]["notes"])
    )


def test_restart_for_a_limit_that_nothing_else_brings(make):
    machine = make(version=257)
    machine.unit("other.service")
    machine.unit("a-b.slice")
    for name in ("web.service", "other.service", "a-b.slice"):
        machine.start(name, used=MIB)
    assert web(machine, memory_max="1G", apply="restart")["verified"] and told(machine, "restart") == []
    no_scope(machine)
    services = [
        dict(name="web", memory_max="2G"),
        dict(name="other", oom_score_adjust=5),
        dict(name="a-b.slice", memory_max="1G"),
    ]
    services[1]["apply"] = "live"
    result = act(machine, services=services, apply="restart")
    assert [service["restarted"] for service in result["services"]] == [["web.service"], [], []] and kernel_value(
        machine
    ) == str(2 << 30)
    assert [service["verified"] for service in result["services"]] == [True, True, False]
    assert any("a slice cannot be restarted" in note for note in result["services"][2]["notes"]), result["services"][2][
        "notes"
    ]


def test_a_limit_that_stays_after_ours_is_gone_is_a_gap(make):
    machine = make(version=257)
    machine.start("web.service", used=MIB)
    web(machine, memory_max="1G")
    no_scope(machine)
    result = web(machine, state="absent")
    assert causes(result) == ["not_enforced"] and not result["verified"] and kernel_value(machine) == str(1 << 30)


def test_a_restart_for_the_score_brings_the_limit_too(make):
    machine = make(version=257)
    machine.start("web.service", used=MIB)
    result = web(machine, oom_score_adjust=5, memory_max="1G", apply="restart")
    assert result["verified"] and result["services"][0]["restarted"] == ["web.service"] and scopes(machine) == []


def test_nothing_is_restarted_for_a_file_that_the_kernel_does_not_have(make):
    machine = make(version=257)
    machine.start("web.service", used=MIB)
    for file in os.listdir(machine.root + "/sys/fs/cgroup/system.slice/web.service"):
        if file.startswith("memory."):
            os.unlink(machine.root + "/sys/fs/cgroup/system.slice/web.service/" + file)
    machine._limits = lambda name, used=None: None
    result = web(machine, memory_max="1G", apply="restart")
    assert causes(result) == ["not_enforced"] and told(machine, "restart") == [] and scopes(machine) == ["system.slice"]
    assert not web(machine, memory_max="1G", apply="restart")["changed"]


def test_a_restart_for_a_limit_leaves_scores_alone(make):
    machine = make(version=257)
    machine.start("web.service", used=MIB)
    no_scope(machine)
    machine.drop_in("web.service", "10-person.conf", "[Service]\nOOMScoreAdjust=70\n", old=False)
    machine.after_restart["web.service"] = lambda _running: machine.spawn("web.service", 0)
    result = web(machine, memory_max="1G", apply="restart")
    assert result["services"][0]["restarted"] == ["web.service"] and result["verified"] and result["processes"] == []
    assert sorted(
        machine.score(int(pid)) for pid in machine.read("/sys/fs/cgroup/system.slice/web.service/cgroup.procs").split()
    ) == [0, 70]


def test_a_record_of_limits_says_nothing_of_scores(make):
    """Processes of the score 0 under a file of 70: somebody reloaded, and nothing was restarted"""
    machine = make()
    pid = machine.start("web.service", used=MIB)[0]
    machine.drop_in("web.service", "10-person.conf", "[Service]\nOOMScoreAdjust=70\n", old=False)
    machine.load("web.service")
    web(machine, memory_max="1G")
    assert web(machine, memory_max="1G", oom_score_adjust=90)["verified"] and machine.score(pid) == 90


def test_dead_after_a_restart_without_a_new_file(make):
    machine = make(version=257)
    machine.start("web.service", used=MIB)
    web(machine, memory_max="1G")
    machine.write("/sys/fs/cgroup/system.slice/web.service/memory.max", "max\n")
    no_scope(machine)
    machine.after_restart["web.service"] = dies
    before = machine.tree()
    result = web(machine, memory_max="1G", apply="restart")
    assert (
        result["failed"]
        and "result exit-code" in result["msg"]
        and "Its drop-in is as it was." in result["msg"]
        and machine.tree() == before
    )


def test_a_unit_that_runs_without_a_control_group_has_nothing_to_limit(make):
    """Type=oneshot with RemainAfterExit=yes: active (exited)"""
    machine = make(version=257)
    machine.start("web.service", 0)
    machine.running["web.service"].cgroup = ""
    machine._limits = lambda name, used=None: None
    result = web(machine, memory_max="1G")
    assert result["changed"] and result["verified"] and scopes(machine) == []
    assert not web(machine, memory_max="1G")["changed"]


@pytest.mark.parametrize("version", [247, 257])
def test_the_limit_of_cgroup_1(make, version):
    machine = make(version=version, cgroups="1")
    machine.start("web.service", used=MIB)
    result = web(machine, memory_max="1G")
    assert result["verified"] and kernel_value(machine, file="memory.limit_in_bytes") == str(1 << 30)
    assert "set memory.limit_in_bytes of web.service to 1073741824" in result["services"][0]["steps"]
    assert (
        web(machine, state="absent")["verified"]
        and kernel_value(machine, file="memory.limit_in_bytes") == "9223372036854771712"
    )


def test_a_file_that_this_kernel_has_not_is_a_gap_and_no_reason_to_reload_again(make):
    """memory.swap.max without swap accounting"""
    machine = make(version=257)
    machine.start("web.service", used=MIB)
    limits = machine._limits

    def without(name, used=None):
        limits(name, used)
        os.unlink("%s/sys/fs/cgroup/system.slice/%s/memory.swap.max" % (machine.root, name))

    machine._limits = without
    without("web.service")
    for changed in (True, False):
        result = web(machine, memory_swap_max="0")
        assert result["changed"] is changed and causes(result) == ["not_enforced"], result["msg"]
    assert scopes(machine) == []


def test_memory_low_that_a_slice_above_gives(make):
    """DefaultMemoryLow=: systemd shows 0 for the unit, the kernel holds the slice's"""
    machine = make()
    machine.start("web.service", used=MIB)
    web(machine, memory_low="1M", memory_max="1G")
    web(machine, memory_max="1G")
    machine.write("/sys/fs/cgroup/system.slice/web.service/memory.low", "4096\n")
    result = web(machine, memory_max="1G")
    assert not result["changed"] and result["verified"]


def test_sums_of_two_options_are_asked_once(make):
    machine = make()
    assert not web(machine, memory_max="1G", memory_min="1M")["failed"]
    (asked,) = told(machine, "*.service")
    assert "Id,MemoryMax,MemoryMin" in asked


# ---------------------------------------------------------------- restart and the way back


def test_restart_only_what_needs_it(make):
    machine = make()
    machine.start("web.service", 2)
    result = web(machine, oom_score_adjust=-500, apply="restart")
    assert (
        result["services"][0]["restarted"] == ["web.service"]
        and result["verified"]
        and len(told(machine, "try-restart")) == 1
    )
    again = web(machine, oom_score_adjust=-500, apply="restart")
    assert not again["changed"] and len(told(machine, "try-restart")) == 1


def test_a_stopped_unit_stays_stopped(make):
    """F1"""
    machine = make()
    result = web(machine, oom_score_adjust=-500, apply="restart")
    assert result["changed"] and "web.service" not in machine.running and told(machine, "restart") == []


def dies(running):
    running.active, running.sub, running.result = "failed", "failed", "exit-code"


def ends(running):
    running.active, running.sub = "inactive", "dead"


def loops(running):
    running.sub = "auto-restart"


def is_killed(running):
    running.active, running.result = "failed", "oom-kill"


DEATHS = [
    (dies, "result exit-code"),
    (ends, "inactive"),
    (loops, "waits for its next start"),
    (is_killed, "result oom-kill"),
]


@pytest.mark.parametrize("death, words", DEATHS, ids=[row[0].__name__ for row in DEATHS])
@pytest.mark.parametrize("previous", [None, -100])
def test_what_dies_after_the_restart_gets_its_earlier_bytes_back(make, death, words, previous):
    """P10"""
    machine = make()
    if previous is not None:
        web(machine, oom_score_adjust=previous)
    machine.start("web.service")
    before = machine.tree()
    calls = []

    def once(running):
        calls.append(running)  # every start of it
        if len(calls) == 1:
            death(running)

    machine.after_restart["web.service"] = once
    result = web(machine, oom_score_adjust=-500, apply="restart")
    assert (
        result["failed"]
        and words in result["msg"]
        and result["services"][0]["rolled_back"]
        and "It is active again" in result["msg"]
    )
    assert machine.tree() == before and len(told(machine, "reset-failed")) == 1
    assert len(calls) == 2, "once with the new file, once with the earlier one"
    now = previous or 0
    assert [(row["pid"], row["before"], row["after"], row["state"]) for row in result["processes"]] == [
        (calls[1].main_pid, now, now, "as_wanted")
    ]
    assert machine.loaded["web.service"].values.get("OOMScoreAdjust") == (None if previous is None else "-100")


def test_a_restart_that_systemd_refuses(make):
    machine = make()
    machine.start("web.service")
    before = machine.tree()
    machine.restart_says["web.service"] = (
        "Job for web.service failed because start of the service was attempted too often."
    )
    result = web(machine, oom_score_adjust=-500, apply="restart")
    assert result["failed"] and "attempted too often" in result["msg"] and machine.tree() == before


def test_a_job_that_ends_well_after_its_restart_lives_on(make):
    machine = make("Type=oneshot\n")
    machine.start("web.service")
    machine.after_restart["web.service"] = ends
    result = web(machine, oom_score_adjust=-500, apply="restart", force_restart=True)
    assert result["verified"] and not result["services"][0]["rolled_back"] and len(told(machine, "restart")) == 1
    assert result["processes"] == [] and result["msg"].endswith("in force")


def test_what_ends_before_the_reload_has_no_processes(make):
    machine = make()
    machine.start("web.service")
    real = machine._daemon_reload
    machine._daemon_reload = lambda: (machine.stop("web.service"), real())[1]
    result = web(machine, oom_score_adjust=-500)
    assert result["verified"] and result["processes"] == []


def test_restart_of_a_template_is_of_its_running_instances(make):
    machine = make()
    machine.unit("pg@.service")
    for number in (1, 2, 3):
        machine.start("pg@%d.service" % number)
    machine.kernel_write(int(machine.running["pg@2.service"].main_pid), -500)
    foretold = act(machine, True, name=["pg@"], oom_score_adjust=-500, apply="restart")
    result = act(machine, name=["pg@"], oom_score_adjust=-500, apply="restart")
    assert result["verified"] and result["services"][0]["restarted"] == ["pg@1.service", "pg@3.service"]
    assert foretold["services"][0]["steps"] == result["services"][0]["steps"] and {
        row["after"] for row in result["processes"]
    } == {-500}
    assert not act(machine, name=["pg@"], oom_score_adjust=-500, apply="restart")["changed"]


def test_of_a_template_some_instances_are_spared(make):
    machine = make()
    machine.unit("user@.service")
    machine.unit("pg@.service")
    machine.start("user@1.service")
    result = act(machine, name=["user@"], oom_score_adjust=-500, apply="restart", allow_broad=True)
    assert (
        result["verified"]
        and told(machine, "restart") == []
        and {row["after"] for row in result["processes"]} == {-500}
    )


@pytest.mark.parametrize("version", [252, 257])
def test_an_instance_that_dies_takes_the_whole_template_back(make, version):
    machine = make(version=version)
    machine.unit("pg@.service")
    for number in (1, 2):
        machine.start("pg@%d.service" % number)
    before = machine.tree()
    calls = []

    def once(running):
        calls.append(running)
        if len(calls) == 1:
            dies(running)

    machine.after_restart["pg@2.service"] = once
    result = act(machine, name=["pg@"], oom_score_adjust=-500, apply="restart")
    assert (
        result["failed"]
        and machine.tree() == before
        and "after the restart pg@2.service: it is failed" in result["msg"]
    ), result["msg"]
    assert "pg@1.service is active again" in result["msg"] and "pg@2.service is active again" in result["msg"]
    assert {machine.score(running.main_pid) for running in machine.running.values()} == {0}


def test_restart_of_instances_for_a_limit_that_nothing_else_brings(make):
    machine = make(version=257)
    machine.unit("pg@.service")
    for number in (1, 2):
        machine.start("pg@%d.service" % number, used=MIB)
    no_scope(machine)
    result = act(machine, name=["pg@"], memory_max="1G", apply="restart")
    assert result["verified"] and result["services"][0]["restarted"] == ["pg@1.service", "pg@2.service"]


@pytest.mark.parametrize("name", ["sshd.service", "dbus.service", "docker.service", "systemd-logind.service"])
def test_what_others_hang_on_is_not_restarted(make, name):
    """F9"""
    machine = make()
    machine.unit(name)
    pid = machine.start(name)[0]
    result = act(machine, name=[name], oom_score_adjust=-500, apply="restart")
    assert (
        told(machine, "restart") == []
        and machine.score(pid) == -500
        and result["verified"]
        and "is not restarted" in result["services"][0]["notes"][0]
    )


# ---------------------------------------------------------------- guards, as the module applies them

GUARDED = [
    (dict(memory_max="64M"), "uses 900 MiB now", dict(allow_limits=True)),
    (dict(memory_high="64M", memory_max="2G"), "uses 900 MiB now", dict(allow_limits=True)),
    (dict(memory_high="3G", memory_max="2G"), "is more than memory_max", dict(allow_limits=True)),
    (dict(memory_max="5G"), "add up to", dict(allow_overcommit=True)),
    (dict(oom_score_adjust=-400), "would weaken OOMScoreAdjust=-900", dict(allow_weaker=True)),
]


@pytest.mark.parametrize("settings, words, allowed", GUARDED)
@pytest.mark.parametrize("check", [True, False])
def test_a_guard_refuses_and_its_option_lets_it_pass(make, settings, words, allowed, check):
    machine = make()
    machine.drop_in("web.service", "10-person.conf", "[Service]\nOOMScoreAdjust=-900\n")
    machine.load("web.service")
    machine.start("web.service", used=900 * MIB)
    options = dict(dict(allow_overcommit=False), **settings)
    before = machine.tree()
    result = web(machine, check, **options)
    assert (
        result["failed"]
        and not result["changed"]
        and words in result["msg"]
        and "Nothing was changed" in result["msg"]
        and machine.tree() == before
    )
    assert list(allowed)[0] in result["msg"]
    assert not web(machine, **dict(options, **allowed))["failed"]


def test_one_that_fails_does_not_keep_the_others(make):
    machine = make()
    machine.unit("good.service")
    machine.boot()
    result = act(machine, services=[dict(name="ghost", oom_score_adjust=1), dict(name="good", oom_score_adjust=1)])
    assert (
        result["failed"]
        and [service["status"] for service in result["services"]] == ["failed", "changed"]
        and result["services"][1]["verified"]
    )
    assert result["msg"].startswith("ghost.service")


def test_allow_unsupported(make):
    machine = make(version=219)
    result = web(machine, oom_score_adjust=5, oom_policy="kill", allow_unsupported=True)
    assert (
        lines(machine.read(PATH)) == ["[Service]", "OOMScoreAdjust=5"]
        and result["verified"]
        and "left out" in result["services"][0]["notes"][0]
    )


@pytest.mark.parametrize("check", [True, False])
def test_where_nothing_is_left_to_set_nothing_is_verified(make, check):
    machine = make(version=219)
    machine.start("web.service")
    result = web(machine, check, memory_min="1M", allow_unsupported=True)
    assert (
        not result["changed"] and not result["failed"] and not result["verified"] and causes(result) == ["unsupported"]
    )
    assert (
        result["services"][0]["status"] == "unchanged"
        and "MemoryMin= is systemd 240 or newer, this is 219" in result["msg"]
    )


@pytest.mark.parametrize("check", [True, False])
def test_what_the_sum_refused_lists_no_steps(make, check):
    machine = make()
    machine.start("web.service", used=MIB)
    result = web(machine, check, memory_max="64G")
    (service,) = result["services"]
    assert result["failed"] and service["steps"] == [] and service["diff"]["after"] == service["diff"]["before"] == ""


def test_a_limit_above_the_one_of_the_vendor(make):
    machine = make("MemoryMax=512M\n")
    machine.start("web.service", used=MIB)
    assert (
        "memory_high=1G is more than MemoryMax=512M of /usr/lib/systemd/system/web.service"
        in web(machine, memory_high="1G")["msg"]
    )
    assert (
        web(machine, memory_high="256M")["verified"] and web(machine, memory_high="1G", allow_limits=True)["verified"]
    )


# ---------------------------------------------------------------- disks and paths


def test_a_full_disk_leaves_the_earlier_file(make, monkeypatch):
    machine = make()
    web(machine, oom_score_adjust=5)
    before = machine.tree()
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda fd: (one for one in ()).throw(OSError(errno.ENOSPC, "No space left on device"))
    )
    with pytest.raises(ProtectError):  # the lock's folder is there, the record of scores needs none: it is the drop-in
        machine.start("web.service")
        result = web(machine, oom_score_adjust=6)
        if result["failed"] and "No space left on device" in result["msg"]:
            raise ProtectError("as one unit's failure")
    monkeypatch.setattr(os, "fsync", real)
    assert machine.tree() == before


def test_what_is_not_done_is_not_foreseen_either(make):
    """A refused reload: the row says what the process has, and that it is not what was requested"""
    machine = make()
    machine.start("web.service")
    machine.reload_says = "Failed to reload daemon: Refusing to reload"
    result = web(machine, oom_score_adjust=5)
    assert result["failed"] and [(row["after"], row["state"]) for row in result["processes"]] == [(0, "older")]


def test_an_error_after_the_rename_is_taken_back(make, monkeypatch):
    """The folder's fsync fails: the new file is there all the same"""
    machine = make()
    web(machine, oom_score_adjust=5)
    before, real, calls = machine.tree(), Folder.replace, []

    def replace(folder, name, data, **keywords):
        real(folder, name, data, **keywords)
        calls.append(name)
        if calls == ["50-memops.conf"]:
            raise OSError(errno.EIO, "Input/output error", "x")

    monkeypatch.setattr(Folder, "replace", replace)
    result = web(machine, oom_score_adjust=6)
    assert result["failed"] and machine.tree() == before
    assert (
        "could not be written: Input/output error; look into the kernel's log: the disk fails. Its earlier drop-in was put back"
        in result["msg"]
    )


def test_a_folder_that_cannot_go_is_no_error(make, monkeypatch):
    """X.service.d is a mount point"""
    machine = make()
    web(machine, oom_score_adjust=5)
    real = os.rmdir

    def rmdir(name, **keywords):
        if name == "web.service.d":
            raise OSError(errno.EBUSY, "Device or resource busy")
        return real(name, **keywords)

    monkeypatch.setattr(os, "rmdir", rmdir)
    result = web(machine, state="absent")
    assert result["changed"] and result["verified"] and not os.path.exists(machine.root + PATH)
    assert result["services"][0]["notes"] == ["/etc/systemd/system/web.service.d stays: Device or resource busy"]


@pytest.mark.parametrize("check", [True, False])
def test_a_folder_that_users_may_write_is_not_used(make, check):
    """Its owner could lead our write elsewhere. The other units go on."""
    machine = make()
    machine.unit("db.service")
    machine.boot()
    os.makedirs(machine.root + os.path.dirname(PATH))
    os.chmod(machine.root + os.path.dirname(PATH), 0o777)
    result = act(machine, check, name=["web", "db"], oom_score_adjust=5)
    refused, done = result["services"]
    assert (
        result["failed"]
        and "may be written by others" in refused["error"]
        and "Nothing was changed" in refused["error"]
    )
    assert refused["steps"] == [] and os.listdir(machine.root + os.path.dirname(PATH)) == []
    assert done["status"] == "changed" and done["verified"] is not check


def test_a_link_for_a_folder_is_not_followed(make):
    machine = make()
    os.makedirs(machine.root + "/elsewhere")
    machine.link(os.path.dirname(PATH), machine.root + "/elsewhere")
    for wanted in (dict(oom_score_adjust=5), dict(state="absent")):
        result = web(machine, **wanted)
        assert result["failed"] and "symbolic link" in result["msg"] and os.listdir(machine.root + "/elsewhere") == []


def test_a_way_back_that_fails_names_the_saved_copy(make, monkeypatch):
    """F6: the second error, while the earlier bytes are put back"""
    machine = make()
    web(machine, oom_score_adjust=5)
    silently_reload_changes_nothing(machine)
    real, calls = Folder.replace, []

    def replace(folder, name, data, **keywords):
        if name == "50-memops.conf":
            calls.append(data)
            if len(calls) == 2:
                raise OSError(errno.EROFS, "Read-only file system")
        return real(folder, name, data, **keywords)

    monkeypatch.setattr(Folder, "replace", replace)
    result = web(machine, oom_score_adjust=6)
    assert result["failed"] and "could not be put back; its earlier bytes are in /var/lib/memops/" in result["msg"]
    saved = machine.read("/var/lib/memops/web.service-50-memops.conf.saved")
    assert lines(saved) == ["[Service]", "OOMScoreAdjust=5"] and saved.startswith(MARK.encode("ascii"))


def test_without_root_it_says_what_is_needed(make, monkeypatch):
    machine = make()

    def lock(_host):
        raise PermissionError(errno.EACCES, "Permission denied", "/run/memops")

    monkeypatch.setattr(act_room, "host_lock", lock)  # the tests run as root
    with pytest.raises(ProtectError) as caught:
        web(machine, oom_score_adjust=5)
    assert "this needs root (become: true)" in str(caught.value)


def test_values_of_the_machine_are_made_harmless(make):
    machine = make()
    machine.drop_in("web.service", "10-x.conf", b"[Service]\nOOMScoreAdj=\x1b[2J\n".decode("latin-1"))
    machine.load("web.service")
    result = web(machine, oom_score_adjust=5)
    assert "\x1b" not in repr(result) and "\\x1b" in result["services"][0]["notes"][0]


# ---------------------------------------------------------------- what cannot be read is not empty


def covered_cgroups(machine):
    """A tmpfs over /sys/fs/cgroup."""
    shutil.rmtree(machine.root + "/sys/fs/cgroup")
    os.makedirs(machine.root + "/sys/fs/cgroup")


def covered_sys(machine):
    shutil.rmtree(machine.root + "/sys")


def no_list(machine):
    os.unlink(machine.root + "/sys/fs/cgroup/system.slice/web.service/cgroup.procs")


def empty_list(machine):
    machine.write("/sys/fs/cgroup/system.slice/web.service/cgroup.procs", "")


def covered_proc(machine):
    """What systemd knows stays; /proc has nobody but this process."""
    for name in os.listdir(machine.root + "/proc"):
        if name.isdigit() and int(name) not in (1, os.getpid()):
            shutil.rmtree(machine.root + "/proc/" + name)


def one_hidden(machine):
    shutil.rmtree(machine.root + "/proc/701")


UNREADABLE = [("2", cover) for cover in (covered_cgroups, covered_sys, no_list, empty_list, covered_proc, one_hidden)]
UNREADABLE += [("1", cover) for cover in (covered_cgroups, covered_sys, covered_proc, one_hidden)]


@pytest.mark.slow
@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
@pytest.mark.parametrize(
    "cgroups, cover", UNREADABLE, ids=["%s-%s" % (cover.__name__, cgroups) for cgroups, cover in UNREADABLE]
)
@pytest.mark.parametrize("settings", [dict(oom_score_adjust=-500), dict(state="absent")], ids=["present", "absent"])
def test_a_unit_whose_processes_cannot_be_read_is_not_verified(make, cover, cgroups, check, settings):
    """issue 11: verified with no process read. The second run sees no more than the first."""
    machine = make(cgroups=cgroups)
    machine.start("web.service", 2)
    web(machine, oom_score_adjust=300)
    cover(machine)
    for _turn in range(2):
        result = web(machine, check, **settings)
        assert result["verified"] is False, result["services"][0]
        if not check:
            assert "not_readable" in causes(result) and "NOT in force" in result["msg"]


def test_a_unit_that_ended_meanwhile_is_no_gap(make):
    machine = make()
    machine.start("web.service", 1)
    asked = []

    def run(argv, timeout=90):
        answer = machine.run(argv, timeout)
        asked.append(argv)
        if "daemon-reload" in argv:
            machine.stop("web.service")
        return answer

    host = machine.host._replace(run=run)
    cases = act_room.protect(host, [Request(parse_unit_name("web"), {"oom_score_adjust": "300"})], Overrides(), False)
    assert [gap.cause for gap in cases[0].gaps] == [] and cases[0].verified


def test_limits_behind_a_covered_sys_are_not_verified(make):
    machine = make()
    machine.start("web.service", 1)
    covered_cgroups(machine)
    result = web(machine, memory_max="1G")
    assert causes(result) == ["not_readable"] and "/sys/fs/cgroup" in result["msg"]


@pytest.mark.parametrize(
    "message", ["garbage\n", "", "a=b\n", "Id=web.service\n"], ids=["garbage", "empty", "no names", "half"]
)
@pytest.mark.parametrize("verb", ["show", "--version"])
def test_a_systemctl_that_prints_garbage_and_exits_0(make, verb, message):
    machine = make()
    machine.start("web.service", 1)
    before = machine.tree()
    host = machine.host._replace(
        run=lambda argv, timeout=90: Ran(0, message) if verb in argv else machine.run(argv, timeout)
    )
    with pytest.raises(ProtectError) as caught:
        act_room.protect(
            host, [Request(parse_unit_name("web"), {"oom_score_adjust": "300"}, missing="skip")], Overrides(), False
        )
    assert "systemctl" in str(caught.value) and "Nothing was changed" in str(caught.value) and machine.tree() == before


# ---------------------------------------------------------------- a drop-in that keeps the service from starting


ONESHOT = [
    ("always", 252, True),
    ("on-success", 257, True),
    ("on-failure", 252, False),
    ("on-abnormal", 244, False),
    ("on-failure", 239, True),
    ("no", 239, False),
    ("always", 239, True),
]


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
@pytest.mark.parametrize("value, version, refused", ONESHOT, ids=["%s on %d" % row[:2] for row in ONESHOT])
def test_a_one_shot_job_and_its_restart(make, value, version, refused, check):
    """issue 16, 1: bad-setting with exit code 0, and our file stayed"""
    machine = make("Type=oneshot\n", version=version)
    before = machine.tree()
    result = web(machine, check, restart=value)
    assert result["failed"] == refused, result["msg"]
    if refused:
        assert "Type=oneshot" in result["msg"] and "Nothing was changed" in result["msg"] and machine.tree() == before
    elif not check:
        assert result["verified"] and machine.loaded["web.service"].state == "loaded"


def test_a_one_shot_job_where_systemd_cannot_be_asked(make):
    machine = make("Type=oneshot\n", booted=False)
    assert "Type=oneshot" in web(machine, restart="always")["msg"]
    machine.drop_in("web.service", "10-simple.conf", "[Service]\nType=simple\n")
    assert not web(machine, restart="always")["failed"]


@pytest.mark.parametrize("before", [None, 100], ids=["new", "changed"])
def test_a_unit_that_does_not_load_any_more_gets_its_old_bytes_back(make, before):
    """Whatever the reason is."""
    machine = make()
    machine.start("web.service", 1)
    if before is not None:
        web(machine, oom_score_adjust=before)
    tree = machine.tree()
    machine.refuses = [b"OOMScoreAdjust=300"]
    result = web(machine, oom_score_adjust=300)
    assert (
        result["failed"]
        and "does not load web.service any more (bad-setting)" in result["msg"]
        and "was put back" in result["msg"]
    )
    assert machine.tree() == tree and machine.loaded["web.service"].state == "loaded" and not result["changed"]


def test_an_instance_that_does_not_load_any_more_counts_for_its_template(make):
    machine = make()
    machine.unit("pg@.service")
    machine.start("pg@1.service", 1)
    tree = machine.tree()
    machine.refuses = [b"OOMScoreAdjust=300"]
    result = act(machine, name=["pg@"], oom_score_adjust=300)
    assert result["failed"] and "pg@1.service" in result["msg"] and machine.tree() == tree


def test_a_file_of_ours_that_keeps_the_unit_from_loading_can_be_mended(make):
    machine = make("Type=oneshot\n")
    machine.drop_in("web.service", "50-memops.conf", "%s\n[Service]\nRestart=always\n" % MARK)
    machine.boot()
    assert machine.loaded["web.service"].state == "bad-setting"
    result = web(machine, restart="no")
    assert not result["failed"] and result["verified"] and machine.loaded["web.service"].state == "loaded"


# ---------------------------------------------------------------- numbers that nobody means


@pytest.mark.parametrize(
    "settings, words",
    [
        (dict(memory_max="512"), "memory_max=512 is 512 bytes; write 512M"),
        (dict(memory_high=2048), "write 2048M"),
        (dict(memory_low="1000"), "write 1000M"),
        (dict(memory_swap_max="64K"), "memory_swap_max=64K is less than 1 MiB; write 64M"),
        (dict(memory_max="1M"), None),
        (dict(memory_max="1048576"), None),
        (dict(memory_swap_max="0"), None),
        (dict(memory_min="0"), None),
        (dict(memory_max="infinity"), None),
        (dict(memory_max="1%"), None),
    ],
)
def test_a_bare_number_is_not_meant_in_bytes(make, settings, words):
    machine = make()
    before = machine.tree()
    result = web(machine, **settings)
    assert result["failed"] == (words is not None), result["msg"]
    if words is not None:
        assert words in result["msg"] and machine.tree() == before
        assert not web(machine, allow_limits=True, **settings)["failed"]


# ---------------------------------------------------------------- slices


def test_the_slices_of_all_users_are_read_back(make):
    """issue 16, 4: user-.slice is no unit that systemd could load"""
    machine = make()
    for uid in (0, 1000):
        machine.unit("user-%d.slice" % uid)
        machine.start("user-%d.slice" % uid, 0, used=MIB)
    before = machine.tree()
    assert "allow_broad" in act(machine, name=["user-.slice"], memory_max="1G")["msg"] and machine.tree() == before
    result = act(machine, name=["user-.slice"], memory_max="1G", allow_broad=True)
    service = result["services"][0]
    assert result["verified"] and service["drop_in"] == "/etc/systemd/system/user-.slice.d/50-memops.conf", service
    assert service["effective"]["memory_max"] == 1 << 30
    for uid in (0, 1000):
        group = machine.running["user-%d.slice" % uid].cgroup
        assert machine.read("/sys/fs/cgroup%s/memory.max" % group) == b"1073741824\n"
    assert not act(machine, name=["user-.slice"], memory_max="1G", allow_broad=True)["changed"]
    machine.write("/sys/fs/cgroup%s/memory.max" % machine.running["user-1000.slice"].cgroup, "max\n")
    again = act(machine, name=["user-.slice"], memory_max="1G", allow_broad=True, apply="next_start")
    assert not again["verified"] and "user-1000.slice" in again["msg"]


def test_the_slices_of_nobody(make):
    result = act(make(), name=["user-.slice"], memory_max="1G", allow_broad=True)
    assert causes(result) == ["no_instance"] and not result["verified"] and not result["failed"]


def test_one_user_with_a_value_of_his_own(make):
    machine = make()
    machine.drop_in("user-1000.slice", "90-own.conf", "[Slice]\nMemoryMax=2G\n")
    for name in ("user-1000.slice", "user-1001.slice"):
        machine.unit(name)
        machine.start(name, 0, used=MIB)
    result = act(machine, name=["user-.slice"], memory_max="1G", allow_broad=True)
    assert (
        causes(result) == ["shadowed"]
        and "user-1000.slice" in result["msg"]
        and "user-1001" not in result["services"][0]["gaps"][0]["text"]
    )


def test_a_slice_of_ones_own_needs_no_file(make):
    machine = make()
    machine.unit("apps.slice")
    machine.start("apps.slice", 0, used=MIB)
    assert act(machine, name=["apps.slice"], memory_max="1G")["verified"]
    shutil.rmtree(machine.root + "/run/systemd/system")
    result = act(machine, name=["batch.slice"], memory_max="1G")
    assert causes(result) == ["systemd_not_running"] and not result["failed"]


def test_the_managers_of_users_are_a_template(make):
    machine = make()
    machine.unit("user@.service", "Delegate=yes\n")
    machine.start("user@1000.service", 1)
    result = act(machine, name=["user@"], memory_max="1G")
    assert (
        result["verified"]
        and machine.read("/sys/fs/cgroup%s/memory.max" % machine.running["user@1000.service"].cgroup) == b"1073741824\n"
    )


# ---------------------------------------------------------------- words


def linked_config(machine):
    os.rename(machine.root + "/etc/systemd/system", machine.root + "/etc/nix")
    machine.link("/etc/systemd/system", "/etc/nix")


def linked_folder(machine):
    machine.link("/etc/systemd/system/web.service.d", "/srv/stow/web.service.d")


@pytest.mark.parametrize(
    "link, path", [(linked_config, "/etc/systemd/system"), (linked_folder, "/etc/systemd/system/web.service.d")]
)
def test_a_link_on_the_way_is_told_as_one(make, link, path):
    machine = make()
    link(machine)
    result = web(machine, oom_score_adjust=300)
    assert result["failed"] and "%s is a symbolic link to " % path in result["msg"] and "NixOS, stow" in result["msg"]


NAMES = [
    ("tpl", "/usr/lib/systemd/system/tpl@.service", "its template tpl@.service is: name that"),
    (
        "pipewire",
        "/usr/lib/systemd/user/pipewire.service",
        "/usr/lib/systemd/user/pipewire.service is a unit of users' own managers",
    ),
    ("ghost", "/usr/lib/systemd/system/other.service", "ghost.service: it is not installed. Nothing was changed."),
]


@pytest.mark.parametrize("name, path, words", NAMES, ids=[row[0] for row in NAMES])
def test_a_name_that_is_not_installed(make, name, path, words):
    machine = make()
    machine.write(path, "[Service]\n")
    assert words in act(machine, name=[name], oom_score_adjust=300)["msg"]


def test_a_socket_names_its_service(make):
    machine = make()
    machine.unit("api.socket")
    machine.unit("api@.service")
    machine.boot()
    notes = act(machine, name=["api.socket"], oom_score_adjust=300)["services"][0]["notes"]
    assert any("what it starts is set by the service, api@.service" in note for note in notes), notes


def test_our_other_drop_in_is_named(make):
    machine = make()
    web(machine, memory_max="1G", dropin="40-old.conf")
    notes = web(machine, oom_score_adjust=300)["services"][0]["notes"]
    assert any(
        "40-old.conf, which this module wrote under another dropin name" in note and "dropin=40-old.conf" in note
        for note in notes
    ), notes


def test_our_own_later_drop_in_is_told_as_ours(make):
    machine = make()
    web(machine, oom_score_adjust=100, dropin="90-old.conf")
    result = web(machine, oom_score_adjust=300)
    assert (
        result["failed"]
        and "90-old.conf, which this module wrote under another dropin name, sets it to 100" in result["msg"]
    )
    assert "state=absent dropin=90-old.conf" in result["msg"]


@pytest.mark.parametrize(
    "given",
    [
        dict(memory_max="9" * 5000),
        dict(name=["a" * 5000], oom_score_adjust=1),
        dict(oom_score_adjust=1, dropin="x" * 5000),
    ],
)
def test_a_value_of_many_letters_is_not_echoed_whole(make, given):
    with pytest.raises(ParamsError) as caught:
        web(make(), **given)
    assert len(str(caught.value)) < 300
