# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One shortage, as kernels from 2.6.32 to 6.19 print it, with pages of 4 and 64 KiB, with high memory, with two nodes, of
a cgroup of either version: the cause follows the numbers, whatever the form, and the books are closed.
"""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._analysis.explain import explain
from ansible_collections.memops.linux.plugins.module_utils._oom.meminfo import page_size_of_kernel
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import parse
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog

K, M = 1 << 10, 1 << 20
KERNELS = {
    "2.6.32": "2.6.32-754.el6.x86_64",
    "3.10": "3.10.0-1160.el7.x86_64",
    "4.18": "4.18.0-553.el8.x86_64",
    "5.4": "5.4.0-216-generic",
    "5.10": "5.10.0-36-amd64",
    "5.15": "5.15.0-161-generic",
    "6.1": "6.1.0-41-amd64",
    "6.8": "6.8.0-88-generic",
    "6.12": "6.12.57+deb13-amd64",
    "6.19": "6.19.0",
}


def version(name):
    return tuple(map(int, name.split(".")))


def share_out(size, parts):
    """So that nothing gets lost by rounding."""
    shares = [size // parts] * parts
    shares[0] += size - sum(shares)
    return shares


class Machine:
    """What it has, in MiB, and how it is built."""

    def __init__(self, kernel, page=4096, nodes=1, highmem=False, scale=1, order=0, **sizes):
        self.at, self.release = version(kernel), KERNELS[kernel]
        self.page, self.nodes, self.highmem, self.order = page, nodes, highmem, order
        self.sizes = dict(
            free=30, anon=60, shmem=2, file=20, unevictable=0, slab_reclaimable=12, slab_unreclaimable=24, page_tables=4,
            kernel_stack=4, hugepages=0, swap_cached=0, hidden=20,
        )  # fmt: skip
        self.sizes.update(sizes)
        self.sizes = {name: size * scale for name, size in self.sizes.items()}
        self.scale = scale

    def pages(self, *names):
        return sum(int(self.sizes[name] * M) // self.page for name in names)

    def kb(self, *names):
        return sum(int(self.sizes[name] * K) for name in names)

    @property
    def total(self):
        return sum(int(size * M) for size in self.sizes.values())

    def counts(self):
        at = self.at
        anon = self.pages("anon", "shmem", "swap_cached")
        slabs = (self.pages("slab_reclaimable"), self.pages("slab_unreclaimable"))
        unstable = " unstable:0" if at < (5, 9) else ""
        yield "active_anon:%d inactive_anon:%d isolated_anon:0" % (anon // 3, anon - anon // 3)
        file = self.pages("file")
        yield " active_file:%d inactive_file:%d isolated_file:0" % (file // 4, file - file // 4)
        yield " unevictable:%d dirty:3 writeback:0%s" % (self.pages("unevictable"), unstable)
        mapped = " mapped:77 shmem:%d pagetables:%d" % (self.pages("shmem"), self.pages("page_tables"))
        if at < (3, 0):
            yield " free:%d slab_reclaimable:%d slab_unreclaimable:%d" % ((self.pages("free"),) + slabs)
            yield mapped + " bounce:0"
            return
        yield " slab_reclaimable:%d slab_unreclaimable:%d" % slabs
        if at >= (6, 1):
            yield mapped
            yield " sec_pagetables:0 bounce:0"
        else:
            yield mapped + " bounce:0"
        if at >= (5, 11):
            yield " kernel_misc_reclaimable:0"
        yield " free:%d%s free_cma:0" % (self.pages("free"), " free_pcp:0" if at >= (4, 2) else "")

    def zones(self):
        """name, node, free, managed in kB"""
        total = self.total // K
        if self.highmem:
            low = min(total // 3, 860 * K)
            return [("Normal", 0, self.kb("free") // 2, low), ("HighMem", 0, self.kb("free") // 2, total - low)]
        frees, totals = share_out(self.kb("free"), self.nodes), share_out(total, self.nodes)
        return [("Normal", node, frees[node], totals[node]) for node in range(self.nodes)]

    def lines_of_zones(self):
        at, node_lines = self.at, []
        stacks = share_out(self.kb("kernel_stack"), self.nodes)
        anon = share_out(self.kb("anon", "shmem", "swap_cached"), self.nodes)
        file, shmem = share_out(self.kb("file"), self.nodes), share_out(self.kb("shmem"), self.nodes)
        pinned, tables = share_out(self.kb("unevictable"), self.nodes), share_out(self.kb("page_tables"), self.nodes)
        for node in range(self.nodes):
            tail = " kernel_stack:%dkB" % stacks[node] if at >= (5, 9) else ""
            tail += " pagetables:%dkB" % tables[node] if at >= (5, 11) else ""
            node_lines.append(
                "Node %d active_anon:%dkB inactive_anon:0kB active_file:%dkB inactive_file:0kB unevictable:%dkB"
                " isolated(anon):0kB isolated(file):0kB mapped:1kB dirty:12kB writeback:0kB shmem:%dkB writeback_tmp:0kB%s"
                " all_unreclaimable? no" % (node, anon[node], file[node], pinned[node], shmem[node], tail)
            )
        if at >= (4, 8):
            yield from node_lines
        for name, node, free, managed in self.zones():
            lead = "" if self.highmem else "Node %d " % node
            boost = " boost:0kB" if at >= (5, 17) else ""
            stack = ""
            if at < (5, 9):
                stack = " kernel_stack:%dkB" % (stacks[node] if name == "Normal" else 0)
            sizes = "present:%dkB mlocked:0kB" % managed
            if at >= (3, 9):
                sizes = "present:%dkB managed:%dkB mlocked:0kB" % (managed + 4096, managed)
            yield "%s%s free:%dkB%s min:%dkB low:9kB high:9kB active_anon:0kB inactive_anon:0kB active_file:0kB" % (
                lead, name, free, boost, 2 * free
            ) + " inactive_file:%dkB unevictable:0kB %s%s bounce:0kB" % (self.kb("file") // 4, sizes, stack)  # fmt: skip
            yield "lowmem_reserve[]: 0 0 0"
        for name, node, free, _managed in self.zones():
            lead = "" if self.highmem else "Node %d " % node
            kilobytes, types = self.page // K, " (UM)" if at >= (3, 12) else ""
            pieces = " 0*%dkB 0*%dkB 0*%dkB" % (2 * kilobytes, 4 * kilobytes, 8 * kilobytes)
            yield "%s%s: %d*%dkB%s%s = %dkB" % (lead, name, free // kilobytes, kilobytes, types, pieces, free)

    def memory(self):
        yield "Mem-Info:"
        if self.at < (4, 2):
            yield "Node 0 Normal per-cpu:"
            yield "CPU    0: hi:  186, btch:  31 usd:   0"
        yield from self.counts()
        yield from self.lines_of_zones()
        if self.at >= (3, 13) or self.at[:2] == (3, 10):
            big = self.kb("hugepages")
            for node, size in enumerate(share_out(big // 2048, self.nodes)):
                yield "Node %d hugepages_total=%d hugepages_free=%d hugepages_surp=0 hugepages_size=2048kB" % (
                    node, size, size
                )  # fmt: skip
        yield "%d total pagecache pages" % self.pages("file", "shmem", "swap_cached")
        yield "%d pages in swap cache" % self.pages("swap_cached")
        if self.at < (6, 0):
            yield "Swap cache stats: add 0, delete 0, find 0/0"
        yield "Free swap  = 0kB"
        yield "Total swap = 0kB"
        yield "%d pages RAM" % (self.total // self.page + 1000)
        if self.at >= (3, 0):
            yield "%d pages HighMem%s" % (0, "/MovableOnly" if self.at >= (3, 10) else "")
        yield "1000 pages reserved"
        if self.at >= (3, 13):
            yield "0 pages hwpoisoned"


TABLES = (
    ((2, 6, 32), "[ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name",
     "[{pid:5d}]     0 {pid:5d} {vm:8d} {rss:8d}   0       0             {adj} {comm}"),
    ((3, 0), "[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name",
     "[{pid:5d}]     0 {pid:5d} {vm:8d} {rss:8d} {ptes:7d} {swap:8d}         {adj:5d} {comm}"),
    ((4, 15), "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
     "[{pid:7d}]     0 {pid:5d} {vm:8d} {rss:8d} {tables:8d} {swap:8d}         {adj:5d} {comm}"),
    ((6, 8), "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name",
     "[{pid:7d}]     0 {pid:5d} {vm:8d} {rss:8d} {anon:8d} {file:8d} {shmem:9d} {tables:8d} {swap:8d}         {adj:5d} {comm}"),
)  # fmt: skip


def table(at, page, tasks):
    """tasks -- (comm, MiB of its own, MiB that it shares) or with MiB of page tables behind"""
    header, row = [(header, row) for first, header, row in TABLES if at >= first][-1]
    yield ("Tasks state (memory values in pages):" if at >= (5, 0) else "")
    yield header
    for number, (comm, own, shared, *rest) in enumerate(tasks):
        tables = int(rest[0] * M) if rest else 64 * K
        anon, shmem = int(own * M) // page, int(shared * M) // page
        yield row.format(
            pid=100 + number, vm=anon + shmem + 50, rss=anon + shmem + 20, anon=anon, file=20, shmem=shmem, swap=0, adj=0,
            tables=tables, ptes=tables // page, comm=comm,
        )  # fmt: skip


def killed(machine, tasks, memcg=None):
    """The lines of the victim: the biggest of the table."""
    at, page = machine.at, machine.page
    number = max(range(len(tasks)), key=lambda at: sum(tasks[at][1:]))
    pid, (comm, own, shared) = 100 + number, tasks[number][:3]
    pages, size = int(own * M) // page + int(shared * M) // page + 50, int(own * K)
    sizes = "total-vm:%dkB, anon-rss:%dkB, file-rss:80kB" % (pages * page // K, size)
    if memcg is None:
        head, limits = "Out of memory", "constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom"
    else:
        head, limits = "Memory cgroup out of memory", "constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=%s" % memcg  # fmt: skip
    if at < (5, 3):
        yield "%s: Kill process %d (%s) score 500 or sacrifice child" % (head, pid, comm)
        yield "Killed process %d (%s) %s" % (pid, comm, sizes)
        return
    yield "oom-kill:%s,task_memcg=%s,task=%s,pid=%d,uid=0" % (limits, memcg or "/a", comm, pid)
    yield "%s: Killed process %d (%s) %s, shmem-rss:0kB, UID:0 pgtables:64kB oom_score_adj:0" % (head, pid, comm, sizes)


def head_of(release, gfp, order, comm="asker"):
    yield "%s invoked oom-killer: gfp_mask=%s, order=%d, oom_score_adj=0" % (comm, gfp, order)
    yield "CPU: 0 PID: 7 Comm: %s Not tainted %s #1" % (comm, release)
    yield "Call Trace:"
    yield " dump_stack+0x19/0x1b"


def report_of(machine, tasks, gfp="0x201da"):
    lines = list(head_of(machine.release, gfp, machine.order))
    lines += list(machine.memory())
    lines += list(table(machine.at, machine.page, tasks))
    lines += list(killed(machine, tasks))
    return lines


def said_of(lines, lead=lambda number: "[%5d.%06d] " % (100 + number // 1000, number)):
    text = "".join("%s%s\n" % (lead(number), line) for number, line in enumerate(lines) if line)
    records = TextLog("test", lambda stamp: (None, "unknown")).lines(text.encode())
    (kill,) = [event for event in parse(records, include_tasks=True) if isinstance(event, Kill)]
    return explain(kill)


SMALL = [("init", 2, 0), ("sshd", 3, 0), ("cron", 1, 0), ("dbus", 2, 0)] + [
    ("w%c" % (97 + at), 1, 0) for at in range(9)
]
#: name: what there is more of, who holds it, the kind that comes first, the kinds that may follow.
SHORT = {
    "one process": ({"anon": 400}, [("java", 390, 0)], "one_process", ()),
    "many alike": ({"anon": 400}, [("php-fpm", 30, 0)] * 13, "many_alike", ()),
    "many processes": ({"anon": 400}, [("p%c" % (97 + at), 30, 0) for at in range(13)], "many_processes", ()),
    "tmpfs": ({"shmem": 400}, [], "shmem", ()),
    "shared memory of many": ({"shmem": 400}, [("postgres", 1, 390)] * 12, "shmem", ()),
    "page cache": ({"file": 500}, [], "page_cache", ()),
    "ramfs": ({"unevictable": 400}, [], "unevictable", ()),
    "locked by one": ({"unevictable": 400}, [("qemu", 395, 0)], "unevictable", ("one_process",)),
    "slab": ({"slab_unreclaimable": 400}, [], "slab_unreclaimable", ()),
    "dentries": ({"slab_reclaimable": 400}, [], "slab_reclaimable", ()),
    "page tables": ({"page_tables": 300}, [("oracle", 1, 0, 14)] * 20, "page_tables", ()),
    "stacks": ({"kernel_stack": 200}, [], "kernel_stack", ()),
    "huge pages": ({"hugepages": 400}, [], "hugepages", ()),
    "swap cache": ({"swap_cached": 300}, [], "swap_cache", ()),
    "a driver": ({"hidden": 400}, [], "unaccounted", ()),
}
SWAP = {"no_swap"}
FORMS = [(kernel, {}) for kernel in KERNELS] + [
    ("4.18", {"page": 65536, "scale": 16}),
    ("6.12", {"page": 65536, "scale": 16}),
    ("5.10", {"nodes": 2, "scale": 8}),
    ("6.8", {"nodes": 4, "scale": 512}),
    ("3.10", {"nodes": 2, "scale": 64}),
    ("6.1", {"scale": 32}),
    ("4.18", {"highmem": True, "scale": 4}),
]


@pytest.mark.parametrize("name", sorted(SHORT))
@pytest.mark.parametrize("form", FORMS, ids=["%s %s" % (kernel, more) for kernel, more in FORMS])
def test_of_a_host(name, form):
    kernel, more = form
    sizes, tasks, first, others = SHORT[name]
    if kernel == "2.6.32" and name == "huge pages":
        first = "unaccounted"  # it prints none
    machine = Machine(kernel, **dict(sizes, **more))
    tasks = [
        (comm, own * machine.scale, *[size * machine.scale for size in rest]) for comm, own, *rest in tasks + SMALL
    ]
    said = said_of(report_of(machine, tasks, "0x201da" if machine.at < (4, 8) else "0x140dca"))
    kinds = [cause.kind for cause in said.causes]
    assert kinds[:1] == [first], said.why
    assert set(kinds) <= {first, *others} | SWAP, said.why
    check_books(said, machine)


def check_books(said, machine):
    books, page = said.accounts, machine.page
    assert books.complete and books.total == machine.total // page * page
    assert sum(size or 0 for size in books.rows.values()) == books.total
    hidden = machine.sizes["hidden"] + (machine.sizes["hugepages"] if machine.at < (3, 10) else 0)
    for row, size in dict(machine.sizes, unaccounted=hidden).items():
        if row == "hidden" or (row == "hugepages" and machine.at < (3, 10)):
            continue
        assert books.rows[row] == pytest.approx(size * M, abs=40 * page + 2 * M), row


class Cgroup:
    """What it holds, in MiB, and which kernel counts it, by version 1 or 2."""

    def __init__(self, kernel, v1=False, page=4096, scale=1, **sizes):
        self.at, self.release, self.v1, self.page = version(kernel), KERNELS[kernel], v1, page
        self.sizes = dict(
            anon=20, shmem=1, file=6, unevictable=0, slab_reclaimable=2, slab_unreclaimable=4, page_tables=1, kernel_stack=1,
            percpu=1, vmalloc=0, sock=0, zswap=0, hidden=0, swap_cached=0,
        )  # fmt: skip
        self.sizes.update(sizes)
        self.sizes = {name: size * scale for name, size in self.sizes.items()}

    def bytes(self, *names):
        return sum(int(self.sizes[name] * M) for name in names)

    def prints(self, row):
        """Does this kernel print it?"""
        since = {"page_tables": (5, 11), "percpu": (5, 9), "vmalloc": (5, 18), "zswap": (5, 19), "swap_cached": (5, 13)}
        if self.at < (4, 18) or (self.v1 and self.at >= (6, 5)):
            return row in ("anon", "shmem", "file", "unevictable")
        return self.at >= since.get(row, (0,))

    @property
    def kernel(self):
        return self.bytes(
            "slab_reclaimable", "slab_unreclaimable", "page_tables", "kernel_stack", "percpu", "vmalloc", "zswap"
        )

    @property
    def total(self):
        return self.kernel + self.bytes("anon", "shmem", "file", "unevictable", "sock", "hidden", "swap_cached")

    def lines(self):
        if self.at < (5, 0):
            yield "Task in /box killed as a result of limit of /box"
        yield "memory: usage %dkB, limit %dkB, failcnt 9" % (self.total // K, self.total // K)
        if self.v1:
            yield "memory+swap: usage %dkB, limit 9007199254740988kB, failcnt 0" % (self.total // K)
            yield "kmem: usage %dkB, limit 9007199254740988kB, failcnt 0" % (self.kernel // K)
        else:
            yield "swap: usage 0kB, limit 0kB, failcnt 0"
        if self.at < (4, 18):
            yield (
                "Memory cgroup stats for /box: cache:%dKB rss:%dKB rss_huge:0KB shmem:%dKB mapped_file:0KB dirty:0KB writeback:0KB"
                " swap:0KB inactive_anon:%dKB active_anon:0KB inactive_file:%dKB active_file:0KB unevictable:%dKB"
                % tuple(
                    self.bytes(*names) // K
                    for names in (("file", "shmem"), ("anon", "unevictable"), ("shmem",), ("anon", "shmem"), ("file",), ("unevictable",))
                )
            )  # fmt: skip
            return
        yield "Memory cgroup stats for /box:"
        for name, size in self.in_v1_words() if self.v1 and self.at >= (6, 5) else self.in_v2_words():
            yield "%s %d" % (name, size)

    def in_v1_words(self):
        for lead in ("", "total_"):
            yield lead + "cache", self.bytes("file", "shmem")
            yield lead + "rss", self.bytes("anon", "unevictable")
            yield lead + "shmem", self.bytes("shmem")
            yield lead + "dirty", 0
            yield lead + "writeback", 0
            yield lead + "inactive_anon", self.bytes("anon", "shmem")
            yield lead + "active_anon", 0
            yield lead + "inactive_file", self.bytes("file")
            yield lead + "active_file", 0
            yield lead + "unevictable", self.bytes("unevictable")

    def in_v2_words(self):
        yield "anon", self.bytes("anon", "unevictable")
        yield "file", self.bytes("file", "shmem")
        if self.at >= (5, 18):
            yield "kernel", self.kernel
        yield "kernel_stack", self.bytes("kernel_stack")
        for word, row in (("pagetables", "page_tables"), ("percpu", "percpu")):
            if self.prints(row):
                yield word, self.bytes(row)
        yield "sock", self.bytes("sock")
        if self.prints("vmalloc"):
            yield "vmalloc", self.bytes("vmalloc")
        yield "shmem", self.bytes("shmem")
        if self.prints("zswap"):
            yield "zswap", self.bytes("zswap")
        yield "file_dirty", 0
        yield "file_writeback", 0
        if self.prints("swap_cached"):
            yield "swapcached", self.bytes("swap_cached")
        yield "inactive_anon", self.bytes("anon", "shmem", "swap_cached")
        yield "active_anon", 0
        yield "inactive_file", self.bytes("file")
        yield "active_file", 0
        yield "unevictable", self.bytes("unevictable")
        for row in ("slab_reclaimable", "slab_unreclaimable"):
            yield row, self.bytes(row)
        if self.at >= (5, 9):
            yield "slab", self.bytes("slab_reclaimable", "slab_unreclaimable")


def report_of_cgroup(cgroup, tasks):
    lines = list(head_of(cgroup.release, "0xcc0(GFP_KERNEL)" if cgroup.at >= (5, 0) else "0xd0", 0))
    lines += [" mem_cgroup_out_of_memory+0x12b/0x140"]
    lines += list(cgroup.lines())
    lines += list(table(cgroup.at, cgroup.page, tasks))
    lines += list(killed(cgroup, tasks, "/box"))
    return lines


#: As above. What a kernel does not print apart is kernel memory, or nothing that a counter knows.
OF_CGROUP = {
    "one process": ({"anon": 400}, [("java", 380, 0)], "one_process", ()),
    "many alike": ({"anon": 400}, [("cc1", 30, 0)] * 13, "many_alike", ()),
    "many processes": ({"anon": 400}, [("p%c" % (97 + at), 30, 0) for at in range(13)], "many_processes", ()),
    "tmpfs": ({"shmem": 400}, [], "shmem", ()),
    "page cache": ({"file": 500}, [], "page_cache", ()),
    "locked": ({"unevictable": 400}, [("qemu", 395, 0)], "unevictable", ("one_process",)),
    "slab": ({"slab_unreclaimable": 400}, [], "slab_unreclaimable", ("kernel_memory",)),
    "dentries": ({"slab_reclaimable": 400}, [], "slab_reclaimable", ("kernel_memory",)),
    "page tables": ({"page_tables": 300}, [("oracle", 0, 0, 14)] * 20, "page_tables", ("kernel_memory",)),
    "stacks": ({"kernel_stack": 200}, [], "kernel_stack", ("kernel_memory",)),
    "percpu": ({"percpu": 200}, [], "percpu", ("kernel_memory",)),
    "vmalloc": ({"vmalloc": 200}, [], "vmalloc", ("kernel_memory",)),
    "sockets": ({"sock": 200}, [], "sockets", ()),
    "zswap": ({"zswap": 200}, [], "zswap", ("kernel_memory",)),
    "swap cache": ({"swap_cached": 200}, [], "swap_cache", ()),
}
OF_KIND = {
    "slab": "slab_unreclaimable",
    "dentries": "slab_reclaimable",
    "page tables": "page_tables",
    "stacks": "kernel_stack",
}
OF_KIND.update(percpu="percpu", vmalloc="vmalloc", zswap="zswap", sockets="sock")
OF_KIND["swap cache"] = "swap_cached"
CGROUPS = [(kernel, v1) for kernel in KERNELS if kernel != "2.6.32" for v1 in (True, False) if v1 or kernel != "3.10"]


@pytest.mark.parametrize("name", sorted(OF_CGROUP))
@pytest.mark.parametrize("form", CGROUPS, ids=["%s v%d" % (kernel, 2 - v1) for kernel, v1 in CGROUPS])
@pytest.mark.parametrize("page", [4096, 65536])
def test_of_a_cgroup(name, form, page):
    sizes, tasks, first, others = OF_CGROUP[name]
    cgroup = Cgroup(form[0], form[1], page, 4, **sizes)
    tasks = [(comm, own * 4, *[size * 4 for size in rest]) for comm, own, *rest in tasks + SMALL[:4]]
    said = said_of(report_of_cgroup(cgroup, tasks))
    kinds = [cause.kind for cause in said.causes]
    row = OF_KIND.get(name)
    if row in ("sock", "swap_cached") and not cgroup.prints(row):
        first = "unaccounted"
    elif row is not None and not cgroup.prints(row) and row != "page_tables":  # these the task table tells
        first, others = ("kernel_memory" if form[1] or cgroup.at >= (5, 18) else "unaccounted"), ()
    assert kinds[:1] == [first], said.why
    assert set(kinds) <= {first, *others, "memcg_limit", "swap_limit"}, said.why
    books = said.accounts
    assert books.total == cgroup.total and sum(size or 0 for size in books.rows.values()) == books.total
    for row, size in cgroup.sizes.items():
        if row != "hidden" and cgroup.prints(row):
            assert books.rows[row] == pytest.approx(size * M, abs=page), row


#: What is lost of the report, of which shortage, and what may not be said then beside what is true.
LOST = [
    ("tmpfs", "6.1", "pages reserved"),
    ("tmpfs", "6.1", " mapped:"),
    ("tmpfs", "3.10", " mapped:"),
    ("tmpfs", "6.12", " file:"),
    ("page tables", "6.12", " mapped:"),
    ("one process", "6.1", "active_anon:"),
    ("slab", "3.10", "pages reserved"),
    ("page cache", "4.18", " active_file:"),
    ("page cache", "6.12", "pages RAM"),
    ("many alike", "5.10", " free:"),
]


@pytest.mark.parametrize("name, kernel, lost", LOST)
def test_a_lost_line_makes_nothing_up(name, kernel, lost):
    sizes, tasks, first, others = SHORT[name]
    machine = Machine(kernel, **sizes)
    lines = report_of(machine, tasks + SMALL, "0x140dca" if machine.at >= (4, 8) else "0x201da")
    said = said_of([line for line in lines if not (lost in line and "kB" not in line)])
    assert {cause.kind for cause in said.causes} - {first, *others} <= SWAP, said.why
    books = said.accounts
    assert books.total is None or sum(size or 0 for size in books.rows.values()) == books.total


@pytest.mark.parametrize("lost", ["shmem ", "file ", "anon ", "slab_unreclaimable ", "kernel "])
def test_a_lost_line_of_a_cgroup(lost):
    cgroup = Cgroup("6.12", scale=4, shmem=400)
    said = said_of([line for line in report_of_cgroup(cgroup, SMALL) if not line.startswith(lost)])
    kinds = [cause.kind for cause in said.causes]
    assert set(kinds) <= {"shmem", "memcg_limit", "swap_limit"}, said.why
    assert sum(size or 0 for size in said.accounts.rows.values()) == cgroup.total


def test_a_header_without_all_its_columns_is_none():
    """A mail program broke it, and its second half is lost: sizes would be read from the wrong columns."""
    machine = Machine("6.8", anon=400)
    lines = report_of(machine, [("java", 390, 0)] + SMALL, "0x140dca")
    said = said_of([line.replace(" rss_file rss_shmem pgtables_bytes swapents oom_score_adj", "") for line in lines])
    assert said.selection is None and "without its header" in said.why


@pytest.mark.parametrize(
    "release, page",
    [
        ("5.14.0-427.el9.aarch64+64k", 65536),
        ("6.8.0-51-generic-64k", 65536),
        ("4.18.0-553.el8.aarch64", 65536),
        ("4.14.0-115.el7a.aarch64", 65536),
        ("6.12.0-211.el10.ppc64le", 65536),
        ("5.14.0-427.el9.aarch64", None),
        ("6.12.57+deb13-amd64", None),
        (None, None),
    ],
)
def test_page_size_in_a_name(release, page):
    assert page_size_of_kernel(release) == page
