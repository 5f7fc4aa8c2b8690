# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there: the file, its area, what an interrupted run left, the fstab line, the disk and the memory.
Read only.
"""

import os
import stat
from typing import List, NamedTuple, Optional, Tuple

from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._safe_file import Folder

from . import extents
from .areas import Area, Identity, area_of, in_use, read_areas
from .beneath import covering, lies_beneath
from .btrfs import Btrfs, read_btrfs
from .file_system import Disk, Mount, parse_mountinfo, read_disk, read_mount
from .fstab_lines import Fstab
from .headroom import Memory, read_memory
from .make import label_of, needs_label, partial_name, selinux_enabled, temporary_name
from .signature import Signature, page_size, read_signature
from .swap_unit import SwapUnit, read_unit

_TYPES = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISBLK, "a block device"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
)


class SwapFile(NamedTuple):
    """A name in the folder. special -- what it is instead of a regular file; then nothing else was read.
    in_use -- what the kernel says of the file itself; None where it does not
    links_to_temporary -- it is our own symbolic link to the temporary area
    immutable -- chattr +i or +a: neither swapped to nor changed
    """

    size: int
    mode: int
    uid: int
    links: int
    identity: Identity
    special: Optional[str] = None
    signature: Optional[Signature] = None
    holes: bool = False
    first: Optional[int] = None
    unlabeled: bool = False
    in_use: Optional[bool] = None
    links_to_temporary: bool = False
    immutable: bool = False


class SwapState(NamedTuple):
    """The host as far as this swap file is concerned. partial -- a file in the making that was left

    links_to_temporary -- the name is our own link to the temporary area, and there is no file
    writable -- something can be made in the folder: no read-only subvolume, not immutable
    beneath -- the mount that hides an area of this name, as far as it can be told
    """

    path: str
    page: int
    areas: List[Area]
    memory: Optional[Memory]
    fstab: Fstab
    folder: bool = False
    file: Optional[SwapFile] = None
    area: Optional[Area] = None
    temporary: Optional[SwapFile] = None
    temporary_area: Optional[Area] = None
    partial: Optional[SwapFile] = None
    mount: Optional[Mount] = None
    disk: Optional[Disk] = None
    btrfs: Btrfs = Btrfs()
    writable: bool = True
    unit: Optional[SwapUnit] = None
    beneath: Optional[str] = None
    expires_at: Optional[float] = None
    systemd: bool = False
    links_to_temporary: bool = False

    @property
    def temporary_path(self) -> str:
        return os.path.join(os.path.dirname(self.path), temporary_name(os.path.basename(self.path)))

    @property
    def partial_path(self) -> str:
        return os.path.join(os.path.dirname(self.path), partial_name(os.path.basename(self.path)))


def read_file(host: Host, folder: Folder, name: str, temporary: Optional[str] = None) -> Optional[SwapFile]:
    """None: not there. Nothing but a regular file is opened: a device or a FIFO may act on that alone. temporary --
    what our own link says
    """
    try:
        status = os.stat(name, dir_fd=folder.fd, follow_symlinks=False)
    except FileNotFoundError:
        return None
    found = SwapFile(
        status.st_size, stat.S_IMODE(status.st_mode), status.st_uid, status.st_nlink, (status.st_dev, status.st_ino)
    )
    if temporary is not None and stat.S_ISLNK(status.st_mode) and os.readlink(name, dir_fd=folder.fd) == temporary:
        return found._replace(links_to_temporary=True)
    for is_type, words in _TYPES:
        if is_type(status.st_mode):
            return found._replace(special=words)
    flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd, writable = os.open(name, os.O_RDWR | flags, dir_fd=folder.fd), True
    except OSError:  # immutable, or on a disk that is read-only
        fd, writable = os.open(name, os.O_RDONLY | flags, dir_fd=folder.fd), False
    try:
        found = found._replace(in_use=in_use(fd) if writable else None, immutable=extents.immutable(fd))
        signature = read_signature(fd)
        if signature is None:
            return found
        known = extents.read_extents(fd, status.st_size)
        return found._replace(
            signature=signature,
            holes=known.covered < status.st_size if known is not None else status.st_blocks * 512 < status.st_size,
            first=known.first if known is not None else None,
            unlabeled=selinux_enabled(host) and needs_label(label_of(fd)),
        )
    finally:
        os.close(fd)


def _beneath(host: Host, areas: List[Area], paths: Tuple[str, str]) -> Optional[str]:
    """An area of our name that is not the file of our name is another namespace's, or lies beneath a mount. What cannot
    be told is a mount.
    """
    for path in paths:
        if not any(
            area.path == path and area.kind == "file" and area.identity is None and not area.deleted for area in areas
        ):
            continue
        points = covering(parse_mountinfo(host.read("/proc/self/mountinfo") or b""), path)
        if lies_beneath(host.path(path), points) is not False:
            return points[0] if points else "/"
    return None


def _btrfs(host: Host, folder: Folder, areas: List[Area], state: SwapState) -> Btrfs:
    """A subvolume for swap alone may hold other swap files as well."""
    ours = [state.path, state.temporary_path, state.partial_path] + [
        area.path for area in areas if area.identity is not None
    ]
    return read_btrfs(
        host,
        folder.fd,
        [os.path.basename(path) for path in ours if os.path.dirname(path) == os.path.dirname(state.path)],
    )


def read_state(host: Host, folder: Optional[Folder], path: str, fstab: Fstab, expires_at: Optional[float]) -> SwapState:
    areas = read_areas(host)
    state = SwapState(
        path,
        page_size(),
        areas,
        read_memory(host),
        fstab,
        expires_at=expires_at,
        systemd=os.path.isdir(host.path("/run/systemd/system")),
        unit=read_unit(host, path),
    )
    state = state._replace(beneath=_beneath(host, areas, (path, state.temporary_path)))
    if folder is None:
        return state
    name = os.path.basename(path)
    its_temporary = temporary_name(name)
    mount = read_mount(host, folder.fd, folder.path)
    file, temporary = read_file(host, folder, name, its_temporary), read_file(host, folder, its_temporary)
    links_to_temporary = file is not None and file.links_to_temporary
    if links_to_temporary:
        file = None
    return state._replace(
        folder=True,
        links_to_temporary=links_to_temporary,
        file=file,
        area=area_of(areas, file.identity) if file is not None else None,
        temporary=temporary,
        temporary_area=area_of(areas, temporary.identity) if temporary is not None else None,
        partial=read_file(host, folder, partial_name(name), its_temporary),
        mount=mount,
        disk=read_disk(folder.fd),
        btrfs=_btrfs(host, folder, areas, state) if mount is not None and mount.fstype == "btrfs" else Btrfs(),
        writable=os.access(".", os.W_OK, dir_fd=folder.fd),
    )
