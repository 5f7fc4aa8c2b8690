# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a policy comes from: a dict, a YAML file, or the one that ships."""

from __future__ import annotations

import errno
import functools
import json
import os
import pathlib
import re
import stat
import typing as t

import yaml

from .context import builtin
from .model import Policy, PolicyError
from .policy import read_policy

BASELINE = "baseline"
_MAX_DEPTH = 8
_MOST_BYTES = 4 << 20
#: one of them at least is in every policy
TELLING_KEYS = (
    "services", "swap", "settings", "killers", "kills", "visibility",
    "max_age", "rules", "extends", "disable", "severities",
)  # fmt: skip
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_WAY_OUT = f"Give the path of a file, a mapping, or {BASELINE}"
#: errno -> what can be done
_WAYS_OUT = {
    errno.EMFILE: "Raise the limit of open files (ulimit -n)",
    errno.ENFILE: "Raise the limit of open files (fs.file-max)",
    errno.EACCES: "The user who runs Ansible has to be able to read it",
}

#: Numbers that are read as they are written. YAML takes 0100 for 64 and 1:30 for 90.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*|0x[0-9a-fA-F]+)")
_INT_TAG = "tag:yaml.org,2002:int"


def _check_number(node: yaml.ScalarNode, path: str) -> None:
    if node.tag == _INT_TAG and not _INTEGER.fullmatch(node.value):
        number = yaml.SafeLoader("").construct_yaml_int(node)
        raise PolicyError(f"{path}: {node.value} is {number} to YAML; write {number}, or a text in quotes")


def _check(root: yaml.Node | None) -> None:
    """Two keys of one name are a mistake, not a choice. As written: what `<<` brings along may be there again."""
    seen, todo = set(), [(root, "")] if root is not None else []  # type: tuple[set[int], list[tuple[yaml.Node, str]]]
    while todo:
        node, path = todo.pop()
        if isinstance(node, yaml.ScalarNode):
            _check_number(node, path)
        if id(node) in seen or not isinstance(node, yaml.CollectionNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            todo += reversed([(inner, f"{path}[{number}]") for number, inner in enumerate(node.value)])
            continue
        keys = set()
        for key, _value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise PolicyError(f"line {key.start_mark.line + 1}: a key has to be a word")
            if (key.tag, key.value) in keys:
                raise PolicyError(f"line {key.start_mark.line + 1}: the key {key.value!r} is there twice")
            keys.add((key.tag, key.value))
        todo += [(value, f"{path}.{key.value}" if path else str(key.value)) for key, value in reversed(node.value)]


def _check_is_policy(root: yaml.Node | None) -> None:
    """Before a word of the file is said. A path may lead to any file, and what is in that is nobody's business."""
    if root is None:
        return  # read_policy() says that it expects nothing
    keys = (
        {key.value for key, _value in root.value if isinstance(key, yaml.ScalarNode)}
        if isinstance(root, yaml.MappingNode)
        else set()
    )
    if not keys.intersection(TELLING_KEYS):
        raise PolicyError(f"it has none of the keys of a policy ({', '.join(TELLING_KEYS)})")


def _parsed(text: str) -> t.Any:
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        _check_is_policy(root)
        _check(root)
        return loader.construct_document(root) if root is not None else None
    finally:
        loader.dispose()


def _place_of(exc: Exception) -> str:
    """Where and why YAML gave up, without what stands there."""
    mark, problem = getattr(exc, "problem_mark", None), getattr(exc, "problem", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    why = "" if mark else type(exc).__name__
    if problem:
        why = _QUOTED.sub("...", " ".join(str(problem).split()))
    return ": ".join(filter(None, (where, why)))


def _text_of(path: str) -> str:
    """A FIFO or a device would be waited for, or never end."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise PolicyError(f"the policy {path} is not a file. Give the path of a file, a mapping, or {BASELINE}")
        data = stream.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise PolicyError(f"the policy {path} is larger than {_MOST_BYTES >> 20} MiB, which no policy is")
    return data.decode("utf-8-sig")


def _read(path: str) -> t.Any:
    try:
        text = _text_of(path)
    except UnicodeDecodeError:
        raise PolicyError(f"the policy {path} is not UTF-8") from None
    except (OSError, ValueError) as exc:  # also a path with a NUL
        why = getattr(exc, "strerror", None) or str(exc)
        raise PolicyError(
            f"the policy {path} could not be read: {why}. {_WAYS_OUT.get(getattr(exc, 'errno', None) or 0, _WAY_OUT)}"
        ) from None
    try:
        return _parsed(text)
    except (yaml.YAMLError, ValueError, RecursionError) as exc:  # also a date of no calendar, and too deep
        raise PolicyError(f"the policy {path} is not valid YAML: {_place_of(exc)}") from None
    except PolicyError as exc:
        raise PolicyError(f"the policy {path}: {exc}") from None


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
        raise PolicyError(f"the policy holds something that is not plain data: {exc}") from exc
