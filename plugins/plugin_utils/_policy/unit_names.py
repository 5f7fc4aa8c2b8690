# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which units a name of the policy means: the unit, one of its other names, or all instances of a template."""

from __future__ import annotations

import typing as t

from ansible_collections.memops.linux.plugins.module_utils._systemd.unit_name import UnitName, template_of
from ansible_collections.memops.linux.plugins.plugin_utils._report.host import Json


def names_of(unit: Json) -> list[str]:
    """The unit's own name, and those it was asked for by."""
    found = [str(unit["name"])] if unit["name"] is not None else []
    for key in ("names", "aliases", "asked"):
        more = unit.get(key)
        found += [str(name) for name in (more if isinstance(more, list) else [more]) if name is not None]
    return found


def _is_instance(name: str, template: UnitName) -> bool:
    return template_of(name) == template.name


def units_of(wanted: UnitName, units: t.Sequence[Json]) -> list[Json]:
    """The unit of that name, or all instances of a template."""
    if wanted.is_template:
        return [
            unit
            for unit in units
            if any(_is_instance(name, wanted) for name in names_of(unit)) and unit["name"] != wanted.name
        ]
    return [unit for unit in units if wanted.name in names_of(unit)][:1]


def is_meant(name: str, wanted: t.Iterable[UnitName], units: t.Sequence[Json]) -> bool:
    """Whether this is one of the units. The kernel tells its own name (mariadb.service), the policy may have another
    (mysql).
    """
    for one in wanted:
        if (_is_instance(name, one) if one.is_template else name == one.name) or any(
            unit["name"] == name for unit in units_of(one, units)
        ):
            return True
    return False
