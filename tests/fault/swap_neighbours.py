# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Others on the same host: more runs at once, a container with a swap file of the same name, and Ansible itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import swap_lab as lab  # noqa: E402
import swap_sweep as driver  # noqa: E402
from swap_cases import M, alone, case, check, do, line_of, whole  # noqa: E402

PYTHON = "MEMOPS_SWAP_PYTHON"  # that runs the module


@case
def two_at_once(where: Path) -> None:
    """Runs wait for each other: other files, the same file."""
    paths = [where / f"swapfile{number}" for number in (1, 2, 3, 1)]
    running = [
        subprocess.Popen(driver.argv_of(path, {"size": "16M"}), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for path in paths
    ]
    said = [run.communicate()[0].decode() for run in running]
    check([run.returncode for run in running] == [0] * 4, said)
    for path in set(paths):
        whole(path, 16 * M, 10)
        check(len(line_of(path)) == 1, line_of(path))
        do(path, state="absent")
    check(Path("/etc/fstab").read_text(encoding="utf-8") == lab.FSTAB, "fstab")


@alone
def another_namespace() -> None:
    """A swap file of the same name that somebody else uses, as a container does: not taken for ours, and not touched."""
    with lab.file_system("ext4") as where:
        path = where / "swapfile"
        do(path, size="8M")
        other = lab.MOUNTS / "covers"
        other.mkdir()
        image = Path(os.environ[lab.INSIDE]) / "covers.img"
        with image.open("wb") as handle:
            handle.truncate(64 * M)
        subprocess.check_call(["mkfs.ext4", "-q", image])
        subprocess.check_call(["mount", "-o", "loop", image, other])
        subprocess.check_call(["swapoff", path])
        lab.write_fstab()
        do(path, state="absent")
        # In a namespace where the other file system stands in the place of ours, the two files have one name.
        make_it = f"fallocate -l 16M {path} && chmod 600 {path} && mkswap {path} >/dev/null && swapon -p 55 {path}"
        script = f"mount --bind {other} {where} && {make_it} && exec sleep 60"
        there = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-c", script])
        try:
            deadline = time.monotonic() + 20
            while not lab.ours() and time.monotonic() < deadline:
                time.sleep(0.05)
            check(lab.ours() == [str(path)], "the other one does not have our name", lab.ours())
            done = do(path, size="8M")
            check(
                [step["action"] for step in done["plan"]] == ["make", "activate", "fstab"]
                and done["swap_file"]["active"],
                done,
            )
            check(lab.ours() == [str(path)] * 2, lab.ours())
            check(not do(path, size="8M")["changed"], "second run")
            do(path, state="absent")
            check(lab.ours() == [str(path)], "the other one is touched")
        finally:
            subprocess.call(["swapoff", other / "swapfile"])
            there.kill()
            there.wait()
            subprocess.check_call(["umount", other])
            image.unlink()


@alone
def the_module() -> None:
    """Through ansible: check mode, a run, a second run, resize, absent."""
    ansible = shutil.which("ansible")
    if ansible is None:
        print("  the module itself was NOT run: no ansible in PATH")
        return

    def module(where: Path, *words: str, **wish: object) -> dict[str, Any]:
        # An /etc of our own comes with this namespace, so the module's real /etc/fstab is ours.
        wish = {"path": str(where / "swapfile"), "min_free": "10M", **wish}
        command = [
            ansible,
            "localhost",
            "-c",
            "local",
            "-m",
            "memops.linux.swap_file",
            "-a",
            json.dumps(wish),
            "-e",
            f"ansible_python_interpreter={os.environ[PYTHON]}",
        ]
        env = dict(
            os.environ,
            ANSIBLE_COLLECTIONS_PATH=os.environ[driver.TREE],
            ANSIBLE_LOAD_CALLBACK_PLUGINS="1",
            ANSIBLE_STDOUT_CALLBACK="ansible.builtin.minimal",
        )
        env["ANSIBLE_HOME"] = env["ANSIBLE_LOCAL_TEMP"] = env["ANSIBLE_REMOTE_TEMP"] = str(
            Path(os.environ[lab.INSIDE]) / "ansible"
        )
        done = subprocess.run(
            [*command, *words], env=env, check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/"
        )
        text = done.stdout.decode()
        check("=> {" in text, text, done.stderr.decode())
        return dict(json.loads(text[text.index("=> {") + 3 : text.rindex("}") + 1]), failed=done.returncode != 0)

    with lab.file_system("ext4") as where:
        foreseen = module(where, "--check", size="24M")
        check(foreseen["changed"] and not (where / "swapfile").exists(), foreseen)
        done = module(where, "--diff", size="24M")
        check(not done["failed"] and done["plan"] == foreseen["plan"] and done["swap_file"]["size"] == 24 * M, done)
        whole(where / "swapfile", 24 * M, 10)
        check(not module(where, size="24M")["changed"], "second run")
        check(module(where, size="32M", priority=5)["changed"], "resize")
        whole(where / "swapfile", 32 * M, 5)
        check("Nothing was changed" in module(where, size="2X")["msg"], "a wrong size")
        check("are free and" in module(where, size="9G")["msg"], "a full disk")
        check(module(where)["failed"], "no size")
        check(module(where, state="absent")["changed"] and not (where / "swapfile").exists(), "absent")
        check(Path("/etc/fstab").read_text(encoding="utf-8") == lab.FSTAB, "fstab")


@alone
def the_role() -> None:
    """Files that come are made before files that go are removed; where one cannot be made, none goes."""
    ansible = shutil.which("ansible-playbook")
    if ansible is None:
        print("  the role was NOT run: no ansible in PATH")
        return
    place = Path(os.environ[lab.INSIDE])
    env = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=os.environ[driver.TREE])
    env["ANSIBLE_HOME"] = env["ANSIBLE_LOCAL_TEMP"] = env["ANSIBLE_REMOTE_TEMP"] = str(place / "ansible")
    play = {"hosts": "localhost", "gather_facts": False, "roles": ["memops.linux.oom_swap"]}
    (place / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    extra = {"ansible_connection": "local", "ansible_python_interpreter": os.environ[PYTHON]}

    def role(*files: dict[str, Any], state: str = "present") -> tuple[int, str]:
        wish = dict(extra, oom_swap_state=state, oom_swap_files=[{"min_free": "4M", **one} for one in files])
        command = [ansible, "-i", "localhost,", "--diff", "-e", json.dumps(wish), str(place / "play.yml")]
        done = subprocess.run(command, env=env, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/")
        return done.returncode, done.stdout.decode()

    with lab.file_system("ext4") as where:
        old, new = where / "old", where / "new"
        code, said = role({"path": str(old), "size": "16M", "discard": True})
        check(
            code == 0 and f"\n+{old}: 16M, active, priority 10\n+{old} none swap nofail,pri=10,discard 0 0\n" in said,
            said,
        )
        code, said = role({"path": str(old), "state": "absent"}, {"path": str(new), "size": "9G"})
        check(code != 0 and "Nothing was changed" in said and lab.ours() == [str(old)], said)
        code, said = role({"path": str(old), "state": "absent"}, {"path": str(new), "size": "8M"})
        check(
            code == 0 and said.index(f"(item={new})") < said.index(f"(item={old})") and lab.ours() == [str(new)], said
        )
        code, said = role({"path": str(new)}, state="absent")
        check(code == 0 and lab.ours() == [] and line_of(new) == [] and not new.exists(), said)
