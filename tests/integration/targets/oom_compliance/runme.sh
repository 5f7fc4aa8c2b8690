#!/usr/bin/env bash
# Copyright (c) 2026, memops.linux contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The role with facts out of a cache, on hosts that cannot be touched: what it writes, and the exit code of ansible-playbook.
set -eu

out="${OUTPUT_DIR:-$(mktemp -d)}/oom_compliance"
mkdir -p "$out"
export ANSIBLE_LOCALHOST_WARNING=0 ANSIBLE_INVENTORY_UNPARSED_WARNING=0

# The settings pass on any kernel; the kill of a text log is no kill to who asks for the word of the kernel.
right='{"settings": {"vm.panic_on_oom": {"max": 2}, "vm.oom_kill_allocating_task": {"max": 7}}, "kills": {"max": 0, "proof": "kernel"}, "disable": ["setting-at-boot"]}'
wrong='{"settings": {"vm.panic_on_oom": {"min": 3}}, "disable": ["setting-at-boot"]}'
untold='{"killers": {"earlyoom": "active"}}'
broken='{"rules": [{"id": "a", "severity": "fatal", "message": "m", "remedy": "r", "assert": "a"}]}'

playbook=compliance.yml

# judge EXIT-CODE DEST POLICY [ARGUMENT...]: nothing on the hosts could be run by this interpreter
judge() {
    local wanted="$1" dest="$out/$2" policy="$3" code=0
    shift 3
    ansible-playbook -i inventory.yml "$playbook" -e ansible_python_interpreter=/nonexistent/python -e oom_compliance_gather=false \
        -e "oom_compliance_dest=$dest" -e "{\"oom_compliance_policy\": $policy}" "$@" >"$out/log" 2>&1 || code=$?
    if [ "$code" != "$wanted" ]; then
        cat "$out/log"
        echo "exit code $code, wanted $wanted: $policy $*" >&2
        exit 1
    fi
}

says() {
    grep -qF -- "$1" "$out/log" || { cat "$out/log"; echo "not said: $1" >&2; exit 1; }
}

# times N LINE: so often it was said
times() {
    local count
    count=$(grep -cxF -- "$2" "$out/log") || true
    [ "$count" = "$1" ] || { cat "$out/log"; echo "said $count times, wanted $1: $2" >&2; exit 1; }
}

# All hosts are judged at once, after the last batch, in every order of the batches, and again in a second play.
in_batches() {
    local playbook=serial.yml order
    for order in inventory reverse_inventory; do
        judge 0 batches "$right" -e "batch_order=$order" -e oom_compliance_enforce=false
        times 2 "Policy policy on 2 hosts: no failures, 8 passed."
    done
    judge 2 batches "$wrong"
    times 1 "Policy policy on 2 hosts: 2 failures on 2 hosts, 2 passed."
    judge 2 batches "$untold"
    says "Policy policy on 2 hosts: no failures, 2 unknown on 2 hosts, which does not count as a pass, 2 passed."
}

# A playbook that judged nobody has not passed, whatever leaves it without hosts: a pattern, --limit, or an empty inventory.
of_nobody() {
    local playbook=memops.linux.compliance
    printf 'all: {}\n' >"$out/empty.yml"
    printf 'all: {children: {web: {hosts: {one: {}}}, db: {hosts: {two: {}}}}, vars: {ansible_connection: local}}\n' >"$out/groups.yml"
    printf 'all: {hosts: {localhost: {ansible_connection: local}}}\n' >"$out/local.yml"
    judge 2 nobody "$right" -e memops_hosts=nope
    says "nope names no host of the inventory, so nothing was judged"
    judge 2 nobody "$right" -i "$out/groups.yml" -e memops_hosts=db --limit web
    says "db names no host of the inventory within --limit, so nothing was judged"
    nobody 2 -i "$out/empty.yml"
    says "all names no host of the inventory, so nothing was judged"
    # ansible-test makes Ansible itself refuse such a limit; people have the default.
    ANSIBLE_HOST_PATTERN_MISMATCH=warning nobody 4 -i "$out/empty.yml" --limit web
    says "the inventory is empty, so nothing was judged"
    if [ -e "$out/nobody" ]; then
        echo "something was written of nobody" >&2
        exit 1
    fi
    # Nor has one whose tags, or whose first task, left out the judgement.
    judge 2 nobody "$right" --tags nothing
    says "No host was judged, which does not count as a pass"
    judge 2 nobody "$right" --start-at-task "See that a host was judged"
    judge 2 nobody "$right" --start-at-task "Judge them on the controller"
    judge 0 limited "$right" --tags compliance -i "$out/groups.yml" --limit db
    judge 0 limited "$right" -i "$out/groups.yml" --limit db
    says "Policy policy on 1 host:"
    judge 0 limited "$right" -i "$out/groups.yml" -e 'memops_hosts=all:!web' --limit two,one
    says "Policy policy on 1 host:"
    # A localhost is judged where it is asked for, also one that no inventory has; it has no facts here, which does not count as a pass.
    for inventory in "$out/local.yml" "$out/empty.yml"; do
        nobody 2 -i "$inventory" -e memops_hosts=localhost
        says "UNKNOWN facts on localhost"
    done
}

# nobody EXIT-CODE [ARGUMENT...]: judge, with an inventory of its own
nobody() {
    local wanted="$1" code=0
    shift
    ansible-playbook memops.linux.compliance -e oom_compliance_gather=false -e "oom_compliance_dest=$out/nobody" \
        -e "{\"oom_compliance_policy\": $right}" -e '{"oom_compliance_formats": []}' "$@" >"$out/log" 2>&1 || code=$?
    if [ "$code" != "$wanted" ]; then
        cat "$out/log"
        echo "exit code $code, wanted $wanted: $*" >&2
        exit 1
    fi
}

# What the cache holds is a report too, read through its plugin: both hosts are in it, and cannot be touched.
reported_from_cache() {
    rm -rf "$out/reported"
    ansible-playbook -i inventory.yml memops.linux.report -e ansible_python_interpreter=/nonexistent/python \
        -e "{\"oom_report_from\": {\"cache\": true}, \"oom_report_dest\": \"$out/reported\", \"oom_report_formats\": [\"json\"]}"
    python -c 'import json, sys; print({host["state"] for host in json.load(open(sys.argv[1]))["hosts"].values()})' \
        "$out/reported/report.json" | grep -Fx "{'ok'}"
}

with_cache() {
    echo "== $1"
    export ANSIBLE_CACHE_PLUGIN="$1" ANSIBLE_CACHE_PLUGIN_CONNECTION="$2"
    rm -rf "$out/nobody" "$out/right" "$out/wrong" "$out/untold" "$out/check"
    ansible-playbook -i inventory.yml gather.yml
    reported_from_cache
    judge 0 right "$right"
    judge 0 right "$right" --check
    judge 2 wrong "$wrong"
    says "FAILED (error) setting on one, two: vm.panic_on_oom"
    judge 2 untold "$untold"
    says "no failures, 2 unknown on 2 hosts, which does not count as a pass"
    judge 0 untold "$untold" -e oom_compliance_unknown=warn
    says "UNKNOWN killer on one, two"
    judge 2 strange "$right" -i stranger,
    says "UNKNOWN facts on stranger"
    judge 2 broken "$broken"
    says "rules[0].severity: 'fatal' is none of info, warning, error"
    judge 2 check "$wrong" --check
    if [ -e "$out/check" ] || [ -e "$out/broken" ]; then
        echo "check mode or a wrong policy wrote something" >&2
        exit 1
    fi
    judge 0 told "$wrong" -e oom_compliance_enforce=false
    in_batches
    of_nobody
    for name in index.html report.json report.md kills.csv junit.xml findings.sarif findings.json suggestions.yml; do
        test -s "$out/wrong/$name"
    done
    python - "$out" <<'PYTHON'
import json, sys
from xml.etree import ElementTree

out = sys.argv[1]
wrong, untold = (ElementTree.parse(f"{out}/{name}/junit.xml").getroot() for name in ("wrong", "untold"))
if (wrong.get("failures"), wrong.get("errors"), untold.get("failures"), untold.get("errors")) != ("2", "0", "0", "2"):
    raise SystemExit("junit.xml does not tell a failure from what is not known")
(run,) = json.load(open(f"{out}/wrong/findings.sarif"))["runs"]
if sorted(result["properties"]["host"] for result in run["results"]) != ["one", "two"]:
    raise SystemExit("findings.sarif does not have the failure of both hosts")
PYTHON
    ansible-playbook -i inventory.yml filter.yml -e ansible_python_interpreter=/nonexistent/python
}

with_cache jsonfile "$out/cache"

# ansible-test gives a target neither the collection with the cache plugin nor a variable: the gate `compliance` runs this script itself.
if [ -z "${MEMOPS_REDIS:-}" ]; then
    echo "NOT TESTED: the redis cache, because MEMOPS_REDIS is not set"
elif ! command -v redis-server >/dev/null; then
    echo "NOT TESTED: the redis cache, because there is no redis-server here"
elif ! python -c 'import redis' 2>/dev/null; then
    echo "NOT TESTED: the redis cache, because this Python has no redis"
elif ! ansible-doc -t cache community.general.redis >/dev/null 2>&1; then
    echo "NOT TESTED: the redis cache, because community.general is not installed"
else
    port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    redis-server --bind 127.0.0.1 --port "$port" --save "" --appendonly no --dir "$out" --logfile "$out/redis.log" &
    redis=$!
    trap 'kill "$redis"; wait "$redis" || :' EXIT # it writes to its log until it has ended
    for _try in $(seq 100); do
        if python -c "import redis; redis.Redis(port=$port).ping()" 2>/dev/null; then break; fi
        sleep 0.1
    done
    with_cache community.general.redis "127.0.0.1:$port:0"
fi
