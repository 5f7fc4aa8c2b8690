# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that decompresses, for what this Python cannot."""

import os
import select
import time
from typing import TYPE_CHECKING, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import command_environment

from .stream import Damage, Unsupported

if TYPE_CHECKING:
    import subprocess


class Pipe:
    """``zstd -dc`` and the like as a stream with a deadline. The program gets the open file, not its name."""

    def __init__(self, fd: int, program: str, deadline: Optional[float]) -> None:
        import subprocess  # late: it costs 16 ms and few files need it

        self._program, self._deadline = program, deadline
        os.lseek(fd, 0, os.SEEK_SET)
        argv = [program, "-dc"]
        try:
            self._process = subprocess.Popen(  # pylint: disable=ansible-bad-function  # run_command cannot stream
                argv, stdin=fd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=command_environment(), bufsize=0
            )  # type: subprocess.Popen[bytes]
        except OSError as exc:
            raise Unsupported("needs the %s program (%s)" % (program, os.strerror(exc.errno or 0)))

    def read(self, size: int) -> Tuple[bytes, Optional[Damage]]:
        """(data, why there is no more)."""
        stdout, stderr = self._process.stdout, self._process.stderr
        if stdout is None or stderr is None:
            return b"", None
        wait = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        poll = select.poll()
        poll.register(stdout, select.POLLIN)
        if not poll.poll(None if wait is None else int(wait * 1000) + 1):
            self.close()
            return b"", Damage("timeout", "not read to its end in the time allowed")
        data = os.read(stdout.fileno(), size)
        if data:
            return data, None
        said = stderr.read(4096).decode("utf-8", "replace").strip()
        code = self._process.wait()
        if code == 0:
            return b"", None
        early = any(word in said.lower() for word in ("unexpected", "premature", "read error (39)", "truncat"))
        text = "%s: %s" % (self._program, said.split("\n")[0] or "exit code %d" % code)
        return b"", Damage("truncated" if early else "corrupt", text)

    def close(self) -> None:
        process = self._process
        if process.poll() is None:
            process.kill()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()
        process.wait()
