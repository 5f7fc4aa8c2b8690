#!/usr/bin/python
# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: oom_score_info
short_description: Rank the processes that the kernel would kill next, now or under other scores
version_added: 0.5.0
description:
  - Computes for every process what the kernel computes when memory runs out (C(oom_badness), in pages, by the rules of
    the running kernel), and names the next victim. C(/proc/PID/oom_score) is the same rounded to a thousandth of
    memory, so that many processes tie.
  - Answers what if O(adjustments) or O(services) were in force, without touching the host.
  - A forecast for the moment of the look. A process that grows by more than the RV(next_victim.margin) before memory
    runs out overtakes, a process started later is not known, and one in the middle of C(vfork) is spared by the kernel.
  - Works without root. Where processes are hidden, RV(complete) is false and RV(reasons) says why.
author:
  - memops.linux contributors (@memops)
extends_documentation_fragment:
  - memops.linux._attributes
  - memops.linux._attributes.info
options:
  top:
    description:
      - How many processes and services to return, the next to die first. V(0) returns all, and those that cannot be
        killed after them.
    type: int
    default: 10
  memcg:
    description:
      - Rank the contest inside one memory cgroup, which is fought out when its limit is reached.
        A path as in C(/proc/PID/cgroup), or a unit that runs, such as V(nginx) or V(user-1000.slice).
    type: str
  adjustments:
    description:
      - Proposed scores, from -1000 to 1000, by unit or by name of the process (C(comm)). A name without a suffix is
        first taken as a service, under any of its names, then as a name. A unit is matched wherever it stands in the
        path of the cgroup, a template such as V(postgresql@.service) with all of its instances.
      - The new score of a unit goes to those of its processes that carry the unit's present one, as C(systemctl show)
        tells it. Others have set their own, as sshd does with -1000; they keep it and are listed in RV(what_if.kept).
        Where systemd cannot be asked, all processes of the unit get it that are not at -1000.
    type: dict
  services:
    description:
      - Proposed scores as in C(oom_protect_services), the variable of the role C(memops.linux.oom_protect).
        Each entry has a C(name) (a unit, or a list of units; never the name of a process) and C(oom_score_adjust). A
        later entry counts more than an earlier one. Entries without a score and those with
        C(state=absent) change nothing here; other settings are not looked at.
      - O(adjustments) counts more where both name the same.
    type: list
    elements: dict
seealso:
  - module: memops.linux.oom_facts
  - ref: ansible_collections.memops.linux.docsite.guide_protect_fleet
    description: Protecting many hosts without harm
  - ref: ansible_collections.memops.linux.docsite.guide_first_hour
    description: The first hour after a kill
"""

EXAMPLES = r"""
# ansible all -m memops.linux.oom_score_info -a top=5
- name: Who dies next
  memops.linux.oom_score_info:
    top: 5
  register: next

- name: One line a host
  ansible.builtin.debug:
    msg: "{{ next.msg }}"

- name: Who dies when the limit of this service is reached
  memops.linux.oom_score_info:
    memcg: php-fpm.service

- name: Would these scores make sshd the next victim?
  memops.linux.oom_score_info:
    adjustments:
      postgresql.service: -900
      java: 300
  register: proposed
  failed_when: proposed.what_if.warnings | length > 0
"""

RETURN = r"""
msg:
  description: The answer in one line.
  returned: success
  type: str
  sample: "next victim: mysqld (pid 812, mysql.service), 1.9 GiB of 3.8 GiB killable; then java, nginx; 212 MiB unkillable: sshd, systemd"
processes:
  description:
    - The processes, the next to die first, at most O(top) of them. Sizes are bytes, C(badness) is the kernel's sum in
      pages (before Linux 3.5 in thousandths of memory), C(oom_score) what C(/proc/PID/oom_score) shows, unknown is
      null.
    - C(connection) marks the processes through which Ansible is connected, this module among them.
    - C(rank) and C(badness) are null for a process that cannot be killed; such are listed only with O(top=0).
    - Names are chosen by the user who runs the process. Control characters, bidirectional marks and bytes that are not UTF-8
      are written as C(\xNN) or C(\uNNNN).
  returned: success
  type: list
  elements: dict
  sample:
    - rank: 1
      pid: 812
      comm: mysqld
      unit: mysql.service
      container_id: null
      uid: 112
      anon_rss: 2040109466
      file_rss: 33554432
      shmem_rss: 0
      swap: 0
      pgtables: 4456448
      oom_score: 1001
      oom_score_adj: 0
      badness: 507353
      connection: false
table:
  description: The same for eyes, one line a process. C(MEMORY) is what the kernel counts, with file pages.
  returned: success
  type: list
  elements: str
  sample:
    - "RANK      PID     MEMORY   ADJ  NAME             UNIT"
    - "   1      812    1.9 GiB     0  mysqld           mysql.service"
next_victim:
  description: The first of RV(processes), or null where no process can be killed.
  returned: success
  type: dict
  contains:
    margin:
      description: Bytes by which the first of RV(processes) leads the second. Null where there is no other.
      returned: always
      type: int
    over:
      description: The second, C(pid), C(comm) and C(unit).
      returned: always
      type: dict
    parent:
      description: Up to Linux 5.1 the worst child dies in place of the worst process, which then stands here.
      returned: always
      type: dict
    group:
      description: Who dies with it because of C(memory.oom.group), C(cgroup), C(processes) and C(memory).
      returned: always
      type: dict
    itself:
      description: Whether it is this module, which has ended when the answer is read.
      returned: always
      type: bool
killable_memory:
  description:
    - Bytes held by all processes that can be killed. Anonymous memory, swap and page tables of each, and shared memory
      once a service. File pages are not counted, because the kernel takes them back without a kill.
  returned: success
  type: int
  sample: 4080218931
unkillable_memory:
  description: The same for those with C(oom_score_adj) -1000 and for the first process. Above half of RAM the kernel
    may find no victim, and panic.
  returned: success
  type: int
  sample: 222298112
by_unit:
  description: Services, the one that loses a process first in front. Processes outside of any service are grouped by
    C(comm).
  returned: success
  type: list
  elements: dict
  sample:
    - name: mysql.service
      unit: mysql.service
      processes: 1
      memory: 2044565914
      rank: 1
      first: {pid: 812, comm: mysqld, unit: mysql.service}
      oom_score_adj: [0]
unkillable:
  description: The services of which no process can be killed, the largest first, as in RV(by_unit).
  returned: success
  type: list
  elements: dict
contest:
  description:
    - What was ranked. C(scope) is V(global) or V(memcg); C(limit) is the cgroup's own limit in bytes, or null;
      C(totalpages) is what one thousandth of C(oom_score_adj) is taken of; C(rules) names the kernel version whose
      rules were used.
    - C(outcome) is V(kill), V(panic) (C(vm.panic_on_oom)), V(allocating_task) (C(vm.oom_kill_allocating_task)) or
      V(none) (C(oom_kill_disable)).
    - C(contenders) counts those that can be killed, C(skipped) those without memory of their own and those that could
      not be read.
  returned: success
  type: dict
  sample:
    scope: global
    memcg: null
    limit: null
    totalpages: 1015808
    page_size: 4096
    rules: "6.1"
    outcome: kill
    contenders: 87
    skipped: {kernel_threads: 121, exiting: 0, vanished: 0, denied: 0}
complete:
  description: Whether every process that takes part was seen.
  returned: success
  type: bool
reasons:
  description: Why not.
  returned: success
  type: list
  elements: str
  sample: []
pressure:
  description:
    - Near misses, as C(pressure) of M(memops.linux.oom_facts) has them. With O(memcg) that one and what is below it. Null
      where no memory controller can be seen.
    - Where a service is frozen at C(MemoryHigh=), RV(msg) begins with it.
  returned: success
  type: list
  elements: dict
  sample: []
notes:
  description: What may make it end otherwise, such as settings of the kernel, a killer in user space, NUMA nodes, or
    the limit of an outer cgroup.
  returned: success
  type: list
  elements: str
  sample: []
what_if:
  description:
    - RV(processes), RV(table), RV(next_victim), RV(killable_memory), RV(unkillable_memory), RV(by_unit) and
      RV(unkillable) under the proposed scores.
  returned: when O(adjustments) or O(services) propose a score
  type: dict
  contains:
    adjustments:
      description: The proposed scores, by name.
      returned: always
      type: dict
    moved:
      description: Processes whose score changes, with C(oom_score_adj) and C(rank) before and after, at most O(top) of
        them.
      returned: always
      type: list
      elements: dict
      sample:
        - {pid: 812, comm: mysqld, unit: mysql.service, oom_score_adj: {before: 0, after: -900}, rank: {before: 1, after: 87}}
    moved_total:
      description: How many there are.
      returned: always
      type: int
    kept:
      description: Processes (pid) of the named units that have a score of their own and keep it.
      returned: always
      type: list
      elements: int
    unmatched:
      description: Names that no process of the selection has.
      returned: always
      type: list
      elements: str
    warnings:
      description: What gets worse, such as sshd, the connection or a protected service becoming the next victim, or too
        much memory out of reach.
      returned: always
      type: list
      elements: str
    msg:
      description: The change in a few words; they end RV(msg) as well.
      returned: always
      type: str
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.memops.linux.plugins.module_utils._badness.proposed_scores import adjustments_of
from ansible_collections.memops.linux.plugins.module_utils._badness.result import score_info
from ansible_collections.memops.linux.plugins.module_utils._errors import describe
from ansible_collections.memops.linux.plugins.module_utils._host import host_of
from ansible_collections.memops.linux.plugins.module_utils._text import safe


def argument_spec() -> Dict[str, Any]:
    return {
        "top": {"type": "int", "default": 10},
        "memcg": {"type": "str"},
        "adjustments": {"type": "dict"},
        "services": {"type": "list", "elements": "dict"},
    }


def answer(module: AnsibleModule) -> Dict[str, Any]:
    """Raises ValueError or OSError with a sentence."""
    params = module.params
    if params["top"] < 0:
        raise ValueError("top: %d is negative; give 0 for all, or a number of processes" % params["top"])
    if params["memcg"] == "":
        raise ValueError("memcg: is empty; name a unit or a cgroup, or leave the option out for the whole machine")
    adjustments = adjustments_of(params["adjustments"], params["services"])
    return score_info(host_of(module), params["top"], params["memcg"], adjustments)


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        result = safe(answer(module))
    except ValueError as exc:
        module.fail_json(msg="%s. Nothing was changed." % safe(str(exc)))
    except OSError as exc:
        module.fail_json(
            msg=safe("/proc cannot be read: %s. Nothing was changed; mount it, or become root." % describe(exc))
        )
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
