# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports with newlines in names, as every syslog daemon writes them, with others' lines in between; and what must come
out.

Here it is known who died, so more is asked than that nothing breaks. Runs on Python 3.6 as well.
"""

#: The prefix of a line: number of the line, kernel seconds of the record. Some kinds leave the seconds out.
PREFIXES = {
    "rfc3164": lambda n, s: "Nov 22 20:06:%02d vm1 kernel: " % (24 + (n > 5)),
    "rfc3164 seconds": lambda n, s: "Nov 22 20:06:24 vm1 kernel: [%12.6f] " % s,
    "rfc3164 caller": lambda n, s: "Nov 22 20:06:24 vm1 kernel: [%12.6f][ T123] " % s,
    "rfc3164 priority": lambda n, s: "<4>Nov 22 20:06:24 vm1 kernel: ",
    "rfc3164 year": lambda n, s: "Nov 22 20:06:24 vm1 kernel: ",
    "rfc3164 language": lambda n, s: "nov. 22 20:06:24 vm1 kernel: ",
    "rfc3164 month by number": lambda n, s: "11\u6708 22 20:06:24 vm1 kernel: ",
    "busybox": lambda n, s: "Nov 22 20:06:24 vm1 kern.warn kernel: ",
    "grep": lambda n, s: "log/messages-20261122:%d:Nov 22 20:06:24 vm1 kernel: " % n,
    "no host": lambda n, s: "Nov 22 20:06:24 kernel: ",
    "rsyslog": lambda n, s: "2026-11-22T20:06:04.%06d+00:00 vm1 kernel: " % (160000 + 17 * n),
    "rsyslog slow": lambda n, s: "2026-11-22T20:06:04.%06d+00:00 vm1 kernel: " % (1000 + 20000 * n),
    "rsyslog seconds": lambda n, s: "2026-11-22T20:06:04.%06d+00:00 vm1 kernel: [%12.6f] " % (160000 + 17 * n, s),
    "rfc5424": lambda n, s: "<4>1 2026-11-22T20:06:04.%06d+00:00 vm1 kernel - - - " % (160000 + 17 * n),
    "rfc5424 seconds": lambda n, s: "<4>1 2026-11-22T20:06:04.%06d+00:00 vm1 kernel - - - [%12.6f] "
    % (160000 + 17 * n, s),
    "logread": lambda n, s: "Sun Nov 22 20:06:24 2026 kern.warn kernel: [%12.6f] " % s,
    "short-full": lambda n, s: "Sun 2026-11-22 20:06:24 UTC vm1 kernel: ",
    "short-unix": lambda n, s: "1795377984.%06d vm1 kernel: " % (160000 + 17 * n),
    "short-monotonic": lambda n, s: "[%12.6f] vm1 kernel: " % s,
    "dmesg": lambda n, s: "[%12.6f] " % s,
    "dmesg -r": lambda n, s: "<4>[%12.6f] " % s,
    "dmesg -x": lambda n, s: "kern  :warn  : [%12.6f] " % s,
    "dmesg -T": lambda n, s: "[Sun Nov 22 20:06:24 2026] ",
    "dmesg iso": lambda n, s: "2026-11-22T20:06:24,%06d+00:00 " % (s % 1 * 1e6),
}
#: Nobody who writes to the socket of syslog gets into these.
KERNEL_ONLY = ("dmesg", "dmesg -r", "dmesg -x", "dmesg -T", "dmesg iso", "short-monotonic")

_PIECES = (
    "a",
    "line",
    "break",
    "(x)",
    ")",
    " ",
    ": ",
    "z z",
    ", UID 0,",
    "Out of memory",
    "Killed process",
    ",pid=1,uid=0",
    ") score 5",
    "task=",
    '"',
    "sending SIG",
)
_MODERN = "%s: Killed process %d (%s) total-vm:%dkB, anon-rss:%dkB, file-rss:%dkB, shmem-rss:0kB, UID:%d pgtables:88kB oom_score_adj:0"
_SUMMARY = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=%s,task_memcg=%s,task=%s,pid=%d,uid=%d"
_CHOSEN = "Memory cgroup out of memory: Kill process %d (%s) score 5 or sacrifice child"
_EL7 = "Killed process %d (%s), UID %d, total-vm:%dkB, anon-rss:%dkB, file-rss:%dkB, shmem-rss:0kB"
_FORGED_REST = "x) total-vm:1kB, anon-rss:1kB, file-rss:1kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0"


class Case:
    """data -- the log; victim -- what must come out; forged -- somebody wrote in the kernel's name, so more may come
    out
    """

    def __init__(self, rng, form=None):
        self.form = form or rng.choice(sorted(PREFIXES))
        self.forged = self.form not in KERNEL_ONLY and rng.random() < 0.5
        self.victim = {
            "pid": rng.randrange(100, 30000),
            "comm": self._name(rng),
            "uid": rng.randrange(2000),
            "total_vm": rng.randrange(9000, 1 << 20) << 10,
            "anon_rss": rng.randrange(1, 9000) << 10,
            "file_rss": rng.randrange(1, 9000) << 10,
        }
        self.cgroup = "/system.slice/a.service"
        self._rng, self._seconds, self._number = rng, 191.930493, 0
        lines = []
        for record in self._records():
            lines += self._between(4) if rng.random() < 0.5 else []
            torn = record.split("\n")
            for part, text in enumerate(torn):
                if part and self.form not in KERNEL_ONLY:
                    lines += self._between(3, forged=self.forged, last=part == len(torn) - 1 and "total-vm" in text)
                lines.append(self._line(text))
            self._seconds += 0.000007
        lines += self._between(4)
        self.data = ("\n".join(lines) + "\n").encode("utf-8")

    def _name(self, rng):
        while True:
            words = [rng.choice(_PIECES) for _word in range(rng.randrange(1, 3))]
            words.insert(rng.randrange(len(words) + 1), "\n")
            name = "".join(words) + rng.choice(("", "", "\nb", "é"))
            # A paste may indent these: a blank before them is not kept. A word and a colon are a tag there.
            odd = "\n Out" in name or "\n Killed" in name or (self.form == "dmesg iso" and ":" in name)
            if len(name.encode("utf-8")) <= 15 and not odd:
                return name

    def _records(self):
        v, header = self.victim, "hog invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0"
        sizes = tuple(v[field] >> 10 for field in ("total_vm", "anon_rss", "file_rss"))
        if self._rng.random() < 0.3:  # to 4.18, EL 7
            limit = "Task in %s killed as a result of limit of %s" % (self.cgroup, self.cgroup)
            return [header, limit, _CHOSEN % (v["pid"], v["comm"]), _EL7 % ((v["pid"], v["comm"], v["uid"]) + sizes)]
        summary = _SUMMARY % (self.cgroup, self.cgroup, v["comm"], v["pid"], v["uid"])
        return [header, summary, _MODERN % (("Memory cgroup out of memory", v["pid"], v["comm"]) + sizes + (v["uid"],))]

    def _line(self, text, seconds=None):
        self._number += 1
        return PREFIXES[self.form](self._number, self._seconds if seconds is None else seconds) + text

    def _between(self, most, forged=False, last=False):
        """What others write meanwhile. forged -- in the kernel's name; last -- the kill's own rest comes next"""
        rng, lines = self._rng, []
        if self.form in KERNEL_ONLY:
            return lines
        for _line in range(rng.randrange(most)):
            text = rng.choice(("hello", _FORGED_REST, "Killed process 7 (a", "session opened"))
            lines.append(
                self._line(text).replace("kernel", rng.choice(("sshd[9]", "mallory", "postfix/qmgr[1]", "cron[5]")))
            )
            if "vm1" in lines[-1] and rng.random() < 0.5:
                self._number += 1
                lines.append(self._line(_FORGED_REST).replace("vm1", "vm2"))
        if forged:  # what logger writes has no kernel seconds but those that its author makes up
            lines += [self._as_logger(rng.choice((_FORGED_REST, "hello, this is no kernel")))]
            if last and rng.random() < 0.3:
                lines.append(self._as_logger("q"))
        return lines

    def _as_logger(self, text):
        return self._line(text, seconds=self._rng.choice((1.0, self._seconds + 9)))

    def wrong(self, kills, unparsed):
        """What is not told right, or nothing. kills -- of the log, as the parser gives them"""
        told = [
            kill
            for kill in kills
            if all(getattr(kill.victim, field) == value for field, value in self.victim.items()) and not kill.partial
        ]
        if len(told) != 1:
            return "%s: told %d times: %r, but %r" % (
                self.form,
                len(told),
                self.victim,
                [kill.victim for kill in kills],
            )
        if (told[0].task_memcg, told[0].scope) != (self.cgroup, "memcg"):
            return "%s: of %r, %s" % (self.form, told[0].task_memcg, told[0].scope)
        mine = [
            kill
            for kill in kills
            if kill.victim.pid == self.victim["pid"] and kill.line.host in (told[0].line.host, None)
        ]
        if not self.forged and (len(mine) != 1 or unparsed):
            return "%s: %d kills, %d lines unparsed: %r" % (self.form, len(mine), unparsed, kills)
        return None
