# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a report of a big fleet takes and how large it is: python tests/benchmark/report.py [HOSTS [KILLS]]

Ansible's own share (hostvars of every host) comes on top; this is ours.
"""

from __future__ import annotations

import gc
import resource
import sys
import time

from ansible_collections.memops.linux.plugins.plugin_utils._report import archive, markdown, page, sheet, table
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import NOW, many


def main(hosts: int = 1000, kills: int = 50) -> None:
    facts = {name: HostInput(oom) for name, oom in many(hosts, kills).items()}
    gc.disable()  # as the action does
    begin = time.process_time()
    report = build(facts, NOW)
    print(f"{hosts} hosts, {kills} kills each\n{'build':12} {time.process_time() - begin:6.2f} s")
    writers = (
        ("index.html", lambda: page.render(report, "Kills")),
        ("report.json", lambda: archive.render(report)),
        ("report.md", lambda: markdown.render(report, "Kills")),
        ("kills.csv", lambda: sheet.render(report)),
        ("table", lambda: "\n".join(line.text for line in table.lines(report))),
    )
    for name, render in writers:
        start = time.process_time()
        size = len(render().encode())
        print(f"{name:12} {time.process_time() - start:6.2f} s  {size / 1e6:8.2f} MB")
    print(
        f"{'all':12} {time.process_time() - begin:6.2f} s  {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB of memory"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
