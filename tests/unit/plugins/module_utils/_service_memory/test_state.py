# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._service_memory import state as survey_room
from ansible_collections.memops.linux.plugins.module_utils._service_memory.params import parse_requests
from ansible_collections.memops.linux.plugins.module_utils._service_memory.state import read_state, refreshed
from ansible_collections.memops.linux.tests.unit.plugins.module_utils._service_memory.states import params

FOLDER = "/etc/systemd/system/web.service.d"


def look(machine, *names):
    return read_state(machine.host, parse_requests(params(name=list(names), oom_score_adjust=1)))


def test_one_question_for_all(make):
    machine = make()
    machine.unit("pg@.service")
    machine.start("pg@1.service")
    machine.asked = []
    web, ghost, template = look(machine, "web", "ghost", "pg@")
    assert (
        len([text for text in machine.asked if " show " in text]) == 2
    )  # one for the plain ones, one for the instances
    assert web.exists and not ghost.exists and template.exists and template.state is None and template.unit.is_template
    assert (
        [state.id for state in template.running] == ["pg@1.service"]
        and template.shown is template.running[0]
        and web.running == ()
    )
    assert [unit.asked for unit in (ghost,)] == [()] and len(template.asked) == 1 and len(web.asked) == 1


def test_our_file_and_what_lies_beside_it(make):
    machine = make()
    (web,) = look(machine, "web")
    assert web.before is None and not web.leftovers and web.kept == {}
    os.makedirs(machine.root + FOLDER)
    assert look(machine, "web")[0].leftovers
    machine.drop_in("web.service", "50-memops.conf", "[Service]\nOOMScoreAdjust=3\n")
    (web,) = look(machine, "web")
    assert web.before is not None and web.kept == {"oom_score_adjust": "3"} and not web.leftovers
    machine.write(FOLDER + "/.50-memops.conf.memops~", "[Ser")
    assert look(machine, "web")[0].leftovers


def test_a_link_in_the_place_of_our_file_is_the_matter_of_one_unit(make):
    machine = make()
    machine.unit("db.service")
    os.makedirs(machine.root + FOLDER)
    machine.link(FOLDER + "/50-memops.conf", "/etc/shadow")
    web, db, longest = look(machine, "web", "db", "a" * 247 + ".service")
    assert web.before is None and "50-memops.conf is a symbolic link" in (web.unsafe or "") and db.unsafe is None
    assert (longest.unsafe or "").endswith("cannot be read: File name too long")


def test_without_root_it_is_the_matter_of_all(make, monkeypatch):
    def refused(*_arguments, **_keywords):
        raise PermissionError(13, "Permission denied")

    machine = make()
    monkeypatch.setattr(survey_room, "open_folder", refused)  # the tests run as root
    with pytest.raises(PermissionError):
        look(machine, "web")


@pytest.mark.parametrize("booted", [True, False])
def test_the_alias_of_a_template(make, booted):
    machine = make(booted=booted)
    machine.unit("mariadb@.service")
    machine.link("/usr/lib/systemd/system/mysql@.service", "mariadb@.service")
    machine.link("/usr/lib/systemd/system/odd@.service", "web.service")
    if booted:
        machine.start("mariadb@a.service")
    alias, odd = look(machine, "mysql@", "odd@")
    assert (
        alias.path == "/etc/systemd/system/mariadb@.service.d/50-memops.conf"
        and alias.exists
        and alias.fragment.endswith("/mariadb@.service")
    )
    assert [state.id for state in alias.running] == (["mariadb@a.service"] if booted else [])
    assert odd.unit.name == "odd@.service"


def test_an_instance_that_comes_meanwhile_is_seen_and_one_with_its_own_wish_is_not(make):
    machine = make()
    machine.unit("pg@.service")
    machine.start("pg@1.service")
    before = look(machine, "pg@")[0].without(
        frozenset([("pg@2.service", "50-memops.conf"), ("pg@3.service", "60-other.conf")])
    )
    for number in (2, 3):
        machine.start("pg@%d.service" % number)
    (template,) = refreshed(machine.host, [before])
    assert [state.id for state in template.running] == ["pg@1.service", "pg@3.service"]


def test_without_systemd(make):
    machine = make(booted=False)
    machine.link("/etc/systemd/system/www.service", "/usr/lib/systemd/system/web.service")
    machine.link("/etc/systemd/system/dead.service", "/dev/null")
    web, www, dead, ghost = look(machine, "web", "www", "dead", "ghost")
    assert machine.asked == [] and web.exists and web.shown is None and web.asked == ()
    assert www.unit.name == "web.service" and dead.is_masked and dead.unit.name == "dead.service" and not ghost.exists


def test_refreshed_keeps_the_bytes_from_before(make):
    machine = make()
    machine.unit("pg@.service")
    machine.start("pg@1.service")
    before = look(machine, "web", "pg@")
    machine.drop_in("web.service", "50-memops.conf", "[Service]\nOOMScoreAdjust=3\n")
    machine._daemon_reload()
    machine.start("web.service")
    web, template = refreshed(machine.host, before)
    assert (
        web.before is None
        and web.state.loaded("oom_score_adjust") == 3
        and len(web.running) == 1
        and len(template.running) == 1
    )
