#!/usr/bin/env bash
# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# One host must not speak for the fleet: what a host answers steers nothing on the controller, and a roll-out ends where hosts are lost.
set -eu

out="${OUTPUT_DIR:-$(mktemp -d)}/steering"
rm -rf "$out"
mkdir -p "$out"
export ANSIBLE_LOCALHOST_WARNING=0 ANSIBLE_DEPRECATION_WARNINGS=0 ANSIBLE_NOCOLOR=1 ANSIBLE_HOST_KEY_CHECKING=0
export ANSIBLE_CONNECTION_PLUGINS="$PWD/connection_plugins"
python steer.py "$out"
python roll_out.py "$out"
