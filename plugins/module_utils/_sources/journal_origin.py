# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who wrote a journal record: the fields that journald sets itself decide, never the identifier.

``_TRANSPORT=kernel`` is set for everything that came through /dev/kmsg; what a process wrote there has another facility
than 0 (the kernel sees to it). SYSLOG_FACILITY=0 alone can be sent by anybody. Only both together are the kernel.
"""

import re
from typing import Callable, Dict, List, Match, NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._text import to_text

from .model import KMSG_USER, OOMD_KILL, UNIT_OOM, LogLine

#: systemd: "Failed with result 'oom-kill'."
UNIT_FAILED = "d9b373ed55a64feb8242e02dbe79a49c"
#: journald: "Missed N kernel messages"
MISSED = "e9bf28e6e834481bb6f48f548ad13606"

_VERDICTS = frozenset(value.encode("ascii") for value in (UNIT_OOM, OOMD_KILL, UNIT_FAILED))

#: Unit of a userspace killer -> the tag its lines get. Units outside of users' own managers belong to root.
KILLER_UNITS = {
    "earlyoom.service": "earlyoom",
    "nohang.service": "nohang",
    "nohang-desktop.service": "nohang",
    "oomd.service": "oomd",
    "systemd-oomd.service": "systemd-oomd",
}
_KILLER_TAGS = {unit.encode("ascii"): tag for unit, tag in KILLER_UNITS.items()}


def _text(value: Optional[bytes]) -> Optional[str]:
    return to_text(value) if value else None


def _number(value: Optional[bytes]) -> Optional[int]:
    return int(value) if value and value.isdigit() and len(value) < 20 else None


def _seconds(value: Optional[bytes]) -> Optional[float]:
    usec = _number(value)
    return None if usec is None else usec / 1e6


#: Fields in which two kernel records of one boot differ, as patterns of the export text; all others are the same.
_VARIABLE = {
    b"__CURSOR": rb"[^\n]*",
    b"__REALTIME_TIMESTAMP": rb"(?P<realtime>[0-9]{1,18})",
    b"__MONOTONIC_TIMESTAMP": rb"[0-9]+",
    b"__SEQNUM": rb"[0-9]+",
    b"_SOURCE_BOOTTIME_TIMESTAMP": rb"[0-9]+",
    b"_SOURCE_MONOTONIC_TIMESTAMP": rb"(?P<uptime>[0-9]{1,18})",
    b"PRIORITY": rb"[0-7]",
    b"MESSAGE": rb"(?P<message>[^\n]*)",
}
_MAX_LAYOUTS = 8  # boots times orders of fields, met at the same time
_MAX_LEARNT = 64  # a journal whose records have nothing in common is not worth the compiling


#: Tag -> what its program is called in _COMM: nohang is a script.
_PROGRAMS = {
    b"systemd": (b"systemd", b"(systemd)", b"init"),
    b"systemd-oomd": (b"systemd-oomd",),
    b"earlyoom": (b"earlyoom",),
    b"oomd": (b"oomd", b"oomd_bin"),
    b"nohang": (b"nohang", b"nohang-desktop", b"python"),
    b"nohang-desktop": (b"nohang", b"nohang-desktop", b"python"),
}


def _names_another(fields: Dict[bytes, bytes]) -> bool:
    """The record says by itself that it is from somebody else than its identifier: the kernel has a transport of its
    own, and the killers are programs, which run as root where the record does not name them.
    """
    tag = fields.get(b"SYSLOG_IDENTIFIER", b"")
    if tag == b"kernel":
        return fields.get(b"_TRANSPORT", b"kernel") != b"kernel" or b"_COMM" in fields or b"_PID" in fields
    comm = fields.get(b"_COMM")
    if comm is not None and tag in _PROGRAMS:
        return not comm.startswith(_PROGRAMS[tag])
    return fields.get(b"_UID", b"0") != b"0"


class _Layout(NamedTuple):
    """The text of one kernel record as a pattern for the next, and its line."""

    match: Callable[[bytes], Optional[Match[bytes]]]
    line: LogLine


class Origin:
    """Turns records into LogLines.

    place -- "the local journal", or which one
    machine_id -- whose records are believed; None believes all of them (an offline journal)
    doubt -- why none is
    source -- what the lines say that they are from
    """

    def __init__(
        self, place: str, machine_id: Optional[str] = None, doubt: Optional[str] = None, source: str = "journal"
    ) -> None:
        self.place = place
        self.source = source
        self.machine_id = machine_id
        self.doubt = doubt
        self._layouts = []  # type: List[_Layout]
        self._learnt = 0

    def _refusal(self, fields: Dict[bytes, bytes]) -> Optional[str]:
        if self.doubt:
            return self.doubt
        machine_id = fields.get(b"_MACHINE_ID")
        if self.machine_id and machine_id is not None and machine_id != self.machine_id.encode("ascii"):
            return "from another machine's journal"
        return None

    def kernel_line(self, fields: Dict[bytes, bytes], message: bytes) -> LogLine:
        """A record that came through /dev/kmsg."""
        facility = fields.get(b"SYSLOG_FACILITY")
        from_kernel = facility in (None, b"0")
        refusal = self._refusal(fields)
        if facility is None:  # somebody chose the fields: shown, and not believed
            refusal = "without its facility: a process may have written it to /dev/kmsg"
        elif not from_kernel:
            refusal = "written to /dev/kmsg by a process"
        when = _seconds(fields.get(b"__REALTIME_TIMESTAMP"))
        return LogLine(
            text=to_text(message),
            source=self.source,
            host=_text(fields.get(b"_HOSTNAME")),
            tag="kernel" if from_kernel else KMSG_USER,
            time=when,
            time_quality="unknown" if when is None else "exact",
            uptime=_seconds(fields.get(b"_SOURCE_MONOTONIC_TIMESTAMP")),
            boot_id=_text(fields.get(b"_BOOT_ID")),
            trusted=refusal is None,
            reason=refusal or "kernel facility in %s" % self.place,
            disproved=not from_kernel,
        )

    def like_before(self, piece: bytes) -> Optional[LogLine]:
        """kernel_line() of a record's text that differs from a remembered one in message and stamps only, else None.

        Five times as fast as taking it apart: a task table is hundreds of such records.
        """
        for number, layout in enumerate(self._layouts):
            match = layout.match(piece)
            if match is None:
                continue
            if number:
                self._layouts.insert(0, self._layouts.pop(number))
            message, realtime, uptime = match.group("message", "realtime", "uptime")
            line = layout.line
            return LogLine(
                to_text(message),
                line.source,
                line.host,
                line.tag,
                int(realtime) / 1e6,
                "exact",
                int(uptime) / 1e6,
                line.boot_id,
                line.trusted,
                line.reason,
                disproved=line.disproved,
            )
        return None

    def remember(self, piece: bytes, line: LogLine) -> None:
        """The text of a record and its kernel_line(), for like_before()."""
        parts = []  # type: List[bytes]
        names = []  # type: List[bytes]
        for field in piece.split(b"\n"):
            name = field.partition(b"=")[0]
            names.append(name)
            parts.append(name + b"=" + _VARIABLE[name] if name in _VARIABLE else re.escape(field))
        complete = {b"MESSAGE", b"__REALTIME_TIMESTAMP", b"_SOURCE_MONOTONIC_TIMESTAMP"}.issubset(names)
        if not complete or len(set(names)) != len(names) or self._learnt >= _MAX_LEARNT:
            return
        self._learnt += 1
        self._layouts.insert(0, _Layout(re.compile(b"\n".join(parts)).fullmatch, line))
        del self._layouts[_MAX_LAYOUTS:]

    def other_line(self, fields: Dict[bytes, bytes], message: bytes) -> LogLine:
        """A record of systemd, of a userspace killer, or of somebody who names himself so."""
        tag = _text(fields.get(b"SYSLOG_IDENTIFIER"))
        message_id = fields.get(b"MESSAGE_ID")
        killer = _KILLER_TAGS.get(fields.get(b"_SYSTEMD_UNIT", b""))
        refusal = None  # type: Optional[str]
        if killer is not None:
            tag = killer
            reason = "written by %s in %s" % (to_text(fields[b"_SYSTEMD_UNIT"]), self.place)
        elif message_id in _VERDICTS and self._is_manager(fields):
            reason = "written by systemd (pid 1) in %s" % self.place
        elif message_id in _VERDICTS:
            reason = refusal = "a unit's verdict that is not from pid 1"
        else:
            reason = refusal = "the identifier alone, which any process can choose"
        refusal = refusal or self._refusal(fields)
        when = _seconds(fields.get(b"_SOURCE_REALTIME_TIMESTAMP")) or _seconds(fields.get(b"__REALTIME_TIMESTAMP"))
        return LogLine(
            text=to_text(message),
            source=self.source,
            host=_text(fields.get(b"_HOSTNAME")),
            tag=tag,
            time=when,
            time_quality="unknown" if when is None else "exact",
            boot_id=_text(fields.get(b"_BOOT_ID")),
            trusted=refusal is None,
            reason=refusal or reason,
            message_id=_text(message_id),
            unit=_text(fields.get(b"UNIT") or fields.get(b"USER_UNIT")),
            disproved=killer is None and message_id not in _VERDICTS and _names_another(fields),
        )

    @staticmethod
    def _is_manager(fields: Dict[bytes, bytes]) -> bool:
        return fields.get(b"_PID") == b"1" and fields.get(b"_UID") == b"0" and fields.get(b"_TRANSPORT") == b"journal"
