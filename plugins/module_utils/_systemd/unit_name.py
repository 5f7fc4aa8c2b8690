# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit names by the rules of systemd.unit(5), checked before a path is made of one: systemctl escapes or globs the rest
without a word.
"""

from typing import List, NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

#: Types that have memory settings.
TYPES = ("service", "slice", "scope", "socket", "mount", "swap")
_MAX = 255
#: The first @ ends the prefix; an instance may have more of them (unit_name_is_valid() of systemd).
_NAME = regex(r"^[A-Za-z0-9:_.\\-]*(?:@[A-Za-z0-9:_.\\@-]*)?\Z")
_ESCAPES = regex(r"\\(?!x[0-9a-f]{2})")
_ROOT_LIKE = ("-.slice", "init.scope")
#: The slice of all processes and the mount of /.
_OF_THE_ROOT = ("-.slice", "-.mount")
_QUOTED = 40


class UnitName(NamedTuple):
    """``getty@tty1.service``: prefix getty, instance tty1, type service. instance None: none; "": a template."""

    name: str
    prefix: str
    instance: Optional[str]
    type: str

    @property
    def is_template(self) -> bool:
        return self.instance == ""

    @property
    def is_prefix(self) -> bool:
        """``user-.slice``, ``app-.service``: not loaded as a unit; its drop-ins are read for every unit whose name goes
        on from there.
        """
        return self.instance is None and self.prefix.endswith("-") and self.prefix != "-"

    @property
    def is_pattern(self) -> bool:
        """Stands for other units."""
        return self.is_template or self.is_prefix

    @property
    def glob(self) -> str:
        """The units of a pattern, and perhaps some more, for `systemctl list-units`."""
        return "%s%s*.%s" % (self.prefix, "@" if self.is_template else "", self.type)

    def stands_for(self, name: str) -> bool:
        """Whether systemd reads the drop-ins of this pattern for a unit of that name."""
        try:
            unit = parse_unit_name(name)
        except ValueError:
            return False
        if self.is_template:
            return bool(unit.instance) and unit.template == self.name
        return unit.name != self.name and self.name in unit.dropin_names()

    @property
    def template(self) -> Optional[str]:
        return None if self.instance is None else "%s@.%s" % (self.prefix, self.type)

    @property
    def is_root(self) -> bool:
        """What holds every process: a limit there is a limit of the machine."""
        return self.name in _ROOT_LIKE

    @property
    def is_broad(self) -> bool:
        """Its settings reach units that nobody named: slices of systemd's own, ``foo-.service``, ``service``."""
        return (
            self.is_root
            or self.name in ("system.slice", "user.slice", "machine.slice", "user-.slice")
            or self.is_prefix
        )

    def dropin_names(self) -> List[str]:
        """Whose ``.d`` folders systemd reads for this unit, the most specific first, without the type's own.

        Each name is followed by its template and its prefixes, those of a template without the @ (measured on 252:
        ``foo-bar@x``, ``foo-bar@``, ``foo-``, ``foo-@x``, ``foo-@``).
        """
        found = []  # type: List[str]
        _collect(self.prefix, self.instance, self.type, found)
        return found


def _collect(prefix: str, instance: Optional[str], kind: str, found: List[str]) -> None:
    name = "%s%s.%s" % (prefix, "" if instance is None else "@" + instance, kind)
    if name in found:
        return
    found.append(name)
    if instance:
        _collect(prefix, "", kind, found)
    stem = prefix[:-1] if prefix.endswith("-") else prefix
    cut = stem.rfind("-")
    if cut > 0:
        _collect(stem[: cut + 1], instance or None, kind, found)


def parse_unit_name(text: str) -> UnitName:
    """``nginx`` means nginx.service. Raises ValueError that says what is wrong with it."""
    if not text or text != text.strip():
        raise ValueError("%r is not a valid unit name: it is empty or has blanks around it" % (text[:_QUOTED],))
    if len(text) > _MAX:
        raise ValueError("%r… is longer than the %d characters of a unit name" % (text[:_QUOTED], _MAX))
    if text[0] in "-/." and text not in _OF_THE_ROOT:
        raise ValueError("%r is not a valid unit name: it begins with '%s'" % (text, text[0]))
    stem, dot, kind = text.rpartition(".")
    if not dot or kind not in TYPES:
        if kind in ("target", "timer", "path", "device", "automount"):
            raise ValueError("%r: a %s has no processes; name the service" % (text, kind))
        stem, kind = text, "service"
    name = "%s.%s" % (stem, kind)
    if len(name) > _MAX:
        raise ValueError("%r… is longer than the %d characters of a unit name" % (text[:_QUOTED], _MAX))
    if not _NAME.match(stem):
        raise ValueError(
            "%r is not a valid unit name: letters, digits and : - _ . \\ @ are allowed, and no wildcard" % (text,)
        )
    if _ESCAPES.search(stem):
        raise ValueError(
            "%r: a backslash in a unit name is written \\xNN; `systemd-escape` makes such a name" % (text,)
        )
    prefix, at, instance = stem.partition("@")
    if at and not prefix:
        raise ValueError("%r is not a valid unit name: there is nothing before the @" % (text,))
    return UnitName(name, prefix, instance if at else None, kind)


def template_of(name: str) -> Optional[str]:
    """``getty@.service`` for ``getty@tty1.service``; None for what is no instance, or no unit name."""
    try:
        unit = parse_unit_name(name)
    except ValueError:
        return None
    return unit.template if unit.instance else None
