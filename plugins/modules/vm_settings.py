#!/usr/bin/python
# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: vm_settings
short_description: Set and keep the vm settings of the kernel, and prove it
version_added: 0.5.0
description:
  - Sets C(vm.*) settings of the running kernel, reads them back, and only then writes them to
    C(/etc/sysctl.d/90-memops.conf), a file of its own. If anything fails, the old values are set again and nothing is
    written.
  - Computes which file has the last word when the host boots, over all directories of C(sysctl.d), and says so if it is not
    ours.
  - Knows a short list of settings and what they may be on this kernel. Refuses the ones that would lose the host,
    unless asked for twice.
  - Needs root to change anything. Works without systemd.
author:
  - memops.linux contributors (@memops)
extends_documentation_fragment:
  - memops.linux._attributes
  - memops.linux._attributes.changes
attributes:
  diff_mode:
    support: full
    details:
      - Shows the settings of the running kernel and the file.
options:
  settings:
    description:
      - Names and whole numbers, as V(swappiness) or V(vm.swappiness). With O(state=absent) the numbers do not matter.
      - "C(admin_reserve_kbytes), C(compaction_proactiveness), C(dirty_background_bytes), C(dirty_background_ratio),
        C(dirty_bytes), C(dirty_expire_centisecs), C(dirty_ratio), C(dirty_writeback_centisecs), C(extfrag_threshold),
        C(max_map_count), C(min_free_kbytes), C(oom_dump_tasks), C(oom_kill_allocating_task), C(overcommit_kbytes),
        C(overcommit_memory), C(overcommit_ratio), C(page-cluster), C(panic_on_oom), C(swappiness),
        C(user_reserve_kbytes), C(vfs_cache_pressure), C(watermark_boost_factor), C(watermark_scale_factor) and
        C(zone_reclaim_mode)."
      - C(swappiness) goes to 200, and to 100 on kernels before 5.8. C(min_free_kbytes) goes to 5 % of the memory.
      - C(overcommit_ratio) and C(overcommit_kbytes) exclude each other, as do C(dirty_ratio) and C(dirty_bytes), and
        C(dirty_background_ratio) and C(dirty_background_bytes). Setting one takes the other out of our file.
    type: dict
    required: true
  state:
    description:
      - V(present) for settings that are in force now and after a boot.
      - V(absent) takes them out of our file, and removes the file with the last one. The running kernel keeps its
        values until it boots.
    type: str
    choices: [present, absent]
    default: present
  settle:
    description:
      - Look again so many seconds after a change, before it is written, and fail if something else has set another
        value, such as tuned.
    type: int
    default: 0
  allow_panic:
    description:
      - Allow C(panic_on_oom) other than V(0).
    type: bool
    default: false
    aliases: [accept_panic]
  allow_low_commit_limit:
    description:
      - Allow C(overcommit_memory=2) with a limit of less than 1.2 times of what is committed now.
        C(admin_reserve_kbytes) and C(user_reserve_kbytes) are not part of the limit, whichever of them all is set last.
        Then no process may be able to start, and the host can only be switched off.
    type: bool
    default: false
    aliases: [accept_low_commit_limit]
  allow_shared_kernel:
    description:
      - Allow a run in a container, which sets the host's values for all containers on it, if it may.
    type: bool
    default: false
seealso:
  - module: memops.linux.swap_file
  - module: ansible.posix.sysctl
  - ref: ansible_collections.memops.linux.docsite.guide_swap
    description: Which kind of swap, and how much
"""

EXAMPLES = r"""
- name: Swap as the last resort
  memops.linux.vm_settings:
    settings:
      swappiness: 10

- name: Never promise more memory than there is
  memops.linux.vm_settings:
    settings:
      overcommit_memory: 2
      overcommit_ratio: 90

- name: Leave it to the distribution again
  memops.linux.vm_settings:
    settings:
      overcommit_memory:
      overcommit_ratio:
    state: absent
"""

RETURN = r"""
plan:
  description: The steps of the run or, in check mode, of a run; empty when nothing is to do.
  returned: success
  type: list
  elements: str
  sample: ["set vm.swappiness to 10, from 60", "write /etc/sysctl.d/90-memops.conf"]
settings:
  description: Each setting that was asked for, after the run; in check mode as it is. Unknown is null.
  returned: success
  type: dict
  contains:
    swappiness:
      description: One for each name in O(settings).
      returned: if it was asked for
      type: dict
      contains:
        before:
          description: Value of the running kernel before.
          type: int
          returned: success
          sample: 60
        live:
          description: Value of the running kernel, read back.
          type: int
          returned: success
          sample: 10
        wanted:
          description: As it was asked for; null with O(state=absent).
          type: int
          returned: success
          sample: 10
        at_boot:
          description: The value that the files give it at boot, and the C(file) with the last word; null if no file
            sets it.
          type: dict
          returned: success
          sample: {value: "10", file: /etc/sysctl.d/90-memops.conf}
        shadowed_by:
          description: The file that has the last word instead of ours, if there is one.
          type: str
          returned: success
          sample: null
        persistent:
          description: Whether our file sets it and has the last word.
          type: bool
          returned: success
          sample: true
        verified:
          description: Whether it is in force now and after a boot; with O(state=absent), whether our file does not set
            it.
          type: bool
          returned: success
          sample: true
verified:
  description: Whether all of them are.
  returned: success
  type: bool
  sample: true
shadowed:
  description: A sentence for each setting that will not outlast a boot, because another file has the last word. Each is
    a warning, too.
  returned: success
  type: list
  elements: str
  sample: []
file:
  description: Our file.
  returned: success
  type: str
  sample: /etc/sysctl.d/90-memops.conf
kernel_panic:
  description: C(kernel.panic), the seconds from a panic to the next boot; V(0) is never.
  returned: success
  type: int
  sample: 10
tuned_profile:
  description: The profile of a tuned that runs here and may set other values later; null if none does.
  returned: success
  type: str
  sample: null
msg:
  description: What was wrong, what stands now, and which option changes that.
  returned: failure
  type: str
  sample: "settings: swappiness=150 is not within 0 to 100 on kernel 4.18. Nothing was changed."
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError, PreconditionError
from ansible_collections.memops.linux.plugins.module_utils._host import host_of
from ansible_collections.memops.linux.plugins.module_utils._text import printable, safe
from ansible_collections.memops.linux.plugins.module_utils._vm_settings.params import parse_params
from ansible_collections.memops.linux.plugins.module_utils._vm_settings.transaction import apply


def _renamed(earlier: str) -> Dict[str, Any]:
    """An option that lets something through; every one of them begins with allow_ now."""
    alias = {"name": earlier, "version": "2.0.0", "collection_name": "memops.linux"}
    return {"type": "bool", "default": False, "aliases": [earlier], "deprecated_aliases": [alias]}


def argument_spec() -> Dict[str, Any]:
    return {
        "settings": {"type": "dict", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "settle": {"type": "int", "default": 0},
        "allow_panic": _renamed("accept_panic"),
        "allow_low_commit_limit": _renamed("accept_low_commit_limit"),
        "allow_shared_kernel": {"type": "bool", "default": False},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        outcome = apply(host_of(module), parse_params(module.params), module.check_mode)
    except (PreconditionError, ExecutionError) as exc:
        module.fail_json(msg=printable(str(exc)))
    diff = outcome.pop("diff")  # its lines are printable already, and end with newlines
    module.exit_json(diff=diff, **safe(outcome))


if __name__ == "__main__":
    main()
