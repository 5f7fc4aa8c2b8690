# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role says in three places what the module and its presets are: its specification, its task, its README. They
agree.
"""

import os
import re

import pytest

yaml = pytest.importorskip("yaml")
pytest.importorskip("ansible.module_utils.basic")

from ansible_collections.memops.linux.plugins.module_utils._service_memory.params import parse_requests  # noqa: E402
from ansible_collections.memops.linux.plugins.modules import service_memory  # noqa: E402

ROLE = os.path.join(os.path.dirname(__file__), "..", "..", "..", "roles", "oom_protect")


def text_of(path):
    with open(os.path.join(ROLE, path), encoding="utf-8") as stream:
        return stream.read()


def the_task():
    module = "memops.linux.service_memory"
    return next(task[module] for task in yaml.safe_load(text_of("tasks/main.yml")) if module in task)


@pytest.fixture(name="options")
def options_fixture():
    specs = yaml.safe_load(text_of("meta/argument_specs.yml"))["argument_specs"]
    return dict(specs["main"]["options"], **specs["lists"]["options"])


@pytest.fixture(name="presets")
def presets_fixture():
    return yaml.safe_load(text_of("vars/main.yml"))["__oom_protect_presets"]


def what_counts(spec):
    return {name: (option["type"], option.get("choices")) for name, option in spec.items()}


def test_a_service_has_the_options_of_the_module(options):
    theirs = dict(service_memory.argument_spec()["services"]["options"])
    del theirs["fallback"]  # only presets do
    assert what_counts(options["oom_protect_services"]["options"]) == what_counts(theirs)


def test_every_other_option_of_the_module_is_a_variable_of_the_same_type(options):
    spec = service_memory.argument_spec()
    per_service = set(spec["services"]["options"]) - {"state", "dropin", "apply", "missing"}
    wanted = {name: option for name, option in spec.items() if name not in per_service and name != "services"}
    mine = {name[len("oom_protect_") :]: option for name, option in options.items()}
    assert what_counts({name: mine[name] for name in wanted}) == what_counts(wanted)
    task = the_task()
    assert set(task) == set(wanted) | {"services"}


def test_defaults_are_those_of_the_specification(options):
    defaults = yaml.safe_load(text_of("defaults/main.yml"))
    assert defaults == {name: option["default"] for name, option in options.items() if "default" in option}
    specs = yaml.safe_load(text_of("meta/argument_specs.yml"))["argument_specs"]
    for name, option in specs["lists"]["options"].items():
        assert option["default"] == specs["main"]["options"][name]["default"]


@pytest.mark.parametrize(
    "given, left",
    [
        ({}, ["live: older_than_drop_in", "live: shadowed", "none: unsupported", "later: shadowed"]),
        ({"oom_protect_accept_gaps": ["shadowed"]}, ["live: older_than_drop_in", "none: unsupported"]),
        (
            {"oom_protect_apply": "next_start", "oom_protect_allow_unsupported": True},
            ["live: older_than_drop_in", "live: shadowed", "later: shadowed"],
        ),
    ],
)
def test_which_gaps_are_none(given, left):
    """An entry that waits for the next start by its own apply= waits for what was asked, whatever the others do."""
    jinja2 = pytest.importorskip("jinja2")
    core = pytest.importorskip("ansible.plugins.filter.core")
    rows = [
        {"name": "live", "apply": "live", "gaps": [{"cause": "older_than_drop_in"}, {"cause": "shadowed"}]},
        {"name": "later", "apply": "next_start", "gaps": [{"cause": "older_than_drop_in"}, {"cause": "shadowed"}]},
        {"name": "none", "apply": "live", "gaps": [{"cause": "unsupported"}]},
        {"name": "well", "apply": "live", "gaps": []},
    ]
    known = dict(yaml.safe_load(text_of("defaults/main.yml")), oom_protect_result={"services": rows}, **given)
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    environment.filters["subelements"] = core.subelements
    variables = yaml.safe_load(text_of("vars/main.yml"))
    environment.filters.update({"bool": core.to_bool, "regex_replace": core.regex_replace})
    for name in ("__oom_protect_accepted_here", "__oom_protect_accepted", "__oom_protect_gaps"):
        known[name] = environment.compile_expression(variables[name].strip()[2:-2].strip(), undefined_to_none=False)(
            **known
        )
    assert ["%s: %s" % (row["name"], gap["cause"]) for row, gap in known["__oom_protect_gaps"]] == left
    known["oom_protect_result"] = {"skipped": True}
    assert environment.compile_expression(variables["__oom_protect_gaps"].strip()[2:-2].strip())(**known) == []


def test_the_causes_that_can_be_accepted_are_those_of_the_module(options):
    told = yaml.safe_load(service_memory.RETURN)["services"]["contains"]["gaps"]["description"]
    causes = re.findall(r"V\((\w+)\)", told[0])
    assert sorted(options["oom_protect_accept_gaps"]["choices"]) == sorted(causes)


def test_every_preset_can_be_chosen_and_every_choice_is_one(options, presets):
    assert options["oom_protect_presets"]["choices"] == list(presets)


def test_units_of_presets_are_wishes_that_the_module_takes(presets):
    top = {"state": "present", "dropin": "50-memops.conf", "apply": "live", "missing": "skip"}
    entries = [dict(entry, fallback=True) for entries in presets.values() for entry in entries]
    found = parse_requests(dict(top, services=entries))
    assert len({request.unit.name for request in found}) == len(found) == len(entries)


def test_nothing_is_unkillable_and_logins_are_not_spared(presets):
    """-1000 is inherited and can panic a host; sshd hands the score of its unit to every login."""
    scores = {
        (preset, entry["name"]): entry["oom_score_adjust"] for preset, entries in presets.items() for entry in entries
    }
    assert min(scores.values()) > -1000
    assert all(score > -300 for (preset, _name), score in scores.items() if preset == "ssh")
    assert all(score > 0 for (preset, _name), score in scores.items() if preset in ("agent", "backup", "batch"))


def test_the_readme_has_every_unit_and_its_score(presets):
    told = set()
    for preset, score, units in re.findall(r"^\| `(\w+)` \| (-?\d+) \| (.*) \|$", text_of("README.md"), re.MULTILINE):
        told |= {(preset, unit, int(score)) for unit in re.findall(r"`([^`]+)`", units)}
    assert told == {
        (preset, entry["name"], entry["oom_score_adjust"]) for preset, entries in presets.items() for entry in entries
    }


@pytest.mark.parametrize(
    "new, old", sorted((new, old) for new, old in service_memory.FORMER_NAMES.items() if new != "fallback")
)
def test_former_names_still_count(new, old):
    text = the_task()[new]
    assert text == "{{ oom_protect_%s | default(oom_protect_%s | default(omit)) }}" % (new, old)
    arguments = pytest.importorskip("ansible.module_utils.common.arg_spec")
    result = arguments.ArgumentSpecValidator(service_memory.argument_spec()).validate({old: "true"})
    assert result.error_messages == [] and result.validated_parameters[new] is True
