# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One journal in every form of ``journalctl -o`` that the journalctl here knows, written to a text file: the same kills
in each.

The journals are those of two virtual machines beside the checkout, and our own fixtures where systemd-journal-remote is
installed.
"""

import os
import re
import shutil
import subprocess

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather
from ansible_collections.memops.linux.plugins.module_utils._facts.params import Wish
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import parse
from ansible_collections.memops.linux.plugins.module_utils._sources.clock import Clock
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog

pytestmark = pytest.mark.slow

#: What a form does not have: no time, no host, no tag.
TIMELESS = ("cat", "short-monotonic", "short-delta")
REMOTE = "/lib/systemd/systemd-journal-remote"


def decompressed(path, target):
    subprocess.check_call(["zstd", "-q", "-d", path, "-o", target], stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module", params=["bookworm", "bullseye", "fixtures"])
def journal(request, tmp_path_factory):
    if shutil.which("journalctl") is None:
        pytest.skip("no journalctl on this machine")
    target = str(tmp_path_factory.mktemp("journal") / "system.journal")
    if request.param == "fixtures":
        if not os.path.exists(REMOTE):
            pytest.skip("no systemd-journal-remote on this machine, which makes a journal of our fixtures")
        folder = os.path.join(request.getfixturevalue("fixtures"), "journal")
        data = b""
        for name in ("kernel.export", "others.export"):
            with open(os.path.join(folder, name), "rb") as stream:
                data += stream.read()
        subprocess.run([REMOTE, "-o", target, "-"], input=data, check=True, stderr=subprocess.DEVNULL)
        return target
    source = os.path.join(request.getfixturevalue("shared"), "vmlogs", request.param, "system.journal.zst")
    if not os.path.exists(source):
        pytest.skip("no journals of the virtual machines")
    if shutil.which("zstd") is None:
        pytest.skip("no zstd on this machine")
    decompressed(source, target)
    return target


def forms():
    """What ``journalctl --output=help`` names, or the forms of systemd 219."""
    known = "short short-iso short-precise short-monotonic verbose export json json-pretty json-sse cat".split()
    if shutil.which("journalctl") is None:
        return known
    answer = subprocess.run(
        ["journalctl", "--output=help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return answer.stdout.decode().split() if answer.returncode == 0 and answer.stdout else known


def rendered(journal, form, *options):
    environment = dict(os.environ, TZ="UTC", LC_ALL="C")
    argv = ["journalctl", "-q", "--no-pager", "--file", journal, "--all", "-o", form] + list(options)
    return subprocess.check_output(argv, env=environment, stdin=subprocess.DEVNULL)


def kills_of(data, name="text"):
    found = parse(TextLog(name, Clock(1795400000.0).stamp).lines(data))
    return [event for event in found if isinstance(event, Kill)]


def pids(kills):
    return sorted((kill.killer, kill.victim.pid or 0, kill.victim.comm or kill.task_memcg or "") for kill in kills)


@pytest.fixture(scope="module")
def wanted(journal):
    """The kills by the form that is nearest to the journal's own."""
    return pids(kills_of(rendered(journal, "json")))


@pytest.mark.parametrize("form", forms())
def test_every_form_tells_the_same(journal, wanted, form):
    kills = kills_of(rendered(journal, form))
    assert len(wanted) >= 12
    plain = [(killer, pid) for killer, pid, _name in wanted]
    assert [(killer, pid) for killer, pid, _name in pids(kills)] == plain
    if form not in TIMELESS:
        assert all(kill.line.time is not None for kill in kills)
    if form != "cat":
        assert len({kill.line.host for kill in kills}) <= 2 and all(kill.line.host for kill in kills)


@pytest.mark.parametrize("form", ["json", "json-pretty", "json-seq", "json-sse", "export", "verbose"])
def test_fields_that_somebody_chose(journal, wanted, form):
    """No facility: shown, and not believed. What the record says by itself of another writer cannot be said any more."""
    if form not in forms():
        pytest.skip("this journalctl has no %s" % form)
    wanted = [row for row in wanted if row[0] == "kernel"]
    kills = [
        kill
        for kill in kills_of(rendered(journal, form, "--output-fields=MESSAGE,_TRANSPORT", "_TRANSPORT=kernel"))
        if kill.killer == "kernel"
    ]
    assert pids(kills) == wanted
    assert not any(kill.line.trusted for kill in kills)


@pytest.mark.parametrize("form", ["short", "export", "json"])
def test_a_file_of_it(journal, wanted, form, tmp_path):
    """The same through the scan of a file that is larger than a paste."""
    path = tmp_path / "journal.txt"
    path.write_bytes(rendered(journal, form))
    facts = gather(Host(), Wish(subset=("kills",), sources=("files",), paths=(str(path),)))
    shown = [kill for kill in facts["kills"] if kill["killer"] == "kernel" and kill.get("proof") != "disputed"]
    assert sorted(kill["victim"]["pid"] for kill in shown) == sorted(
        pid for killer, pid, _name in wanted if killer == "kernel"
    )


def test_binary_fields_do_not_end_an_export(fixtures):
    """Debian 13: _SELINUX_CONTEXT ends in a newline, and so is binary, in every record of a service."""
    with open(os.path.join(fixtures, "journal", "others.export"), "rb") as stream:
        records = [record for record in stream.read().split(b"\n\n") if record]
    context = b"_SELINUX_CONTEXT\n" + (11).to_bytes(8, "little") + b"unconfined\n\n"
    ten = b"_CMDLINE\n" + (10).to_bytes(8, "little") + b"ten\nbytes!\n"  # a length that is a newline itself
    data = b"".join(
        re.sub(rb"(?m)^MESSAGE=", context + ten + b"MESSAGE=", record, count=1) + b"\n\n" for record in records
    )
    lines = list(TextLog("export", Clock(1795400000.0).stamp).lines(data))
    plain = list(TextLog("export", Clock(1795400000.0).stamp).lines(b"".join(record + b"\n\n" for record in records)))
    assert len(plain) > 10
    assert [line.text for line in lines] == [line.text for line in plain]
