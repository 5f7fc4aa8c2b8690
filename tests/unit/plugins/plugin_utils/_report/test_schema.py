# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/report.schema.json is what report.json holds: of every fleet, and no key of ours is missing in it."""

from __future__ import annotations

import copy
import json
import pathlib

import pytest
from jsonschema import Draft202012Validator

from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather
from ansible_collections.memops.linux.plugins.module_utils._facts.params import Wish
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.plugin_utils._actions.facts import shaped_facts
from ansible_collections.memops.linux.plugins.plugin_utils._report import archive
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import NOW, facts, kill
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.synthetic_fleets import (
    MONDAY,
    build_accident,
    postgres,
    week,
)

PUBLISHED = pathlib.Path(__file__).resolve().parents[5] / "docs" / "report.schema.json"
#: what a host says may hold more than is described
OPEN = ("facts", "kill", "unresolved")


@pytest.fixture(scope="module", name="schema")
def fixture_schema():
    return json.loads(PUBLISHED.read_text())


def closed(schema):
    """The same schema, to which a key that is not described is an error."""
    found = copy.deepcopy(schema)

    def close(part):
        if isinstance(part, dict):
            if "properties" in part:
                part["additionalProperties"] = False
            for inner in part.values():
                close(inner)
        elif isinstance(part, list):
            for inner in part:
                close(inner)

    close({name: part for name, part in found["$defs"].items() if name not in OPEN})
    found["additionalProperties"] = False
    return found


@pytest.fixture(scope="module", name="real")
def fixture_real(fixtures):
    """Of logs of machines of ours."""
    hosts = {"down": HostInput(None, "unreachable", "no route")}
    for path in sorted(pathlib.Path(fixtures, "kernel").glob("*-kern.log")):
        oom = gather(Host(), Wish(sources=("files",), paths=(str(path),), include_tasks=True))
        hosts[path.stem] = HostInput(shaped_facts(oom))
    assert len(hosts) > 2
    return build(hosts, NOW)


@pytest.fixture(scope="module", name="weeks")
def fixture_weeks():
    hosts = {"db1": week(postgres()), "build1": week(build_accident()), "web1": week([], state="partial")}
    return build({name: HostInput(oom) for name, oom in hosts.items()}, MONDAY)


@pytest.fixture(scope="module", name="odd")
def fixture_odd():
    """What a fleet of nonsense becomes."""
    nonsense = [
        5, [], {}, {"schema": 2}, {"schema": 1}, {"schema": 1, "kills": 7, "visibility": {"state": "clear"}},
        facts([{}, {"victim": 3, "source": []}, 7], unresolved=[{}, {"count": -3, "time": "x"}]),
        facts([kill(1, time=1e300, victim_pid=2.5, proof="sworn")], since="x", summary=[], counters=[], window=[]),
    ]  # fmt: skip
    return build({f"h{number}": HostInput(oom) for number, oom in enumerate(nonsense)}, NOW)


def complaints(schema, report):
    written = json.loads(archive.render(report))
    return [f"{error.json_path}: {error.message}"[:300] for error in Draft202012Validator(schema).iter_errors(written)]


def test_it_is_a_schema(schema):
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("/draft/2020-12/schema")


@pytest.mark.parametrize("fleet", ["small", "empty", "hostile", "odd", "real", "weeks"])
def test_every_report_is_as_the_schema_says_and_has_no_key_more(schema, fleet, request):
    assert complaints(closed(schema), request.getfixturevalue(fleet)) == []


WRONG = [
    pytest.param(lambda report: report.pop("fleet"), id="no fleet"),
    pytest.param(lambda report: report["hosts"]["db1"].update(state="fine"), id="a state that is none"),
    pytest.param(lambda report: report["hosts"]["db1"].update(kills="1"), id="no count"),
    pytest.param(lambda report: report["hosts"]["db1"]["oom"]["kills"][0].update(proof="sworn"), id="a proof"),
    pytest.param(lambda report: report["fleet"]["totals"].pop("unresolved"), id="a total is missing"),
    pytest.param(lambda report: report["problems"][0].update(state="bad"), id="a problem's state"),
]


@pytest.mark.parametrize("spoil", WRONG)
def test_what_is_no_report_is_refused(schema, small, spoil):
    report = copy.deepcopy(small)
    written = json.loads(archive.render(report))
    assert Draft202012Validator(schema).is_valid(written)
    spoil(written)
    assert not Draft202012Validator(schema).is_valid(written)


def test_a_key_more_is_allowed(schema, small):
    written = json.loads(archive.render(small))
    written["hosts"]["db1"]["newer"] = written["newer"] = 1
    assert Draft202012Validator(schema).is_valid(written)
