#!/usr/bin/python
# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: swap_file
short_description: One swap file as a transaction
version_added: 0.5.0
description:
  - Makes, activates, resizes, persists and removes one swap file, and proves it with what the kernel says in
    C(/proc/swaps).
  - Everything is checked before anything is touched, in check mode too. A run that was interrupted is finished by the
    next one.
  - To resize a file, or to change its priority, a temporary area takes over until the new one is active.
    It has the smaller of the two sizes, so the old and the new size together have to fit on the disk for a moment.
    While a file of another size is made, its name is a symbolic link to that area, C(.NAME.memops-bridge) in the same
    directory. So whenever the power is cut, the line in C(/etc/fstab) leads to a whole swap file of the old or of the new
    size.
  - A file that is not in use is replaced in one rename, when the new one is whole. Both have to fit on the disk for
    that moment as well.
  - Where they do not fit, a file that is not in use, or whose contents other swap can hold, is removed before the new
    one is made, and its line is out of C(/etc/fstab) for that time. Any other is left as it is, and the module fails
    with the numbers.
  - Swap is only turned off if available memory and other swap can hold what is in it,
    less a margin of 64 MiB or a tenth of that room. Otherwise the module fails with the numbers; there is no way to
    force it.
  - Never touches swap partitions, swap devices or other swap files, nor a file that is not a swap file.
  - Tells what would make it otherwise than it says - a mount that hides an area of this name, a masked or hand-made
    C(.swap) unit that a boot takes instead of the line in C(/etc/fstab), zram that would be filled after the file.
  - On btrfs no snapshot of a subvolume can be made while a file in it is swapped to. Give the file a subvolume of its
    own, such as C(/swap) for C(/swap/swapfile), or let O(subvolume=auto) do it; otherwise there is a warning.
  - Works on ext2, ext3, ext4, xfs, btrfs and f2fs. Needs root, and C(mkswap) from util-linux or busybox.
author:
  - memops.linux contributors (@memops)
extends_documentation_fragment:
  - memops.linux._attributes
  - memops.linux._attributes.changes
attributes:
  diff_mode:
    support: full
    details:
      - Shows the swap file and its own line of C(/etc/fstab). Other lines may hold passwords and are left out.
options:
  path:
    description:
      - The file. Its directory must exist, but for O(subvolume=auto), and every directory on the way must belong to root and be writable by root only,
        without symbolic links.
    type: path
    required: true
  size:
    description:
      - Bytes, or a number with V(K), V(M), V(G) or V(T) (factor 1024), such as V(2G). The file has exactly this size,
        rounded up to whole pages; the kernel can use one page less.
      - A share of RAM, such as V(50%). A swap file within half a percent of RAM of that is left alone,
        because every kernel reserves a little more or less of it.
      - V(auto) takes as much as RAM up to 4 GiB, 4 GiB up to 16 GiB of RAM, and the square root of RAM in GiB above
        that, but at most a quarter of the disk that is free above O(min_free). It is decided once, when the file is
        made; a swap file that is there keeps its size.
      - Required with O(state=present).
    type: str
  state:
    description:
      - V(present) for a file that is active.
      - V(absent) turns it off, takes its line out of C(/etc/fstab), and removes it.
    type: str
    choices: [present, absent]
    default: present
  priority:
    description:
      - V(0) to V(32767); areas with a higher priority are filled first.
      - Without it a file that is active or in C(/etc/fstab) keeps its priority, and a new one gets V(10),
        above swap without a priority and below zram (100).
    type: int
  discard:
    description:
      - Tell the disk which blocks are free, V(once) when the file is activated, V(pages) while it is used, or both with
        V(true).
      - The kernel does not tell what an active area does. A change is written to C(/etc/fstab) and takes effect when
        the file is next activated.
    type: str
    choices: ["once", "pages", "true"]
  persistent:
    description:
      - Whether the file has a line in C(/etc/fstab). A line that is not ours and names the file is taken over, and
        its options are kept, but for the ones that the other options here speak of, and C(noauto).
    type: bool
    default: true
  nofail:
    description:
      - Let the host boot without the file.
    type: bool
    default: true
  min_free:
    description:
      - How much of the disk must stay free, as a size or as a share of the file system, such as V(10%).
      - By default 1 GiB or 5 %, whichever is more.
    type: str
  expires:
    description:
      - Temporary swap. An age such as V(36h) or V(2d), or an ISO 8601 time such as V(2026-12-01T06:00:00Z).
        Then a systemd timer removes the file as soon as that is safe. Needs systemd.
      - An age counts from the first run that gives it. A later run with an age can only bring the end nearer; give a
        time to put it off.
      - A time that is over is an error, unless the timer of an earlier run with that time still waits until it is safe.
      - Without it a timer of an earlier run is cancelled.
    type: str
  subvolume:
    description:
      - With V(auto), on btrfs, the directory of the file is made as a subvolume of its own where it is not there, such
        as C(/swap) for C(/swap/swapfile), so that snapshots of everything else go on. A directory that is there and
        is not a subvolume for swap alone is refused.
      - With O(state=absent) it goes with the file, if nothing else is in it. The timer of O(expires) leaves it.
      - Where the directory is there on another file system, this does nothing.
    type: str
    choices: [auto]
    version_added: 0.2.0
  allow_on_kubernetes:
    description:
      - Activate swap though there is a kubelet, which does not start on a host with swap unless C(failSwapOn) is false.
        Its arguments, its configuration with C(kubelet.conf.d), and what k3s, rke2 and microk8s tell it are looked at.
    type: bool
    default: false
  allow_resume_change:
    description:
      - Turn off, exchange or remove the file though the system hibernates into it. Then C(resume_offset) has to be set
        anew.
    type: bool
    default: false
seealso:
  - module: memops.linux.vm_settings
  - ref: ansible_collections.memops.linux.docsite.guide_swap
    description: Which kind of swap, and how much
  - ref: ansible_collections.memops.linux.docsite.guide_upgrade
    description: Upgrade and removal
"""

EXAMPLES = r"""
- name: Two gigabytes of swap
  memops.linux.swap_file:
    path: /swapfile
    size: 2G

- name: Half of RAM, filled before the swap partition
  memops.linux.swap_file:
    path: /var/lib/swap/second
    size: 50%
    priority: 50

- name: Room for a large build, until the day after tomorrow
  memops.linux.swap_file:
    path: /swapfile-build
    size: 8G
    persistent: false
    expires: 2d

- name: Remove it, if what is in it fits elsewhere
  memops.linux.swap_file:
    path: /swapfile
    state: absent
"""

RETURN = r"""
plan:
  description:
    - The steps of the run or, in check mode, of a run; empty when nothing is to do. V(action) is V(make), V(link),
      V(remove), V(secure), V(activate), V(deactivate), V(fstab), V(reload), V(arm) or V(disarm), V(text) says it in
      words.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: make, path: /swapfile, text: "make /swapfile with 2147483648 bytes (2.0 GiB)"}
    - {action: activate, path: /swapfile, text: "swap to /swapfile with priority 10"}
    - {action: fstab, path: /swapfile, text: "write the line of /swapfile into /etc/fstab"}
    - {action: reload, path: /swapfile, text: "let systemd read /etc/fstab"}
swap_file:
  description: The swap file after the run; in check mode as it is. Sizes are bytes, times are seconds since 1970-01-01
    UTC, unknown is null.
  returned: success
  type: dict
  contains:
    path:
      description: As it was given.
      type: str
      returned: success
      sample: /swapfile
    size:
      description: Bytes of the file; null if there is none.
      type: int
      returned: success
      sample: 2147483648
    active:
      description: Whether the kernel swaps to it.
      type: bool
      returned: success
      sample: true
    used:
      description: Bytes that are in it; null if it is not active.
      type: int
      returned: success
      sample: 0
    priority:
      description: The kernel's priority; null if it is not active.
      type: int
      returned: success
      sample: 10
    persistent:
      description: Whether C(/etc/fstab) has a line for it.
      type: bool
      returned: success
      sample: true
    filesystem:
      description: The file system that it is on.
      type: str
      returned: success
      sample: ext4
    expires_at:
      description: When the timer removes it; null if there is no timer.
      type: float
      returned: success
      sample: null
msg:
  description: What was done, would be done, or was wrong; then also what stands now and which option changes that.
  returned: always
  type: str
  sample: /swapfile is as requested.
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError, PreconditionError
from ansible_collections.memops.linux.plugins.module_utils._host import host_of
from ansible_collections.memops.linux.plugins.module_utils._swap_file.execute import Timer
from ansible_collections.memops.linux.plugins.module_utils._swap_file.expiry import cancel, schedule, scheduled
from ansible_collections.memops.linux.plugins.module_utils._swap_file.fstab_lines import FstabError
from ansible_collections.memops.linux.plugins.module_utils._swap_file.params import parse_params
from ansible_collections.memops.linux.plugins.module_utils._swap_file.result import result
from ansible_collections.memops.linux.plugins.module_utils._swap_file.transaction import run
from ansible_collections.memops.linux.plugins.module_utils._text import printable


def argument_spec() -> Dict[str, Any]:
    return {
        "path": {"type": "path", "required": True},
        "size": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "priority": {"type": "int"},
        "discard": {"type": "str", "choices": ["once", "pages", "true"]},
        "persistent": {"type": "bool", "default": True},
        "nofail": {"type": "bool", "default": True},
        "min_free": {"type": "str"},
        "expires": {"type": "str"},
        "subvolume": {"type": "str", "choices": ["auto"]},
        "allow_on_kubernetes": {"type": "bool", "default": False},
        "allow_resume_change": {"type": "bool", "default": False},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(), required_if=[("state", "present", ["size"])], supports_check_mode=True
    )
    try:
        outcome = run(
            host_of(module), parse_params(module.params), module.check_mode, Timer(scheduled, schedule, cancel)
        )
    except (PreconditionError, ExecutionError, FstabError, ValueError) as exc:
        module.fail_json(msg=printable(str(exc)))
    module.exit_json(**result(outcome, module.check_mode))


if __name__ == "__main__":
    main()
