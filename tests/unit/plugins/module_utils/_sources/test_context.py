# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Excerpts against a reading of the same bytes line by line, and both engines against each other."""

import bisect
import random

import pytest

from ansible_collections.memops.linux.plugins.module_utils._sources.context import ContextExtractor, Limits
from ansible_collections.memops.linux.plugins.module_utils._sources.memmem import searcher

ANCHORS = (b" Killed process ", b"oom-killer: gfp_mask=0x", b"oom-kill:constraint=CONSTRAINT_")
SMALL = Limits(chunk=64, gap=400, block=400, lines=3, context=100, line=128, excerpt=2000)


def chunks(data, random_sizes=None):
    """A fill() that hands out data; in pieces of random size if a generator is given."""
    position = [0]

    def fill(view):
        size = len(view) if random_sizes is None else random_sizes.randint(1, len(view))
        piece = data[position[0] : position[0] + size]
        position[0] += len(piece)
        view[: len(piece)] = piece
        return len(piece)

    return fill


def naive(data, anchors, limits, head=None, near=()):
    """(start, stop, hits) of every excerpt, the slow and obvious way. Lines must not be longer than limits.line."""
    starts, at = [], 0
    for line in data.split(b"\n"):
        starts.append(at)
        at += len(line) + 1
    if starts[-1] == len(data):
        starts.pop()
    ends = starts[1:] + [len(data)]
    hits = set()
    for anchor in anchors:
        at = data.find(anchor)
        while at >= 0:
            hits.add(at)
            at = data.find(anchor, at + 1)
    heads = sorted(hit for hit in hits if head and data.startswith(head, hit))
    for anchor in near:
        at = data.find(anchor)
        while at >= 0:
            before = heads[bisect.bisect_left(heads, at) - 1] if heads and heads[0] < at else -limits.block
            if at - before < limits.block:
                hits.add(at)
            at = data.find(anchor, at + 1)
    clusters = []
    for hit in sorted(hits):
        reach = limits.block if clusters and head and data.startswith(head, clusters[-1][-1]) else limits.gap
        if clusters and hit - clusters[-1][-1] < reach:
            clusters[-1].append(hit)
        else:
            clusters.append([hit])
    found, floor = [], 0
    for cluster in clusters:
        first = bisect.bisect_right(starts, cluster[0]) - 1
        last = bisect.bisect_right(starts, cluster[-1]) - 1
        low, high = starts[first] - limits.context, ends[last] + limits.context
        for _line in range(limits.lines):
            if first and starts[first - 1] >= max(low, floor):
                first -= 1
        for _line in range(limits.lines):
            if last + 1 < len(starts) and ends[last + 1] <= high:
                last += 1
        found.append((starts[first], ends[last], tuple(hit - starts[first] for hit in cluster)))
        floor = ends[last]
    return found


def random_log(rand, lines, longest, density):
    """Lines with anchors in some, also anchors side by side, cut off, and with NUL and bytes that are no UTF-8."""
    out = []
    for _line in range(lines):
        line = bytes(rand.choice(b"abc \xff\x00Killedo") for _byte in range(rand.randint(0, longest)))
        if rand.random() < density:
            for _anchor in range(rand.choice((1, 1, 1, 2))):
                at = rand.randint(0, len(line))
                line = line[:at] + rand.choice(ANCHORS) + line[at:]
        elif rand.random() < 0.05:
            anchor = rand.choice(ANCHORS)
            line = anchor[: rand.randint(1, len(anchor) - 1)]
        out.append(line)
    data = b"\n".join(out)
    return data + b"\n" if rand.random() < 0.7 else data


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["memmem", "find"])
@pytest.mark.parametrize("seed", range(60))
def test_same_as_line_by_line(seed, engine):
    rand = random.Random(seed)
    limits = SMALL._replace(
        chunk=rand.choice((1, 7, 64, 300, 5000)),
        line=rand.choice((128, 200)),
        context=rand.choice((0, 50, 100)),
        lines=rand.choice((0, 1, 3, 8)),
        excerpt=1 << 20,
    )
    limits = limits._replace(gap=rand.choice((limits.line + limits.context + 1, 400, 1000)))
    limits = limits._replace(block=limits.gap + rand.choice((0, 1, 500, 3000)))
    data = random_log(rand, rand.randint(0, 400), 50, rand.choice((0.0, 0.01, 0.05, 0.5)))
    head = rand.choice((None, ANCHORS[1]))
    split = rand.choice((2, 3)) if head else 3
    cutter = ContextExtractor(ANCHORS[:split], head, ANCHORS[split:], limits, engine)
    cutter.lines = 0
    for round_number in range(2):  # the second round with the buffer as the first has left it
        found = list(cutter.cut(chunks(data, rand if round_number else None)))
        expected = naive(data, ANCHORS[:split], limits, head, ANCHORS[split:])
        assert [(e.offset, e.offset + len(e.data), e.hits) for e in found] == expected
        assert all(e.data == data[e.offset : e.offset + len(e.data)] for e in found)
    assert cutter.lines == 2 * data.count(b"\n")


@pytest.mark.slow
@pytest.mark.parametrize("head", [None, ANCHORS[1]])
@pytest.mark.parametrize("seed", range(40))
def test_a_storm_loses_no_hit_and_no_line(seed, head):
    """Excerpts that are too long are cut between lines; a line that is too long is cut anywhere."""
    rand = random.Random(seed)
    longest = rand.choice((60, 60, 1000))
    data = random_log(rand, 600, longest, rand.choice((0.05, 0.5)))
    limits = SMALL._replace(chunk=rand.choice((16, 64, 4096)), excerpt=rand.choice((500, 2000)))
    cutter = ContextExtractor(ANCHORS, head, (), limits)
    found = list(cutter.cut(chunks(data, rand)))
    hits = [e.offset + hit for e in found for hit in e.hits]
    assert hits == sorted(
        {hit for _start, _stop, some in naive(data, ANCHORS, limits) for hit in [_start + h for h in some]}
    )
    stop = 0
    for excerpt in found:
        assert stop <= excerpt.offset and len(excerpt.data) <= cutter.limits.excerpt
        stop = excerpt.offset + len(excerpt.data)
        assert excerpt.data == data[excerpt.offset : stop]
        if longest < limits.line:
            assert excerpt.offset == 0 or data[excerpt.offset - 1 : excerpt.offset] == b"\n"
            assert stop == len(data) or excerpt.data.endswith(b"\n")
        for hit in excerpt.hits:
            assert any(data.startswith(anchor, excerpt.offset + hit) for anchor in ANCHORS)


def test_a_long_excerpt_is_cut_before_a_block():
    block = (
        b"x invoked oom-killer: gfp_mask=0x1\n"
        + b"table\n" * 20
        + b"oom-kill:constraint=CONSTRAINT_NONE\nOut: Killed process 1\n"
    )
    found = list(ContextExtractor(ANCHORS, ANCHORS[1], (), SMALL).cut(chunks(block * 60)))
    assert len(found) > 3
    assert all(e.data.startswith(b"x invoked") and e.data.endswith(b" Killed process 1\n") for e in found)
    assert b"".join(e.data for e in found) == block * 60


def test_a_whole_block_is_one_excerpt_across_reads():
    table = b"May 10 18:07:27 h kernel: [  461]     0   461    19851    16302   196608        0             0 python3\n"
    block = (
        b"May 10 h kernel: a invoked oom-killer: gfp_mask=0xcc0\n"
        + table * 500
        + b"May 10 h kernel: oom-kill:constraint=CONSTRAINT_NONE\n"
    )
    noise = b"May 10 18:07:27 h app: all is well\n"
    for before in (0, 29000, 29900, 30000):
        data = noise * before + block + noise * 5000
        found = list(ContextExtractor(ANCHORS).cut(chunks(data)))
        assert len(found) == 1 and len(found[0].hits) == 2
        assert block in found[0].data and len(found[0].data) <= len(block) + 2 * Limits().lines * len(noise)


def test_a_summary_far_behind_its_head():
    """4,000 processes: the table is longer than the gap."""
    table = (
        b"May 10 18:07:27 h kernel: [  461]     0   461    19851    16302   196608        0             0 python3\n"
        * 4000
    )
    head = b"May 10 h kernel: a invoked oom-killer: gfp_mask=0xcc0\n"
    noise = b"May 10 18:07:27 h app: all is well\n" * 30000
    for more in (b"", b"May 10 h kernel: Out of memory: Killed process 1 (a)\n"):
        data = noise + head + table + b"May 10 h kernel: oom-kill:constraint=CONSTRAINT_NONE\n" + more + noise
        found = list(ContextExtractor(ANCHORS[:2], ANCHORS[1], ANCHORS[2:]).cut(chunks(data)))
        assert len(found) == 1 and len(found[0].hits) == (3 if more else 2)
        assert head in found[0].data and b"CONSTRAINT_NONE" in found[0].data


def test_without_anchors_everything_comes():
    rand = random.Random(7)
    for limits in (SMALL, SMALL._replace(chunk=5000), SMALL._replace(chunk=1)):
        data = random_log(rand, 500, 70, 0.1)
        found = list(ContextExtractor((), None, (), limits).cut(chunks(data, rand)))
        assert b"".join(e.data for e in found) == data
        assert all(e.data.endswith(b"\n") for e in found[:-1])
        assert [e.offset for e in found] == [sum(len(f.data) for f in found[:i]) for i in range(len(found))]
    endless = b"x" * 10000
    assert b"".join(e.data for e in ContextExtractor((), None, (), SMALL).cut(chunks(endless))) == endless
    assert list(ContextExtractor((), None, (), SMALL).cut(chunks(b""))) == []


def test_engines_agree():
    rand = random.Random(1)
    for _round in range(50):
        data = bytearray(random_log(rand, 100, 40, 0.3))
        first, stop = sorted((rand.randint(0, len(data)), rand.randint(0, len(data))))
        slow = searcher(data, ANCHORS, "find")(first, stop)
        assert searcher(data, ANCHORS, "memmem")(first, stop) == slow
        assert slow == sorted(set(slow)) and all(first <= hit < stop for hit in slow)


def test_overlapping_anchors_count_once():
    found = list(ContextExtractor((b"aa", b"aab"), None, (), SMALL).cut(chunks(b"xaaab\n")))
    assert [e.hits for e in found] == [(1, 2)]


def test_without_ctypes(monkeypatch):
    from ansible_collections.memops.linux.plugins.module_utils._sources import memmem

    def refuse():
        raise OSError("SELinux says no")

    monkeypatch.setattr(memmem, "_load", refuse)
    assert memmem.searcher(bytearray(b"a Killed process 1"), ANCHORS, "memmem")(0, 18) == [1]


def test_a_memmem_that_lies_is_not_used(monkeypatch):
    import ctypes

    from ansible_collections.memops.linux.plugins.module_utils._sources import memmem

    monkeypatch.setattr(memmem, "_load", lambda: (lambda *args: None, ctypes))
    assert memmem.searcher(bytearray(b"a Killed process 1"), ANCHORS, "memmem")(0, 18) == [1]
