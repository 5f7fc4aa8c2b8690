# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# `make` alone lists the targets. Variables, as in make report INVENTORY=hosts.yml ARGS='--become --limit web':
#   PYTHON      the Python that makes .venv and runs the tests; another one than before makes .venv again
#   INVENTORY   report: the hosts; without it, this host
#   LOGS        report: a log, or what `oom_facts` takes as paths, instead of this host's own logs
#   REPORT_DIR  report, demo: where the page is written
#   ARGS        report: more arguments for ansible-playbook
#   LINE        try: a line of a log
#   GATES       test: some of the gates, with commas    TESTS  test-fast: some test files
# Nothing is written outside this directory, unless a tool keeps its cache in your home. Its path may hold spaces.

PYTHON ?= python3
INVENTORY ?=
LOGS ?=
REPORT_DIR ?= $(CURDIR)/oom-report
GATES ?=
TESTS ?=
ARGS ?=
LINE ?=

SHELL := /bin/bash
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

CACHE := $(CURDIR)/.cache
BIN := $(CURDIR)/.venv/bin
# What `ansible-galaxy collection install` copies: the collection is installed again when one of them changes.
CONTENT := galaxy.yml $(shell find meta plugins roles playbooks -type f -not -name '*.pyc' 2>/dev/null)
# A user without a home of their own (nobody, a build slave) gets one here.
HOME_OK := $(shell test -w "$$HOME" && echo yes)
ifneq ($(HOME_OK),yes)
export HOME := $(CACHE)/home
endif
# This host's report is the same whatever ansible.cfg says. A fleet is reached as its people reach it: their settings, their connections.
ALONE := ANSIBLE_CONFIG="$(CACHE)/ansible.cfg" ANSIBLE_HOME="$(CACHE)/ansible" ANSIBLE_COLLECTIONS_PATH="$(CACHE)/collections" \
	ANSIBLE_LOCALHOST_WARNING=false ANSIBLE_INVENTORY_UNPARSED_WARNING=false ANSIBLE_DEPRECATION_WARNINGS=false
FLEET := ANSIBLE_COLLECTIONS_PATH="$(CACHE)/collections:$${ANSIBLE_COLLECTIONS_PATH:-$$HOME/.ansible/collections:/usr/share/ansible/collections}"

# Debian and Ubuntu ship Python without ensurepip; `python3 -m venv` then fails half way and leaves a broken .venv.
define check_python
@$(PYTHON) -c '' 2>/dev/null || \
    { echo "make: no $(PYTHON) here; install Python 3.11 or newer, or say where it is: make $(MAKECMDGOALS) PYTHON=..." >&2; exit 1; }
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
    { echo "make: $$($(PYTHON) --version) is too old here, 3.11 is the oldest; say which: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
    { echo "make: $(PYTHON) cannot make a venv: apt install python3-venv (Debian, Ubuntu)" >&2; exit 1; }
endef

.PHONY: help
help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
.DEFAULT_GOAL := help

# The Python behind .venv: the modules need no more, and Ansible takes no interpreter with a space in its path.
BASE_PYTHON = $$("$(BIN)/python" -c 'import os, sys; print(os.path.realpath(sys._base_executable))')
LOCAL = -e ansible_connection=local -e ansible_python_interpreter="$(BASE_PYTHON)" -e '{"ansible_remote_tmp": "$(CACHE)/ansible/remote"}'
# As an absolute path: Ansible takes relative ones from elsewhere.
LOGS_PATH = $(if $(filter /%,$(firstword $(LOGS))),,$(CURDIR)/)$(LOGS)
BECOME := $(filter -b --become -bK -Kb,$(ARGS))

# Said here in a sentence, where Ansible says nothing, or a page: an inventory that is not there, and a become that cannot work.
.PHONY: report-arguments
report-arguments:
	@case "$(INVENTORY)" in \
	    "" | *,*) ;; \
	    *) test -e "$(INVENTORY)" || { echo "make report: INVENTORY=$(INVENTORY) does not exist" >&2; exit 2; } ;; \
	esac
	@test -z "$(LOGS)" || test -e "$(LOGS_PATH)" || compgen -G "$(LOGS_PATH)" >/dev/null || \
	    { echo "make report: LOGS=$(LOGS) does not exist" >&2; exit 2; }
ifneq ($(BECOME),)
ifeq ($(INVENTORY),)
	@if [ "$$(id -u)" = 0 ]; then \
	    command -v sudo >/dev/null || { echo "make report: you are root here and there is no sudo; leave --become out of ARGS" >&2; exit 2; }; \
	elif ! command -v sudo >/dev/null; then \
	    echo "make report: --become needs sudo, which is not installed here; leave --become out of ARGS, or run make as root" >&2; exit 2; \
	elif ! sudo -n true 2>/dev/null && ! grep -Eq -- '-[bK]*K|--ask-become-pass' <<<"$(ARGS)"; then \
	    echo "make report: sudo asks for a password here; let Ansible ask for it: ARGS='$(ARGS) --ask-become-pass'" >&2; exit 2; \
	fi
endif
endif

.PHONY: report
report: report-arguments .cache/stamps/collection  ## the kills of this host, of LOGS=kern.log or of INVENTORY=hosts.yml: a table and a web page
ifneq ($(LOGS),)
	@$(ALONE) "$(BIN)/ansible-playbook" memops.linux.report -i localhost, $(LOCAL) \
	    -e '{"oom_report_dest": "$(REPORT_DIR)", "oom_report_paths": ["$(LOGS_PATH)"]}' $(ARGS)
else ifeq ($(INVENTORY),)
	@$(ALONE) "$(BIN)/ansible-playbook" memops.linux.report -i localhost, $(LOCAL) -e '{"oom_report_dest": "$(REPORT_DIR)"}' $(ARGS)
else
	@$(FLEET) "$(BIN)/ansible-playbook" memops.linux.report -i "$(INVENTORY)" -e '{"oom_report_dest": "$(REPORT_DIR)"}' $(ARGS)
endif

.PHONY: demo
demo: .cache/stamps/collection  ## the page of a fleet of six hosts that were out of memory, from logs of test machines
	@$(ALONE) "$(BIN)/ansible-playbook" memops.linux.report -i examples/demo/hosts.yml -e demo_python="$(BASE_PYTHON)" \
	    -e '{"ansible_remote_tmp": "$(CACHE)/ansible/remote", "oom_report_dest": "$(REPORT_DIR)-demo"}' $(ARGS)

.PHONY: pictures
pictures: demo  ## docs/images: the page of make demo wide, on a phone and in the dark, by Chromium
	@"$(BIN)/python" tests/tools/pictures.py "$(REPORT_DIR)-demo/index.html" docs/images

.PHONY: try
try: export LINE := $(LINE)
try: .cache/stamps/collection  ## what the parser makes of LINE='...', and which step refused it
	@PYTHONPATH="$(CACHE)/collections" "$(BIN)/python" tests/tools/try_line.py

.PHONY: test
test:  ## everything that can run here, and a table of what could not; GATES=a,b picks some
	$(check_python)
	@$(PYTHON) tests/gates.py $(if $(GATES),--only $(GATES))

.PHONY: test-fast
test-fast:  ## lint and the quick unit tests, or TESTS=tests/unit/... alone: the loop while you edit
	$(check_python)
	@$(PYTHON) tests/gates.py $(if $(TESTS),--tests $(TESTS),--fast)

.PHONY: test-fuzz
test-fuzz:  ## 100,000 mutated logs through the parser
	$(check_python)
	@FUZZ_CASES=100000 $(PYTHON) tests/gates.py --only fuzz

.PHONY: test-silence
test-silence:  ## 10,000 mutilated incidents: none that still tells of a kill reads as clean; 2,000 kills of each killer in a large file: none lost
	$(check_python)
	@$(PYTHON) tests/fault/mutilate.py --count 10000 --shared "$${MEMOPS_SHARED:-../shared}"
	@MEMOPS_SEAM_KILLS=2000 $(PYTHON) tests/gates.py --tests tests/unit/plugins/module_utils/_facts/test_seams.py

.PHONY: test-vm
test-vm:  ## real kernels in virtual machines; VM_TESTS=facts,contest and VM_SUITES=bookworm pick some
	$(check_python)
	@VM_SUITES=$${VM_SUITES:-bullseye,bookworm,trixie,v1} VM_TESTS=$${VM_TESTS:-facts,contest,article,guards,powercut} $(PYTHON) tests/gates.py --only vm

.PHONY: format
format:  ## write the one format: black, and the order of imports
	$(check_python)
	@$(PYTHON) tests/gates.py --format

.PHONY: bench
bench: .venv/.stamp  ## speed and memory, as ratios to grep, cat, ping and the work by hand; a tenth of the full scale
	@"$(BIN)/python" tests/benchmark/run.py --quick
	@echo; echo 'swap files of 1 GiB against fallocate, mkswap and swapon by hand'; "$(BIN)/python" tests/benchmark/swap.py || true

.PHONY: bench-full
bench-full: .venv/.stamp  ## the same at full scale: logs of 1 and 4 GB, 100,000 kills; half an hour and 10 GB of disk
	@"$(BIN)/python" tests/benchmark/run.py

.PHONY: metrics
metrics:  ## how simple the code is: complexity, conditional expressions, width, imports between rooms
	$(check_python)
	@$(PYTHON) tests/gates.py --metrics

.PHONY: clean
clean:  ## remove everything that was made here but the reports
	rm -rf .venv .cache .ansible tests/output

# Another PYTHON than the one that .venv was made with makes .venv again; without PYTHON, .venv stays as it is.
.PHONY: force
.cache/stamps/python: force
	@mkdir -p $(@D)
ifneq ($(filter command environment,$(origin PYTHON)),)
	$(check_python)
	@want=$$($(PYTHON) -c 'import os, sys; print(os.path.realpath(sys.executable))'); \
	    [ "$$want" = "$$(cat $@ 2>/dev/null)" ] || echo "$$want" >$@
else
	@[ -e $@ ] || $(PYTHON) -c 'import os, sys; print(os.path.realpath(sys.executable))' >$@
endif

.venv/.stamp: requirements.txt requirements-controller.txt .cache/stamps/python
	$(check_python)
	@echo "make: building .venv with $$($(PYTHON) --version)"
	@mkdir -p .cache/home .cache/ansible && : >.cache/ansible.cfg
	@rm -rf .venv && $(PYTHON) -m venv .venv
	@"$(BIN)/python" -m pip install --quiet --disable-pip-version-check --no-input -r requirements-controller.txt
	@touch $@

# --offline: no dependencies to look up, and so no collection server to ask.
.cache/stamps/collection: .venv/.stamp $(CONTENT)
	@mkdir -p $(@D) .cache/home .cache/ansible && : >.cache/ansible.cfg
	@$(ALONE) "$(BIN)/ansible-galaxy" collection install . --force --offline -p "$(CACHE)/collections" >.cache/install.log 2>&1 || \
	    { cat .cache/install.log >&2; exit 1; }
	@touch $@
