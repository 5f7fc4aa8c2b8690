#!/bin/sh
# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The services that the READMEs speak of. None of them runs: a test machine need not be allowed to lower a score below 0.
set -eu
for name in nginx mysql reports; do
    printf '%s\n' '[Service]' 'ExecStart=/bin/sleep infinity' >"/etc/systemd/system/$name.service"
done
systemctl daemon-reload
