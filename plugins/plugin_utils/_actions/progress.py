# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a task is that asks many hosts, in a line now and then: "412 of 1,000 hosts, 3 with kills".

Each host is asked by a process of its own, and they count in one small file, in the directory that this run of Ansible
removes when it ends. A callback plugin would have to be enabled in ansible.cfg by whoever runs the playbook.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
import typing as t

#: Below so many hosts a line a host is short enough; above it, a line for each tenth of them,
FEW = 20
_LINES = 10
#: and one where nothing was said for so many seconds.
_SILENCE = 30.0
#: Of what stands in the file, always as long: it is written over, not made anew.
_SIZE = 128


class Counts(t.NamedTuple):
    done: int = 0
    kills: int = 0
    lost: int = 0
    said: int = 0
    said_at: float = 0.0


class Progress:
    """path -- of the file that the processes of this task share. total -- how many hosts there are"""

    def __init__(self, path: str, total: int) -> None:
        self._path = path
        self._total = total

    def begin(self, now: float | None = None) -> None:
        """Before a host is asked: silence is counted from the first one on."""
        if not os.path.exists(self._path):
            moment = time.time() if now is None else now
            self._change(lambda counts: counts if counts.said_at else counts._replace(said_at=moment))

    def done(self, kills: bool, lost: bool, now: float | None = None) -> str | None:
        """After it, whatever came of it. A line where it is time for one."""
        moment = time.time() if now is None else now
        before = self._change(
            lambda counts: self._told(
                counts._replace(done=counts.done + 1, kills=counts.kills + kills, lost=counts.lost + lost), moment
            )
        )
        if before is None or before.said_at != moment or before.said != before.done:
            return None
        return self._line(before)

    def _told(self, counts: Counts, now: float) -> Counts:
        if counts.done > self._total:  # a loop asks each host more than once
            return counts
        began = counts.said_at or now
        step = max(self._total // _LINES, 1)
        much = self._total >= FEW and counts.done - counts.said >= step
        long = now - began >= _SILENCE and counts.done < self._total
        return counts._replace(said=counts.done, said_at=now) if much or long else counts._replace(said_at=began)

    def _line(self, counts: Counts) -> str:
        lost = f", {counts.lost:,} not read" if counts.lost else ""
        return f"{counts.done:,} of {self._total:,} hosts, {counts.kills:,} with kills{lost}"

    def _change(self, change: t.Callable[[Counts], Counts]) -> Counts | None:
        """What stands in the file then; None where it cannot be had: no answer is lost for a line of progress."""
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            text = os.pread(fd, _SIZE, 0)
            counts = change(Counts(*json.loads(text)) if text else Counts())
            os.pwrite(fd, json.dumps(counts).encode().ljust(_SIZE), 0)
        except (OSError, ValueError, TypeError):
            return None
        finally:
            os.close(fd)
        return counts
