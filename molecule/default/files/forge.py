# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a perfect kernel line through every door that a user has: logger, a raw PRI 0, journald's own socket.

The fourth door, the standard output of a unit, is opened by prepare.yml. Each has a pid of its own, so that one can
tell which line came through.
"""

import socket
import subprocess
import time

LINE = (
    "Out of memory: Killed process %d (%s) total-vm:79404kB, anon-rss:65052kB, file-rss:2156kB, shmem-rss:0kB, "
    "UID:0 pgtables:192kB oom_score_adj:0"
)


def datagram(path: str, data: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.sendto(data, path)


def main() -> None:
    stamp = time.strftime("%b %e %H:%M:%S")
    subprocess.run(
        ["logger", "--tag", "kernel", "--priority", "kern.err", LINE % (424201, "forged-logger")], check=True
    )
    datagram("/dev/log", ("<0>%s kernel: %s" % (stamp, LINE % (424202, "forged-raw"))).encode())
    fields = {
        "MESSAGE": LINE % (424203, "forged-native"),
        "PRIORITY": "3",
        "SYSLOG_FACILITY": "0",
        "SYSLOG_IDENTIFIER": "kernel",
        "_TRANSPORT": "kernel",
    }
    datagram("/run/systemd/journal/socket", "".join("%s=%s\n" % field for field in fields.items()).encode())


main()
