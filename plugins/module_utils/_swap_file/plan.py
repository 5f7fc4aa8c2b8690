# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what is there to what was asked for: the steps, in an order in which the host never has less swap than before
and after.

The kernel refuses to rename, remove or truncate a file that it swaps to, and to swap to a file without a name. So a new
file cannot take the name of the old one while either is in use, and a third one, the temporary area, takes over for the
moment of the exchange. It is as large as the smaller of the two: old and new together is then the most that the disk
has to hold. Before the old file goes, its name becomes a symbolic link to the temporary area, and the new file takes
the place of that link, each in one rename: whenever the power is cut, the name in fstab leads to a whole swap file of
the old or of the new size.
"""

from typing import List, NamedTuple, Optional

from ansible_collections.memops.linux.plugins.module_utils._size import human
from ansible_collections.memops.linux.plugins.module_utils._text import printable

from .fstab_lines import Fstab
from .state import SwapFile, SwapState


class Target(NamedTuple):
    """The options, with numbers for this host. options -- the fourth field of our fstab line; None: no line. expires_at
    -- None: never
    """

    present: bool = True
    size: int = 0
    priority: Optional[int] = None
    discard: Optional[str] = None
    options: Optional[str] = None
    expires_at: Optional[float] = None


class Step(NamedTuple):
    """action -- remove | make | link | secure | activate | deactivate | fstab | reload | arm | disarm | subvolume |
    unsubvolume; text -- for people

    over -- made in the place of what has the name, in one rename
    options -- the fourth field of our fstab line; None: no line
    """

    action: str
    path: str
    text: str
    size: int = 0
    priority: Optional[int] = None
    discard: Optional[str] = None
    over: bool = False
    options: Optional[str] = None


def changed_fstab(options: Optional[str], path: str, table: Fstab) -> Fstab:
    """The table as it should be. Written again on top of whatever somebody else wrote in the meantime."""
    return table.without_swap(path) if options is None else table.with_swap(path, options)


def has_valid_header(file: SwapFile, page: int) -> bool:
    """Whether the kernel would swap to all of it: recorded size, page size and version are right, and it has no
    holes.
    """
    signature = file.signature
    return (
        signature is not None
        and (signature.kind, signature.version, signature.page_size, signature.size) == ("swap", 1, page, file.size)
        and not file.holes
    )


def _remove(path: str, why: str) -> Step:
    return Step("remove", path, "remove %s, %s" % (printable(path), why))


def _make(path: str, size: int, why: str = "", over: bool = False) -> Step:
    return Step(
        "make", path, "make %s with %d bytes (%s)%s" % (printable(path), size, human(size), why), size=size, over=over
    )


def _link(state: SwapState, size: int) -> Step:
    words = "replace %s, which has %d bytes, by a link to %s" % (
        printable(state.path),
        size,
        printable(state.temporary_path),
    )
    return Step("link", state.path, words)


def _fstab(path: str, options: Optional[str]) -> Step:
    words = "take the line of %s out of /etc/fstab" if options is None else "write the line of %s into /etc/fstab"
    return Step("fstab", path, words % printable(path), options=options)


def _activate(path: str, priority: Optional[int], discard: Optional[str] = None) -> Step:
    words = "" if priority is None else " with priority %d" % priority
    return Step("activate", path, "swap to %s%s" % (printable(path), words), priority=priority, discard=discard)


def _deactivate(path: str) -> Step:
    return Step("deactivate", path, "stop swapping to %s" % printable(path))


def _secure(state: SwapState) -> List[Step]:
    file = state.file
    if file is None or (file.mode == 0o600 and not file.unlabeled):
        return []
    words = "" if file.mode == 0o600 else ": mode 0600 instead of 0%o" % file.mode
    return [
        Step(
            "secure",
            state.path,
            "let only root read %s%s%s"
            % (printable(state.path), words, ", label swapfile_t" if file.unlabeled else ""),
        )
    ]


def _drop_temporary(state: SwapState, active: bool, there: bool) -> List[Step]:
    steps = [_deactivate(state.temporary_path)] if active else []
    return steps + ([_remove(state.temporary_path, "the temporary area")] if there else [])


def _recreate(state: SwapState, target: Target, temporary: bool, in_place: bool) -> List[Step]:
    """Another file under the name, once nobody swaps to the old one. With a temporary area the old one goes before the
    new one comes.
    """
    file = state.file
    if file is None:
        return [
            _make(
                state.path,
                target.size,
                ", instead of the link" if state.links_to_temporary else "",
                over=state.links_to_temporary,
            )
        ]
    why = "which has %d bytes" % file.size if file.size != target.size else "which the kernel would not take as it is"
    if temporary:
        return [_link(state, file.size), _make(state.path, target.size, ", instead of the link", over=True)]
    if not in_place:
        return [_make(state.path, target.size, ", instead of the one %s" % why, over=True)]
    # no disk for both: no line names the file while there is none
    line = [_fstab(state.path, None)] if state.fstab.swap_entry(state.path) is not None else []
    return line + [_remove(state.path, why), _make(state.path, target.size)]


def _replace_active(state: SwapState, target: Target, file: SwapFile, in_place: bool) -> List[Step]:
    """The file is in use, and its size or its priority is wrong."""
    steps = []  # type: List[Step]
    temporary = state.temporary_area is not None
    if not in_place and not temporary:
        size = min(target.size, file.size)
        steps += [
            _make(state.temporary_path, size, ", as a temporary area"),
            _activate(state.temporary_path, target.priority),
        ]
        temporary = True
    steps.append(_deactivate(state.path))
    if file.size != target.size or not has_valid_header(file, state.page):
        steps += _recreate(state, target, temporary, in_place)
    else:
        steps += _secure(state)
    steps.append(_activate(state.path, target.priority, target.discard))
    return steps + _drop_temporary(state, temporary, temporary)


def _present(state: SwapState, target: Target, in_place: bool) -> List[Step]:
    file, area = state.file, state.area
    active = state.temporary_area is not None
    left = active or (state.links_to_temporary and state.temporary is not None)
    steps = (
        [_remove(state.temporary_path, "which an interrupted run left")]
        if state.temporary is not None and not left
        else []
    )
    if file is not None and area is not None:
        # Not what the kernel says: with blocks smaller than pages it leaves out the ends of extents.
        if file.size == target.size and has_valid_header(file, state.page) and target.priority in (None, area.priority):
            return steps + _secure(state) + _drop_temporary(state, active, left)
        return steps + _replace_active(state, target, file, in_place)
    if file is None or file.size != target.size or not has_valid_header(file, state.page):
        steps += _recreate(state, target, active, in_place)
    else:
        steps += _secure(state)
    steps.append(_activate(state.path, target.priority, target.discard))
    return steps + _drop_temporary(state, active, left)


def _absent(state: SwapState) -> List[Step]:
    """Out of use. The files go when no line names them any more."""
    steps = [_deactivate(state.path)] if state.area is not None else []
    return steps + _drop_temporary(state, state.temporary_area is not None, False)


def plan(state: SwapState, target: Target, in_place: bool = False) -> List[Step]:
    """Empty where everything is as it should be.

    in_place -- the disk has no room for two files: others hold what the file holds, and no line names it while there is
        none
    """
    steps = [_remove(state.partial_path, "which an interrupted run left")] if state.partial is not None else []
    steps += _present(state, target, in_place) if target.present else _absent(state)
    out = any(step.action == "fstab" for step in steps)
    due = (
        target.options is not None
        if out
        else changed_fstab(target.options, state.path, state.fstab).data != state.fstab.data
    )
    if due:
        steps.append(_fstab(state.path, target.options))
    if (out or due) and state.systemd:
        steps.append(Step("reload", state.path, "let systemd read /etc/fstab"))
    if not target.present:
        if state.file is not None or state.links_to_temporary:
            steps.append(_remove(state.path, "which is no longer declared"))
        steps += _drop_temporary(state, False, state.temporary is not None)
    if target.expires_at != state.expires_at:
        if target.expires_at is None:
            steps.append(Step("disarm", state.path, "cancel the end of %s" % printable(state.path)))
        else:
            steps.append(Step("arm", state.path, "let a timer remove %s at its end" % printable(state.path)))
    return steps


def most_disk(steps: List[Step], state: SwapState) -> int:
    """How many bytes more than now the files take while the steps run, at most."""
    sizes = {
        state.path: state.file.size if state.file is not None else 0,
        state.temporary_path: state.temporary.size if state.temporary is not None else 0,
    }
    before = sum(sizes.values())
    most = 0
    for step in steps:
        if step.action in ("make", "remove", "link"):
            most = max(most, sum(sizes.values()) + step.size - (0 if step.over else sizes.get(step.path, 0)) - before)
            sizes[step.path] = step.size
    return most
