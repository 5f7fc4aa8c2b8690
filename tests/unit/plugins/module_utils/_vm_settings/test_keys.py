# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be wished, on which kernel."""

import pytest

from ansible_collections.memops.linux.plugins.module_utils._errors import PreconditionError
from ansible_collections.memops.linux.plugins.module_utils._vm_settings.keys import (
    KEYS,
    PAIRS,
    kernel_version,
    limits,
    partner,
    wanted_of,
)

G = 1 << 30
NEW = (6, 1)
EL8 = (4, 18)


@pytest.mark.parametrize(
    "given, wanted",
    [
        ({"swappiness": 10}, {"swappiness": 10}),
        ({"vm.swappiness": "10", "vm/page-cluster": 0}, {"swappiness": 10, "page-cluster": 0}),
        ({"min_free_kbytes": 52428}, {"min_free_kbytes": 52428}),
    ],
)
def test_wishes(given, wanted):
    assert wanted_of(given, NEW, G) == wanted


@pytest.mark.parametrize(
    "given, kernel, says",
    [
        ({}, NEW, "settings: is empty"),
        ({"kernel.panic": 1}, NEW, "'kernel.panic' is not known here"),
        ({"vm/../kernel/core_pattern": 1}, NEW, "is not known here"),
        ({"vm.vm.swappiness": 1}, NEW, "is not known here"),
        ({"drop_caches": 3}, NEW, "is not known here"),
        ({"swappiness": 1, "vm.swappiness": 1}, NEW, "swappiness is given twice"),
        ({"swappiness": 201}, NEW, "swappiness=201 is not within 0 to 200. Nothing"),
        ({"swappiness": 101}, EL8, "swappiness=101 is not within 0 to 100 on kernel 4.18"),
        ({"watermark_scale_factor": 1001}, EL8, "not within 1 to 1000 on kernel 4.18"),
        ({"watermark_scale_factor": 3001}, NEW, "not within 1 to 3000"),
        ({"overcommit_ratio": -1}, NEW, "overcommit_ratio=-1 is not within"),
        ({"oom_kill_allocating_task": 7}, NEW, "not within 0 to 1"),
        ({"panic_on_oom": 3}, NEW, "not within 0 to 2"),
        ({"min_free_kbytes": 100}, NEW, "not within 1024 to 52428"),
        ({"min_free_kbytes": 100000}, NEW, "not within 1024 to 52428"),
        ({"dirty_bytes": 2 * G}, NEW, "not within 1048576 to 1073741824"),
        ({"admin_reserve_kbytes": 2 << 20}, NEW, "not within 0 to 1048576"),
        ({"swappiness": True}, NEW, "whole number, not True"),
        ({"swappiness": None}, NEW, "whole number, not None"),
        ({"swappiness": "10 %"}, NEW, "whole number, not '10 %'"),
        ({"swappiness": 1.5}, NEW, "whole number"),
        ({"swappiness": "1\n2"}, NEW, "whole number"),
        ({"swappiness": "9" * 30}, NEW, "whole number"),
        ({"swappiness": "\u0662"}, NEW, "whole number"),
        (
            {"overcommit_ratio": 50, "overcommit_kbytes": 1},
            NEW,
            "overcommit_ratio and overcommit_kbytes exclude each other",
        ),
        ({"dirty_ratio": 10, "dirty_bytes": G // 2}, NEW, "dirty_ratio and dirty_bytes exclude each other"),
    ],
)
def test_refused(given, kernel, says):
    with pytest.raises(PreconditionError) as caught:
        wanted_of(given, kernel, G)
    assert says in str(caught.value) and str(caught.value).endswith("Nothing was changed.")


def test_every_setting_has_a_range():
    for key in KEYS:
        for kernel in (None, EL8, NEW):
            for total in (None, 64 << 20, 4 << 40):
                least, most = limits(key, kernel, total)
                assert 0 <= least < most
    assert all(partner(one) == other and partner(other) == one and {one, other} <= set(KEYS) for one, other in PAIRS)
    assert partner("swappiness") is None


@pytest.mark.parametrize(
    "release, version",
    [("6.1.0-56-cloud-amd64", (6, 1)), ("4.18.0-553.el8_10.x86_64", (4, 18)), ("5.8", (5, 8)), ("", None), ("x", None)],
)
def test_kernel_version(release, version):
    assert kernel_version(release) == version
