# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What flows into a report and out of it, with the real ansible-playbook. Usage: flows.py FOLDER.

It ends with 1 where one of the cases does not do what it has to.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

OUT = pathlib.Path(sys.argv[1]).resolve()
NOW = time.time()
HANGS, GIVEN_UP = 300, 12
FACTS = {
    "schema": 1,
    "gathered_at": NOW,
    "kills": [],
    "truncated": 0,
    "unresolved": [],
    "unparsed": 0,
    "summary": {"total": 0, "untrusted": 0, "by_unit": {}},
    "visibility": {"state": "clear", "since": 1.0, "reasons": []},
}


class Wrong(Exception):
    pass


def wanted(what: object, found: object, said: str = "") -> None:
    if found != what:
        raise Wrong(f"found {found!r}, wanted {what!r}\n{said[-3000:]}")


def interpreter(name: str, script: str) -> str:
    path = OUT / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def inventory(name: str, hosts: dict) -> str:
    path = OUT / f"{name}.json"
    common = {"ansible_connection": "local", "ansible_become": False}
    path.write_text(json.dumps({"all": {"vars": common, "hosts": hosts}}))
    return str(path)


def run(*argv: str, code: int = 0, folder: pathlib.Path = OUT, **env: str) -> str:
    done = subprocess.run(
        argv,
        cwd=folder,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=500,
        check=False,
    )
    wanted(code, done.returncode, done.stdout)
    return done.stdout


def play(name: str, *argv: str, **more: object) -> str:
    return run("ansible-playbook", f"memops.linux.{name}", *argv, **more)


def states(dest: pathlib.Path) -> dict:
    report = json.loads((dest / "report.json").read_text())
    return {name: entry["state"] for name, entry in report["hosts"].items()}


ANSWERS = {"changed": False, "msg": "no kill; looked at journal", "ansible_facts": {"oom": FACTS}}
#: asking this one is an error that the report would show
UNTOUCHABLE = "/nonexistent/python"


def from_a_folder() -> str:
    """The reports of two sites: every state stays what it was, and no host is touched."""
    for site, hosts in {
        "berlin": {"db1": {"state": "ok", "partial": False, "oom": FACTS}, "down": {"state": "unreachable"}},
        "paris": {"db1": {"state": "ok", "partial": True, "oom": FACTS}, "nopy": {"state": "failed", "message": "x"}},
    }.items():
        (OUT / "reports" / site).mkdir(parents=True)
        text = json.dumps({"schema": 1, "generated_at": NOW, "fleet": {}, "hosts": hosts})
        (OUT / "reports" / site / "report.json").write_text(text)
    hosts = inventory("sites", {"web9": {"ansible_python_interpreter": UNTOUCHABLE}})
    source = json.dumps({"oom_report_from": str(OUT / "reports"), "oom_report_dest": str(OUT / "sites")})
    said = play("report", "-i", hosts, "-e", source)
    both = {"db1 (berlin)": "ok", "db1 (paris)": "ok", "down": "unreachable", "nopy": "failed"}
    wanted({**both, "web9": "blind"}, states(OUT / "sites"), said)
    wanted(True, "several sources have a host of that name" in " ".join(said.split()), said)
    shutil.rmtree(OUT / "sites")
    play("report", "-i", "localhost,", "-e", source)
    wanted(both, states(OUT / "sites"))
    play("report", "-i", hosts, "-e", json.dumps({"oom_report_from": str(OUT / "nowhere")}), code=2)
    return "two sites on one page, no host touched"


def from_a_cache() -> str:
    """What facts left in a cache, read by its plugin; a host that is not in there is unknown."""
    good = interpreter("good", f"exec cat '{OUT / 'good.answer'}'")
    (OUT / "good.answer").write_text(json.dumps(ANSWERS))
    cache = str(OUT / "cache")
    asked = inventory("asked", {name: {"ansible_python_interpreter": good} for name in ("a", "b")})
    play("facts", "-i", asked, ANSIBLE_CACHE_PLUGIN="jsonfile", ANSIBLE_CACHE_PLUGIN_CONNECTION=cache)
    later = inventory("later", {name: {"ansible_python_interpreter": UNTOUCHABLE} for name in ("a", "b", "c")})
    source = {"cache": "jsonfile", "connection": cache}
    dest = OUT / "cached"
    said = play("report", "-i", later, "-e", json.dumps({"oom_report_from": source, "oom_report_dest": str(dest)}))
    wanted({"a": "ok", "b": "ok", "c": "blind"}, states(dest), said)
    return "two hosts of a cache, one that is not in it"


def a_host_that_hangs() -> str:
    """Eight hosts, of which one hangs: it is failed, the others are there, and nobody waits for it for long."""
    hangs = interpreter("hangs", f'case "$*" in *oom_facts*) exec sleep {HANGS};; esac; exec cat "{OUT}/good.answer"')
    hosts = {f"h{n}": {"ansible_python_interpreter": str(OUT / "good")} for n in range(7)}
    hosts["hang"] = {"ansible_python_interpreter": hangs}
    dest = OUT / "hung"
    variables = {"oom_report_timeout": GIVEN_UP, "oom_report_dest": str(dest)}
    begun = time.monotonic()
    said = play("report", "-i", inventory("hanging", hosts), "-e", json.dumps(variables))
    took = time.monotonic() - begun
    wanted({**{f"h{n}": "ok" for n in range(7)}, "hang": "failed"}, states(dest), said)
    message = json.loads((dest / "report.json").read_text())["hosts"]["hang"]["message"]
    wanted(True, message.startswith(f"time-out: it did not answer within {GIVEN_UP} s"), message)
    wanted(True, took < HANGS / 2)
    return f"{took:.0f} s for 8 hosts of which one hangs for {HANGS} s"


def under_awx() -> str:
    """The report lies among the artifacts, and the numbers of it are statistics of the run."""
    artifacts = OUT / "artifacts"
    artifacts.mkdir()
    env = {"AWX_ISOLATED_DATA_DIR": str(artifacts), "ANSIBLE_SHOW_CUSTOM_STATS": "1"}
    said = play("report", "-i", str(OUT / "asked.json"), **env)
    wanted({"a": "ok", "b": "ok"}, states(artifacts / "oom-report"), said)
    found = re.search(r"CUSTOM STATS: \*+\s+RUN: (\{.*?\})\s*$", said, re.S | re.M)
    stats = json.loads(found.group(1))["oom_report"] if found else {}
    wanted(("clean", 2, 0), (stats.get("verdict"), stats.get("hosts"), stats.get("kills")), said)
    return "the report among the artifacts, its numbers in the statistics"


def in_a_runner() -> str:
    if importlib.util.find_spec("ansible_runner") is None:
        return "NOT TESTED: this Python has no ansible-runner"
    home = OUT / "runner"
    (home / "inventory").mkdir(parents=True)
    shutil.copy(OUT / "asked.json", home / "inventory" / "hosts.json")
    command = ("run", str(home), "-p", "memops.linux.report", "--ident", "job1")
    said = run(sys.executable, "-m", "ansible_runner", *command)
    wanted({"a": "ok", "b": "ok"}, states(home / "artifacts" / "job1" / "oom-report"), said)
    events = [json.loads(path.read_text()) for path in (home / "artifacts/job1/job_events").glob("*.json")]
    kept = [one["event_data"].get("artifact_data") for one in events if one["event"] == "playbook_on_stats"]
    wanted(["clean"], [(one or {}).get("oom_report", {}).get("verdict") for one in kept], str(kept))
    return "the artifacts of a job keep the report, and its numbers"


def on_a_terminal() -> str:
    """A line for each host, a reason once, the command that sees more, and how far it is."""
    sight = {"state": "blind", "since": None, "reasons": ["journal is denied; run with become, or ask"]}
    blind = {**ANSWERS, "msg": "could not look", "ansible_facts": {"oom": {**FACTS, "visibility": sight}}}
    (OUT / "blind.answer").write_text(json.dumps(blind))
    denied = interpreter("denied", f"exec cat '{OUT / 'blind.answer'}'")
    hosts = {f"h{n}": {"ansible_python_interpreter": denied if n < 3 else str(OUT / "good")} for n in range(20)}
    hosts["gone"] = {"ansible_python_interpreter": UNTOUCHABLE}
    path = inventory("terminal", hosts)
    said = play("facts", "-i", path, code=2)
    for text in (
        "17 more hosts without a kill that they could see",
        "3 hosts (h0, h1, h2): could not look: journal is denied; run with become, or ask",
        f"This sees more: ansible-playbook -i {path} memops.linux.facts --become",
        " of 21 hosts, 0 with kills",
    ):
        wanted(True, text in " ".join(said.split()), said)
    wanted(1, said.count("journal is denied"), said)
    wanted(10, len(re.findall(r"^\d+ of 21 hosts, ", said, re.M)), said)
    return "21 hosts in a few lines"


def main() -> None:
    bad = 0
    for case in (from_a_folder, from_a_cache, a_host_that_hangs, under_awx, in_a_runner, on_a_terminal):
        try:
            print(f"{case.__name__}: {case()}", flush=True)
        except Wrong as exc:
            bad += 1
            print(f"{case.__name__}: WRONG: {exc}", flush=True)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
