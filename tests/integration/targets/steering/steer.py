# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that sends variables beside its facts, in every position, to everything of the collection that delegates to
localhost.

Usage: steer.py FOLDER. It ends with 1 where one of the attempts steers, or where a run does not do what it does without
the evil host.
"""

from __future__ import annotations

import concurrent.futures
import json
import pathlib
import sys
import time

from fleet import PAYLOAD, answer, facts, interpreter, play

OUT = pathlib.Path(sys.argv[1]).resolve()
HERE = pathlib.Path(__file__).resolve().parent
TRAP, TOUCHED = OUT / "trap", OUT / "touched-by-a-template"
PASSES = {"settings": {"vm.panic_on_oom": {"max": 9}}, "disable": ["setting-at-boot", "visibility"]}
FAILS = {"settings": {"vm.panic_on_oom": 0}, "disable": ["setting-at-boot"]}
#: every variable of the roles, and of the playbooks; what a host would set to pass, to write somewhere, or to be left
#: in peace
PLANTED = {
    **{f"oom_{role}_{name}": value for role in ("compliance", "report") for name, value in {
        "dest": str(TRAP), "policy": PASSES, "enforce": False, "unknown": "warn", "formats": ["json"], "title": "STEERED", "gather": False,
        "print_table": False, "units": ["steered.service"], "timeout": 1, "previous": str(TRAP), "from": str(TRAP), "predict": True,
    }.items()},
    **{name: {"verdict": "pass", "settings": {"dest": str(TRAP), "gather": False, "units": []}, "policy_units": []}
       for name in ("oom_compliance_checked", "oom_compliance_result", "oom_report_checked")},
    "oom_compliance_noted": {"of": [], "done": ["h1", "h2", "h3"]}, "oom_compliance_judged": True,
    "memops_hosts": "nope", "memops_pattern": "nope", "memops_lost": [], "memops_serial": 1, "__memops_other_parts": ["all"],
    "ansible_run_tags": ["protect"], "ansible_play_hosts_all": ["h1"], "ansible_play_hosts": [], "hostvars": {}, "groups": {}, "omit": "x",
    "ansible_connection": "local", "ansible_python_interpreter": "/bin/false", "delegate_to": "h1",
}  # fmt: skip
ENTRIES = {
    "role oom_report": [HERE / "role_report.yml"],
    "role oom_compliance": [HERE / "role_compliance.yml"],
    "report": ["memops.linux.report"],
    "compliance": ["memops.linux.compliance"],
    "site": ["memops.linux.site"],
    "facts": ["memops.linux.facts"],
    "victims": ["memops.linux.victims"],
}
JUDGES = ("role oom_compliance", "compliance", "site")
#: position -> the evil host, and what is different
POSITIONS = {
    "first": ("h1", {}),
    "middle": ("h2", {}),
    "last": ("h3", {}),
    "another batch": ("h2", {"batches": 1}),
    "first host down": ("h2", {"down": "h1"}),
    "earlier play": ("h1", {"before": HERE / "earlier_play.yml"}),
    "set_fact": ("h1", {"before": HERE / "earlier_set_fact.yml"}),
    "cache": ("h1", {"cache": True}),
}
#: everything that delegates to localhost in every position; the others have nothing there that could be steered
ATTEMPTS = [
    (entry, position)
    for entry in ENTRIES
    for position in POSITIONS
    if entry not in ("facts", "victims") or position == "first"
]


def inventory(folder: pathlib.Path, evil: str, down: str | None) -> pathlib.Path:
    hosts = {
        name: {"ansible_python_interpreter": str(OUT / ("evil" if name == evil else "good"))}
        for name in ("h1", "h2", "h3")
    }
    if down:
        hosts[down]["lost"] = "before"
    variables = {
        "ansible_connection": "lossy",
        "ansible_become": False,
        "oom_compliance_dest": str(folder / "report"),
        "oom_report_dest": str(folder / "report"),
        "oom_compliance_policy": FAILS,
        "oom_compliance_title": "As a person set it",
        "oom_report_title": "As a person set it",
        "oom_protect_presets": ["ssh"],
    }
    path = folder / "inventory.json"
    path.write_text(json.dumps({"all": {"vars": variables, "hosts": hosts}}))
    return path


def wrong(entry: str, folder: pathlib.Path, code: int, said: str, down: bool) -> list[str]:
    """What a person would have seen."""
    found = []
    if TRAP.exists():
        found.append("it wrote where the host wanted")
    if TOUCHED.exists():
        found.append("a template of the host ran")
    if "STEERED" in said or "steered.service" in said:
        found.append("it said what the host wanted")
    ended = down and entry == "site"  # the roll-out ends before anything is judged
    if (entry in JUDGES or ended) and code == 0:
        found.append("the fleet passed")
    if not ended and not (down and entry in ("facts", "victims")) and code != (2 if entry in JUDGES else 0):
        found.append(f"exit code {code}")
    if entry in ("facts", "victims") or ended:
        return found
    names = {one.name for one in (folder / "report").glob("*")}
    if not {"index.html", "report.json", "report.md", "kills.csv"} <= names or ("junit.xml" in names) is not (
        entry in JUDGES
    ):
        return [*found, f"files: {sorted(names)}"]
    if "As a person set it" not in (folder / "report/index.html").read_text():
        found.append("the title of the page")
    hosts = json.loads((folder / "report/report.json").read_text())["hosts"]
    states = {name: host["state"] for name, host in hosts.items()}
    if states != {"h1": "unreachable" if down else "ok", "h2": "ok", "h3": "ok"}:
        found.append(f"states: {states}")
    return found


def attempt(entry: str, position: str) -> tuple[str, list[str]]:
    evil, how = POSITIONS[position]
    folder = OUT / f"{entry} {position}".replace(" ", "-")
    folder.mkdir()
    argv = [
        "-i",
        inventory(folder, evil, how.get("down")),
        *([how["before"]] if "before" in how else []),
        *ENTRIES[entry],
    ]
    env = {}
    if "cache" in how:
        (folder / "cache").mkdir()
        (folder / "cache" / evil).write_text(json.dumps({**PLANTED, "oom": facts()}))
        env = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(folder / "cache")}
    if "batches" in how and entry.startswith("role"):
        argv += ["-e", "batches=1"]
    code, said = play(folder, *argv, **env)
    (folder / "log").write_text(said)
    return f"{entry}, evil host: {position}", wrong(entry, folder, code, said, "down" in how)


def main() -> None:
    begun = time.monotonic()
    payload = PAYLOAD % TOUCHED
    interpreter(OUT / "good", answer())
    evil = {"oom": facts(payload), **PLANTED, "discovered_interpreter_python": "/bin/false"}
    steers = {
        "ansible_facts": evil,
        "add_host": {"host_name": "h9", "groups": ["all"]},
        "add_group": "g",
        "_ansible_facts_cacheable": True,
    }
    interpreter(OUT / "evil", answer(**steers, msg=payload, notes=[payload], warnings=[payload]))
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda pair: attempt(*pair), ATTEMPTS))
    bad = [(what, found) for what, found in results if found]
    for what, found in bad:
        print(f"{what}: {'; '.join(found)}")
    print(f"{len(results)} attempts to steer in {time.monotonic() - begun:.0f} s, {len(bad)} of them wrong")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
