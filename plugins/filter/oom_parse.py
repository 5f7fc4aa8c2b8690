# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: oom_parse
short_description: Find OOM kills in the text of a log
version_added: 0.5.0
author:
  - memops.linux contributors (@memops)
description:
  - Finds every OOM kill in a text, with the parser of M(memops.linux.oom_facts), on the controller. For sosreports, CI
    logs and pastes.
  - A text is never trusted, so C(source.trusted) of each kill is false and its C(proof) is V(logged).
  - What systemd says of a unit is a kill by itself where the text has no other record of it.
options:
  _input:
    description:
      - Text of a log, with or without prefixes (syslog, C(dmesg), C(dmesg -T), C(journalctl -o) in any form,
        C(/dev/kmsg), consoles, JSON of log shippers).
    type: str
    required: true
  name:
    description: Name of the source, as it shall stand in the result.
    type: str
    default: text
  anchor:
    description:
      - Time in seconds since 1970-01-01 UTC that no line is much younger than. Stamps without a year get the year that
        fits.
      - By default now.
    type: float
  include_tasks:
    description: Return the kernel's task tables as well.
    type: bool
    default: false
seealso:
  - module: memops.linux.oom_facts
  - ref: ansible_collections.memops.linux.docsite.guide_security
    description: What can be forged, and what cannot
"""

EXAMPLES = r"""
- name: Who died in this sosreport
  ansible.builtin.debug:
    msg: "{{ (lookup('ansible.builtin.file', '/srv/sosreport/var/log/messages') | memops.linux.oom_parse)
      | map(attribute='victim.comm') | list }}"
"""

RETURN = r"""
_value:
  description: Kills, oldest first, in the form of C(kills) of M(memops.linux.oom_facts).
  type: list
  elements: dict
"""

import time
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.memops.linux.plugins.module_utils._facts.explanations import Explainer
from ansible_collections.memops.linux.plugins.module_utils._facts.facts import kills_facts, unit_facts
from ansible_collections.memops.linux.plugins.module_utils._facts.ledger import Ledger
from ansible_collections.memops.linux.plugins.module_utils._facts.verdict_kills import kills_of_verdicts
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Verdict
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import parse
from ansible_collections.memops.linux.plugins.module_utils._sources.clock import Clock
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog
from ansible_collections.memops.linux.plugins.module_utils._text import safe

_KEEP = 1_000_000


def oom_parse(
    value: Any, name: str = "text", anchor: float | None = None, include_tasks: bool = False
) -> list[dict[str, Any]]:
    """Log text to kills."""
    if isinstance(value, bytes):
        data = value
    elif isinstance(value, str):
        data = value.encode("utf-8", "surrogateescape")
    else:
        raise AnsibleFilterError(f"oom_parse takes the text of a log, not {type(value).__name__}; nothing was parsed")
    try:
        clock = Clock(time.time() if anchor is None else float(anchor))
        if anchor is not None:
            time.gmtime(float(anchor))
    except (TypeError, ValueError, OverflowError, OSError):
        raise AnsibleFilterError(f"oom_parse: anchor takes seconds since 1970-01-01 UTC, not {anchor!r}") from None
    ledger = Ledger(_KEEP)
    verdicts = []
    explainer = Explainer()
    for event in parse(TextLog(str(name), clock.stamp).lines(data), include_tasks=True):
        if isinstance(event, Kill):
            ledger.add(unit_facts(event if include_tasks else explainer.kill(event)))
        elif isinstance(event, Verdict):
            verdicts.append(event)
    for kill in kills_of_verdicts(verdicts, [entry.kill for entry in ledger.kept()]):
        ledger.add(kill)
    kills: list[dict[str, Any]] = safe(kills_facts(ledger.entries(), include_tasks=bool(include_tasks)))
    return kills


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"oom_parse": oom_parse}
