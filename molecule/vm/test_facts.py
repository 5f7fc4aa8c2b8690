# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""oom_facts against what truly died: every kill, and no other."""

from __future__ import annotations

from typing import Any

import machine
from conftest import Host, say

#: The kernel tells at most ten kills in five seconds in full; of the others it prints one line, without a cgroup.
FULL_REPORTS, WINDOW = 10, 5.5


def shown(text: str) -> str:
    """A name of the truth (bytes in hex) as the collection writes it: the rule of its documentation, not its code."""
    out = ""
    for char in bytes.fromhex(text).decode("utf-8", "surrogateescape"):
        code = ord(char)
        if 0xDC80 <= code <= 0xDCFF:
            out += f"\\x{code - 0xDC00:02x}"
        elif code < 0x20 or 0x7F <= code < 0xA0:
            out += f"\\x{code:02x}"
        elif 0x2028 <= code <= 0x202E or 0x2066 <= code <= 0x2069 or code == 0xFEFF:
            out += f"\\u{code:04x}"
        else:
            out += char
    return out


def expected(row: dict[str, Any], told: dict[str, Any], crowded: bool) -> dict[str, Any]:
    """What must be said of a victim. A killer of user space tells less, and so does a kernel that is out of breath."""
    if row["killer"] == "systemd-oomd":  # it kills a cgroup, and names no process
        return {"killer": "systemd-oomd", "unit": row["unit"], "trusted": True}
    want = {"killer": row["killer"], "pid": row["pid"], "uid": row["uid"], "comm": shown(row["comm"]), "trusted": True}
    if row["killer"] == "earlyoom":
        return want
    want.update(
        adj=row["adj"], scope=row["scope"], trigger=row["trigger"], unit=row["unit"], task_memcg=shown(row["cgroup"])
    )
    want["oom_memcg"] = shown(row["oom_memcg"].encode("utf-8", "surrogateescape").hex()) if row["oom_memcg"] else None
    group = row["trigger"] == "group"
    if group:  # the first of a group is the victim of a fault; the others have no line that names a cgroup
        want["trigger"] = told["trigger"] if told["trigger"] in ("fault", "group") else "group"
    if (crowded or group) and told["task_memcg"] is None:
        want.update(task_memcg=None, oom_memcg=told["oom_memcg"] and want["oom_memcg"])
        if crowded and told["unit"] is None:
            want["unit"] = None
    return want


def got(kill: dict[str, Any], keys: Any) -> dict[str, Any]:
    flat = dict(kill, **kill["victim"], adj=kill["victim"]["oom_score_adj"], trusted=kill["source"]["trusted"])
    return {key: flat[key] for key in keys}


def compare(host: Host, facts: dict[str, Any], since: float = 0.0) -> list[str]:
    """What is wrong in these facts, by the truth of this machine."""
    wrong, left = [], [kill for kill in facts["kills"] if kill["source"]["trusted"]]
    for row in host.truth:
        crowded = sum(row["until"] - WINDOW < other["until"] <= row["until"] for other in host.truth) > FULL_REPORTS
        same = [
            k
            for k in left
            if k["killer"] == row["killer"]
            and (k["unit"] == row["unit"] if k["victim"]["pid"] is None else k["victim"]["pid"] == row["pid"])
        ]
        if len(same) != 1:
            wrong.append(f"{row['stage']}, pid {row['pid']}: told {len(same)} times")
            continue
        want = expected(row, same[0], crowded)
        seen = got(same[0], want)
        if seen != want:
            wrong.append(
                f"{row['stage']}, pid {row['pid']}: expected, seen: "
                + "; ".join(f"{k}: {want[k]!r}, {seen[k]!r}" for k in want if want[k] != seen[k])
            )
        if not row["since"] - 3 <= (same[0]["time"] or 0) <= row["until"] + 3:
            wrong.append(
                f"{row['stage']}, pid {row['pid']}: died from {row['since']} to {row['until']}, told {same[0]['time']}"
            )
        left.remove(same[0])
    wrong += [f"invented: {kill}" for kill in left]
    if facts["counters"]["unexplained"] != 0:
        wrong.append(f"counters: {facts['counters']}")
    if facts["visibility"]["state"] != "clear":
        wrong.append(f"visibility: {facts['visibility']}")
    if facts["unparsed"]:
        wrong.append(f"{facts['unparsed']} lines unparsed")
    return wrong


def check(host: Host) -> dict[str, Any]:
    facts = host.facts()
    wrong = compare(host, facts)
    say(f"{host.name}: {len(host.truth)} kills, {len(wrong)} of them not told right; counters {facts['counters']}")
    assert not wrong, f"{len(wrong)} wrong; facts and truth in {host.folder}:\n" + "\n".join(wrong)
    return facts


def test_every_kill_is_found_and_none_invented(host: Host) -> None:
    died = host.stage("names", "groups", "units", "group", "global", "flood", "earlyoom", "oomd")
    assert len(died) >= 115, f"only {len(died)} kills staged"
    check(host)


def test_no_forged_line_is_trusted(host: Host) -> None:
    """320 lines through 8 doors: each is shown, as not trusted, and nothing else is."""
    forged = {row["pid"]: row for row in host.agent("forge")}
    assert len(forged) == 320
    facts = check(host)
    trusted = [kill for kill in facts["kills"] if kill["source"]["trusted"] and kill["victim"]["pid"] in forged]
    assert not trusted, f"trusted: {[forged[k['victim']['pid']]['door'] for k in trusted]}; all in {host.folder}"
    doubted = {kill["victim"]["pid"]: kill for kill in facts["kills"] if not kill["source"]["trusted"]}
    in_logs = host.root(
        "grep -Eohs 'Killed process 50[0-9]{4} [(]forged' /var/log/messages /var/log/syslog /var/log/kern.log"
    )
    written = {int(line.split()[2]) for line in in_logs.splitlines()}
    say(
        f"{host.name}: 320 forged, {len(written)} of them in text logs, {len(set(doubted) & set(forged))} told as not trusted, 0 trusted"
    )
    assert len(written) >= 200, f"rsyslog believed only {len(written)} of them: the test forges badly"
    hidden = {pid: row["door"] for pid, row in forged.items() if pid not in doubted}
    assert not hidden, f"not shown: {hidden}; facts in {host.folder}"
    assert set(doubted) <= set(forged), f"not trusted, and not forged: {sorted(set(doubted) - set(forged))}"
    counted = {
        pid: (forged[pid]["door"], kill["proof"]) for pid, kill in doubted.items() if kill["proof"] != "disputed"
    }
    assert not counted, f"counted as kills: {counted}; facts in {host.folder}"
    for pid, row in forged.items():
        assert (doubted[pid]["victim"]["comm"], doubted[pid]["victim"]["uid"]) == (row["comm"], row["uid"]), doubted[
            pid
        ]
        assert doubted[pid]["source"]["reason"], doubted[pid]


def test_a_user_without_rights_sees_no_clean_host(host: Host) -> None:
    facts = host.facts(become=False)
    assert facts["visibility"]["state"] != "clear", facts["visibility"]
    known = {row["pid"] for row in host.truth}
    invented = [k for k in facts["kills"] if k["source"]["trusted"] and k["victim"]["pid"] not in known | {None}]
    assert not invented, invented


def test_cgroup_v1_and_a_journal_in_memory() -> None:
    """The hierarchy of old machines, and a journal that is gone with the next boot."""
    host = Host("bullseye", "v1", words=machine.V1)
    try:
        host.boot()
        assert host.root("stat -fc %T /sys/fs/cgroup").strip() == "tmpfs", "this is not cgroup v1"
        host.root(
            "sed -i s/persistent/volatile/ /etc/systemd/journald.conf.d/test.conf && systemctl restart systemd-journald && rm -r /var/log/journal"
            " && systemctl restart systemd-journald"
        )
        died = host.stage("names", "units", "global")
        assert host.root("ls /run/log/journal/*/ && ! ls /var/log/journal")
        assert len(died) >= 35, f"only {len(died)} kills staged"
        check(host)
    finally:
        host.destroy()
