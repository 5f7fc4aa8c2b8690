# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""32 situations that a host can be in, and what the modules say there: never "verified", "clear" or "nothing to do"
where they could not look.

    python tests/fault/environments.py [--only WORD] [--show]

Each module is run as Ansible runs it (its arguments as JSON, its answer as JSON on stdout) in a mount namespace of its
own, with a real process in a real control group, a systemctl and a journalctl that answer like systemd's for this one
unit, and a text log. What is covered, filled, made read-only or broken is broken there only. Afterwards the process's
score in /proc, read from outside, tells whether "verified" was true.

An error has to name the path, the command or the option that it is about and what to do; numbers of errors and names of
temporary files are no help to anybody. A program that was put into the working directory is never run.

Exit code: 0 all are honest, 1 some are not, 77 this machine cannot make the situations.
"""

from __future__ import annotations

import argparse
import atexit
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import checkout

UNIT = "memops-env.service"
GROUP = f"/memops-env.slice/{UNIT}"
SCORE = 300  # a higher one needs no capability
STANDARD = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SWAP = "/srv/memops-env/swapfile"
MODULES = ("oom_facts", "service_memory", "oom_score_info", "swap_file")
ARGUMENTS: dict[str, dict[str, Any]] = {
    "oom_facts": {"since": "1h"},
    "service_memory": {"name": [UNIT], "oom_score_adjust": SCORE},
    "oom_score_info": {"top": 3, "adjustments": {UNIT: SCORE}},
    "swap_file": {"path": SWAP, "size": "8M", "persistent": False, "min_free": "1M", "_ansible_check_mode": True},
}

SYSTEMCTL = f"""#!/bin/sh
case " $* " in
*" --version "*) echo "systemd 252 (252.1)"; exit 0;;
*" daemon-reload "*) exit 0;;
*" list-units "*) exit 0;;
esac
score=0
for file in /etc/systemd/system/{UNIT}.d/*.conf; do
  [ -f "$file" ] && while IFS== read -r key value; do [ "$key" = OOMScoreAdjust ] && score=$value; done < "$file"
done
case "$*" in *{UNIT}*|*"*"*) ;; *) echo Id=init.scope; echo LoadState=loaded; echo ActiveState=active; exit 0;; esac
cat <<EOF
Id={UNIT}
Names={UNIT}
LoadState=loaded
ActiveState=active
SubState=running
Type=simple
MainPID=@pid@
ControlGroup={GROUP}
NeedDaemonReload=no
OOMScoreAdjust=$score
OOMPolicy=stop
MemoryMax=infinity
MemoryHigh=infinity
MemoryCurrent=1048576
Restart=no
Result=success
ConditionResult=yes
FragmentPath=/etc/systemd/system/{UNIT}
ExecMainStartTimestampMonotonic=5000000
ActiveEnterTimestampMonotonic=5000000
EOF
"""
GARBAGE = "#!/bin/sh\necho 'welcome to our host'\necho 'have a nice day'\n"
EVIL = "#!/bin/sh\necho taken >> @work@/taken\nexit 0\n"

_PREPARE = f"""
set -e
mount --make-rprivate /
for folder in /usr/local/sbin /etc/systemd/system /var/log /run; do mkdir -p $folder; mount -t tmpfs -o mode=755,size=4m tmpfs $folder; done
mount -o loop,noatime $WORK/disk /srv
mkdir -p /run/systemd/system {os.path.dirname(SWAP)}
[ ! -e /.dockerenv ] || mount --bind $WORK/socket /.dockerenv
cp $WORK/bin/* /usr/local/sbin/
for file in systemd-analyze systemd-run; do printf '#!/bin/sh\\nexit 0\\n' > /usr/local/sbin/$file; chmod 755 /usr/local/sbin/$file; done
printf '[Service]\\nExecStart=/bin/true\\n' > /etc/systemd/system/{UNIT}
cp $WORK/kern.log /var/log/kern.log
cd $WORK/here
"""


class Situation(NamedTuple):
    """name -- what is odd; setup -- a script that makes it so, in the namespace; environ -- None takes a variable away

    blind -- modules that cannot know there what they are asked, so that their answer must say so
    """

    name: str
    setup: str = ""
    environ: dict[str, str | None] = {}
    flags: tuple[str, ...] = ()
    blind: frozenset[str] = frozenset()


def fill(folder: str, size: str = "256k") -> str:
    """A file system without a free block; the folders that are needed are there."""
    return f"mount -t tmpfs -o mode=755,size={size} tmpfs {folder}; head -c 100m /dev/zero > {folder}/full 2>/dev/null || true\n"


READ_ONLY = "mount -o remount,ro,bind {0} 2>/dev/null || mount -o remount,ro {0}\n"
COVER = "mount -t tmpfs -o mode=755 tmpfs {0}\n"
#: A journal that is there: whoever cannot read it does not know what it holds.
JOURNAL = """
folder=/var/log/journal/$(cat /etc/machine-id || echo 0123456789abcdef0123456789abcdef)
mkdir -p $folder; head -c 1m /dev/zero > $folder/system.journal
"""
ALL = frozenset(MODULES)
NEEDS_SYSTEMCTL = frozenset({"service_memory"})

SITUATIONS = (
    Situation("plain"),
    Situation("PATH unset", environ={"PATH": None}),
    Situation("PATH empty", environ={"PATH": ""}),
    Situation("PATH is .", environ={"PATH": "."}),
    Situation("PATH leads nowhere", environ={"PATH": "bin:/nonexistent:./x"}),
    Situation("TMPDIR is not there", environ={"TMPDIR": "/nonexistent/tmp"}),
    Situation("TMPDIR may not be written", "mount -t tmpfs -o ro tmpfs $WORK/tmp\n", {"TMPDIR": "@work@/tmp"}),
    Situation("TMPDIR is full", fill("$WORK/tmp"), {"TMPDIR": "@work@/tmp"}),
    Situation("a locale that is not installed", environ={"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}),
    Situation("a locale that is none", environ={"LC_ALL": "xx_YY@broken", "LANG": "::"}),
    Situation("no locale", environ={"LC_ALL": None, "LANG": None, "LANGUAGE": None}),
    Situation(
        "output in ASCII",
        environ={"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ),
    Situation("python -O", flags=("-OO",)),
    Situation("umask 0777", "umask 0777\n"),
    Situation("few open files", "ulimit -n 10\n"),
    Situation("no file may grow", "ulimit -f 0\n"),
    Situation("no /proc", COVER.format("/proc"), blind=ALL),
    Situation("no /sys", COVER.format("/sys"), blind=frozenset({"service_memory"})),
    Situation("no control groups", COVER.format("/sys/fs/cgroup"), blind=frozenset({"service_memory"})),
    Situation("no /proc/vmstat", "mount --bind /dev/null /proc/vmstat\n", blind=frozenset({"oom_facts"})),
    Situation(
        "hidepid, not root",
        "open_up\nmount -o remount,hidepid=2 /proc\nDROP='setpriv --reuid=65534 --regid=65534 --clear-groups --'\n",
        blind=frozenset({"service_memory", "oom_score_info"}),
    ),
    Situation(
        "/etc is full",
        fill("/etc/systemd/system") + f"truncate -s 0 /etc/systemd/system/{UNIT}\n",
        blind=frozenset({"service_memory"}),
    ),
    Situation("/etc is read-only", READ_ONLY.format("/etc/systemd/system"), blind=frozenset({"service_memory"})),
    Situation("/run is full", "head -c 100m /dev/zero > /run/full 2>/dev/null || true\n"),
    Situation("/run is read-only", READ_ONLY.format("/run")),
    Situation("systemctl prints garbage", "cp $WORK/garbage /usr/local/sbin/systemctl\n", blind=NEEDS_SYSTEMCTL),
    Situation("systemctl cannot be started", "rm /usr/local/sbin/systemctl; hide systemctl\n", blind=NEEDS_SYSTEMCTL),
    Situation("systemctl fails", "printf '#!/bin/sh\\nexit 1\\n' > /usr/local/sbin/systemctl\n", blind=NEEDS_SYSTEMCTL),
    Situation(
        "journalctl prints garbage",
        JOURNAL + "cp $WORK/garbage /usr/local/sbin/journalctl\n",
        blind=frozenset({"oom_facts"}),
    ),
    Situation(
        "journalctl cannot be started",
        JOURNAL + "rm /usr/local/sbin/journalctl; hide journalctl\n",
        blind=frozenset({"oom_facts"}),
    ),
    Situation("stdout is full", "exec >/dev/full\n", blind=ALL),
    Situation("no stdin, no stderr", "exec 0<&- 2>&-\n"),
)
#: open_up: in this namespace anybody may look into the folder that keeps others from the Python that runs this.
_HELPERS = """
hide() { for folder in /usr/bin /bin /usr/sbin /usr/local/bin; do [ -e $folder/$1 ] && mount --bind /dev/null $folder/$1; done; true; }
open_up() {
  part=
  IFS=/; for word in ${PYTHON#/}; do
    part=$part/$word
    case $(stat -c %A "$part") in d????????-) closed=$part; next=${PYTHON#"$part"/}; next=${next%%/*}; break;; esac
  done; unset IFS
  [ -n "$closed" ] || return 0
  mkdir /run/opened; mount --rbind "$closed/$next" /run/opened
  mount -t tmpfs -o mode=755 tmpfs "$closed"; mkdir "$closed/$next"; mount --rbind /run/opened "$closed/$next"
}
"""


class Ran(NamedTuple):
    code: int
    text: str
    errors: str
    score: int  # of the process, as it is afterwards
    taken: bool  # a program of the working directory was run

    @property
    def answer(self) -> dict[str, Any] | None:
        try:
            found = json.loads(self.text)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None


class Lab:
    """A process in a control group of its own, and the files that every run gets copies of."""

    def __init__(self) -> None:
        self.work = Path(tempfile.mkdtemp(prefix="memops-env-"))
        atexit.register(shutil.rmtree, self.work, ignore_errors=True)
        self.work.chmod(0o755)
        self.group = self._tree() / GROUP.lstrip("/")
        self.group.mkdir(parents=True)
        atexit.register(self._leave)
        self.process = subprocess.Popen(["sleep", "3600"])
        (self.group / "cgroup.procs").write_text(str(self.process.pid))
        self._files()

    @staticmethod
    def _tree() -> Path:
        top = Path("/sys/fs/cgroup")
        return top if (top / "cgroup.controllers").exists() else top / "systemd"

    def _leave(self) -> None:
        self.process.kill()
        self.process.wait()
        for folder in (self.group, self.group.parent):
            for _turn in range(50):
                try:
                    folder.rmdir()
                    break
                except OSError:
                    time.sleep(0.02)

    def _files(self) -> None:
        for folder in ("bin", "here", "tmp"):
            (self.work / folder).mkdir()
        programs = {"systemctl": SYSTEMCTL.replace("@pid@", str(self.process.pid)), "journalctl": "#!/bin/sh\nexit 0\n"}
        for name, text in programs.items():
            self._program(self.work / "bin" / name, text)
        self._program(self.work / "garbage", GARBAGE)
        for name in ("systemctl", "journalctl", "zstd", "systemd-analyze", "mkswap", "swapon", "findmnt"):
            self._program(self.work / "here" / name, EVIL.replace("@work@", str(self.work)))
        stamp = time.strftime("%b %e %H:%M:%S", time.localtime(time.time() - 7200))
        (self.work / "kern.log").write_text(
            f"{stamp} host kernel: [    1.000000] Linux version 6.1.0\n{stamp} host kernel: [    2.000000] ready\n"
        )
        with (self.work / "disk").open("wb") as disk:
            disk.truncate(48 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", str(self.work / "disk")], check=True)
        listener = socket.socket(
            socket.AF_UNIX
        )  # cannot be opened: a test machine that is a container is none for the modules
        listener.bind(str(self.work / "socket"))
        listener.close()

    @staticmethod
    def _program(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    @property
    def score(self) -> int:
        return int(Path(f"/proc/{self.process.pid}/oom_score_adj").read_text())

    def run(self, situation: Situation, module: str, tree: str) -> Ran:
        Path(f"/proc/{self.process.pid}/oom_score_adj").write_text("0")
        (self.work / "taken").unlink(missing_ok=True)
        arguments = self.work / "arguments.json"
        arguments.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": ARGUMENTS[module]}))
        environ = {
            "PATH": STANDARD,
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": tree,
            "HOME": "/root",
        }
        for name, value in situation.environ.items():
            if value is None:
                environ.pop(name, None)
            else:
                environ[name] = value.replace("@work@", str(self.work))
        program = f"ansible_collections.memops.linux.plugins.modules.{module}"
        words = ["env", "-i", *(f"{name}={value}" for name, value in environ.items())]
        command = " ".join(
            f"'{word}'" for word in [*words, sys.executable, *situation.flags, "-m", program, str(arguments)]
        )
        script = f"WORK={self.work}\n{_PREPARE}{_HELPERS}DROP=\nset +e\n{situation.setup}exec $DROP {command}\n"
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", script],
            env={"PATH": STANDARD, "PYTHON": os.path.realpath(sys.executable)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=180,
        )
        texts = [data.decode("utf-8", "replace") for data in (done.stdout, done.stderr)]
        return Ran(done.returncode, texts[0], texts[1], self.score, (self.work / "taken").exists())


#: What an error is about, and what to do about it.
_NAMES = re.compile(r"/[a-z]|systemctl|journalctl|[a-z]+_[a-z]+|become")
_WAY_OUT = re.compile(
    r"become|free|room|raise|mount|install|again|goes on|give|write|make|Nothing was changed|nothing was changed|needs|must|take|mend|=true|ulimit",
    re.IGNORECASE,
)
_NO_HELP = re.compile(r"\[Errno|Traceback|'lock'|\.memops-[0-9a-f]|object at 0x")


def error_faults(text: str) -> list[str]:
    found = []
    if _NO_HELP.search(text):
        found.append("no help to anybody")
    if not _NAMES.search(text):
        found.append("names no path, command or option")
    if not _WAY_OUT.search(text):
        found.append("says no way out")
    return [f"{fault}: {text[:160]!r}" for fault in found]


def facts_faults(answer: dict[str, Any], blind: bool, situation: str) -> list[str]:
    oom = answer["ansible_facts"]["oom"]
    found = []
    if blind and oom["visibility"]["state"] == "clear":
        found.append("clear, and it could not look")
    if oom["visibility"]["state"] != "clear" and not oom["visibility"]["reasons"]:
        found.append(f"{oom['visibility']['state']} without a reason")
    counted = (oom.get("counters") or {}).get("vmstat_oom_kill")
    if situation in ("no /proc", "no /proc/vmstat") and counted is not None:
        found.append(f"counted {counted!r} kills without /proc/vmstat")
    if situation.startswith("systemctl"):
        if oom.get("units") is not None:
            found.append(f"units {oom['units']!r} without systemctl")
        if any(state is not None for state in (oom.get("daemons") or {}).values()):
            found.append(f"daemons {oom['daemons']!r} without systemctl")
    if situation == "no /proc" and any(value is not None for value in oom["memory"].values()):
        found.append("memory without /proc")
    return found


def service_faults(answer: dict[str, Any], blind: bool, ran: Ran) -> list[str]:
    verified = answer.get("verified")
    found = []
    if verified and ran.score != SCORE:
        found.append(f"verified, and the process has {ran.score}")
    if verified and blind:
        found.append("verified, and it could not look")
    if not verified and not any(service["gaps"] for service in answer.get("services", [])):
        found.append("not verified, and no gap says why")
    return found


def scores_faults(answer: dict[str, Any], blind: bool) -> list[str]:
    if not blind:
        return [] if answer["processes"] else ["nobody runs here"]
    return ["complete, and it could not look"] if answer["complete"] else []


def swap_faults(answer: dict[str, Any], blind: bool) -> list[str]:
    if blind:
        return [f"an answer, and it could not look: {answer.get('msg')!r}"]
    return [] if answer.get("changed") else [f"nothing to do, and there is no swap file: {answer.get('msg')!r}"]


def faults(situation: Situation, module: str, ran: Ran) -> list[str]:
    """Why this is not honest."""
    found = ["a program of the working directory was run"] if ran.taken else []
    answer, blind = ran.answer, module in situation.blind
    if answer is None:  # no answer is a failure for Ansible, as long as the exit code says so too
        return found if ran.code else [*found, f"no answer and exit code 0: {ran.text[:100]!r}"]
    if answer.get("failed"):
        texts = [str(answer["msg"])]
        return found + [fault for text in texts for fault in error_faults(text)]
    if module == "oom_facts":
        return found + facts_faults(answer, blind, situation.name)
    if module == "service_memory":
        return found + service_faults(answer, blind, ran)
    if module == "oom_score_info":
        return found + scores_faults(answer, blind)
    return found + swap_faults(answer, blind)


def summary(module: str, ran: Ran) -> str:
    answer = ran.answer
    if answer is None:
        return f"exit {ran.code}"
    if answer.get("failed"):
        return "failed"
    if module == "oom_facts":
        return str(answer["ansible_facts"]["oom"]["visibility"]["state"])
    if module == "service_memory":
        return "verified" if answer["verified"] else "not verified"
    if module == "oom_score_info":
        return "complete" if answer["complete"] else "incomplete"
    return "would change" if answer["changed"] else "as wished"


def why_not() -> str | None:
    """What is missing here; None where the situations can be made."""
    if os.geteuid() != 0:
        return "needs root: mount namespaces and a control group"
    missing = [name for name in ("unshare", "mount", "setpriv", "mkfs.ext4") if shutil.which(name) is None]
    if missing:
        return f"needs {', '.join(missing)}"
    if subprocess.run(
        ["unshare", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /srv"], stderr=subprocess.DEVNULL, check=False
    ).returncode:
        return "needs a mount namespace in which it may mount"
    try:
        probe = Lab._tree() / "memops-env-probe"
        probe.mkdir()
        probe.rmdir()
    except OSError as exc:
        return f"needs a control group of its own: {exc.strerror}"
    return None


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="situations whose name has this word")
    parser.add_argument("--module", default="", help="this module alone")
    parser.add_argument("--show", action="store_true", help="print every answer")
    args = parser.parse_args()
    reason = why_not()
    if reason:
        print(f"SKIPPED: {reason}")
        return 77
    checkout.importable()
    os.chmod(sys.path[0], 0o755)  # for the situation in which the module is nobody
    lab, honest, total = Lab(), 0, 0
    modules = [name for name in MODULES if args.module in ("", name)]
    print("".join([f"{'':32}", *(f"{name:16}" for name in modules)]))
    for situation in SITUATIONS:
        if args.only not in situation.name:
            continue
        cells, said = [], []
        for module in modules:
            ran = lab.run(situation, module, sys.path[0])
            found = faults(situation, module, ran)
            total += 1
            honest += not found
            cells.append(f"{'' if not found else '! '}{summary(module, ran)}")
            said += [f"    {module}: {fault}" for fault in found]
            if args.show:
                said.append(f"    {module}: {(ran.answer or {}).get('msg') or ran.text[-1500:]!r} {ran.errors[-600:]}")
        print("".join([f"{situation.name:32}", *(f"{cell:16}" for cell in cells)]))
        for line in said:
            print(line)
    print(f"{honest} of {total} honest, in {len(SITUATIONS)} situations")
    return int(honest != total)


if __name__ == "__main__":
    sys.exit(main())
