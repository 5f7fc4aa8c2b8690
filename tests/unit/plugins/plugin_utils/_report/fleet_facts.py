# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of hosts in the shape of the facts contract, for the tests of everything that reads them. Names are real,
numbers are made.
"""

import random
from typing import Any, Dict, List, Optional

NOW = 1763835100
UNITS = (
    ("postgresql@15-main.service", "postgres"),
    ("mysqld.service", "mysqld"),
    ("php-fpm.service", "php-fpm"),
    ("user@1000.service", "chrome"),
)

#: what an attacker can put into a process name, a cgroup, a unit or a host name in a log
PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "</SCRIPT ><svg onload=alert(3)>",
    "<!--<script>alert(4)",
    "--><img src=x onerror=alert(5)>",
    "<img src=x onerror=alert(6)>",
    '"><img src=x onerror=alert(7)>',
    "'><img src=x onerror=alert(8)>",
    '" onmouseover="alert(9)',
    "' onfocus='alert(10)' autofocus='",
    "javascript:alert(11)",
    "</title><script>alert(12)</script>",
    "</style><script>alert(13)</script>",
    "</textarea><script>alert(14)</script>",
    "</noscript><script>alert(15)</script>",
    "</td></tr></table><script>alert(16)</script>",
    "<svg/onload=alert(17)>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(18)>",
    "<iframe srcdoc='<script>alert(19)</script>'>",
    "<object data=javascript:alert(20)>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(22)'>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "&lt;script&gt;alert(24)&lt;/script&gt;",
    "&#60;script&#62;alert(25)&#60;/script&#62;",
    "\\u003cscript\\u003ealert(26)",
    "`-alert(27)-`${alert(27)}",
    "\u2028alert(28)//\u2029",
    "\x00<scr\x00ipt>alert(29)</script>",
    "{{constructor.constructor('alert(30)')()}}",
    "]]><script>alert(31)</script>",
    "\ufeff+ADw-script+AD4-alert(32)",
    "\u202e>tpircs<\ud83d",
)


def kill(number=1, **changes):
    # type: (int, **Any) -> Dict[str, Any]
    """A kill; keys of the victim, the invoker and the source may be given as victim_pid, source_trusted, ..."""
    rng = random.Random(number)
    unit, comm = UNITS[number % len(UNITS)]
    cgroup = "/system.slice/" + unit
    made = {
        "id": "%016x" % rng.getrandbits(64),
        "time": round(NOW - 60.0 - rng.random() * 5 * 86400, 6),
        "time_quality": "exact",
        "host": None,
        "boot_id": "2b6e0d5c-7d53-4f0a-9c39-0123456789ab",
        "uptime": 191.930493,
        "killer": "kernel",
        "scope": "memcg",
        "trigger": "fault",
        "constraint": "CONSTRAINT_MEMCG",
        "victim": {
            "pid": 400 + number,
            "comm": comm,
            "uid": 1000,
            "total_vm": 81309696,
            "anon_rss": 66613248 + number * 4096,
            "file_rss": 2207744,
            "shmem_rss": 0,
            "pgtables": 196608,
            "oom_score_adj": 0,
            "oom_score": None,
        },
        "invoker": {"pid": 461, "comm": comm, "gfp_mask": "0xcc0(GFP_KERNEL)", "order": 0},
        "oom_memcg": cgroup,
        "task_memcg": cgroup,
        "unit": unit,
        "container_id": None,
        "container": None,
        "kernel": "6.1.0-56-cloud-amd64",
        "partial": False,
        "proof": "kernel",
        "source": {
            "name": "journal",
            "trusted": True,
            "reason": "kernel facility in the local journal",
            "seen_in": ["journal", "/var/log/kern.log"],
        },
    }  # type: Dict[str, Any]
    for key, value in changes.items():
        group, _dot, inner = key.partition("_")
        if group in ("victim", "invoker", "source") and inner:
            made[group][inner] = value
        else:
            made[key] = value
    return made


def logged(number=1, **changes):
    # type: (int, **Any) -> Dict[str, Any]
    """Told by a text log, of a time that nothing else covers."""
    return disputed(number, proof="logged", **changes)


def disputed(number=1, **changes):
    # type: (int, **Any) -> Dict[str, Any]
    """Told by a text log, of a time of which the journal has nothing."""
    changes.setdefault("proof", "disputed")
    source = {
        "name": "/var/log/kern.log",
        "trusted": False,
        "reason": "a text log proves nothing",
        "seen_in": ["/var/log/kern.log"],
    }
    return kill(number, source=source, **changes)


def facts(kills=(), state="clear", since=1763000000.0, reasons=(), **changes):
    # type: (Any, str, Optional[float], Any, **Any) -> Dict[str, Any]
    made = {
        "schema": 1,
        "gathered_at": NOW - 60.0,
        "kills": list(kills),
        "truncated": 0,
        "unresolved": [],
        "summary": {"total": len(kills), "untrusted": 0},
        "counters": {"vmstat_oom_kill": len(kills), "kernel_kills_this_boot": len(kills), "unexplained": 0},
        "sources": [
            {"name": "journal", "status": "read", "lines": 1200, "first": since, "last": 1763835000.0, "reason": None}
        ],
        "visibility": {"state": state, "since": since, "reasons": list(reasons)},
        "unparsed": 0,
        "memory": {"total": 8589934592, "available": 1073741824},
        "daemons": {"earlyoom": "absent"},
    }  # type: Dict[str, Any]
    made.update(changes)
    return made


def panic(**changes):
    # type: (**Any) -> Dict[str, Any]
    made = {
        "time": NOW - 4000.0,
        "outcome": "panic",
        "count": 1,
        "oom_memcg": None,
        "source": {"name": "journal", "trusted": True, "seen_in": ["journal"]},
    }
    made.update(changes)
    return made


def many(hosts, kills):
    # type: (int, int) -> Dict[str, Dict[str, Any]]
    """A big fleet: facts by host name."""
    made = {}  # type: Dict[str, Dict[str, Any]]
    for i in range(hosts):
        numbers = range(i * kills, (i + 1) * kills)
        listed = [kill(n) if n % 5 else disputed(n) for n in numbers]  # type: List[Dict[str, Any]]
        made["host%04d.dc%d.example.net" % (i, i % 7)] = facts(listed)
    return made
