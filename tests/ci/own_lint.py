# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no other linter says. python tests/ci/own_lint.py

* No conditional expression stands inside another one.
* Every room has a floor in .importlinter: import-linter says nothing of a package that no contract names.
* .pre-commit-config.yaml takes the releases of tests/requirements/lint.txt.
* A text for users names its subject and says "is not a valid X": no "is no X", nobody, somebody, whoever.
* The tables of variables in the roles' READMEs are those of their argument_specs.
* The documentation of every plugin is YAML.
* No line has more than 160 columns, which is what ansible-test takes.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Iterator

import yaml

ROOT = Path(__file__).resolve().parents[2]


def nested(text: str) -> Iterator[int]:
    """The lines of ``a if b else c if d else e``, and of one hidden in the condition or a branch of another."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.IfExp):
            continue
        inside = (part for field in (node.test, node.body, node.orelse) for part in ast.walk(field))
        if any(isinstance(part, ast.IfExp) for part in inside):
            yield node.lineno


def nested_conditionals() -> list[str]:
    wrong = []
    for path in sorted([*ROOT.glob("*.py"), *ROOT.glob("plugins/**/*.py"), *ROOT.glob("tests/ci/*.py")]):
        name = str(path.relative_to(ROOT))
        lines = sorted(set(nested(path.read_text(encoding="utf-8"))))
        wrong += [f"{name}:{line}: a conditional expression inside another one" for line in lines]
    return wrong


def rooms_without_floor() -> list[str]:
    floors = (ROOT / ".importlinter").read_text(encoding="utf-8")
    # By their files: a room that moved away leaves an empty directory with what Python compiled in it.
    there = [path.relative_to(ROOT / "plugins").parts for path in ROOT.glob("plugins/*_utils/**/*.py")]
    rooms = {f"{kind}.{name.removesuffix('.py')}" for kind, name, *_rest in there}
    named = set(re.findall(r"(?:module|plugin)_utils\._\w+", floors))
    return [f".importlinter: {room} is on no floor" for room in sorted(rooms - named)]


def other_releases() -> list[str]:
    """Tools that pre-commit would run in another release than the gates do."""
    pinned = dict(
        re.findall(r"^([\w-]+)==(\S+)", (ROOT / "tests/requirements/lint.txt").read_text(encoding="utf-8"), re.M)
    )
    hooks = re.findall(r"\[([\w-]+)==([^\]]+)\]", (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    return [
        f".pre-commit-config.yaml: {name} {release}, the gates run {pinned.get(name)}"
        for name, release in hooks
        if pinned.get(name) != release
    ]


#: "there is no X" and "is no longer" are as they should be.
_ODD = re.compile(
    r"(?<!\bthere )(?<!\bThere )\b(?:is|are|was|were) no\b(?! longer| more)|\b(?:nobody|somebody|whoever|wished)\b|all the same",
    re.I,
)


def _texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of every string that is not a docstring, line by line; comments of shell scripts are none."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            for number, line in enumerate(node.value.splitlines(), node.lineno):
                if not line.lstrip().startswith("#"):
                    yield number, line


def odd_texts() -> list[str]:
    wrong = []
    for path in sorted(ROOT.glob("plugins/**/*.py")):
        for number, text in _texts(ast.parse(path.read_text(encoding="utf-8"))):
            found = _ODD.search(text)
            if found:
                name = path.relative_to(ROOT)
                wrong.append(f"{name}:{number}: {found.group()!r} in a text for users: say who, or 'is not a valid X'")
    return wrong


def too_wide() -> list[str]:
    found = []
    for folder in ("plugins", "tests", "molecule"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if len(line) > 160 and "tests/output" not in str(path):
                    found.append(f"{path.relative_to(ROOT)}:{number}: {len(line)} columns")
    return found


def broken_documentation() -> list[str]:
    wrong = []
    for path in sorted(ROOT.glob("plugins/*/*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if isinstance(target, ast.Name) and target.id in ("DOCUMENTATION", "EXAMPLES", "RETURN"):
                try:
                    yaml.safe_load(ast.literal_eval(node.value))
                except yaml.YAMLError as exc:
                    text = " ".join(str(exc).split())
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {target.id} is not valid YAML: {text}")
    return wrong


def outdated_tables() -> list[str]:
    sys.path.insert(0, str(ROOT / "tests/tools"))
    import role_tables

    return role_tables.outdated()


def main() -> int:
    checks = (
        nested_conditionals,
        rooms_without_floor,
        other_releases,
        odd_texts,
        broken_documentation,
        outdated_tables,
    )
    wrong = [line for check in checks for line in check()]
    print(
        "\n".join(f"ERROR: {line}" for line in wrong) or "conditional expressions stand alone, every room has its floor"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
