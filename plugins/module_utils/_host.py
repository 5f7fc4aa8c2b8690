# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only bridge to AnsibleModule and to the machine: read a file, run a command, warn, the root directory.

Rooms below take a Host as a parameter, so a test gives them a directory and a script instead.
"""

import os
import subprocess
import threading
from typing import TYPE_CHECKING, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

_MAX_SMALL_FILE = 1 << 20


class Host(NamedTuple):
    """A managed node as the rooms see it.

    root -- prefix of every path that is read; "/" on a real host
    warn -- takes one sentence for the person who runs the play
    """

    root: str = "/"
    warn: Callable[[str], None] = lambda text: None

    def path(self, path: str) -> str:
        return path if self.root == "/" else os.path.join(self.root, path.lstrip("/"))

    def read(self, path: str) -> Optional[bytes]:
        """At most 1 MiB of a small file (/proc, /sys, /etc); None where it is not there or may not be read."""
        try:
            fd = os.open(self.path(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            chunks = []  # type: List[bytes]
            size = 0
            while size < _MAX_SMALL_FILE:
                data = os.read(fd, 65536)
                if not data:
                    break
                chunks.append(data)
                size += len(data)
            return b"".join(chunks)
        except OSError:
            return None
        finally:
            os.close(fd)


def command_env() -> Dict[str, str]:
    """The environment of every command: C messages, no pager, no colours; TZ stays."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "SYSTEMD_"))}
    env.update(LC_ALL="C", LANGUAGE="C", SYSTEMD_PAGER="", SYSTEMD_COLORS="0", SYSTEMD_URLIFY="0")
    env["PATH"] = env.get("PATH", "") + ":/usr/sbin:/usr/bin:/sbin:/bin"
    return env


class CommandFailed(Exception):
    """A command could not be started, timed out or ended with an error; the text says which."""


class Command:
    """A command read as a stream: constant memory, a deadline, its errors kept (bounded).

    ::

        with Command(["journalctl", "-o", "json"], timeout=60) as command:
            for chunk in command.chunks(): ...
        command.returncode, command.stderr, command.timed_out
    """

    def __init__(self, argv: Sequence[str], timeout: float) -> None:
        self.argv = list(argv)
        self.timeout = timeout
        self.timed_out = False
        self.returncode = None  # type: Optional[int]
        self.stderr = b""
        self._process = None  # type: Optional[subprocess.Popen[bytes]]

    def __enter__(self) -> "Command":
        try:
            self._process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=command_env(),
                bufsize=0,
            )
        except OSError as exc:
            raise CommandFailed("%s could not be started: %s" % (self.argv[0], exc.strerror))
        self._timer = threading.Timer(self.timeout, self._expire)
        self._timer.daemon = True
        self._timer.start()
        self._errors = threading.Thread(target=self._drain_stderr)
        self._errors.daemon = True
        self._errors.start()
        return self

    def _expire(self) -> None:
        self.timed_out = True
        if self._process is not None:
            self._process.kill()

    def _drain_stderr(self) -> None:
        stream = self._process.stderr if self._process else None
        while stream is not None:
            data = stream.read(4096)
            if not data:
                return
            if len(self.stderr) < 65536:
                self.stderr += data

    def chunks(self, size: int = 1 << 20) -> Iterator[bytes]:
        stdout = self._process.stdout if self._process else None
        while stdout is not None:
            data = stdout.read(size)
            if not data:
                return
            yield data

    def __exit__(self, *exc_info: object) -> None:
        process = self._process
        if process is None:
            return
        if exc_info[0] is not None and process.poll() is None:
            process.kill()
        if process.stdout:
            process.stdout.close()  # a command that still writes gets SIGPIPE
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._timer.cancel()
        self._errors.join(timeout=5)
        if process.stderr:
            process.stderr.close()
        self.returncode = process.returncode


def host_of(module: "AnsibleModule") -> Host:
    return Host(warn=module.warn)
