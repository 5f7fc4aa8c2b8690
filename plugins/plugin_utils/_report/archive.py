# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""report.json: the whole truth, one problem, host and kill per line, so that a diff of two reports can be read."""

from __future__ import annotations

import json
import typing as t

from .host import Json


def _dump(value: t.Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False, separators=(", ", ": "))


def _host(entry: Json) -> t.Iterator[str]:
    head = {key: value for key, value in entry.items() if key != "oom"}
    yield _dump(head)[:-1] + ', "oom": '
    oom = entry["oom"]
    if oom is None:
        yield "null}"
        return
    rest = {key: value for key, value in oom.items() if key != "kills"}
    yield _dump(rest)[:-1] + ', "kills": ['
    yield ",".join("\n    " + _dump(kill) for kill in oom["kills"])
    yield "]}}"


def render(report: Json) -> str:
    """The JSON text: keys sorted within a line, hosts sorted, the generation time on a line of its own."""
    parts = [
        '{\n"schema": %s,\n"generated_at": %s,\n"fleet": ' % (_dump(report["schema"]), _dump(report["generated_at"]))
    ]
    parts.append(_ranked(report["fleet"]))
    # Before the hosts: who compares a later report with this one need not read these.
    parts.append(',\n"trend": %s' % _dump(report["trend"]))
    parts.append(',\n"problems": [%s]' % ",".join("\n  " + _dump(problem) for problem in report["problems"]))
    parts.append(',\n"hosts": {')
    for index, (name, entry) in enumerate(report["hosts"].items()):
        parts.append("%s\n  %s: " % ("," if index else "", _dump(name)))
        parts.extend(_host(entry))
    parts.append("\n}\n}\n")
    return "".join(parts)


def _ranked(fleet: Json) -> str:
    """The tallies keep their order, most first."""
    return json.dumps(fleet, ensure_ascii=False, allow_nan=False, indent=1)
