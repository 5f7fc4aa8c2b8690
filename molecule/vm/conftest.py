# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines for the tests, each booted once for all of them, and Ansible to talk to them as its users do."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import image  # noqa: E402
import machine  # noqa: E402

UNIT = "systemd-run --quiet --wait --pipe --collect --unit=vm-test --property=OOMPolicy=continue --property=OOMScoreAdjust=-1000"
LOGS = image.CACHE / "logs"
AGENT = "/opt/vm-test/agent.py"


_PLUGINS: list[Any] = []


def say(text: str) -> None:
    """Progress, past what pytest captures."""
    for plugins in _PLUGINS:
        with plugins.get_plugin("capturemanager").global_and_fixture_disabled():
            print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


class Host(machine.Machine):
    """A machine with the agent in it and an inventory of its own. It remembers everyone who was killed since it was
    made.
    """

    def __init__(self, suite: str, name: str = "", **more: Any) -> None:
        super().__init__(suite, name, folder=LOGS, **more)
        self.truth: list[dict[str, Any]] = []
        self.asked = 0

    def boot(self) -> Host:
        started = time.monotonic()
        self.create().start()
        self.prepare()
        say(
            f"{self.name} up in {time.monotonic() - started:.0f} s: {self.root('uname -r').strip()}, logs in {self.folder}"
        )
        return self

    def prepare(self) -> None:
        self.put(HERE / "guest", os.path.dirname(AGENT))
        machine.inventory([self], self.folder / "hosts.json")

    def agent(self, *words: str, timeout: float = 900.0) -> list[Any]:
        """Let the agent work, in a unit that the kernel leaves alone; its lines of JSON."""
        say(f"{self.name}: {' '.join(words)[:100]} ...")
        started = time.monotonic()
        try:
            output = self.root(f"{UNIT} python3 -B {AGENT} {' '.join(words)}", timeout=timeout)
        finally:
            say(f"{self.name}: ... {time.monotonic() - started:.0f} s")
        rows = [json.loads(line) for line in output.splitlines()]
        self.save(f"agent-{words[0]}", rows)
        return rows

    @contextlib.contextmanager
    def talk(self, *words: str) -> Iterator[Callable[[str], dict[str, Any]]]:
        """An agent that waits for our word: a line to it, a line of JSON back."""
        command = [*self.ssh(), f"sudo {UNIT} python3 -B {AGENT} {' '.join(words)}"]
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(self.folder / "talk.log").open("w"),
            text=True,
        ) as line:

            def ask(question: str) -> dict[str, Any]:
                assert line.stdin and line.stdout
                line.stdin.write(question + "\n")
                line.stdin.flush()
                answer = line.stdout.readline()
                assert answer, f"no answer to {question!r}; see {self.folder}/talk.log and serial.log"
                rows: dict[str, Any] = json.loads(answer)
                return rows

            yield ask

    def stage(self, *names: str) -> list[dict[str, Any]]:
        """Stage kills of these kinds, and remember the victims."""
        rows = self.agent("stage", *names)
        self.truth += rows
        return rows

    def module(
        self, name: str, become: bool = True, fails: bool | None = False, check: bool = False, **options: Any
    ) -> dict[str, Any]:
        """What a module of the collection says, over ssh, as a user with sudo or without. `fails` None: it may."""
        tree = self.folder / "tree"
        shutil.rmtree(tree, ignore_errors=True)
        command = ["ansible", "-i", self.folder / "hosts.json", "all", "-m", f"memops.linux.{name}", "-t", tree]
        command += ["-a", json.dumps(options)] if options else []  # Ansible takes {} for words of a command
        command += ["--check"] if check else []
        output = self.ansible([*command, "-e", json.dumps({"ansible_become": become})], None)
        try:
            result = json.loads((tree / self.name).read_text())
        except OSError:
            raise AssertionError(f"{name} of {self.name} gave nothing: {self.folder}/ansible.log") from None
        result["failed"] = f"{self.name} | FAILED!" in output  # the file does not say
        path = self.save(name, result)
        assert not result.get(
            "unreachable"
        ), f"{self.name} is not reached: {result.get('msg')!r}, all of it in {self.folder}/ansible.log"
        if fails is not None and result["failed"] != fails:
            raise AssertionError(f"{name} of {self.name}: {result.get('msg')!r}, all of it in {path}")
        return result

    def playbook(self, name: str, code: int = 0, **variables: Any) -> str:
        """A playbook, by its name in the collection or its path, and the exit code that it is to end with."""
        return self.ansible(
            ["ansible-playbook", "-i", self.folder / "hosts.json", name, "-e", json.dumps(variables)], code
        )

    def ansible(self, command: list[Any], code: int | None = 0) -> str:
        done = subprocess.run(
            [str(c) for c in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        log = self.folder / "ansible.log"
        with log.open("a") as out:
            out.write(f"$ {' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}\n")
        if not self.alive():
            raise machine.Gone(self.last_words())
        assert code in (
            None,
            done.returncode,
        ), f"exit code {done.returncode}, not {code}, see {log}:\n{done.stdout[-2500:]}\n{done.stderr[-1500:]}"
        return done.stdout

    def facts(self, **options: Any) -> dict[str, Any]:
        facts: dict[str, Any] = self.module("oom_facts", **dict({"max_kills": 10000}, **options))["ansible_facts"][
            "oom"
        ]
        return facts

    def save(self, name: str, value: Any) -> Path:
        self.asked += 1
        path = self.folder / f"{self.asked:03}-{name}.json"
        path.write_text(json.dumps(value, indent=1))
        return path


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault("ANSIBLE_NOCOLOR", "1")
    os.environ["ANSIBLE_HOST_KEY_CHECKING"] = "false"
    _PLUGINS.append(config.pluginmanager)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """VM_TESTS=facts,contest picks files."""
    wanted = os.environ.get("VM_TESTS")
    return (
        True
        if wanted
        and collection_path.suffix == ".py"
        and collection_path.stem.replace("test_", "") not in wanted.split(",")
        else None
    )


def suites() -> list[str]:
    """VM_SUITES=bookworm,v1 picks machines."""
    known = [*image.SUITES, "v1"]
    wanted = os.environ.get("VM_SUITES", ",".join(known)).split(",")
    if set(wanted) - set(known):
        raise pytest.UsageError(f"VM_SUITES={','.join(wanted)}: there are {', '.join(known)}")
    return wanted


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A machine that was not wanted has no tests; a skip would say that something is missing."""
    away = [
        item
        for item in items
        if "[none" in item.name or (item.name.startswith("test_cgroup_v1") and "v1" not in suites())
    ]
    config.hook.pytest_deselected(items=away)
    items[:] = [item for item in items if item not in away]


@pytest.fixture(scope="session", params=[suite for suite in image.SUITES if suite in suites()] or ["none"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    """Each Debian in turn; all tests of one Debian share a boot."""
    one = Host(request.param)
    try:
        yield one.boot()
        assert not one.panicked(), f"the kernel panicked: {one.folder}/serial.log"
    finally:
        if one.alive():
            (one.folder / "dmesg.log").write_text(one.root("dmesg", check=False), errors="surrogateescape")
        one.destroy()
