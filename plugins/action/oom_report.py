# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""oom_report: collects what the play knows of its hosts, and hands it to the writers. Nothing in here is templated."""

from __future__ import annotations

import gc
import os
import shlex
import time
import typing as t

from ansible import constants as C
from ansible import context
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.memops.linux.plugins.module_utils._text import printable
from ansible_collections.memops.linux.plugins.modules.oom_report import argument_spec
from ansible_collections.memops.linux.plugins.plugin_utils._actions.steering import not_taken, steering
from ansible_collections.memops.linux.plugins.plugin_utils._actions.typed import switch, words, yaml_or_text
from ansible_collections.memops.linux.plugins.plugin_utils._report import (
    archive,
    digest,
    files,
    history,
    intake,
    markdown,
    metrics,
    page,
    problem_words,
    sheet,
    summary,
    table,
)
from ansible_collections.memops.linux.plugins.plugin_utils._report.fact_cache import read_cache
from ansible_collections.memops.linux.plugins.plugin_utils._report.files import Document
from ansible_collections.memops.linux.plugins.plugin_utils._report.fleet import HostInput, build, generation_time
from ansible_collections.memops.linux.plugins.plugin_utils._report.intake import IntakeError
from ansible_collections.memops.linux.plugins.plugin_utils._report.results import read_variables

if t.TYPE_CHECKING:
    from ansible_collections.memops.linux.plugins.plugin_utils._policy.compliance import Compliance

display = Display()

#: what each format is called in the directory
NAMES = {
    "html": "index.html",
    "json": "report.json",
    "md": "report.md",
    "csv": "kills.csv",
    "junit": "junit.xml",
    "sarif": "findings.sarif",
    "findings": "findings.json",
    "suggestions": "suggestions.yml",
    "metrics": "metrics.prom",
    "summary": "summary.json",
}
#: what the variables of a role may say
_STEERED = ("dest", "formats", "title", "print_table", "policy", "enforce", "unknown", "from", "previous")
#: and what only its other tasks go by
_OF_ROLES = ("gather", "units", "since", "until", "include_tasks", "timeout", "predict")
#: how those are read that are no plain text: on the command line all are strings
_READ: dict[str, t.Callable[[t.Any], t.Any]] = {
    "formats": words,
    "units": words,
    "policy": yaml_or_text,
    "from": yaml_or_text,
    "gather": switch,
    "predict": switch,
    "include_tasks": switch,
}
_COLOURS = {"bad": C.COLOR_ERROR, "warn": C.COLOR_WARN, "good": C.COLOR_OK}
#: the table must not stand in the middle of a document that a program reads
_MACHINE_CALLBACKS = ("json", "jsonl")


def terminal_width() -> int:
    """Of the terminal, else $COLUMNS, else 120 (a log of CI)."""
    try:
        return os.get_terminal_size(1).columns
    except OSError:
        columns = os.environ.get("COLUMNS", "")
        return int(columns) if columns.isdecimal() else 120


def _place(options: t.Mapping[str, t.Any]) -> str:
    """Where the report goes, as an absolute path. Under ansible-runner and AWX a relative one begins in the artifacts
    of the job: the folder that it was started in does not outlive it.
    """
    dest = (options["dest"] or "").strip()
    if not dest and options["formats"] != []:
        raise files.ReportFilesError("nothing was written: dest is empty. Give a directory.")
    artifacts = os.environ.get("AWX_ISOLATED_DATA_DIR", "")
    if os.path.isabs(artifacts) and os.path.isdir(artifacts):
        return os.path.normpath(os.path.join(artifacts, options["dest"] or ""))
    return os.path.abspath(options["dest"] or "")


def _command() -> str:
    """The command of this run, with root. Extra variables stay out of it: they may be secret."""
    given = context.CLIARGS
    plays = [str(one) for one in given.get("args") or ()] if isinstance(given.get("args"), (list, tuple)) else []
    if not plays or given.get("become"):
        return ""
    words = ["ansible-playbook"]
    for inventory in given.get("inventory") or ():
        words += ["-i", str(inventory)]
    if given.get("subset"):
        words += ["--limit", str(given["subset"])]
    return printable(shlex.join([*words, *plays, "--become"]))


class ActionModule(ActionBase):
    """Runs on the controller, once for all hosts, and opens no connection."""

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        settings = self._settings(task_vars or {})
        self._task.args = {**{name: settings[name] for name in _STEERED if name in settings}, **self._task.args}
        _validated, options = self.validate_argument_spec(argument_spec())
        collecting = gc.isenabled()
        gc.disable()  # 50,000 kills are millions of objects and none of them is garbage: a fifth of the time
        try:
            result.update(self._report(options, task_vars or {}))
        except (files.ReportFilesError, IntakeError) as exc:
            raise AnsibleActionFail(str(exc)) from None  # Ansible would say the message of the cause as well
        finally:
            if collecting:
                gc.enable()
        if settings and options["hosts"] == []:
            result["settings"] = settings
        return result

    def _settings(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        prefix = self._task.args.get("variables")
        if prefix is None:
            return {}
        found, others = steering(self, task_vars, str(prefix), _STEERED + _OF_ROLES)
        if others:
            display.warning(not_taken(others))
        for option in _READ.keys() & found.keys():
            try:
                found[option] = _READ[option](found[option])
            except ValueError as exc:
                raise AnsibleActionFail(f"nothing was done: {prefix}_{option}: {exc}") from None
        strange = [str(name) for name in found.get("formats") or [] if name not in NAMES]
        if strange:  # the task that checks the options writes nothing and would not look
            raise AnsibleActionFail(
                f"nothing was done: {prefix}_formats: {', '.join(strange)} is none of {', '.join(NAMES)}"
            )
        return found

    def _report(self, options: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        dest = _place(options)
        now = time.time()
        past = history.read_past(dest, options["previous"])
        report = build(self._inputs(options, task_vars), generation_time(os.environ, now), past)
        judged = None if options["policy"] is None else self._judge(options["policy"], report, task_vars, now)
        wanted = self._documents(report, options, judged, task_vars)
        documents = (Document(NAMES[name], render()) for name, render in wanted.items())
        changed = files.write(dest, documents, dry_run=self._task.check_mode)
        keeps_history = "json" in wanted and options["hosts"] != []
        changed += history.note(dest, report, self._task.check_mode) if keeps_history else []
        lines = table.lines(report, terminal_width())
        result = {
            "changed": bool(changed),
            "changed_files": changed,
            "dest": dest,
            "history": os.path.join(dest, history.NAME) if keeps_history else None,
            **{name: os.path.join(dest, NAMES[name]) if name in wanted else None for name in NAMES},
        }  # type: dict[str, t.Any]
        if judged is None:
            result["fleet"] = report["fleet"]
            result["headline"] = problem_words.verdict_line(report)
            result["problems"] = problem_words.first(report)
            result["states"] = {name: entry["state"] for name, entry in report["hosts"].items()}
            result["table"] = [line.text for line in lines]
        else:
            result = self._judged(result, judged, options)
        if options["hosts"] != []:
            # numbers only: what AWX keeps of a job becomes variables of the jobs that follow
            said = {**summary.numbers(report), "dest": dest}
            result["ansible_stats"] = {"data": {"oom_report": said}, "per_host": False, "aggregate": False}
        if options["print_answers"]:
            self._show(digest.lines(report, self._said(options, task_vars), terminal_width(), _command()))
        if options["print_table"]:
            self._print(lines, dest, list(wanted), judged)
        return result

    def _judged(self, result: dict[str, t.Any], judged: Compliance, options: dict[str, t.Any]) -> dict[str, t.Any]:
        """The result with what a policy found."""
        if options["hosts"] != []:  # the roles check the policy first, and judge by it later
            for note in judged.policy.notes():
                display.warning(note)
        result.update(judged.result(options["enforce"], options["unknown"]))
        if options["hosts"] == []:
            result["policy_units"] = judged.units
        if result.get("failed"):  # all of it is printed as the error
            return {name: value for name, value in result.items() if name not in NAMES and name != "changed_files"}
        return result

    def _judge(self, policy: t.Any, report: dict[str, t.Any], task_vars: dict[str, t.Any], now: float) -> Compliance:
        from ansible_collections.memops.linux.plugins.plugin_utils._policy import compliance

        name = policy.get("extends") if isinstance(policy, t.Mapping) else policy
        # As dest: where the command was started. A playbook of a collection has no folder that a person would put a
        # policy into.
        folder, beside = os.getcwd(), self._loader.get_basedir()
        if (
            isinstance(name, str)
            and not os.path.exists(os.path.expanduser(name))
            and os.path.exists(os.path.join(beside, name))
        ):
            folder = beside
        try:
            return compliance.judge(policy, folder, report, self._connections(report["hosts"], task_vars), now)
        except ImportError as exc:
            raise files.ReportFilesError(
                f"nothing was written: policy: {exc}. Install it where Ansible is installed, or leave policy out."
            ) from exc

    def _documents(
        self,
        report: dict[str, t.Any],
        options: dict[str, t.Any],
        judged: Compliance | None,
        task_vars: dict[str, t.Any],
    ) -> dict[str, t.Callable[[], str]]:
        """Format -> what renders it."""
        title = options["title"]
        writers = {
            "html": lambda: page.render(report, title, judged.html()) if judged else page.render(report, title),
            "json": lambda: archive.render(report),
            "md": lambda: (
                markdown.render(report, title, judged.markdown()) if judged else markdown.render(report, title)
            ),
            "csv": lambda: sheet.render(report),
        }  # type: dict[str, t.Callable[[], str]]
        if judged:
            writers.update(
                junit=judged.junit, sarif=judged.sarif, findings=judged.listing, suggestions=judged.suggestions
            )
        wanted = options["formats"] if options["formats"] is not None else list(writers)
        writers.update(
            metrics=lambda: metrics.render(report, self._victims(options, report["hosts"], task_vars)),
            summary=lambda: summary.render(report, title),
        )
        unjudged = [name for name in wanted if name not in writers]
        if unjudged:
            raise files.ReportFilesError(
                f"nothing was written: formats {', '.join(unjudged)} need a policy. Give one, or leave them out."
            )
        if "sarif" in wanted and "findings" not in wanted:
            raise files.ReportFilesError(
                "nothing was written: sarif points into findings.json. Add findings to formats."
            )
        return {name: render for name, render in writers.items() if name in wanted}

    @staticmethod
    def _variable(hosts: t.Iterable[str], variable: str, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Host -> what it has in that variable, raw, where it has one."""
        hostvars = task_vars.get("hostvars")
        found = {}
        for name in hosts:
            variables = hostvars.raw_get(name) if hostvars is not None and name in hostvars else None
            if isinstance(variables, t.Mapping) and variables.get(variable) is not None:
                found[name] = variables[variable]
        return found

    def _connections(self, hosts: t.Iterable[str], task_vars: dict[str, t.Any]) -> dict[str, str]:
        """By what each host is reached, where its variables say so."""
        found = self._variable(hosts, "ansible_connection", task_vars)
        return {name: kind for name, kind in found.items() if isinstance(kind, str)}

    def _victims(
        self, options: dict[str, t.Any], hosts: t.Iterable[str], task_vars: dict[str, t.Any]
    ) -> dict[str, t.Any]:
        """What oom_score_info said of each host; what was gathered before has no forecast."""
        return {} if options["from"] is not None else self._variable(hosts, options["victims"], task_vars)

    def _said(self, options: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, str]:
        """What oom_facts said of each host, in one line."""
        hosts = map(str, task_vars.get("ansible_play_hosts_all") or ())
        found = self._variable(hosts, options["gathered"], task_vars)
        return {name: str(one.get("msg") or "") for name, one in found.items() if isinstance(one, t.Mapping)}

    def _inputs(self, options: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, HostInput]:
        if options["from"] is not None and options["hosts"] != []:
            return self._taken(options, task_vars)
        facts = options["facts"] or {}
        hosts = options["hosts"]
        if hosts is None:
            hosts = list(facts) if options["facts"] is not None else task_vars.get("ansible_play_hosts_all") or []
        hostvars = task_vars.get("hostvars")
        in_play = set(task_vars.get("ansible_play_hosts") or ())
        found = {}
        for host in hosts:
            name = str(host)
            if name in facts:
                found[name] = HostInput(facts[name])
            else:
                # raw_get: values from hosts must not meet the template engine
                variables = hostvars.raw_get(name) if hostvars is not None and name in hostvars else None
                found[name] = read_variables(variables, options["gathered"], name in in_play)
        return found

    def _taken(self, options: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, HostInput]:
        """What was gathered before. A host of the play that none of the sources has is unknown."""
        taken = intake.take(options["from"], read_cache)
        for note in taken.notes:
            display.warning(note)
        wanted = options["hosts"]
        if wanted is None:
            missing = [str(host) for host in task_vars.get("ansible_play_hosts_all") or []]
            wanted = [*taken.hosts, *(host for host in missing if host not in taken.hosts and host != "localhost")]
        unknown = HostInput(None, None, "none of the sources that `from` names has facts of it")
        return {str(host): taken.hosts.get(str(host), unknown) for host in wanted}

    def _print(self, lines: list[table.Line], dest: str, wanted: list[str], judged: Compliance | None) -> None:
        """The table, or what a policy found; where it was written; and the verdict at last."""
        names = [NAMES[name] for name in wanted]
        if judged and len(names) > 2:
            names = [names[0], f"{len(names) - 1} more"]
        written = f"{'Would write' if self._task.check_mode else 'Written'} to {printable(dest)}: {', '.join(names)}"
        shown = (
            [*lines, table.Line("")] if judged is None else [table.Line(text, judged.mood) for text in judged.details]
        )
        if wanted:
            shown.append(table.Line(written))
        if judged:
            shown.append(table.Line(judged.headline, judged.mood))
        self._show(shown)

    @staticmethod
    def _show(lines: list[table.Line]) -> None:
        callback = str(C.config.get_config_value("DEFAULT_STDOUT_CALLBACK"))
        stderr = callback.rpartition(".")[2] in _MACHINE_CALLBACKS
        for line in [table.Line(""), *lines, table.Line("")]:
            display.display(line.text, color=_COLOURS.get(line.mood), stderr=stderr)
