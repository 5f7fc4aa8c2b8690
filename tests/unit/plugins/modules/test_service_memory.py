# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's options and documentation; what it does is tested in module_utils/_protect, and with real systemd in
molecule.
"""

import pytest

pytest.importorskip("ansible.module_utils.basic")

from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import SETTINGS  # noqa: E402
from ansible_collections.memops.linux.plugins.modules import service_memory  # noqa: E402
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._service_memory.fake_machine import (
    FakeMachine,
)  # noqa: E402
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._service_memory.states import (
    DEFAULTS,
    act,
)  # noqa: E402


def same(documented, spec, where=""):
    assert set(documented) == set(spec), where
    for name, option in documented.items():
        for key in ("type", "elements", "default", "required", "aliases"):
            assert option.get(key) == spec[name].get(key), (where, name, key)
        assert list(option.get("choices", ())) == list(spec[name].get("choices", ())), (where, name)
        assert option["description"]
        if "suboptions" in option:
            same(option["suboptions"], spec[name]["options"], name)


def test_the_specification_is_the_documentation():
    yaml = pytest.importorskip("yaml")
    same(yaml.safe_load(service_memory.DOCUMENTATION)["options"], service_memory.argument_spec())


def test_every_setting_is_an_option_with_its_words_at_both_places():
    spec = service_memory.argument_spec()
    for setting in SETTINGS:
        for option in (spec[setting.option], spec["services"]["options"][setting.option]):
            assert option.get("choices", []) == list(setting.words)
            assert option["type"] == ("int" if setting.kind == "score" else "str")


def test_the_tests_use_the_real_defaults():
    spec = service_memory.argument_spec()
    ours = {name: spec[name].get("default") for name in DEFAULTS if name not in ("settle", "restart_timeout")}
    assert ours == {name: value for name, value in DEFAULTS.items() if name in ours}


def test_examples_use_options_that_there_are():
    yaml = pytest.importorskip("yaml")
    spec = service_memory.argument_spec()
    tasks = yaml.safe_load(service_memory.EXAMPLES)
    assert len(tasks) >= 4
    for task in tasks:
        options = task["memops.linux.service_memory"]
        assert set(options) <= set(spec)
        for entry in options.get("services", ()):
            assert set(entry) <= set(spec["services"]["options"])


@pytest.mark.parametrize("check", [True, False])
def test_what_is_returned_is_documented(tmp_path, monkeypatch, check):
    yaml = pytest.importorskip("yaml")
    tmp_path.chmod(0o755)
    machine = FakeMachine(tmp_path).patch(monkeypatch)
    machine.unit("web.service")
    machine.start("web.service")
    returned = yaml.safe_load(service_memory.RETURN)
    result = act(machine, check, name=["web", "ghost"], oom_score_adjust=-5)
    assert set(result) - {"changed", "failed", "diff"} == set(returned)
    for service in result["services"]:
        assert set(service) == set(returned["services"]["contains"])
    causes = (
        returned["services"]["contains"]["gaps"]["description"][0]
        if isinstance(returned["services"]["contains"]["gaps"]["description"], list)
        else ""
    )
    for cause in (
        "absent",
        "masked",
        "own_score",
        "shadowed",
        "not_read",
        "no_cap_sys_resource",
        "older_than_drop_in",
        "cgroup_v1",
        "not_enforced",
    ):
        assert "V(%s)" % cause in causes


@pytest.mark.parametrize("setting", SETTINGS, ids=[setting.option for setting in SETTINGS])
def test_the_docs_of_a_setting_stand_once_and_say_what_the_table_says(setting):
    yaml = pytest.importorskip("yaml")
    options = yaml.safe_load(service_memory.DOCUMENTATION)["options"]
    top, inner = options[setting.option], options["services"]["suboptions"][setting.option]
    assert top is inner, "an anchor of YAML, not a copy"
    text = " ".join([top["description"]] if isinstance(top["description"], str) else top["description"])
    assert "C(%s=)" % setting.key in text
    assert top.get("choices", []) == list(setting.words)
    if setting.since:
        assert "systemd %d or newer" % setting.since in text
