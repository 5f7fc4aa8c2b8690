# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and tell what a real run would change, without changing it.
  diff_mode:
    description: Returns what has changed, or would change in C(check_mode), when run in diff mode.
  facts:
    description: The module returns facts in RV(ignore:ansible_facts).
  platform:
    description: Operating systems on which the module runs.
    platforms: linux
"""

    # What holds for every module that only reads.
    FACTS = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - It changes nothing, so check mode runs the same.
  diff_mode:
    support: N/A
    details:
      - It changes nothing.
  facts:
    support: full
  platform:
    support: full
"""

    # What holds for every module that only reads and returns no facts.
    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - It changes nothing, so check mode runs the same.
  diff_mode:
    support: N/A
    details:
      - It changes nothing.
  facts:
    support: none
  platform:
    support: full
"""

    # What holds for every module that changes a host.
    CHANGES = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - Reads and checks everything that a real run does.
  diff_mode:
    support: full
  facts:
    support: none
  platform:
    support: full
"""
