# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's options: as documented, and as the wish takes them."""

import pytest

pytest.importorskip("ansible.module_utils.basic")
yaml = pytest.importorskip("yaml")

from ansible_collections.memops.linux.plugins.module_utils._swap_file.params import Params, parse_params  # noqa: E402
from ansible_collections.memops.linux.plugins.module_utils._swap_file.size import (
    DEFAULT_RESERVE,
    SizeParam,
)  # noqa: E402
from ansible_collections.memops.linux.plugins.modules import swap_file  # noqa: E402


def params(**given):
    values = {name: spec.get("default") for name, spec in swap_file.argument_spec().items()}
    values.update(given)
    return values


def test_the_options_are_the_documented_ones():
    documented = yaml.safe_load(swap_file.DOCUMENTATION)["options"]
    spec = swap_file.argument_spec()
    assert set(documented) == set(spec)
    for name, option in documented.items():
        assert {key: option.get(key) for key in ("type", "default", "choices", "required")} == {
            key: spec[name].get(key) for key in ("type", "default", "choices", "required")
        }, name


def test_the_defaults():
    assert parse_params(params(path="/swapfile", size="2G")) == Params(
        "/swapfile", True, SizeParam("bytes", 2 << 30), reserve=DEFAULT_RESERVE
    )


def test_every_option_of_the_examples_is_one():
    for task in yaml.safe_load(swap_file.EXAMPLES):
        assert parse_params(params(**task["memops.linux.swap_file"]))
