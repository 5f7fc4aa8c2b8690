# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's options: what they become, and what is said of a wrong one."""

import json

import pytest

pytest.importorskip("ansible.module_utils.basic")

from ansible_collections.memops.linux.plugins.module_utils._host import Host  # noqa: E402
from ansible_collections.memops.linux.plugins.modules import oom_score_info  # noqa: E402
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._badness.proc_tree import Machine  # noqa: E402


class Ended(Exception):
    """What AnsibleModule says, with SystemExit, at the end."""


class FakeModule:
    """AnsibleModule with the defaults of the spec; it prints nothing and raises instead."""

    def __init__(self, **given):
        self.params = {name: spec.get("default") for name, spec in oom_score_info.argument_spec().items()}
        self.params.update(given)

    warn = print

    def exit_json(self, **result):
        raise Ended(dict(result, failed=False))

    def fail_json(self, **result):
        raise Ended(dict(result, failed=True))


@pytest.fixture
def run(tmp_path, monkeypatch):
    machine = Machine(tmp_path)
    machine.service(400, "mysql.service", "mysqld", anon=200_000)
    machine.process(500, b"a\xff\x1b", anon=3000)
    monkeypatch.setattr(oom_score_info, "host_of", lambda module: machine.host)

    def call(**given):
        monkeypatch.setattr(oom_score_info, "AnsibleModule", lambda **_spec: FakeModule(**given))
        with pytest.raises(Ended) as caught:
            oom_score_info.main()
        return caught.value.args[0]

    return call


def test_the_defaults(run):
    found = run()
    assert not found["failed"] and found["changed"] is False and "what_if" not in found
    assert [row["comm"] for row in found["processes"]] == ["mysqld", "a\\xff\\x1b"]
    json.dumps(found).encode("ascii")


def test_both_options_at_once(run):
    found = run(
        top=1,
        adjustments={"mysql": "-900"},
        services=[{"name": "mysql", "oom_score_adjust": 5}, {"name": "x", "oom_score_adjust": 1}],
    )
    assert found["what_if"]["adjustments"] == {"mysql": -900, "x.service": 1} and found["what_if"]["unmatched"] == [
        "x.service"
    ]
    assert [row["comm"] for row in found["what_if"]["processes"]] == ["a\\xff\\x1b"]


WRONG = [
    (dict(top=-1), "top: -1 is negative; give 0 for all, or a number of processes. Nothing was changed."),
    (
        dict(memcg=""),
        "memcg: is empty; name a unit or a cgroup, or leave the option out for the whole machine. Nothing was changed.",
    ),
    (
        dict(memcg="nix\x1b"),
        "memcg: no memory controller is mounted below /sys/fs/cgroup, so no limit is enforced here. Nothing was changed.",
    ),
    (
        dict(adjustments={"a\x1b": 5000}),
        "adjustments: a\\x1b: 5000 is not a valid score; give an integer from -1000 to 1000. Nothing was changed.",
    ),
    (dict(services=[{}]), "services: every entry needs a name. Nothing was changed."),
]


@pytest.mark.parametrize("given, message", WRONG)
def test_a_wrong_value_is_named_with_what_is_accepted(run, given, message):
    assert run(**given) == {"failed": True, "msg": message}


def test_no_proc(run, tmp_path, monkeypatch):
    monkeypatch.setattr(oom_score_info, "host_of", lambda module: Host(root=str(tmp_path / "nothing")))
    found = run()
    assert (
        found["failed"]
        and found["msg"].startswith("/proc cannot be read: ")
        and "No such file or directory" in found["msg"]
    )
