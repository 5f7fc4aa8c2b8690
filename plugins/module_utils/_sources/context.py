# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Excerpts: the few whole lines around what was looked for, cut out of a stream of any size in constant memory."""

from bisect import bisect_left
from typing import Iterator, List, NamedTuple, Optional, Tuple

from .memmem import searcher
from .stream import Fill


class Excerpt(NamedTuple):
    """Neighbouring lines of one file.

    offset -- of data[0] in the uncompressed stream. An excerpt that begins where the one before ends continues it.
    data -- whole lines; only a line longer than Limits.line is cut
    hits -- where in data an anchor begins, sorted
    """

    offset: int
    data: bytes
    hits: Tuple[int, ...]


class Limits(NamedTuple):
    """Sizes in bytes.

    chunk -- what one read asks for
    gap -- hits nearer than this belong to one excerpt
    block -- the same behind a head: a task table of 4,000 rows lies between it and the end of its block
    lines, context -- at most so many lines in so many bytes before the first and after the last hit
    line -- a longer line is no log line (the kernel's records end at 8 KiB): it is cut
    excerpt -- the longest excerpt; a longer one goes on in the next
    """

    chunk: int = 1 << 20
    gap: int = 64 << 10
    block: int = 512 << 10
    lines: int = 20
    context: int = 4 << 10
    line: int = 16 << 10
    excerpt: int = 1 << 20


class ContextExtractor:
    """Cuts excerpts out of streams, one stream after the other, through one preallocated buffer.

    anchors -- what to look for; none: everything is an excerpt
    head -- the anchor that begins a block: where an excerpt has to be cut, it is cut before such a line if possible
    near -- further anchors, looked for in the block behind a head only, which costs nothing in a large file
    """

    def __init__(
        self,
        anchors: Tuple[bytes, ...],
        head: Optional[bytes] = None,
        near: Tuple[bytes, ...] = (),
        limits: Limits = Limits(),
        engine: str = "auto",
        size: int = 1 << 40,
    ) -> None:
        # context of two excerpts must not overlap, and an excerpt must have room for one hit with its context
        around = limits.line + limits.context
        gap = max(limits.gap, around + 1)
        block = max(limits.block, gap)
        self.limits = limits._replace(gap=gap, block=block, excerpt=max(limits.excerpt, 2 * around + 2))
        self.head = head
        self.overlap = max([len(anchor) for anchor in anchors + near] or [1]) - 1
        room = self.limits.excerpt + block + around + self.overlap + 1 + limits.chunk
        self.buffer = bytearray(room)
        self.view = memoryview(self.buffer)
        self.search = searcher(self.buffer, anchors, engine, size) if anchors else None
        self.search_near = searcher(self.buffer, near, engine, size) if near and head else None
        self.end = 0
        self.lines = None  # type: Optional[int]  # set to 0 to have them counted
        self._floor = 0  # nothing before it goes into an excerpt; a line begins here
        self._near_until = 0  # the end of the last head's block

    def cut(self, fill: Fill, base: int = 0) -> Iterator[Excerpt]:
        """The excerpts of one stream. base -- the offset of its first byte."""
        self.end = self._floor = self._near_until = 0
        return self._around_hits(fill, base) if self.search else self._everything(fill, base)

    def _read(self, fill: Fill) -> int:
        got = fill(self.view[self.end : self.end + self.limits.chunk])
        self.end += got
        if self.lines is not None:
            self.lines += self.buffer.count(b"\n", self.end - got, self.end)
        return got

    def _around_hits(self, fill: Fill, base: int) -> Iterator[Excerpt]:
        limits, search, view, overlap = self.limits, self.search, self.view, self.overlap
        retain = limits.line + limits.context + 1
        hits = []  # type: List[int]  # not yet in an excerpt
        firsts = []  # type: List[int]  # of them: those too far behind the one before to be in its excerpt
        start = -1  # of the excerpt that is open
        searched, reached = 0, -1  # another hit before `reached` belongs to the one before it
        while search:
            got = self._read(fill)
            known = self.end if not got else max(searched, self.end - overlap)
            new = [hit for hit in search(searched, self.end) if hit < known]
            searched, new = known, self._with_near(new, searched, known) if self.search_near else new
            for hit in new:
                if hit >= reached:
                    firsts.append(hit)
                reached = hit + (limits.block if self._is_head(hit) else limits.gap)
            hits += new
            done = 0  # hits of finished excerpts
            while done < len(hits):
                if start < 0:
                    start = self._start(hits[done])
                while firsts and firsts[0] <= hits[done]:
                    del firsts[0]
                after = bisect_left(hits, firsts[0], done) if firsts else len(hits)
                closed = not got or bool(firsts) or searched >= reached
                stop = self._stop(hits[after - 1], not got) if closed else hits[after - 1]
                if stop - start > limits.excerpt:
                    stop = self._seam(start, hits[done:after])
                elif not closed:
                    break
                first, done = done, bisect_left(hits, stop, done)
                yield Excerpt(base + start, bytes(view[start:stop]), tuple([hit - start for hit in hits[first:done]]))
                self._floor = stop
                start = stop if done < after else -1
            if not got:
                return
            del hits[:done]
            # the next hit lies behind `searched`; before that, only the open excerpt and room for context are of use
            drop = start if start >= 0 else max(0, searched - retain)
            if drop > 0:
                view[: self.end - drop] = view[drop : self.end]
                base += drop
                self.end -= drop
                searched -= drop
                reached -= drop
                self._floor -= drop
                self._near_until -= drop
                hits = [hit - drop for hit in hits]
                firsts = [hit - drop for hit in firsts]
                start = max(-1, start - drop)

    def _is_head(self, hit: int) -> bool:
        return self.head is not None and self.buffer.startswith(self.head, hit)

    def _with_near(self, hits: List[int], searched: int, known: int) -> List[int]:
        """The hits, and those of the near anchors, that begin between searched and known."""
        found = []  # type: List[int]
        at = searched
        for hit in hits + [known]:
            stop = min(hit, self._near_until)
            if at < stop and self.search_near:
                found += [near for near in self.search_near(at, min(stop + self.overlap, self.end)) if near < stop]
            if hit < known:
                found.append(hit)
                at = hit + 1
                if self._is_head(hit):  # any other may stand in the name of a process, and ends nothing
                    self._near_until = hit + self.limits.block
        return found

    def _line_start(self, at: int, low: int) -> int:
        """Where the line of the byte `at` begins; `low` if it begins earlier."""
        newline = self.buffer.rfind(b"\n", max(low - 1, 0), at)
        return low if newline < 0 else newline + 1

    def _start(self, hit: int) -> int:
        """Where the first of the lines before a hit begins."""
        floor, buffer = self._floor, self.buffer
        start = self._line_start(hit, max(hit - self.limits.line, floor))
        if start > floor and buffer[start - 1] != 10:
            return start  # inside an endless line: nothing before it is of use
        low = max(start - self.limits.context, floor)
        for _line in range(self.limits.lines):
            if start <= low:
                break
            newline = buffer.rfind(b"\n", max(low - 1, 0), start - 1)
            if newline < 0:
                return floor if low == floor else start
            start = newline + 1
        return start

    def _stop(self, hit: int, at_end: bool) -> int:
        """Where the last of the lines after a hit ends."""
        find = self.buffer.find
        newline = find(b"\n", hit, min(self.end, hit + self.limits.line))
        if newline < 0:
            return min(self.end, hit + self.limits.line)
        stop = newline + 1
        high = min(self.end, stop + self.limits.context)
        for _line in range(self.limits.lines):
            newline = find(b"\n", stop, high)
            if newline < 0:
                return high if at_end and high == self.end else stop
            stop = newline + 1
        return stop

    def _seam(self, start: int, hits: List[int]) -> int:
        """Where an excerpt that is too long is cut: before the line of a hit, so that no hit is lost."""
        high = start + self.limits.excerpt
        fits = [hit for hit in hits if start < hit <= high]
        heads = [hit for hit in fits[len(fits) // 2 :] if self._is_head(hit)]
        for hit in reversed(fits + heads):
            seam = self._line_start(hit, max(hit - self.limits.line, start))
            if seam > start:
                return seam
        return high

    def _everything(self, fill: Fill, base: int) -> Iterator[Excerpt]:
        view, limits = self.view, self.limits
        while True:
            got = self._read(fill)
            while self.end and (not got or self.end >= limits.excerpt):
                stop = self.end
                if got or stop > limits.excerpt:
                    stop = min(stop, limits.excerpt)
                    stop = self.buffer.rfind(b"\n", 0, stop) + 1 or stop
                yield Excerpt(base, bytes(view[:stop]), ())
                view[: self.end - stop] = view[stop : self.end]
                base += stop
                self.end -= stop
            if not got:
                return
