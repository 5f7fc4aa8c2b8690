# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our drop-in on the disk: written, removed, or put back as it was."""

import os
from typing import Optional

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._safe_file import Folder, UnsafePath, open_folder

from .state import read_dropin
from .unit_run import UnitRun

SAVED = "/var/lib/memops"


def write_or_remove(host: Host, run: UnitRun) -> None:
    """The file's step. Raises OSError, UnsafePath; the earlier bytes are then still there."""
    folder_path, name = run.current.path.rsplit("/", 1)
    parent_path, folder_name = folder_path.rsplit("/", 1)
    parent = open_folder(parent_path, create=run.steps.write, root=host.root)
    if parent is None:
        return
    with parent:
        known = folder_name in parent.names()
        folder = parent.enter(folder_name, create=run.steps.write)
        if folder is None:
            return
        try:
            with folder:
                if run.steps.write:
                    folder.replace(name, run.steps.after or b"")
                else:
                    folder.clean(name)
                    folder.remove(name)
            run.file_changed(made_directory=not known)
        finally:
            # One that we made and could not fill, or one that we emptied.
            if not run.steps.write or not (known or run.wrote):
                _remove_if_empty(run, parent, folder_name)


def _remove_if_empty(run: UnitRun, parent: Folder, name: str) -> bool:
    """An empty folder is no error, and hides none: the file is what counts."""
    try:
        return parent.remove_folder(name)
    except OSError as exc:  # a mount point
        run.note("%s/%s stays: %s" % (parent.path, name, exc.strerror))
        return False


def remove_leftovers(host: Host, run: UnitRun) -> None:
    """What a killed run left beside the file. Raises OSError, UnsafePath."""
    folder_path, name = run.current.path.rsplit("/", 1)
    parent_path, folder_name = folder_path.rsplit("/", 1)
    parent = open_folder(parent_path, root=host.root)
    if parent is None:
        return
    with parent:
        folder = parent.enter(folder_name)
        if folder is not None:
            with folder:
                cleaned = folder.clean(name)
            if _remove_if_empty(run, parent, folder_name) or cleaned:
                run.leftovers_removed()


def restore(host: Host, run: UnitRun) -> Optional[str]:
    """The earlier bytes, or none where there was no file. The name of a saved copy where even that failed."""
    before = run.current.before
    folder_path, name = run.current.path.rsplit("/", 1)
    parent_path, folder_name = folder_path.rsplit("/", 1)
    try:
        parent = open_folder(parent_path, root=host.root)
        if parent is None:
            raise OSError("no such directory: %s" % parent_path)
        with parent:
            folder = parent.enter(folder_name, create=before is not None)
            if folder is not None:
                with folder:
                    if before is not None:
                        folder.replace(name, before.data, like=before)
                    else:
                        folder.remove(name)
                if run.made_directory and before is None:
                    _remove_if_empty(run, parent, folder_name)
        run.file_restored()
        return None
    except (OSError, UnsafePath):
        return _save(host, run)


def _save(host: Host, run: UnitRun) -> str:
    before = run.current.before
    if before is None:
        return "%s, which was not there before, could not be removed" % run.current.path
    name = "%s-%s.saved" % (run.name, os.path.basename(run.current.path))
    try:
        folder = open_folder(SAVED, create=True, root=host.root)
        if folder is not None:
            with folder:
                folder.replace(name, before.data, mode=0o600)
        return "%s could not be put back; its earlier bytes are in %s/%s" % (run.current.path, SAVED, name)
    except (OSError, UnsafePath) as exc:
        return "%s could not be put back (%s); its earlier bytes are in the diff of this result" % (
            run.current.path,
            exc,
        )


def on_disk(host: Host, run: UnitRun) -> Optional[bytes]:
    """None: not there. Raises OSError, UnsafePath."""
    file = read_dropin(host, run.current.path)
    return file.data if file is not None else None
