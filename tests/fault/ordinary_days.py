# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of days on which nobody was killed for lack of memory. Written for the tests, in the words that daemons use.
Runs on Python 3.6.
"""

_HOST = "vm1"

#: (tag, has a pid, text); %d is a number
QUIET = (
    ("systemd", True, "Started Session %d of user root."),
    ("systemd", True, "Starting Cleanup of Temporary Directories..."),
    ("systemd", True, "logrotate.service: Succeeded."),
    ("systemd", True, "apt-daily.service: Deactivated successfully."),
    ("systemd", True, "apt-daily.service: Consumed 1.%ds CPU time."),
    ("CRON", True, "(root) CMD (command -v debian-sa1 > /dev/null && debian-sa1 1 1)"),
    ("sshd", True, "Accepted publickey for admin from 192.0.2.%d port 51234 ssh2: ED25519 SHA256:abc"),
    ("sshd", True, "pam_unix(sshd:session): session opened for user admin(uid=1000) by (uid=0)"),
    ("sshd", True, "Connection closed by 192.0.2.%d port 40022 [preauth]"),
    ("kernel", False, "[%5d.123456] usb 1-1: new high-speed USB device number 4 using xhci_hcd"),
    ("kernel", False, "[%5d.523456] EXT4-fs (sda1): re-mounted. Opts: errors=remount-ro"),
    ("kernel", False, "[%5d.223456] device eth0 entered promiscuous mode"),
    ("kernel", False, "[%5d.000100] Memory: 2012344K/2096632K available (14339K kernel code, 2333K rwdata)"),
    (
        "kernel",
        False,
        "[%5d.000100] perf: interrupt took too long (2501 > 2500), lowering kernel.perf_event_max_sample_rate to 79750",
    ),
    ("dhclient", True, "DHCPACK of 192.0.2.17 from 192.0.2.1"),
    (
        "rsyslogd",
        False,
        '[origin software="rsyslogd" swVersion="8.2302.0" x-pid="621" x-info="https://www.rsyslog.com"] rsyslogd was HUPed',
    ),
    ("postfix/smtpd", True, "disconnect from localhost[127.0.0.1] ehlo=1 quit=1 commands=2"),
    ("dbus-daemon", True, "[system] Successfully activated service 'org.freedesktop.hostname1'"),
    ("chronyd", True, "Selected source 192.0.2.123"),
    ("earlyoom", True, "mem avail:  1834 of  1973 MiB (92.97%%), swap free:    0 of    0 MiB ( 0.00%%)"),
    ("earlyoom", True, "sending SIGTERM when mem <= 10.00%% and swap <= 10.00%%,"),
    ("earlyoom", True, "        SIGKILL when mem <=  5.00%% and swap <=  5.00%%"),
    (
        "audit",
        True,
        "USER_AUTH pid=%d uid=0 auid=4294967295 msg='op=PAM:authentication grantors=pam_unix acct=\"admin\" res=success'",
    ),
)

#: Somebody ends something, and it is nobody's lack of memory.
ABOUT_KILLS = (
    ("systemd", True, "nginx.service: Sent signal SIGHUP to main process %d (nginx) on client request."),
    ("systemd", True, "nginx.service: Killing process %d (nginx) with signal SIGKILL."),
    ("systemd", True, "nginx.service: State 'stop-sigterm' timed out. Killing."),
    ("systemd", True, "nginx.service: Main process exited, code=killed, status=9/KILL"),
    ("systemd", True, "nginx.service: Main process exited, code=killed, status=15/TERM"),
    ("systemd", True, "nginx.service: Failed with result 'signal'."),
    ("systemd", True, "nginx.service: Failed with result 'timeout'."),
    ("systemd", True, "session-%d.scope: Killing process 4711 (bash) with signal SIGTERM."),
    ("systemd", True, "user@1000.service: Killing process %d (dbus-daemon) with signal SIGKILL."),
    ("systemd", True, "Stopping Userspace Out-Of-Memory (OOM) Killer..."),
    ("systemd", True, "Started systemd-oomd.service - Userspace Out-Of-Memory (OOM) Killer."),
    ("systemd", True, "Started earlyoom.service - Early OOM Daemon."),
    ("CRON", True, "(root) CMD (pkill -f /usr/local/bin/stale-worker)"),
    ("CRON", True, "(backup) CMD (/usr/bin/killall -q -9 rsync; /srv/backup/run)"),
    ("sudo", False, "admin : TTY=pts/0 ; PWD=/home/admin ; USER=root ; COMMAND=/usr/bin/kill -9 %d"),
    ("sudo", False, "admin : TTY=pts/0 ; PWD=/home/admin ; USER=root ; COMMAND=/usr/bin/pkill -KILL java"),
    (
        "audit",
        True,
        'SYSCALL arch=c000003e syscall=62 success=yes exit=0 a0=%d a1=9 comm="kill" exe="/usr/bin/kill" key="kill_signals"',
    ),
    ("nginx", True, "2026/11/22 20:06:24 [notice] %d#0: signal 17 (SIGCHLD) received from 4712"),
    ("nginx", True, "2026/11/22 20:06:24 [alert] %d#0: worker process 4712 exited on signal 9"),
    ("php-fpm", True, "[WARNING] [pool www] child %d, script '/srv/www/index.php' executing too slow, terminating"),
    ("php-fpm", True, "[WARNING] [pool www] child %d exited on signal 9 (SIGKILL) after 12.345678 seconds from start"),
    ("postgres", True, "LOG:  server process (PID %d) was terminated by signal 15: Terminated"),
    ("postgres", True, "LOG:  received fast shutdown request"),
    (
        "dockerd",
        True,
        'time="2026-11-22T20:06:24Z" level=info msg="Container failed to exit within 10s of signal 15 - using the force" container=6b4013',
    ),
    (
        "containerd",
        True,
        'time="2026-11-22T20:06:24Z" level=info msg="shim disconnected" id=6b4013ef254b namespace=moby',
    ),
    (
        "kubelet",
        True,
        'I1122 20:06:24.123456    %d kuberuntime_container.go:709] "Killing container with a grace period" pod="a/b" containerName="c" gracePeriod=30',
    ),
    ("gunicorn", True, "[CRITICAL] WORKER TIMEOUT (pid:%d)"),
    ("gunicorn", True, "[INFO] Worker exiting (pid: %d)"),
    ("supervisord", True, "INFO stopped: worker (terminated by SIGTERM)"),
    ("supervisord", True, "WARN killing 'worker' (%d) with SIGKILL"),
    ("named", True, "received SIGHUP signal to reload zones"),
    ("rsyslogd", False, '[origin software="rsyslogd" swVersion="8.2302.0" x-pid="%d"] exiting on signal 15.'),
    ("gnome-session-binary", True, "WARNING: Application 'org.gnome.Shell.desktop' killed by signal 9"),
    (
        "kernel",
        False,
        "[%5d.654321] traps: a.out[4711] general protection fault ip:401136 sp:7ffd error:0 in a.out[401000+1000]",
    ),
    (
        "kernel",
        False,
        "[%5d.654321] a.out[4711]: segfault at 0 ip 0000000000401136 sp 00007ffd error 6 in a.out[401000+1000]",
    ),
    (
        "kernel",
        False,
        "[%5d.654321] sysrq: HELP : loglevel(0-9) reboot(b) crash(c) terminate-all-tasks(e) memory-full-oom-kill(f) kill-all-tasks(i)",
    ),
    ("kernel", False, "[%5d.654321] systemd-journald[231]: Received SIGTERM from PID 1 (systemd)."),
    ("systemd-logind", True, "Session %d logged out. Waiting for processes to exit."),
    ("ansible-command", True, "Invoked with _raw_params=pkill -f worker _uses_shell=False argv=None chdir=None"),
    ("monit", True, "'worker' trying to restart; stop: /bin/kill -TERM %d"),
    ("haproxy", True, "[WARNING]  (%d) : All workers exited. Exiting... (143)"),
    ("fail2ban.actions", True, "NOTICE  [sshd] Ban 192.0.2.%d"),
    ("java", True, "at com.example.KillSwitch.kill(KillSwitch.java:%d)"),
)


def lines(rng, count, about_kills=False):
    """So many lines of syslog, in the order of time."""
    texts = QUIET + ABOUT_KILLS if about_kills else QUIET
    found = []
    seconds = 0
    for _number in range(count):
        seconds = min(seconds + rng.randrange(60), 86399)
        tag, has_pid, text = rng.choice(texts)
        stamp = "Nov 22 %02d:%02d:%02d" % (seconds // 3600, seconds // 60 % 60, seconds % 60)
        number = rng.randrange(1, 250)
        said = text % number if "%d" in text or "%5d" in text else text.replace("%%", "%")
        pid = "[%d]" % (1 if tag == "systemd" else 400 + number) if has_pid else ""
        found.append(("%s %s %s%s: %s" % (stamp, _HOST, tag, pid, said)).encode("utf-8"))
    return found
