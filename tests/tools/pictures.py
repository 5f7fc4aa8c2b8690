# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make pictures`: the page of `make demo` as it looks wide, on a phone and in the dark, for README and guides.

Usage: pictures.py PAGE FOLDER. Needs Chromium, and nothing else.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
#: Chromium's own numbers.
DARK, LIGHT = 0, 1


class Picture(NamedTuple):
    """Sizes are those of the window; scale -- pixels for each of its points"""

    name: str
    width: int
    height: int
    scheme: int = LIGHT
    scale: int = 1


PICTURES = (
    Picture("report-wide", 1440, 1000),
    Picture("report-dark", 1440, 1000, DARK),
    Picture("report-phone", 390, 844, scale=2),
    Picture("report-phone-dark", 390, 844, DARK, scale=2),
)


def take(browser: str, page: Path, picture: Picture, target: Path) -> None:
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            f"--user-data-dir={profile}",
            f"--window-size={picture.width},{picture.height}",
            f"--force-device-scale-factor={picture.scale}",
            f"--blink-settings=preferredColorScheme={picture.scheme}",
            "--virtual-time-budget=5000",
            f"--screenshot={target}",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            page.as_uri(),
        ]
        subprocess.run(command, capture_output=True, timeout=120, check=True)


def size_of(png: Path) -> tuple[int, int]:
    width, height = struct.unpack(">II", png.read_bytes()[16:24])
    return int(width), int(height)


def main() -> int:
    page, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print("make pictures: no Chromium here: apt install chromium", file=sys.stderr)
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    for picture in PICTURES:
        target = folder.resolve() / f"{picture.name}.png"
        fresh = target.with_suffix(".new.png")
        take(browser, page, picture, fresh)
        wanted = (picture.width * picture.scale, picture.height * picture.scale)
        if size_of(fresh) != wanted:
            print(f"make pictures: {fresh} is {size_of(fresh)}, wanted {wanted}", file=sys.stderr)
            return 1
        fresh.replace(target)
        print(f"{target}: {target.stat().st_size / 1000:.0f} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
