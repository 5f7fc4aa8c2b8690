# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's options: what they become, and what is said of a wrong one."""

import pytest

pytest.importorskip("ansible.module_utils.basic")

from ansible_collections.memops.linux.plugins.module_utils._facts.params import SUBSETS, Wish  # noqa: E402
from ansible_collections.memops.linux.plugins.modules import oom_facts  # noqa: E402

NOW = 1795377980.0


def params(**given):
    values = {name: spec.get("default") for name, spec in oom_facts.argument_spec().items()}
    values.update(given)
    return values


def test_the_defaults_ask_for_everything():
    assert oom_facts.wish_of(params(), NOW) == Wish(subset=SUBSETS)


def test_a_wish():
    wish = oom_facts.wish_of(
        params(
            gather_subset=["kills", "memory"], since="24h", until="1h", sources=["files", "kmsg"], paths=["/a", "/b*"],
            journal_directory="/j", max_kills=0, include_tasks=True, killers="kernel", units=["nginx", "a.slice"],
        ),
        NOW,
    )  # fmt: skip
    assert wish == Wish(
        ("kills", "memory"),
        NOW - 86400,
        NOW - 3600,
        ("files", "kmsg"),
        ("/a", "/b*"),
        "/j",
        0,
        True,
        "kernel",
        ("nginx.service", "a.slice"),
    )


def test_a_wrong_unit_name_is_named():
    with pytest.raises(ValueError, match="units: '../x' is not a valid unit name.* Nothing was read."):
        oom_facts.wish_of(params(units=["../x"]), NOW)


def test_auto_and_all_win():
    wish = oom_facts.wish_of(params(gather_subset=["kills", "all"], sources=["files", "auto"]), NOW)
    assert wish.subset == SUBSETS and wish.sources is None


ONLY = {"units": [], "comms": [], "containers": [], "id": None}

# (what is given, the words that the message must have)
WRONG = [
    (dict(since="yesterdayish"), ["since", "yesterdayish", "24h", "2026-11-22T18:00:00Z", "Nothing was read"]),
    (dict(since=""), ["since", "24h"]),
    (dict(until="24"), ["until", "'24'", "24h", "Nothing was read"]),
    (dict(since="2026-02-30"), ["since", "2026-02-30", "ISO 8601"]),
    (dict(since="1h", until="2h"), ["since", "until", "1h", "2h", "later", "Nothing was read"]),
    (dict(max_kills=-1), ["max_kills", "-1", "0 or more", "Nothing was read"]),
    (dict(paths=[]), ["paths", "empty", "Nothing was read"]),
    (dict(paths=["", ""]), ["paths", "empty"]),
    (dict(paths=["/a", "/b\0c"]), ["paths", "/b\\x00c", "NUL", "Nothing was read"]),
    (dict(journal_directory="/j\0"), ["journal_directory", "NUL"]),
    (dict(only=dict(ONLY)), ["only", "selects nothing", "Nothing was read"]),
    (dict(only=dict(ONLY, units=["../x"])), ["only.units", "'../x'", "Nothing was read"]),
    (dict(only=dict(ONLY, containers=["a", ""])), ["only.containers", "empty"]),
]


@pytest.mark.parametrize("given, words", WRONG)
def test_a_wrong_value_is_named_with_what_is_accepted(given, words):
    with pytest.raises(ValueError) as caught:
        oom_facts.wish_of(params(**given), NOW)
    for word in words:
        assert word in str(caught.value)


def test_the_specification_is_the_documentation():
    yaml = pytest.importorskip("yaml")
    documented = yaml.safe_load(oom_facts.DOCUMENTATION)["options"]
    spec = oom_facts.argument_spec()
    assert set(documented) == set(spec)
    for name, option in documented.items():
        for key in ("type", "elements", "default"):
            assert option.get(key) == spec[name].get(key), name
        assert list(option.get("choices", ())) == list(spec[name].get("choices", ())), name
        assert option["description"]


def test_examples_and_return_values_are_yaml():
    yaml = pytest.importorskip("yaml")
    tasks = yaml.safe_load(oom_facts.EXAMPLES)
    for task in tasks:
        for name in task.get("memops.linux.oom_facts", ()):
            assert name in oom_facts.argument_spec()
    contains = yaml.safe_load(oom_facts.RETURN)["ansible_facts"]["contains"]["oom"]["contains"]
    assert {
        "schema",
        "kills",
        "truncated",
        "unresolved",
        "summary",
        "counters",
        "sources",
        "visibility",
        "unparsed",
    } <= set(contains)


def test_what_is_returned_is_documented(tmp_path):
    yaml = pytest.importorskip("yaml")
    from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather
    from ansible_collections.memops.linux.plugins.module_utils._host import Host

    log = tmp_path / "messages"
    log.write_bytes(
        b"Nov 22 20:00:00 vm1 kernel: Out of memory: Killed process 7 (a) total-vm:1kB, anon-rss:1kB, file-rss:1kB\n"
    )
    oom = gather(Host(), Wish(subset=("kills",), sources=("files",), paths=(str(log),)))
    contains = yaml.safe_load(oom_facts.RETURN)["ansible_facts"]["contains"]["oom"]["contains"]
    assert set(oom) <= set(contains)
    sample = contains["kills"]["sample"][0]
    (kill,) = oom["kills"]
    assert set(kill) == set(sample)
    assert set(kill["victim"]) == set(sample["victim"]) and set(kill["invoker"]) == set(sample["invoker"])
    assert set(kill["source"]) == set(sample["source"])


class Ended(Exception):
    """What AnsibleModule says, with SystemExit, at the end."""


class FakeModule:
    """AnsibleModule; it prints nothing, and raises."""

    def __init__(self, **given):
        self.params, self.warnings = params(**given), []
        self.warn = self.warnings.append

    def exit_json(self, **result):
        raise Ended(result)


@pytest.mark.parametrize("name, warned", [("messages", 0), ("nonesuch*", 1)])
def test_paths_that_lead_to_nothing_are_warned_of(tmp_path, monkeypatch, name, warned):
    """Ad hoc, a host without kills and a mistyped path look alike."""
    (tmp_path / "messages").write_bytes(b"Nov 22 20:00:00 vm1 kernel: usb 1-1: new device\n")
    module = FakeModule(gather_subset=["kills"], paths=[str(tmp_path / name)])
    monkeypatch.setattr(oom_facts, "AnsibleModule", lambda **_spec: module)
    with pytest.raises(Ended):
        oom_facts.main()
    assert len(module.warnings) == warned and all(
        "nonesuch*" in text and "matches nothing" in text for text in module.warnings
    )
