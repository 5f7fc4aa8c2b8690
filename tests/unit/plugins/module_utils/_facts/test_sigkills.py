# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit code 137 without a killer's record: what can be said, and that nothing else is."""

import json
import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.sigkills import sigkill_facts
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._systemd.show import main_exit, unit_facts

ID = "6b4013ef254b" + "0a" * 26
NONE_RUNS = {"systemd-oomd": "absent", "earlyoom": "inactive"}
M = 1 << 20


def unit(name="job.service", code="killed", status=9, uptime=500.0, result="signal", **more):
    return dict(
        {"name": name, "main_exit": {"code": code, "status": status, "uptime": uptime}, "result": result}, **more
    )


def oom(
    units=(), kills=(), unexplained=0, daemons=NONE_RUNS, by_unit=None, sight="partial"
):  # pylint: disable=dangerous-default-value
    counters = {"unexplained": unexplained, "unexplained_by_unit": by_unit}
    return {"units": list(units), "kills": list(kills), "counters": counters, "daemons": daemons, "visibility": {"state": sight}}  # fmt: skip


def kill(name="job.service", uptime=499.0, container=None, time=None):
    return {"unit": name, "uptime": uptime, "container_id": container, "time": time}


SAID = [
    ("the kernel counted none", oom([unit()]), "not_oom",
     "it was not the kernel's OOM killer, which counted no kill that the sources do not tell of; no user-space OOM killer runs; what is left is a kill -9"),
    ("the exit code of a shell", oom([unit(code="exited", status=137)]), "not_oom", "job.service ended by SIGKILL (exit code 137)"),
    ("the kernel counted more", oom([unit()], unexplained=2), "unknown", "it may have been the kernel's OOM killer, which counted 2 kills"),
    ("the count is not known", oom([unit()], unexplained=None), "unknown", "is not known, for its count is not"),
    ("a killer runs, and may have been missed", oom([unit()], daemons={"earlyoom": "active"}), "unknown", "earlyoom told of no such kill"),
    ("a killer runs, and all was seen", oom([unit()], daemons={"earlyoom": "active"}, sight="clear"), "not_oom", "earlyoom told of no such kill"),
    ("the daemons are not known", oom([unit()], daemons={"earlyoom": None}), "unknown", "it was not the kernel's OOM killer"),
    ("the unit's own counter", oom([unit()], by_unit={"job.service": 1}), "oom", "the unit's own counters have 1 kills that no source tells of"),
    ("systemd stopped it", oom([unit(result="timeout")]), "stopped", "systemd sent it"),
    ("systemd says so", oom([unit(result="oom-kill")]), "oom", "systemd says that it was an OOM killer"),
    ("far from its limit", oom([unit(memory_peak=10 * M, memory_max=64 * M)]), "not_oom", "it never held more than 10 MiB of its limit of 64 MiB"),
    ("at its limit", oom([unit(memory_peak=63 * M, memory_max=64 * M)], unexplained=1), "unknown", "it had held 63 MiB of its limit of 64 MiB"),
    ("another kill, long before", oom([unit()], [kill(uptime=100.0)]), "not_oom", "no killer's record tells of it"),
    ("another unit's kill", oom([unit()], [kill("a.service")]), "not_oom", "no killer's record tells of it"),
]  # fmt: skip


@pytest.mark.parametrize("facts, verdict, text", [row[1:] for row in SAID], ids=[row[0] for row in SAID])
def test_of_a_unit(tmp_path, facts, verdict, text):
    (row,) = sigkill_facts(Host(root=str(tmp_path)), facts, False)
    assert (row["unit"], row["uptime"], row["verdict"]) == ("job.service", 500.0, verdict)
    assert text in row["text"]
    assert ("kill -9" in row["text"]) == (verdict == "not_oom")


@pytest.mark.parametrize(
    "facts",
    [
        oom([unit()], [kill()]),
        oom([unit()], [kill(uptime=None)]),
        oom([unit(status=15)]),
        oom([unit(code="exited", status=1)]),
        oom([{"name": "up.service", "main_exit": None}]),
        dict(oom(), units=None),
    ],
    ids=["a killer spoke", "at a time not known", "SIGTERM", "exit code 1", "it runs", "no units"],
)
def test_nothing_to_say(tmp_path, facts):
    assert sigkill_facts(Host(root=str(tmp_path)), facts, False) == []


def container(tmp_path, **state):
    folder = tmp_path / "var/lib/docker/containers" / ID
    folder.mkdir(parents=True)
    fields = dict(
        {"Running": False, "ExitCode": 137, "OOMKilled": False, "FinishedAt": "2026-12-01T10:28:46.5Z"}, **state
    )
    stopped = fields.pop("stopped", False)
    config = {
        "ID": ID,
        "Name": "/web",
        "Config": {"Image": "nginx:1.25"},
        "State": fields,
        "HasBeenManuallyStopped": stopped,
    }
    (folder / "config.v2.json").write_text(json.dumps(config))
    for path, _folders, files in os.walk(str(tmp_path)):
        os.chmod(path, 0o755)
        for name in files:
            os.chmod(os.path.join(path, name), 0o644)
    return Host(root=str(tmp_path))


@pytest.mark.skipif(os.getuid() != 0, reason="what belongs to root only root can make")
@pytest.mark.parametrize(
    "state, verdict, text",
    [
        ({}, "not_oom", "docker itself saw no OOM"),
        ({"OOMKilled": True}, "oom", "docker says that an OOM killer took a process of it"),
        ({"stopped": True}, "stopped", "docker sent it: the container was stopped, and did not end in time"),
    ],
)
def test_of_docker(tmp_path, state, verdict, text):
    host = container(tmp_path, **state)
    (row,) = sigkill_facts(host, oom(), True)
    assert row["container"] == {"id": ID, "name": "web", "image": "nginx:1.25", "engine": "docker"}
    assert (row["verdict"], row["time"]) == (verdict, 1796120926.5) and text in row["text"]
    assert row["text"].startswith("container web ended by SIGKILL")
    assert sigkill_facts(host, oom(kills=[kill("x", None, ID, 1796120920.0)]), True) == []


@pytest.mark.skipif(os.getuid() != 0, reason="what belongs to root only root can make")
@pytest.mark.parametrize("state", [{"Running": True}, {"ExitCode": 0}, {"ExitCode": "137"}])
def test_of_docker_nothing(tmp_path, state):
    assert sigkill_facts(container(tmp_path, **state), oom(), True) == []


@pytest.mark.parametrize(
    "block, ended",
    [
        ({"ExecMainCode": "2", "ExecMainStatus": "9", "ExecMainExitTimestampMonotonic": "812300000"}, {"code": "killed", "status": 9, "uptime": 812.3}),
        ({"ExecMainCode": "1", "ExecMainStatus": "137"}, {"code": "exited", "status": 137, "uptime": None}),
        ({"ExecMainCode": "1", "ExecMainStatus": "0"}, None),
        ({"ExecMainCode": "0", "ExecMainStatus": "0"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_how_the_main_process_ended(tmp_path, block, ended):
    assert main_exit(block) == ended
    assert unit_facts(Host(root=str(tmp_path)), dict(block, Id="a.service"))["main_exit"] == ended
