# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""memops_hosts with a typing error is an error of every playbook, not a success of nothing."""

import json
import os
import re
import subprocess

import pytest

pytest.importorskip("ansible.module_utils.basic")

from ansible_collections.memops.linux.tests.unit.roles.role_machine import HERE, PLAYBOOK  # noqa: E402

PLAYBOOKS = ["facts", "protect", "report", "swap", "victims"]
INVENTORY = "[web]\nweb1\nweb2\n[db]\ndb1\n"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PLAYBOOK is None, reason="no ansible-playbook beside this Python"),
]


def hosts_of(tmp_path, names, inventory=INVENTORY, **variables):
    """(exit code, the hosts of each play, what was said); no host is touched."""
    (tmp_path / "hosts").write_text(inventory)
    books = [os.path.join(HERE, "playbooks", name + ".yml") for name in names]
    done = subprocess.run(
        [PLAYBOOK, "-i", str(tmp_path / "hosts"), "--list-hosts", "-e", json.dumps(variables)] + books,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        check=False,
        env=dict(
            os.environ,
            ANSIBLE_HOME=str(tmp_path / "home"),
            ANSIBLE_NOCOLOR="1",
            ANSIBLE_COLLECTIONS_PATH=os.path.abspath(os.path.join(HERE, *[".."] * 3)),
        ),
    )
    plays = done.stdout.split("hosts (")[1:]
    return done.returncode, [sorted(re.findall(r"^      (\S+)$", play, re.M)) for play in plays], done.stdout


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_a_pattern_of_no_host_is_an_error(name, tmp_path):
    code, plays, said = hosts_of(tmp_path, [name], memops_hosts="wbe")
    assert code != 0 and plays == []
    assert "wbe names no host of the inventory" in " ".join(said.split())


@pytest.mark.parametrize(
    "variables, hosts",
    [
        ({}, ["db1", "web1", "web2"]),
        ({"memops_hosts": "all:!web"}, ["db1"]),
        ({"memops_hosts": ["db", "web2"]}, ["db1", "web2"]),
        ({"memops_hosts": "localhost"}, ["localhost"]),
    ],
    ids=["not given", "all but a group", "a list", "the implicit localhost"],
)
def test_a_pattern_of_hosts_is_taken_as_it_is(variables, hosts, tmp_path):
    code, plays, said = hosts_of(tmp_path, PLAYBOOKS, **variables)
    assert (code, plays) == (0, [hosts] * len(PLAYBOOKS)), said


def test_an_empty_inventory_and_a_report_from_facts_are_no_error(tmp_path):
    code, plays, said = hosts_of(tmp_path, ["report"], inventory="", oom_report_from="/srv/reports")
    assert (code, plays) == (0, [["localhost"]]), said
    code, plays, said = hosts_of(tmp_path, PLAYBOOKS, inventory="")
    assert (code, plays) == (0, [[]] * len(PLAYBOOKS)), said
