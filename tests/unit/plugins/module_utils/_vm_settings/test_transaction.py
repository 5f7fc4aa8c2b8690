# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a wish to the proof, on a directory that stands for a host: setting the real ones from a test would set them for
everybody.
"""

import itertools
import os

import pytest

from ansible_collections.memops.linux.plugins.module_utils._errors import ExecutionError, PreconditionError
from ansible_collections.memops.linux.plugins.module_utils._host import Host
from ansible_collections.memops.linux.plugins.module_utils._vm_settings import checks
from ansible_collections.memops.linux.plugins.module_utils._vm_settings import execute as vm
from ansible_collections.memops.linux.plugins.module_utils._vm_settings.checks import commit_limit
from ansible_collections.memops.linux.plugins.module_utils._vm_settings.dropin import edited, settings_in
from ansible_collections.memops.linux.plugins.module_utils._vm_settings.params import Params
from ansible_collections.memops.linux.plugins.module_utils._vm_settings.plan import live_order, restore_order
from ansible_collections.memops.linux.plugins.module_utils._vm_settings.transaction import apply

HEAD = b"# Written by the Ansible module memops.linux.vm_settings.\n"
DEFAULTS = {
    "swappiness": 60,
    "overcommit_memory": 0,
    "overcommit_ratio": 50,
    "overcommit_kbytes": 0,
    "panic_on_oom": 0,
    "min_free_kbytes": 45056,
    "page-cluster": 3,
    "dirty_ratio": 20,
    "dirty_bytes": 0,
    "admin_reserve_kbytes": 0,
    "user_reserve_kbytes": 0,
}
MEMINFO = {
    "MemTotal": 4 << 20,
    "SwapTotal": 1 << 20,
    "Committed_AS": 2 << 20,
    "HugePages_Total": 0,
    "Hugepagesize": 2048,
}


class Machine:
    def __init__(self, root):
        self.root = root
        self.warnings = []
        self.host = Host(root=str(root), warn=self.warnings.append)
        for folder in (
            "proc/sys/vm",
            "proc/sys/kernel",
            "etc/sysctl.d",
            "run/systemd/system",
            "run/tuned",
            "etc/tuned",
        ):
            (root / folder).mkdir(parents=True, mode=0o755)
        for key, value in DEFAULTS.items():
            (root / "proc/sys/vm" / key).write_text("%d\n" % value)
        (root / "proc/sys/kernel/osrelease").write_text("6.1.0-56-cloud-amd64\n")
        (root / "proc/sys/kernel/panic").write_text("0\n")
        self.meminfo()

    def meminfo(self, **changes):
        lines = [
            "%s: %d%s\n" % (name, size, "" if name == "HugePages_Total" else " kB")
            for name, size in dict(MEMINFO, **changes).items()
        ]
        (self.root / "proc/meminfo").write_text("".join(lines))

    @property
    def conf(self):
        path = self.root / "etc/sysctl.d/90-memops.conf"
        return path.read_bytes() if path.exists() else None

    def live(self):
        return {key: int((self.root / "proc/sys/vm" / key).read_text()) for key in DEFAULTS}

    def run(self, settings, check_mode=False, **options):
        return apply(self.host, Params(settings, **options), check_mode)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def same(machine):
    assert machine.live() == DEFAULTS and machine.conf is None


def test_set_proven_and_unchanged_the_second_time(machine):
    check = machine.run({"swappiness": 10}, check_mode=True)
    same(machine)
    done = machine.run({"swappiness": 10})
    assert check["changed"] and check["plan"] == done["plan"] == [
        "set vm.swappiness to 10, from 60",
        "write /etc/sysctl.d/90-memops.conf",
    ]
    assert check["diff"] == done["diff"]
    assert done["diff"]["before"] == "/proc/sys/vm/swappiness: 60\n"
    assert done["settings"] == {
        "swappiness": {
            "before": 60,
            "live": 10,
            "wanted": 10,
            "at_boot": {"value": "10", "file": "/etc/sysctl.d/90-memops.conf"},
            "shadowed_by": None,
            "persistent": True,
            "verified": True,
        }
    }
    assert done["verified"] and not check["verified"]
    assert machine.live() == dict(DEFAULTS, swappiness=10)
    assert machine.conf == HEAD + b"vm.swappiness = 10\n"
    again = machine.run({"vm.swappiness": "10"})
    assert not again["changed"] and again["plan"] == [] and again["verified"] and again["diff"]["after"] == ""
    assert machine.warnings == []


def test_live_and_file_are_told_apart(machine):
    machine.run({"swappiness": 10})
    (machine.root / "proc/sys/vm/swappiness").write_text("60\n")
    check = machine.run({"swappiness": 10}, check_mode=True)
    assert check["plan"] == ["set vm.swappiness to 10, from 60"]
    assert check["settings"]["swappiness"]["persistent"] and not check["settings"]["swappiness"]["verified"]
    machine.run({"swappiness": 10})
    os.unlink(str(machine.root / "etc/sysctl.d/90-memops.conf"))
    assert machine.run({"swappiness": 10})["plan"] == ["write /etc/sysctl.d/90-memops.conf"]


def test_gone_again_leaves_the_kernel_alone(machine):
    machine.run({"swappiness": 10, "page-cluster": 0})
    done = machine.run({"swappiness": None}, present=False)
    assert done["plan"] == ["write /etc/sysctl.d/90-memops.conf"] and done["verified"]
    assert done["settings"]["swappiness"]["at_boot"] is None and done["settings"]["swappiness"]["live"] == 10
    assert machine.conf == HEAD + b"vm.page-cluster = 0\n"
    assert machine.run({"page-cluster": 7}, present=False)["plan"] == ["remove /etc/sysctl.d/90-memops.conf"]
    assert machine.conf is None
    assert not machine.run({"page-cluster": 7}, present=False)["changed"]


def test_shadowed(machine):
    (machine.root / "etc/sysctl.conf").write_text("vm.swappiness = 60\n")
    (machine.root / "etc/sysctl.d/99-sysctl.conf").symlink_to("../sysctl.conf")
    check = machine.run({"swappiness": 10}, check_mode=True)
    same(machine)
    warned, machine.warnings[:] = list(machine.warnings), []
    done = machine.run({"swappiness": 10})
    assert warned == check["shadowed"] == done["shadowed"]
    assert check["settings"]["swappiness"]["shadowed_by"] == done["settings"]["swappiness"]["shadowed_by"]
    one = done["settings"]["swappiness"]
    assert one["live"] == 10 and not one["persistent"] and not one["verified"] and not done["verified"]
    assert one["shadowed_by"] == "/etc/sysctl.d/99-sysctl.conf (a link to /etc/sysctl.conf)"
    assert one["at_boot"] == {"value": "60", "file": "/etc/sysctl.d/99-sysctl.conf"}
    sentence = "sets vm.swappiness to 60 later than /etc/sysctl.d/90-memops.conf; take it out there"
    link = "/etc/sysctl.d/99-sysctl.conf (a link to /etc/sysctl.conf)"
    assert (
        machine.warnings == done["shadowed"] == ["vm.swappiness=10 will not outlast a boot: %s %s" % (link, sentence)]
    )
    assert not machine.run({"swappiness": 10})["changed"]


@pytest.mark.parametrize(
    "path, text",
    [
        ("etc/sysctl.d/91-x.conf", "vm.swappiness = 60\n"),
        ("etc/sysctl.d/89-x.conf", "vm.swappiness = 60\n"),
        ("etc/sysctl.d/91-x.conf", "vm.* = 60\n"),
        ("etc/sysctl.d/90-memops.conf", "vm.swappiness = 60\n"),
        ("usr/lib/sysctl.d/90-memops.conf", "vm.swappiness = 60\n"),  # hidden by ours
        ("run/sysctl.d/95-x.conf", "vm.swappiness = 60\n"),
    ],
)
def test_check_mode_foresees_what_wins_at_boot(machine, path, text):
    (machine.root / path).parent.mkdir(parents=True, exist_ok=True)
    (machine.root / path).write_text(text)
    before = sorted(machine.root.rglob("*"))
    check = machine.run({"swappiness": 10}, check_mode=True)
    assert sorted(machine.root.rglob("*")) == before
    done = machine.run({"swappiness": 10})
    assert check["shadowed"] == done["shadowed"]
    assert bool(done["shadowed"]) == (os.path.basename(path) > "90-memops.conf" and "*" not in text)


@pytest.mark.parametrize(
    "settings, options, says",
    [
        ({"panic_on_oom": 2}, {}, "give allow_panic: true"),
        ({"panic_on_oom": 1}, {}, "a shortage of memory panics the kernel"),
        ({"overcommit_memory": 2, "overcommit_ratio": 10}, {}, "the limit is 1.4 GiB, and 2.0 GiB are committed"),
        ({"overcommit_memory": 2, "overcommit_kbytes": 1000}, {}, "with overcommit_kbytes=1000 the limit is 1.0 GiB"),
        ({"zone_reclaim_mode": 1}, {}, "this kernel (6.1.0-56-cloud-amd64) has no vm.zone_reclaim_mode"),
        ({"swappiness": 1000}, {}, "not within 0 to 200"),
        (
            {"swapiness": 10},
            {},
            "settings: 'swapiness' is not known here; did you mean swappiness? there are admin_reserve_kbytes, ",
        ),
        ({"page_cluster": 0}, {}, "did you mean page-cluster?"),
        ({"vm.min-free-kbytes": 0}, {}, "did you mean min_free_kbytes?"),
        ({"shmmax": 10}, {}, "settings: 'shmmax' is not known here; there are"),
        ({"swappiness": "1" * 5000}, {}, "settings: swappiness has to be a whole number, not '" + "1" * 79 + "…"),
        (
            {"overcommit_memory": 2, "overcommit_ratio": 80, "admin_reserve_kbytes": 4 << 20},
            {},
            "less 4.0 GiB of admin_reserve_kbytes and user",
        ),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_refused(machine, settings, options, says, check_mode):
    with pytest.raises(PreconditionError) as caught:
        machine.run(settings, check_mode=check_mode, **options)
    assert says in str(caught.value) and "Nothing was changed" in str(caught.value)
    same(machine)


def test_accepted(machine):
    machine.run({"panic_on_oom": 1}, allow_panic=True)
    assert machine.live()["panic_on_oom"] == 1
    assert machine.warnings == [
        "panic_on_oom=1, and kernel.panic is 0: after a panic the host stays as it is and does not boot again"
    ]
    machine.run({"overcommit_memory": 2, "overcommit_ratio": 10}, allow_low_commit_limit=True)
    assert machine.live()["overcommit_memory"] == 2
    machine.run({"panic_on_oom": 0})


def test_a_limit_that_is_high_enough(machine):
    machine.run({"overcommit_memory": 2, "overcommit_ratio": 80})
    assert machine.conf == HEAD + b"vm.overcommit_ratio = 80\nvm.overcommit_memory = 2\n"
    machine.meminfo(Committed_AS=5 << 20)
    assert not machine.run({"overcommit_memory": 2, "overcommit_ratio": 80})["changed"]
    with pytest.raises(PreconditionError, match="overcommit_memory=2"):
        machine.run({"overcommit_ratio": 70})


def test_a_container_shares_its_kernel(machine):
    (machine.root / "run/systemd/container").write_text("lxc\n")
    with pytest.raises(PreconditionError, match="this is a container \\(lxc\\).*allow_shared_kernel: true"):
        machine.run({"swappiness": 10})
    same(machine)
    assert machine.run({"swappiness": 10}, allow_shared_kernel=True)["verified"]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    "place, says", [("proc/sys/vm", "set them on its host"), ("etc/sysctl.d", "mount it read-write")]
)
def test_what_is_mounted_read_only_is_told_before(machine, monkeypatch, place, says, check_mode):
    """Mocked: a mount needs a namespace; a real one is in tests/fault/swap_refusals.py."""
    where = str(machine.root / place)
    with monkeypatch.context() as patch:
        patch.setattr(checks, "read_only", lambda path: path.rstrip("/") == where)
        with pytest.raises(PreconditionError) as caught:
            machine.run({"swappiness": 10}, check_mode=check_mode)
        assert str(caught.value).startswith(where + " is mounted read-only. Nothing was changed; ") and says in str(
            caught.value
        )
        same(machine)
    machine.run({"swappiness": 10})
    monkeypatch.setattr(checks, "read_only", lambda path: True)
    assert not machine.run({"swappiness": 10})["changed"]  # nothing has to be written
    with pytest.raises(PreconditionError, match="sysctl.d is mounted read-only"):
        machine.run({"swappiness": None}, check_mode=check_mode, present=False)


def test_the_partner_leaves_our_file(machine):
    machine.run({"dirty_ratio": 10})
    done = machine.run({"dirty_bytes": 1 << 28})
    assert machine.conf == HEAD + b"vm.dirty_bytes = 268435456\n"
    assert "/proc/sys/vm/dirty_ratio: 0\n" in done["diff"]["after"]


def test_the_kernel_keeps_its_own_value_and_all_is_as_before(machine, monkeypatch):
    real, asked = vm.read_number, []

    def stubborn(host, path):  # takes the write to swappiness without an error and keeps 60
        asked.append(os.path.basename(path))
        return 60 if path.endswith("swappiness") else real(host, path)

    monkeypatch.setattr(vm, "read_number", stubborn)
    with pytest.raises(ExecutionError) as caught:
        machine.run({"swappiness": 10, "page-cluster": 0})
    assert (
        str(caught.value)
        == "vm.swappiness was set to 10 and is 60. The old values are set again, and nothing was written."
    )
    assert asked.count("page-cluster") > 2  # it was set, and set again
    assert machine.live()["page-cluster"] == 3 and machine.conf is None


def test_the_file_cannot_be_written_and_the_kernel_is_as_before(machine):
    (machine.root / "etc/sysctl.d/.90-memops.conf.memops~").mkdir()
    with pytest.raises(
        ExecutionError,
        match="90-memops.conf could not be written: .*The old values are set again, and nothing was written.",
    ):
        machine.run({"swappiness": 10})
    same(machine)


def test_something_else_sets_it_back(machine, monkeypatch):
    (machine.root / "run/tuned/tuned.pid").write_text("1")
    (machine.root / "etc/tuned/active_profile").write_text("throughput-performance\n")
    monkeypatch.setattr(vm.time, "sleep", lambda seconds: (machine.root / "proc/sys/vm/swappiness").write_text("30\n"))
    with pytest.raises(ExecutionError) as caught:
        machine.run({"swappiness": 10}, settle=5)
    assert str(caught.value).startswith(
        "vm.swappiness was set to 10 and is 30 after 5 s: something else sets it, perhaps tuned with its profile throughput-performance. The old values"
    )
    assert machine.conf is None


@pytest.mark.parametrize(
    "live, wanted, order",
    [
        (
            {},
            {"swappiness": 1, "overcommit_memory": 2, "overcommit_ratio": 80},
            ["overcommit_ratio", "swappiness", "overcommit_memory"],
        ),
        (
            {},
            {"swappiness": 1, "overcommit_memory": 0, "overcommit_ratio": 80},
            ["overcommit_memory", "overcommit_ratio", "swappiness"],
        ),
    ],
)
def test_order(live, wanted, order):
    assert live_order(live, wanted) == order


def test_restoring_writes_of_a_pair_the_one_that_counts():
    before = {
        "overcommit_ratio": 0,
        "overcommit_kbytes": 5000,
        "overcommit_memory": 2,
        "swappiness": 60,
        "dirty_ratio": 20,
        "dirty_bytes": 0,
    }
    assert restore_order(before, ["overcommit_ratio", "overcommit_memory"]) == [
        "overcommit_kbytes",
        "overcommit_memory",
    ]
    assert restore_order(before, ["dirty_bytes"]) == ["dirty_ratio"]
    assert restore_order(dict(before, overcommit_memory=0), ["overcommit_memory", "swappiness"]) == [
        "overcommit_memory",
        "swappiness",
    ]


def test_commit_limit_is_that_of_the_kernel():
    """Against this machine's own figure."""
    with open("/proc/meminfo") as stream:
        lines = [line.split() for line in stream]
    meminfo = {line[0].rstrip(":"): int(line[1]) * (1024 if line[-1] == "kB" else 1) for line in lines}
    numbers = []
    for name in ("overcommit_ratio", "overcommit_kbytes"):
        with open("/proc/sys/vm/" + name) as stream:
            numbers.append(int(stream.read()))
    assert abs(commit_limit(meminfo, *numbers) - meminfo["CommitLimit"]) <= 1 << 16


def test_our_file_keeps_what_others_wrote_into_it():
    data = b"# mine\nkernel.panic = 10\nvm.swappiness=1\nvm.swappiness=2\n\nvm.page-cluster = x\n"
    assert settings_in(data) == {"swappiness": 2}
    after = edited(data, {"swappiness": 3}, [])
    assert after == HEAD + b"# mine\nkernel.panic = 10\nvm.swappiness = 3\n"
    assert edited(after, {"swappiness": 3}, []) == after
    assert edited(after, {}, ["swappiness"]) == HEAD + b"# mine\nkernel.panic = 10\n"
    assert edited(None, {}, ["swappiness"]) is None
    assert edited(HEAD + b"# mine\nvm.swappiness = 3\n", {}, ["swappiness"]) is None


def test_the_reserves_count_whichever_is_set_second(machine):
    """What the kernel keeps back is not for a login: with all of the memory kept back nobody gets in any more."""
    for key in ("admin_reserve_kbytes", "user_reserve_kbytes"):
        (machine.root / "proc/sys/vm" / key).write_text("8192\n")
    limit = {"overcommit_memory": 2, "overcommit_ratio": 80}
    for key in ("admin_reserve_kbytes", "user_reserve_kbytes"):
        machine.run({key: 4 << 20})  # any number, while there is overcommitment
        with pytest.raises(
            PreconditionError,
            match="overcommit_memory=2: .* less 4.0 GiB of admin_reserve_kbytes and user_reserve_kbytes.*lower the reserves",
        ):
            machine.run(limit)
        machine.run({key: 8192})
    machine.run(limit)
    for key in ("admin_reserve_kbytes", "user_reserve_kbytes"):
        with pytest.raises(PreconditionError, match="lower the reserves"):
            machine.run({key: 4 << 20})
        machine.run({key: 4 << 20}, allow_low_commit_limit=True)
        machine.run({key: 8192})


@pytest.mark.parametrize("ratio, admin, user", [(200, 4 << 20, 0), (80, 8 << 10, 2 << 20), (80, 8 << 10, 128 << 10)])
def test_whatever_is_accepted_lets_somebody_in(machine, ratio, admin, user):
    """In any order: where the mode is 2 in the end, the limit less both reserves is 1.2 times of what is committed."""
    wanted = {
        "overcommit_ratio": ratio,
        "admin_reserve_kbytes": admin,
        "user_reserve_kbytes": user,
        "overcommit_memory": 2,
    }
    for order in list(itertools.permutations(wanted))[::3]:
        for key in wanted:
            (machine.root / "proc/sys/vm" / key).write_text("%d\n" % (100 if key == "overcommit_ratio" else 0))
        for key in order:
            try:
                machine.run({key: wanted[key]}, check_mode=False)
            except PreconditionError:
                pass
        now = machine.live()
        limit = (
            (4 << 20) * now["overcommit_ratio"] // 100
            + (1 << 20)
            - now["admin_reserve_kbytes"]
            - now["user_reserve_kbytes"]
        )
        assert now["overcommit_memory"] != 2 or limit * 10 >= (2 << 20) * 12, order


def masked(machine, folder="etc/systemd/system"):
    (machine.root / folder).mkdir(parents=True, exist_ok=True)
    (machine.root / folder / "systemd-sysctl.service").symlink_to("/dev/null")


@pytest.mark.parametrize(
    "folder, counts", [("etc/systemd/system", True), ("run/systemd/system", True), ("usr/lib/systemd/system", False)]
)
def test_a_masked_systemd_sysctl_reads_nothing(machine, folder, counts):
    (machine.root / "run/systemd/system/systemd-sysctl.service").write_text("[Unit]\n")
    if counts:
        (machine.root / "run/systemd/system/systemd-sysctl.service").unlink()
    masked(machine, folder)
    check = machine.run({"swappiness": 10}, check_mode=True)
    done = machine.run({"swappiness": 10})
    assert bool(done["shadowed"]) is counts and check["shadowed"] == done["shadowed"] and done["verified"] is not counts
    if counts:
        assert "systemd-sysctl is masked (/%s/systemd-sysctl.service), so nothing reads" % folder in done["shadowed"][0]
        assert done["settings"]["swappiness"]["at_boot"] is None and done["settings"]["swappiness"]["live"] == 10


TUNED = [
    ("the same value", "[sysctl]\nvm.swappiness=10\n", "reapply_sysctl = 0\n", False),
    ("another value, and sysctl.d is read again", "[sysctl]\nvm.swappiness=30\n", "", False),
    ("another value, and it is not", "[sysctl]\nvm.swappiness=30\n", "reapply_sysctl = 0\n", True),
    ("in the section that is not read again", "[vm]\nswappiness=30\n", "", True),
    ("another setting", "[vm]\ndirty_ratio=30\n", "reapply_sysctl = 0\n", False),
    ("included", "[main]\ninclude=base\n", "reapply_sysctl=0\n", True),
    ("included, and its own", "[main]\ninclude=base\n[sysctl]\nvm.swappiness = 10\n", "reapply_sysctl=0\n", False),
    ("includes itself", "[main]\ninclude=mine\n", "reapply_sysctl=0\n", False),
]


@pytest.mark.parametrize("text, main, counts", [row[1:] for row in TUNED], ids=[row[0] for row in TUNED])
def test_a_tuned_profile_that_has_the_last_word(machine, text, main, counts):
    (machine.root / "run/tuned/tuned.pid").write_text("1")
    (machine.root / "etc/tuned/active_profile").write_text("mine\n")
    (machine.root / "etc/tuned/tuned-main.conf").write_text(main)
    for name, profile in (("etc/tuned/mine", text), ("usr/lib/tuned/base", "[sysctl]\nvm.swappiness=30\n")):
        (machine.root / name).mkdir(parents=True)
        (machine.root / name / "tuned.conf").write_text(profile)
    done = machine.run({"swappiness": 10})
    assert bool(done["shadowed"]) is counts and done["tuned_profile"] == "mine"
    if counts:
        assert "tuned sets it to 30 (/" in done["shadowed"][0] and "take it out of the profile" in done["shadowed"][0]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_folder_that_is_a_link_is_told_as_such(machine, check_mode):
    (machine.root / "etc/sysctl.d").rename(machine.root / "etc/real")
    (machine.root / "etc/sysctl.d").symlink_to("real")
    with pytest.raises(PreconditionError) as caught:
        machine.run({"swappiness": 10}, check_mode=check_mode)
    assert str(caught.value).startswith(
        "/etc/sysctl.d is a symbolic link or not a directory. Nothing was changed: nothing is written through a link"
    )
    same(machine)


def test_an_error_after_all_was_done_does_not_say_that_nothing_was_changed(machine, monkeypatch):
    from ansible_collections.memops.linux.plugins.module_utils._vm_settings import transaction

    real, calls = transaction.read_state, []

    def read_state(host):
        calls.append(host)
        if len(calls) == 2:
            raise OSError(5, "Input/output error", "/etc/sysctl.d/90-memops.conf")
        return real(host)

    monkeypatch.setattr(transaction, "read_state", read_state)
    with pytest.raises(ExecutionError) as caught:
        machine.run({"swappiness": 10})
    assert "Nothing was changed" not in str(caught.value) and "the settings are set and" in str(caught.value)
    assert "Input/output error" in str(caught.value) and machine.live()["swappiness"] == 10


def test_a_tab_in_the_diff_is_a_tab(machine):
    (machine.root / "etc/sysctl.d/90-memops.conf").write_bytes(b"vm.swappiness\t= 60 # \x1b\n")
    assert "vm.swappiness\t= 60 # \\x1b\n" in machine.run({"swappiness": 10}, check_mode=True)["diff"]["before"]
