# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many writers of one fstab: processes of our own that add and remove lines, and beside them sed -i, which knows no
lock.

    python tests/fault/fstab_writers.py [--edits 100] [--rounds 1] [--writers 2 4 8] [--sed 0.05] [--race 4]

Every line that was written last must be there and every line that is not ours must be as it was. Then a race: one
editor that renames and one that appends, every 1 and every 20 ms, wait for each other but not for us, while our line
comes and goes as fast as it can. Every edit of theirs must be there in the end. Prints a row for each round and ends
with 1 if a line is missing. Runs on Python 3.6 as well.
"""

import argparse
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time

if __name__ == "__main__":
    from checkout import importable

    importable()

from ansible_collections.memops.linux.plugins.module_utils._host import Host  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._swap_file.fstab import update  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._swap_file.fstab_lines import Fstab, FstabError  # noqa: E402

FOREIGN = (
    b"# /etc/fstab: static file system information.\n"
    b"UUID=8c1e-root / ext4 errors=remount-ro 0 1\n"
    b"UUID=8c1e-swap\tnone\tswap\tsw\t0\t0\n"
    b"/dev/zram0 swap swap pri=100 0 0\n"
    b"tmpfs /tmp tmpfs nosuid,nodev 0 0 # with a comment\n"
)
TICK = b"# tick "


def name(writer, edit):
    return "/swap/writer %d/%d" % (writer, edit)


def write(root, writer, edits, failed):
    """Every edit adds a line; every tenth also removes the one before."""
    host = Host(root=root)
    for edit in range(edits):
        try:
            update(host, lambda table, path=name(writer, edit): table.with_swap(path, "nofail,pri=%d" % (writer + 1)))
            if edit % 10 == 9:
                update(host, lambda table, path=name(writer, edit - 1): table.without_swap(path))
        except Exception as exc:  # a refusal is an answer: counted, and its line is not expected
            failed.put((writer, edit, "%s: %s" % (type(exc).__name__, exc)))


def tick(path, every, stop, done):
    """sed -i, as a person or another tool would: read, write beside, rename, with nobody's lock."""
    count = 0
    while not stop.is_set():
        subprocess.run(["sed", "-i", "s/^# tick .*/# tick %d/" % (count + 1), path], check=True)
        count += 1
        done.value = count
        time.sleep(every)


def one_round(writers, edits, every):
    root = tempfile.mkdtemp(prefix="memops-fstab-")
    path = os.path.join(root, "etc", "fstab")
    os.mkdir(os.path.dirname(path))
    with open(path, "wb") as stream:
        stream.write(FOREIGN + TICK + b"0\n")
    failed, stop, ticks = multiprocessing.Queue(), multiprocessing.Event(), multiprocessing.Value("i", 0)
    began = time.monotonic()
    crowd = [multiprocessing.Process(target=write, args=(root, number, edits, failed)) for number in range(writers)]
    editor = multiprocessing.Process(target=tick, args=(path, every, stop, ticks))
    for process in crowd + ([editor] if every else []):
        process.start()
    for process in crowd:
        process.join()
    seconds = time.monotonic() - began
    stop.set()
    if every:
        editor.join()
    refusals = []
    while not failed.empty():
        refusals.append(failed.get())
    with open(path, "rb") as stream:
        data = stream.read()
    table = Fstab.parse(data)
    refused = {(writer, edit) for writer, edit, _text in refusals}
    wanted = {(w, e) for w in range(writers) for e in range(edits) if e % 10 != 8 or e + 1 >= edits} - refused
    kept = {(w, e) for w in range(writers) for e in range(edits) if table.swap_entry(name(w, e)) is not None}
    foreign = b"".join(line for line in table.lines if not line.startswith((b"/swap/", TICK)))
    left = sorted(set(os.listdir(os.path.dirname(path))) - {"fstab"})
    shutil.rmtree(root)
    good = wanted == kept and foreign == FOREIGN and not left and data.count(TICK) == 1 and not refused
    print(
        "%d writers x %d edits%s: kept %d of %d, back again %d, refused %d, other lines %s, left over %s, %.1f s: %s"
        % (
            writers,
            edits,
            ", sed -i every %g s (%d times)" % (every, ticks.value) if every else "",
            len(wanted & kept),
            len(wanted) + len(refused),
            len(kept - wanted),
            len(refused),
            "as they were" if foreign == FOREIGN else "DAMAGED",
            left or "nothing",
            seconds,
            "good" if good else "BAD",
        )
    )
    for writer, edit, text in refusals[:3]:
        print("  writer %d edit %d: %s" % (writer, edit, text))
    return good


def with_ours(table):
    return table.with_swap("/swap", "nofail")


def without_ours(table):
    return table.without_swap("/swap")


def rename(path, line):
    with open(path, "rb") as stream:
        data = stream.read()
    with open(path + ".new", "wb") as stream:
        stream.write(data + line)
    os.rename(path + ".new", path)


def append(path, line):
    with open(path, "ab") as stream:
        stream.write(line)


def edit(path, how, every, stop, count, lock):
    """Numbered lines, each under the lock of the editors: what is missing in the end was taken away by us."""
    while not stop.is_set():
        with lock:
            how(path, b"# %s %d\n" % (how.__name__.encode(), count.value + 1))
            count.value += 1
        time.sleep(every)


def race(editors, every, seconds):
    root = tempfile.mkdtemp(prefix="memops-fstab-")
    path = os.path.join(root, "etc", "fstab")
    os.mkdir(os.path.dirname(path))
    with open(path, "wb") as stream:
        stream.write(FOREIGN)
    stop, lock = multiprocessing.Event(), multiprocessing.Lock()
    counts = [multiprocessing.Value("i", 0) for _editor in editors]
    crowd = [
        multiprocessing.Process(target=edit, args=(path, how, every, stop, count, lock))
        for how, count in zip(editors, counts)
    ]
    for process in crowd:
        process.start()
    ours, refused, wanted, end = 0, 0, False, time.monotonic() + seconds
    host = Host(root=root)
    while time.monotonic() < end:
        try:
            update(host, without_ours if wanted else with_ours)
            wanted = not wanted
            ours += 1
        except FstabError:  # they were faster each time: told, and theirs is kept
            refused += 1
    stop.set()
    for process in crowd:
        process.join()
    with open(path, "rb") as stream:
        lines = stream.read().splitlines(True)
    names = [(how.__name__, count.value) for how, count in zip(editors, counts)]
    lost = [b"# %s %d\n" % (name.encode(), number) for name, count in names for number in range(1, count + 1)]
    lost = [line for line in lost if lines.count(line) != 1]
    good = not lost and [
        line for line in lines if not line.startswith((b"# rename ", b"# append ", b"/swap "))
    ] == FOREIGN.splitlines(True)
    # somebody who never stops writing is told, and keeps what they wrote
    good = good and (ours > refused or every < 0.01) and any(line.startswith(b"/swap ") for line in lines) == wanted
    shutil.rmtree(root)
    print(
        "race with %s every %g ms, %g s: %d edits of theirs, %d lost or twice, %d of ours, %d refused: %s"
        % (" and ".join(name for name, _count in names), every * 1000, seconds, sum(count for _name, count in names), len(lost), ours, refused,
           "good" if good else "BAD %s" % lost[:3])
    )  # fmt: skip
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edits", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--writers", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--sed", type=float, default=0.05, help="seconds between two runs of sed -i; 0 for none")
    parser.add_argument("--race", type=float, default=4, help="seconds of each race; 0 for none")
    args = parser.parse_args()
    good = True
    for editors in ((rename,), (append,), (rename, append)) if args.race else ():
        for every in (0.001, 0.02):
            good &= race(editors, every, args.race)
    for _round in range(args.rounds):
        for writers in args.writers:
            for every in (0, args.sed) if args.sed else (0,):
                good &= one_round(writers, args.edits, every)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
