# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where test inputs are: our own in tests/unit/fixtures, the shared ones (real logs that we may not copy) beside the checkout."""

import os

import pytest

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")


def _shared():
    # The tests run in a copy of the checkout; the driver says where the original's neighbour is.
    named = os.environ.get("MEMOPS_SHARED")
    return named or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared")


def pytest_configure(config):
    # Written where ansible-test sees it too, which brings a configuration of its own.
    config.addinivalue_line("markers", "slow: takes more than a second with all its parameters; `make test-fast` leaves it out, `make test` runs it")


@pytest.fixture(scope="session")
def fixtures():
    return FIXTURES


@pytest.fixture(scope="session")
def shared():
    path = os.path.abspath(_shared())
    if not os.path.isdir(os.path.join(path, "corpus")):
        pytest.skip("the shared corpus is not beside this checkout (MEMOPS_SHARED names another place)")
    return path
