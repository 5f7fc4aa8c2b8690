# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where test inputs are: our own in tests/unit/fixtures, the shared ones (real logs that we may not copy) beside the
checkout.
"""

import os
import sys

import pytest

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")


def _shared():
    # The tests run in a copy of the checkout; the driver says where the original's neighbour is.
    named = os.environ.get("MEMOPS_SHARED")
    return named or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared")


def pytest_configure(config):
    # Written where ansible-test sees it too, which brings a configuration of its own.
    told = "takes more than a second with all its parameters: `make test-fast` leaves it out, `make test` does not"
    config.addinivalue_line("markers", "slow: " + told)


def pytest_collection_modifyitems(config, items):
    """The slow tests take minutes: ansible-test runs those of what travels to hosts on the oldest Python, those of the
    controller on the newest.
    """
    python = sys.version_info[:2]
    if not config.pluginmanager.hasplugin("ansible_pytest_collections") or python == (3, 6):
        return
    left_out = [
        item
        for item in items
        if item.get_closest_marker("slow") and (python != (3, 13) or "module_utils" in str(item.fspath))
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture(scope="session")
def fixtures():
    return FIXTURES


@pytest.fixture(scope="session")
def shared():
    path = os.path.abspath(_shared())
    if not os.path.isdir(os.path.join(path, "corpus")):
        pytest.skip("the shared corpus is not beside this checkout (MEMOPS_SHARED names another place)")
    return path
