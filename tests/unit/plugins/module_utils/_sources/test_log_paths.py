# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files are read: the standard logs with their rotations, the user's paths and patterns."""

import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._sources.log_paths import expand, standard_logs


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "var" / "log"
    folder.mkdir(parents=True)
    names = [
        "messages",
        "messages.1",
        "messages-20250412.xz",
        "syslog",
        "syslog.2.gz",
        "kern.log",
        "kern.log.3.zst",
        "messages_old",
        "auth.log",
        "dmesg",
    ]
    for age, name in enumerate(names):
        (folder / name).write_bytes(b"x\n")
        os.utime(str(folder / name), (1000000 - age, 1000000 - age))
    (folder / "syslog.d").mkdir()
    return tmp_path


def names(found):
    return [os.path.basename(path) for path in found.paths]


def test_standard_logs_newest_first(root):
    found = standard_logs(str(root))
    assert names(found) == [
        "messages",
        "messages.1",
        "messages-20250412.xz",
        "syslog",
        "syslog.2.gz",
        "kern.log",
        "kern.log.3.zst",
    ]
    assert found.missing == []


def test_one_file_with_two_names_is_read_once(root):
    folder = root / "var" / "log"
    os.link(str(folder / "messages"), str(folder / "messages.hard"))
    (folder / "syslog.link").symlink_to("syslog")
    assert len(standard_logs(str(root)).paths) == 7


def test_a_fifo_stays_in_the_list(root):
    """So that somebody says what it is."""
    os.mkfifo(str(root / "var" / "log" / "messages.fifo"))
    assert "messages.fifo" in names(standard_logs(str(root)))


def test_a_dangling_link_stays_in_the_list(root):
    (root / "var" / "log" / "messages.gone").symlink_to("nowhere")
    assert "messages.gone" in names(standard_logs(str(root)))


def test_no_logs(tmp_path):
    (tmp_path / "var" / "log").mkdir(parents=True)
    found = standard_logs(str(tmp_path))
    assert found.paths == [] and found.missing[0].status == "absent"
    assert found.missing[0].reason == "no messages, syslog or kern.log in it"


def test_no_var_log(tmp_path):
    assert standard_logs(str(tmp_path)).missing[0].status == "absent"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become nobody")
def test_var_log_that_may_not_be_listed(root):
    os.chmod(str(root / "var" / "log"), 0o700)
    for folder in (root, root.parent, root.parent.parent):
        os.chmod(str(folder), 0o755)
    os.seteuid(65534)
    try:
        found = standard_logs(str(root))
        globbed = expand([str(root / "var" / "log" / "*")])
    finally:
        os.seteuid(0)
    assert (found.paths, found.missing[0].status) == ([], "denied")
    assert (globbed.paths, globbed.missing[0].status) == ([], "denied")


def test_patterns(root):
    log = str(root / "var" / "log")
    found = expand([log + "/messages*", log + "/[ks]*.?.*", log + "/messages", "/no/such/file", log + "/no*"])
    assert names(found) == [
        "file",
        "kern.log.3.zst",
        "messages",
        "messages-20250412.xz",
        "messages.1",
        "messages_old",
        "syslog.2.gz",
    ]
    assert [(report.name, report.status) for report in found.missing] == [(log + "/no*", "absent")]


def test_a_name_with_brackets_is_a_name(tmp_path):
    (tmp_path / "log[1]").write_bytes(b"")
    assert names(expand([str(tmp_path / "log[1]")])) == ["log[1]"]


def test_a_pattern_does_not_bring_directories(root):
    assert "syslog.d" not in names(expand([str(root / "var" / "log" / "*")]))


def test_two_stars(root):
    assert len(expand([str(root / "**" / "messages*")]).paths) == 4
