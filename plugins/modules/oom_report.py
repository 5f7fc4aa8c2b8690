#!/usr/bin/python

# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: oom_report
short_description: Report the out-of-memory kills of all hosts
version_added: 0.5.0
author: memops.linux contributors (@memops)
description:
  - Takes the facts that M(memops.linux.oom_facts) gathered and writes one HTML page, JSON, Markdown and CSV for the
    fleet, and a table on the terminal.
  - This runs on the controller, once for all hosts of the play. It opens no connection, needs no C(become), and no
    network to read the page.
  - A host that could not be reached, failed, or could not read its own logs is shown as unknown, before all others. It
    is never shown as a clean one.
  - Kills that only a text log tells of are shown and counted apart, because any local user can write such a line.
extends_documentation_fragment:
  - memops.linux._attributes
attributes:
  action:
    support: full
    description: It is an action plugin and runs on the controller.
  bypass_host_loop:
    support: full
    description: Runs once, whatever number of hosts the play has.
    details:
      - The strategy P(ansible.builtin.free#strategy) does not support that.
  check_mode:
    support: full
    details:
      - The table is printed and the change is told from the content of the files. Nothing is written.
  diff_mode:
    support: none
    details:
      - RV(changed_files) names the files. Two versions of C(report.json) can be compared line by line.
  facts:
    support: none
    details:
      - It reads the facts that M(memops.linux.oom_facts) returned.
  platform:
    support: full
options:
  dest:
    description:
      - Directory on the controller. It is created, with mode C(0750), where it is missing.
      - Required, here or among the O(variables), where something is written.
      - The files are V(index.html), V(report.json), V(report.md) and V(kills.csv), with mode C(0640). They are replaced
        as whole files.
      - A directory inside C(group_vars) or C(host_vars) is refused. Ansible would load the report as variables there,
        and run templates that a user put into a process name.
    type: path
  hosts:
    description:
      - Names of the hosts to report on.
      - Default are the keys of O(facts), and without them all hosts of the play, those that failed or could not be
        reached included. With O(from) these are the hosts of its sources and of the play, without C(localhost).
    type: list
    elements: str
  facts:
    description:
      - The value of C(ansible_facts.oom) for each host, by its name.
      - Where a host is not in here, its own facts are taken.
    type: dict
  from:
    description:
      - Where facts stand that were gathered before, instead of those of this play. One source, or a list of them. No
        host is touched.
      - A path, as a text or as a mapping with C(path), of a C(report.json), of a file with the facts of one host (as
        C(ansible --tree) writes it) or of a mapping of hosts to their facts, or of a directory of such files. Reports are
        looked for four directories deep.
      - A fact cache, as a mapping with C(cache), C(connection) and C(prefix), through Ansible's own plugin. C(cache) is
        the name of the plugin, such as V(jsonfile) or V(community.general.redis), or V(true) for the cache that Ansible
        is configured with. Nothing in it expires by being read.
      - Each host keeps the state that it had, C(unreachable) and C(failed) too. Facts that are older than a day say so.
        What cannot be read, and a host of the play that no source has, is shown as unknown.
      - Where two sources have a host of one name, both are shown, with the source behind the name. With C(newest) in
        the mapping, which is V(true) then, the newest facts of each name are taken, as for the runs of one fleet.
      - All of it is shaped and bounded as the answer of a host is. A file may have 1 GiB, a directory 10,000 files.
    type: raw
  gathered:
    description:
      - Name of the variable in which the gathering task registered its result.
      - This is how a host that was unreachable is told from one that failed, and from one whose old facts are still in
        the fact cache. Give the gathering task C(ignore_unreachable=true) and C(ignore_errors=true), or the play may
        end before the report.
    type: str
    default: oom_report_gathered
  formats:
    description:
      - What to write. By default V(html), V(json), V(md) and V(csv), and with a O(policy) all.
      - V(junit) is C(junit.xml), V(sarif) is C(findings.sarif), V(findings) is C(findings.json), and V(suggestions) is
        C(suggestions.yml), a list for the role P(memops.linux.oom_protect#role) to be read and changed by a person.
        They need a O(policy).
      - V(metrics) is C(metrics.prom), for the textfile collector of node_exporter. What is not known has no sample. Its
        time changes it with every run. The collector reads it by its group; give the directory that group and C(g+s).
      - V(summary) is C(summary.json), at most 4 KB to be sent to a webhook; chats show its C(text).
      - Both are only written where they are named here.
    type: list
    elements: str
    choices: [html, json, md, csv, junit, sarif, findings, suggestions, metrics, summary]
  policy:
    description:
      - What is expected of the hosts, as a mapping, as the path of a YAML file, or V(baseline), the policy that ships
        with this collection. The role P(memops.linux.oom_compliance#role) describes it.
      - A relative path begins where C(ansible-playbook) was started, and where there is no such file, beside the
        playbook.
      - Then the findings stand in the report, and RV(verdict) tells what they amount to.
    type: raw
  enforce:
    description:
      - With a O(policy), fail the task where the policy failed, after everything was written. C(ansible-playbook) ends
        with 2 then.
      - Where nothing failed and something is not known, O(unknown) says what is done.
    type: bool
    default: true
  unknown:
    description:
      - With O(policy) and O(enforce), what is done where nothing failed and something is not known.
      - V(fail) fails the task, V(warn) warns.
    type: str
    choices: [fail, warn]
    default: fail
  variables:
    description:
      - Prefix of the variables that hold the options that are not given, such as V(oom_report) for C(oom_report_dest).
        The roles use it.
      - They are read without facts, without C(set_fact), and without the variables of a single host, so that no host
        steers the controller. What counts are C(group_vars) of groups that all hosts of the play share (C(all) is one),
        variables of the play and of the role, and C(-e).
    type: str
  previous:
    description:
      - The C(report.json) of an earlier run, or the directory that holds it. Problems are new, worse, the same or gone
        by what stands there.
      - By default it is the one that lies in O(dest), as it was before this run writes its own. Where there is none,
        what the hosts can see of the time before is what counts.
      - A report of the same half hour is the same look, and is compared with what that was compared with.
      - Beside C(report.json) a file C(history.jsonl) keeps one small line for each run, at most 2000, so that a job
        that asks for C(since=7d) every week still knows how many kills there were the week before.
    type: path
  title:
    description:
      - Title of the page.
    type: str
    default: Out-of-memory kills
  victims:
    description:
      - Name of the variable in which a task with M(memops.linux.oom_score_info) registered its result. Where it is set,
        V(metrics) tells by how much the next victim of each host leads.
    type: str
    default: oom_report_victims
    version_added: 0.2.0
  print_answers:
    description:
      - Whether to print what each host answered (the RV(memops.linux.oom_facts#module:msg) of O(gathered)), one line for
        each that has something to tell, and each reason why others have not once, with the hosts that share it. Where
        root was missing, it ends with the command that sees more.
      - With O(formats=[]) nothing is written, and no O(dest) is needed.
    type: bool
    default: false
    version_added: 0.2.0
  print_table:
    description:
      - Whether to print the table. It goes to standard error where the stdout callback writes JSON.
    type: bool
    default: true
notes:
  - Under C(ansible-runner) and AWX, which set E(AWX_ISOLATED_DATA_DIR), a relative O(dest) begins in the artifacts of
    the job. The numbers of the report are custom statistics of the run, as by M(ansible.builtin.set_stats), under
    C(oom_report). No word of a host is among them.
  - With the environment variable E(SOURCE_DATE_EPOCH) the same facts give the same bytes.
  - A report is not written again where nothing but the time of its generation would differ. The pages tell how old the
    facts are, in hours or days, and their time axis ends at the time of generation, so that old facts make another
    page.
  - To read the JSON in a playbook, use P(ansible.builtin.file#lookup) and P(ansible.builtin.from_json#filter), never
    M(ansible.builtin.include_vars), which would run templates that a user put into a process name.
seealso:
  - module: memops.linux.oom_facts
  - ref: ansible_collections.memops.linux.docsite.guide_report
    description: What every word of the report means
  - ref: ansible_collections.memops.linux.docsite.guide_compliance_ci
    description: The policy in GitHub, GitLab and Jenkins
"""

EXAMPLES = r"""
- name: Gather from all hosts, go on without those that cannot be read
  memops.linux.oom_facts:
    since: 7d
  register: oom_report_gathered
  ignore_unreachable: true
  ignore_errors: true

- name: Write the report on the controller
  memops.linux.oom_report:
    dest: ~/oom-report
    title: Kills of the last week
  delegate_to: localhost

- name: Is it as declared, of facts in the cache and of no host in particular
  memops.linux.oom_report:
    dest: ~/oom-report
    policy:
      extends: baseline
      kills: {max: 0, window: 7d}
      settings: {vm.panic_on_oom: 0}
  delegate_to: localhost

- name: All sites on one page, from the reports that each of them has written
  memops.linux.oom_report:
    dest: ~/oom-of-all-sites
    from: /srv/reports # berlin/report.json, paris/report.json
  delegate_to: localhost

- name: What a fact cache knows, without touching a host
  memops.linux.oom_report:
    dest: ~/oom-report
    from: {cache: jsonfile, connection: /var/cache/ansible/facts}
  delegate_to: localhost

- name: Only the JSON, and nothing on the terminal
  memops.linux.oom_report:
    dest: /srv/reports/oom
    formats: [json]
    print_table: false
  delegate_to: localhost
"""

RETURN = r"""
dest:
  description: The directory, as an absolute path.
  returned: success
  type: str
  sample: /home/ops/oom-report
html:
  description: Path of the page, V(none) where O(formats) leaves it out.
  returned: success
  type: str
  sample: /home/ops/oom-report/index.html
json:
  description: Path of the JSON document, V(none) where O(formats) leaves it out.
  returned: success
  type: str
  sample: /home/ops/oom-report/report.json
md:
  description: Path of the Markdown document, V(none) where O(formats) leaves it out.
  returned: success
  type: str
  sample: /home/ops/oom-report/report.md
csv:
  description: Path of the table of kills, V(none) where O(formats) leaves it out.
  returned: success
  type: str
  sample: /home/ops/oom-report/kills.csv
junit:
  description: Path of the JUnit XML, V(none) where O(formats) leaves it out. The same for C(sarif), C(findings),
    C(suggestions), C(metrics) and C(summary).
  returned: success
  type: str
  sample: /home/ops/oom-report/junit.xml
verdict:
  description:
    - V(pass), V(fail), or V(incomplete) where nothing failed and something is not known.
  returned: with O(policy)
  type: str
  sample: fail
msg:
  description: Everything that failed and everything that is not known, of all hosts.
  returned: with O(policy)
  type: str
  sample: |-
    Policy baseline on 2 hosts: 1 failure on 1 host, 1 unknown on 1 host, which does not count as a pass, 28 passed.
    FAILED (error) panic-on-oom on db1: The kernel panics where it could kill one process: settings.panic_on_oom=1
    (declared: 0).
totals:
  description: Number of findings by status, failures by severity, and hosts.
  returned: with O(policy)
  type: dict
  sample: {fail: 1, unknown: 1, pass: 28, failures: {info: 0, warning: 0, error: 1}, hosts: 2, hosts_failed: 1, hosts_unknown: 1}
policy_units:
  description: Units that the policy names, for the option O(memops.linux.oom_facts#module:units), with those of ssh.
  returned: with O(policy)
  type: list
  elements: str
  sample: [nginx.service, ssh.service, sshd.service]
settings:
  description:
    - What the O(variables) say, also those of the role that are not options here, such as C(gather) and C(units).
  returned: with O(variables) and without hosts
  type: dict
  sample: {dest: oom-compliance, policy: baseline, gather: true}
changed_files:
  description: Names of the files whose content is new.
  returned: success
  type: list
  elements: str
  sample: [index.html, report.json]
history:
  description: Path of C(history.jsonl), V(none) where O(formats) leaves V(json) out.
  returned: success
  type: str
  sample: /home/ops/oom-report/history.jsonl
headline:
  description: Whether it gets worse, of which period, and what is worst, in one line.
  returned: without O(policy)
  type: str
  sample: Worse. 39 kills in 7 days, 11 in the 7 before; postgresql on db1 every 6 h since Thursday.
problems:
  description:
    - The problems to look at first, at most five. C(report.json) has all of them, at most 1000, as C(problems), the most
      urgent first, and as C(trend) what became of them.
    - Kills are one problem when C(subject) (a unit, a container, a process), C(limit) (the cgroup that was full, null for
      the host) and C(host_group) (names of hosts that differ in numbers only) are the same. Their C(id) is the same in
      every report. C(kind) V(shortage) is one of which no victim is known, and C(subject) its outcome.
    - C(events) counts kills, or shortages without a victim; C(shortages) those that lie more than ten minutes apart.
      C(days) counts them per day, oldest first, null for a day that was not seen. C(dates) is on how many days there
      were any. C(hosts) are the 50 with most of C(hosts_total).
    - C(rhythm) has C(every) in seconds, C(since), C(until), C(times), the C(host) and whether it C(goes_on), null where
      there is none. C(recent) compares a C(period) with the one before it, null where no host of the problem sees both.
    - C(state) is V(new), V(worse), V(same) or V(gone), null where that is not known; C(state_by) says whether
      V(previous) or the V(window) that the hosts see told it. C(undated) of its C(events) have no time, and may be older
      or newer than C(first) and C(last), and are in no period. C(verdict) is V(chronic), V(transient) or V(unknown), as
      of a host, but a bad afternoon alone is not chronic.
    - C(remedy) is a C(text) and a C(command) to paste, null where there is none. It changes nothing until C(--check) is
      taken away.
    - C(trend) has, of all hosts, C(kills) and C(shortages) of the last C(period) and of the one before, the C(direction)
      (V(worse), V(better), V(same), V(new), V(quiet), V(none), or null where the C(undated) could change it), how many problems have which of the C(states),
      what is C(gone) and C(not_known) of the C(previous) report.
  returned: without O(policy)
  type: list
  elements: dict
  sample:
    - id: 0d1f2a3b4c5d6e7f
      kind: kill
      subject: postgresql.service
      subject_kind: unit
      hosts: {db1: 39}
      hosts_total: 1
      scope: memcg
      limit: /system.slice/postgresql.service
      limit_size: 536870912
      kills: 39
      shortages: 39
      first: 1795377980.0
      last: 1796022000.0
      rhythm: {every: 21600.0, since: 1795500000.0, until: 1796022000.0, times: 24, host: db1, goes_on: true}
      verdict: chronic
      state: worse
      state_by: previous
      remedy:
        text: Its own limit of 512 MiB was reached. Give it 768 MiB, or find out what grows in it.
        command: ansible-playbook memops.linux.victims -e memops_hosts=db1
table:
  description: The lines of the table on the terminal.
  returned: success
  type: list
  elements: str
  sample:
    - 1 kill on 1 of 2 hosts. 1 host is unknown, not clean.
states:
  description: The state of each host, V(ok), V(blind), V(unreachable) or V(failed).
  returned: success
  type: dict
  sample: {db1: ok, db3: unreachable}
fleet:
  description:
    - What all hosts add up to. C(totals.by_proof) counts kills by what speaks for them (see
      RV(memops.linux.oom_facts#module:ansible_facts.oom.kills)). Those that are V(disputed) are counted under
      C(disputed) and nowhere else; C(totals.untrusted) of C(totals.kills) stand in text logs.
    - C(window) is of which time every host that answered was asked for kills, C(gathered_at) when the first of them was
      asked, and C(stale) how many were asked more than a day before the report was made.
  returned: success
  type: dict
  sample:
    totals: {hosts: 2, ok: 1, partial: 0, blind: 0, unreachable: 1, failed: 0, kills: 1, untrusted: 0, disputed: 0,
      by_proof: {kernel: 1, confirmed: 0, logged: 0, disputed: 0}, copies: 0, unresolved: 0, unresolved_disputed: 0, unexplained: 0, unparsed: 0,
      quoted: 0, hosts_with_kills: 1}
    first: 1763835083.623675
    last: 1763835083.623675
    since: 1763700000.0
    by_unit: {hog2.service: 1}
    by_comm: {python3: 1}
    by_host: {db1: 1}
    by_killer: {kernel: 1}
    by_scope: {memcg: 1}
    disputed: {total: 0, first: null, last: null, by_unit: {}, by_comm: {}, by_host: {}, by_killer: {}, by_scope: {}}
    stale: 0
    gathered_at: 1763835090.5
    window: {since: 1763748690.5, until: null}
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

FORMATS = ("html", "json", "md", "csv", "junit", "sarif", "findings", "suggestions", "metrics", "summary")


def argument_spec() -> Dict[str, Any]:
    """The action plugin checks its options against the same."""
    return {
        "dest": {"type": "path"},
        "hosts": {"type": "list", "elements": "str"},
        "facts": {"type": "dict"},
        "from": {"type": "raw"},
        "gathered": {"type": "str", "default": "oom_report_gathered"},
        "formats": {"type": "list", "elements": "str", "choices": list(FORMATS)},
        "policy": {"type": "raw"},
        "enforce": {"type": "bool", "default": True},
        "unknown": {"type": "str", "choices": ["fail", "warn"], "default": "fail"},
        "variables": {"type": "str"},
        "previous": {"type": "path"},
        "title": {"type": "str", "default": "Out-of-memory kills"},
        "victims": {"type": "str", "default": "oom_report_victims"},
        "print_answers": {"type": "bool", "default": False},
        "print_table": {"type": "bool", "default": True},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    module.fail_json(
        msg=(
            "memops.linux.oom_report is an action plugin of the controller and was started as a module. Nothing was"
            " written."
        )
    )


if __name__ == "__main__":
    main()
