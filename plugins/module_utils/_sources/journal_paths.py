# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a journal is: this host's own, or a directory or file that was brought here."""

import os
import re
from typing import Iterable, List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._regex import regex

from .journal_file import JournalFile, files_in, read_header
from .journal_origin import Origin

_PERSISTENT = "/var/log/journal"
_VOLATILE = "/run/log/journal"
#: What other machines sent is looked at, not searched: a collector of journals has more than a host's facts can hold.
_REMOTE_BYTES = 256 << 20
_REMOTE_FILES = 256
_SENT = "a journal that systemd-journal-remote was sent: its sender may have written it"
_GLOB = regex(r"([\\*?\[\]{}])")


class Place(NamedTuple):
    """A journal before it is read.

    where -- options of journalctl
    volatile -- it lives in /run and begins with this boot
    status, reason -- why it cannot be read at all; status None where journalctl is worth asking
    """

    judge: Origin
    files: Tuple[JournalFile, ...] = ()
    where: Tuple[str, ...] = ()
    volatile: bool = False
    status: Optional[str] = None
    reason: str = ""


def machine_id_of(host: Host) -> Optional[str]:
    text = (host.read("/etc/machine-id") or b"").decode("ascii", "replace").strip()
    return text if re.match(r"^[0-9a-f]{32}$", text) else None


def _found(path: str, deeper: bool) -> List[JournalFile]:
    try:
        return files_in(path, subdirectories=deeper)
    except FileNotFoundError:
        return []
    except OSError:
        return [JournalFile(path, "denied")]


def is_without_files(host: Host) -> bool:
    """Nothing at all lies where journald writes: then there is nothing to ask journalctl for. Doubt is no."""

    def doubt(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    try:
        for base in (_PERSISTENT, _VOLATILE):
            for directory, below, names in os.walk(host.path(base), onerror=doubt):
                if names or any(os.path.islink(os.path.join(directory, name)) for name in below):
                    return False
    except OSError:
        return False
    return True


def local_place(host: Host) -> Place:
    """This host's journal: journalctl reads the files below the machine's id, so do we."""
    machine_id = machine_id_of(host)
    deeper = machine_id is None
    kept = _found(host.path("%s/%s" % (_PERSISTENT, machine_id or "")), deeper)
    fleeting = _found(host.path("%s/%s" % (_VOLATILE, machine_id or "")), deeper)
    files = tuple(kept + fleeting)
    judge = Origin("the local journal", machine_id, _doubt(host, files))
    status = None  # type: Optional[str]
    reason = ""
    if files and all(f.status == "denied" for f in files):
        status, reason = "denied", "%s may not be read: it takes root or the group systemd-journal" % files[0].path
    return Place(judge, files, (), bool(fleeting and not kept), status, reason)


def _doubt(host: Host, files: Tuple[JournalFile, ...]) -> Optional[str]:
    """A journal file that somebody else than root owns can be rewritten by him."""
    try:
        root = os.stat(host.path("/")).st_uid
    except OSError:
        return None
    for file in files:
        if file.owner not in (None, root):
            return "%s does not belong to root" % file.path
    return None


def remote_place(host: Host, since: Optional[float], until: Optional[float]) -> Place:
    """Journals that lie beside this host's own: sent by others, or left by an earlier machine-id. journalctl passes
    them over.
    """
    machine_id = machine_id_of(host)
    judge = Origin(
        "other journals",
        doubt="a journal beside this machine's own: its sender may have written it",
        source="other journals",
    )
    files = []  # type: List[JournalFile]
    for base in (_PERSISTENT, _VOLATILE) if machine_id else ():
        try:
            names = sorted(os.listdir(host.path(base)))
        except OSError:
            continue
        for name in names:
            if name != machine_id and os.path.isdir(host.path("%s/%s" % (base, name))):
                files += _found(host.path("%s/%s" % (base, name)), False)
    files = [file for file in files if file.overlaps(since, until)]
    if not files:
        return Place(judge, status="absent")
    size = sum(file.size for file in files)
    if size > _REMOTE_BYTES or len(files) > _REMOTE_FILES:
        reason = "%d files of %d MiB, the first is %s: read them with journal_directory" % (
            len(files),
            size >> 20,
            files[0].path,
        )
        return Place(judge, tuple(files), status="skipped", reason=reason)
    return Place(judge, tuple(files), _named(files))


def _named(files: Iterable[JournalFile]) -> Tuple[str, ...]:
    """The files as options of journalctl, for which names are patterns."""
    return tuple("--file=" + _GLOB.sub(r"\\\1", file.path) for file in files)


def _was_sent(path: str, below: str) -> bool:
    """systemd-journal-remote names what it is sent remote-HOST.journal, in a directory remote: any field in it is the
    sender's.
    """
    return any(name.startswith("remote") for name in os.path.relpath(path, below).split(os.sep))


def offline_place(host: Host, directory: str, sent: bool = False) -> Place:
    """A journal that was copied: all of its kernel's records are believed, as that kernel's, but for what was sent.

    sent -- of a directory that holds both kinds, the journals that were sent; else the others
    """
    path = host.path(directory)
    try:
        if os.path.isdir(path):
            return _offline_directory(directory, path, sent)
        os.stat(path)
    except FileNotFoundError:
        return Place(_copied(directory), status="absent", reason="%s is not there" % directory)
    except OSError as exc:
        return Place(_copied(directory), status="denied", reason="%s: %s" % (directory, exc.strerror))
    header = None if sent else read_header(path)
    if header is None:
        status = "absent" if sent else "not_regular"
        return Place(
            _copied(directory), status=status, reason="%s is neither a directory nor a regular file" % directory
        )
    return Place(_copied(directory, _was_sent(path, os.path.dirname(path))), (header,), ("--file=" + path,))


def _copied(directory: str, doubted: bool = False) -> Origin:
    place = "the journal of %s" % directory
    return Origin(place, doubt=_SENT, source="other journals") if doubted else Origin(place)


def _offline_directory(directory: str, path: str, sent: bool) -> Place:
    files = tuple(files_in(path, subdirectories=True))
    remote = tuple([file for file in files if _was_sent(file.path, path)])
    own = tuple([file for file in files if not _was_sent(file.path, path)])
    if own and remote:
        return Place(_copied(directory, sent), remote if sent else own, _named(remote if sent else own))
    if sent or not files:
        return Place(_copied(directory), status="absent", reason="no *.journal file in %s" % directory)
    return Place(_copied(directory, bool(remote)), files, ("--directory=" + path,))
