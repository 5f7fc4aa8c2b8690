# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a log line is, and the look at a source. Sizes are bytes, times epoch seconds, unknown is None."""

from typing import NamedTuple, Optional

#: The tag of a record that a process wrote to /dev/kmsg: it came the kernel's way and is not the kernel's.
KMSG_USER = "kmsg-user"

#: The tag of a line that somebody quotes and that is nobody's own: a comment, an application's record.
QUOTED = "quoted"

#: MESSAGE_ID of systemd: "A process of this unit has been killed by the OOM killer."
UNIT_OOM = "fe6faa94e7774663a0da52717891d8ef"
#: MESSAGE_ID of systemd: "systemd-oomd killed N process(es) in this unit."
OOMD_KILL = "d989611b15e44c9dbf31e3c81256e4ed"


class LogLine(NamedTuple):
    """One log message with its prefix taken off and what is known about its origin.

    text -- the message; bytes that are not UTF-8 are lone surrogates (surrogateescape)
    source -- ``journal``, ``/dev/kmsg`` or the path of a file
    tag -- the syslog tag (``kernel``, ``systemd``, ``earlyoom``), None where the line has none
    time_quality -- exact, year_inferred, from_uptime or unknown
    uptime -- kernel seconds since boot
    trusted -- True only for records that nobody but the kernel or the named daemon can have written
    reason -- why it is trusted, or why not
    disproved -- the record itself names another writer than the text does (a kernel line that came through the syslog
        socket)
    """

    text: str
    source: str
    host: Optional[str] = None
    tag: Optional[str] = None
    time: Optional[float] = None
    time_quality: str = "unknown"
    uptime: Optional[float] = None
    boot_id: Optional[str] = None
    trusted: bool = False
    reason: str = ""
    message_id: Optional[str] = None
    unit: Optional[str] = None
    disproved: bool = False


class SourceReport(NamedTuple):
    """What one source said about itself.

    status -- read, absent, denied, not_regular, corrupt, truncated, rotated, timeout, too_big, unsupported, error,
        skipped
    first, last -- epoch seconds of the oldest and newest line
    reason -- one sentence where status is not read
    left_out -- what it was not searched for, as the end of a sentence that its name begins; None where for everything
    """

    name: str
    status: str
    lines: Optional[int] = None
    first: Optional[float] = None
    last: Optional[float] = None
    bytes: Optional[int] = None
    reason: Optional[str] = None
    left_out: Optional[str] = None
