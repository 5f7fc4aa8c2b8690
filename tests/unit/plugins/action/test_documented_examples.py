# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation shows can be typed: every task of every module's examples passes the options that it documents."""

import importlib
import os

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = sorted(
    name[:-3]
    for name in os.listdir(os.path.join(HERE, "../../../../plugins/modules"))
    if name.endswith(".py") and not name.startswith("_")
)
_KEPT = ("type", "elements", "choices", "required", "default", "aliases")


def documented(name):
    return importlib.import_module("ansible_collections.memops.linux.plugins.modules." + name)


def spec_of(options):
    spec = {}
    for name, option in options.items():
        spec[name] = {key: option[key] for key in _KEPT if key in option}
        if "suboptions" in option:
            spec[name]["options"] = spec_of(option["suboptions"])
    return spec


def tasks_of(name):
    tasks = yaml.safe_load(documented(name).EXAMPLES)
    return [task for task in tasks if "memops.linux." + name in task]


def written(value):
    """Without what is only known when the task runs."""
    if isinstance(value, dict):
        return {key: written(part) for key, part in value.items() if "{{" not in str(part)}
    return value


CASES = [pytest.param(name, task, id=name + ": " + task["name"]) for name in MODULES for task in tasks_of(name)]


@pytest.mark.parametrize("name, task", CASES)
def test_an_example_passes_the_options(name, task):
    validator = ArgumentSpecValidator(spec_of(yaml.safe_load(documented(name).DOCUMENTATION)["options"]))
    assert validator.validate(written(task["memops.linux." + name] or {})).error_messages == []


@pytest.mark.parametrize("name", MODULES)
def test_every_module_shows_how_it_is_used(name):
    assert tasks_of(name)
    assert all(task["name"][0].isupper() and not task["name"].endswith(".") for task in tasks_of(name))


@pytest.mark.parametrize("name", MODULES)
def test_what_a_page_refers_to_is_there(name):
    guides = os.path.join(HERE, "../../../../docs/docsite/rst")
    for entry in yaml.safe_load(documented(name).DOCUMENTATION)["seealso"]:
        guide = entry.get("ref", "").rpartition(".")[2]
        assert not guide or os.path.isfile(os.path.join(guides, guide + ".rst"))
