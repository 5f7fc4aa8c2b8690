#!/usr/bin/python
# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: oom_facts
short_description: Gather OOM kills, and how far back the host can see
version_added: 0.5.0
description:
  - Finds every process that the kernel, systemd-oomd, earlyoom, nohang or oomd killed for lack of memory.
    Reads the systemd journal, the text logs with their rotations, and the kernel's ring buffer.
  - Says what each source told, how far back it reaches, and whether the kernel counted more kills than the sources tell
    of. No kills on a host that cannot see is RV(ignore:ansible_facts.oom.visibility.state=blind), not clean.
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
      - V(all) means all but V(pressure), which is gathered only where it is named, and may take a second longer.
    type: list
    elements: str
    choices: [all, kills, counters, memory, settings, units, daemons, swap, pressure]
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
        Files or patterns with C(*), C(?) and C([]); gzip, xz, bzip2 and zstd are read as they are, UTF-16 too.
      - Of a directory the logs in it are read, and C(sources) says how many. Of a sosreport, as a directory or a
        tarball, the journal is read as well, and host, RAM and the year of stamps are those of its machine.
      - Lines may stand in the form of syslog daemons, C(dmesg), consoles, C(journalctl -o) in any of its forms,
        containers' logs or log shippers (JSON).
      - Any user can write such a line through the syslog socket. RV(ignore:ansible_facts.oom.kills[].proof) says what
        speaks for each kill.
    type: list
    elements: path
  journal_directory:
    description:
      - Journal files of another host or system, as for C(journalctl --directory).
      - Files and directories named C(remote*), as systemd-journal-remote writes them, are read and never trusted.
    type: path
  max_kills:
    description:
      - Return at most so many kills, the newest. RV(ansible_facts.oom.truncated) counts the rest.
      - By default at most 1000, and fewer when the facts would be larger than 256 KiB.
    type: int
  include_tasks:
    description:
      - Return the kernel's task table with each kill that has one. Why a process was killed is said without it, too.
      - Large. Where the facts would be larger than 256 KiB, the tables of the oldest kills are left out first;
        RV(ignore:ansible_facts.oom.tables_truncated) counts them. The reasons stay.
    type: bool
    default: false
  killers:
    description:
      - Whose kills to look for in text logs larger than 64 MiB, where every further killer costs time.
      - V(auto) looks for all of them when a user-space killer is installed on the host, and for the kernel's otherwise.
    type: str
    choices: [auto, all, kernel]
    default: auto
  units:
    description:
      - Units to tell of in RV(ansible_facts.oom.units) whatever they say, also when they are not installed.
        C(nginx) means C(nginx.service), and C(postgresql@.service) its loaded instances too.
    type: list
    elements: str
    default: []
  only:
    description:
      - Only these kills. Of several keys each has to fit, of several values in a key one.
        RV(ignore:ansible_facts.oom.only.left_out) counts the others, of which RV(ansible_facts.oom.summary) says
        nothing.
      - Visibility, counters and RV(ansible_facts.oom.unresolved) are those of the whole host.
    type: dict
    suboptions:
      units:
        description: Units that lost a process, also those of a user's manager. C(nginx) means C(nginx.service).
        type: list
        elements: str
        default: []
      comms:
        description: Names of the victims, as the kernel has them (15 bytes).
        type: list
        elements: str
        default: []
      containers:
        description: Ids of containers, or how they begin.
        type: list
        elements: str
        default: []
      id:
        description: The C(id) of a kill.
        type: str
notes:
  - Of what a host answers only C(ansible_facts.oom) becomes a variable, with known keys, of their types, at most 3,000
    kills. An answer of more than 8 MiB is refused. With C(async) and C(poll=0) the answer comes by
    M(ansible.builtin.async_status), which takes it as it is.
seealso:
  - plugin: memops.linux.oom_parse
    plugin_type: filter
  - module: memops.linux.oom_report
  - ref: ansible_collections.memops.linux.docsite.guide_symptoms
    description: Questions, each with one command
  - ref: ansible_collections.memops.linux.docsite.guide_report
    description: What every word of the report means
  - ref: ansible_collections.memops.linux.docsite.guide_security
    description: What can be forged, and what cannot
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

- name: Why did each of them die
  memops.linux.oom_facts:
    since: 24h
  register: found

- name: Say so
  ansible.builtin.debug:
    msg: "{{ found.ansible_facts.oom.kills | map(attribute='why') | list }}"

- name: Fail on a host that saw kills, and on one that cannot see
  ansible.builtin.assert:
    that:
      - ansible_facts.oom.visibility.state == 'clear'
      - ansible_facts.oom.summary.total == 0
"""

RETURN = r"""
msg:
  description:
    - The facts in one line. What died, the last of it with its unit, time and limit; or what was looked at and told of
      no kill; or that the host could not look, why, and what to do about it. Then since when it sees.
  returned: success
  type: str
  sample: >-
    3 kills in 24 h: the last nginx (web.service) at 2026-11-22T14:02:11Z, limit 512 MiB; by unit: web.service 2,
    db.service 1; sees since 2026-11-15T06:25:01Z
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
            - Names (C(comm), cgroups, units) are chosen by the user who runs the process. Control characters, bidirectional
              marks and bytes that are not UTF-8 are written as C(\xNN) or C(\uNNNN).
            - C(unit) is the first part of the victim's cgroup that ends in C(.service) or C(.scope). Where the kernel,
              rate-limited, printed no cgroup, it is the unit that systemd named at that moment, if only one kill and
              one unit can belong together.
            - C(container) has the C(id) of the victim's container and, by what the engine keeps on the disk of the
              host, its C(name), C(image), C(pod), C(namespace) of the pod and C(engine) (V(podman), V(docker),
              V(containerd) or V(crio)). No engine is asked. Each is null where no file tells, as for a container that
              is removed, or a log that was brought from elsewhere. All of it is null without a C(container_id). Of a
              kill in a user's slice only the files of that user are looked at, and those are in the user's words.
            - C(proof) is V(kernel) for a record that only the kernel, or the named daemon, can have written;
              V(confirmed) for a text log and a sign that no other user can write (pid 1's trusted word on that unit
              within a minute, a counter of the kernel or of the cgroup); V(logged) for a text log of a time that no
              trusted source covers; V(disputed) for a text log of a time that the journal or the ring buffer covers
              without a flaw and does not have it, or for a record that names another writer by itself. The first three
              are kills. A disputed one is forged or another machine's, and counts nowhere.
            - What systemd says of a unit and no killer's own record does is a kill with C(partial), C(unit), and a
              C(killer) V(unknown) or V(systemd-oomd).
            - C(why) is one sentence of why this process died, where the memory was, and, of the last kill of a unit,
              what systemd made of it.
            - C(cause) is what was short and what held it; C(ledger) where each byte of it was; C(contest) the kernel's
              choice recomputed from its own table, null without a whole one.
            - With O(include_tasks) each kill also has C(tasks), the table, with the C(badness) of each process in
              bytes, null for one that may not be killed.
            - C(cause) is a list of dicts with C(kind), C(text), C(size) in bytes and C(share) of the memory that was
              short, what explains most first. A process is a cause from a quarter of that memory on.
            - Kinds of what could not be had though it was there are V(sysrq) (the kill was requested by hand), V(cpuset),
              V(numa), V(lowmem), V(fragmentation), V(mglru) (the reclaimer itself called the killer), V(free) (half of the
              memory or more was free, and nothing in the report says what was short) and V(protection) (memory.min and
              memory.low).
            - Kinds of what held it are V(one_process), V(many_alike), V(many_processes), V(anon) (processes, and no
              table names them), V(shmem), V(page_cache), V(unevictable), V(slab_unreclaimable), V(slab_reclaimable),
              V(kernel_memory) (of a cgroup), V(page_tables), V(kernel_stack), V(hugepages), V(percpu), V(vmalloc),
              V(sockets), V(swap_cache), V(zswap), V(balloon) and V(unaccounted) (pages that no counter of the kernel
              knows).
            - Then come V(memcg_limit), V(memcg) (a cgroup without a limit of its own), V(group) (memory.oom.group),
              V(allocating_task), V(swap_limit), V(swap_full) and V(no_swap).
            - C(ledger) has C(total), what of a cgroup (C(of) is V(limit)) or of the host (V(ram)) was in use or free;
              C(rows), which add up to it, each byte once, null where the log does not tell; C(of_file), what of the row
              C(file) was C(dirty) or under C(writeback); and C(complete), whether the log has all that this kernel
              tells. It is null where the log has no numbers.
            - C(contest) has C(totalpages), the memory in bytes that an adjustment is a share of; C(candidates), how
              many could be chosen; C(winner) and C(second) with C(pid), C(comm) and C(badness); C(margin) between them;
              C(rule), the arithmetic of that kernel; and C(exception), null where the winner is the process that died,
              else by which rule another one did.
            - C(exception) is V(group) (memory.oom.group), V(allocating_task) (vm.oom_kill_allocating_task),
              V(child_sacrificed) (kernels to 5.1), V(choice_not_told) (the same, and the line that says so is lost),
              V(all_negative) (to 5.8), V(already_killed), V(old_heuristic) (before 2.6.36), V(columns_missing) (EL 6
              prints neither swap nor page tables), V(patched_kernel), V(root_unknown) (to 4.16), V(constraint),
              V(victim_not_listed), V(table_cut), V(total_unknown), V(sizes_moved) or V(unexplained).
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
              container: null
              kernel: 6.1.0-56-cloud-amd64
              partial: false
              proof: kernel
              why: >-
                leaky[321] was the only process that could be killed (32 MiB of memory); one process, leaky[321], held
                32 MiB (99 %); the limit of 32 MiB of /system.slice/lab-memcg.service was reached
              cause:
                - {kind: one_process, size: 33390592, share: 0.995, text: "one process, leaky[321], held 32 MiB (99 %)"}
                - kind: memcg_limit
                  size: 33554432
                  share: null
                  text: the limit of 32 MiB of /system.slice/lab-memcg.service was reached
              ledger:
                of: limit
                total: 33554432
                rows:
                  free: null
                  anon: 33390592
                  shmem: 0
                  file: 0
                  unevictable: 0
                  slab_reclaimable: 8192
                  slab_unreclaimable: 28672
                  page_tables: 106496
                  kernel_stack: 16384
                  hugepages: null
                  percpu: 96
                  vmalloc: 0
                  sock: 0
                  swap_cached: 0
                  zswap: 0
                  other_kernel: 4000
                  unaccounted: 0
                of_file: {dirty: 0, writeback: 0}
                complete: true
              contest:
                totalpages: 33554432
                winner: {pid: 321, comm: leaky, badness: 33501184}
                second: null
                margin: null
                candidates: 1
                exception: null
                rule: "6.1 kernel: rss + swap + page tables + oom_score_adj thousandths of totalpages"
              source:
                name: journal
                trusted: true
                reason: kernel facility in the local journal
                seen_in: [journal, /var/log/kern.log]
        only:
          description: What O(only) asked for, and in C(left_out) how many other kills there are.
          type: dict
          returned: with O(only)
          sample: {units: [nginx.service], comms: [], containers: [], id: null, left_out: 12}
        truncated:
          description: Number of older kills that are counted in C(summary) and not listed in C(kills).
          type: int
          returned: when V(kills) is gathered
        details_truncated:
          description: Number of older kills whose C(cause), C(contest) and C(ledger) were left out for the size of the
            result. Their C(why) is there.
          type: int
          returned: when there are any
        tables_truncated:
          description: Number of task tables that were left out for the size of the result.
          type: int
          returned: with O(include_tasks), when there are any
        unresolved:
          description:
            - Shortages of which no victim is known. C(outcome) is V(panic), V(no_victim), V(unseen) where the report of
              the kernel began and its end is not in the log, or V(rule_fired) where a rule of systemd-oomd fired and
              nothing was killed. C(proof), C(why), C(cause) and C(ledger) as for C(kills).
            - Repeats within a minute are one row with a C(count).
          type: list
          elements: dict
          returned: when V(kills) is gathered
        unresolved_truncated:
          description: Number of older rows that are not listed in C(unresolved).
          type: int
          returned: when V(kills) is gathered
          sample: 0
        summary:
          description:
            - All kills by unit, name and killer. C(untrusted) of C(total) stand in text logs, where other processes
              could have written them.
            - C(by_proof) counts by C(proof); what is V(disputed) is not in C(total) and in no other count.
            - C(verdict) says whether it will come again. C(state) is V(none), V(transient) (one shortage, or two that
              lie weeks apart, and nothing is short now), V(chronic) (the same unit or process died in three shortages,
              or there were shortages on three days, or memory is short now, an hour after the last kill) or V(unknown);
              then the C(reasons). C(trusted) is false where the state depends on what text logs alone tell. Kills that
              were asked for by hand (sysrq) do not count.
          type: dict
          returned: when V(kills) is gathered
          sample:
            total: 1
            untrusted: 0
            by_proof: {kernel: 1, confirmed: 0, logged: 0, disputed: 0}
            by_unit: {lab-memcg.service: 1}
            by_comm: {leaky: 1}
            by_killer: {kernel: 1}
            verdict: {state: transient, reasons: ["one shortage, one kill, 2 h ago"], trusted: true}
        counters:
          description:
            - C(vmstat_oom_kill) is the kernel's own count since boot, C(kernel_kills_this_boot) what the sources tell
              of (a victim that the kernel printed twice counts twice, as it does in the kernel's count).
            - C(unexplained) is the difference; null where it cannot be known.
            - C(unexplained_by_unit) has the units of which C(memory.events) or systemd count more kills than the sources
              tell of, and how many; null where units were not gathered or cannot be asked for.
          type: dict
          returned: when V(counters) or V(kills) is gathered
          sample: {vmstat_oom_kill: 2, kernel_kills_this_boot: 2, unexplained: 0, unexplained_by_unit: {}}
        sources:
          description:
            - What each source said. C(status) is V(read), V(absent), V(denied), V(skipped), V(not_regular), V(corrupt),
              V(truncated), V(rotated), V(timeout), V(too_big), V(unsupported) or V(error); what was read before the
              damage counts.
          type: list
          elements: dict
          returned: when V(kills) is gathered
          sample: [{name: /var/log/messages.1.gz, status: read, lines: 10431, first: 1763700000.0, last: 1763835083.6, reason: null}]
        local:
          description: Whether the sources were the host's own. V(false) where O(paths) or O(journal_directory) named them; then they are of the
            machine that wrote them. Facts of an older version do not have it.
          type: bool
          returned: when V(kills) is gathered
          sample: true
        visibility:
          description: V(clear), V(partial) or V(blind), since when, and the reasons.
          type: dict
          returned: when V(kills) is gathered
          sample: {state: clear, since: 1763700000.0, reasons: []}
        window:
          description: The O(since) and O(until) that were asked for. Older and newer kills are not among these facts,
            whatever the host can see.
          type: dict
          returned: when V(kills) is gathered
          sample: {since: 1795291580.5, until: null}
        unparsed:
          description: Lines that speak of a kill and that no pattern took, whatever program they name. They stand for kills that
            may be missing here.
          type: int
          returned: when V(kills) is gathered
          sample: 0
        unparsed_samples:
          description: The first five of those lines, 200 characters of each. Please report them where this collection
            has its issues.
          type: list
          elements: str
          returned: when V(kills) is gathered
          sample: []
        quoted:
          description: Lines that hold the words of a kill and are none, such as another program's message that quotes
            the kernel's. They cloud nothing.
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
          description: The C(vm.*) settings that M(memops.linux.vm_settings) can set; null for what this kernel does not
            have.
          type: dict
          returned: when V(settings) is gathered
        settings_at_boot:
          description:
            - C(values) is what the files of C(sysctl.d) make of C(vm.*) settings at the next boot, and which of them
              has the last word.
            - C(ignored) names those that C(/etc/sysctl.conf) sets where nothing reads it, as on Debian 13.
          type: dict
          returned: when V(settings) is gathered
          sample: {values: {swappiness: {value: 10, file: /etc/sysctl.d/90-memops.conf}}, ignored: {}}
        units:
          description:
            - Units that lost a process to the OOM killer, whose main process ended by SIGKILL, that have
              C(OOMScoreAdjust=) or a memory limit set, or a drop-in of this collection's, and those in O(units). As
              systemd sees them, at most 200.
            - C(oom_kills) is what the unit's cgroup counts since it was made; C(oom_kills_by_systemd) and
              C(managed_oom_kills) are the numbers of systemd 259 and later, null before, of kills by the kernel and by
              systemd-oomd.
            - C(main_exit) is how the main process ended, C(code) V(exited), V(killed) or V(dumped) with the C(status) or
              signal and the C(uptime) of it; null while it runs and where it ended well.
            - C(active_since_uptime) is when the unit became active, in seconds since boot.
            - An empty list says that systemd was asked and has none of them. Where systemd does not run or does not
              answer it is null.
            - C(load_state) is V(template) for a template that O(units) names. It is not a unit, and only its files are
              told.
            - Limits are bytes; V(null) for unknown and for none, and C(unlimited) names those that are none.
            - C(kernel) is what the kernel holds of the same limits, bytes or V(infinity), and C(oom_group), whether it
              kills all of the unit at once. systemd and the kernel may differ. At a daemon-reload systemd 257 leaves
              the new limits of a running unit for later, and puts them into force when some other unit of the slice
              starts.
              Null is unknown, or that there is no such file; C(controller) and C(absent), the names of files that this
              kernel does not have, say which.
            - C(kernel.controller) is V(v2) or V(v1) for the memory controller of that cgroup version, which for V(v1)
              knows C(memory_max) only, V(none) where the unit's cgroup has no memory controller and nothing is limited,
              V(no_cgroup) where nothing of the unit runs, and null where its cgroup cannot be seen.
            - C(managed_oom_swap), C(managed_oom_memory_pressure) and C(managed_oom_preference) are what systemd-oomd
              goes by, null before systemd 247 (the preference 248). C(managed_oom_memory_pressure_limit) is in percent,
              0.0 for the one of C(oomd.conf).
            - C(set_by) is the file that wins for a setting, C(scores) how many of its processes have which
              C(oom_score_adj), null where they cannot be seen. C(state) of a process is V(as_wanted), V(older) for one
              with the score of its start, V(own_score), or V(denied) where pid 1 itself may not lower a score. At most
              10 are listed, and only those that are not V(as_wanted) where the units would take too much of the result.
          type: list
          elements: dict
          returned: when V(units) is gathered
          sample:
            - name: nginx.service
              names: []
              load_state: loaded
              active_state: active
              active_since_uptime: 11.37
              result: success
              oom_kills: 0
              oom_kills_by_systemd: null
              managed_oom_kills: null
              main_exit: null
              oom_score_adjust: -500
              oom_policy: continue
              memory_current: 7340032
              memory_peak: 9437184
              memory_min: 0
              memory_low: 0
              memory_high: null
              memory_max: 536870912
              memory_swap_max: null
              unlimited: [memory_high, memory_swap_max]
              type: forking
              restart: "no"
              restarts: 0
              kill_mode: mixed
              delegate: false
              needs_reload: false
              fragment: /lib/systemd/system/nginx.service
              drop_ins: [/etc/systemd/system/nginx.service.d/50-memops.conf]
              set_by: {oom_score_adjust: /etc/systemd/system/nginx.service.d/50-memops.conf}
              scores: {"-500": 3}
              processes: [{pid: 812, comm: nginx, oom_score_adj: -500, state: as_wanted}]
              kernel:
                memory_min: 0
                memory_low: 0
                memory_high: infinity
                memory_max: 536870912
                memory_swap_max: infinity
                oom_group: false
                controller: v2
              managed_oom_swap: auto
              managed_oom_memory_pressure: auto
              managed_oom_memory_pressure_limit: 0.0
              managed_oom_preference: none
        units_truncated:
          description: Number of units that are not listed in C(units), for there are more than 200 or they would take
            too much of the result.
          type: int
          returned: when V(units) is gathered and there are any
        sigkills:
          description:
            - Exit code 137. Units that are down and containers of docker that ended by SIGKILL, of which no killer's
              record tells, at most 50. C(text) says what can be said.
            - C(verdict) is V(oom) (systemd, the engine or a counter says that it was an OOM killer), V(not_oom) (the
              kernel counted no kill that the sources do not tell of), V(stopped) (systemd or the engine sent the signal
              to stop it) or V(unknown).
          type: list
          elements: dict
          returned: when V(kills) and V(units) are gathered of the host itself, and systemd answers
          sample:
            - unit: job.service
              container: null
              time: null
              uptime: 812.3
              verdict: not_oom
              text: >-
                job.service ended by SIGKILL (exit code 137), and no killer's record tells of it; it was not the
                kernel's OOM killer, which counted no kill that the sources do not tell of; no user-space OOM killer
                runs; what is left is a kill -9 by a person or a program, RLIMIT_CPU, or an engine that stopped it
        pressure:
          description:
            - Near misses. Every control group with a limit of memory, the worst first, at most 50, null where no memory
              controller can be seen. Sizes are bytes, null is none or unknown.
            - C(state) is V(frozen) (at C(MemoryHigh=), and for half of the last ten seconds none of its processes came
              on; the kernel never kills for that), V(throttled) (at C(MemoryHigh=) and held back), V(at_limit) (at
              C(MemoryMax=), and nine tenths of it cannot be taken back), V(near) (nine tenths of the smaller limit
              cannot be taken back) or V(ok). C(text) says so in a sentence.
            - C(share) is what cannot be taken back, of the smaller limit; C(events) and C(events_local) are
              C(memory.events) with and without what is below; C(more_high) is how often it was held back within a
              second, null where it was looked at once; C(psi) its own pressure. C(next_victim) is who would die there,
              told for the first 20.
          type: list
          elements: dict
          returned: when V(pressure) is gathered
          sample:
            - cgroup: /system.slice/web.service
              unit: web.service
              container_id: null
              state: frozen
              text: >-
                web.service is frozen at MemoryHigh=48 MiB: it holds 48 MiB, and for 93 % of the last 10 s none of its
                processes came on; the kernel held it back 1234 times (2 more while we looked) and never kills for that
              memory_current: 50331648
              memory_max: 67108864
              memory_high: 50331648
              reclaimable: 12288
              share: 1.0
              swap_current: 0
              swap_max: 0
              events: {low: 0, high: 1234, max: 0, oom: 0, oom_kill: 0, oom_group_kill: 0}
              events_local: {low: 0, high: 1234, max: 0, oom: 0, oom_kill: 0, oom_group_kill: 0}
              more_high: 2
              psi:
                some: {avg10: 95.1, avg60: 90.2, avg300: 60.3, total: 123456789}
                full: {avg10: 93.2, avg60: 88.1, avg300: 58.7, total: 120456789}
              processes: 3
              next_victim: {pid: 812, comm: web, oom_score_adj: 0, rss: 47185920}
        swap:
          description: Swap areas in use, largest priority first, sizes in bytes. C(in_fstab) is about files and devices
            by their path.
          type: list
          elements: dict
          returned: when V(swap) is gathered
          sample: [{path: /swapfile, type: file, size: 2147479552, used: 0, priority: -2, in_fstab: true}]
        daemons:
          description: User-space killers, V(active), V(inactive) or V(absent).
          type: dict
          returned: when V(daemons) is gathered
          sample: {systemd-oomd: active, earlyoom: absent, nohang: absent, oomd: absent}
"""

import time
from typing import Any, Dict, List, Optional, Tuple

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.memops.linux.plugins.module_utils._facts.params import ON_REQUEST, SOURCES, SUBSETS, Only, Wish
from ansible_collections.memops.linux.plugins.module_utils._host import host_of
from ansible_collections.memops.linux.plugins.module_utils._systemd.unit_name import parse_unit_name
from ansible_collections.memops.linux.plugins.module_utils._text import safe
from ansible_collections.memops.linux.plugins.module_utils._when import parse_when


def argument_spec() -> Dict[str, Any]:
    return {
        "gather_subset": {
            "type": "list",
            "elements": "str",
            "choices": ("all",) + SUBSETS + ON_REQUEST,
            "default": ["all"],
        },
        "since": {"type": "str"},
        "until": {"type": "str"},
        "sources": {"type": "list", "elements": "str", "choices": ("auto",) + SOURCES, "default": ["auto"]},
        "paths": {"type": "list", "elements": "path"},
        "journal_directory": {"type": "path"},
        "max_kills": {"type": "int"},
        "include_tasks": {"type": "bool", "default": False},
        "killers": {"type": "str", "choices": ["auto", "all", "kernel"], "default": "auto"},
        "units": {"type": "list", "elements": "str", "default": []},
        "only": {
            "type": "dict",
            "options": {
                "units": {"type": "list", "elements": "str", "default": []},
                "comms": {"type": "list", "elements": "str", "default": []},
                "containers": {"type": "list", "elements": "str", "default": []},
                "id": {"type": "str"},
            },
        },
    }


def _moment(params: Dict[str, Any], option: str, now: float) -> Optional[float]:
    if params[option] is None:
        return None
    try:
        return parse_when(params[option], now)
    except ValueError as exc:
        raise ValueError("%s: %s. Nothing was read." % (option, exc))


def _units(names: List[str], option: str = "units") -> Tuple[str, ...]:
    try:
        return tuple(parse_unit_name(name).name for name in names)
    except ValueError as exc:
        raise ValueError("%s: %s. Nothing was read." % (option, exc))


def _only(given: Optional[Dict[str, Any]]) -> Optional[Only]:
    if given is None:
        return None
    only = Only(_units(given["units"], "only.units"), tuple(given["comms"]), tuple(given["containers"]), given["id"])
    if only == Only():
        raise ValueError(
            "only: selects nothing; give units, comms, containers or id, or leave the option out. Nothing was read."
        )
    if "" in only.containers:
        raise ValueError("only.containers: an empty text is the beginning of every id. Nothing was read.")
    return only


def wish_of(params: Dict[str, Any], now: float) -> Wish:
    """The options as a wish. Raises ValueError that names the wrong one."""
    since, until = _moment(params, "since", now), _moment(params, "until", now)
    if since is not None and until is not None and since > until:
        raise ValueError("since: %s is later than until: %s. Nothing was read." % (params["since"], params["until"]))
    if params["max_kills"] is not None and params["max_kills"] < 0:
        raise ValueError("max_kills: %d is negative; give 0 or more. Nothing was read." % params["max_kills"])
    if params["paths"] is not None and not [path for path in params["paths"] if path]:
        raise ValueError(
            "paths: is empty; name a file or leave the option out for the standard logs. Nothing was read."
        )
    for option, path in [("paths", path) for path in params["paths"] or ()] + [
        ("journal_directory", params["journal_directory"])
    ]:
        if path and "\0" in path:
            raise ValueError("%s: %r is not a valid path: it contains a NUL. Nothing was read." % (option, path))
    named = tuple(params["gather_subset"])
    subset = SUBSETS + tuple(name for name in ON_REQUEST if name in named) if "all" in named else named
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
        units=_units(params["units"]),
        only=_only(params["only"]),
    )


def main() -> None:
    # Only here: the controller reads the documentation of this file before each call, and needs nothing else of it.
    from ansible_collections.memops.linux.plugins.module_utils._facts.answer import answer
    from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather

    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        wish = wish_of(module.params, time.time())
    except ValueError as exc:
        module.fail_json(msg=str(exc))
    oom = safe(gather(host_of(module), wish))
    if wish.paths is not None and "kills" in wish.subset and oom["visibility"]["state"] == "blind":
        module.warn("Nothing can be said of kills: %s." % "; ".join(oom["visibility"]["reasons"]))
    module.exit_json(msg=answer(oom), changed=False, ansible_facts={"oom": oom})


if __name__ == "__main__":
    main()
