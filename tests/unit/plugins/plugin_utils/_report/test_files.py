# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents onto the disk."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from ansible_collections.memops.linux.plugins.plugin_utils._report import archive, files, markdown, page
from ansible_collections.memops.linux.plugins.plugin_utils._report.files import Document, ReportFilesError


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.fixture(name="dest")
def fixture_dest(tmp_path):
    return str(tmp_path / "a" / "b")


DOCUMENTS = [Document("index.html", "<p>\u00e9"), Document("report.json", "{}")]


def test_modes_and_content(dest):
    previous = os.umask(0)
    try:
        assert files.write(dest, DOCUMENTS, dry_run=False) == ["index.html", "report.json"]
    finally:
        os.umask(previous)
    assert (mode(dest), mode(os.path.dirname(dest)), mode(os.path.join(dest, "index.html"))) == (0o750, 0o750, 0o640)
    with open(os.path.join(dest, "index.html"), encoding="utf-8") as stream:
        assert stream.read() == "<p>\u00e9"
    assert sorted(os.listdir(dest)) == ["index.html", "report.json"]


def test_a_dry_run_tells_the_same_and_writes_nothing(dest):
    assert files.write(dest, DOCUMENTS, dry_run=True) == ["index.html", "report.json"]
    assert not os.path.exists(os.path.dirname(dest))


def test_the_second_run_changes_nothing(dest):
    files.write(dest, DOCUMENTS, dry_run=False)
    before = os.stat(os.path.join(dest, "index.html"))
    assert files.write(dest, DOCUMENTS, dry_run=False) == []
    assert os.stat(os.path.join(dest, "index.html")).st_ino == before.st_ino
    changed = [DOCUMENTS[0], Document("report.json", "{ }")]
    assert files.write(dest, changed, dry_run=True) == ["report.json"]
    assert files.write(dest, changed, dry_run=False) == ["report.json"]


@pytest.mark.parametrize(
    "render", [archive.render, lambda report: markdown.render(report, "x"), lambda report: page.render(report, "x")]
)
def test_only_the_time_of_generation_may_differ(small, render):
    later = dict(small, generated_at=small["generated_at"] + 60)
    worse = dict(small, hosts=dict(small["hosts"], new=small["hosts"]["clean"]))
    old = render(small).encode()
    assert render(later).encode() != old
    assert files.same(old, render(later).encode())
    assert not files.same(old, render(worse).encode())
    assert not files.same(None, old)


@pytest.mark.parametrize(
    "render", [lambda report: markdown.render(report, "x"), lambda report: page.render(report, "x")]
)
def test_the_same_facts_a_day_later_are_another_page(small, render):
    """Or what is old would look as fresh as it did yesterday."""
    assert not files.same(
        render(small).encode(), render(dict(small, generated_at=small["generated_at"] + 86400)).encode()
    )


def test_a_link_is_replaced_and_what_it_names_is_not(dest, tmp_path):
    victim = tmp_path / "passwd"
    victim.write_text("root")
    os.makedirs(dest)
    os.symlink(victim, os.path.join(dest, "index.html"))
    files.write(dest, DOCUMENTS, dry_run=False)
    assert victim.read_text() == "root"
    assert not os.path.islink(os.path.join(dest, "index.html"))


def test_a_document_that_cannot_be_made_leaves_the_old_ones_and_no_litter(dest):
    """They are made one after the other, when the first is staged already."""
    files.write(dest, DOCUMENTS, dry_run=False)

    def made():
        yield Document("index.html", "new")
        raise ReportFilesError("the second one cannot be made")

    with pytest.raises(ReportFilesError, match="the second one"):
        files.write(dest, made(), dry_run=False)
    assert sorted(os.listdir(dest)) == ["index.html", "report.json"]
    with open(os.path.join(dest, "index.html"), encoding="utf-8") as stream:
        assert stream.read() == "<p>\u00e9"


@pytest.mark.parametrize("call", ["fsync", "replace", "fchmod"])
def test_a_failure_leaves_the_old_files_and_no_litter(dest, monkeypatch, call):
    files.write(dest, DOCUMENTS, dry_run=False)

    def fail(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, call, fail)
    with pytest.raises(ReportFilesError, match="No space left on device"):
        files.write(dest, [Document("index.html", "new"), Document("report.json", "new")], dry_run=False)
    monkeypatch.undo()
    assert sorted(os.listdir(dest)) == ["index.html", "report.json"]
    assert files.write(dest, DOCUMENTS, dry_run=True) == []


@pytest.mark.parametrize("name", ["group_vars", "host_vars"])
@pytest.mark.parametrize("dry_run", [True, False])
def test_never_where_ansible_loads_variables(tmp_path, name, dry_run):
    with pytest.raises(ReportFilesError, match="Choose another dest"):
        files.write(str(tmp_path / name / "all"), DOCUMENTS, dry_run=dry_run)
    os.makedirs(tmp_path / name)
    os.symlink(tmp_path / name, tmp_path / "link")
    with pytest.raises(ReportFilesError, match="run templates out of process names"):
        files.write(str(tmp_path / "link"), DOCUMENTS, dry_run=dry_run)


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_file_is_no_directory(tmp_path, dry_run):
    (tmp_path / "file").write_text("")
    for dest in ("file", "file/below"):
        with pytest.raises(ReportFilesError, match="file is not a directory"):
            files.write(str(tmp_path / dest), DOCUMENTS, dry_run=dry_run)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_may_not_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ReportFilesError, match="may not be written by this user"):
        files.write(str(tmp_path / "x"), DOCUMENTS, dry_run=True)


@pytest.mark.parametrize(
    "number, said",
    [
        (
            errno.ENOSPC,
            "No space left on device; what was in dest before is untouched or complete. Make room there, or choose another dest.",
        ),
        (
            errno.EMFILE,
            "Too many open files; what was in dest before is untouched or complete. Raise the limit of open files (ulimit -n).",
        ),
        (errno.EROFS, "Read-only file system; what was in dest before is untouched or complete. Choose another dest."),
    ],
)
def test_what_the_controller_lacks_is_said_with_the_way_out(tmp_path, monkeypatch, number, said):
    def refused(fd):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "fsync", refused)
    with pytest.raises(ReportFilesError) as caught:
        files.write(str(tmp_path), [Document("a.md", "text")], dry_run=False)
    assert str(caught.value) == f"{tmp_path}: {said}"
    assert os.listdir(tmp_path) == []


def test_a_fifo_in_dest_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.md")
    assert files.write(str(tmp_path), [Document("a.md", "text")], dry_run=False) == ["a.md"]
    assert (tmp_path / "a.md").read_text() == "text"
