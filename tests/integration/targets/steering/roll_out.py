# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A roll-out ends where hosts are lost: before it, or by it. Usage: roll_out.py FOLDER."""

from __future__ import annotations

import json
import pathlib
import sys

from fleet import answer, interpreter, play

OUT = pathlib.Path(sys.argv[1]).resolve()
HOSTS = 20
#: playbook, the host that is lost and when, batches -> how many were touched, and how it ends
CASES = [
    ("memops.linux.protect", None, None, "10", HOSTS, 0),
    ("memops.linux.protect", "h02", "before", None, 2, 2),  # batches of 1, 2, 5, 5, 5, 2
    ("memops.linux.protect", "h02", "while", None, 3, 2),
    ("memops.linux.swap", "h02", "before", None, 2, 2),
    ("memops.linux.site", "h02", "while", None, 3, 2),
]


def case(
    number: int, playbook: str, lost: str | None, when: str | None, batches: str | None, touched: int, code: int
) -> list[str]:
    folder = OUT / f"roll-out-{number}"
    folder.mkdir()
    hosts = {f"h{one:02}": {} for one in range(HOSTS)}
    if lost:
        hosts[lost]["lost"] = when
    variables = {
        "ansible_connection": "lossy",
        "ansible_become": False,
        "ansible_python_interpreter": str(OUT / "any"),
        "oom_swap_swappiness": 10,
        "oom_compliance_dest": str(folder / "report"),
    }
    (folder / "inventory.json").write_text(json.dumps({"all": {"vars": variables, "hosts": hosts}}))
    argv = ["-i", folder / "inventory.json", playbook, "-e", "ansible_become=false"]
    argv += ["-e", f"memops_serial={batches}"] if batches else []
    found, said = play(folder, *argv, timeout=300, MEMOPS_TOUCHED=str(folder / "touched"))
    (folder / "log").write_text(said)
    count = len((folder / "touched").read_text().splitlines()) if (folder / "touched").exists() else 0
    wrong = [] if count == touched else [f"{count} of {HOSTS} hosts touched, wanted {touched}"]
    if (found == 0) is not (code == 0):
        wrong.append(f"exit code {found}, wanted {code}")
    if lost and touched and f"{lost} cannot be reached or failed" not in said:
        wrong.append("it is not said which host was lost")
    return [f"{playbook}, {lost} lost {when}: {'; '.join(wrong)}"] if wrong else []


def main() -> None:
    said = {"gaps": [], "shadowed": [], "settings": {}, "plan": []}
    interpreter(OUT / "any", answer(**said))
    bad = [what for number, one in enumerate(CASES) for what in case(number, *one)]
    print("\n".join([*bad, f"{len(CASES)} roll-outs over {HOSTS} hosts, {len(bad)} of them wrong"]))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
