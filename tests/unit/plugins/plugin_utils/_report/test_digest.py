# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of all hosts: who has something to tell has a line, and a reason is said once."""

from __future__ import annotations

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report import digest
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build
from ansible_collections.memops.linux.tests.unit.plugins.plugin_utils._report.fleet_facts import NOW, facts, kill

DENIED = "journal is denied; run with become, or as a member of the groups systemd-journal and adm"
GAP = "the journal is kept in memory only: nothing from before this boot"
COMMAND = "ansible-playbook -i hosts.yml memops.linux.facts --become"


def said(hosts, messages=None, command=COMMAND, width=160):
    return [line.text for line in digest.lines(build(hosts, NOW), messages or {}, width, command)]


def test_kills_first_with_what_the_host_said():
    hosts = {"a1": HostInput(facts()), "db1": HostInput(facts([kill(1), kill(2)]))}
    messages = {"db1": "2 kills: the last x; sees since y", "a1": "no kill; looked at\n journal"}
    assert said(hosts, messages) == ["db1: 2 kills: the last x; sees since y", "a1: no kill; looked at journal"]


def test_a_reason_is_said_once_with_the_hosts_that_share_it():
    hosts = {f"w{n}": HostInput(facts(state="blind", reasons=[DENIED])) for n in range(3)}
    hosts.update({f"p{n}": HostInput(facts(state="partial", reasons=[GAP])) for n in range(7)})
    hosts["n1"] = HostInput(None, "unreachable", "ssh: connect to host n1 port 22: No route to host")
    hosts["n2"] = HostInput(None, "unreachable", "ssh: connect to host n2 port 22: No route to host")
    hosts["t"] = HostInput(None, "failed", "time-out: it did not answer within 120 s")
    messages = dict.fromkeys(hosts, f"no kill was found; looked at journal; this is not all: {GAP}; sees since then")
    assert said(hosts, messages) == [
        *(f"p{n}: no kill was found; looked at journal; sees since then" for n in range(7)),
        f"7 hosts (p0, p1, p2, p3, p4 and 2 more): not all could be seen: {GAP}",
        f"3 hosts (w0, w1, w2): could not look: {DENIED}",
        "2 hosts (n1, n2): unreachable: ssh: connect to host (the host) port 22: No route to host",
        "t: failed: time-out: it did not answer within 120 s",
        f"3 hosts were asked without root, and could not read all. This sees more: {COMMAND}",
    ]


def test_in_a_large_fleet_the_quiet_hosts_are_one_line():
    hosts = {f"w{n:02}": HostInput(facts(since=1763000000.0 + n)) for n in range(30)}
    hosts["db1"] = HostInput(facts([kill(1)]))
    assert said(hosts, {"db1": "1 kill"}) == [
        "db1: 1 kill",
        "30 more hosts without a kill that they could see; all of them see back to 2025-11-13 02:13Z",
    ]


@pytest.mark.parametrize(
    "command, end",
    [(COMMAND, f"This sees more: {COMMAND}"), ("", "Run it with become to see more.")],
    ids=["a playbook", "no command is known"],
)
def test_without_root_it_ends_with_what_sees_more(command, end):
    assert said({"a": HostInput(facts(state="blind", reasons=[DENIED]))}, command=command)[-1].endswith(end)


def test_hostile_texts_stay_on_their_lines(hostile):
    messages = {name: "\x1b[2J\u202e" + "x" * 500 for name in hostile["hosts"]}
    for line in digest.lines(hostile, messages, 100, COMMAND):
        assert not set("\x1b\n\u202e") & set(line.text) and len(line.text) <= 130


def test_many_hosts_and_reasons_are_bounded():
    hosts = {f"h{n}": HostInput(facts([kill(n)])) for n in range(500)}
    hosts.update({f"b{n}": HostInput(facts(state="blind", reasons=[f"reason {n}"])) for n in range(500)})
    made = said(hosts)
    assert len(made) == 200 + 1 + 20 + 1 and "... and 300 more hosts with kills" in made
    assert "... and 480 more reasons" in made
