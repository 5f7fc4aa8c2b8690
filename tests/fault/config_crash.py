# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every system call of the writers of fstab and of sysctl.d fails once: kill -9 before and after it, full disk, quota,
I/O error.

    python tests/fault/config_crash.py

After each fault the file holds the old bytes or the new ones, an error is a sentence and not a traceback, and the next
run ends it and leaves nothing behind. The faults are put where Python calls the system (the process is a real one and
is killed for real), so a sweep takes seconds. Runs on Python 3.6 as well.
"""

import argparse
import errno
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback

if __name__ == "__main__":
    from checkout import importable

    importable()

from ansible_collections.memops.linux.plugins.module_utils._errors import (
    ExecutionError,
    PreconditionError,
)  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._host import Host  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._swap_file import syscalls  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._swap_file.fstab import update  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._swap_file.fstab_lines import Fstab  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._vm_settings.params import Params  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._vm_settings.transaction import apply  # noqa: E402

CALLS = "open read write pwrite ftruncate fsync rename unlink mkdir fchmod fchown setxattr listxattr getxattr fstat listdir readlink close".split()
FAULTS = ("kill before", "kill after", errno.ENOSPC, errno.EDQUOT, errno.EIO)
FOREIGN = b"# table\r\nUUID=1 / ext4 defaults 0 1\n/dev/x\tswap swap sw\n\nUUID=2 /mnt ext4 ro 0 2"
#: What the kernel has already: setting it is another matter than writing a file, and a plain file is not procfs.
LIVE = {"swappiness": b"10\n", "page-cluster": b"0\n"}


def fstab_writer(wish):
    def run(root):
        update(Host(root=root), wish)

    return run


def vm_writer(**options):
    def run(root):
        apply(Host(root=root), Params(**options), False)

    return run


def with_ours(table, options="nofail,pri=1"):
    return table.with_swap("/my swap", options)


OURS = with_ours(Fstab.parse(FOREIGN)).data
HEAD = b"# Written by the Ansible module memops.linux.vm_settings.\n"
#: what, file, bytes before (None: no file), bytes after, how
WRITERS = (
    ("fstab add", "etc/fstab", FOREIGN, OURS, fstab_writer(with_ours)),
    (
        "fstab change",
        "etc/fstab",
        OURS,
        with_ours(Fstab.parse(OURS), "nofail,pri=2").data,
        fstab_writer(lambda table: with_ours(table, "nofail,pri=2")),
    ),
    ("fstab remove", "etc/fstab", OURS, FOREIGN, fstab_writer(lambda table: table.without_swap("/my swap"))),
    (
        "sysctl add",
        "etc/sysctl.d/90-memops.conf",
        None,
        HEAD + b"vm.swappiness = 10\n",
        vm_writer(settings={"swappiness": 10}),
    ),
    (
        "sysctl change",
        "etc/sysctl.d/90-memops.conf",
        HEAD + b"vm.swappiness = 10\n",
        HEAD + b"vm.page-cluster = 0\nvm.swappiness = 10\n",
        vm_writer(settings={"swappiness": 10, "page-cluster": 0}),
    ),
    (
        "sysctl remove",
        "etc/sysctl.d/90-memops.conf",
        HEAD + b"vm.swappiness = 10\n",
        None,
        vm_writer(settings={"swappiness": 0}, present=False),
    ),
)


def machine(name, before):
    root = tempfile.mkdtemp(prefix="memops-crash-root-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    for folder in ("etc/sysctl.d", "run/systemd/system", "proc/sys/vm", "proc/sys/kernel"):
        os.makedirs(os.path.join(root, folder), 0o755)
    for key, value in LIVE.items():
        with open(os.path.join(root, "proc/sys/vm", key), "wb") as stream:
            stream.write(value)
    with open(os.path.join(root, "proc/meminfo"), "w") as stream:
        stream.write("MemTotal: 1000000 kB\n")
    if before is not None:
        with open(os.path.join(root, name), "wb") as stream:
            stream.write(before)
    return root


def content(path):
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def arm(number, fault):
    """The number-th system call from now on has the fault."""
    counted = [0]

    def wrapped(name, real):
        def call(*args, **kwargs):
            counted[0] += 1
            if counted[0] != number:
                return real(*args, **kwargs)
            if fault == "kill before":
                os.kill(os.getpid(), signal.SIGKILL)
            if fault == "kill after":
                real(*args, **kwargs)
                os.kill(os.getpid(), signal.SIGKILL)
            if name == "close":  # nothing is lost by it: what matters was flushed before
                return real(*args, **kwargs)
            raise OSError(fault, os.strerror(fault))

        return call

    for name in CALLS:
        setattr(os, name, wrapped(name, getattr(os, name)))
    exchange = wrapped("renameat2", syscalls.exchange)

    def answered(*arguments):
        """renameat2(2) is called through the C library, which answers with a number."""
        try:
            return exchange(*arguments)
        except OSError as exc:
            return exc.errno

    syscalls.exchange = answered
    time.sleep = lambda seconds: None
    return counted


def faulty_run(run, root, number, fault):
    """Run it in a process of its own. Returns how it ended: done, killed, said (a sentence) or a traceback."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        say = os.write
        counted = arm(number, fault)
        try:
            run(root)
            end = "done"
        except (ExecutionError, PreconditionError) as exc:
            end = "said %s" % exc
        except BaseException:
            end = "TRACEBACK " + traceback.format_exc()
        if counted[0] < number:
            end = "over"
        say(writer, end.encode("utf-8", "replace")[:60000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        end = stream.read().decode("utf-8")
    status = os.waitpid(pid, 0)[1]
    return end or ("killed" if os.WIFSIGNALED(status) else "nothing")


def sweep(what, name, before, after, run):
    """Returns the number of faults and what was wrong."""
    count, wrong = 0, []
    for fault in FAULTS:
        label = fault if isinstance(fault, str) else errno.errorcode[fault]
        number = 0
        while True:
            number += 1
            root = machine(name, before)
            path = os.path.join(root, name)
            try:
                end = faulty_run(run, root, number, fault)
                if end == "over":
                    break
                count += 1
                if end.startswith("TRACEBACK") or end == "nothing":
                    wrong.append("%s, %s at call %d: %s" % (what, label, number, end))
                now = content(path)
                if now not in (before, after):
                    wrong.append("%s, %s at call %d: TORN %r" % (what, label, number, now))
                if end == "done" and now != after:
                    wrong.append("%s, %s at call %d: done, and it is not" % (what, label, number))
                try:
                    run(root)
                except (ExecutionError, PreconditionError) as exc:
                    wrong.append("%s, %s at call %d: the next run says %s" % (what, label, number, exc))
                if content(path) != after:
                    wrong.append("%s, %s at call %d: the next run leaves %r" % (what, label, number, content(path)))
                left = [one for one in os.listdir(os.path.dirname(path)) if "memops~" in one]
                if left:
                    wrong.append("%s, %s at call %d: left over %s" % (what, label, number, left))
            finally:
                shutil.rmtree(root)
    return count, wrong


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    time.sleep = lambda seconds: None
    total, bad = 0, 0
    for row in WRITERS:
        began = time.monotonic()
        count, wrong = sweep(*row)
        total, bad = total + count, bad + len(wrong)
        print("%-14s %4d faults, %d wrong, %.1f s" % (row[0], count, len(wrong), time.monotonic() - began))
        for text in wrong[:5]:
            print("  " + text)
    print("%d faults, %d wrong" % (total, bad))
    return 1 if bad or total < 1000 else 0


if __name__ == "__main__":
    sys.exit(main())
