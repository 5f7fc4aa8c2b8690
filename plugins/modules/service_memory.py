#!/usr/bin/python
# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: service_memory
short_description: Set OOMScoreAdjust and memory limits of systemd units, and prove that they are in force
version_added: 0.5.0
description:
  - Writes a drop-in of its own for each unit, reloads systemd, gives the running processes their new score through
    C(/proc) and their cgroup its new limits through systemd, without a restart, and reads back every layer. The file,
    what systemd has loaded, and what the kernel holds for every process and every limit of the unit.
  - A person's C(override.conf) is never touched. Nothing restarts unless O(apply=restart).
  - Give all services of a host in one call, in O(services). It costs little more than one service.
author:
  - memops.linux contributors (@memops)
extends_documentation_fragment:
  - memops.linux._attributes
  - memops.linux._attributes.changes
options:
  name:
    description:
      - Units, all with the settings at the top. C(nginx) means C(nginx.service); an alias such as C(mysql) is followed
        to its unit.
      - A template such as C(getty@.service) is all its instances. Services, slices, scopes, sockets, mounts and swaps;
        no wildcards.
    type: list
    elements: str
    aliases: [unit]
  services:
    description: Units, each with its own settings. For anything but one unit this is the fast way.
    type: list
    elements: dict
    suboptions:
      name:
        description: The unit, as in O(name).
        type: str
        required: true
      state:
        description: As O(state), for this unit.
        type: str
        choices: [present, absent]
      dropin:
        description: As O(dropin), for this unit.
        type: str
      apply:
        description: As O(apply), for this unit.
        type: str
        choices: [live, restart, next_start]
      missing:
        description: As O(missing), for this unit.
        type: str
        choices: [fail, skip, stage]
      fallback:
        description:
          - This entry is a default. It is left out where another one is for the same unit, under its own name or an
            alias; without it, two entries for one unit are an error.
          - With O(services[].missing=skip) it is not in RV(services) where the unit is not installed.
        type: bool
        default: false
        aliases: [yields]
      oom_score_adjust: &oom_score_adjust
        description:
          - C(OOMScoreAdjust=). From V(-1000), never killed, to V(1000), killed first.
          - V(-1000) is inherited by everything that the service starts; V(-900) protects nearly as well.
        type: int
      oom_policy: &oom_policy
        description: C(OOMPolicy=), what happens to the unit when one of its processes was killed. systemd 243 or newer.
        type: str
        choices: [continue, stop, kill]
      restart: &restart
        description: C(Restart=), whether systemd starts it again. Without it, a service that was killed stays dead.
        type: str
        choices: ["no", on-success, on-failure, on-abnormal, on-watchdog, on-abort, always]
      memory_min: &memory_min
        description:
          - C(MemoryMin=), memory that is never taken from it. systemd 240 or newer, cgroup 2.
          - Bytes, a number with V(K), V(M), V(G) or V(T) such as V(512M), a share of RAM such as V(20%), or
            V(infinity). The same for the other limits.
        type: str
      memory_low: &memory_low
        description: C(MemoryLow=), memory that is taken from it last. systemd 231 or newer, cgroup 2.
        type: str
      memory_high: &memory_high
        description: C(MemoryHigh=), above which it is slowed down. systemd 231 or newer, cgroup 2. When it is in force,
          see O(apply).
        type: str
      memory_max: &memory_max
        description: C(MemoryMax=), above which the kernel kills in it. systemd 231 or newer. When it is in force, see
          O(apply).
        type: str
      memory_swap_max: &memory_swap_max
        description: C(MemorySwapMax=), how much swap it may use. systemd 232 or newer, cgroup 2.
        type: str
      managed_oom_swap: &managed_oom_swap
        description: C(ManagedOOMSwap=), whether systemd-oomd kills in it when swap runs out. systemd 247 or newer.
        type: str
        choices: [auto, kill]
      managed_oom_memory_pressure: &managed_oom_memory_pressure
        description: C(ManagedOOMMemoryPressure=), whether systemd-oomd kills in it under memory pressure. systemd 247
          or newer.
        type: str
        choices: [auto, kill]
      managed_oom_preference: &managed_oom_preference
        description: C(ManagedOOMPreference=), whether systemd-oomd spares it. systemd 248 or newer.
        type: str
        choices: [none, avoid, omit]
  oom_score_adjust: *oom_score_adjust
  oom_policy: *oom_policy
  restart: *restart
  memory_min: *memory_min
  memory_low: *memory_low
  memory_high: *memory_high
  memory_max: *memory_max
  memory_swap_max: *memory_swap_max
  managed_oom_swap: *managed_oom_swap
  managed_oom_memory_pressure: *managed_oom_memory_pressure
  managed_oom_preference: *managed_oom_preference
  state:
    description:
      - V(present) means that our drop-in holds exactly the given settings.
      - V(absent) removes exactly our drop-in, and its directory if that became empty. The processes get the score that is
        then the unit's.
    type: str
    choices: [present, absent]
    default: present
  dropin:
    description:
      - Name of our file in C(/etc/systemd/system/UNIT.d).
      - Drop-ins are read in the order of their names, and C(override.conf) comes after the default. A later name wins
        over it.
      - A file of this name that this module did not write is a person's. It is never touched, and the module fails.
    type: str
    default: 50-memops.conf
  apply:
    description:
      - V(live) reloads systemd; then running processes that still have the unit's earlier score get the new one. A
        process that set its own score keeps it.
      - V(restart) restarts the units whose processes do not have the score yet, waits O(settle) seconds and looks
        whether they live. Otherwise the earlier drop-in comes back, is reloaded and the unit restarted. A stopped unit
        stays stopped. Of a template these are its running instances, and where one of them dies, all that were
        restarted go back.
      - V(next_start) reloads only and returns RV(restart_required).
      - Limits and C(OOMPolicy=) of a running unit come into force at the reload with systemd 252 and older, also with
        V(next_start).
      - systemd 257 reads them at the reload and leaves the unit's cgroup as it is until something starts beside it. So
        with V(live) and V(restart) an empty scope is started for a moment in the unit's slice, and systemd then applies
        what it had read, for other units there too. With V(next_start) they wait, and RV(restart_required) tells.
        Restarted for its limits is only a unit for which all this did not help.
      - A limit that the kernel does not hold any more, because another program wrote into the cgroup, is set again by a
        reload, except with V(next_start).
    type: str
    choices: [live, restart, next_start]
    default: live
  missing:
    description:
      - What to do for a unit that is not installed, or is masked.
      - V(fail) fails, V(skip) goes on without it, V(stage) writes the drop-in, so that it counts when the unit comes.
      - A unit that is there and that systemd cannot load, for an error in its file, fails with V(skip) too.
    type: str
    choices: [fail, skip, stage]
    default: fail
  settle:
    description: Seconds to watch after a restart.
    type: float
    default: 10
  restart_timeout:
    description: Seconds that one restart may take.
    type: float
    default: 90
  allow_limits:
    description:
      - Set O(memory_max) or O(memory_high) although the unit uses more now, and would be killed or frozen by the reload
        alone. Also for a limit of another file that counts once ours is gone.
        Also for limits that contradict each other, or one of another file.
    type: bool
    default: false
    aliases: [force_limits]
  allow_unkillable:
    description: Set V(-1000) also for a service that starts other people's programs, such as sshd, cron or a container
      engine.
    type: bool
    default: false
  min_killable:
    description: Refuse V(-1000) when less than this share of RAM could be killed afterwards. The kernel panics when
      nothing is left to kill.
    type: str
    default: 50%
  allow_overcommit:
    description:
      - Set O(memory_max) or O(memory_min) although the sum over all services becomes more than RAM.
      - A template counts for each of its running instances. Slices do not count, what is in them does.
    type: bool
    default: false
  allow_weaker:
    description: Set a value that is less strict than one that a person set in another file below C(/etc).
    type: bool
    default: false
    aliases: [allow_loosening]
  allow_shadowed:
    description: Write the drop-in although a later file sets another value. It has no effect then, and RV(verified) is
      V(false).
    type: bool
    default: false
  allow_broad:
    description: Allow units that reach others, such as C(system.slice) or C(app-.service).
    type: bool
    default: false
    aliases: [force_broad]
  allow_unsupported:
    description:
      - Leave out settings that this systemd or this type of unit does not know, instead of failing.
      - Where nothing is left to set, nothing is done, and the gap is V(unsupported).
    type: bool
    default: false
    aliases: [ignore_unsupported]
  force_restart:
    description:
      - With O(apply=restart), restart also what is otherwise spared. One-shot jobs, and what carries sessions, the
        network or containers.
      - What the connection of this play hangs on is never restarted.
    type: bool
    default: false
requirements:
  - systemd 219 or newer. Where it does not run, as in a chroot, the drop-in is written and RV(verified) is V(false).
notes:
  - Needs root, except in check mode.
  - RV(verified) is V(false) and a warning says why when the change is made but the kernel does not follow, as in a
    container without C(CAP_SYS_RESOURCE). Check RV(verified) where it matters; the role
    P(memops.linux.oom_protect#role) does.
  - Waits up to 60 seconds for another run of this collection on the same host.
seealso:
  - module: memops.linux.oom_score_info
  - module: memops.linux.oom_facts
  - ref: ansible_collections.memops.linux.docsite.guide_protect_fleet
    description: Protecting many hosts without harm
  - ref: ansible_collections.memops.linux.docsite.guide_troubleshooting
    description: When something does not work
  - ref: ansible_collections.memops.linux.docsite.guide_upgrade
    description: Upgrade and removal
"""

EXAMPLES = r"""
- name: Kill nginx later than others, without a restart
  memops.linux.service_memory:
    name: nginx
    oom_score_adjust: -500

# ansible web -b -m memops.linux.service_memory -a 'name=nginx oom_score_adjust=-500'

- name: All services of a host in one call, and only those that are installed
  memops.linux.service_memory:
    missing: skip
    services:
      - name: postgresql@.service
        oom_score_adjust: -800
      - name: backup
        oom_score_adjust: 500
        memory_high: 1G
        memory_max: 1536M
        memory_swap_max: "0"
      - name: worker
        oom_policy: continue
        restart: on-failure

- name: Restart what needs it, look for half a minute, and go back if it dies
  memops.linux.service_memory:
    name: myapp
    oom_score_adjust: -300
    apply: restart
    settle: 30

- name: Take it back
  memops.linux.service_memory:
    name: nginx
    state: absent
"""

RETURN = r"""
msg:
  description: What was done and whether it is in force, in a line.
  type: str
  returned: always
  sample: "nginx.service: oom_score_adjust=-500 (write /etc/systemd/system/nginx.service.d/50-memops.conf, daemon-reload,
    set oom_score_adj of 3 processes to -500), in force in 3 processes"
verified:
  description: Every service is RV(services[].verified), those that were skipped left out.
  type: bool
  returned: success
restart_required:
  description: A running service has processes or limits that are not what the files say, and that its next start brings
    into force.
  type: bool
  returned: success
services:
  description:
    - One entry for each unit, in the order in which they were given.
    - For a single unit C(drop_in), C(effective), C(shadowed_by) and C(processes) are at the top as well.
  type: list
  elements: dict
  returned: always, except when an option is wrong
  contains:
    name:
      description: The unit by its own name.
      type: str
      sample: nginx.service
    asked:
      description: The name that was given, with its type.
      type: str
      sample: nginx.service
    state:
      description: The state that was requested.
      type: str
      sample: present
    status:
      description: V(changed), V(unchanged), V(failed); V(absent) or V(masked) when it was skipped.
      type: str
      sample: changed
    apply:
      description: The O(apply) that counted for it.
      type: str
      sample: live
    active:
      description: Whether the unit runs. V(null) if systemd cannot be asked.
      type: bool
      sample: true
    drop_in:
      description: Our file.
      type: str
      sample: /etc/systemd/system/nginx.service.d/50-memops.conf
    settings:
      description: What was requested, as it is written in the drop-in.
      type: dict
      sample: {oom_score_adjust: "-500"}
    effective:
      description:
        - What systemd has loaded after the reload, sizes in bytes or V(infinity). V(null) if this systemd does not show
          it, or the unit is masked.
        - In check mode what it would load, and V(null) for C(OOMPolicy=) if that would go back to a default.
      type: dict
      sample: {oom_score_adjust: -500, memory_max: infinity}
    shadowed_by:
      description: The file that is read after ours and sets another value.
      type: str
      sample: null
    processes:
      description:
        - Every process of the unit's cgroup. Only if the score is ours to set.
      type: list
      elements: dict
      sample: [{pid: 812, comm: nginx, before: 0, after: -500, state: as_wanted, unit: nginx.service}]
      contains:
        pid:
          description: Process id.
          type: int
        comm:
          description: Its name, as the kernel has it.
          type: str
        before:
          description: C(oom_score_adj) before.
          type: int
        after:
          description: C(oom_score_adj) as it was read back; in check mode what it would be.
          type: int
        state:
          description:
            - V(as_wanted), V(older) for one with the score of its start, V(own_score) for one that set its own,
              V(denied) when the kernel refused.
          type: str
        unit:
          description: The unit, or the instance of a template.
          type: str
    verified:
      description:
        - The file, systemd, and every process and limit in the kernel were read back and say what was requested.
        - V(false) in check mode if there is a change.
      type: bool
      sample: true
    gaps:
      description:
        - Why it is not verified. C(cause) is V(absent), V(masked), V(systemd_not_running), V(no_instance),
          V(not_written), V(not_shown), V(not_read), V(not_readable), V(shadowed), V(older_than_drop_in), V(own_score),
          V(denied), V(no_cap_sys_resource), V(not_enforced), V(no_memory_controller), V(cgroup_v1) or V(unsupported).
          C(text) says it to people.
        - V(not_readable) means that processes of a unit that runs, or their list, cannot be read here.
      type: list
      elements: dict
      sample: []
    restart_required:
      description:
        - Its processes, or with O(apply=next_start) its limits, are older than what the files say. The gap is
          V(older_than_drop_in).
        - In check mode whether they would be.
      type: bool
      sample: false
    reloaded:
      description: systemd was told to read its files.
      type: bool
      sample: true
    restarted:
      description: Units that were restarted.
      type: list
      elements: str
      sample: []
    rolled_back:
      description: The earlier drop-in was put back.
      type: bool
      sample: false
    steps:
      description: What was done, or would be done. Where it failed halfway, what was planned.
      type: list
      elements: str
      sample: [write /etc/systemd/system/nginx.service.d/50-memops.conf, daemon-reload, set oom_score_adj of 3 processes to -500]
    notes:
      description: Lines in other files that do nothing, changes of others that the reload brought, who would be the
        next victim.
      type: list
      elements: str
      sample: []
    error:
      description:
        - Why it failed, what was left untouched and which option changes that.
        - Where systemd stopped to answer halfway, that the next run goes on from there.
      type: str
      sample: null
    diff:
      description: Our drop-in before and after.
      type: dict
      sample: {before: "", after: "[Service]\nOOMScoreAdjust=-500\n"}
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.memops.linux.plugins.module_utils._host import host_of
from ansible_collections.memops.linux.plugins.module_utils._service_memory.execute import ProtectError, protect
from ansible_collections.memops.linux.plugins.module_utils._service_memory.params import (
    ParamsError,
    parse_overrides,
    parse_requests,
)
from ansible_collections.memops.linux.plugins.module_utils._service_memory.result import outcome, warnings
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import SETTINGS


def settings_spec() -> Dict[str, Any]:
    spec = {
        setting.option: {"type": "int" if setting.kind == "score" else "str"} for setting in SETTINGS
    }  # type: Dict[str, Any]
    for setting in SETTINGS:
        if setting.words:
            spec[setting.option]["choices"] = list(setting.words)
    return spec


#: Options that had another name before 1.0.
FORMER_NAMES = {
    "allow_broad": "force_broad",
    "allow_limits": "force_limits",
    "allow_unsupported": "ignore_unsupported",
    "allow_weaker": "allow_loosening",
    "fallback": "yields",
}


def flag(name: str) -> Dict[str, Any]:
    spec = {"type": "bool", "default": False}  # type: Dict[str, Any]
    former = FORMER_NAMES.get(name)
    if former is not None:
        spec["aliases"] = [former]
        spec["deprecated_aliases"] = [{"name": former, "version": "2.0.0", "collection_name": "memops.linux"}]
    return spec


def per_service() -> Dict[str, Any]:
    return {
        "state": {"type": "str", "choices": ["present", "absent"]},
        "dropin": {"type": "str"},
        "apply": {"type": "str", "choices": ["live", "restart", "next_start"]},
        "missing": {"type": "str", "choices": ["fail", "skip", "stage"]},
    }


def in_services() -> Dict[str, Any]:
    return dict(settings_spec(), name={"type": "str", "required": True}, fallback=flag("fallback"), **per_service())


def argument_spec() -> Dict[str, Any]:
    defaults = {"state": "present", "dropin": "50-memops.conf", "apply": "live", "missing": "fail"}
    flags = (
        "allow_limits allow_unkillable allow_overcommit allow_weaker allow_shadowed allow_broad allow_unsupported"
        " force_restart"
    )
    spec = {
        "name": {"type": "list", "elements": "str", "aliases": ["unit"]},
        "services": {"type": "list", "elements": "dict", "options": in_services()},
        "settle": {"type": "float", "default": 10.0},
        "restart_timeout": {"type": "float", "default": 90.0},
        "min_killable": {"type": "str", "default": "50%"},
    }  # type: Dict[str, Any]
    spec.update(settings_spec())
    spec.update({name: dict(option, default=defaults[name]) for name, option in per_service().items()})
    spec.update({name: flag(name) for name in flags.split()})
    return spec


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(), supports_check_mode=True, required_one_of=[("name", "services")]
    )
    try:
        cases = protect(
            host_of(module), parse_requests(module.params), parse_overrides(module.params), module.check_mode
        )
    except (ParamsError, ProtectError) as exc:
        module.fail_json(msg=str(exc))
    for text in warnings(cases):
        module.warn(text)
    result = outcome(cases, module.check_mode)
    if result.pop("failed"):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
