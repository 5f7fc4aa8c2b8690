# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What user-space killers print -> kills; systemd's verdicts are none."""

import time

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts import line_filter as select
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill, Verdict
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import parse
from ansible_collections.memops.linux.plugins.module_utils._sources.clock import Clock
from ansible_collections.memops.linux.plugins.module_utils._sources.model import LogLine
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog

P = "Nov 22 20:06:24 vm1 "


def events(text):
    return list(parse(TextLog("test", lambda stamp: (1.0, "exact")).lines(text.encode("utf-8"))))


def kill(killer, pid=None, comm=None, **more):
    return dict(killer=killer, pid=pid, comm=comm, **more)


EARLYOOM = [
    ("1.9", 'sending SIGTERM to process 622 uid 1001 "a "b" c": oom_score 1121, oom_score_adj 300, VmRSS 128 MiB, cmdline "x"',
     kill("earlyoom", 622, 'a "b" c', uid=1001, oom_score=1121, oom_score_adj=300)),
    ("1.8", 'sending SIGKILL to process 622 uid 1001 "a": oom_score 1121, VmRSS 128 MiB, cmdline "x"',
     kill("earlyoom", 622, "a", uid=1001, oom_score=1121, oom_score_adj=None)),
    ("1.4 to 1.7", 'sending SIGTERM to process 57834 uid 1000 "code": badness 866, VmRSS 5 MiB', kill("earlyoom", 57834, "code", uid=1000)),
    ("1.3", 'sending SIGTERM to process 12006 "python3": badness 209, VmRSS 2891 MiB', kill("earlyoom", 12006, "python3", oom_score=209)),
    ("1.2", "Killing process 'bash' with signal 15, pid: 5874, badness: 538, VmRSS: 3160 MiB", kill("earlyoom", 5874, "bash", oom_score=538)),
    ("1.1", "Killing process 5874 bash", kill("earlyoom", 5874, "bash")),
]  # fmt: skip


@pytest.mark.parametrize("text, expected", [row[1:] for row in EARLYOOM], ids=[row[0] for row in EARLYOOM])
def test_earlyoom(text, expected):
    (found,) = events(P + "earlyoom[621]: " + text + "\n")
    assert {name: getattr(found.victim, name, getattr(found, name, None)) for name in expected} == expected
    assert events(P + "somebody[621]: " + text + "\n") == []


def test_earlyoom_that_only_pretends():
    """--dryrun names the process first and says in the next line that nothing was sent."""
    one, other = ('sending SIGTERM to process %d uid 0 "a": badness 5, VmRSS 9 MiB\n' % pid for pid in (622, 623))
    dry = "dryrun, not actually sending any signal\n"
    early = P + "earlyoom[621]: "
    noise = P + "cron[1]: nothing\n"
    assert events(early + one + early + dry) == []
    assert events(one + dry) == []  # in the foreground
    assert [kill.victim.pid for kill in events(early + one + noise + early + dry + early + other)] == [623]
    assert [
        kill.victim.pid
        for kill in events(early + one + early + other + early + "process exited after 0.1 seconds\n" + early + dry)
    ] == [
        622,
        623,
    ]
    # Another host's dry run is not ours.
    assert [kill.victim.pid for kill in events(early + one + early.replace("vm1", "vm2") + dry)] == [622]


def test_a_dry_run_with_a_script_before_the_signal():
    """earlyoom -N: what the script prints has the daemon's tag."""
    early = P + "earlyoom[621]: "
    one = early + 'sending SIGTERM to process 622 uid 0 "a": oom_score 5, oom_score_adj 0, VmRSS 9 MiB, cmdline "a"\n'
    script = "".join(early + "saving line %d\n" % number for number in range(10))
    dry = early + "dryrun, not actually sending any signal\n"
    assert events(one + script + dry) == []
    assert [kill.victim.pid for kill in events(one + script)] == [622]
    assert [kill.victim.pid for kill in events(one + script * 2 + dry)] == [622]  # the next attempt's


def test_nobody_takes_a_kill_of_the_real_earlyoom_away():
    """logger --tag earlyoom: in the journal it is known who wrote."""
    one = LogLine(
        'sending SIGTERM to process 622 uid 0 "a": badness 5, VmRSS 9 MiB',
        "journal",
        host="vm1",
        tag="earlyoom",
        trusted=True,
    )
    forged = one._replace(text="dryrun, not actually sending any signal", trusted=False)
    assert [kill.victim.pid for kill in parse([one, forged])] == [622]
    assert list(parse([one, forged._replace(trusted=True)])) == []


def test_a_dry_run_in_a_large_file():
    """The lines around an anchor: the second has none of its own."""
    early = (P + "earlyoom[621]: ").encode()
    data = (
        early
        + b'sending SIGTERM to process 622 uid 0 "a": badness 5, VmRSS 9 MiB\n'
        + early
        + b"dryrun, not actually sending any signal\n"
    )
    lines = select.lines_of_interest(b"noise\n" + data + b"noise\n", (6 + len(early) + 1,))
    assert b"".join(lines).count(b"\n") >= 2 and b"dryrun" in b"".join(lines)


def test_earlyoom_name_over_two_lines():
    (found,) = events(
        P
        + 'earlyoom[1]: sending SIGTERM to process 635 uid 1001 "e (x)\n'
        + P
        + 'earlyoom[1]: "q"": badness 1127, VmRSS 131 MiB\n'
    )
    assert found.victim.comm == 'e (x)\n"q"'


OOMD = [
    "Killed /oomdtest.slice/lab-oomd.service due to memory pressure for /oomdtest.slice being 10.09% > 2.00% for > 2s with reclaim activity",
    "Marked /oomdtest.slice/lab-oomd.service for killing due to memory pressure for /oomdtest.slice being 10.09% > 2.00% for > 2s with reclaim activity",
    (
        "Killed /oomdtest.slice/lab-oomd.service due to memory used (334884864) / total (351277056) "
        "and swap used (38563840) / total (167768064) being more than 20.00%"
    ),
    "Killed /oomdtest.slice/lab-oomd.service due to memory pressure for /oomdtest.slice be>",
]


@pytest.mark.parametrize("text", OOMD)
def test_systemd_oomd(text):
    (found,) = events(P + "systemd-oomd[682]: " + text + "\n")
    assert (found.killer, found.task_memcg) == ("systemd-oomd", "/oomdtest.slice/lab-oomd.service")
    assert found.scope == ("global" if "memory used" in text else "memcg")


@pytest.mark.parametrize(
    "text",
    [
        "Considered 2 cgroups for killing, top candidates were:",
        "Memory pressure for /x is 64.15% > 1.00% for > 30s with reclaim activity",
        "oomd dry-run: Would have tried to kill /x with recurse=true",
    ],
)
def test_systemd_oomd_says_more_than_kills(text):
    assert events(P + "systemd-oomd[682]: " + text + "\n") == []


OOMD_DEBUG = P + "systemd-oomd[682]: oomd attempting to kill %d with KILL\n"


def test_a_signal_of_systemd_oomd_is_a_kill_where_no_other_line_tells_of_it():
    """At debug level, and only there, it names processes."""
    signals = OOMD_DEBUG % 63 + OOMD_DEBUG % 64
    failed = P + "systemd-oomd[682]: Failed to kill any cgroup(s) under /x based on pressure: No such device\n"
    killed = P + "systemd-oomd[682]: Marked /a/b.service for killing due to memory pressure for /a being 85.03% > 80%\n"
    for text in (signals, signals + failed):
        assert [(kill.killer, kill.victim.pid, kill.partial) for kill in events(text)] == [
            ("systemd-oomd", 63, True),
            ("systemd-oomd", 64, True),
        ]
    for text in (signals + killed, killed + signals):
        assert [kill.task_memcg for kill in events(text)] == ["/a/b.service"]


def test_nohang_whose_victim_is_not_in_the_log():
    signal = P + "nohang[1]:   Sending %s to the victim\n"
    (kill,) = events(signal % "SIGTERM" + signal % "SIGKILL")
    assert (kill.killer, kill.victim.pid, kill.partial) == ("nohang", None, True)


def test_nohang_names_its_victim_before_the_signal():
    found = events(
        P + "nohang[1]: Process with highest badness (found in 4 ms):\n"
        + P + "nohang[1]:   PID: 32706, Name: python3, badness: 572\n"
        + P + "nohang[1]: Recheck memory levels...\n"
        + P + "nohang[1]: Implementing a corrective action:\n"
        + P + "nohang[1]:   Sending SIGTERM to the victim\n"
        + P + "nohang[1]:   PID: 477, Name: Xorg, badness: 12\n"
        + P + "nohang[1]: victim badness 12 < min_badness 20; nothing to do; response time: 5 ms\n"
    )  # fmt: skip
    assert [(k.killer, k.victim.pid, k.victim.comm, k.victim.oom_score) for k in found] == [
        ("nohang", 32706, "python3", 572)
    ]


def test_nohang_in_its_own_log():
    """It stamps the first line of each message, which is not the one with the victim nor the one with the signal."""
    log = TextLog("nohang.log", Clock(1795377980.0).stamp)
    lines = (
        "2026-11-20 06:53:26,463: TOP printed in 1ms; process with highest badness:",
        "  PID: 9033, name: indexer, badness: 849",
        "2026-11-20 06:53:27,500: Implementing a corrective action:",
        "  Sending SIGTERM to the victim",
        "2026-11-20 06:54:00,000: OK; total response time: 5ms",
    )
    (found,) = parse(log.lines("\n".join(lines).encode("ascii")))
    assert (found.victim.pid, found.line.time, found.line.time_quality) == (
        9033,
        Clock(0).stamp("2026-11-20 06:53:27,500").time,
        "exact",
    )


def test_facebook_oomd_says_where_in_its_source_it_is():
    place = P + "oomd[1]: [../src/oomd/plugins/BaseKillPlugin.cpp:%d] "
    found = events(
        place % 188 + "Trying to kill /sys/fs/cgroup/work.slice/a.scope\n" + place % 210 + "Killed 2: 12(a b) 13(c) \n"
    )
    assert [(k.killer, k.victim.pid, k.task_memcg) for k in found] == [
        ("oomd", 12, "/work.slice/a.scope"),
        ("oomd", 13, "/work.slice/a.scope"),
    ]


def test_facebook_oomd():
    found = events(P + "oomd[1]: Killed 2: 12(a b) 13(c)\n")
    assert [(k.killer, k.victim.pid, k.victim.comm) for k in found] == [("oomd", 12, "a b"), ("oomd", 13, "c")]


FB_LINE = "12.34 5.60 1.20 /workload.slice/a.service 123456789 ruleset:[pressure] detectorgroup:[memory above 60] killer:kill_by_memory_size_or_growth v2\n"


def test_facebook_oomd_says_it_twice_and_kills_once():
    found = events(
        P
        + "oomd[1]: Trying to kill /workload.slice/a.service\n"
        + P
        + "oomd[1]: Killed 1: 12(a)\n"
        + P
        + "oomd[1]: "
        + FB_LINE
    )
    assert [(k.killer, k.victim.pid, k.task_memcg) for k in found] == [("oomd", 12, "/workload.slice/a.service")]


@pytest.mark.parametrize("prefix", [P + "oomd[1]: ", P + "kernel: ", "12,463,47655328,-;", ""])
def test_facebook_oomd_in_the_kernel_log_alone(prefix):
    (found,) = events(prefix + FB_LINE)
    assert (found.killer, found.victim.pid, found.task_memcg) == ("oomd", None, "/workload.slice/a.service")


def test_verdicts_of_systemd_are_no_kills():
    found = events(
        P + "systemd[1]: lab.service: A process of this unit has been killed by the OOM killer.\n"
        + P + "systemd[1]: lab.service: Failed with result 'oom-kill'.\n"
        + P + "systemd[1]: oomd.service: systemd-oomd killed 2 process(es) in this unit.\n"
        + P + "systemd[1]: lab.service: Main process exited, code=killed, status=9/KILL\n"
    )  # fmt: skip
    assert not [event for event in found if isinstance(event, Kill)]
    assert [event.unit for event in found if isinstance(event, Verdict)] == [
        "lab.service",
        "lab.service",
        "oomd.service",
    ]


def test_a_line_of_facebook_oomd_names_so_many_and_no_more():
    """Anybody may write such a line: each name becomes a kill, and megabytes of them took minutes."""
    began = time.process_time()
    same = events((P + "oomd[5]: Killed 9: " + "1(a) " * 1600 + "\n") * 30)
    many = events((P + "oomd[5]: Killed 900: " + " ".join("%d(a)" % pid for pid in range(900)) + "\n") * 30)
    assert time.process_time() - began < 2.0
    assert (len(same), len(many)) == (30, 30 * 128)
