# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a policy comes from: a dict, a YAML file, or the one that ships."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import typing as t

import yaml

from .context import builtin
from .model import Policy, PolicyError
from .policy import read_policy

BASELINE = "baseline"
_MAX_DEPTH = 8


class _Loader(yaml.SafeLoader):
    """Two keys of one name are a mistake, not a choice."""


def _mapping(loader: _Loader, node: yaml.MappingNode, deep: bool = False) -> dict[t.Any, t.Any]:
    seen = set()
    for key_node, _value in node.value:
        key = loader.construct_object(key_node, deep=deep)
        try:
            twice = key in seen
        except TypeError:
            raise PolicyError(f"line {key_node.start_mark.line + 1}: a key has to be a word") from None
        if twice:
            raise PolicyError(f"line {key_node.start_mark.line + 1}: the key {key!r} is there twice")
        seen.add(key)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=deep)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _read(path: str) -> t.Any:
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
        return yaml.load(text, Loader=_Loader)  # a SafeLoader
    except OSError as exc:
        raise PolicyError(f"the policy {path} could not be read: {exc.strerror}. Give the path of a file, a mapping, or {BASELINE}") from exc
    except UnicodeDecodeError as exc:
        raise PolicyError(f"the policy {path} is not UTF-8") from exc
    except yaml.YAMLError as exc:
        raise PolicyError(f"the policy {path} is no YAML: {' '.join(str(exc).split())}") from exc
    except PolicyError as exc:
        raise PolicyError(f"the policy {path}: {exc}") from exc


def _from_file(name: str, folder: str, depth: int) -> Policy:
    if depth > _MAX_DEPTH:
        raise PolicyError("policies extend each other in a circle")
    if name == BASELINE:
        path = str(pathlib.Path(__file__).with_name(f"{BASELINE}.yml"))
    else:
        path = os.path.join(folder, os.path.expanduser(name))
    inner = os.path.dirname(os.path.abspath(path))
    label = name if name == BASELINE else os.path.splitext(os.path.basename(path))[0]
    data = _read(path)
    try:
        return read_policy(data, label, lambda other: _from_file(other, inner, depth + 1))
    except PolicyError as exc:
        raise PolicyError(str(exc) if name == BASELINE else f"{path}: {exc}") from exc


@functools.lru_cache(maxsize=1)
def _baseline() -> Policy:
    return _from_file(BASELINE, "", 0)


@functools.lru_cache(maxsize=32)
def _from_json(text: str, folder: str) -> Policy:
    return read_policy(json.loads(text), "policy", lambda other: _from_file(other, folder, 1))


def load_policy(source: t.Any, folder: str | None = None) -> Policy:
    """Raises PolicyError. Relative paths begin in the folder, by default the current one."""
    here = folder or os.getcwd()
    if isinstance(source, str):
        name = str.__str__(source).strip()
        return _baseline() if name == BASELINE else _from_file(name, here, 0)
    if not isinstance(source, dict):
        raise PolicyError(f"a policy is a mapping, the path of a YAML file, or {BASELINE}, not {type(source).__name__}")
    try:
        # Compiled once, although a filter is called for each host.
        return _from_json(json.dumps(builtin(source)), here)
    except (TypeError, ValueError) as exc:
        raise PolicyError(f"the policy holds what is no data: {exc}") from exc
