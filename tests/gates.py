# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make test`: every check that can run on this machine, the fast ones first, and a table that says loudly what did not run.

A gate is a function below, in the order in which they run. It raises Skip with the reason when this machine lacks what
it needs; a command that fails is a failure. Whatever a gate prints goes to .cache/logs/GATE.log.

When all of them run, a gate that failed runs once more: a package index that does not answer must not cost half an hour.
The table calls a gate that needed it FLAKY, and what its first try said stands below.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import Any, Callable, Iterator, NamedTuple
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
# ansible-test and mypy want real files below .../ansible_collections/NAMESPACE/NAME.
TREE = CACHE / "ansible_collections" / "memops" / "linux"
VENVS = CACHE / "venvs"
PYTHONS = CACHE / "pythons"
LOGS = CACHE / "logs"
# Recorded logs and scripts for test machines that reach little; a plain clone has none, and the tests use their own fixtures.
SHARED = Path(os.environ.get("MEMOPS_SHARED") or ROOT.parent / "shared").resolve()

TARGET_PYTHONS = ("3.6", "3.9", "3.11", "3.13")
NEW_ENOUGH = ("3.12", "3.13", "3.14", "3.11")  # for the tools, best first
CORE_PYTHONS = {"2.16": ("3.11", "3.12", "3.10"), "2.21": ("3.12", "3.13", "3.14")}
# The core that tests a target Python: the oldest one where there is a choice, so that it tests the controller code too.
CORE_OF = {"3.6": "2.16", "3.11": "2.16"}


class Skip(Exception):
    """This machine lacks something; the text says what."""


class Failed(Exception):
    """The gate found something; the log says what."""


class Gate(NamedTuple):
    name: str
    what: str
    run: Callable[[Machine], str | None]
    fast: bool


class Result(NamedTuple):
    gate: Gate
    state: str  # passed | FLAKY | FAILED | SKIPPED
    seconds: float
    note: str
    found: str = ""  # of a try that failed: the lines that say why


GATES: list[Gate] = []


def gate(name: str, what: str, fast: bool = False) -> Callable[[Callable[[Machine], str | None]], Callable[[Machine], str | None]]:
    def register(run: Callable[[Machine], str | None]) -> Callable[[Machine], str | None]:
        GATES.append(Gate(name, what, run, fast))
        return run

    return register


class Machine:
    """What this machine has: Pythons, venvs made when they are first needed, and the log of the running gate."""

    def __init__(self) -> None:
        self.pythons = find_pythons()
        self.log = LOGS / "setup.log"
        self.env = dict(
            os.environ, MEMOPS_SHARED=str(SHARED), ANSIBLE_COLLECTIONS_PATH=f"{CACHE}:{CACHE / 'deps'}", ANSIBLE_CONFIG=str(CACHE / "ansible.cfg")
        )
        self.env.update(ANSIBLE_NOCOLOR="1", PY_COLORS="0", NO_COLOR="1")
        self.env["PATH"] = f"{PYTHONS}:{self.env['PATH']}"
        for name in ("PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
            self.env.pop(name, None)
        self._uv: str | None = None

    def python(self, *versions: str) -> str:
        """The first of these Pythons that is here."""
        for version in versions:
            if version in self.pythons:
                return self.pythons[version]
        raise Skip(f"no Python {' or '.join(versions)} here")

    def call(self, *argv: str | Path, cwd: Path = TREE, bins: Path | None = None, timeout: float = 3600, progress: str = "", **env: str) -> str:
        """Run a command into the log of this gate; its output comes back. Lines that hold the expression `progress` are shown as they come."""
        environ = {**self.env, **env}
        if bins:
            environ["PATH"] = f"{bins}:{environ['PATH']}"
        with self.log.open("a+", encoding="utf-8", errors="replace") as log:
            log.write(f"$ {' '.join(map(str, argv))}\n")
            log.flush()
            start = log.tell()
            command = [shutil.which(str(argv[0]), path=environ["PATH"]) or str(argv[0]), *map(str, argv[1:])]
            try:
                with following(self.log, start, progress):
                    done = subprocess.run(
                        command, cwd=cwd, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=timeout, check=False
                    )
            except subprocess.TimeoutExpired:
                raise Failed(f"no end after {timeout:.0f} s: {argv[0]}") from None
            log.seek(start)
            output = log.read()
        if done.returncode:
            raise Failed(f"exit code {done.returncode}: {' '.join(map(str, argv))}"[:200])
        return output

    def script(self, *argv: str | Path, **keywords: Any) -> str:
        """The last line of a test script's output. It ends with 77 where it cannot run here, and says why in that line."""
        start = self.log.stat().st_size
        try:
            self.call(*argv, **keywords)
        except Failed as exc:
            last = self.log.read_bytes()[start:].decode("utf-8", "replace").strip().splitlines()[-1]
            if str(exc).startswith("exit code 77:"):
                raise Skip(last.removeprefix("SKIPPED: ")) from None
            raise
        return self.log.read_bytes()[start:].decode("utf-8", "replace").strip().splitlines()[-1]

    def venv(self, name: str, *versions: str) -> Path:
        """The bin folder of a venv with tests/requirements/NAME.txt, made again when the file or the Python changed."""
        home, python = VENVS / name, self.python(*versions)
        texts = [p.read_text() for p in (ROOT / "tests/requirements" / f"{name}.txt", ROOT / "requirements.txt")]
        want = hashlib.sha256("\0".join([os.path.realpath(python), *texts]).encode()).hexdigest()
        stamp = home / ".made-from"
        if not (stamp.is_file() and stamp.read_text() == want and (home / "bin/python").exists()):
            shutil.rmtree(home, ignore_errors=True)
            self._install(python, home, "-r", str(ROOT / "tests/requirements" / f"{name}.txt"))
            stamp.write_text(want)
        return home / "bin"

    def _install(self, python: str, home: Path, *packages: str) -> None:
        """uv where the index has it, else venv and pip: slower, same result."""
        if self._uv is None:
            self._uv = shutil.which("uv", path=self.env["PATH"]) or ""
            if self._uv and subprocess.run([self._uv, "--version"], capture_output=True, check=False).returncode:
                self._uv = ""  # a shim of a version manager, not a uv
            own = VENVS / "uv/bin/uv"
            if not self._uv and not own.exists():
                try:
                    self.call(sys.executable, "-m", "venv", VENVS / "uv", cwd=ROOT)
                    self.call(VENVS / "uv/bin/python", "-m", "pip", "install", "--quiet", "uv", cwd=ROOT)
                except Failed:
                    pass
            if not self._uv and own.exists():
                self._uv = str(own)
        if self._uv:
            self.call(self._uv, "venv", "--quiet", "--python", python, home, cwd=ROOT)
            self.call(self._uv, "pip", "install", "--quiet", "--python", home / "bin/python", *packages, cwd=ROOT)
        else:
            self.call(python, "-m", "venv", home, cwd=ROOT)
            self.call(home / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages, cwd=ROOT)

    def core(self, version: str) -> Path:
        """ansible-core VERSION, and pip for the venvs that its ansible-test makes."""
        bins = self.venv(f"core-{version}", *CORE_PYTHONS[version])
        if self.shared_script("seed-get-pip"):
            self.call(SHARED / "ci/seed-get-pip", cwd=ROOT, PYTHON=self.python(*NEW_ENOUGH))
        return bins

    @staticmethod
    def shared_script(name: str) -> Path | None:
        script = SHARED / "ci" / name
        return script if script.is_file() else None

    def collections(self) -> None:
        """The collections of tests/requirements/collections.yml in .cache/deps; a file of their own, for nothing else needs them."""
        names = re.findall(r"^ *- name: (\S+)", (ROOT / "tests/requirements/collections.yml").read_text(), re.M)
        script = self.shared_script("bundled-collections")
        if script:
            self.call(self.python(*NEW_ENOUGH), script, CACHE / "deps", "14.5.0", *names, cwd=ROOT)
        elif not all((CACHE / "deps/ansible_collections" / n.replace(".", "/")).is_dir() for n in names):
            galaxy = self.venv("molecule", *NEW_ENOUGH) / "ansible-galaxy"
            self.call(galaxy, "collection", "install", "-r", ROOT / "tests/requirements/collections.yml", "-p", CACHE / "deps", cwd=ROOT)


@contextlib.contextmanager
def following(log: Path, start: int, wanted: str) -> Iterator[None]:
    """Show the lines of a growing log that hold this expression."""
    ended = threading.Event()

    def follow() -> None:
        with log.open(encoding="utf-8", errors="replace") as lines:
            lines.seek(start)
            last = False
            while not last:
                last = ended.wait(1)
                for line in lines:
                    if re.search(wanted, line):
                        print(f"\n      {line.rstrip()[:160]}", end="", flush=True)
        print("\n    ", end="", flush=True)

    thread = threading.Thread(target=follow, daemon=True)
    if wanted:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if wanted:
            thread.join()


def find_pythons() -> dict[str, str]:
    """Every Python that really starts, by version, and links to them in .cache/pythons: ansible-test looks for pythonX.Y on PATH."""
    folders = [Path(p) for p in os.environ.get("PATH", "").split(":") if p and Path(p) != PYTHONS]
    try:
        root = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=True).stdout.strip()
        folders += sorted(Path(root).glob("versions/*/bin"), reverse=True)
    except (OSError, subprocess.CalledProcessError):
        pass  # no pyenv: what is on PATH is all there is
    found: dict[str, str] = {}
    for minor in range(6, 16):
        version = f"3.{minor}"
        for folder in folders:
            python = folder / f"python{version}"
            if python.exists() and subprocess.run([python, "-c", "import ssl, venv"], capture_output=True, check=False).returncode == 0:
                found[version] = str(python)
                break
    shutil.rmtree(PYTHONS, ignore_errors=True)
    PYTHONS.mkdir(parents=True)
    for version, path in found.items():
        # Not a symlink: a Python found through one looks for its library beside the link.
        script = PYTHONS / f"python{version}"
        script.symlink_to(os.path.realpath(path))
    return found


def sync_tree() -> None:
    """The files of the checkout, tracked or new, as a real folder at the place where the tools want it."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
        ).stdout
        names = {name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()}
    except (OSError, subprocess.CalledProcessError):  # no git, or an unpacked tarball
        skip = {".git", ".cache", ".venv", ".ansible", "oom-report", "__pycache__"}
        names = set()
        for folder, folders, files in os.walk(ROOT):
            folders[:] = [f for f in folders if f not in skip]
            names |= {os.path.relpath(os.path.join(folder, f), ROOT) for f in files if not f.endswith((".pyc", ".tar.gz"))}
    TREE.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(TREE / "tests/output", ignore_errors=True)
    for folder, folders, files in os.walk(TREE):
        rel = os.path.relpath(folder, TREE)
        folders[:] = [f for f in folders if os.path.normpath(os.path.join(rel, f)) != ".git"]
        for name in files:
            if os.path.normpath(os.path.join(rel, name)) not in names:
                os.unlink(os.path.join(folder, name))
    for name in names:
        source, copy = ROOT / name, TREE / name
        if (
            copy.is_file()
            and not copy.is_symlink()
            and copy.stat().st_mtime_ns == source.stat().st_mtime_ns
            and copy.stat().st_size == source.stat().st_size
        ):
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copy)
    for folder, _folders, _files in sorted(os.walk(TREE), reverse=True):
        if "/.git" not in folder and not os.listdir(folder):
            os.rmdir(folder)
    # Without a .git of its own, the tools would find the one above, whose .gitignore hides all of .cache: nothing to test.
    if not (TREE / ".git").exists() and shutil.which("git"):
        subprocess.run(["git", "init", "--quiet", "--template=", str(TREE)], check=True)
    # The tests find the recorded logs beside the checkout; ansible-test lets no variable through that would tell them.
    link = TREE.parent / "shared"
    if link.is_symlink():
        link.unlink()
    if SHARED.is_dir():
        link.symlink_to(SHARED)


def files(*patterns: str) -> list[Path]:
    """Files of the work tree by pattern, relative to it."""
    found = {p.relative_to(TREE) for pattern in patterns for p in TREE.glob(pattern) if p.is_file()}
    return sorted(p for p in found if p.parts[0] != ".git" and p.parts[:2] != ("tests", "output"))


# ---------------------------------------------------------------- lint


@gate("yamllint", "YAML", fast=True)
def yamllint(m: Machine) -> None:
    m.call("yamllint", "--strict", ".", bins=m.venv("lint", *NEW_ENOUGH))


@gate("black", "one format, Python 3.6 syntax on the managed hosts", fast=True)
def black(m: Machine) -> None:
    m.call("black", "--check", "--diff", "--quiet", ".", bins=m.venv("lint", *NEW_ENOUGH))


@gate("ruff", "import order, likely bugs", fast=True)
def ruff(m: Machine) -> None:
    m.call("ruff", "check", "--no-cache", ".", bins=m.venv("lint", *NEW_ENOUGH))


@gate("py36-syntax", "modules and module_utils compile on Python 3.6", fast=True)
def py36_syntax(m: Machine) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for part in ("plugins/modules", "plugins/module_utils"):
            if (TREE / part).is_dir():
                shutil.copytree(TREE / part, Path(folder) / part)
        m.call(m.python("3.6"), "-m", "compileall", "-q", folder)


@gate("mypy", "types", fast=True)
def mypy(m: Machine) -> None:
    names = files("plugins/**/*.py")
    bins = m.venv("lint", *NEW_ENOUGH)
    paths = [Path("ansible_collections/memops/linux") / name for name in names]
    m.call("mypy", "--config-file", TREE / "pyproject.toml", "--cache-dir", CACHE / "mypy", *paths, cwd=CACHE, bins=bins, MYPYPATH=str(CACHE))


@gate("reuse", "a licence for every file", fast=True)
def reuse(m: Machine) -> None:
    m.call("reuse", "--root", TREE, "lint", bins=m.venv("lint", *NEW_ENOUGH))


@gate("changelog", "changelog fragments", fast=True)
def changelog(m: Machine) -> None:
    m.call("antsibull-changelog", "lint", bins=m.venv("lint", *NEW_ENOUGH))


@gate("shellcheck", "shell scripts", fast=True)
def shellcheck(m: Machine) -> None:
    if not shutil.which("shellcheck", path=m.env["PATH"]):
        raise Skip("no shellcheck here: apt install shellcheck")
    scripts = [p for p in files("**/*") if re.match(rb"#!.*\b(ba)?sh\b", (TREE / p).read_bytes()[:40])]
    m.call("shellcheck", *scripts)


# ---------------------------------------------------------------- tests


def newest_core(m: Machine) -> str:
    """Debian 12 has no Python for the newest core."""
    return "2.21" if set(CORE_PYTHONS["2.21"]) & set(m.pythons) else "2.16"


def unit(m: Machine, target: str) -> str:
    m.python(target)
    version = CORE_OF.get(target) or newest_core(m)
    junit = TREE / "tests/output/junit"
    shutil.rmtree(junit, ignore_errors=True)
    output = m.call("ansible-test", "units", "--venv", "--python", target, "--color", "no", "-v", bins=m.core(version))
    counts = re.findall(r"^=+ (.*(?:passed|skipped|failed).*?) in .*=+$", output, re.M)
    reasons = {skip.get("message") or "?" for report in junit.glob("*.xml") for skip in ElementTree.parse(report).iter("skipped")}
    return "; ".join([f"core {version}", *counts, *(f"skipped: {reason}" for reason in sorted(reasons))])


@gate("unit-fast", "unit tests with plain pytest, on the Python of the tools", fast=True)
def unit_fast(m: Machine) -> str:
    output = m.call(
        "python", "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "tests/unit", bins=m.venv("lint", *NEW_ENOUGH), PYTHONPATH=str(CACHE)
    )
    return output.strip().splitlines()[-1]


for _target in TARGET_PYTHONS:
    gate(f"unit-{_target}", f"unit tests on Python {_target}")(lambda m, target=_target: unit(m, target))  # type: ignore[misc]


@gate("fuzz", "100,000 mutated logs, half of them on the oldest Python here and half on the newest")
def fuzz(m: Machine) -> str:
    notes = []
    for number, python in enumerate((min(m.pythons, key=minor), max(m.pythons, key=minor))):
        flags = ("--count", "50000", "--first", str(number * 50000), "--seed", "1", "--shared", str(SHARED))
        output = m.call(m.pythons[python], "tests/fault/fuzz_parser.py", *flags)
        notes.append(f"{python}: {output.strip().splitlines()[-1].split(': ', 1)[-1]}")
    return "; ".join(notes)


def minor(version: str) -> int:
    return int(version.split(".")[1])


@gate("faults", "kill -9, a full disk, I/O errors in the middle of every write; many writers of one fstab")
def faults(m: Machine) -> str:
    oldest = m.pythons[min(m.pythons, key=minor)]
    return "; ".join(
        [
            "drop-ins: " + m.script(m.python(*NEW_ENOUGH), "tests/fault/protect_sweep.py"),
            "fstab and sysctl: " + m.script(oldest, "tests/fault/config_crash.py"),
            "writers: " + m.script(oldest, "tests/fault/fstab_writers.py"),
        ]
    )


@gate("swap", "swap files on ext4, xfs and btrfs in loop devices: their life, and faults at every step of it")
def swap(m: Machine) -> str:
    bins = m.core(newest_core(m))
    life = m.script(bins / "python", "tests/fault/swap_life.py", bins=bins)
    return f"life: {life}; faults: " + m.script(m.python(*NEW_ENOUGH), "tests/fault/swap_sweep.py", "--share", "0.15")


@gate("contests", "who dies: the kernel's choice in a cgroup, and in every recorded task table, against ours")
def contests(m: Machine) -> str:
    python = m.python(*NEW_ENOUGH)
    output = m.call(python, "tests/benchmark/choice.py", PYTHONPATH=str(CACHE))
    notes = [
        f"{count} tables of {name}, {bad} unexplained" for name, count, bad in re.findall(r"^(.+): (\d+) tables, (\d+) unexplained", output, re.M)
    ]
    if os.geteuid():
        return "; ".join([*notes, "live: SKIPPED, a cgroup of one's own needs root"])
    output = m.call(python, "tests/fault/oom_contests.py", "--count", "60", "--strict", PYTHONPATH=str(CACHE))
    return "; ".join([*notes, *re.findall(r"^named.*", output, re.M)])


@gate("docs", "documentation of every plugin and role")
def docs(m: Machine) -> None:
    flags = ("--plugin-docs", "--skip-rstcheck", "--validate-collection-refs", "all")
    m.call("antsibull-docs", "lint-collection-docs", *flags, ".", bins=m.venv("lint", *NEW_ENOUGH))


@gate("ansible-lint", "playbooks and roles, profile production")
def ansible_lint(m: Machine) -> None:
    m.call("ansible-lint", "--offline", "--strict", "--nocolor", bins=m.venv("lint", *NEW_ENOUGH), ANSIBLE_HOME=str(CACHE / "ansible"))


@gate("galaxy", "build the collection, import it as galaxy would")
def galaxy(m: Machine) -> None:
    bins = m.venv("galaxy", *NEW_ENOUGH)
    with tempfile.TemporaryDirectory() as folder:
        m.call("ansible-galaxy", "collection", "build", "--force", "--output-path", folder, bins=bins)
        (archive,) = Path(folder).glob("*.tar.gz")
        config = Path(folder) / "importer.cfg"
        config.write_text("[galaxy-importer]\nrun_ansible_test = False\nansible_local_tmp = /tmp/\noffline_ansible_lint = True\n")
        m.call("python", "-m", "galaxy_importer.main", archive, bins=bins, cwd=Path(folder), GALAXY_IMPORTER_CONFIG=str(config))


@gate("integration", "the modules on this host, as a user calls them, newest core")
def integration(m: Machine) -> None:
    version = newest_core(m)
    integrate(m, version, next(v for v in CORE_PYTHONS[version] if v in m.pythons))


@gate("integration-3.6", "the same with core 2.16 and modules on Python 3.6")
def integration_oldest(m: Machine) -> None:
    m.python("3.6")
    integrate(m, "2.16", "3.6")


def integrate(m: Machine, core: str, python: str) -> None:
    m.call("ansible-test", "integration", "--venv", "--python", python, "--allow-destructive", "--color", "no", "-v", bins=m.core(core))


@gate("clone", "`make report` in a fresh clone, twice, as you and as nobody")
def clone(m: Machine) -> str:
    dirty = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=False)
    what = "git clone" if dirty.returncode == 0 and not dirty.stdout else "copy of a work tree with changes"
    users = [pwd.getpwuid(os.getuid()).pw_name] + (["nobody"] if os.getuid() == 0 else [])
    for user in users:
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            checkout = Path(folder) / "checkout"
            if what == "git clone":
                m.call("git", "clone", "--quiet", ROOT, checkout, cwd=Path(folder))
            else:
                shutil.copytree(TREE, checkout, ignore=shutil.ignore_patterns("output"))
            env, prefix = {"PATH": os.environ["PATH"]}, []
            if user == "nobody":
                m.call("chown", "-R", "nobody", checkout)
                env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent"}
                prefix = ["runuser", "-u", "nobody", "--"]
                if subprocess.run(["/usr/bin/python3", "-c", "import ensurepip"], capture_output=True, check=False).returncode:
                    return f"{what}; as nobody: SKIPPED, /usr/bin/python3 has no venv"
            for _again in ("built", "again"):
                output = m.call(*prefix, "make", "-C", checkout, "report", cwd=Path(folder), **env)
                pages = re.findall(r"\S+/index\.html", output)
                if not pages or not Path(pages[-1]).is_file():
                    raise Failed(f"as {user}: make report named no page that is there")
                states = {h["state"] for h in json.loads(Path(pages[-1]).with_name("report.json").read_text())["hosts"].values()}
                if not states or states - {"ok", "blind"}:
                    raise Failed(f"as {user}: make report says this host is {states}")
    return f"{what}; as {' and '.join(users)}"


@gate("compliance", "1,000 hosts x 30 rules in time; the role on facts in a real Redis")
def compliance(m: Machine) -> str:
    speed = m.script("python", "tests/benchmark/compliance.py", bins=m.venv("lint", *NEW_ENOUGH), PYTHONPATH=str(CACHE)).strip()
    if not shutil.which("redis-server", path=m.env["PATH"]):
        return f"{speed}; redis: SKIPPED, no redis-server here: apt install redis-server"
    bins = m.venv("redis", *NEW_ENOUGH)
    m.collections()
    with tempfile.TemporaryDirectory() as out:
        said = m.call("./runme.sh", cwd=TREE / "tests/integration/targets/oom_compliance", bins=bins, OUTPUT_DIR=out, MEMOPS_REDIS="1")
    if "NOT TESTED" in said:
        raise Failed("the redis cache was not tested")
    return f"{speed}; redis: read"


@gate("sanity-2.16", "ansible-test sanity, core 2.16")
def sanity_oldest(m: Machine) -> None:
    sanity(m, "2.16")


@gate("sanity-2.21", "ansible-test sanity, core 2.21")
def sanity_newest(m: Machine) -> None:
    sanity(m, "2.21")


def sanity(m: Machine, version: str) -> None:
    output = m.call("ansible-test", "sanity", "--color", "no", bins=m.core(version))
    if "All targets skipped" in output:
        raise Failed("ansible-test saw no files")


@gate("molecule", "systemd containers, Debian 11, 12, 13: what is trusted and seen, twenty situations of protection, swap's refusals and expiry")
def molecule(m: Machine) -> str:
    if not shutil.which("podman", path=m.env["PATH"]):
        raise Skip("no container engine here: apt install podman crun")
    enter = m.shared_script("enter")
    wrap = [enter] if enter else []
    probe = subprocess.run([*wrap, "podman", "info"], env=m.env, capture_output=True, text=True, check=False)
    if probe.returncode:
        raise Skip("podman does not start here: " + (probe.stderr.strip().splitlines() or ["?"])[-1])
    bins = m.venv("molecule", *NEW_ENOUGH)
    m.collections()
    env = {"MOLECULE_GLOB": "molecule/*/molecule.yml", "ANSIBLE_HOME": str(CACHE / "ansible")}
    base_image = m.shared_script("base-image")
    # Scripts of this test machine make Debian images without a registry; where one is reached, other families are tested too.
    if base_image:
        env["MEMOPS_BASE_IMAGE"] = str(base_image)
    else:
        env["MEMOPS_PLATFORMS"] = "all"
    output = m.call(
        *wrap, "molecule", "--base-config", "molecule/config.yml", "test", "--all", "--exclude", "vm", bins=bins, **env
    )  # vm has a gate of its own
    return f"{len(re.findall(r'ok=[0-9]+', output))} play recaps"


@gate("vm", "real kernels in virtual machines: kills, forecasts, protection below 0, guards, swap, a reboot")
def vm(m: Machine) -> str:
    missing = [name for name in ("qemu-system-x86_64", "qemu-img", "ssh", "mmdebstrap") if not shutil.which(name, path=m.env["PATH"])]
    if missing:
        raise Skip(f"no {', '.join(missing)} here: apt install qemu-system-x86 qemu-utils openssh-client mmdebstrap")
    if os.geteuid():
        raise Skip("the images are built by root")
    env = {"MEMOPS_VM_CACHE": os.environ.get("MEMOPS_VM_CACHE") or str(CACHE / "vm")}
    # One kernel tells most. `make test-vm` asks all of them.
    env.update({name: os.environ.get(name) or default for name, default in (("VM_SUITES", "bookworm"), ("VM_TESTS", "facts,contest,article,guards"))})
    bins = m.venv("vm", "3.12", "3.11")
    output = m.call("python", "molecule/vm/run.py", bins=bins, timeout=5400, progress=r" \d\d:\d\d:\d\d |^vm: | (PASSED|FAILED|ERROR)\b", **env)
    said = re.findall(r"\S+: (\d+ contests, .*|.*limits judged right)", output)
    return "; ".join([env["VM_SUITES"], *said[:12], output.strip().splitlines()[-1]])


# ---------------------------------------------------------------- the table


def tail(log: Path, lines: int = 40) -> str:
    """The errors that a tool named, wherever they stand, else the end of the log."""
    text = [line[:400] for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    named = [line for line in text if re.match(r"ERROR: |(\S+ +)?FAILED |fatal: |(\S+ +)?E   |.*: error: ", line)]
    return "\n".join(named[:lines] if named else text[-lines:])


def attempt(one: Gate, m: Machine, suffix: str = "") -> tuple[str, str]:
    m.log = LOGS / f"{one.name}{suffix}.log"
    m.log.write_text("")
    try:
        return "passed", one.run(m) or ""
    except Skip as exc:
        return "SKIPPED", str(exc)
    except Failed as exc:
        return "FAILED", str(exc)
    except Exception as exc:  # the gate itself is wrong; the others still run
        with m.log.open("a", encoding="utf-8") as log:
            traceback.print_exc(file=log)
        return "FAILED", repr(exc)


def run_gate(one: Gate, m: Machine, again: bool) -> Result:
    started, found = time.monotonic(), ""
    state, note = attempt(one, m)
    if state == "FAILED":
        found = f"{note}\n{tail(m.log)}"
        if again:
            print("failed, once more … ", end="", flush=True)
            second, said = attempt(one, m, ".second")
            if second == "passed":
                state, note = "FLAKY", said
    return Result(one, state, time.monotonic() - started, note, found)


def table(results: list[Result]) -> str:
    width = max(len(r.gate.name) for r in results)
    rows = [f"{'gate':{width}}  result       time  what"]
    for r in results:
        rows.append(f"{r.gate.name:{width}}  {r.state:8} {r.seconds:6.1f} s  {r.gate.what}{': ' + r.note if r.note else ''}")
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fast", action="store_true", help="lint, and the unit tests once")
    parser.add_argument("--only", metavar="GATE,...", help="these gates, and no others")
    parser.add_argument("--format", action="store_true", help="write the one format into the checkout and stop")
    parser.add_argument("--list", action="store_true", help="name the gates and stop")
    options = parser.parse_args()
    if sys.version_info < (3, 11):
        print(f"make test: Python 3.11 or newer drives the tests, this is {sys.version.split()[0]}: make test PYTHON=python3.12", file=sys.stderr)
        return 1
    if options.list:
        print("\n".join(f"{g.name:14} {'fast  ' if g.fast else '      '}{g.what}" for g in GATES))
        return 0
    # The other unit gates do what unit-fast does, and more.
    usual = [g.name for g in GATES if (g.fast if options.fast else g.name != "unit-fast")]
    wanted = options.only.split(",") if options.only else usual
    unknown = sorted(set(wanted) - {g.name for g in GATES})
    if unknown:
        print(f"make test: no gate {', '.join(unknown)}; there are {', '.join(g.name for g in GATES)}", file=sys.stderr)
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    (CACHE / "ansible.cfg").write_text("")  # nobody's own settings
    machine = Machine()
    if options.format:
        machine.log = LOGS / "format.log"
        bins = machine.venv("lint", *NEW_ENOUGH)
        for command in (("ruff", "check", "--fix", "--exit-zero", "."), ("black", ".")):
            print(machine.call(*command, cwd=ROOT, bins=bins))
        return 0
    sync_tree()
    print(f"make test: {len(wanted)} gates, Pythons {', '.join(machine.pythons)}, logs in {LOGS.relative_to(ROOT)}/", flush=True)
    results = []
    for one in (g for g in GATES if g.name in wanted):
        print(f"  {one.name} … ", end="", flush=True)
        result = run_gate(one, machine, again=not (options.fast or options.only))
        results.append(result)
        print(f"{result.state} {result.seconds:.1f} s {result.note}", flush=True)
        if result.found:
            print(result.found, flush=True)
    states = [r.state for r in results]
    print(f"\n{table(results)}\n")
    for result in results:  # again, for who sees only the end
        if result.found:
            print(f"{result.gate.name}: {result.state}, its first try said:\n{result.found[:3000]}\n")
    if "SKIPPED" in states:
        print("NOT everything ran here: what says SKIPPED was not tested.\n")
    flaky = [r.gate.name for r in results if r.state == "FLAKY"]
    if flaky:
        print(f"FLAKY, passed at the second try only: {', '.join(flaky)}\n")
    print(f"{states.count('passed') + len(flaky)} passed, {states.count('FAILED')} failed, {states.count('SKIPPED')} skipped")
    return 1 if "FAILED" in states else 0


if __name__ == "__main__":
    sys.exit(main())
