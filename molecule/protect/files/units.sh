# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Words for the setups of vars/*.yml, which source this file.
# shellcheck shell=sh disable=SC2034
folder=/etc/systemd/system
run='ExecStart=/bin/sleep infinity'

# unit NAME LINE...: a unit file
unit() {
    name=$1
    shift
    printf '%s\n' '[Service]' "$@" >"$folder/$name"
}

# dropin UNIT FILE LINE...: a drop-in as a person writes one
dropin() {
    mkdir -p "$folder/$1.d"
    place=$folder/$1.d/$2
    shift 2
    printf '%s\n' '[Service]' "$@" >"$place"
}

# ours UNIT SCORE: the bytes that service_memory writes
ours() {
    dropin "$1" 50-memops.conf "OOMScoreAdjust=$2"
    sed -i '1i # Managed by memops.linux.service_memory\n# Changes made here are lost; put yours into a file of another name.' "$folder/$1.d/50-memops.conf"
}

# dies UNIT HOW LINE...: a service that lives with every score but 300, and with that one ends as HOW says; ALIVE is how it lives
dies() {
    mkdir -p /usr/local/lib/dies
    cat >"/usr/local/lib/dies/$1" <<S
#!/bin/sh
if [ "\$(cat /proc/self/oom_score_adj)" != 300 ]; then ${ALIVE:-exec sleep infinity}; fi
$2
S
    chmod 755 "/usr/local/lib/dies/$1"
    name=$1
    shift 2
    [ $# -gt 0 ] || set -- "ExecStart=/usr/local/lib/dies/$name"
    unit "$name" "$@"
    unset ALIVE
}
