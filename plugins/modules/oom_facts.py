#!/usr/bin/python
# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: oom_facts
short_description: Gather OOM kills, and how far back the host can see
version_added: 0.1.0
description:
  - Finds every process that the kernel, systemd-oomd, earlyoom, nohang or oomd killed for lack of memory.
    Reads the systemd journal, the text logs with their rotations, and the kernel's ring buffer.
  - Says what each source told, how far back it reaches, and whether the kernel counted more kills than the sources tell of.
    No kills on a host that cannot see is RV(ignore:ansible_facts.oom.visibility.state=blind), not clean.
  - Works without root, and says what it could not see.
author:
  - memops.linux contributors (@memops)
extends_documentation_fragment:
  - memops.linux._attributes
  - memops.linux._attributes.facts
options:
  gather_subset:
    description:
      - Which parts to gather. V(counters) needs the kills and looks for them as well.
    type: list
    elements: str
    choices: [all, kills, counters, memory, settings, units, daemons]
    default: [all]
  since:
    description:
      - Only kills from then on. An age such as V(90s), V(30min), V(24h), V(7d), V(2w), or an ISO 8601 time
        such as V(2026-11-22) or V(2026-11-22T18:00:00Z). Without a zone it is the host's local time.
      - Kills whose time cannot be known are kept.
    type: str
  until:
    description:
      - Only kills up to then, written as O(since).
    type: str
  sources:
    description:
      - Where to look. V(auto) is the journal, the text logs and the ring buffer; with O(paths) only the files,
        with O(journal_directory) only that journal.
    type: list
    elements: str
    choices: [auto, journal, files, kmsg]
    default: [auto]
  paths:
    description:
      - Text logs to read instead of C(/var/log/messages*), C(/var/log/syslog*) and C(/var/log/kern.log*).
        Files or patterns with C(*), C(?) and C([]); gzip, xz, bzip2 and zstd are read as they are.
      - Kills in text logs are never trusted on their own, because anybody can write such a line through the syslog socket.
    type: list
    elements: path
  journal_directory:
    description:
      - Journal files of another host or system, as for C(journalctl --directory).
    type: path
  max_kills:
    description:
      - Return at most so many kills, the newest. RV(ansible_facts.oom.truncated) counts the rest.
      - By default at most 1000, and fewer when the facts would be larger than 256 KiB.
    type: int
  include_tasks:
    description:
      - Return the kernel's task table with each kill that has one. Large.
    type: bool
    default: false
  killers:
    description:
      - Whose kills to look for in text logs larger than 64 MiB, where every further killer costs time.
      - V(auto) looks for all of them when a user-space killer is installed on the host, and for the kernel's otherwise.
    type: str
    choices: [auto, all, kernel]
    default: auto
seealso:
  - plugin: memops.linux.oom_parse
    plugin_type: filter
  - module: memops.linux.oom_report
"""

EXAMPLES = r"""
- name: Everything that was killed in the last day
  memops.linux.oom_facts:
    since: 24h

- name: What does this file tell (no root, no systemd needed)
  memops.linux.oom_facts:
    sources: [files]
    paths:
      - /srv/sosreports/*/var/log/messages*

- name: Fail on a host that saw kills, and on one that cannot see
  ansible.builtin.assert:
    that:
      - ansible_facts.oom.visibility.state == 'clear'
      - ansible_facts.oom.summary.total == 0
"""

RETURN = r"""
ansible_facts:
  description: The facts. Sizes are bytes, times are seconds since 1970-01-01 UTC, unknown is null.
  returned: always
  type: dict
  contains:
    oom:
      description: Everything about the host and the OOM killer.
      returned: always
      type: dict
      contains:
        schema:
          description: Version of this structure.
          type: int
          returned: always
          sample: 1
        gathered_at:
          description: When the host was asked. Facts out of a cache are as old as this says.
          type: float
          returned: always
          sample: 1795377980.5
        kills:
          description:
            - Processes that were killed, oldest first, each once, wherever it was seen.
            - Names (C(comm), cgroups, units) are chosen by whoever ran the process. Control characters, bidirectional marks
              and bytes that are not UTF-8 are written as C(\xNN) or C(\uNNNN).
            - C(unit) is the first part of the victim's cgroup that ends in C(.service) or C(.scope). Where the kernel, rate-limited,
              printed no cgroup, it is the unit that systemd named at that moment, if only one kill and one unit can belong together.
          type: list
          elements: dict
          returned: when V(kills) is gathered
          sample:
            - id: 1d9e0cf1a4f3c09b
              time: 1795377980.07
              time_quality: exact
              host: vm1
              boot_id: ee50e604ee904964a55dc46ec4cd51fc
              uptime: 101.599252
              killer: kernel
              scope: memcg
              trigger: fault
              constraint: CONSTRAINT_MEMCG
              victim:
                pid: 321
                comm: leaky
                uid: 0
                total_vm: 35823616
                anon_rss: 33390592
                file_rss: 4096
                shmem_rss: 0
                pgtables: 106496
                oom_score_adj: 0
                oom_score: null
              invoker: {pid: 321, comm: leaky, gfp_mask: "0xcc0", order: 0}
              oom_memcg: /system.slice/lab-memcg.service
              task_memcg: /system.slice/lab-memcg.service
              unit: lab-memcg.service
              container_id: null
              kernel: 6.1.0-56-cloud-amd64
              partial: false
              source:
                name: journal
                trusted: true
                reason: kernel facility in the local journal
                seen_in: [journal, /var/log/kern.log]
        truncated:
          description: Number of older kills that are counted in C(summary) and not listed in C(kills).
          type: int
          returned: when V(kills) is gathered
        unresolved:
          description: Shortages in which the kernel killed nothing, C(panic) or C(no_victim). Repeats within a minute are one row with a C(count).
          type: list
          elements: dict
          returned: when V(kills) is gathered
        summary:
          description: All kills by unit, name and killer; C(untrusted) of C(total) are vouched for by text logs only.
          type: dict
          returned: when V(kills) is gathered
          sample: {total: 1, untrusted: 0, by_unit: {lab-memcg.service: 1}, by_comm: {leaky: 1}, by_killer: {kernel: 1}}
        counters:
          description:
            - C(vmstat_oom_kill) is the kernel's own count since boot, C(kernel_kills_this_boot) what the sources tell of
              (a victim that the kernel printed twice counts twice, as it does in the kernel's count).
            - C(unexplained) is the difference; null where it cannot be known.
          type: dict
          returned: when V(counters) or V(kills) is gathered
          sample: {vmstat_oom_kill: 2, kernel_kills_this_boot: 2, unexplained: 0}
        sources:
          description:
            - What each source said. C(status) is V(read), V(absent), V(denied), V(skipped), V(not_regular), V(corrupt),
              V(truncated), V(rotated), V(timeout), V(too_big), V(unsupported) or V(error); what was read before the damage counts.
          type: list
          elements: dict
          returned: when V(kills) is gathered
          sample: [{name: /var/log/messages.1.gz, status: read, lines: 10431, first: 1763700000.0, last: 1763835083.6, reason: null}]
        visibility:
          description: V(clear), V(partial) or V(blind), since when, and the reasons.
          type: dict
          returned: when V(kills) is gathered
          sample: {state: clear, since: 1763700000.0, reasons: []}
        unparsed:
          description: Lines that look like a kill and that no pattern took.
          type: int
          returned: when V(kills) is gathered
          sample: 0
        confirmed_units:
          description: Units of which systemd itself says that they lost a process to an OOM killer.
          type: list
          elements: str
          returned: when V(kills) is gathered
          sample: [lab-memcg.service]
        memory:
          description: Memory and swap now, and pressure where the kernel measures it.
          type: dict
          returned: when V(memory) is gathered
        settings:
          description: The C(vm.*) settings that decide what happens when memory runs out.
          type: dict
          returned: when V(settings) is gathered
        units:
          description: Units that lost a process to the OOM killer, or that have C(OOMScoreAdjust=) set, as systemd sees them.
          type: list
          elements: dict
          returned: when V(units) is gathered
        daemons:
          description: User-space killers, V(active), V(inactive) or V(absent).
          type: dict
          returned: when V(daemons) is gathered
          sample: {systemd-oomd: active, earlyoom: absent, nohang: absent, oomd: absent}
"""

import time
from typing import Any, Dict, Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.memops.linux.plugins.module_utils._host import host_of
from ansible_collections.memops.linux.plugins.module_utils._oom.gather import gather
from ansible_collections.memops.linux.plugins.module_utils._oom.wish import SOURCES, SUBSETS, Wish
from ansible_collections.memops.linux.plugins.module_utils._text import safe
from ansible_collections.memops.linux.plugins.module_utils._when import parse_when


def argument_spec() -> Dict[str, Any]:
    return {
        "gather_subset": {"type": "list", "elements": "str", "choices": ("all",) + SUBSETS, "default": ["all"]},
        "since": {"type": "str"},
        "until": {"type": "str"},
        "sources": {"type": "list", "elements": "str", "choices": ("auto",) + SOURCES, "default": ["auto"]},
        "paths": {"type": "list", "elements": "path"},
        "journal_directory": {"type": "path"},
        "max_kills": {"type": "int"},
        "include_tasks": {"type": "bool", "default": False},
        "killers": {"type": "str", "choices": ["auto", "all", "kernel"], "default": "auto"},
    }


def _moment(params: Dict[str, Any], option: str, now: float) -> Optional[float]:
    if params[option] is None:
        return None
    try:
        return parse_when(params[option], now)
    except ValueError as exc:
        raise ValueError("%s: %s. Nothing was read." % (option, exc))


def wish_of(params: Dict[str, Any], now: float) -> Wish:
    """The options as a wish. Raises ValueError that names the wrong one."""
    since, until = _moment(params, "since", now), _moment(params, "until", now)
    if since is not None and until is not None and since > until:
        raise ValueError("since: %s is later than until: %s. Nothing was read." % (params["since"], params["until"]))
    if params["max_kills"] is not None and params["max_kills"] < 0:
        raise ValueError("max_kills: %d is negative; give 0 or more. Nothing was read." % params["max_kills"])
    if params["paths"] is not None and not [path for path in params["paths"] if path]:
        raise ValueError("paths: is empty; name a file or leave the option out for the standard logs. Nothing was read.")
    for option, path in [("paths", path) for path in params["paths"] or ()] + [("journal_directory", params["journal_directory"])]:
        if path and "\0" in path:
            raise ValueError("%s: %r is no path, a path has no NUL. Nothing was read." % (option, path))
    subset = SUBSETS if "all" in params["gather_subset"] else tuple(params["gather_subset"])
    sources = None if "auto" in params["sources"] else tuple(params["sources"])
    return Wish(
        subset=subset,
        since=since,
        until=until,
        sources=sources,
        paths=None if params["paths"] is None else tuple(params["paths"]),
        journal_directory=params["journal_directory"],
        max_kills=params["max_kills"],
        include_tasks=params["include_tasks"],
        killers=params["killers"],
    )


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        wish = wish_of(module.params, time.time())
    except ValueError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=False, ansible_facts={"oom": safe(gather(host_of(module), wish))})


if __name__ == "__main__":
    main()
