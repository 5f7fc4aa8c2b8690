# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The four grades of evidence, one by one and through the whole of gather()."""

import time

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather
from ansible_collections.memops.linux.plugins.module_utils._facts.params import Wish
from ansible_collections.memops.linux.plugins.module_utils._facts.proof import Grades, Span, TrustedSpans, journal_spans
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Process, Verdict
from ansible_collections.memops.linux.plugins.module_utils._sources import journal as journal_module
from ansible_collections.memops.linux.plugins.module_utils._sources.journal_file import JournalFile
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine, SourceReport

NOW = float(int(time.time()))
HOUR = 3600.0


def kill(at=NOW - HOUR, trusted=False, disproved=False, host="vm1", pid=7, **more):
    line = LogLine(
        "", "journal" if trusted else "/var/log/messages", host=host, time=at, trusted=trusted, disproved=disproved
    )
    return Kill(line=line, victim=Process(pid=pid, comm="a", total_vm=4096), **more)


def said(unit, at, trusted=True):
    return Verdict(line=LogLine("", "journal", time=at, trusted=trusted), unit=unit)


COVERED = TrustedSpans([Span(NOW - 2 * HOUR, NOW)])

# (id, the kill, what is covered, verdicts, other kills, the grade)
GRADES = [
    ("the kernel's record", kill(trusted=True), COVERED, (), (), "kernel"),
    ("a text log, and nothing else", kill(), TrustedSpans(), (), (), "logged"),
    ("a text log from before the journal", kill(NOW - 3 * HOUR), COVERED, (), (), "logged"),
    ("a text log from after the journal", kill(NOW + 60), COVERED, (), (), "logged"),
    ("a text log that the journal does not have", kill(), COVERED, (), (), "disputed"),
    ("the record names another writer", kill(disproved=True), TrustedSpans(), (), (), "disputed"),
    ("nobody knows when", kill(None), COVERED, (), (), "logged"),
    ("pid 1 says so", kill(unit="x.service"), TrustedSpans(), [said("x.service", NOW - HOUR + 50)], (), "confirmed"),
    ("pid 1 says so, of a unit deeper down", kill(unit="user@1.service", task_memcg="/user.slice/user@1.service/app.slice/x.scope"),
     TrustedSpans(), [said("x.scope", NOW - HOUR)], (), "confirmed"),
    ("pid 1 says so of another unit", kill(unit="x.service"), TrustedSpans(), [said("y.service", NOW - HOUR)], (), "logged"),
    ("pid 1 said so long after", kill(unit="x.service"), TrustedSpans(), [said("x.service", NOW - HOUR + 70)], (), "logged"),
    ("somebody says so in pid 1's name", kill(unit="x.service"), TrustedSpans(), [said("x.service", NOW - HOUR, trusted=False)], (), "logged"),
    ("pid 1 speaks of a kill that the kernel vouches for", kill(unit="x.service"), TrustedSpans(), [said("x.service", NOW - HOUR)],
     [kill(trusted=True, unit="x.service", pid=8)], "logged"),
    ("pid 1 contradicts a journal that has no kill", kill(unit="x.service"), COVERED, [said("x.service", NOW - HOUR)], (), "confirmed"),
    ("earlyoom is not in the ring buffer", kill(killer="earlyoom"), TrustedSpans([Span(0, NOW, kernel_only=True)]), (), (), "logged"),
    ("the kernel is", kill(), TrustedSpans([Span(0, NOW, kernel_only=True)]), (), (), "disputed"),
    ("another host than the journal's", kill(host="vm2"), TrustedSpans([Span(0, NOW)], {"vm1"}), (), (), "logged"),
    ("the journal's own host", kill(host="vm1.example.org"), TrustedSpans([Span(0, NOW)], {"vm1"}), (), (), "disputed"),
    ("after a flaw was found", kill(), COVERED.before(NOW - 1.5 * HOUR), (), (), "logged"),
]  # fmt: skip


@pytest.mark.parametrize(
    "one, spans, verdicts, others, grade", [row[1:] for row in GRADES], ids=[row[0] for row in GRADES]
)
def test_grades(one, spans, verdicts, others, grade):
    grades = Grades(spans)
    grades.confirm_by_pid_1(verdicts, others)
    assert grades.of_kill(one) == grade


def test_a_counter_confirms_also_what_the_journal_does_not_have():
    assert Grades(COVERED, lambda one: True).of_kill(kill()) == "confirmed"
    assert Grades(COVERED, lambda one: True).of_kill(kill(disproved=True)) == "disputed"


def test_a_hole_between_the_files_of_a_journal_is_not_covered():
    files = [JournalFile("/a", "read", first=0.0, last=100.0), JournalFile("/b", "read", first=101.0, last=200.0)]
    files += [JournalFile("/d", "read", first=900.0, last=990.0), JournalFile("/c", "denied")]
    assert journal_spans(files) == [Span(0.0, 200.0), Span(900.0, 990.0)]


# -- through gather() -----------------------------------------------------------------------------------------


class FakeJournal:
    """A journal that was read; the tests say how far it reaches and what is in it."""

    spans = ()
    lines = ()
    lost = 0
    doubt = None
    status = "read"
    source = "journal"

    def __init__(self, host, since=None, until=None, directory=None, whole_blocks=False, timeout=60, remote=False):
        self.volatile = False
        self.files = (
            [] if remote else [JournalFile("/j", self.status, first=first, last=last) for first, last in self.spans]
        )
        self.report = SourceReport("journal", "absent" if remote or not self.spans else self.status)
        if not remote and self.spans:
            self.report = self.report._replace(lines=99, first=self.spans[0][0], last=self.spans[-1][1], bytes=1)
        self._lines = () if remote else self.lines

    def __iter__(self):
        return iter(self._lines)

    def reports(self, _since, _until):
        return iter(())


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A host whose journal and messages the test writes; what it has no file for it does not know."""

    def make(messages, spans=(), lines=(), counter=None, **more):
        monkeypatch.setattr(
            journal_module, "JournalScan", type("Journal", (FakeJournal,), dict(more, spans=spans, lines=lines))
        )
        files = {"var/log/messages": messages, "proc/stat": "btime %d\n" % (NOW - 10 * HOUR)}
        files["proc/vmstat"] = "nr_free_pages 1\n" + ("" if counter is None else "oom_kill %d\n" % counter)
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return gather(Host(root=str(tmp_path)), Wish(subset=("kills",)))

    return make


def stamp(at):
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(at))


def text_kills(count=3, at=NOW - HOUR):
    form = "%s vm1 kernel: Out of memory: Killed process %d (java) total-vm:%dkB, anon-rss:2kB, file-rss:3kB\n"
    return "".join(form % (stamp(at + 60 * number), 500 + number, 4000 + number) for number in range(count))


def proofs(oom):
    return [one["proof"] for one in oom["kills"]]


def test_a_volatile_journal_and_rsyslogs_messages(machine):
    """EL 7 and 8: three kills are three kills."""
    oom = machine(text_kills(at=NOW - 5 * HOUR), spans=[(NOW - HOUR, NOW)])
    assert proofs(oom) == ["logged"] * 3
    assert oom["summary"]["total"] == 3 and oom["summary"]["by_comm"] == {"java": 3}
    assert oom["summary"]["by_proof"] == {"kernel": 0, "confirmed": 0, "logged": 3, "disputed": 0}
    assert oom["summary"]["verdict"]["state"] != "none"


@pytest.mark.parametrize("count", [1, 320])
def test_lines_that_the_journal_does_not_have_are_disputed(machine, count):
    oom = machine(text_kills(count, at=NOW - 9 * HOUR), spans=[(NOW - 10 * HOUR, NOW + 9 * HOUR)])
    assert set(proofs(oom)) == {"disputed"} and len(oom["kills"]) + oom["truncated"] == count
    assert oom["summary"]["total"] == 0 and oom["summary"]["by_comm"] == {} and oom["summary"]["first"] is None
    assert oom["summary"]["by_proof"]["disputed"] == count
    assert oom["summary"]["verdict"]["state"] == "none"


@pytest.mark.parametrize(
    "flaw",
    [
        dict(lost=3),
        dict(doubt="it does not belong to root"),
        dict(status="corrupt"),
        dict(spans=[(NOW - 10 * HOUR, NOW - 9 * HOUR), (NOW, NOW + HOUR)]),
    ],
    ids=["messages were lost", "not root's", "read in part", "a hole"],
)
def test_a_journal_with_a_flaw_disputes_nothing(machine, flaw):
    oom = machine(text_kills(), **dict(dict(spans=[(NOW - 10 * HOUR, NOW + HOUR)]), **flaw))
    assert proofs(oom) == ["logged"] * 3 and oom["summary"]["total"] == 3


def test_the_kernels_counter_confirms(machine):
    oom = machine(text_kills(), spans=[(NOW - 10 * HOUR, NOW)], counter=3)
    assert proofs(oom) == ["confirmed"] * 3 and oom["counters"]["unexplained"] == 0


def test_a_counter_that_moved_less_confirms_nothing(machine):
    oom = machine(text_kills(), spans=[(NOW - 10 * HOUR, NOW)], counter=0)
    assert proofs(oom) == ["disputed"] * 3


def test_pid_1_confirms(machine):
    text = (
        "%s vm1 kernel: oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x.service,mems_allowed=0,oom_memcg=/system.slice/x.service,"
        "task_memcg=/system.slice/x.service,task=java,pid=500,uid=0\n" % stamp(NOW - HOUR)
    )
    word = LogLine(
        "x.service: Failed with result 'oom-kill'.",
        "journal",
        "vm1",
        "systemd",
        NOW - HOUR + 2,
        "exact",
        trusted=True,
        unit="x.service",
    )
    oom = machine(text + text_kills(1), spans=[(NOW - 2 * HOUR, NOW)], lines=[word])
    assert [(one["victim"]["pid"], one["unit"], one["proof"]) for one in oom["kills"]] == [
        (500, "x.service", "confirmed")
    ]


# -- pid 1's word alone ----------------------------------------------------------------------------------------

WORDS = [
    ("x.service: A process of this unit has been killed by the OOM killer.", "unknown"),
    ("x.service: The kernel OOM killer killed some processes in this unit.", "unknown"),
    ("x.service: Failed with result 'oom-kill'.", "unknown"),
    ("x.service: systemd-oomd killed 3 process(es) in this unit.", "systemd-oomd"),
]


@pytest.mark.parametrize("text, killer", WORDS)
@pytest.mark.parametrize("trusted", [True, False])
def test_pid_1s_word_is_a_kill(machine, text, killer, trusted):
    word = LogLine(text, "journal", "vm1", "systemd", NOW - HOUR, "exact", trusted=True)
    messages = "" if trusted else "%s vm1 systemd[1]: %s\n" % (stamp(NOW - HOUR), text)
    oom = machine(messages or "\n", spans=[(NOW - 2 * HOUR, NOW)] if trusted else (), lines=[word] if trusted else ())
    (one,) = oom["kills"]
    assert (one["killer"], one["unit"], one["partial"], one["proof"]) == (
        killer,
        "x.service",
        True,
        "kernel" if trusted else "logged",
    )
    assert one["victim"]["pid"] is None and oom["summary"]["total"] == 1
    assert oom["confirmed_units"] == ["x.service"]
    assert oom["summary"]["verdict"]["state"] != "none"
    assert oom["visibility"]["state"] == "partial" and "systemd says that x.service lost" in " ".join(
        oom["visibility"]["reasons"]
    )


def test_pid_1_says_one_death_several_times(machine):
    texts = ["system.slice: A process of this unit has been killed by the OOM killer.", WORDS[0][0], WORDS[2][0]]
    words = [
        LogLine(text, "journal", "vm1", "systemd", NOW - HOUR + 3 * at, "exact", trusted=True)
        for at, text in enumerate(texts)
    ]
    messages = "".join("%s vm1 systemd[1]: %s\n" % (stamp(NOW - HOUR + 3 * at), text) for at, text in enumerate(texts))
    oom = machine(messages, spans=[(NOW - 2 * HOUR, NOW)], lines=words)
    (one,) = oom["kills"]
    assert one["proof"] == "kernel" and len(one["source"]["seen_in"]) == 2


def test_pid_1_and_the_kernel_speak_of_the_same(machine):
    messages = text_kills(1) + "%s vm1 systemd[1]: %s\n" % (stamp(NOW - HOUR + 1), WORDS[0][0])
    assert [one["victim"]["pid"] for one in machine(messages)["kills"]] == [500]
    later = text_kills(1) + "%s vm1 systemd[1]: %s\n" % (stamp(NOW - HOUR + 900), WORDS[0][0])
    assert [one["victim"]["pid"] for one in machine(later)["kills"]] == [500, None]


def test_what_is_no_unit_is_not_confirmed(machine):
    messages = "%s vm1 systemd[1]: \x1b\x02(\xfe.service: Failed with result 'oom-kill'.\n" % stamp(NOW - HOUR)
    assert machine(messages)["confirmed_units"] == []
