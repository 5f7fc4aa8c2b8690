# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checkout as a collection, wherever it lies, for scripts that are started by their path. Runs on Python 3.6 as
well.
"""

import atexit
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def importable():
    folder = tempfile.mkdtemp(prefix="memops-tree-")
    os.makedirs(os.path.join(folder, "ansible_collections", "memops"))
    os.symlink(ROOT, os.path.join(folder, "ansible_collections", "memops", "linux"))
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # the link, not what it leads to
