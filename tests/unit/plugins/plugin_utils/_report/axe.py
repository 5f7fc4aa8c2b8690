# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""axe-core, the accessibility checker that browsers' own tools use: fetched once with npm, used by tests only."""

from __future__ import annotations

import hashlib
import io
import pathlib
import shutil
import subprocess
import tarfile
import tempfile

VERSION = "4.10.3"
SHA256 = "880970c081707360e64f34cea25ff91892f5bc95675b0776925b9709dd8a68bb"
_KEPT = pathlib.Path(__file__).parents[5] / ".cache" / f"axe-{VERSION}.min.js"


def _whole(data: bytes) -> bool:
    return hashlib.sha256(data).hexdigest() == SHA256


def _fetched() -> bytes:
    npm = shutil.which("npm")
    if not npm:
        return b""
    with tempfile.TemporaryDirectory() as folder:
        argv = [npm, "pack", "--silent", f"axe-core@{VERSION}"]
        done = subprocess.run(argv, cwd=folder, capture_output=True, timeout=120, check=False)
        packed = sorted(pathlib.Path(folder).glob("*.tgz"))
        if done.returncode or not packed:
            return b""
        with tarfile.open(fileobj=io.BytesIO(packed[0].read_bytes())) as archive:
            member = archive.extractfile("package/axe.min.js")
            return member.read() if member else b""


def source() -> str:
    """The script, or an empty text where npm or its registry is not there."""
    data = _KEPT.read_bytes() if _KEPT.is_file() else b""
    if not _whole(data):
        data = _fetched()
        if not _whole(data):
            return ""
        try:
            _KEPT.parent.mkdir(exist_ok=True)
            _KEPT.write_bytes(data)
        except OSError:
            pass  # a tree that may not be written: it is fetched again next time
    return data.decode("utf-8")
