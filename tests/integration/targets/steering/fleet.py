# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts for these tests: a fake interpreter that answers for every module, and inventories made of it."""

from __future__ import annotations

import json
import pathlib
import subprocess

GATHERED = 1763900000.0
PAYLOAD = "{{ lookup('ansible.builtin.pipe', 'touch %s') }}"


def facts(payload: str = "web") -> dict:
    kill = {
        "id": "k1",
        "time": GATHERED,
        "time_quality": "exact",
        "killer": "kernel",
        "scope": "memcg",
        "victim": {"pid": 7, "comm": payload},
        "unit": f"{payload}.service",
        "source": {"name": "journal", "trusted": True, "reason": payload, "seen_in": ["journal"]},
    }
    return {
        "schema": 1,
        "gathered_at": GATHERED,
        "kills": [kill],
        "truncated": 0,
        "unresolved": [],
        "unparsed": 0,
        "summary": {"total": 1, "untrusted": 0, "by_unit": {f"{payload}.service": 1}},
        "visibility": {"state": "clear", "since": 1.0, "reasons": []},
        "settings": {"panic_on_oom": 1},
    }


def answer(**more: object) -> dict:
    """What any module of ours may say."""
    return {
        "changed": False,
        "msg": "done",
        "notes": [],
        "verified": True,
        "services": [],
        "ansible_facts": {"oom": facts()},
        **more,
    }


def interpreter(path: pathlib.Path, said: dict) -> pathlib.Path:
    """Runs nothing: it says the same to everybody, and notes who was asked to change something."""
    path.with_suffix(".json").write_text(json.dumps(said))
    path.write_text(
        "#!/bin/sh\n"
        # becoming ends with "echo BECOME-SUCCESS-... ; interpreter module": only the module is an argument
        f'case "$*" in *service_memory*|*swap_file*|*vm_settings*) echo touched >>"${{MEMOPS_TOUCHED:-/dev/null}}";; esac\n'
        f"exec cat '{path.with_suffix('.json')}'\n"
    )
    path.chmod(0o755)
    return path


def play(folder: pathlib.Path, *argv: object, timeout: float = 120, **env: str) -> tuple[int, str]:
    import os

    done = subprocess.run(
        ["ansible-playbook", *map(str, argv)],
        cwd=folder,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    return done.returncode, done.stdout
