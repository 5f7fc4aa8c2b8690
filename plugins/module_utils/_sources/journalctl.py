# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""journalctl: how it is asked on systemd 219 to 257, and what it says beside its answer."""

import math
import re
import time
from typing import Callable, Iterator, List, Optional, Sequence, Union

from ansible_collections.memops.linux.plugins.module_utils._host import Command
from ansible_collections.memops.linux.plugins.module_utils._regex import regex
from ansible_collections.memops.linux.plugins.module_utils._text import to_text

from .journal_record import BrokenStream, Record, Records

#: EL 7 knows neither --grep nor --output-fields; others were built without PCRE2, or do not find its library.
_OLD = regex(rb"unrecognized option|invalid option|unknown option|pattern matching|PCRE2?\b", re.IGNORECASE)
#: Part of this is said at debug level only: journalctl drops a record, or the rest of a damaged file, and ends with 0
#: or 1.
_DAMAGE = regex(
    rb"^.*(?:corrupted, ignoring|truncated, ignoring|Can't iterate through|Failed to iterate|Bad message|Invalid"
    rb" (?:object|entry|field\b)"
    rb"|is bad, skipping|cutting algorithm short|message we can't read|truncated object|short object"
    rb"|Failed to get (?:journal fields|data|MESSAGE)|Failed to read journal).*$",
    re.MULTILINE,
)
_UNSUPPORTED = regex(rb"^.*(?:unsupported feature|Protocol not supported).*$", re.MULTILINE)
_REFUSED = regex(rb"insufficient permissions|Permission denied", re.IGNORECASE)
_DEBUG = {"SYSTEMD_LOG_LEVEL": "debug", "SYSTEMD_LOG_TARGET": "console", "SYSTEMD_LOG_COLOR": "0"}

Batch = Sequence[Union[bytes, Record]]
#: Takes a status of SourceReport and a sentence.
Problem = Callable[[str, str], None]


class _Old(Exception):
    """This journalctl cannot choose."""


class Journalctl:
    """One journal as journalctl reads it.

    where -- ``--directory=…``, ``--file=…`` or nothing
    records -- how many came so far
    chosen -- the last question was answered with a part of what matches: journalctl looked for words
    """

    def __init__(
        self,
        problem: Problem,
        where: Sequence[str] = (),
        since: Optional[float] = None,
        until: Optional[float] = None,
        timeout: float = 60,
        program: str = "journalctl",
    ) -> None:
        self.records = 0
        self.chosen = False
        self._problem = problem
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout
        self._argv = [program, "-q", "--no-pager", "-o", "export", "--all"] + list(where)
        if since is not None:
            self._argv.append("--since=@%d" % max(0, math.floor(since)))
        if until is not None:
            self._argv.append("--until=@%d" % max(0, math.ceil(until)))

    def ask(self, matches: Sequence[str], grep: Optional[str] = None, fields: Optional[str] = None) -> Iterator[Batch]:
        """Records that match, in the journal's order; more of them and of their fields where this journalctl cannot
        choose.

        grep -- looks at the bytes of the message: names with ESC, 0xff or a newline do not hide from it (measured,
            systemd 252 over journals of 247 and 252), as they do from a grep of what journalctl prints
        fields -- worth it where a record has many fields; a kernel record has few, and choosing costs more than sending
        """
        options = ["--grep=" + grep] if grep is not None else []
        if fields is not None:
            options.append("--output-fields=" + fields)
        self.chosen = grep is not None
        if options:
            try:
                yield from self._run(self._argv + options + list(matches))
                return
            except _Old:
                self.chosen = False
        yield from self._run(self._argv + list(matches))

    def _run(self, argv: List[str]) -> Iterator[Batch]:
        left = self._deadline - time.monotonic()
        if left <= 0:
            self._problem("timeout", "no time was left of %g s to ask journalctl" % self._timeout)
            return
        records = Records()
        silent = True
        with Command(argv, timeout=left, env=_DEBUG) as command:
            for chunk in command.chunks():
                silent = False
                yield self._counted(records.feed(chunk))
        yield self._counted(records.close())
        if command.timed_out:
            self._problem(
                "timeout", "journalctl was stopped after %g s, what it said until then is kept" % self._timeout
            )
        elif silent and command.returncode and _OLD.search(command.stderr):
            raise _Old()
        elif records.rest and not command.returncode:
            raise BrokenStream("a record without its end")
        self._listen(command.returncode, command.stderr)
        if command.returncode == 1 and not silent and not command.timed_out:  # "nothing matched" has no records
            self._problem("corrupt", "journalctl broke off after %d records and ended with exit code 1" % self.records)

    def _counted(self, batch: Batch) -> Batch:
        self.records += len(batch)
        return batch

    def _listen(self, returncode: Optional[int], errors: bytes) -> None:
        """The exit code tells little: 1 is also "nothing matched"."""
        for status, pattern in (("unsupported", _UNSUPPORTED), ("corrupt", _DAMAGE)):
            found = pattern.findall(errors)
            if found:  # the last one is the sentence for people
                self._problem(status, to_text(found[-1].strip()))
                return
        if returncode and _REFUSED.search(errors):
            self._problem("denied", "journalctl may not read the journal")
        elif returncode and returncode > 1:
            self._problem("error", "journalctl ended with exit code %d" % returncode)
