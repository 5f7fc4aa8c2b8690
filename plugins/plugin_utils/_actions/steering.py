# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that steer the controller, as a person has set them: no fact, no set_fact and no variable of a single host
is among them.

A task that runs once has the variables of the first host of the play, and facts outrank group_vars and role defaults.
Here the variables are those of a host that does not exist, in the groups that all hosts of the play share: Ansible
knows no facts of it.
"""

from __future__ import annotations

import inspect
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.inventory.host import Host
from ansible.plugins.action import ActionBase

Json = dict[str, t.Any]

_NOWHERE = "the controller of memops.linux"
#: what the inventory itself says of each host, whoever that is
_OF_INVENTORY = ("inventory_dir", "inventory_file")
_SOURCES = "group_vars of groups that all hosts of the play share, variables of the play and of the role, and -e"


def _nobody(inventory: t.Any, names: t.Sequence[str]) -> Host:
    """A host without facts, in the groups that all of these share."""
    name = _NOWHERE
    while name in inventory.hosts:
        name += " "
    nobody = Host(name)
    real = [host for host in (inventory.get_host(one) for one in names) if host is not None]
    shared = set.intersection(*(set(host.get_groups()) for host in real)) if real else set()
    for group in [inventory.groups["all"], *sorted(shared, key=lambda group: (group.depth, group.name))]:
        nobody.add_group(group)
    for host in real[:1]:
        nobody.vars.update({key: host.vars[key] for key in _OF_INVENTORY if key in host.vars})
    return nobody


def _variables(action: ActionBase, task_vars: Json) -> Json:
    hostvars: t.Any = task_vars.get("hostvars")
    try:
        manager, inventory = hostvars._variable_manager, hostvars._inventory
        play = action._task._parent._play
        names = task_vars.get("ansible_play_hosts_all") or []
        more = (
            {"include_delegate_to": False}
            if "include_delegate_to" in inspect.signature(manager.get_vars).parameters
            else {}
        )
        return dict(manager.get_vars(play=play, host=_nobody(inventory, names), task=action._task, **more))
    except (AttributeError, KeyError, TypeError) as exc:
        raise AnsibleActionFail(
            f"nothing was done: this ansible-core does not tell variables apart from facts ({type(exc).__name__}:"
            f" {exc})"
        ) from exc


def steering(action: ActionBase, task_vars: Json, prefix: str, options: t.Iterable[str]) -> tuple[Json, list[str]]:
    """Option -> value of the variable PREFIX_OPTION, for those that are set; and the variables that the first host
    would have set otherwise.
    """
    variables = _variables(action, task_vars)
    templar = action._templar.copy_with_new_env(available_variables=variables)
    found, others = {}, []
    for option in options:
        name = f"{prefix}_{option}"
        if name in task_vars and task_vars[name] != variables.get(name):
            others.append(name)
        if name not in variables:
            continue
        try:
            found[option] = templar.template(variables[name])
        except AnsibleError as exc:
            raise AnsibleActionFail(f"nothing was done: {name} is read from {_SOURCES}, without facts: {exc}") from exc
    return found, others


def not_taken(names: t.Sequence[str]) -> str:
    return (
        f"{', '.join(names)}: a fact, set_fact or a variable of one host says something else, which is not taken. It is"
        f" read from {_SOURCES}."
    )
