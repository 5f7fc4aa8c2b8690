# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTML that is escaped unless it was made here: tag() escapes every child and attribute that is not Html itself."""

from __future__ import annotations

import base64
import hashlib
import html
import typing as t

from ansible_collections.memops.linux.plugins.module_utils._text import printable

_VOID = frozenset(("meta", "input", "br", "rect", "circle", "line", "path"))


class Html(str):
    """Markup that needs no escaping any more."""

    __slots__ = ()


NEWLINE = Html("\n")


def escape(value: object) -> Html:
    """Text, or None for nothing, as HTML that is also safe inside a quoted attribute."""
    if isinstance(value, Html):
        return value
    return Html("" if value is None else html.escape(printable(str(value)), quote=True))


def tag(element: str, *children: object, **attributes: object) -> Html:
    """``tag("td", text, class_="n", data_key="x")``; an attribute that is None or False is left out, True has
    no value.
    """
    parts = ["<", element]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        parts += [" ", key.rstrip("_").replace("_", "-")]
        if value is not True:
            parts += ['="', escape(value), '"']
    if element in _VOID:
        parts.append(">" if element in ("meta", "input", "br") else "/>")
    else:
        parts.append(">")
        parts += [escape(child) for child in children]
        parts += ["</", element, ">"]
    return Html("".join(parts))


def join(parts: t.Iterable[object], between: str = "") -> Html:
    return Html(between.join(escape(part) for part in parts))


def scrolling(label: str, inner: Html) -> Html:
    """What may be wider than the screen: it can be scrolled from the keyboard, too."""
    return tag("div", inner, class_="scroll", role="region", tabindex=0, aria_label=label)


def digest(source: str) -> str:
    """The hash by which a Content-Security-Policy admits one inline style or script."""
    return "'sha256-%s'" % base64.b64encode(hashlib.sha256(source.encode("utf-8")).digest()).decode("ascii")
