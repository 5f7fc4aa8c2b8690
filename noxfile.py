# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# /// script
# dependencies = ["nox>=2025.02.09", "antsibull-nox>=1.0.0"]
# ///
"""The sessions of antsibull-nox.toml, and one that is `make test`."""

import nox

try:
    import antsibull_nox
except ImportError:
    raise SystemExit("noxfile.py needs antsibull-nox; or use `make test`, which needs Python and make only") from None

antsibull_nox.load_antsibull_nox_toml()


@nox.session(name="gates", venv_backend="none", default=False)
def gates(session: nox.Session) -> None:
    """Every gate of `make test`; `nox -s gates -- --only unit-3.9` runs one."""
    session.run("python3", "tests/gates.py", *session.posargs, external=True)


if __name__ == "__main__":
    nox.main()
