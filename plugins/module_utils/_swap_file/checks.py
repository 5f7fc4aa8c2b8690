# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that can be known before the first step, in check mode too. PreconditionError means that nothing was
touched.
"""

import os
import re
import shutil
from typing import List, Optional

from ansible_collections.memops.linux.plugins.module_utils._errors import PreconditionError
from ansible_collections.memops.linux.plugins.module_utils._host import Host, command_environment
from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .areas import Area, Identity
from .expiry import can_schedule
from .file_system import ALLOWED, why_not
from .fstab import why_locked
from .headroom import elsewhere, shortfall
from .hibernation import read_resume, resumes_here
from .kubelet import kubelet
from .params import Params
from .plan import Step, most_disk
from .size import Reserve
from .state import SwapFile, SwapState
from .swap_unit import refusal
from .syscalls import may_swap

_CAP_SYS_ADMIN = 21
_UNTIL = " until the old one can go"
_ON_FILE = ("make", "remove", "link", "secure", "activate", "deactivate")


def check_file(
    file: Optional[SwapFile], path: str, active: bool = False, signature_needed: bool = True, names: int = 1
) -> None:
    """Only a regular file of root, with one name, that mkswap wrote for this size, is ours to touch.

    active -- the kernel swaps to it: then it is a swap file, whatever is recorded in it
    mark_needed -- False for the name that only we give to a file in the making
    names -- that we know of
    """
    if file is None:
        return
    name = printable(path)
    if file.special is not None:
        raise PreconditionError(
            "%s is %s; a swap file is a regular file. Nothing was changed; choose another path." % (name, file.special)
        )
    if file.uid != 0:
        raise PreconditionError(
            "%s belongs to user %d, not to root. Nothing was changed; move it away or choose another path."
            % (name, file.uid)
        )
    if file.links_to_temporary:
        return
    if file.links > names and signature_needed:
        raise PreconditionError(
            "%s has %d names (hard links). Nothing was changed; remove the others or choose another path."
            % (name, file.links)
        )
    if file.signature is None:
        if signature_needed:
            raise PreconditionError(
                "%s is not a swap file (no SWAPSPACE2 in its first page). Nothing was changed; move it away or choose"
                " another path." % name
            )
    elif file.signature.kind == "hibernation":
        raise PreconditionError(
            "%s holds the memory of a hibernated system. Nothing was changed; wake that system, or run mkswap on it by"
            " hand." % name
        )
    elif signature_needed and not active and not 0 <= file.size - file.signature.size < file.signature.page_size:
        text = (
            "%s has %d bytes, but mkswap made it for %d. Nothing was changed; run mkswap on it if it is a swap file,"
            " else move it away."
        )
        raise PreconditionError(text % (name, file.size, file.signature.size))


def check_areas(state: SwapState) -> None:
    for area in state.areas:
        if area.deleted and area.path in (state.path, state.temporary_path):
            raise PreconditionError(
                "the active swap file %s was deleted; only a reboot can deactivate it. Nothing was"
                " changed." % printable(area.path)
            )
    if state.beneath is not None:
        text = (
            "the kernel swaps to a file %s that is hidden by the mount at %s, so it cannot be reached by its name."
            " Nothing was changed; unmount that first."
        )
        raise PreconditionError(text % (printable(state.path), printable(state.beneath)))
    for path, file, known in (
        (state.path, state.file, state.area),
        (state.temporary_path, state.temporary, state.temporary_area),
    ):
        if file is not None and file.in_use and known is None:
            text = (
                "the kernel swaps to %s by a name that is not known here, as after swapon in a container. Nothing was"
                " changed; turn it off there."
            )
            raise PreconditionError(text % printable(path))


def _may_swap(host: Host) -> bool:
    """Asked of the kernel; where Python cannot ask, of the capabilities."""
    answer = may_swap()
    if answer is not None:
        return answer
    found = re.search(rb"^CapEff:\s*([0-9a-f]+)", host.read("/proc/self/status") or b"", re.MULTILINE)
    return found is not None and bool(int(found.group(1), 16) & 1 << _CAP_SYS_ADMIN)


def container(host: Host) -> Optional[str]:
    """The container's kind, where this is one."""
    found = re.search(rb"(?:^|\0)container=([^\0]+)", host.read("/proc/1/environ") or b"")
    kind = (
        (host.read("/run/systemd/container") or (found.group(1) if found else b"")).decode("ascii", "replace").strip()
    )
    for path, name in (("/run/.containerenv", "podman"), ("/.dockerenv", "docker")):
        if not kind and host.read(path) is not None:
            kind = name
    return kind or None


def _missing_command(host: Host, name: str) -> Optional[str]:
    if shutil.which(name, path=command_environment()["PATH"]) is not None:
        return None
    return "%s was not found; install the package util-linux" % name


def _right(host: Host) -> Optional[str]:
    if _may_swap(host):
        return None
    kind = container(host)
    if kind is not None:
        return (
            "this is a container (%s) without the right to swap; its host's swap serves it, so declare the swap file"
            " there" % printable(kind)
        )
    return (
        "the kernel does not let this user change swap (no CAP_SYS_ADMIN, or no swap in this kernel); run as root, with"
        " become"
    )


def _place(state: SwapState) -> Optional[str]:
    if state.mount is None:
        return "the file system under it is not known (/proc/self/mountinfo); mount /proc"
    why = why_not(state.mount)
    if why is not None:
        way_out = (
            "Mount it read-write or choose another path"
            if state.mount.fstype in ALLOWED
            else "Choose a path on ext4, xfs or btrfs"
        )
        return "no swap file can be there: %s. %s" % (why, way_out)
    if state.btrfs.profile not in (None, "single"):
        return (
            "btrfs keeps data there as %s, and the kernel swaps to single only; choose a path on another file system"
            % state.btrfs.profile
        )
    if not state.writable:
        text = (
            "nothing can be made in %s: the directory is immutable (lsattr -d shows it), or a read-only subvolume"
            " (btrfs property get). Allow changes there"
        )
        return text % printable(os.path.dirname(state.path))
    return None


def disk_shortage(steps: List[Step], state: SwapState, reserve: Reserve) -> Optional[str]:
    """Why the disk would get too full, in numbers; None where it would not."""
    need = most_disk(steps, state)
    if not need or state.disk is None:
        return None
    quota = state.btrfs.quota
    if quota is not None and quota < need:
        text = "it takes %s%s, and the quota of its subvolume (qgroup 0/%s) leaves %s; raise it (btrfs qgroup limit)"
        return text % (human(need), _UNTIL if state.area is not None else "", state.btrfs.subvolume, human(quota))
    keep = reserve.of(state.disk)
    if state.disk.free - need >= keep:
        return None
    return "it takes %s of disk%s, of which %s are free and %s are to stay free" % (
        human(need),
        _UNTIL if state.area is not None else "",
        human(state.disk.free),
        human(keep),
    )


def _identity_used(state: SwapState, path: str) -> Optional[Area]:
    return state.area if path == state.path else state.temporary_area


def _identity_leaving(state: SwapState, path: str) -> Optional[Identity]:
    area = _identity_used(state, path)
    return area.identity if area is not None else None


def headroom_shortage(steps: List[Step], state: SwapState) -> Optional[str]:
    """Why the first swapoff would not fit. Areas that are activated before it count as free."""
    coming = 0
    sizes = {step.path: step.size for step in steps if step.action == "make"}
    for step in steps:
        if step.action == "activate":
            size = sizes.get(step.path) or (state.file.size if state.file is not None else 0)
            coming += size - state.page
        elif step.action == "deactivate":
            area = _identity_used(state, step.path)
            if area is None:
                return None  # made by this run, and looked at again before it goes
            if state.memory is None:
                return "/proc/meminfo does not tell how much memory is available"
            return shortfall(
                area.used, state.memory.available, elsewhere(state.areas, _identity_leaving(state, step.path)) + coming
            )
    return None


def _why_not_kubelet(host: Host, params: Params, state: SwapState) -> Optional[str]:
    """Only the first swap of a host is news to it."""
    if params.allow_on_kubernetes or state.area is not None or state.temporary_area is not None:
        return None
    found = kubelet(host)
    if found is None:
        return None
    return (
        "%s refuses to run on a host with swap, unless failSwapOn is false; allow_on_kubernetes=true makes it anyway"
        % found
    )


def _why_not_make(host: Host, params: Params, state: SwapState, steps: List[Step]) -> List[Optional[str]]:
    place = _place(state)
    reasons = [place, _missing_command(host, "mkswap"), _why_not_kubelet(host, params, state)]
    shortage = disk_shortage(steps, state, params.reserve)
    if shortage is not None and place is None:
        anew = ", or remove it first (state: absent) and make it anew" if state.area is not None else ""
        reasons.append("%s; free some disk, or lower size or min_free%s" % (shortage, anew))
    return reasons


def _why_not_change(state: SwapState) -> Optional[str]:
    if state.mount is not None and state.mount.read_only:
        return "its file system is mounted read-only; mount it read-write"
    if not state.writable:
        return (
            "nothing can be changed in its directory, which is immutable (lsattr -d shows it) or a read-only subvolume;"
            " allow changes there"
        )
    return None


def _why_not_touch(state: SwapState, steps: List[Step]) -> Optional[str]:
    touched = any(step.path == state.path and step.action in _ON_FILE for step in steps)
    if state.file is not None and state.file.immutable and touched:
        return "the file is immutable (lsattr shows it); allow changes with chattr -ia"
    return None


def _why_not_fstab(host: Host, params: Params, state: SwapState) -> Optional[str]:
    locked = why_locked(host)
    if locked is None:
        return None
    without = params.present and params.persistent and state.fstab.swap_entry(state.path) is None
    return "%s%s" % (locked, ", or give persistent: false" if without else "")


def _why_not_move(host: Host, params: Params, state: SwapState, steps: List[Step]) -> Optional[str]:
    """A hibernated system is found where the file is on the disk."""
    moves = any(
        step.path == state.path and (step.over or step.action in ("deactivate", "remove", "link")) for step in steps
    )
    if params.allow_resume_change or state.file is None or not moves:
        return None
    if not resumes_here(host, read_resume(host), state.mount, state.file.first, state.page):
        return None
    return (
        "the system hibernates into this file (resume_offset); allow_resume_change=true changes it anyway; set"
        " resume_offset anew then"
    )


def _why_not_deactivate(state: SwapState, steps: List[Step]) -> Optional[str]:
    shortage = headroom_shortage(steps, state)
    if shortage is None:
        return None
    return "it cannot be turned off now: %s. Free some memory, or add another swap file first" % shortage


def check(host: Host, params: Params, state: SwapState, steps: List[Step]) -> None:
    """Raises PreconditionError with every reason, each a sentence."""
    actions = {step.action for step in steps}
    reasons = []  # type: List[Optional[str]]
    if actions & {"activate", "deactivate"}:
        reasons.append(_right(host))
    if actions & {"make", "activate"}:
        reasons += _why_not_make(host, params, state, steps)
    elif actions & {"remove", "secure"}:
        reasons.append(_why_not_change(state))
    if params.present:
        reasons.append(refusal(state.unit, params.persistent))
    reasons.append(_why_not_touch(state, steps))
    if "fstab" in actions:
        reasons.append(_why_not_fstab(host, params, state))
    reasons += [_why_not_move(host, params, state, steps), _why_not_deactivate(state, steps)]
    known = [reason for reason in reasons if reason is not None]
    if known:
        raise PreconditionError("%s: %s. Nothing was changed." % (printable(params.path), ". Also, ".join(known)))
    if "arm" in actions:
        can_schedule(host)
