# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""clear, partial or blind: a host that cannot see is never clean."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.visibility import Sight, reach, visibility
from ansible_collections.memops.linux.plugins.module_utils._sources.model import SourceReport

OLD, NEW = 1000.0, 90000.0


def journal(status="read", first=OLD, **more):
    return SourceReport("journal", status, first=first, **more)


def log(status="read", first=OLD, name="/var/log/messages", **more):
    return SourceReport(name, status, first=first, **more)


def kmsg(status="read", first=NEW):
    return SourceReport("/dev/kmsg", status, first=first)


# (id, sight, state, words that a reason must have)
CASES = [
    ("journal", Sight(journal=journal()), "clear", []),
    ("files", Sight(files=[log()]), "clear", []),
    ("no counter", Sight(files=[log()], counter_is_readable=False), "partial", ["/proc/vmstat cannot be read"]),
    ("nothing asked for", Sight(), "blind", ["no source was asked for"]),
    ("nothing readable", Sight(journal=journal("denied", None), files=[log("denied", None)], kmsg=kmsg("denied", None)), "blind",
     ["journal is denied", "/var/log/messages is denied", "/dev/kmsg is denied"]),
    ("nothing there", Sight(journal=journal("absent", None), files=[log("absent", None)]), "blind", ["journal is absent"]),
    ("ring buffer only", Sight(journal=journal("absent", None), kmsg=kmsg()), "partial", ["only the kernel's ring buffer", "journal is absent"]),
    ("ring buffer beside a journal may be denied", Sight(journal=journal(), kmsg=kmsg("denied", None)), "clear", []),
    ("a denied file beside the journal is a copy", Sight(journal=journal(), files=[log("denied", None)]), "clear", []),
    ("a denied file beside a file is a hole", Sight(files=[log(), log("denied", None, name="/x.1")]), "partial", ["/x.1 is denied"]),
    ("a denied file beside a foreign journal", Sight(journal=journal(), files=[log("denied", None)], local=False), "partial", ["is denied"]),
    ("a corrupt archive", Sight(journal=journal(), files=[log("corrupt", reason="CRC")]), "partial", ["is corrupt: CRC"]),
    ("a denied journal beside files", Sight(journal=journal("denied", None), files=[log()]), "partial", ["journal is denied"]),
    ("a damaged journal", Sight(journal=journal("corrupt")), "partial", ["journal is corrupt"]),
    ("a skipped file was old", Sight(files=[log("skipped", None), log()]), "clear", []),
    ("nothing was written since the time asked for", Sight(files=[log("skipped", None, reason="old"), log("skipped", None)], since=NEW), "blind",
     ["/var/log/messages is skipped: old"]),
    ("only the ring buffer has been written since", Sight(files=[log("skipped", None)], kmsg=kmsg(), since=NEW), "partial", ["ring buffer", "is skipped"]),
    ("a journal that was not asked", Sight(journal=journal("skipped", None), kmsg=kmsg("denied", None)), "blind", ["journal is skipped"]),
    ("an empty file alone", Sight(journal=journal("absent", None), files=[log(first=None, bytes=0)], kmsg=kmsg("denied", None)), "blind",
     ["/var/log/messages is empty", "/dev/kmsg is denied"]),
    ("an empty file beside its archive", Sight(files=[log(first=None, bytes=0), log(bytes=9)]), "clear", []),
    ("no stamp is understood", Sight(files=[log(first=None, bytes=9)], since=OLD), "partial", ["no source tells how far it reaches back"]),
    ("no stamp is understood, nothing asked", Sight(files=[log(first=None, bytes=9)]), "clear", []),
    ("volatile, and the files are old", Sight(journal=journal(first=OLD), files=[log("skipped", None)], volatile=True, since=OLD, boot_time=NEW), "partial",
     ["in memory only"]),
    ("goes back far enough", Sight(journal=journal(), since=OLD), "clear", []),
    ("does not go back far enough", Sight(journal=journal(first=NEW), since=OLD), "partial", ["reach back to 1970-01-02T01:00:00Z"]),
    ("a little late is near enough", Sight(journal=journal(first=OLD + 200), since=OLD), "clear", []),
    ("volatile", Sight(journal=journal(), volatile=True), "partial", ["in memory only"]),
    ("volatile, but only this boot asked for", Sight(journal=journal(), volatile=True, since=NEW, boot_time=OLD), "clear", []),
    ("volatile, but files persist", Sight(journal=journal(), files=[log()], volatile=True), "clear", []),
    ("lost messages", Sight(journal=journal(), lost=15), "partial", ["15 kernel messages were lost"]),
    ("unparsed", Sight(journal=journal(), unparsed=2), "partial", ["2 lines look like OOM kills"]),
    ("container", Sight(journal=journal(), container="podman\n"), "partial", ["in a container (podman\\x0a)"]),
    ("unexplained", Sight(journal=journal(), unexplained=3), "blind", ["counted 3 kills"]),
    ("unexplained, before the window", Sight(journal=journal(), unexplained=3, since=NEW), "partial", ["counted 3 kills"]),
    ("unexplained, and messages lost", Sight(journal=journal(), unexplained=3, since=NEW, lost=1), "blind", ["counted 3 kills"]),
    ("explained", Sight(journal=journal(), unexplained=0), "clear", []),
]  # fmt: skip


@pytest.mark.parametrize("sight, state, words", [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_state_and_reasons(sight, state, words):
    seen = visibility(sight)
    assert seen["state"] == state
    for word in words:
        assert any(word in reason for reason in seen["reasons"]), seen["reasons"]
    assert bool(seen["reasons"]) == (state != "clear")


@pytest.mark.parametrize("status", ["absent", "denied", "not_regular", "unsupported", "error"])
def test_no_status_of_an_unread_source_is_clear(status):
    assert visibility(Sight(journal=journal(status, None)))["state"] == "blind"
    assert visibility(Sight(files=[log(status, None)]))["state"] == "blind"


@pytest.mark.parametrize("status", ["corrupt", "truncated", "rotated", "timeout", "too_big"])
def test_a_source_that_was_read_in_part_is_partial(status):
    assert visibility(Sight(journal=journal(status)))["state"] == "partial"
    assert visibility(Sight(files=[log(status)]))["state"] == "partial"


def test_since_is_the_oldest_moment():
    assert reach(Sight(journal=journal(first=NEW), files=[log(first=OLD)], kmsg=kmsg())) == OLD
    assert reach(Sight(journal=journal(first=NEW), files=[log("denied", OLD)])) == NEW
    assert reach(Sight(kmsg=kmsg())) == NEW
    assert reach(Sight(files=[log(first=None)])) is None


def test_a_time_that_cannot_be_written_is_no_error():
    assert visibility(Sight(journal=journal(first=1e300), since=OLD))["state"] == "partial"


def test_reasons_are_few_and_printable():
    seen = visibility(Sight(files=[log("denied", None, name="/var/log/\x1b%d" % number) for number in range(500)]))
    assert len(seen["reasons"]) == 12 and seen["reasons"][-1] == "and 489 more reasons"
    assert "\\x1b" in seen["reasons"][0] and "\x1b" not in "".join(seen["reasons"])
