# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only bridge to AnsibleModule and to the machine: read a file, run a command, warn, the root directory.

Rooms below take a Host as a parameter, so a test gives them a directory and a script instead.
"""

import os
import select
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set

from ._text import to_text

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

_MAX_SMALL_FILE = 1 << 20
_MAX_OUTPUT = 32 << 20
_MAX_ERRORS = 32768
_GRACE = 5.0


class Ran(NamedTuple):
    """What a command said; returncode None: it could not be started, or did not end in time, and stderr says so."""

    returncode: Optional[int]
    stdout: str = ""
    stderr: str = ""


def run(argv: Sequence[str], timeout: float = 90) -> Ran:
    """Run a short command to its end. Never an exception: a command that cannot be started is an answer too."""
    chunks = []  # type: List[bytes]
    size = 0
    try:
        with Command(argv, timeout=timeout) as command:
            for chunk in command.chunks():
                chunks.append(chunk)
                size += len(chunk)
                if size > _MAX_OUTPUT:
                    return Ran(None, stderr="%s said more than %d bytes" % (argv[0], _MAX_OUTPUT))
    except CommandFailed as exc:
        return Ran(None, stderr=str(exc))
    if command.timed_out:
        return Ran(
            None,
            stderr="%s did not end within %g s" % (" ".join([os.path.basename(argv[0])] + list(argv[1:2])), timeout),
        )
    return Ran(command.returncode, to_text(b"".join(chunks)), to_text(command.stderr))


class Host(NamedTuple):
    """A managed node as the rooms see it.

    root -- prefix of every path that is read; "/" on a real host
    warn -- takes one sentence for the person who runs the play
    run -- runs a command to its end
    """

    root: str = "/"
    warn: Callable[[str], None] = lambda text: None
    run: Callable[..., Ran] = run

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


#: Where the tools of every supported release are, for a process that was started without a PATH, as by a minimal init.
_STANDARD_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


def command_environment() -> Dict[str, str]:
    """The environment of every command that the collection runs; nobody else makes one.

    C messages, no pager, no colours; TZ stays. PATH has absolute directories only, whatever this process was given: an
    empty or a relative part is the working directory, and anybody may have put a program there that root would then
    run.
    """
    env = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "SYSTEMD_"))}
    env.update(LC_ALL="C", LANGUAGE="C", SYSTEMD_PAGER="", SYSTEMD_COLORS="0", SYSTEMD_URLIFY="0")
    given = [part for part in env.get("PATH", "").split(":") if part.startswith("/")]
    env["PATH"] = ":".join(dict.fromkeys(given + list(_STANDARD_PATH)))
    return env


class CommandFailed(Exception):
    """A command could not be started, timed out or ended with an error; the text says which."""


class Command:
    """A command read as a stream: constant memory, a deadline, its errors kept (bounded).

    ::

        with Command(["journalctl", "-o", "json"], timeout=60) as command:
            for chunk in command.chunks(): ...
        command.returncode, command.stderr, command.timed_out

    One poll() over both pipes and no threads: they cost more than a short command.
    """

    def __init__(self, argv: Sequence[str], timeout: float, env: Optional[Dict[str, str]] = None) -> None:
        self.argv = list(argv)
        self.timeout = timeout
        self.env = env or {}
        self.timed_out = False
        self.returncode = None  # type: Optional[int]
        self.stderr = b""
        self._process = None  # type: Optional[subprocess.Popen[bytes]]
        self._poll = select.poll()
        self._open = set()  # type: Set[int]
        self._errors = -1
        self._deadline = 0.0

    def __enter__(self) -> "Command":
        try:
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function  # run_command cannot stream
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(command_environment(), **self.env),
                bufsize=0,
                start_new_session=True,  # what it starts ends with it, and its pipes with that
            )
        except OSError as exc:
            raise CommandFailed("%s could not be started: %s" % (self.argv[0], exc.strerror))
        self._process = process
        self._deadline = time.monotonic() + self.timeout
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                self._poll.register(stream.fileno(), select.POLLIN | select.POLLHUP)
                self._open.add(stream.fileno())
        self._errors = process.stderr.fileno() if process.stderr is not None else -1
        return self

    def _kill(self) -> None:
        try:
            if self._process is not None and self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        except OSError:  # it is gone
            pass

    def _read(self) -> bytes:
        """The next piece of the output; empty at the end of both pipes or a little after the deadline."""
        while self._open:
            left = self._deadline - time.monotonic()
            if left <= 0:
                if self.timed_out:  # somebody else still holds the pipes
                    break
                self.timed_out = True
                self._kill()
                self._deadline = time.monotonic() + _GRACE
                continue
            for fd, _event in self._poll.poll(min(left, 3600) * 1000 + 1):
                data = os.read(fd, 65536)
                if not data:
                    self._poll.unregister(fd)
                    self._open.discard(fd)
                elif fd != self._errors:
                    return data
                else:
                    self.stderr += data
                    if len(self.stderr) > 2 * _MAX_ERRORS:  # the beginning and the end tell most
                        self.stderr = self.stderr[:_MAX_ERRORS] + self.stderr[-_MAX_ERRORS:]
        return b""

    def chunks(self, size: int = 1 << 16) -> Iterator[bytes]:
        """The output in pieces of about this size: most commands write 4 KiB at a time, too little to work on."""
        while True:
            parts = []  # type: List[bytes]
            length = 0
            data = self._read()
            while data:
                parts.append(data)
                length += len(data)
                if length >= size:
                    break
                data = self._read()
            if parts:
                yield b"".join(parts)
            if not data:
                return

    def __exit__(self, *exc_info: object) -> None:
        process = self._process
        if process is None:
            return
        if exc_info[0] is not None or self.timed_out:
            self._kill()
        if process.stdout:
            self._open.discard(process.stdout.fileno())
            try:
                self._poll.unregister(process.stdout.fileno())
            except KeyError:
                pass
            process.stdout.close()  # a command that still writes gets SIGPIPE
        self._deadline = min(self._deadline, time.monotonic() + _GRACE)
        self._read()  # the last of the errors
        try:
            process.wait(timeout=_GRACE)
        except subprocess.TimeoutExpired:
            self._kill()
            process.wait()
        if process.stderr:
            process.stderr.close()
        self.returncode = process.returncode


def host_of(module: "AnsibleModule") -> Host:
    return Host(warn=module.warn)
