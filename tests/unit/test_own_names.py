# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a message, a remedy, an example or a page calls ours is there: a way out that does not exist is none."""

import os
import re

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
#: Where users read, and what they run. Not the changelog: it tells of what was.
FOLDERS = ("plugins", "roles", "playbooks", "docs", "examples", "extensions", "meta", "README.md", "CONTRIBUTING.md")
_NAME = re.compile(r"(?<!ansible_collections\.)\bmemops\.linux\.([a-z_]+)")
_ROLE_VARIABLE = re.compile(r"(?<![\w.])(oom_(?:protect|swap|report|compliance)_[a-z_]+)\b")


def stems(folder):
    path = os.path.join(ROOT, folder)
    return {os.path.splitext(name)[0] for name in os.listdir(path)} if os.path.isdir(path) else set()


def there():
    names = set()
    for folder in ("modules", "filter", "lookup", "test", "callback", "inventory", "doc_fragments", "action"):
        names |= stems("plugins/" + folder)
    with open(os.path.join(ROOT, "meta/runtime.yml"), encoding="utf-8") as stream:
        groups = set(re.findall(r"^  ([a-z_]+):$", stream.read(), re.MULTILINE))
    return (
        names
        | stems("roles")
        | stems("playbooks")
        | stems("extensions/eda/plugins/event_source")
        | stems("extensions/eda/rulebooks")
        | groups
    )


def texts():
    for folder in FOLDERS:
        path = os.path.join(ROOT, folder)
        for where, _folders, names in [("", [], [path])] if os.path.isfile(path) else os.walk(path):
            for name in names:
                if name.endswith((".py", ".yml", ".yaml", ".md", ".rst", ".j2")):
                    with open(os.path.join(where, name), encoding="utf-8") as stream:
                        yield os.path.relpath(os.path.join(where, name), ROOT), stream.read()


def test_every_name_of_ours_is_there():
    known = there()
    assert {"swap_file", "oom_findings", "oom_swap", "compliance", "oom"} <= known  # the search finds something
    missing = sorted({(path, name) for path, text in texts() for name in _NAME.findall(text) if name not in known})
    assert missing == []


def test_every_variable_of_a_role_that_is_named_is_one():
    """As in ``oom_swap_fail_if_shadowed: false makes it a warning``."""
    declared = set()
    for role in stems("roles"):
        with open(os.path.join(ROOT, "roles", role, "meta/argument_specs.yml"), encoding="utf-8") as stream:
            declared |= set(re.findall(r"^      (%s_[a-z_]+):" % role, stream.read(), re.MULTILINE))
        for folder in ("tasks", "vars", "defaults"):  # what the role registers and loops over
            for name in (
                os.listdir(os.path.join(ROOT, "roles", role, folder))
                if os.path.isdir(os.path.join(ROOT, "roles", role, folder))
                else ()
            ):
                with open(os.path.join(ROOT, "roles", role, folder, name), encoding="utf-8") as stream:
                    declared |= set(re.findall(r"(?:register|loop_var|index_var): (\w+)", stream.read()))
    named = {
        (path, name)
        for path, text in texts()
        if path.endswith((".md", ".rst"))
        for name in _ROLE_VARIABLE.findall(text)
    }
    assert len(named) > 10
    assert sorted((path, name) for path, name in named if name not in declared) == []
