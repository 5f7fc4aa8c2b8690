# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a machine, as root.

agent.py stage NAME...               kills of these kinds; a line of JSON for each victim
agent.py forge                       40 kernel lines through each of 8 doors; a line of JSON for each
agent.py contest                     contests at the word of who asks
agent.py watch | marked              begin to watch for victims; their pids since then
agent.py load MIB                    one load on the whole machine, and who died of it
agent.py hold                        a load that goes to swap, at the word of who asks
agent.py write | torn                the collection's writers at work; what a power cut left of it
"""

from __future__ import annotations

import json
import sys

import contest
import forge
import pressure
import stages
import truth
import writers


def main(what: str, *words: str) -> None:
    truth.watch_the_kernel()
    if what == "watch":
        truth.marked()
    elif what == "marked":
        print(json.dumps(truth.marked()))
    elif what == "stage":
        for name in words:
            stages.STAGES[name]()
    elif what == "forge":
        forge.forge()
    elif what == "contest":
        contest.serve()
    elif what == "load":
        pressure.load(float(words[0]))
    elif what == "hold":
        pressure.serve()
    elif what == "write":
        writers.write_for_ever(*words)
    elif what == "torn":
        writers.print_torn()
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
