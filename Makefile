# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# make report [INVENTORY=hosts.yml] [ARGS='--limit web']   |   make test [GATES=unit-3.11,yamllint]
# Nothing is written outside this folder, unless a tool keeps its cache in your home.

PYTHON ?= python3
INVENTORY ?=
REPORT_DIR ?= $(CURDIR)/oom-report
GATES ?=
TESTS ?=
ARGS ?=

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
ALONE := ANSIBLE_CONFIG=$(CACHE)/ansible.cfg ANSIBLE_HOME=$(CACHE)/ansible ANSIBLE_COLLECTIONS_PATH=$(CACHE)/collections \
	ANSIBLE_LOCALHOST_WARNING=false ANSIBLE_INVENTORY_UNPARSED_WARNING=false ANSIBLE_DEPRECATION_WARNINGS=false
FLEET := ANSIBLE_COLLECTIONS_PATH=$(CACHE)/collections:$${ANSIBLE_COLLECTIONS_PATH:-$$HOME/.ansible/collections:/usr/share/ansible/collections}

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

# Ansible only warns about an inventory that is not there, and reports on no host at all.
.PHONY: inventory
inventory:
	@case "$(INVENTORY)" in \
	    "" | *,*) ;; \
	    *) test -e "$(INVENTORY)" || { echo "make report: INVENTORY=$(INVENTORY) does not exist" >&2; exit 2; } ;; \
	esac

.PHONY: report
report: inventory .cache/stamps/collection  ## the kills of this host, or of INVENTORY=hosts.yml, as a table and a web page
ifeq ($(INVENTORY),)
	@$(ALONE) $(BIN)/ansible-playbook memops.linux.report -i localhost, -e ansible_connection=local \
	    -e ansible_python_interpreter=$(BIN)/python -e ansible_remote_tmp=$(CACHE)/ansible/remote -e '{"oom_report_dest": "$(REPORT_DIR)"}' $(ARGS)
else
	@$(FLEET) $(BIN)/ansible-playbook memops.linux.report -i "$(INVENTORY)" -e '{"oom_report_dest": "$(REPORT_DIR)"}' $(ARGS)
endif

.PHONY: test
test:  ## everything that can run here, and a table of what could not; GATES=a,b picks some
	$(check_python)
	@$(PYTHON) tests/gates.py $(if $(GATES),--only $(GATES))

.PHONY: test-fast
test-fast:  ## lint and the quick unit tests, or TESTS=tests/unit/... alone: the loop while you edit
	$(check_python)
	@$(PYTHON) tests/gates.py $(if $(TESTS),--tests $(TESTS),--fast)

.PHONY: test-vm
test-vm:  ## real kernels in virtual machines; VM_TESTS=facts,contest and VM_SUITES=bookworm pick some
	$(check_python)
	@VM_SUITES=$${VM_SUITES:-bullseye,bookworm,trixie,v1} VM_TESTS=$${VM_TESTS:-facts,contest,article,guards,powercut} $(PYTHON) tests/gates.py --only vm

.PHONY: format
format:  ## write the one format: black, and the order of imports
	$(check_python)
	@$(PYTHON) tests/gates.py --format

.PHONY: bench
bench: .venv/.stamp  ## speed and memory, as ratios to grep, cat, ping and the work by hand
	@$(BIN)/python tests/benchmark/run.py --quick
	@echo; echo 'swap files of 1 GiB against fallocate, mkswap and swapon by hand'; $(BIN)/python tests/benchmark/swap.py || true

.PHONY: clean
clean:  ## remove everything that was made here but the reports
	rm -rf .venv .cache .ansible tests/output

.venv/.stamp: requirements.txt requirements-controller.txt
	$(check_python)
	@echo "make: building .venv with $$($(PYTHON) --version)"
	@mkdir -p $(CACHE)/home $(CACHE)/ansible && : >$(CACHE)/ansible.cfg
	@rm -rf .venv && $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input -r requirements-controller.txt
	@touch $@

# --offline: no dependencies to look up, and so no collection server to ask.
.cache/stamps/collection: .venv/.stamp $(CONTENT)
	@mkdir -p $(@D) $(CACHE)/home $(CACHE)/ansible && : >$(CACHE)/ansible.cfg
	@$(ALONE) $(BIN)/ansible-galaxy collection install . --force --offline -p $(CACHE)/collections >$(CACHE)/install.log 2>&1 || \
	    { cat $(CACHE)/install.log >&2; exit 1; }
	@touch $@
