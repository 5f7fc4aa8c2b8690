# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What removes a temporary swap file when nobody is there: a POSIX shell script, because the host may have another
Python by then.

It does what swap_file does for ``state: absent``, with the same lock, the same guard and the same care for fstab. Every
step can be done again: killed anywhere, the next try ends what this one began, and the units go last.
"""

from typing import NamedTuple


class Places(NamedTuple):
    """Where the script finds things. Tests give it a directory."""

    swaps: str = "/proc/swaps"
    meminfo: str = "/proc/meminfo"
    fstab: str = "/etc/fstab"
    lock_folder: str = "/run/memops"
    units: str = "/etc/systemd/system"
    stamps: str = "/var/lib/systemd/timers"
    program: str = "/var/lib/memops/swap-expiry"
    path: str = "/usr/sbin:/usr/bin:/sbin:/bin"
    root: str = ""  # where the walk along a path begins


_SCRIPT = r"""#!/bin/sh
# Installed by the Ansible module memops.linux.swap_file (option "expires"); removed with the last temporary swap file.
# systemd starts it when a temporary swap file is to go. It removes the file when that is safe and says "not yet" (75) when it is not.
#
#   swap-expiry UNIT SECONDS-SINCE-1970 FILE FILE-AS-IN-FSTAB
set -u
umask 077
PATH=@path@ LC_ALL=C
export PATH LC_ALL

say() { printf '%s\n' "$*"; }
later() {
    say "$*. The next try is in @retry@ seconds."
    exit 75
}

# Whether only root can change a place: each step of its path is no link, belongs to root and may not be written by others. "shared": a
# folder on the way may be, if users cannot take away there what is not theirs, as /run in containers. What is not there is nobody's.
safe() {
    way=$1 step=@root@/ rest=${2#@root@/}
    while [ ! -L "$step" ] && [ -e "$step" ]; do
        about=$(stat -c '%u %a' -- "$step")
        [ "${about%% *}" = "@owner@" ] || { unsafe="$step belongs to user ${about%% *}" && return 1; }
        case $way-${rest:+on the way}-${about#* } in
        shared-?*-[1357]???) ;;
        *[2367] | *[2367]?) unsafe="$step may be written by others (mode 0${about#* })" && return 1 ;;
        esac
        [ -n "$rest" ] || return 0
        step=${step%/}/${rest%%/*}
        case $rest in */*) rest=${rest#*/} ;; *) rest='' ;; esac
    done
    [ ! -L "$step" ] || { unsafe="$step is a symbolic link" && return 1; }
}

beside() { printf '%s/.%s.memops-%s' "${1%/*}" "${1##*/}" "$2"; }
active() { name=$1 awk 'FNR > 1 && $1 == ENVIRON["name"] { found = 1 } END { exit !found }' "$swaps"; }

# What is in it has to fit into memory and other swap, less a margin of 64 MiB or a tenth: a swapoff without room panics the kernel.
verdict() {
    name=$1 awk '
        FILENAME == ARGV[1] && FNR > 1 { if ($1 == ENVIRON["name"]) used = $4 + 0; else room += $3 - $4 }
        FILENAME == ARGV[2] && $1 == "MemAvailable:" { available = $2 + 0; known = 1 }
        FILENAME == ARGV[2] && $1 == "MemFree:" { free = $2 + 0 }
        END {
            room += known ? available : free
            room -= (room / 10 < 65536) ? 65536 : room / 10
            if (used != 0 && used > room) printf "no: "
            if (room < 0) room = 0
            printf "%.0f KiB are in use and there is room for %.0f KiB\n", used, room
        }' "$swaps" "$meminfo"
}

identity() { stat -c '%d:%i:%s:%Y:%Z' -- "$1" && cksum <"$1"; }
size() { wc -c | tr -d ' '; }

# The numbers of our lines, however they spell the name: octal escapes, double slashes, a carriage return at the end.
our_lines() {
    name=$file awk '
        function decoded(text, out, place, digits) {
            out = ""
            while ((place = index(text, "\\")) > 0) {
                out = out substr(text, 1, place - 1)
                digits = substr(text, place + 1, 3)
                if (digits ~ /^[0-7][0-7][0-7]$/) {
                    out = out sprintf("%c", (substr(digits, 1, 1) * 64 + substr(digits, 2, 1) * 8 + substr(digits, 3, 1)) % 256)
                    text = substr(text, place + 4)
                } else {
                    out = out "\\"
                    text = substr(text, place + (substr(digits, 1, 1) == "\\" ? 2 : 1))
                }
            }
            return out text
        }
        function plain(name, parts, count, number, out) {
            if (name !~ /^[\/]/) return name
            count = split(name, parts, "/")
            out = ""
            for (number = 1; number <= count; number++)
                if (parts[number] != "" && parts[number] != ".") out = out "/" parts[number]
            return out
        }
        {
            sub(/^[ \t]+/, "")
            if (substr($0, 1, 1) == "#" || split($0, field, /[ \t]+/) < 3) next
            sub(/\r+$/, "", field[3])
            if (field[3] == "swap" && plain(decoded(field[1])) == plain(ENVIRON["name"])) print NR
        }' "$1"
}

# Once: only our lines go, by number, and every other byte stays. Succeeds where somebody else was faster, too.
edit_table() {
    seen=$(identity "$table") && cat -- "$table" >"$old" || return 1
    go='' gone=''
    for line in $(our_lines "$old"); do go="$go${line}d;" gone="$gone${line}p;"; done
    rm -f -- "$new"
    cp -a -- "$table" "$new" && sed "$go" "$old" >"$new" || return 1
    sync "$new" 2>/dev/null || sync
    [ $(($(sed -n "$gone" "$old" | size) + $(size <"$new"))) -eq "$(size <"$old")" ] || return 1
    [ "$(sed "$go" "$old" | cksum)" = "$(cksum <"$new")" ] || return 1
    [ "$seen" = "$(identity "$table")" ] || return 0
    mv -f -- "$new" "$table" || return 1
    sync "$folder" 2>/dev/null || sync
    sleep 1 # an editor that read it before has written by then
}

without_line() {
    table=$(readlink -f -- "$fstab") || return 0
    [ -f "$table" ] || return 0
    folder=${table%/*} old=$locks/fstab
    new=$folder/.${table##*/}.memops~ tries=0
    while [ -n "$(our_lines "$table")" ] && [ $tries -lt 4 ]; do
        tries=$((tries + 1))
        edit_table || break
    done
    rm -f -- "$old" "$new"
    [ -z "$(our_lines "$table")" ]
}

# Out of use, when what is in it has room elsewhere. Its path, and the path as it stands in /proc/swaps.
without_area() {
    active "$2" || return 0
    numbers=$(verdict "$2")
    case $numbers in
    [0-9]*) ;;
    *) later "$1 stays: ${numbers#no: }" ;;
    esac
    swapoff "$1"
    ! active "$2" || later "$1 stays: the kernel did not let go of it (${numbers})"
}

swap_signature() {
    for page in 4096 8192 16384 65536; do
        [ "$(dd if="$1" bs=1 skip=$((page - 10)) count=10 2>/dev/null | tr -d '\0')" = SWAPSPACE2 ] && return 0
    done
    return 1
}

ours() { [ ! -L "$1" ] && [ -f "$1" ] && [ "$(stat -c '%u %h' -- "$1")" = "@owner@ 1" ]; }

# The file, or the link to the area that stood in when a change of its size was interrupted; then that area, and a file half made.
without_file() {
    if [ -L "$file" ] && [ "$(readlink -- "$file")" = "${temporary##*/}" ] && [ "$(stat -c %u -- "$file")" = "@owner@" ]; then
        rm -f -- "$file"
    elif [ -e "$file" ] || [ -L "$file" ]; then
        if ours "$file" && swap_signature "$file"; then
            rm -f -- "$file"
        else
            say "$file is not the swap file that was made; it stays."
        fi
    fi
    if ours "$temporary" && swap_signature "$temporary"; then rm -f -- "$temporary"; fi
    if ours "$partial"; then rm -f -- "$partial"; fi
}

# Last of all: without its timer there is no other try, but systemd starts again what was killed here, and that comes back to this.
without_units() {
    systemctl --no-block stop "$unit.timer"
    rm -f -- "$units/timers.target.wants/$unit.timer" "$units/$unit.timer" "$units/$unit.service" "@stamps@/stamp-$unit.timer"
    others=0
    for other in "$units"/memops-swap-expiry-*.timer; do [ ! -e "$other" ] || others=1; done
    if [ $others = 0 ]; then
        rm -f -- "@program@"
        rmdir -- "$(dirname -- "@program@")" 2>/dev/null
    fi
    systemctl daemon-reload
}

main() {
    unit=$1 expires=$2 file=$3 encoded=$4
    temporary=$(beside "$file" bridge) partial=$(beside "$file" half)
    swaps=@swaps@ meminfo=@meminfo@ fstab=@fstab@ units=@units@ locks=@lock_folder@
    # Started before its time, by a boot or when the timer was made. Shortly before, it waits: the timer starts nothing that runs already.
    early=$((expires - $(date +%s)))
    [ $early -le 120 ] || exit 0
    [ $early -le 0 ] || sleep $early
    # As swap_file itself: nothing is opened through what a user could have made, and nothing is touched before all of it was looked at.
    mkdir -m 0755 -- "$locks" 2>/dev/null
    table=$(readlink -f -- "$fstab")
    safe shared "$locks" && safe shared "$locks/lock" && safe root "$units/$unit.timer" && safe root "${table:-$fstab}" && safe root "${file%/*}" ||
        later "$file stays: $unsafe"
    case $(sed -n 1p "$swaps") in
    Filename*) ;;
    *) later "$file stays: $swaps cannot be read" ;;
    esac
    exec 9<>"$locks/lock"
    flock -w 300 9 || later "$file stays: another process holds $locks/lock"
    printf '%s\n' $$ >"$locks/lock"
    # a run of swap_file may have taken this one back or moved it while we waited
    if [ ! -e "$units/$unit.timer" ]; then
        without_units
        exit 0
    fi
    [ "$(sed -n 's/^# expires=//p' "$units/$unit.timer")" = "$expires" ] || exit 0
    without_area "$temporary" "$(beside "$encoded" bridge)"
    without_area "$file" "$encoded"
    without_line || later "$fstab could not be changed, $file is out of use and stays"
    without_file || later "$file is out of use and could not be removed"
    without_units
    say "$file is removed: its time is over."
}

main "$@"
exit
"""


def script(retry: int, owner: int = 0, places: Places = Places()) -> bytes:
    """The program. Names of places are ours: nothing in them needs quoting."""
    text = _SCRIPT.replace("@retry@", "%d" % retry).replace("@owner@", "%d" % owner)
    for name, value in places._asdict().items():
        text = text.replace("@%s@" % name, value)
    return text.encode("ascii")
