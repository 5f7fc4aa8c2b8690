# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys that a module may answer with: those of its own RETURN documentation, of the type that stands there."""

from __future__ import annotations

import typing as t

import yaml

from . import bounds

Read = t.Callable[[t.Any], t.Any]
Keys = t.Mapping[str, Read]

_READ = {
    "str": bounds.lines,
    "int": bounds.number,
    "float": bounds.number,
    "bool": bounds.flag,
    "dict": bounds.mapping,
    "list": bounds.items,
}  # type: dict[str, Read]
#: libyaml where it is: this is read once, while Ansible loads the plugin.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _contents(documentation: str, *path: str) -> dict[str, t.Any]:
    found = yaml.load(documentation, Loader=_Loader)  # noqa: S506  # a safe loader, and our own text
    for name in path:
        found = found[name]["contains"]
    return dict(found)


def documented(documentation: str, *path: str) -> Keys:
    """Key -> what reads its value, for the top of the result or for what stands below the path."""
    return {name: _READ[entry["type"]] for name, entry in _contents(documentation, *path).items()}


def shaped(value: t.Mapping[t.Any, t.Any], keys: Keys) -> tuple[dict[str, t.Any], list[str]]:
    """What is known of it, and the names of those that are of another type."""
    found, strange = {}, []
    for name, read in keys.items():
        if name not in value:
            continue
        given = value[name]
        read_value = read(given)
        if read_value is None and given is not None:
            strange.append(name)
        else:
            found[name] = read_value
    return found, strange
