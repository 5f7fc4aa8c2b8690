# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands before every module of this collection that runs on hosts: it asks the host, and lets nothing of the
answer steer the controller.
"""

from __future__ import annotations

import json
import time
import typing as t

from ansible.module_utils.json_utils import _filter_non_json_lines
from ansible.plugins.action import ActionBase

from . import answer, bounds
from .documented import Keys

Json = dict[str, t.Any]

_NO_JOB = {"failed": True, "msg": "the host did not tell the name of the job"}  # type: Json


class HostModule(ActionBase):
    """As the action that Ansible runs for any module, but for the answer, which is made anew before Ansible sees it.

    A job with `poll` is waited for in here. Ansible would take its result from async_status as it is.
    """

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = True

    #: what the module may answer with
    KEYS = {}  # type: Keys

    _refused = None  # type: str | None

    def run(self, tmp: t.Any = None, task_vars: Json | None = None) -> Json:
        result: Json = super().run(tmp, task_vars)
        seconds, poll = self._task.async_val, self._task.poll
        given = self._execute_module(task_vars=task_vars, wrap_async=bool(seconds))
        if seconds and poll and not given.get("failed"):
            given = self._waited(given, seconds, poll, task_vars)
        elif seconds and answer.job_of(given) is None and not given.get("failed"):
            given = _NO_JOB
        result.update(self._result(given))
        if not seconds:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def facts(self, given: t.Any) -> Json:
        """Of the ansible_facts of a host, those that become variables."""
        return {}

    def _result(self, given: Json) -> Json:
        if self._refused:
            given = {"failed": True, "msg": f"{self._refused}. Nothing of it was read; ask for less."}
        made = answer.result(given, self.KEYS)
        made["invocation"] = {"module_args": self._task.args}
        if given.get("ansible_facts"):
            made["ansible_facts"] = given[
                "ansible_facts"
            ]  # by facts(), and the interpreter that Ansible itself has found
        return made

    def _parse_returned_data(self, res: Json, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Ansible warns of keys, makes objects of others, and prints what is no JSON: here it gets the answer that is
        taken.
        """
        said = {stream: res.get(stream) or "" for stream in ("stdout", "stderr")}
        self._refused = bounds.too_much(said["stdout"]) or bounds.too_much(said["stderr"])
        if self._refused:
            said = dict.fromkeys(said, "")
        else:
            said["stdout"] = self._taken(said["stdout"])
        return super()._parse_returned_data({**res, **said}, *args, **kwargs)

    def _taken(self, text: str) -> str:
        try:
            given = json.loads(_filter_non_json_lines(text, objects_only=True)[0])
        except RecursionError:
            self._refused = "the answer is nested too deep"
            return ""
        except ValueError:
            return text  # Ansible says what that means
        made = answer.taken(given, self.KEYS)
        facts = self.facts(given.get("ansible_facts"))
        return json.dumps({**made, "ansible_facts": facts} if facts else made)

    def _waited(self, job: Json, seconds: int, poll: float, task_vars: Json | None) -> Json:
        asked = {
            "jid": answer.job_of(job),
            "_async_dir": self._remote_expand_user(self.get_shell_option("async_dir", default="~/.ansible_async")),
        }
        if asked["jid"] is None:
            return _NO_JOB
        self._task.async_val = 0  # neither these calls nor the executor have to do with jobs any more
        given, end = {}, time.monotonic() + seconds  # type: Json, float
        while not given.get("finished") and not self._refused and time.monotonic() < end:
            time.sleep(poll)
            given = self._status({**asked, "mode": "status"}, task_vars)
        if not given.get("finished") and not self._refused:
            return {"failed": True, "msg": f"async task did not complete within the requested time - {seconds}s"}
        refused = self._refused
        self._status({**asked, "mode": "cleanup"}, task_vars)
        self._refused = refused
        return given

    def _status(self, asked: Json, task_vars: Json | None) -> Json:
        given = self._execute_module(
            module_name="ansible.legacy.async_status", module_args=dict(asked), task_vars=task_vars
        )
        return t.cast("Json", given)
