# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each call of oom_facts costs before anything is read: files that travel are parsed by Ansible on the controller,
some 4 ms each, and those that are imported are compiled on the host, some 2 ms each. The numbers may fall.
"""

import ast
import os
import subprocess
import sys

PACKAGE = "ansible_collections.memops.linux.plugins."
HERE = os.path.abspath(__file__)
PLUGINS = os.path.join(HERE.split("/tests/unit/")[0], "plugins")

#: Those that travel today, and one. What is needed for one kind of log only goes into a room that others import late.
MOST_TRAVEL = 128
#: On a host on which neither a text log nor a journal file nor systemd is.
MOST_IMPORTED = 42

_EMPTY_HOST = """
import sys
from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather
from ansible_collections.memops.linux.plugins.module_utils._facts.params import Wish
from ansible_collections.memops.linux.plugins.module_utils._host import Host
oom = gather(Host(root=sys.argv[1]), Wish())
assert oom["kills"] == [], oom["kills"]
print("\\n".join(sorted(name for name, one in sys.modules.items() if ".plugins." in name and getattr(one, "__file__", 0))))
"""


def imports_of(path):
    """The files of ours that a file names in an import, also below a function or TYPE_CHECKING: as Ansible sees it."""
    with open(os.path.join(PLUGINS, path)) as stream:
        tree = ast.parse(stream.read())
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom):
            continue
        parts = (node.module or "").split(".")
        if node.level:
            above = os.path.dirname(path).split("/")
            parts = above[: len(above) - node.level + 1] + [part for part in parts if part]
        elif (node.module + ".").startswith(PACKAGE):
            parts = [part for part in (node.module + ".")[len(PACKAGE) :].split(".") if part]
        else:
            continue
        for target in ["/".join(parts)] + ["/".join(parts + [name.name]) for name in node.names]:
            if os.path.isfile(os.path.join(PLUGINS, target + ".py")):
                yield target + ".py"


def travelling(module):
    found, left = set(), ["modules/%s.py" % module]
    while left:
        path = left.pop()
        if path not in found:
            found.add(path)
            left += imports_of(path)
    return sorted(found)


def test_no_more_files_travel_than_before():
    found = travelling("oom_facts")
    assert {"module_utils/_facts/kills.py", "module_utils/_oom/parser.py", "module_utils/_host.py"} <= set(found)
    assert len(found) <= MOST_TRAVEL, found


def test_where_nothing_is_to_be_read_no_more_is_imported_than_before(tmp_path):
    env = dict(os.environ, PYTHONPATH=os.path.abspath(os.path.join(PLUGINS, "..", "..", "..", "..")))
    said = subprocess.run(
        [sys.executable, "-c", _EMPTY_HOST, str(tmp_path)], env=env, stdout=subprocess.PIPE, check=True
    ).stdout.decode()
    found = said.split()
    assert PACKAGE + "module_utils._facts.kills" in found
    assert not [name for name in found if "._oom.parser" in name or ".scan" in name or "._analysis." in name]
    assert len(found) <= MOST_IMPORTED, found
