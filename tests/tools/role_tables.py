# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the tables of variables in the READMEs of the roles, out of their meta/argument_specs.yml.

python tests/tools/role_tables.py            write them
python tests/tools/role_tables.py --check    say which are outdated, and end with 1
"""

from __future__ import annotations

import argparse
import functools
import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = ROOT / "roles"
_TABLE = re.compile(r"<!-- variables: [^>]*-->\n.*?<!-- end of the variables -->\n", re.S)
_BEGIN = "<!-- variables: written by tests/tools/role_tables.py -->\n"
_END = "<!-- end of the variables -->\n"
#: "As O(memops.linux.service_memory#module:apply)." and nothing else of the option.
_AS = re.compile(r"As O\(memops\.linux\.(\w+)#module:([\w.\[\]]+)\)(, for O\(\w+\))?\.")
_DOCUMENTATION = re.compile(r'^DOCUMENTATION = r"""\n(.*?)^"""', re.S | re.M)
_MARKUP = re.compile(r"\b[A-Z]+\(([^()]*(?:\([^()]*\))?[^()]*)\)")


def plain(text: str) -> str:
    """Ansible's markup as Markdown: C(x), V(x) and O(module#module:x) as code, one line, no bars."""

    def code(found: re.Match[str]) -> str:
        name = re.sub(r"^[\w.]+#\w+:", "", found.group(1))
        return f"`{name}`" if name else "an empty text"

    return " ".join(_MARKUP.sub(code, text).split()).replace("|", "\\|")


@functools.lru_cache(maxsize=None)
def module_options(name: str) -> dict[str, Any]:
    text = (ROOT / "plugins/modules" / f"{name}.py").read_text(encoding="utf-8")
    found = _DOCUMENTATION.search(text)
    if found is None:
        raise ValueError(f"{name}.py has no DOCUMENTATION")
    return dict(yaml.safe_load(found.group(1))["options"])


def meant(option: dict[str, Any]) -> dict[str, Any]:
    """The option of a module that this one hands on, or none."""
    found = _AS.search(texts(option)[0])
    if not found:
        return {}
    options, *names = module_options(found.group(1)), *found.group(2).split("[].")
    for name in names[:-1]:
        options = options[name]["suboptions"]
    return dict(options[names[-1]])


def texts(option: dict[str, Any]) -> list[str]:
    told = option["description"]
    return [told] if isinstance(told, str) else list(told)


def kind(option: dict[str, Any]) -> str:
    name = str(option.get("type", "str"))
    if name == "list" and "elements" in option:
        return f"list of {option['elements']}"
    return name


def default(option: dict[str, Any]) -> str:
    """As it would be written in a file of variables; a dash where there is none."""
    if option.get("required"):
        return "**required**"
    value = option.get("default", meant(option).get("default"))
    if value is None:
        return "–"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def meaning(option: dict[str, Any]) -> str:
    told = texts(option)
    of_module = meant(option)
    if of_module:  # the first of its paragraphs: the rest is in the module's own page
        told = [_AS.sub(lambda _found: texts(of_module)[0], told[0]), *told[1:]]
    text = " ".join(plain(part) for part in told)
    choices = option.get("choices")
    return f"{text} One of {', '.join(f'`{choice}`' for choice in choices)}." if choices else text


def table(options: dict[str, Any]) -> list[str]:
    lines = ["| variable | type | default | what it does |", "|---|---|---|---|"]
    for name, option in options.items():
        lines.append(f"| `{name}` | {kind(option)} | {default(option)} | {meaning(option)} |")
    return lines


def tables(role: Path) -> str:
    """The variables of the role, and of the entries of each list of dicts."""
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    lines = table(specs["main"]["options"])
    for spec in specs.values():
        for name, option in spec["options"].items():
            if "options" in option:
                lines += ["", f"Each entry of `{name}`:", "", *table(option["options"])]
    return _BEGIN + "\n" + "\n".join(lines) + "\n\n" + _END


def written(role: Path) -> tuple[str, str]:
    """The README as it is, and as it should be."""
    text = (role / "README.md").read_text(encoding="utf-8")
    return text, _TABLE.sub(lambda _found: tables(role), text)


def outdated() -> list[str]:
    """One sentence for every README whose table is missing or is not that of its argument_specs."""
    wrong = []
    for role in sorted(path.parents[1] for path in ROLES.glob("*/meta/argument_specs.yml")):
        text, wanted = written(role)
        name = f"roles/{role.name}/README.md"
        if not _TABLE.search(text):
            wrong.append(f"{name}: has no table of variables: add the lines {_BEGIN.strip()} and {_END.strip()}")
        elif text != wanted:
            wrong.append(f"{name}: the table of variables is outdated: python tests/tools/role_tables.py")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        wrong = outdated()
        print("\n".join(f"ERROR: {line}" for line in wrong) or "the tables of variables are current")
        return 1 if wrong else 0
    for role in sorted(path.parents[1] for path in ROLES.glob("*/meta/argument_specs.yml")):
        text, wanted = written(role)
        if text != wanted:
            (role / "README.md").write_text(wanted, encoding="utf-8")
            print(f"roles/{role.name}/README.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
