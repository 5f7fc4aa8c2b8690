#!/usr/bin/env bash
# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# From anywhere, to anywhere: reports of facts that were gathered before, a host that hangs, AWX, and what stands on a terminal.
set -eu

out="${OUTPUT_DIR:-$(mktemp -d)}/report_flows"
rm -rf "$out"
mkdir -p "$out"
export ANSIBLE_LOCALHOST_WARNING=0 ANSIBLE_DEPRECATION_WARNINGS=0 ANSIBLE_NOCOLOR=1 ANSIBLE_INVENTORY_UNPARSED_WARNING=0
python flows.py "$out"
