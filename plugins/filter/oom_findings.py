# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: oom_findings
short_description: Judge the OOM facts of a host by a policy
version_added: 0.5.0
author:
  - memops.linux contributors (@memops)
description:
  - Takes the facts that M(memops.linux.oom_facts) gathered of one host, and a policy, and returns findings. It asks no
    host.
  - What the facts do not tell is C(unknown) and never C(pass). Kills that only a text log tells of never fail anything.
options:
  _input:
    description: The value of C(ansible_facts.oom) of a host. Anything else is a host of which nothing is known.
    type: raw
    required: true
  policy:
    description:
      - A mapping, the path of a YAML file, or V(baseline), the policy that ships with this collection.
      - The role P(memops.linux.oom_compliance#role) describes it.
    type: raw
    default: baseline
  host:
    description: Name of the host, to stand in each finding.
    type: str
    default: ""
  now:
    description: Time of the judgement in seconds since 1970-01-01 UTC, by default now.
    type: float
seealso:
  - module: memops.linux.oom_report
  - module: memops.linux.oom_facts
  - ref: ansible_collections.memops.linux.docsite.guide_compliance_ci
    description: The policy in GitHub, GitLab and Jenkins
"""

EXAMPLES = r"""
- name: What failed on this host
  ansible.builtin.debug:
    msg: "{{ ansible_facts.oom | memops.linux.oom_findings('baseline') | selectattr('status', '==', 'fail') | list }}"

- name: No kill within a week, on a host that would have seen one
  ansible.builtin.assert:
    that: >-
      ansible_facts.oom | memops.linux.oom_findings({'kills': {'max': 0, 'window': '7d'}})
      | rejectattr('status', '==', 'pass') | length == 0
"""

RETURN = r"""
_value:
  description:
    - Findings, what failed first. C(status) is C(fail), C(unknown) or C(pass); C(severity) is C(info), C(warning) or
      C(error).
    - C(declared) is what the policy expects, C(effective) what is, C(evidence) what it was decided by.
  type: list
  elements: dict
  sample:
    - id: setting
      severity: error
      status: fail
      subject: vm.swappiness
      message: vm.swappiness
      declared: "10"
      effective: 60
      evidence: {live: 60}
      remedy: Set it with memops.linux.vm_settings
"""

import time
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display

from ansible_collections.memops.linux.plugins.plugin_utils._policy.judge import judge_facts
from ansible_collections.memops.linux.plugins.plugin_utils._policy.model import PolicyError
from ansible_collections.memops.linux.plugins.plugin_utils._policy.source import load_policy

display = Display()


def oom_findings(
    facts: Any, policy: Any = "baseline", host: str = "", now: float | None = None
) -> list[dict[str, Any]]:
    """Facts of a host and a policy to findings."""
    try:
        moment = time.time() if now is None else float(now)
    except (TypeError, ValueError):
        raise AnsibleFilterError(f"oom_findings: now takes seconds since 1970-01-01 UTC, not {now!r}") from None
    try:
        wanted = load_policy(policy)
    except (PolicyError, ImportError) as exc:
        raise AnsibleFilterError(f"oom_findings: policy: {exc}") from None
    for note in wanted.notes():
        display.warning(note)
    return [one._replace(host=str(host)).as_dict() for one in judge_facts(wanted, facts, moment)]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"oom_findings": oom_findings}
