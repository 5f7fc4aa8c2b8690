# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine in a folder, for what cannot happen on a machine that tests run on: negative scores, a full /run, a unit
that dies.

FakeMachine stands for systemd as pid 1, for /proc and for cgroup files. Its files are real files below a temporary
root. systemctl is a method: `show` says what was in the unit's files at the last daemon-reload, read by a loader of its
own that shares no line with _systemd/precedence.py and no parser with _systemd/setting.py, so a mistake there shows
here. Which settings there are is the table's word. The kernel's rule for oom_score_adj is kernel_write().
Real systemd is tested in molecule; the values that its parser takes were recorded from 247, 252 and 257
(fixtures/systemd/values.json).
"""

import os
import re
import shutil
import time

from ansible_collections.memops.linux.plugins.module_utils._host import Host, Ran
from ansible_collections.memops.linux.plugins.module_utils._service_memory import scores
from ansible_collections.memops.linux.plugins.module_utils._systemd.setting import SETTINGS

MIB = 1 << 20
RAM = 4096 * MIB
SEARCH = (
    "/etc/systemd/system.control /run/systemd/system.control /run/systemd/transient /etc/systemd/system /run/systemd/system "
    "/run/systemd/generator /usr/local/lib/systemd/system /lib/systemd/system /usr/lib/systemd/system"
).split()
#: What systemd shows of a service where no file and no other setting decides; systemd.service(5) and
#: systemd-system.conf(5).
_DECIDED_ELSEWHERE = {"OOMPolicy": "stop"}
#: key -> what `show` prints where nothing sets it, and since when it is shown. A new setting is known here by its row
#: in the table.
DEFAULTS = {
    setting.key: (str(_DECIDED_ELSEWHERE.get(setting.key, setting.default)), setting.since) for setting in SETTINGS
}
DEFAULTS.update(
    MemoryLimit=("infinity", 0), Type=("simple", 0), KillMode=("control-group", 0), Delegate=("no", 0), RemainAfterExit=("no", 0),
    RefuseManualStart=("no", 0), RefuseManualStop=("no", 0),
)  # fmt: skip
_CGROUP_FILES = {setting.key: setting.cgroup for setting in SETTINGS if setting.kind == "memory" and setting.cgroup}
_EXEC_ONLY = tuple(setting.key for setting in SETTINGS if "slice" not in setting.types) + (
    "Type",
    "KillMode",
    "RemainAfterExit",
)
_FACTORS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "P": 1 << 50, "E": 1 << 60}
#: PAGE_COUNTER_MAX of the kernel, in bytes.
_MOST = (1 << 63) - 4096


def _drop_in_folders(name):
    """Written after systemd's unit_file_find_dirs(), read in src/shared/dropin.c: the name, its template, its prefixes."""
    stem, kind = name.rsplit(".", 1)
    found = [name]
    head, at, instance = stem.partition("@")
    if at and instance:
        found += _drop_in_folders("%s@.%s" % (head, kind))
    pieces = re.match(r"^(.+-)[^-]+-?$", head)
    if pieces:
        found += _drop_in_folders("%s%s.%s" % (pieces.group(1), at + instance if instance else "", kind))
    return found


def _slice_path(name):
    """a-b.slice lies in a.slice."""
    parts = name[: -len(".slice")].split("-")
    return "".join("/%s.slice" % "-".join(parts[: count + 1]) for count in range(len(parts)))


class Loaded:
    """What systemd had read of a unit at its last reload."""

    def __init__(self, name):
        self.id = name
        self.names = [name]
        self.state = "not-found"
        self.fragment = ""
        self.values = {}
        self.stamps = {}


class Running:
    def __init__(self, cgroup, score, started):
        self.cgroup = cgroup
        self.score = score
        self.started = started
        self.unrealized = False
        self.invocation = "%032x" % abs(hash((cgroup, started)))
        self.main_pid = 0
        self.restarts = 0
        self.active = "active"
        self.sub = "running"
        self.result = "success"


class FakeMachine:
    """capable -- pid 1 and we may lower scores (CAP_SYS_RESOURCE); not_loaded -- systemd before 257 does not see a
    unit's first drop-in
    """

    def __init__(self, root, version=252, capable=True, booted=True, not_loaded=False, cgroups="2", ram=RAM):
        self.root = str(root)
        self.version, self.capable, self.not_loaded, self.cgroups, self.ram = version, capable, not_loaded, cgroups, ram
        self.asked = []
        self.loaded, self.running = {}, {}
        self.floor = {}
        self.next_pid = 700
        self.reload_says = None
        self.refuses_show = False
        self.refuses = []  # bytes in a file of a unit with which systemd does not load it
        self.after_restart = {}  # unit -> what becomes of it: a function of the Running
        self.restart_says = {}
        self.sources = {}  # unit -> the script that a generator made it of
        self.write(
            "/proc/meminfo",
            "MemTotal: %d kB\nMemAvailable: %d kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n" % (ram >> 10, ram >> 11),
        )
        for path in ("/etc/systemd/system", "/usr/lib/systemd/system", "/run", "/proc"):
            os.makedirs(self.root + path, exist_ok=True)
        if booted:
            os.makedirs(self.root + "/run/systemd/system")
        if cgroups == "2":
            self.write("/sys/fs/cgroup/cgroup.controllers", "cpu io memory pids\n")
        else:
            os.makedirs(self.root + "/sys/fs/cgroup/systemd")
            os.makedirs(self.root + "/sys/fs/cgroup/memory")
        self._process(1, "systemd", "/init.scope", 0)
        self._process(os.getpid(), "python3", "/user.slice/session-1.scope", 0, ppid=1)
        os.symlink(str(os.getpid()), self.root + "/proc/self")

    @property
    def host(self):
        return Host(root=self.root, run=self.run)

    # ---------------------------------------------------------------- files

    def write(self, path, data):
        target = self.root + path
        os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
        with open(target, "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode("utf-8"))
        return path

    def link(self, path, target):
        os.makedirs(os.path.dirname(self.root + path), exist_ok=True)
        os.symlink(target, self.root + path)

    def read(self, path):
        with open(self.root + path, "rb") as file:
            return file.read()

    def unit(self, name, text="", folder="/usr/lib/systemd/system"):
        return self.write("%s/%s" % (folder, name), "[%s]\n%s" % (name.rsplit(".", 1)[1].capitalize(), text))

    def drop_in(self, name, file, text, folder="/etc/systemd/system", old=True):
        path = self.write("%s/%s.d/%s" % (folder, name, file), text)
        if old:
            stamp = time.time() - time.monotonic()  # before the boot
            os.utime(self.root + path, (stamp, stamp))
        return path

    def tree(self, *folders):
        """Path -> (what it is, mode, content) of everything below the folders."""
        found = {}
        for top in folders or ("/etc", "/usr", "/run/systemd"):
            for folder, inner, files in os.walk(self.root + top):
                for name in inner + files:
                    path = os.path.join(folder, name)
                    if os.path.islink(path):
                        found[path[len(self.root) :]] = ("link", 0, os.readlink(path))
                    elif os.path.isdir(path):
                        found[path[len(self.root) :]] = ("folder", os.stat(path).st_mode & 0o7777, None)
                    else:
                        with open(path, "rb") as file:
                            found[path[len(self.root) :]] = ("file", os.stat(path).st_mode & 0o7777, file.read())
        return found

    # ---------------------------------------------------------------- processes

    def _process(self, pid, comm, cgroup, score, ppid=1):
        base = "/proc/%d/" % pid
        caps = "000001ffffffffff" if self.capable else "000001fffeffffff"
        self.write(
            base + "status",
            "Name:\t%s\nState:\tS (sleeping)\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\nUid:\t0\t0\t0\t0\nVmRSS:\t    4096 kB\nRssAnon:\t    4096 kB\n"
            "RssFile:\t       0 kB\nRssShmem:\t       0 kB\nVmPTE:\t      64 kB\nVmSwap:\t       0 kB\nThreads:\t1\nCapEff:\t%s\nMems_allowed:\t1\n"
            % (comm, pid, pid, ppid, caps),
        )
        self.write(base + "comm", comm + "\n")
        self.write(base + "oom_score_adj", "%d\n" % score)
        self.write(base + "cgroup", "0::%s\n" % cgroup if self.cgroups == "2" else "1:name=systemd:%s\n" % cgroup)
        self.write(base + "stat", "%d (%s) S %s %d 0\n" % (pid, comm, " ".join(["0"] * 18), pid * 100))

    @property
    def _tree(self):
        return "/sys/fs/cgroup" if self.cgroups == "2" else "/sys/fs/cgroup/systemd"

    def spawn(self, unit, score=None, comm=None):
        """A process in the unit's cgroup; without ``score`` it has the unit's."""
        running = self.running[unit]
        pid, self.next_pid = self.next_pid, self.next_pid + 1
        self._process(
            pid, comm or unit.partition(".")[0][:15], running.cgroup, running.score if score is None else score
        )
        self.floor[pid] = min(0, running.score)
        procs = self.root + self._tree + running.cgroup + "/cgroup.procs"
        with open(procs, "a") as file:
            file.write("%d\n" % pid)
        running.main_pid = running.main_pid or pid
        return pid

    def score(self, pid):
        return int(self.read("/proc/%d/oom_score_adj" % pid))

    def kernel_write(self, pid, score):
        """fs/proc/base.c, __set_oom_adj(): without CAP_SYS_RESOURCE never below the lowest that a privileged writer has
        set.
        """
        if not -1000 <= score <= 1000:
            raise OSError(22, "Invalid argument")
        if not self.capable and score < self.floor.get(pid, 0):
            raise PermissionError(13, "Permission denied")
        if self.capable:
            self.floor[pid] = score
        self.write("/proc/%d/oom_score_adj" % pid, "%d\n" % score)

    def patch(self, monkeypatch):
        monkeypatch.setattr(scores.Process, "write", lambda process, score: self.kernel_write(process.pid, score))
        return self

    def start(self, name, processes=1, used=None, started=None):
        """As if systemd had started it with what it has loaded now."""
        self.load(name)
        unit = self.loaded[name]
        slice_ = "/system.slice/" + ("system-%s.slice/" % name.partition("@")[0] if "@" in name else "")
        if name.endswith(".slice"):
            slice_ = _slice_path(name)[: -len(name)]
        loaded = int(self._shown(unit)["OOMScoreAdjust"])
        given = loaded if self.capable or loaded >= 0 else 0  # systemd swallows EPERM: the child inherits pid 1's
        running = Running(slice_ + name, given, started if started is not None else time.monotonic() / 2)
        self.running[name] = running
        os.makedirs(self.root + self._tree + running.cgroup, exist_ok=True)
        self.write(self._tree + running.cgroup + "/cgroup.procs", "")
        self._limits(name, used)
        self._realize(os.path.dirname(running.cgroup))
        return [self.spawn(name) for _count in range(processes)]

    def stop(self, name):
        running = self.running.pop(name)
        for pid in self.read(self._tree + running.cgroup + "/cgroup.procs").split():
            shutil.rmtree(self.root + "/proc/" + pid.decode("ascii"))
        shutil.rmtree(self.root + self._tree + running.cgroup)
        return running

    def stop_group(self, name):
        """It is still active, and has no control group: nothing of it runs."""
        shutil.rmtree(self.root + self._tree + self.running[name].cgroup)

    def _limits(self, name, used=None):
        """The kernel's files of a running unit: systemd writes them at its start and, before 257, at every reload
        (measured on 247, 252, 257).
        """
        running, shown = self.running[name], self._shown(self.loaded[name])
        base = ("/sys/fs/cgroup" if self.cgroups == "2" else "/sys/fs/cgroup/memory") + running.cgroup + "/"
        if self.cgroups == "2":
            for key, file in _CGROUP_FILES.items():
                value = shown.get(key, "infinity")
                self.write(
                    base + file,
                    "max\n" if value == "infinity" or int(value) >= _MOST else "%d\n" % (int(value) // 4096 * 4096),
                )
            self.write(base + "memory.oom.group", "%d\n" % (shown.get("OOMPolicy") == "kill"))
        else:
            value = shown.get("MemoryMax", "infinity")
            self.write(
                base + "memory.limit_in_bytes",
                "%d\n" % (_MOST if value == "infinity" else min(int(value) // 4096 * 4096, _MOST)),
            )
        if used is not None:
            self.write(base + ("memory.current" if self.cgroups == "2" else "memory.usage_in_bytes"), "%d\n" % used)

    # ---------------------------------------------------------------- systemd

    def _realize(self, slice_):
        """systemd 257: a start brings what was read at a reload into force for all that is in its slice or in one
        above, and for those slices.
        """
        above = {slice_}
        while slice_ not in ("", "/"):
            slice_ = os.path.dirname(slice_)
            above.add(slice_)
        for name, running in sorted(self.running.items()):
            if running.unrealized and (running.cgroup in above or os.path.dirname(running.cgroup) in above):
                running.unrealized = False
                self._limits(name)

    def _run_scope(self, words):
        """systemd-run --scope: it is gone when its process is."""
        wanted = [word.split("=", 1)[1] for word in words if word.startswith("--slice=")] or ["system.slice"]
        self._realize(_slice_path(wanted[0]))
        return Ran(0)

    def _find(self, name):
        """The unit's own file: where it stands, and the name that its links end at."""
        names, path = [name], None
        for _turn in range(8):
            stem, kind = names[-1].rsplit(".", 1)
            for wanted in [names[-1]] + (
                ["%s@.%s" % (stem.partition("@")[0], kind)] if "@" in stem and not stem.endswith("@") else []
            ):
                places = [
                    folder + "/" + wanted for folder in SEARCH if os.path.lexists(self.root + folder + "/" + wanted)
                ]
                if places:
                    break
            if not places:
                return names, None
            path = places[0]
            if not os.path.islink(self.root + path):
                break
            target = os.readlink(self.root + path)
            if target == "/dev/null" or os.path.basename(target) == os.path.basename(path):
                break
            names.append(os.path.basename(target))
        return names, path

    def _drop_ins(self, names):
        chosen = {}
        groups = (
            [_drop_in_folders(names[0])]
            + [_drop_in_folders(name) for name in names[1:]]
            + [[names[0].rsplit(".", 1)[1]]]
        )
        for group in groups:
            for folder in SEARCH:
                for name in group:
                    place = "%s%s/%s.d" % (self.root, folder, name)
                    for file in os.listdir(place) if os.path.isdir(place) else ():
                        if file.endswith(".conf") and file[0] != ".":
                            chosen.setdefault(file, "%s/%s.d/%s" % (folder, name, file))
        return [chosen[file] for file in sorted(chosen)]

    def _aliases(self, main):
        """Links in /etc that end at this unit."""
        found = []
        for name in sorted(os.listdir(self.root + "/etc/systemd/system")):
            path = self.root + "/etc/systemd/system/" + name
            if os.path.islink(path) and os.path.basename(os.readlink(path)) == main and name != main:
                found.append(name)
        return found

    def load(self, name):
        """Read all that makes the unit, as at a reload."""
        names, path = self._find(name)
        main = names[-1]
        unit = Loaded(main)
        unit.names = [main] + list(self._aliases(main))
        for alias in unit.names + [name]:
            self.loaded[alias] = unit
        if path is None:
            return
        data = (
            b""
            if os.path.islink(self.root + path) and os.readlink(self.root + path) == "/dev/null"
            else self.read(path)
        )
        unit.state, unit.fragment = ("loaded" if data else "masked"), path
        if not data and self.version >= 257:
            return
        files = [path] + self._drop_ins(unit.names)
        unit.stamps = {file: self._stamp(file) for file in files}
        kind = main.rsplit(".", 1)[1].capitalize()
        for file in files:
            self._parse(unit, kind, self.read(file) if os.path.isfile(self.root + file) else b"")
        if not self._starts(unit) or any(word in self._drop_in_bytes(files) for word in self.refuses):
            unit.state = "bad-setting"

    def _drop_in_bytes(self, files):
        return b"".join(self.read(file) for file in files if os.path.isfile(self.root + file))

    def _starts(self, unit):
        """src/core/service.c, service_verify(): which Restart= a one-shot job may have."""
        if unit.values.get("Type") != "oneshot":
            return True
        allowed = ("no", "on-failure", "on-abnormal", "on-watchdog", "on-abort") if self.version >= 244 else ("no",)
        return unit.values.get("Restart", "no") in allowed

    def _stamp(self, path):
        return os.stat(self.root + path).st_mtime_ns if os.path.exists(self.root + path) else None

    def _parse(self, unit, kind, data):
        section = ""
        for line in data.decode("utf-8", "replace").splitlines():
            line = line.strip()
            if line.startswith("["):
                section = line.strip("[]")
            elif section == kind and "=" in line and line[0] not in "#;":
                key, value = (part.strip() for part in line.split("=", 1))
                taken = self._value(key, value, kind)
                if taken is not None:
                    unit.values[key] = taken

    def _value(self, key, value, kind):
        """What `show` prints of it; None: systemd ignores the line."""
        if key not in DEFAULTS or self.version < DEFAULTS[key][1] or (kind in ("Slice", "Scope") and key in _EXEC_ONLY):
            return None
        if not value:
            return DEFAULTS[key][0] if key.startswith(("Memory", "OOMScore")) else None
        if key == "OOMScoreAdjust":
            return value if re.match(r"^(0|-?[1-9]\d*)$", value) and -1000 <= int(value) <= 1000 else None
        if not key.startswith("Memory"):
            return value
        if value == "infinity":
            return value
        share = re.match(r"^(\d+)(?:\.(\d))?%$", value)
        size = re.match(r"^(\d+)(?:\.(\d))? ?([KMGTPE]?)$", value)
        if share:
            number = self.ram // 4096 * (int(share.group(1)) * 10 + int(share.group(2) or 0)) // 1000 * 4096
        elif size:
            number = (
                int(size.group(1)) * _FACTORS[size.group(3)] + int(size.group(2) or 0) * _FACTORS[size.group(3)] // 10
            )
        else:
            return None
        if not number and key in ("MemoryMax", "MemoryHigh"):
            return None
        return str(number)

    def _needs_reload(self, unit):
        if unit.state == "masked":
            return self.version < 257  # measured: after every reload as well
        if unit.state != "loaded":
            return False
        source = self.sources.get(unit.id)
        if None in unit.stamps.values() or (source and not os.path.exists(self.root + source)):
            return True  # src/core/unit.c, fragment_mtime_newer(): what cannot be looked at counts as newer
        files = [unit.fragment] + self._drop_ins(unit.names)
        if self.not_loaded:  # folders that were not there at the last reload are not looked into
            seen = {os.path.dirname(path) for path in unit.stamps}
            files = [path for path in files if os.path.dirname(path) in seen]
        return {path: self._stamp(path) for path in files} != unit.stamps

    def _shown(self, unit):
        shown = {
            "Id": unit.id,
            "Names": " ".join(unit.names),
            "LoadState": unit.state,
            "FragmentPath": unit.fragment,
            "SourcePath": self.sources.get(unit.id, ""),
            "DropInPaths": " ".join(path for path in unit.stamps if path != unit.fragment),
        }
        for key, (default, since) in DEFAULTS.items():
            if self.version >= since:
                shown[key] = unit.values.get(key, default)
        running = self.running.get(unit.id)
        shown.update(
            NeedDaemonReload="yes" if self._needs_reload(unit) else "no", Transient="no", ActiveState=running.active if running else "inactive",
            SubState=running.sub if running else "dead", MainPID=str(running.main_pid if running else 0), ControlGroup=running.cgroup if running else "",
            InvocationID=running.invocation if running and self.version >= 232 else "", Result=running.result if running else "success", ConditionResult="yes",
            ExecMainStartTimestampMonotonic=str(int(running.started * 1e6) if running else 0), NRestarts=str(running.restarts if running else 0),
            ActiveEnterTimestampMonotonic=str(int(running.started * 1e6) if running else 0), MemoryCurrent="[not set]",
        )  # fmt: skip
        return shown

    def boot(self):
        """Read every unit that is there."""
        for folder in SEARCH:
            for name in sorted(os.listdir(self.root + folder)) if os.path.isdir(self.root + folder) else ():
                if re.match(r"^.+[^@]\.(service|slice|scope|socket|mount|swap)$", name):
                    self.load(name)

    def _daemon_reload(self):
        if self.reload_says:
            return Ran(1, "", self.reload_says)
        known = sorted(self.loaded)
        self.loaded = {}
        for name in known:
            self.load(name)
        for name, running in self.running.items():
            running.unrealized = self.version >= 257
            if not running.unrealized:
                self._limits(name)
        return Ran(0)

    def _restart(self, name):
        if name in self.restart_says:
            return Ran(1, "", self.restart_says[name])
        if name not in self.running:
            return Ran(0)
        count = len(self.read(self._tree + self.running[name].cgroup + "/cgroup.procs").split())
        self.stop(name)
        self.start(name, count, started=time.monotonic())
        if name in self.after_restart:
            self.after_restart[name](self.running[name])
        return Ran(0)

    def run(self, argv, timeout=90):
        """systemctl and systemd-analyze, as far as the module calls them."""
        self.asked.append(" ".join(argv))
        words = [word for word in argv if word not in ("--no-pager", "--")]
        if words[:2] == ["systemctl", "--version"]:
            return Ran(0, "systemd %d (%d.1-1)\n+PAM +AUDIT\n" % (self.version, self.version))
        if words[0] == "systemd-analyze":
            return Ran(0)
        if words[0] == "systemd-run":
            return self._run_scope(words)
        verb, names = words[1], [word for word in words[2:] if not word.startswith("--")]
        if verb == "daemon-reload":
            return self._daemon_reload()
        if verb == "try-restart":
            return self._restart(names[0])
        if verb == "restart":
            if names[0] not in self.running:
                self.start(names[0])
                return Ran(0)
            return self._restart(names[0])
        if verb == "reset-failed":
            return Ran(0)
        if verb == "list-units":
            begin, end = names[0].split("*")
            return Ran(
                0,
                "".join(
                    "%s loaded active running text\n" % name
                    for name in sorted(self.running)
                    if name.startswith(begin) and name.endswith(end)
                ),
            )
        if verb == "show" and not self.refuses_show:
            return Ran(0, self._show(words, names))
        return Ran(1, "", "Failed to connect to bus: No such file or directory")

    def _show(self, words, names):
        wanted = [word for word in words if word.startswith("--property=")][0].split("=", 1)[1].split(",")
        if names and "*" in names[0]:
            names = sorted(
                {
                    unit.id
                    for unit in self.loaded.values()
                    if unit.state == "loaded" and unit.id.endswith(names[0].lstrip("*"))
                }
            )
        blocks = []
        for name in names:
            if name not in self.loaded:
                self.load(name)
            shown = self._shown(self.loaded[name])
            blocks.append("".join("%s=%s\n" % (key, shown[key]) for key in wanted if key in shown))
        return "\n".join(blocks)


def lines(file):
    """The settings in a drop-in, without its comments."""
    return [line for line in file.decode("utf-8").split("\n") if line and not line.startswith("#")]
