# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest

from ansible_collections.memops.linux.plugins.module_utils._service_memory.limits import (
    Limit,
    limit_options,
    slices_of,
    texts,
)

SLICES = [
    (["/system.slice/a.service", "/system.slice/b.service"], ["system.slice"]),
    (["/system.slice/a.service", "/system.slice/system-pg.slice/pg@1.service"], ["system-pg.slice"]),
    (["/user.slice/user-1000.slice/user@1000.service", "/system.slice/a.service"], ["system.slice", "user-1000.slice"]),
    (["/a.slice/a-b.slice", "/ab.slice/x.service"], ["a.slice", "ab.slice"]),
    (["/a.slice"], [""]),
    (["/init.scope", "/system.slice/a.service"], ["system.slice"]),
    ([None, ""], []),
]


@pytest.mark.parametrize("groups, slices", SLICES)
def test_the_slices_that_reach_them_all(groups, slices):
    assert slices_of(groups) == slices


KINDS = [
    # held, wanted, in force, drifted, bites
    ("infinity", 4096, False, True, True),
    (4096, 4096, True, False, False),
    (8192, 4096, False, True, True),
    (4096, 8192, False, True, False),
    (None, 4096, False, False, True),
    (None, "infinity", True, False, False),
    (None, 0, False, False, True),
    (4096, "infinity", False, True, False),
]


@pytest.mark.parametrize("kernel_value, wanted, in_force, differs, restricts", KINDS)
def test_a_limit(kernel_value, wanted, in_force, differs, restricts):
    limit = Limit("web.service", "memory_max", "memory.max", kernel_value, wanted)
    assert (limit.in_force, limit.differs, limit.restricts) == (in_force, differs, restricts)
    assert not limit._replace(option="memory_low").restricts


def test_what_a_kernel_without_the_file_does_anyway():
    for option, nothing in (
        ("memory_low", 0),
        ("memory_min", 0),
        ("memory_swap_max", "infinity"),
        ("oom_policy", 0),
        ("memory_high", "infinity"),
    ):
        assert Limit("web.service", option, "file", None, nothing).in_force
        assert not Limit("web.service", option, "file", None, 0 if nothing else 1).in_force


def test_one_text_for_each_value():
    found = [Limit("pg@%d.service" % number, "memory_max", "memory.max", None, 4096) for number in range(4)]
    found.append(Limit("web.service", "memory_high", "memory.high", 1, "infinity"))
    assert texts(found) == ["set memory.max of 4 units to 4096", "set memory.high of web.service to max"]
    assert texts(found[:2]) == ["set memory.max of pg@0.service, pg@1.service to 4096"]


def test_what_the_kernel_is_given():
    assert limit_options(["oom_score_adjust", "memory_max", "restart", "oom_policy"]) == ["memory_max", "oom_policy"]
