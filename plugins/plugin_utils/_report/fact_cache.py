# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fact cache of Ansible holds, read through its plugin. Nothing in it is changed, expired or made."""

from __future__ import annotations

import os
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.module_utils.common.text.converters import to_text
from ansible.plugins.cache import BaseFileCacheModule
from ansible.plugins.loader import cache_loader

from .intake import IntakeError

Rows = t.Iterator[t.Tuple[str, t.Any]]


def read_cache(name: t.Any, connection: str | None, prefix: str) -> tuple[Rows, list[str]]:
    """name -- of the plugin, or True for the cache that Ansible is configured with"""
    plugin_name = str(C.CACHE_PLUGIN if name is True else name)
    if plugin_name.rpartition(".")[2] == "memory":
        raise IntakeError(
            "from: cache: the cache memory ends with each run of Ansible. Name another one, such as jsonfile with a"
            " connection. Nothing was written."
        )
    plugin = _plugin(plugin_name, connection, prefix)
    inner = getattr(plugin, "__wrapped__", plugin)  # since 2.19 the keys say which ansible-core wrote them
    _keys_as_text(inner)
    if isinstance(inner, BaseFileCacheModule) and plugin.get_option("_prefix") is None:
        plugin.set_option("_prefix", "")  # keys() of these takes its length
    names = sorted(map(str, plugin.keys()))
    notes = []
    others = len(inner.keys()) - len(names) if inner is not plugin else 0
    if others > 0:
        notes.append(
            f"from: the cache {plugin_name} holds {others:,} more entries, of another ansible-core than this one. They"
            " were not read: gather those hosts again, or read them with the ansible-core that wrote them."
        )
    if not names:
        raise IntakeError(
            f"from: the cache {plugin_name} holds no facts{' that this ansible-core reads' if others else ''}. Nothing"
            " was written."
        )
    return _rows(plugin, inner, names), notes


def _rows(plugin: t.Any, inner: t.Any, names: list[str]) -> Rows:
    inner.delete = _keep  # a file of the cache that is no JSON would be erased: a report only reads
    for name in names:
        try:
            value = plugin.get(name)
        except (AnsibleError, KeyError, ValueError, TypeError, OSError, RecursionError) as exc:
            yield name, {"failed": True, "msg": f"what the fact cache has of it cannot be read ({type(exc).__name__})"}
            continue
        yield name, {"oom": value.get("oom")} if isinstance(value, dict) else value
        held = getattr(inner, "_cache", None)
        if isinstance(held, dict):
            held.clear()  # plugins keep all that they have read: 1,000 hosts at once are a gigabyte


def _keys_as_text(plugin: t.Any) -> None:
    """Redis hands out bytes, which since 2.19 Ansible itself stumbles over."""
    keys = plugin.keys
    plugin.keys = lambda: [to_text(key, errors="surrogate_or_strict") for key in keys()]


def _keep(_key: t.Any) -> None:
    pass


def _plugin(name: str, connection: str | None, prefix: str) -> t.Any:
    options = {"_timeout": 0}  # type: dict[str, t.Any]  # facts do not vanish for their age: the report says it
    if connection is not None:
        options["_uri"] = connection
    if prefix:
        options["_prefix"] = prefix
    try:
        _see_folder(name, connection)
        plugin = cache_loader.get(name, **options)
    except AnsibleError as exc:
        raise IntakeError(f"from: cache {name}: {exc}. Nothing was written.") from exc
    if plugin is None:
        raise IntakeError(f"from: there is no cache plugin {name} here. Nothing was written.")
    return plugin


def _see_folder(name: str, connection: str | None) -> None:
    """A cache of files makes its folder where it is missing: then the name was wrong."""
    found = cache_loader.get(name, class_only=True)
    kind = getattr(found, "__wrapped__", found)
    if not (isinstance(kind, type) and issubclass(kind, BaseFileCacheModule)):
        return
    folder = connection if connection is not None else C.CACHE_PLUGIN_CONNECTION
    if folder is None:
        raise IntakeError(f"from: cache {name}: give its folder as connection. Nothing was written.")
    folder = os.path.expanduser(os.path.expandvars(str(folder)))
    if not os.path.isdir(folder):
        raise IntakeError(f"from: cache {name}: {folder} is not a directory. Nothing was written.")
