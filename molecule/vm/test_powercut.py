# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The power is cut while the modules write: no file is empty, none is half, no line that is not ours is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import AGENT, HERE, UNIT, Host, say

CUTS = 10  # of each file system on each of three kernels: 60


def freeze_and_copy(host: Host) -> None:
    """What a kill of qemu would leave at this moment: its writes so far, and nothing of what the guest only holds in
    memory.

    The machine is stopped and goes on afterwards, so that a cut costs a second and not a boot.
    """
    assert host.process
    os.kill(host.process.pid, signal.SIGSTOP)
    try:
        subprocess.run(
            ["cp", "--sparse=always", str(host.folder / "data.raw"), str(host.folder / "after.new")], check=True
        )
        with (host.folder / "after.raw").open("r+b") as disk:  # the file that qemu holds open
            disk.truncate(0)
            disk.truncate((host.folder / "after.new").stat().st_size)
        subprocess.run(
            [
                "dd",
                f"if={host.folder / 'after.new'}",
                f"of={host.folder / 'after.raw'}",
                "bs=1M",
                "conv=notrunc,sparse",
                "status=none",
            ],
            check=True,
        )
    finally:
        os.kill(host.process.pid, signal.SIGCONT)


@pytest.mark.parametrize("file_system", ["ext4", "xfs"])
def test_a_power_cut_leaves_no_half_file(host: Host, file_system: str) -> None:
    import ansible

    collection = "library/ansible_collections/memops/linux/plugins"
    host.put(HERE.parent.parent / "plugins", f"{os.path.dirname(AGENT)}/{collection}")
    host.put(Path(ansible.__file__).parent / "module_utils", f"{os.path.dirname(AGENT)}/library/ansible/module_utils")
    host.root(f"touch {os.path.dirname(AGENT)}/library/ansible/__init__.py; modprobe xfs || :")
    rng, results, written = random.Random(file_system + host.suite), [], host.folder / f"written-{file_system}.log"
    command = [
        *host.ssh(),
        f"sudo {UNIT.replace('vm-test', 'vm-writers')} python3 -B {AGENT} write {file_system} {host.suite}",
    ]
    with written.open("w") as log, subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
    ) as writer:
        try:
            end = time.monotonic() + 120
            while '"ready"' not in written.read_text() and time.monotonic() < end and writer.poll() is None:
                time.sleep(0.2)
            assert writer.poll() is None, f"the writer has ended: {written.read_text()[-1500:]}"
            for cut in range(CUTS):
                runs, end = len(written.read_text().splitlines()), time.monotonic() + 60
                while len(written.read_text().splitlines()) == runs and time.monotonic() < end:
                    time.sleep(0.02)
                time.sleep(rng.uniform(0.0, 1.5))
                freeze_and_copy(host)
                (result,) = json.loads("[" + host.root(f"python3 -B {AGENT} torn") + "]")
                results.append(dict(result, runs=runs))
                if cut % 5 == 4:
                    say(f"{host.name}: {file_system}, {cut + 1} cuts")
        finally:
            undo = "systemctl stop vm-writers; swapoff /mnt/swap/file; systemctl stop vm-writer; umount -l /etc; umount -l /mnt"
            host.root(undo + "; rm -f /etc/systemd/system/vm-writer.service; systemctl daemon-reload", check=False)
    path = host.save(f"cuts-{file_system}", results)
    told = [json.loads(line) for line in written.read_text().splitlines()[1:] if line.startswith("{")]
    failed = [run["msg"] for run in told if run["failed"]]
    torn, left = [t for r in results for t in r["torn"]], sum(len(r["left"]) for r in results)
    said = f"{len(results)} cuts in {len(told)} runs of modules, {len(torn)} torn, {left} temporary files left, {len(failed)} runs failed"
    say(f"{host.name}: {file_system}, {said}")
    assert not torn, f"{torn}; all in {path}"
    assert not failed, f"{failed[:3]}; all in {written}"
    assert len(told) >= CUTS, f"only {len(told)} runs in {len(results)} cuts: nothing was cut"
    assert all(r["kind"] == file_system for r in results)
