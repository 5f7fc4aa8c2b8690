# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""clear, partial or blind: a host that cannot see is never clean."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.visibility import Coverage, reach, visibility
from ansible_collections.memops.linux.plugins.module_utils._sources.model import SourceReport

OLD, NEW, DAY = 1000.0, 90000.0, 86400.0


def journal(status="read", first=OLD, **more):
    return SourceReport("journal", status, first=first, **more)


def log(status="read", first=OLD, name="/var/log/messages", **more):
    return SourceReport(name, status, first=first, **more)


def kmsg(status="read", first=NEW):
    return SourceReport("/dev/kmsg", status, first=first)


# (id, coverage, state, words that a reason must have)
CASES = [
    ("journal", Coverage(journal=journal()), "clear", []),
    ("files", Coverage(files=[log()]), "clear", []),
    ("no counter", Coverage(files=[log()], counter_is_readable=False), "partial", ["/proc/vmstat cannot be read"]),
    ("nothing asked for", Coverage(), "blind", ["no source was asked for"]),
    ("nothing readable", Coverage(journal=journal("denied", None), files=[log("denied", None)], kmsg=kmsg("denied", None)), "blind",
     ["journal is denied", "/var/log/messages is denied", "/dev/kmsg is denied"]),
    ("nothing there", Coverage(journal=journal("absent", None), files=[log("absent", None)]), "blind", ["journal is absent"]),
    ("ring buffer only", Coverage(journal=journal("absent", None), kmsg=kmsg()), "partial", ["only the kernel's ring buffer", "journal is absent"]),
    ("ring buffer beside a journal may be denied", Coverage(journal=journal(), kmsg=kmsg("denied", None)), "clear", []),
    ("a denied file beside the journal is a copy", Coverage(journal=journal(), files=[log("denied", None)]), "clear", []),
    ("a denied file beside a file is a hole", Coverage(files=[log(), log("denied", None, name="/x.1")]), "partial", ["/x.1 is denied"]),
    ("a denied file beside a foreign journal", Coverage(journal=journal(), files=[log("denied", None)], local=False), "partial", ["is denied"]),
    ("a corrupt archive", Coverage(journal=journal(), files=[log("corrupt", reason="CRC")]), "partial", ["is corrupt: CRC"]),
    ("a denied journal beside files", Coverage(journal=journal("denied", None), files=[log()]), "partial", ["journal is denied"]),
    ("a damaged journal", Coverage(journal=journal("corrupt")), "partial", ["journal is corrupt"]),
    ("a skipped file was old", Coverage(files=[log("skipped", None), log()]), "clear", []),
    ("nothing was written since the time asked for", Coverage(files=[log("skipped", None, reason="old"), log("skipped", None)], since=NEW), "blind",
     ["/var/log/messages is skipped: old"]),
    ("only the ring buffer has been written since", Coverage(files=[log("skipped", None)], kmsg=kmsg(), since=NEW), "partial", ["ring buffer", "is skipped"]),
    ("a journal that was not asked", Coverage(journal=journal("skipped", None), kmsg=kmsg("denied", None)), "blind", ["journal is skipped"]),
    ("an empty file alone", Coverage(journal=journal("absent", None), files=[log(first=None, bytes=0)], kmsg=kmsg("denied", None)), "blind",
     ["/var/log/messages is empty", "/dev/kmsg is denied"]),
    ("an empty file beside its archive", Coverage(files=[log(first=None, bytes=0), log(bytes=9)]), "clear", []),
    ("no stamp is understood", Coverage(files=[log(first=None, bytes=9)], since=OLD), "partial", ["no source tells how far it reaches back"]),
    ("no stamp is understood, nothing asked", Coverage(files=[log(first=None, bytes=9)]), "clear", []),
    ("volatile, and the files are old", Coverage(journal=journal(first=OLD), files=[log("skipped", None)], volatile=True, since=OLD, boot_time=NEW), "partial",
     ["in memory only"]),
    ("goes back far enough", Coverage(journal=journal(), since=OLD), "clear", []),
    ("does not go back far enough", Coverage(journal=journal(first=NEW), since=OLD), "partial", ["reach back to 1970-01-02T01:00:00Z"]),
    ("a little late is near enough", Coverage(journal=journal(first=OLD + 200), since=OLD), "clear", []),
    ("volatile", Coverage(journal=journal(), volatile=True), "partial", ["in memory only"]),
    ("volatile, but only this boot asked for", Coverage(journal=journal(), volatile=True, since=NEW, boot_time=OLD), "clear", []),
    ("volatile, but files persist", Coverage(journal=journal(), files=[log()], volatile=True), "clear", []),
    ("lost messages", Coverage(journal=journal(), lost=15), "partial", ["15 kernel messages were lost"]),
    ("unparsed", Coverage(journal=journal(), unparsed=2), "partial", ["2 lines look like OOM kills"]),
    ("container", Coverage(journal=journal(), container="podman\n"), "partial", ["in a container (podman\\x0a)"]),
    ("unexplained", Coverage(journal=journal(), unexplained=3), "blind", ["counted 3 kills"]),
    ("unexplained, before the window", Coverage(journal=journal(), unexplained=3, since=NEW), "partial", ["counted 3 kills"]),
    ("unexplained, and messages lost", Coverage(journal=journal(), unexplained=3, since=NEW, lost=1), "blind", ["counted 3 kills"]),
    ("a journal that nobody asked for", Coverage(files=[log()], journal_unread=True), "partial", ["name it among the sources"]),
    ("the journal has nothing of the kernel", Coverage(journal=journal(lines=0)), "partial", ["no record of the kernel", "ReadKMsg="]),
    ("its newest file has nothing of the kernel", Coverage(journal=journal(lines=0), since=OLD), "clear", []),
    ("nothing of the kernel, but text logs", Coverage(journal=journal(lines=0), files=[log()]), "clear", []),
    ("reports without an end", Coverage(journal=journal(), unseen=2), "partial", ["2 reports of the kernel have no end"]),
    ("pid 1 alone", Coverage(journal=journal(), of_pid_1=["a.service"]), "partial", ["systemd says that a.service lost processes"]),
    ("pid 1 alone, of many", Coverage(journal=journal(), of_pid_1=list("abcde")), "partial", ["a, b, c and 2 more lost"]),
    ("a cgroup's counter", Coverage(journal=journal(), of_units={"a.service": 2}), "partial", ["the cgroup of a.service counted 2 kills"]),
    ("what a user may not read", Coverage(journal=journal("denied", None), files=[log()]), "partial", ["run with become"]),
    ("a journal in memory", Coverage(journal=journal(), volatile=True), "partial", ["Storage=persistent"]),
    ("nobody writes the log any more", Coverage(files=[log(last=NEW)], now=NEW + 2 * DAY), "partial", ["the logs end at", "syslog daemon"]),
    ("a quiet night", Coverage(files=[log(last=NEW)], now=NEW + DAY / 2), "clear", []),
    ("one of two is still written", Coverage(journal=journal(last=OLD), files=[log(last=NEW)], now=NEW + 60), "clear", []),
    ("the ring buffer goes on", Coverage(files=[log(last=NEW + 60)], kmsg=kmsg(), now=NEW + 2 * DAY), "clear", []),
    ("a rotation is missing", Coverage(files=[log(name="/k"), log(name="/k.1"), log(name="/k.3.gz")]), "partial", ["/k.2 is not there"]),
    ("all rotations are there", Coverage(files=[log(name="/k"), log(name="/k.1"), log(name="/k.2.gz"), log(name="/m.1")]), "clear", []),
    ("explained", Coverage(journal=journal(), unexplained=0), "clear", []),
]  # fmt: skip


@pytest.mark.parametrize("coverage, state, words", [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_state_and_reasons(coverage, state, words):
    seen = visibility(coverage)
    assert seen["state"] == state
    for word in words:
        assert any(word in reason for reason in seen["reasons"]), seen["reasons"]
    assert bool(seen["reasons"]) == (state != "clear")


@pytest.mark.parametrize("status", ["absent", "denied", "not_regular", "unsupported", "error"])
def test_no_status_of_an_unread_source_is_clear(status):
    assert visibility(Coverage(journal=journal(status, None)))["state"] == "blind"
    assert visibility(Coverage(files=[log(status, None)]))["state"] == "blind"


@pytest.mark.parametrize("status", ["corrupt", "truncated", "rotated", "timeout", "too_big"])
def test_a_source_that_was_read_in_part_is_partial(status):
    assert visibility(Coverage(journal=journal(status)))["state"] == "partial"
    assert visibility(Coverage(files=[log(status)]))["state"] == "partial"


def test_since_is_the_oldest_moment():
    assert reach(Coverage(journal=journal(first=NEW), files=[log(first=OLD)], kmsg=kmsg())) == OLD
    assert reach(Coverage(journal=journal(first=NEW), files=[log("denied", OLD)])) == NEW
    assert reach(Coverage(kmsg=kmsg())) == NEW
    assert reach(Coverage(files=[log(first=None)])) is None


def test_a_time_that_cannot_be_written_is_no_error():
    assert visibility(Coverage(journal=journal(first=1e300), since=OLD))["state"] == "partial"


def test_reasons_are_few_and_printable():
    seen = visibility(Coverage(files=[log("denied", None, name="/var/log/\x1b%d" % number) for number in range(500)]))
    assert len(seen["reasons"]) == 12 and seen["reasons"][-1] == "and 489 more reasons"
    assert "\\x1b" in seen["reasons"][0] and "\x1b" not in "".join(seen["reasons"])
