# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two kills of two hosts in the form of every shipper, log service and console that we know: each found, with its host
and time.
"""

import base64
import calendar
import json

import pytest

from ansible_collections.memops.linux.plugins.module_utils._facts.gather import gather
from ansible_collections.memops.linux.plugins.module_utils._facts.params import Wish
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._oom.model import Kill
from ansible_collections.memops.linux.plugins.module_utils._oom.parser import parse
from ansible_collections.memops.linux.plugins.module_utils._sources.clock import Clock
from ansible_collections.memops.linux.plugins.module_utils._sources.text_log import TextLog

AT = calendar.timegm((2026, 11, 22, 20, 6, 24))
SIZES = "total-vm:96kB, anon-rss:64kB, file-rss:4kB, shmem-rss:0kB, UID:7 pgtables:44kB oom_score_adj:5"
BARE = [
    "Out of memory: Killed process 41 (loader) " + SIZES,
    "Memory cgroup out of memory: Killed process 42 (loader) " + SIZES,
]
#: (host, seconds since AT, kernel seconds, text)
EVENTS = [("web7", 0, "12.345678", BARE[0]), ("web8", 1, "13.345678", BARE[1])]


def iso(offset, digits=6):
    return "2026-11-22T20:06:%02d%s" % (24 + offset, "." + "0" * digits if digits else "")


def syslog(host, offset, text):
    return "Nov 22 20:06:%02d %s kernel: %s" % (24 + offset, host, text)


def each(make, separator="\n"):
    """One object or line for each event."""
    rows = [make(*event) for event in EVENTS]
    return separator.join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n"


def pretty(value):
    return json.dumps(value, indent=4) + "\n"


def seconds(up, text):
    return "[%s] %s" % (up.rjust(12), text)


def otlp(h, o, up, t):
    attributes = [{"key": "syslog.appname", "value": {"stringValue": "kernel"}}]
    record = {"timeUnixNano": str((AT + o) * 10**9), "body": {"stringValue": t}, "attributes": attributes}
    resource = {"attributes": [{"key": "host.name", "value": {"stringValue": h}}]}
    return {"resource": resource, "scopeLogs": [{"logRecords": [record]}]}


def loki(h, o, up, t):
    return {"stream": {"hostname": h, "transport": "kernel"}, "values": [[str((AT + o) * 10**9), t]]}


def insights(h, o, up, t):
    return [{"field": "@timestamp", "value": iso(o).replace("T", " ")}, {"field": "@message", "value": syslog(h, o, t)}]


def gcp(h, o, up, t):
    # in this order: the time comes behind the text
    labels = {"labels": {"node_name": h, "project_id": "p"}, "type": "k8s_node"}
    return {
        "insertId": "a",
        "jsonPayload": {"MESSAGE": t, "SYSLOG_IDENTIFIER": "kernel"},
        "resource": labels,
        "timestamp": iso(o) + "Z",
    }


def datadog(h, o, up, t):
    inner = {"syslog": {"appname": "kernel", "severity": 3}}
    return {
        "id": "x",
        "type": "log",
        "attributes": {"host": h, "message": t, "timestamp": iso(o, 3) + "Z", "attributes": inner},
    }


def journald(h, o, up, t):
    return {
        "__REALTIME_TIMESTAMP": str((AT + o) * 10**6),
        "_TRANSPORT": "kernel",
        "SYSLOG_FACILITY": "0",
        "_HOSTNAME": h,
        "MESSAGE": t,
    }


def elastic(h, o, up, t):
    return {
        "_index": "i",
        "_source": {"@timestamp": iso(o, 3) + "Z", "message": t, "host": {"name": h}, "process": {"name": "kernel"}},
    }


def console(h, o, up, t):
    return seconds(up, t)


#: (id, text, whether hosts, whether times are known)
CARRIERS = [
    (
        "docker json-file of dmesg",
        each(lambda h, o, up, t: {"log": seconds(up, t) + "\n", "stream": "stdout", "time": iso(o) + "Z"}),
        False,
        True,
    ),
    (
        "docker json-file of a syslogd",
        each(lambda h, o, up, t: {"log": syslog(h, o, t) + "\n", "stream": "stdout", "time": iso(o) + "Z"}),
        True,
        True,
    ),
    ("CRI of dmesg", each(lambda h, o, up, t: iso(o, 9) + "Z stdout F " + seconds(up, t)), False, True),
    ("CRI of a syslogd", each(lambda h, o, up, t: iso(o, 9) + "Z stderr F " + syslog(h, o, t)), True, True),
    ("kubectl logs --prefix", each(lambda h, o, up, t: "[pod/dmesg-x7/dmesg] " + seconds(up, t)), False, False),
    (
        "fluentd out_file",
        each(
            lambda h, o, up, t: iso(o, 0) + "+00:00\tkmsg\t" + json.dumps({"priority": 3, "message": t, "hostname": h})
        ),
        True,
        True,
    ),
    (
        "fluentd, the tag of a file",
        each(lambda h, o, up, t: iso(o, 0) + "+00:00\tsystem.kern.log\t" + json.dumps({"message": syslog(h, o, t)})),
        True,
        True,
    ),
    (
        "Fluent Bit, stdout",
        each(
            lambda h, o, up, t: '[0] kmsg.0: [%d.000000000, {"priority"=>3, "sec"=>%s, "usec"=>345678, "host"=>"%s", "msg"=>"%s"}]'
            % (AT + o, up[:2], h, t)
        ),
        True,
        True,
    ),
    (
        "Fluent Bit 2, stdout",
        each(
            lambda h, o, up, t: '[0] kmsg.0: [[%d.000000000, {}], {"priority"=>3, "host"=>"%s", "msg"=>"%s"}]'
            % (AT + o, h, t)
        ),
        True,
        True,
    ),
    (
        "Fluent Bit, JSON",
        "["
        + each(
            lambda h, o, up, t: {
                "date": AT + o + 0.0,
                "priority": 3,
                "sec": int(up[:2]),
                "usec": 345678,
                "msg": t,
                "hostname": h,
            },
            ",\n",
        ).rstrip()
        + "]\n",
        True,
        True,
    ),
    (
        "GELF",
        each(
            lambda h, o, up, t: {
                "version": "1.1",
                "host": h,
                "short_message": t,
                "timestamp": AT + o + 0.0,
                "level": 3,
                "facility": "kernel",
            }
        ),
        True,
        True,
    ),
    (
        "GELF of a journal",
        each(
            lambda h, o, up, t: {
                "version": "1.1",
                "host": h,
                "short_message": t,
                "timestamp": AT + o,
                "_SYSLOG_IDENTIFIER": "kernel",
            }
        ),
        True,
        True,
    ),
    (
        "Graylog, a search's result",
        pretty(
            {
                "messages": [
                    {"message": {"source": h, "message": syslog(h, o, t), "timestamp": iso(o, 3) + "Z"}}
                    for h, o, up, t in EVENTS
                ]
            }
        ),
        True,
        True,
    ),
    (
        "Splunk, JSON",
        each(
            lambda h, o, up, t: {
                "preview": False,
                "result": {
                    "_raw": syslog(h, o, t),
                    "_time": iso(o, 3) + "+00:00",
                    "host": "collector",
                    "sourcetype": "syslog",
                },
            }
        ),
        True,
        True,
    ),
    (
        "Splunk, CSV",
        '"_raw","_time",host\n' + each(lambda h, o, up, t: '"%s","%s+00:00",collector' % (syslog(h, o, t), iso(o, 3))),
        True,
        True,
    ),
    (
        "Splunk HEC",
        each(
            lambda h, o, up, t: {
                "time": AT + o,
                "host": h,
                "sourcetype": "linux:kernel",
                "source": "/var/log/kern.log",
                "event": t,
            }
        ),
        True,
        True,
    ),
    ("CSV", each(lambda h, o, up, t: '"%sZ","%s","kernel","%s"' % (iso(o, 3), h, t)), True, True),
    (
        "CSV with a head",
        "timestamp,host,program,message\n" + each(lambda h, o, up, t: '%sZ,%s,kernel,"%s"' % (iso(o, 0), h, t)),
        True,
        True,
    ),
    ("tabs", each(lambda h, o, up, t: "Nov 22 20:06:%02d\t%s\tkernel:\t%s" % (24 + o, h, t)), True, True),
    (
        "AWS get-console-output",
        pretty({"InstanceId": "i-0", "Timestamp": iso(9, 0) + "Z", "Output": each(console, "\r\n")}),
        False,
        None,
    ),
    (
        "AWS get-console-output, one line",
        json.dumps({"Output": each(console, "\r\n"), "InstanceId": "i-0"}),
        False,
        False,
    ),
    (
        "CloudWatch events",
        pretty(
            {
                "events": [
                    {"timestamp": (AT + o) * 1000, "message": syslog(h, o, t), "ingestionTime": 1}
                    for h, o, up, t in EVENTS
                ],
                "nextForwardToken": "f",
            }
        ),
        True,
        True,
    ),
    (
        "CloudWatch events, one line",
        json.dumps(
            {
                "events": [
                    {"timestamp": (AT + o) * 1000, "message": syslog(h, o, t), "logStreamName": h}
                    for h, o, up, t in EVENTS
                ]
            }
        ),
        True,
        True,
    ),
    (
        "CloudWatch, bare texts",
        pretty(
            {"events": [{"logStreamName": h, "timestamp": (AT + o) * 1000, "message": t} for h, o, up, t in EVENTS]}
        ),
        True,
        True,
    ),
    (
        "CloudWatch Insights",
        pretty({"results": [insights(*event) for event in EVENTS], "status": "Complete"}),
        True,
        True,
    ),
    (
        "Loki, the API",
        pretty({"status": "success", "data": {"resultType": "streams", "result": [loki(*event) for event in EVENTS]}}),
        True,
        True,
    ),
    (
        "Loki, the API, one line",
        json.dumps(
            {"status": "success", "data": {"resultType": "streams", "result": [loki(*event) for event in EVENTS]}}
        ),
        True,
        True,
    ),
    ("logcli", each(lambda h, o, up, t: '%sZ {hostname="%s", transport="kernel"} %s' % (iso(o, 0), h, t)), True, True),
    (
        "logcli -o jsonl",
        each(
            lambda h, o, up, t: {"labels": {"hostname": h, "transport": "kernel"}, "line": t, "timestamp": iso(o) + "Z"}
        ),
        True,
        True,
    ),
    ("Google Cloud", pretty([gcp(*event) for event in EVENTS]), True, True),
    (
        "Google Cloud, a serial port",
        pretty([{"textPayload": seconds(up, t), "timestamp": iso(o) + "Z"} for h, o, up, t in EVENTS]),
        False,
        True,
    ),
    (
        "Azure",
        pretty(
            [
                {
                    "TimeGenerated": iso(o) + "Z",
                    "Computer": h,
                    "Facility": "kern",
                    "ProcessName": "kernel",
                    "SyslogMessage": t,
                }
                for h, o, up, t in EVENTS
            ]
        ),
        True,
        True,
    ),
    ("Datadog", pretty({"data": [datadog(*event) for event in EVENTS]}), True, True),
    (
        "Elasticsearch",
        json.dumps({"took": 1, "hits": {"total": 2, "hits": [elastic(*event) for event in EVENTS]}}),
        True,
        True,
    ),
    (
        "Elasticsearch, pretty",
        pretty({"took": 1, "hits": {"total": 2, "hits": [elastic(*event) for event in EVENTS]}}),
        True,
        True,
    ),
    (
        "Filebeat",
        each(
            lambda h, o, up, t: {
                "@timestamp": iso(o, 3) + "Z",
                "message": syslog(h, o, t),
                "log": {"file": {"path": "/var/log/messages"}},
                "host": {"name": h},
            }
        ),
        True,
        True,
    ),
    (
        "Filebeat, journald",
        each(
            lambda h, o, up, t: {
                "@timestamp": iso(o, 3) + "Z",
                "message": t,
                "syslog": {"identifier": "kernel", "facility": 0},
                "host": {"hostname": h},
            }
        ),
        True,
        True,
    ),
    (
        "Logstash",
        each(
            lambda h, o, up, t: {
                "@timestamp": iso(o, 3) + "Z",
                "message": t,
                "logsource": h,
                "program": "kernel",
                "facility_label": "kernel",
            }
        ),
        True,
        True,
    ),
    (
        "Vector",
        each(
            lambda h, o, up, t: {
                "host": h,
                "message": t,
                "timestamp": iso(o) + "Z",
                "source_type": "journald",
                "_TRANSPORT": "kernel",
                "SYSLOG_FACILITY": "0",
            }
        ),
        True,
        True,
    ),
    (
        "Vector, a syslog source",
        each(
            lambda h, o, up, t: {
                "appname": "kernel",
                "facility": "kern",
                "hostname": h,
                "message": t,
                "timestamp": iso(o) + "Z",
            }
        ),
        True,
        True,
    ),
    (
        "rsyslog",
        each(
            lambda h, o, up, t: {
                "msg": t,
                "rawmsg": "x",
                "timereported": iso(o) + "+00:00",
                "hostname": h,
                "syslogtag": "kernel:",
                "programname": "kernel",
            }
        ),
        True,
        True,
    ),
    (
        "syslog-ng",
        each(
            lambda h, o, up, t: {
                "PROGRAM": "kernel",
                "MESSAGE": t,
                "ISODATE": iso(o, 0) + "+00:00",
                "HOST": h,
                "FACILITY": "kern",
            }
        ),
        True,
        True,
    ),
    ("OpenTelemetry", json.dumps({"resourceLogs": [otlp(*event) for event in EVENTS]}), True, True),
    ("OpenTelemetry, pretty", pretty({"resourceLogs": [otlp(*event) for event in EVENTS]}), True, True),
    (
        "an object in a text in an object",
        each(
            lambda h, o, up, t: {
                "log": json.dumps({"ident": "kernel", "host": h, "message": t}) + "\n",
                "stream": "stdout",
                "time": iso(o) + "Z",
            }
        ),
        True,
        True,
    ),
    ("an array, an object a line", "[\n" + each(journald, ",\n") + "]\n", True, True),
    ("journalctl -o json", each(journald), True, True),
    ("journalctl -o json-seq", each(lambda h, o, up, t: "\x1e" + json.dumps(journald(h, o, up, t))), True, True),
    (
        "journalctl -o json-sse",
        each(lambda h, o, up, t: "data: " + json.dumps(journald(h, o, up, t)) + "\n"),
        True,
        True,
    ),
    (
        "journalctl -o json-pretty",
        each(lambda h, o, up, t: json.dumps(journald(h, o, up, t), indent="\t", separators=(",", " : "))),
        True,
        True,
    ),
    (
        "dmesg --json",
        pretty({"dmesg": [{"pri": 3, "time": float(up), "msg": t} for h, o, up, t in EVENTS]}).replace(
            "},\n        {", "},{"
        ),
        False,
        False,
    ),
    (
        "Ansible, stdout_lines",
        pretty({"changed": True, "stdout_lines": [syslog(h, o, t) for h, o, up, t in EVENTS]}),
        True,
        True,
    ),
    (
        "the console of EC2 as its API answers",
        pretty(
            {
                "InstanceId": "i-0",
                "Output": base64.b64encode(
                    "\r\n".join(seconds(up, t) for h, o, up, t in EVENTS).encode("ascii")
                ).decode("ascii"),
            }
        ),
        False,
        False,
    ),
    ("pdsh", each(lambda h, o, up, t: h + ": " + seconds(up, t)), True, False),
    (
        "svlogd",
        each(lambda h, o, up, t: "@%x00000000 kern.err: %s" % (AT + o + 10 + (1 << 62), seconds(up, t))),
        False,
        True,
    ),
    (
        "RFC 5424",
        each(
            lambda h, o, up, t: '<3>1 %s+00:00 %s kernel - - [origin note="a\\]b"][x y="z"] %s'
            % (iso(o), h, seconds(up, t))
        ),
        True,
        True,
    ),
    ("a web page", each(lambda h, o, up, t: syslog(h, o, t) + "<br />"), True, True),
    ("a list", each(lambda h, o, up, t: "- " + syslog(h, o, t)), True, True),
    ("a list of YAML", each(lambda h, o, up, t: "  - '" + syslog(h, o, t) + "'"), True, True),
    ("a table of Markdown", each(lambda h, o, up, t: "| %s | %s | %s |" % (iso(o), h, t)), True, True),
    ("psql", each(lambda h, o, up, t: " %s | %s | kernel | %s" % (iso(o).replace("T", " "), h, t)), True, True),
    ("columns", each(lambda h, o, up, t: "\t".join([iso(o).replace("T", " "), "kern", "err", h, t])), True, True),
    ("no colon behind the tag", each(lambda h, o, up, t: "%sZ %s kernel %s" % (iso(o), h, t)), True, True),
    (
        "stamps before journalctl -o short-monotonic",
        each(lambda h, o, up, t: "%sZ %s" % (iso(o), seconds(up, h + " kernel: " + t))),
        True,
        True,
    ),
    ("a console with both", each(lambda h, o, up, t: seconds(up, "<3>" + t)), False, False),
    ("Windows", each(lambda h, o, up, t: syslog(h, o, t), "\r\n"), True, True),
]
IDS = [row[0] for row in CARRIERS]


def kills_of(text):
    found = parse(TextLog("shipped", Clock(AT + 9.0).stamp).lines(text.encode("utf-8")))
    return [event for event in found if isinstance(event, Kill)]


@pytest.mark.parametrize("text, hosts, times", [row[1:] for row in CARRIERS], ids=IDS)
def test_every_kill_with_its_host_and_time(text, hosts, times):
    kills = kills_of(text)
    assert [(kill.victim.pid, kill.victim.comm, kill.victim.uid, kill.scope) for kill in kills] == [
        (41, "loader", 7, "global"),
        (42, "loader", 7, "memcg"),
    ]
    if hosts:
        assert [kill.line.host for kill in kills] == ["web7", "web8"]
    if times is not None:
        assert [kill.line.time for kill in kills] == ([AT, AT + 1.0] if times else [None, None])
    assert not any(kill.line.trusted for kill in kills)


@pytest.mark.parametrize("text", [row[1] for row in CARRIERS], ids=IDS)
@pytest.mark.parametrize("cut", [0.2, 0.5, 0.8])
def test_a_part_of_it_fails_nowhere(text, cut):
    """An excerpt may begin and end anywhere."""
    at = int(len(text) * cut)
    assert len(kills_of(text[at:])) <= 2 and len(kills_of(text[:at])) <= 2


@pytest.mark.parametrize("text", [row[1] for row in CARRIERS], ids=IDS)
def test_the_log_goes_on_behind_it(text):
    """Neither what is open nor what is not closed takes the lines behind it."""
    half = text[: len(text) // 2]
    kills = kills_of(
        half + "\n" + syslog("web9", 2, BARE[0]) + "\n" + syslog("web9", 3, BARE[0].replace("41", "42")) + "\n"
    )
    assert [kill.victim.pid for kill in kills if kill.line.host == "web9"] == [41, 42]


@pytest.mark.slow
@pytest.mark.parametrize("indent", [None, 1], ids=["one line", "pretty"])
def test_a_document_of_megabytes(tmp_path, indent):
    """No piece of it is lost, wherever the pieces are cut."""
    noise = [
        {"timestamp": (AT + n) * 1000, "message": "hello %d, [x], {y}" % n, "logStreamName": "web7"}
        for n in range(12000)
    ]
    for number in range(50):
        said = syslog("web8", 0, BARE[0].replace("41", str(1000 + number)))
        noise.insert(number * 240, {"timestamp": AT * 1000, "message": said, "logStreamName": "web7"})
    path = tmp_path / "events.json"
    path.write_text(json.dumps({"events": noise, "searchedLogStreams": []}, indent=indent))
    assert path.stat().st_size > 1 << 20
    found = gather(Host(), Wish(subset=("kills",), paths=(str(path),)))
    assert sorted(kill["victim"]["pid"] for kill in found["kills"]) == list(range(1000, 1050))
    assert {kill["host"] for kill in found["kills"]} == {"web8"}


def test_utf_16_of_powershell(tmp_path):
    path = tmp_path / "kern.txt"
    text = syslog("web7", 0, BARE[0]) + "\r\n"
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        bom = "" if encoding == "utf-16" else "\ufeff"
        path.write_bytes((bom + text).encode(encoding))
        (kill,) = gather(Host(), Wish(subset=("kills",), paths=(str(path),)))["kills"]
        assert (kill["victim"]["pid"], kill["host"]) == (41, "web7")
        assert (
            len(
                [
                    event
                    for event in parse(TextLog("x", Clock(AT + 9.0).stamp).lines(path.read_bytes()))
                    if isinstance(event, Kill)
                ]
            )
            == 1
        )


def test_two_nodes_with_one_pid_and_size_are_two_kills_and_their_tables_are_never_mixed():
    header = "cat invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0"
    columns = "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name"
    row = "[     41]     %d    41       24       17    45056        0             5 %s"
    rows = [row % (7, "loader"), row % (9, "other")]
    said = [header, columns, None, BARE[0]]
    raw = [
        node + ": [   12.34567%d] " % number + (text or rows[node == "node13"])
        for number, text in enumerate(said)
        for node in ("node12", "node13")
    ]
    found = parse(TextLog("pdsh", Clock(AT + 9.0).stamp).lines("\n".join(raw).encode("utf-8")), include_tasks=True)
    kills = [event for event in found if isinstance(event, Kill)]
    assert [(kill.line.host, kill.victim.pid, [task.comm for task in kill.tasks]) for kill in kills] == [
        ("node12", 41, ["loader"]),
        ("node13", 41, ["other"]),
    ]


@pytest.mark.parametrize("make", [
    lambda text: {"reason": "OOMKilling", "message": text, "source": {"component": "kernel-monitor"}},
    lambda text: {"log": text + "\n", "stream": "stdout", "time": "2026-11-22T20:06:24Z"},
    lambda text: {"level": "error", "logger": "watcher", "msg": text},
    lambda text: {"kind": "Event", "items": [{"message": text, "reason": "OOMKilling"}]},
    lambda text: {"program": "bob", "message": text},
    lambda text: {"kubernetes": {"pod_name": "p", "container_name": "c"}, "message": text},
    lambda text: [text],
], ids=["event", "container", "logger", "events", "program", "pod", "list"])  # fmt: skip
@pytest.mark.parametrize("dump", [json.dumps, pretty], ids=["one line", "pretty"])
def test_what_an_application_tells_is_no_kill(make, dump):
    assert kills_of(dump(make(BARE[0])) + "\n") == []
