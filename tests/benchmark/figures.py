# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures that need other tools than grep: of the journal, against journalctl, and of the module, against ping."""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import generate
import generate_journal
from bench import Bench, Command, version
from generate import MEBI, Log

_ROUNDS = 7
_PYTHON = re.compile(r"^\s*python version = .* \((/.*)\)$", re.MULTILINE)


def journal(bench: Bench) -> None:
    """Kills and whole reports out of 250,000 entries of two boots, on every interpreter. As large with --quick: it is
    soon read.
    """
    program = generate_journal.writer()
    if not program or not shutil.which("journalctl"):
        print(
            f"  skipped: journal, because {'journalctl' if program else 'systemd-journal-remote'} is not installed here"
        )
        return
    made = generate_journal.Journal()
    path = generate_journal.directory(made, program)
    journalctl = bench.tool("journalctl", "-o", "json", "_TRANSPORT=kernel", "--directory", str(path))
    runs: dict[str, tuple[Command, Command, Command, Command]] = {}
    for interpreter in bench.arguments.pythons:
        runs[interpreter] = (
            bench.python(interpreter, "journal", "."),  # imports, reads nothing
            bench.python(interpreter, "journal", path),
            bench.python(interpreter, "journal", path, include_tasks=True),
            bench.python(interpreter, "journal", path, scan_only=True),
        )
    bench.measure(
        journalctl,
        *(command for commands in runs.values() for command in commands),
        rounds=max(_ROUNDS, bench.arguments.rounds),
    )
    print(f"  {path.name}: journalctl -o json _TRANSPORT=kernel {journalctl.seconds:.3f} s")
    for interpreter, (nothing, kills, whole, scan) in runs.items():
        short = f"{version(interpreter)}: journal"
        for name, target, run in ((f"{short}, kills", 0.4, kills), (f"{short}, whole blocks", 0.8, whole)):
            bench.check(name, run, made.kills)
            note = f"{run.seconds:.3f} s, of it interpreter and imports {nothing.seconds:.3f}; peak {run.peak:.1f} MiB"
            if run is whole:
                note += f"; without the parser {(scan.seconds - nothing.seconds) / journalctl.seconds:.3f} x"
            bench.say(
                f"{name} / journalctl -o json", target, (run.seconds - nothing.seconds) / journalctl.seconds, "x", note
            )


def _facts(call: Command) -> dict[str, Any]:
    """What an ad hoc call of oom_facts answers, behind `localhost | SUCCESS => `."""
    said = subprocess.run(call.argv, stdout=subprocess.PIPE, env=call.env, text=True, check=True).stdout
    return json.loads(said[said.index("{") :])["ansible_facts"]["oom"]


def module(bench: Bench) -> None:
    """oom_facts as Ansible calls it: against ping, where there is nothing to find, and its result and memory on a large
    log.
    """
    beside = Path(sys.executable).with_name("ansible")
    ansible = shutil.which(bench.arguments.ansible or "ansible") or (
        str(beside) if os.access(beside, os.X_OK) else None
    )
    if bench.arguments.ansible and not shutil.which(bench.arguments.ansible):
        raise SystemExit(f"{bench.arguments.ansible} does not run here")
    if not ansible:
        print("  skipped: module, because ansible is neither on PATH nor beside this Python")
        return
    with tempfile.TemporaryDirectory() as home:
        empty = Path(home, "messages")
        empty.touch()
        config = Path(home, "ansible.cfg")
        config.touch()
        env = dict(
            os.environ, ANSIBLE_COLLECTIONS_PATH=bench.collections, ANSIBLE_CONFIG=str(config), ANSIBLE_HOME=home
        )
        env.update(
            ANSIBLE_REMOTE_TEMP=home,
            ANSIBLE_LOCALHOST_WARNING="false",
            ANSIBLE_INVENTORY_UNPARSED_WARNING="false",
            LC_ALL="C.UTF-8",
        )
        call = [ansible, "localhost", "-m"]
        facts = [*call, "memops.linux.oom_facts"]
        ping = Command([*call, "ansible.builtin.ping"], env)
        file = Command([*facts, "-a", f"paths={empty}"], env)
        host = Command(facts, env)
        earlier = _facts(host)["summary"]["total"]
        if earlier:
            print(
                f"  this host had {earlier} kills: it is asked for those of the last minute, and the parser is loaded all the same"
            )
            host = Command([*facts, "-a", "since=1m"], env)
        bench.measure(ping, file, host, rounds=max(_ROUNDS, bench.arguments.rounds))
        for name, run in (("of an empty log", file), ("of this host", host)):
            total = _facts(run)["summary"]["total"]
            if total:
                print(f"  skipped: oom_facts {name}, where {total} kills are found")
                continue
            spread = f"{min(run.cpu):.3f} to {max(run.cpu):.3f} s; ping {ping.seconds:.3f}, wall {statistics.median(run.wall):.3f} s"
            bench.say(f"oom_facts {name} finds nothing: CPU / ping", 1.15, run.seconds / ping.seconds, "x", spread)
        asked = subprocess.run([ansible, "--version"], stdout=subprocess.PIPE, env=env, text=True, check=True).stdout
    python = _PYTHON.search(asked)
    if not python:
        print("  skipped: the module's memory, because ansible --version does not name its Python")
        return
    # 1,000 kills with --quick as well: the size of the result is theirs
    log = Log("syslog", (100 if bench.arguments.quick else 1000) * MEBI, 1000)
    run = bench.python(python[1], "module", generate.plain(log))
    run.run()
    total, listed, size = (int(number) for number in run.found.split("/"))
    if total != log.kills:
        raise SystemExit(f"module: found {total} kills, there are {log.kills}")
    bench.say(f"{total} kills: default result", 256, size / 1024, "KiB", f"{listed} kills listed")
    bench.say(f"{log.size // MEBI} MB: peak memory in AnsibleModule", 45, run.peak, "MiB", asked.splitlines()[0])
