# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On the command line (-e NAME=VALUE) every value is a string: whatever a variable of a role was typed as, it means the
same as in a file of variables.
"""

import glob
import json
import os

import pytest

yaml = pytest.importorskip("yaml")
pytest.importorskip("ansible.module_utils.basic")

from ansible_collections.memops.linux.tests.unit.roles.role_machine import HERE, PLAYBOOK, RoleMachine  # noqa: E402

YES, NO = ["true", "yes", "1", "on"], ["False", "no", "0", "off"]
SERVICES = [
    {"name": "web", "oom_score_adjust": 5, "memory_max": "1G"},
    {"name": "db.service", "oom_score_adjust": -5, "state": "absent"},
]
FILES = [{"path": "/swapfile", "size": "2G", "persistent": False}, {"path": "/old", "state": "absent"}]
POLICY = {"version": 1, "kills": {"max": 3, "window": "7d"}}


def listed(values):
    """A list of words, as people write one."""
    by_line = "".join("- %s\n" % value for value in values)
    return [json.dumps(values), "[" + ",".join(values) + "]", ", ".join(values), by_line]


def mapped(values):
    return [json.dumps(values), yaml.safe_dump(values, default_flow_style=True).strip(), yaml.safe_dump(values)]


#: role -> variable -> (what it means, how it may be typed)
TYPED = {
    "oom_protect": {
        "services": (SERVICES, mapped(SERVICES)),
        "presets": (["database"], listed(["database"])),
        "apply": ("restart", ["restart"]),
        "state": ("present", ["present"]),
        "dropin": ("60-x.conf", ["60-x.conf"]),
        "missing": ("skip", ["skip"]),
        "settle": (2.5, ["2.5"]),
        "restart_timeout": (45, ["45", "45.0"]),
        "min_killable": ("40%", ["40%"]),
        "allow_limits": (True, YES),
        "allow_unkillable": (True, YES),
        "allow_overcommit": (True, YES),
        "allow_weaker": (True, YES),
        "allow_shadowed": (True, YES),
        "allow_broad": (True, YES),
        "allow_unsupported": (True, YES),
        "force_restart": (True, YES),
        "force_limits": (False, NO),
        "allow_loosening": (False, NO),
        "force_broad": (False, NO),
        "ignore_unsupported": (False, NO),
        "require_verified": (False, NO),
        "accept_gaps": (["denied", "no_cap_sys_resource"], listed(["denied", "no_cap_sys_resource"])),
    },
    "oom_swap": {
        "state": ("present", ["present"]),
        "files": (FILES, mapped(FILES)),
        "swappiness": (10, ["10"]),
        "vm_settings": (
            {"page-cluster": 0, "panic_on_oom": 0},
            mapped({"page-cluster": 0, "panic_on_oom": 0})
            + ["page-cluster=0 panic_on_oom=0", "page-cluster=0,panic_on_oom=0"],
        ),
        "settle": (3, ["3"]),
        "allow_panic": (True, YES),
        "allow_low_commit_limit": (True, YES),
        "allow_shared_kernel": (True, YES),
        "fail_if_shadowed": (False, NO),
        "accept_panic": (False, NO),
        "accept_low_commit_limit": (False, NO),
    },
    "oom_report": {
        "since": ("7d", ["7d"]),
        "until": ("1h", ["1h"]),
        "sources": (["files", "kmsg"], listed(["files", "kmsg"])),
        "paths": (["/var/log/kern.log*"], listed(["/var/log/kern.log*"])),
        "max_kills": (5, ["5"]),
        "journal_directory": ("/srv/a journal", ["/srv/a journal"]),
        "killers": ("all", ["all"]),
        "only": ({"units": ["web"]}, ['{"units": ["web"]}']),
        "include_tasks": (True, YES),
        "timeout": (60, ["60"]),
        "predict": (True, YES),
        "dest": ("here/it is", ["here/it is"]),
        "formats": (["html", "csv"], listed(["html", "csv"])),
        "title": ("yes: [so] it is", ["yes: [so] it is"]),
        "print_table": (False, NO),
        "previous": ("of/yesterday", ["of/yesterday"]),
    },
    "oom_compliance": {
        "policy": (POLICY, mapped(POLICY)),
        "gather": (True, YES),
        "units": (["web", "db.service"], listed(["web", "db.service"])),
        "since": ("30d", ["30d"]),
        "include_tasks": (True, YES),
        "dest": ("there", ["there"]),
        "formats": (["html", "junit"], listed(["html", "junit"])),
        "title": ("2026", ["2026"]),
        "print_table": (False, NO),
        "previous": ("of/yesterday", ["of/yesterday"]),
        "enforce": (False, NO),
        "unknown": ("warn", ["warn"]),
    },
}
ROLES = sorted(TYPED)
#: with these no host is asked
SOURCES = [{"path": "/srv/report.json"}, "/srv/facts"]
ALONE = {"oom_report": {"from": (SOURCES, mapped(SOURCES))}}
TABLES = [(role, TYPED[role]) for role in ROLES] + sorted(ALONE.items())


def test_every_role_is_in_the_table():
    assert ROLES == sorted(os.path.basename(path) for path in glob.glob(os.path.join(HERE, "roles", "oom_*")))


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_of_a_role_is_in_the_table(role):
    with open(os.path.join(HERE, "roles", role, "meta/argument_specs.yml"), encoding="utf-8") as stream:
        options = yaml.safe_load(stream)["argument_specs"]["main"]["options"]
    assert sorted(options) == sorted("%s_%s" % (role, name) for name in {**TYPED[role], **ALONE.get(role, {})})


@pytest.fixture(name="machine", scope="module")
def fixture_machine(tmp_path_factory):
    if PLAYBOOK is None:
        pytest.skip("no ansible-playbook beside this Python")
    return RoleMachine(tmp_path_factory.mktemp("typed"))


def as_texts(value):
    """Where a module takes what it is given, 10 and "10" are the same to it; and a union of lists has no order."""
    if isinstance(value, dict):
        return {key: sorted(one) if key == "units" else as_texts(one) for key, one in value.items()}
    return [as_texts(one) for one in value] if isinstance(value, list) else str(value)


@pytest.mark.slow
@pytest.mark.parametrize("role, rows", TABLES)
def test_a_variable_that_was_typed_means_the_same(machine, role, rows):
    table = {"%s_%s" % (role, name): row for name, row in rows.items()}
    columns = max(len(texts) for _meant, texts in table.values())
    plays = [{name: meant for name, (meant, _texts) in table.items()}]
    plays += [{name: texts[at % len(texts)] for name, (_meant, texts) in table.items()} for at in range(columns)]
    code, calls, said = machine.plays(role, plays)
    assert code == 0, said
    assert calls[0] and len(calls) == columns + 1
    for at, typed in enumerate(calls[1:]):
        assert as_texts(typed) == as_texts(calls[0]), plays[at + 1]
    code, typed, said = machine.run(role, *["%s='%s'" % (name, texts[0]) for name, (_meant, texts) in table.items()])
    assert code == 0, said
    assert as_texts(typed) == as_texts(calls[0])


#: one word after -e -> the units with their scores that the module is asked for, those of presets left out
ONE = [
    ("oom_protect_services='name=web oom_score_adjust=5'", [("web", 5)]),
    ("oom_protect_services='{name: web, oom_score_adjust: 5}'", [("web", 5)]),
    ('oom_protect_services=\'[{"name": "web", "oom_score_adjust": 5}]\'', [("web", 5)]),
    ("oom_protect_services=", []),
    ("oom_protect_services='[]'", []),
]


@pytest.mark.slow
def test_units_and_presets_as_people_type_them(machine):
    values = [
        dict(oom_protect_services=word.split("=", 1)[1].strip("'"), oom_protect_require_verified="no")
        for word, _meant in ONE
    ]
    values += [dict(oom_protect_presets=text) for text in ("", "[]")]
    code, calls, said = machine.plays("oom_protect", values)
    assert code == 0, said
    asked = [[call for name, call in play if name == "service_memory"] for play in calls]
    own = [
        [(entry["name"], entry["oom_score_adjust"]) for entry in call[0]["services"] if not entry["fallback"]]
        for call in asked[: len(ONE)]
    ]
    assert own == [meant for _word, meant in ONE]
    assert asked[len(ONE) :] == [[], []]  # no preset, no unit: nothing is asked for


#: variable, text, what is said of it
WRONG = {
    "oom_protect": [
        ("services", "web", "neither a list of units nor one unit with its settings"),
        ("services", "[{name: web", "did not find expected"),
        ("services", "name=web oom_score_adjust=x", "argument 'oom_score_adjust' is of type str"),
        ("services", "name=web score=5", "score"),
        ("presets", "SSH", "one or more of: ssh, database"),
        ("accept_gaps", "[denied,any]", "Got no match for: any"),
        ("settle", "soon", "'oom_protect_settle' is of type str and we were unable to convert to float"),
        (
            "force_restart",
            "perhaps",
            "'oom_protect_force_restart' is of type str and we were unable to convert to bool",
        ),
        ("apply", "now", "value of oom_protect_apply must be one of: live, restart, next_start"),
    ],
    "oom_swap": [
        ("vm_settings", "10", "oom_swap_vm_settings is 10, which is not a mapping of settings"),
        ("files", "/swapfile", "oom_swap_files is /swapfile, which is not a list of swap files"),
        ("swappiness", "low", "'oom_swap_swappiness' is of type str and we were unable to convert to int"),
        ("files", "path=/swapfile sizze=2G", "sizze"),
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("role", sorted(WRONG))
def test_a_string_that_cannot_mean_it_is_told_before_anything_is_done(machine, role):
    variables = [{"%s_%s" % (role, name): text} for name, text, _words in WRONG[role]]
    code, calls, said = machine.hosts(role, variables)
    assert code == 2 and calls == []
    for (_name, _text, words), message in zip(WRONG[role], said):
        assert words in message


@pytest.mark.slow
@pytest.mark.parametrize(
    "role, word, words",
    [
        ("oom_report", "oom_report_formats=html,pdf", "oom_report_formats: pdf is none of html, json"),
        (
            "oom_compliance",
            "oom_compliance_policy='{kills: [}'",
            "oom_compliance_policy: it looks like JSON or YAML and is neither",
        ),
    ],
)
def test_so_is_one_that_steers_the_controller(machine, role, word, words):
    code, calls, said = machine.run(role, word)
    assert code == 2 and [name for name, _call in calls if name != "oom_facts"] == []
    assert words in said, said
