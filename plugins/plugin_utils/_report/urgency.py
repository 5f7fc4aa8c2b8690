# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to look at first: verdict, recency, trend, criticality, and only then how often."""

from __future__ import annotations

import re

from .host import Json
from .likeness import Likeness
from .time_coverage import DAY, WEEK

#: Shortages that nothing resolved: the host stood still or went down.
LOUD = ("panic", "no_victim")
_LOUD = 100
_VERDICT = {"chronic": 40, "unknown": 20, "transient": 0}
_RECENCY = ((DAY, 30), (WEEK, 15), (4 * WEEK, 5))
_STATE = {"new": 15, "worse": 15, "same": 5, "gone": -120}
_CRITICALITY = {"high": 20, "normal": 0, "low": -15}
#: On so many days it counts no more.
_MOST_DATES = 10
#: Somebody asked for it.
_BY_HAND = -60

#: What others depend on: data stores, the way in, names, what other units run in.
_HIGH = re.compile(
    r"(?:postgres(?:ql)?|mysqld?|mariadbd?|mongod|redis|valkey|memcached|cassandra|elasticsearch|opensearch|influxd"
    r"|clickhouse|etcd|zookeeper|kafka|rabbitmq|nats|consul|vault|sshd?|dropbear|dbus|named|unbound|slapd"
    r"|sssd|dirsrv|kubelet|containerd|docker|crio|libvirtd|qemu|nginx|apache2|httpd|haproxy|envoy|traefik|caddy"
    r"|ceph|glusterd|keepalived|corosync|pacemaker)(?![a-z])|systemd-|kube-",
    re.IGNORECASE,
)
#: What a person or a timer started, and starts again.
_LOW = re.compile(r"(?:session-|run-|user@|app-|vte-spawn-|atd\.|cron|apt-daily|dnf-|packagekit|fwupd|man-db)")
#: From here on a process asks to go first.
_VOLUNTEER = 300


def criticality(likeness: Likeness, lowest_adj: int | None) -> str:
    """high, normal or low: by what it is called, and by the score that its owner gave it."""
    if likeness.kind == "outcome":
        return "high"
    if lowest_adj is not None and lowest_adj < 0:
        return "high"  # it was protected, and died nevertheless
    if likeness.by_hand or _LOW.match(likeness.subject) or (lowest_adj or 0) >= _VOLUNTEER:
        return "low"
    return "high" if _HIGH.match(likeness.subject.rpartition("/")[2]) else "normal"


def urgency(problem: Json, as_of: float) -> int:
    """Points; of two with the same number the one with more shortages comes first."""
    points = 0  # type: int
    points += _VERDICT[problem["verdict"]] + _STATE.get(problem["state"], 5) + _CRITICALITY[problem["criticality"]]
    if problem["last"] is not None:
        age = as_of - problem["last"]
        points += next((worth for limit, worth in _RECENCY if age <= limit), 0)
    if problem["kind"] == "shortage" and problem["subject"] in LOUD:
        points += _LOUD
    if problem["by_hand"]:
        points += _BY_HAND
    points += min(problem["dates"], _MOST_DATES)
    return points
