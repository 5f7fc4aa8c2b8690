# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is really there for the units named: every drop-in byte for byte, the main process, the score of every process.

Reads /proc and the files itself and shares no code with the collection.
"""

import glob
import hashlib
import json
import os
import subprocess
import sys


def files(unit):
    found = {}
    for root in ("/etc/systemd/system", "/etc/systemd/system.control", "/run/systemd/system"):
        folder = "%s/%s.d" % (root, unit)
        if os.path.isdir(folder):
            found[folder] = "folder"
        for path in sorted(glob.glob(folder + "/*") + glob.glob(folder + "/.*")):
            with open(path, "rb") as stream:
                found[path] = "%o %s" % (os.stat(path).st_mode & 0o7777, hashlib.sha256(stream.read()).hexdigest())
    return found


def shown(unit):
    names = "ActiveState,MainPID,InvocationID,ControlGroup,OOMScoreAdjust"
    text = subprocess.run(
        ["systemctl", "show", "--property=" + names, unit], check=True, stdout=subprocess.PIPE
    ).stdout.decode()
    return dict(line.split("=", 1) for line in text.splitlines())


def scores(group):
    found = {}
    for folder, _folders, _files in os.walk("/sys/fs/cgroup" + group) if group else ():
        with open(folder + "/cgroup.procs") as stream:
            for pid in stream.read().split():
                try:
                    with open("/proc/%s/oom_score_adj" % pid) as score:
                        found[pid] = int(score.read())
                except OSError:
                    pass  # it ended
    return found


def look(unit):
    state = shown(unit)
    return {
        "files": files(unit),
        "active": state["ActiveState"],
        "main": state["MainPID"],
        "invocation": state.get("InvocationID", ""),
        "believed": state["OOMScoreAdjust"],
        "scores": scores(state["ControlGroup"]),
    }


print(json.dumps({unit: look(unit) for unit in sys.argv[1:]}))
