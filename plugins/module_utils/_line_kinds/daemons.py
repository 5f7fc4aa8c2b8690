# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the killers of user space and systemd print: one row per kind of line, its patterns under the releases that
print them.

A row without a handler is a line that is known and tells of no kill: the list is closed, and whatever else such a
program says of killing counts as a line that nobody here has seen.
"""

import re

from ansible_collections.memops.linux.plugins.module_utils._regex import regex

from .model import CUT, LineKind, beginning_of

# --- earlyoom: one pattern per spelling, newest first. The start-up banner ("sending SIGTERM when mem <=") has no pid.
EARLYOOM_KILL = (
    # 1.8, 1.9
    regex(
        r"sending SIG\w+ to process (?P<pid>\d{1,20}) uid (?P<uid>\d{1,20}) \"(?P<comm>.*)\": oom_score"
        r" (?P<score>-?\d{1,20})"
        r"(?:, oom_score_adj (?P<adj>-?\d{1,20}))?, VmRSS (?P<rss>\d{1,20}) MiB",
        re.DOTALL,
    ),
    # 1.4 to 1.7
    regex(
        r"sending SIG\w+ to process (?P<pid>\d{1,20}) uid (?P<uid>\d{1,20}) \"(?P<comm>.*)\": badness"
        r" (?P<score>-?\d{1,20}), VmRSS (?P<rss>\d{1,20}) MiB",
        re.DOTALL,
    ),
    # 1.3
    regex(
        r"sending SIG\w+ to process (?P<pid>\d{1,20}) \"(?P<comm>.*)\": badness (?P<score>-?\d{1,20}), VmRSS"
        r" (?P<rss>\d{1,20}) MiB",
        re.DOTALL,
    ),
    # 1.3-rc
    regex(
        r"killing process (?P<pid>\d{1,20}) \"(?P<comm>.*)\" with signal \d+: badness:? (?P<score>-?\d{1,20}), VmRSS:?"
        r" (?P<rss>\d{1,20}) MiB",
        re.DOTALL,
    ),
    # 1.2
    regex(
        r"Killing process '(?P<comm>.*)' with signal \d+, pid: (?P<pid>\d{1,20}), badness: (?P<score>-?\d{1,20}),"
        r" VmRSS: (?P<rss>\d{1,20}) MiB",
        re.DOTALL,
    ),
    # 1.1
    regex(
        r"Killing process: (?P<comm>.*), pid: (?P<pid>\d{1,20}), badness: (?P<score>-?\d{1,20}), VmRSS:"
        r" (?P<rss>\d{1,20}) MiB",
        re.DOTALL,
    ),
)
# Cut behind the name, in it, before it.
_TO_PROCESS = r"sending SIG(?:TERM|KILL) to process (?P<pid>\d{1,20})(?: uid (?P<uid>\d{1,20}))? "
EARLYOOM_CUT = (
    regex(
        _TO_PROCESS + r"\"(?P<comm>[^\"\n]{0,64})\":? ?"
        r"(?:(?:badness|oom_score) (?P<score>-?\d{1,20}), ?[^\n]{0,64}|(?:"
        + beginning_of("badness ")
        + "|"
        + beginning_of("oom_score ")
        + r")-?\d{0,20})"
        + CUT
    ),
    regex(_TO_PROCESS + r"\"[^\"\n]{0,64}$"),
    regex(r"sending SIG(?:TERM|KILL) to process (?P<pid>\d{1,20}) " + beginning_of("uid ") + r"\d{0,20}" + CUT),
)
# to 1.0; the tag is needed, the words are anybody's
EARLYOOM_OLD = regex(r"Killing process (?P<pid>\d{1,20}) (?P<comm>\S.*)$", re.DOTALL)
EARLYOOM_TAKEN_BACK = (
    # 1.5 and later, with --dryrun: after the line that names the process, and after what a script of -N (1.8) prints
    regex(r"dryrun, not actually sending any signal"),
    # 1.3 and later; 1.2; 1.1; to 1.0: it prints before it kills. "Timer expired": the signal was sent, and the process
    # is slow to die.
    regex(r"kill failed: (?!Timer expired)|kill\(\) failed: |userspace_kill: kill\(\) failed|Could not kill process"),
)
# What it says only behind a signal, or when it looks at the memory again.
EARLYOOM_SENT = regex(
    r"process (?:\d{1,20} )?exited|escalating to SIG|killing whole process group|low memory!|mem avail"
)
_EARLYOOM_HARMLESS = (
    # start-up, 1.3 and later
    regex(r"\s*(?:sending )?SIG(?:TERM|KILL) when mem"),
    regex(r"\s*(?:Will (?:avoid|prefer|ignore|not)|Preferring to kill|Avoiding to kill|Ignoring|Notifying|Kernel)\b"),
    # 1.2 and later
    regex(r"low memory! at or below SIG(?:TERM|KILL) limits"),
    regex(r"escalating to SIGKILL after|kill failed: Timer expired"),
    # 1.7 and later, with -g
    regex(r"killing whole process group \d"),
    # with -k: the kernel prints the kill
    regex(r"trigger_kernel_oom: |Invoking oom killer"),
    regex(
        r"Could not find a process to kill|kill_process: (?:victim|could not)|process \d{1,20} (?:did not"
        r" exit|exited|is already)"
    ),
    # to 1.0
    regex(r"OOM: Currently available"),
    regex(r"(?:earlyoom|EarlyOOM) v?\d|Received signal|received SIG|terminated by signal"),
)
EARLYOOM = (
    LineKind("earlyoom sends a signal", ("sending SIG", "illing process"), EARLYOOM_KILL, "kill", after=16),
    LineKind("earlyoom sends a signal, cut", ("sending SIG",), EARLYOOM_CUT, "kill", after=16),
    LineKind("earlyoom to 1.0", ("Killing process ",), (EARLYOOM_OLD,), "old_kill", after=16),
    LineKind(
        "earlyoom takes a kill back",
        ("dryrun, ", "kill failed", "kill() failed", "Could not kill"),
        EARLYOOM_TAKEN_BACK,
        "taken_back",
    ),
    LineKind("earlyoom, known and harmless", ("",), _EARLYOOM_HARMLESS),
)

# --- systemd-oomd: the tail tells it from everybody else's "Killed /…".
OOMD_KILL = (
    # 248 to 259 "Killed", since 260 "Marked … for killing"
    regex(
        r"(?:Killed|Marked) (?P<cgroup>/.*?)(?: for killing)? due to memory pressure for (?P<pressed>/.*)$", re.DOTALL
    ),
    # 248.4 and later
    regex(
        r"(?:Killed|Marked) (?P<cgroup>/.*?)(?: for killing)? due to memory used \(\d+\) / total \(\d+\) and swap used",
        re.DOTALL,
    ),
    # 248 to 248.3
    regex(
        r"(?:Killed|Marked) (?P<cgroup>/.*?)(?: for killing)? due to swap used \(\d+\) / total \(\d+\) being more"
        r" than ",
        re.DOTALL,
    ),
)
# Cut: behind its cgroup, or in it.
OOMD_CUT = (
    regex(
        r"(?:Killed|Marked) (?P<cgroup>/\S{1,1024}) (?:for killing )?(?:due to memory pressure for \S{0,1024} ?"
        + beginning_of("being")
        + r"|due to (?:memory|swap) used[^\n]{0,128}|d"
        + beginning_of("ue to memory pressure for ")
        + r"|d"
        + beginning_of("ue to memory used ")
        + r"|d"
        + beginning_of("ue to swap used ")
        + r"|f"
        + beginning_of("or killing due to ")
        + r")"
        + CUT
    ),
    regex(r"(?:Killed|Marked) /\S{0,1024}?" + CUT),
)
# What follows the second cgroup; a pager cuts the line at the width of the terminal.
OOMD_TAIL = regex(r" being |\sb?e?>?$")
# 261 and later: no other line names the victim of kill-all; for the others it is the last Path of what follows
OOMD_RULE = regex(
    r"Rule '(?P<rule>[^'\n]{0,256})' conditions met for cgroup (?P<cgroup>/.*?)(?: \(lasting [^)]{0,64}\))?, taking"
    r" action (?P<action>\S+)",
    re.DOTALL,
)
# 247 and 248-rc: who died is said at debug level only
OOMD_ANNOUNCED = (
    regex(
        r"Memory pressure for (?P<pressed>/.*) is greater than \d{1,20} for more than \d{1,20} seconds and there was"
        r" reclaim activity",
        re.DOTALL,
    ),
    regex(r"Swap used \(\d{1,20}\) / total \(\d{1,20}\) is more than \d{1,20}"),
)
OOMD_PATH = regex(r"\s*Path: (?P<cgroup>/.*?)\s*$", re.DOTALL)
# The rest of what is dumped before or after a kill, 251 and later
OOMD_DUMP = regex(
    r"\s*(?:Considered \d{1,20} cgroups? for killing|(?:Memory Pressure Limit|Pressure|Current Memory Usage|Memory"
    r" Min|Memory Low|Pgscan"
    r"|Last Pgscan|Swap Usage|Effective|Avg)\b[^\n]{0,200}:)"
)
# 247 and later; 261
OOMD_FAILED = regex(r"Failed to kill ")
# 247 to 259; since 260
OOMD_DRYRUN = regex(r"oomd dry-run: Would have tried to kill ")
# debug; as a rule another line tells of the kill
OOMD_ATTEMPT = regex(r"oomd attempting to kill (?P<pid>\d{1,20}) with (?:SIG)?KILL")
_OOMD_HARMLESS = (
    # 260 and later
    regex(r"Invoking oomd prekill hook |oomd prekill hook |Prekill hook "),
    # debug
    regex(r"Memory pressure for /.{0,4096} is \d|Swap used \(\d", re.DOTALL),
    regex(r"(?:Failed|Error|Could not|Couldn't|Received SIG|Reloaded|Set |No |Skipping|Ignoring|Found|Unable)\b"),
)
SYSTEMD_OOMD = (
    LineKind("systemd-oomd killed a cgroup", ("due to memory ", "due to swap used "), OOMD_KILL, "kill"),
    LineKind("systemd-oomd killed a cgroup, cut", ("Killed /", "Marked /"), OOMD_CUT, "cut"),
    LineKind("a rule of systemd-oomd", ("taking action ",), (OOMD_RULE,), "rule", after=96),
    LineKind(
        "systemd-oomd of 247", ("there was reclaim activity", "is more than "), OOMD_ANNOUNCED, "announced", after=4
    ),
    LineKind("systemd-oomd names a candidate", ("Path: ",), (OOMD_PATH,), "path", before=0, after=0),
    LineKind("systemd-oomd dumps a candidate", ("Considered ", ":"), (OOMD_DUMP,), "dump", before=0, after=0),
    LineKind("systemd-oomd sends a signal", ("attempting to kill ",), (OOMD_ATTEMPT,), "attempt"),
    LineKind("systemd-oomd could not kill", ("Failed to kill ",), (OOMD_FAILED,), "failed"),
    LineKind("systemd-oomd only says what it would do", ("oomd dry-run: ",), (OOMD_DRYRUN,), "dry_run"),
    LineKind("systemd-oomd, known and harmless", ("",), _OOMD_HARMLESS),
)

# --- nohang: the pid and the name come lines before the signal.
NOHANG_VICTIM = (
    # 2019-03 and later
    regex(
        r"\s*(?:PID|Pid|pid): *(?P<pid>\d{1,20}), *(?:Name|name): *(?P<comm>.*?)(?:, badness:"
        r" *(?P<score>-?\d{1,20}).*)?$",
        re.DOTALL,
    ),
    # 0.1
    regex(r"\s*Victim is (?P<comm>.*), pid: (?P<pid>\d{1,20}), badness: (?P<score>-?\d{1,20}), VmRSS: ", re.DOTALL),
)
# 2018-12 to 2019-02: each on its own line
NOHANG_FIELD = regex(r"\s*(?P<field>Name|PID|badness|Badness): *(?P<value>\S.*?)\s*$", re.DOTALL)
NOHANG_SIGNAL = regex(r"\s*(?:Sending|Send) (?P<signal>SIG\w+)(?: to the victim|\s*$|;)", re.DOTALL)
NOHANG_ONE_LINE = regex(
    r"\s*(?:Sending|Send) SIG\w+ to (?P<comm>.+?), Pid: ?(?P<pid>\d{1,20})(?:, Badness: ?(?P<score>-?\d{1,20}))?",
    re.DOTALL,
)
# A soft action of the configuration; any other command kills nobody by itself.
NOHANG_COMMAND = regex(
    r"\s*(?:Run|Running|Execute|Executing) the command: (?:/\S{1,64}/)?kill(?: -\S{1,16}){0,2} (?P<pid>\d{1,20})\s*$"
)
# After 0.2.0: what the kernel said, and how often it did what
NOHANG_ECHO = regex(r"\s*(?:kmsg: |\[ ?[A-Z ]{2,8} ?\] |Total stat|.{0,200}: \d{1,9}\s*$)", re.DOTALL)
_NOHANG_HARMLESS = (
    NOHANG_ECHO,
    regex(r"\s*(?:Run|Running|Execute|Executing) the command"),
    regex(
        r"\s*(?:Memory status|MemAvailable|SwapFree|PSI |Found |TOP |Process with|Finding |Recheck|Implement|Victim"
        r" (?:is|status|details)|The victim)"
    ),
    regex(
        r"\s*(?:victim |victim's |Regexp |Cmdline|cmdline|CGroup|cgroup|Realpath|Environ|Ancestry|[A-Z][\w -]{0,40}: )",
        re.IGNORECASE,
    ),
    regex(
        r"\s*(?:Start(?:ing|ed)?|Monitoring|Config|Got signal|Got the SIG|Exit|OK|Warning|Memory"
        r" info|Success|Error|Unable|Failed)\b",
        re.IGNORECASE,
    ),
)
NOHANG = (
    LineKind("nohang in one line", ("SIG",), (NOHANG_ONE_LINE,), "one_line"),
    LineKind("nohang names its victim", ("PID: ", "Pid: ", "pid: "), NOHANG_VICTIM, "victim"),
    LineKind("nohang tells of its victim line by line", ("Name: ", "PID: ", "adness: "), (NOHANG_FIELD,), "field"),
    LineKind("nohang sends a signal", ("Sending SIG", "Send SIG"), (NOHANG_SIGNAL,), "signal", before=48),
    LineKind("nohang lets kill(1) do it", ("the command: ",), (NOHANG_COMMAND,), "command", before=48),
    LineKind("nohang, known and harmless", ("",), _NOHANG_HARMLESS),
)

# --- facebook oomd: BaseKillPlugin.cpp; its log has the place in the source before each line (since 2025-02 a time
# before that), and the cgroup as a path of files.
_PLACE = r"(?:\d{4} \d\d:\d\d:\d\d(?:\.\d{1,9})? )?(?:\[[^\]\s]{1,128}:\d{1,6}\] )?"
_LOADS = r"[\d.]{1,20} [\d.]{1,20} [\d.]{1,20} "
FB_TRYING = regex(_PLACE + r"Trying to kill (?:/sys/fs/cgroup(?=/))?(?P<cgroup>/\S{1,1024})\s*$")
# HEAD with kernel_kill=true: nothing is said of the processes
FB_CGROUP_KILL = regex(
    _PLACE + r"Trying to kill (?:/sys/fs/cgroup(?=/))?(?P<cgroup>/\S{1,1024}) with cgroup\.freeze and cgroup\.kill"
)
FB_KILLED = regex(_PLACE + r"Killed (?P<count>\d{1,20}): (?P<rest>\d+[ (].*|\d+)$", re.DOTALL)
# "12(a)"; "12" without a name; "12(a)[E1]" was not killed
FB_MEMBER = regex(
    r"(?<!\d)(?P<pid>\d{1,20})(?:\((?P<comm>.{0,64}?)\))?(?P<failed>\[E\d{1,6}\])?(?= \d{1,20}(?:[ (\[]|$)|\s*$)",
    re.DOTALL,
)
# Told once more in one line: its own log, and the kernel's
FB_LINE = regex(
    _PLACE + r"(?:oomd kill: )?" + _LOADS + r"(?P<cgroup>\S{1,1024}) \d{1,20} ruleset:\[[^\]]{0,256}\] "
    r"detectorgroup:\[[^\]]{0,256}\] killer:(?P<dry>\(dry\))?\S"
)
# The plugin systemd_restart
FB_RESTARTED = regex(_PLACE + r"(?:oomd kill: )?restarted systemd service=(?P<unit>\S{1,256})")
_FB_HARMLESS = (
    regex(_PLACE + r"(?:No processed killed|Failed to kill|OOMD: In dry-run mode|In dry-run mode|Trying to kill)"),
    regex(
        _PLACE
        + r"(?:Picked|Prefer|Skipping|Running|Ruleset|Action|Detector|oomd (?:version|running|loaded)|Got |Received )",
        re.IGNORECASE,
    ),
)
FB_OOMD = (
    LineKind("oomd kills through the cgroup", ("cgroup.kill",), (FB_CGROUP_KILL,), "cgroup_kill"),
    LineKind("oomd begins to kill", ("Trying to kill ",), (FB_TRYING,), "trying", before=0, after=4),
    LineKind("oomd killed", ("Killed ",), (FB_KILLED,), "killed"),
    LineKind("oomd in one line", (" killer:",), (FB_LINE,), "line"),
    LineKind("oomd restarted a service", ("restarted systemd service=",), (FB_RESTARTED,), "restarted"),
    LineKind("oomd, known and harmless", ("",), _FB_HARMLESS),
)

# --- Talos 1.12 and later: through cgroup.kill, so that the kernel says nothing.
TALOS_KILL = regex(r"(?:\[talos\] )?Sending SIGKILL to cgroup \{.{0,400}\"cgroup\": ?\"(?P<cgroup>/[^\"\n]{1,1024})\"")
TALOS = (LineKind("Talos killed a cgroup", ("SIGKILL to cgroup ",), (TALOS_KILL,), "kill"),)

# --- bustd: in Rust; in Zig.
BUSTD_VICTIM = regex(
    r"\[LOG\] Victim => pid: (?P<pid>\d{1,20}), comm: (?P<comm>.{0,64}), oom_score: (?P<score>-?\d{1,20})", re.DOTALL
)
BUSTD_EXITED = regex(r"\[LOG\] Process with PID (?P<pid>\d{1,20}) has exited")
BUSTD_SENT = regex(r"(?:warning: )?Successfully sent SIG\w+ to process (?P<pid>\d{1,20})")
BUSTD = (
    LineKind(
        "bustd killed",
        ("Victim => pid: ", "Process with PID ", "Successfully sent SIG"),
        (BUSTD_VICTIM, BUSTD_EXITED, BUSTD_SENT),
        "kill",
    ),
)

# --- systemd: pid 1, and the manager of a user
# 243 to 258; since 259
VERDICT_OOM = regex(
    r"(?P<unit>\S+\.\w+): (?:A process of this unit has been killed by the OOM killer|The kernel OOM killer killed some"
    r" processes in this unit)\."
)
# services since 243, scopes since 252
VERDICT_RESULT = regex(r"(?P<unit>\S+\.\w+): Failed with result 'oom-kill'\.")
# since 247; without a number since 251
VERDICT_OOMD = regex(r"(?P<unit>\S+\.\w+): systemd-oomd killed (?P<count>\d{1,9}|some) process\(es\) in this unit\.")
# The same, cut.
VERDICT_CUT = regex(
    r"(?P<unit>\S+\.\w+): (?:A process of this unit has been k"
    + beginning_of("illed by the OOM killer")
    + r"|The kernel OOM killer k"
    + beginning_of("illed some processes in this unit")
    + r"|Failed with (?P<result>result) 'oom"
    + beginning_of("-kill'")
    + r"|systemd-(?P<oomd>oomd) killed (?P<count>\d{1,9}|some) "
    + beginning_of("process(es) in this unit")
    + r")"
    + CUT
)
_SYSTEMD_HARMLESS = (
    # debug; the same is told in another line
    regex(r"\S+: Process(?:\(es\))? of control group (?:was|were) killed by "),
    regex(r"(?:Starting|Started|Stopping|Stopped|Listening|Closed|Reached|Finished|Created|Removed|Condition)\b"),
    regex(
        r"(?:\S+: )?(?:Killing process|Sent signal|Unit process|Deactivated|Consumed|Scheduled|Triggering|Main process"
        r" exited|Control process exited)"
    ),
)
SYSTEMD = (
    LineKind("systemd-oomd killed, says systemd", ("systemd-oomd killed ",), (VERDICT_OOMD,), "oomd"),
    LineKind("the kernel killed, says systemd", ("OOM killer",), (VERDICT_OOM,), "oom"),
    LineKind("a unit failed of it, says systemd", ("oom-kill",), (VERDICT_RESULT,), "result"),
    LineKind(
        "systemd tells of it, cut",
        ("of this unit has been k", "OOM killer k", "result 'oom", "systemd-oomd killed "),
        (VERDICT_CUT,),
        "cut",
    ),
    LineKind("systemd, known and harmless", ("",), _SYSTEMD_HARMLESS),
)

#: Every program of user space, and the tags under which it speaks.
DAEMONS = (
    (("earlyoom",), EARLYOOM),
    (("systemd-oomd",), SYSTEMD_OOMD),
    (("nohang", "nohang-desktop"), NOHANG),
    (("oomd",), FB_OOMD),
    (("talos",), TALOS),
    (("bustd",), BUSTD),
    (("systemd",), SYSTEMD),
)
