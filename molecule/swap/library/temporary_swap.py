# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only for this scenario: the timer of swap_file without its swap, which is the host's in a container.

state: scheduled -- a file with the mark of swap, its fstab line and its timer; canceled -- the timer taken back; asked
-- what is there.
"""

import os
import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError
from ansible_collections.memops.linux.plugins.module_utils._host import host_of
from ansible_collections.memops.linux.plugins.module_utils._lock import host_lock
from ansible_collections.memops.linux.plugins.module_utils._swap_file.expiry import cancel, schedule, scheduled
from ansible_collections.memops.linux.plugins.module_utils._swap_file.fstab import read, update


def main():
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["scheduled", "canceled", "asked"], "required": True},
            "seconds": {"type": "int", "default": 3600},
        }
    )
    host, path = host_of(module), module.params["path"]
    changed = False
    with host_lock(host):
        if module.params["state"] == "scheduled":
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.pwrite(fd, b"SWAPSPACE2", os.sysconf("SC_PAGE_SIZE") - 10)
            os.ftruncate(fd, 1 << 20)
            os.close(fd)
            update(host, lambda table: table.with_swap(path, "noauto,nofail"), locked=True)
            try:
                schedule(host, path, time.time() + module.params["seconds"])
            except ExecutionError as exc:
                module.fail_json(msg=str(exc))
            changed = True
        elif module.params["state"] == "canceled":
            changed = cancel(host, path)
        module.exit_json(
            changed=changed,
            scheduled=scheduled(host, path),
            line=read(host).swap_entry(path) is not None,
            fstab=read(host).data.decode("utf-8"),
            file=os.path.exists(path),
            units=sorted(name for name in os.listdir("/etc/systemd/system") if name.startswith("memops-swap-expiry-")),
            script=os.path.exists("/var/lib/memops/swap-expiry"),
        )


if __name__ == "__main__":
    main()
