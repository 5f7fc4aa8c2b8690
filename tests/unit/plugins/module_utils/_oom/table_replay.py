# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kill of a log that has a task table, with the choice recomputed: for the tests and for the figure of the
benchmark.
"""

import os

from ansible_collections.memops.linux.plugins.module_utils._analysis.selection_replay import recompute
from ansible_collections.memops.linux.plugins.module_utils._facts.facts import unit_facts
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import parse
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog


def kills_in(data, name="test"):
    """The kills of a log, tables kept."""
    events = parse(TextLog(name, lambda stamp: (None, "unknown")).lines(data), include_tasks=True)
    return [unit_facts(event) for event in events if isinstance(event, Kill)]


def contests(folder, names=None):
    """(file, kill, contest) of every kill with a table in the logs of a folder."""
    found = []
    for name in names or sorted(name for name in os.listdir(folder) if name.endswith(".log")):
        with open(os.path.join(folder, name), "rb") as stream:
            data = stream.read()
        found += [(name, kill, recompute(kill)) for kill in kills_in(data, name) if kill.tasks]
    return found
