#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# demo.sh [FILE]: one program, three transports. `distribute` sends FILE (default: a large file of this machine) from a
# root to four leaf processes over tcp-root, again over rdma (in software where there is no device), then the lines of a
# text as a live feed to four receivers over udp-mcast.
# The program and its arguments stay the same; only JOINLEAF_CONFIG changes.
#
# JOINLEAF_BUILD is the folder of the build. The demo ends by itself, leaves nothing behind, and its exit status is 0
# only if everything came out as promised: over tcp-root and rdma nothing lost and every copy equal; over udp-mcast each
# message either received or counted as lost.

# shellcheck disable=SC2317 # many functions are called by name: by promise, run_session and trap
set -euo pipefail

readonly leaves=4
readonly feed_lines=12000 feed_rate=4000 # three seconds to look at
readonly patience=20                     # seconds that the processes wait for one another
readonly time_limit=60                   # seconds for one transport
readonly least_size=$((32 * 1024 * 1024))

examples=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly examples
: "${JOINLEAF_BUILD:?is the folder of the build, as in JOINLEAF_BUILD=build/release}"
build=$(cd "$JOINLEAF_BUILD" && pwd)
readonly build
readonly program=$build/examples/distribute
export JOINLEAF_PROVIDER_PATH=$build/providers
unset JOINLEAF_PROVIDERS

say() { printf '%s\n' "$*"; }
fail() {
    printf 'demo: %s\n' "$*" >&2
    exit 2
}

has_flag() { # interface, MULTICAST or UP
    ip -o link show dev "$1" 2>/dev/null | grep -q "<.*\b$2\b.*>"
}

# Loopback carries multicast only where it is told to, and that is not ours to change: a private network namespace has
# a loopback of its own. unshare -r needs no privilege.
enter_private_network() {
    [ -z "${JOINLEAF_DEMO_PRIVATE:-}" ] || return 0
    command -v unshare >/dev/null || return 0
    export JOINLEAF_DEMO_PRIVATE=1
    local way
    for way in "unshare -rn" "unshare -n" "sudo -n --preserve-env=JOINLEAF_BUILD,JOINLEAF_DEMO_PRIVATE unshare -n"; do
        # shellcheck disable=SC2086 # several words on purpose
        if $way bash -c 'ip link set lo up multicast on' 2>/dev/null; then
            exec $way bash "${BASH_SOURCE[0]}" "$@"
        fi
    done
}

prepare_private_network() {
    ip link set lo up multicast on
    ip route add 224.0.0.0/4 dev lo src 127.0.0.1
}

# The configuration for udp-mcast: udp.yaml as it is where lo can multicast. Where neither that nor a private network
# is to be had, the first other interface that can, with a TTL of 0, so that nothing leaves this machine.
udp_configuration() {
    if has_flag lo MULTICAST; then
        echo "$examples/udp.yaml"
        return
    fi
    local interface
    for interface in $(ip -o link show up | sed -E 's/^[0-9]+: ([^:@]+).*/\1/'); do
        if has_flag "$interface" MULTICAST; then
            sed "s/interface: lo,/interface: $interface, ttl: 0,/" "$examples/udp.yaml" >"$work/udp.yaml"
            echo "$work/udp.yaml"
            return
        fi
    done
    fail "no interface of this machine carries multicast, and a private network is not permitted"
}

largest_file() {
    # Not the very largest: four copies have to fit beside it.
    find /usr/lib /usr/libexec /usr/bin -xdev -type f -readable -size +$((least_size / 1024 - 1))k -size -98304k \
        -printf '%s %p\n' 2>/dev/null | sort -rn | head -n 1 | cut -d ' ' -f 2-
}

file_to_send() {
    if [ $# -gt 0 ]; then
        if [ ! -f "$1" ] || [ ! -r "$1" ] || [ ! -s "$1" ]; then
            fail "'$1' is no file that can be read, or it is empty"
        fi
        realpath -- "$1"
        return
    fi
    local found
    found=$(largest_file)
    if [ -z "$found" ]; then
        found=$work/usr.tar
        tar -cf - /usr/lib /usr/share /usr/bin 2>/dev/null | head -c $((least_size * 3 / 2)) >"$found" || true
        [ "$(stat -c %s "$found")" -ge $least_size ] || fail "this machine has too few files; name one: ./run demo FILE"
    fi
    echo "$found"
}

make_feed() {
    local texts=("$examples/../LICENSE" /usr/share/common-licenses/*)
    local text
    for text in "${texts[@]}"; do
        [ ! -f "$text" ] || cat "$text"
    done >"$work/text"
    : >"$work/feed"
    while [ "$(wc -l <"$work/feed")" -lt $feed_lines ]; do
        cat "$work/text" >>"$work/feed"
    done
    head -n $feed_lines "$work/feed" >"$work/feed.txt"
}

pids=()

launch() { # arguments of the program; its messages go to the meeting
    "$program" "$@" --meet "$meet" --timeout $patience >>"$meet/output" 2>>"$meet/messages" &
    pids+=($!)
}

end_processes() {
    local pid
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    for pid in "${pids[@]}"; do
        wait "$pid" 2>/dev/null || true
    done
    pids=()
}

clean_up() {
    end_processes
    rm -rf "$work"
}

running() {
    local pid
    for pid in "${pids[@]}"; do
        ! kill -0 "$pid" 2>/dev/null || return 0
    done
    return 1
}

[ -t 1 ] && on_terminal=1 || on_terminal=0
drawn=0

status_of() { # leaf; sets count and all
    count=0 all=0
    read -r count all 2>/dev/null <"$meet/$1.status" || true
}

bar() { # done, all
    local full=$(($2 > 0 ? 40 * $1 / $2 : 0)) cells
    printf -v cells '%*s' "$full" ''
    printf '[%s' "${cells// /#}"
    printf -v cells '%*s' $((40 - full)) ''
    printf '%s]' "${cells// /.}"
}

draw_bars() {
    [ "$drawn" -eq 0 ] || printf '\033[%dA' "$leaves"
    local i count all
    for ((i = 1; i <= leaves; i++)); do
        status_of "leaf$i"
        printf '\033[K  leaf%d  %s  %3d %%  %d of %d messages\n' "$i" "$(bar "$count" "$all")" \
            $((all > 0 ? 100 * count / all : 0)) "$count" "$all"
    done
    drawn=1
}

print_rates() { # seconds since the last line
    local i count all line=
    for ((i = 1; i <= leaves; i++)); do
        status_of "leaf$i"
        line+="  leaf$i $((all > 0 ? 100 * count / all : 0)) % $(((count - ${last[i]:-0}) / $1))/s"
        last[i]=$count
    done
    say "$line messages"
}

# Until every process has ended. Returns 1 when the time limit came first.
watch_processes() {
    local start=$SECONDS told=$SECONDS
    local -a last=()
    drawn=0
    while running; do
        [ $((SECONDS - start)) -lt "$time_limit" ] || return 1
        if [ "$on_terminal" -eq 1 ]; then
            draw_bars
        elif [ $((SECONDS - told)) -ge 1 ]; then
            print_rates $((SECONDS - told))
            told=$SECONDS
        fi
        sleep 0.1
    done
    if [ "$on_terminal" -eq 1 ]; then draw_bars; else print_rates $((SECONDS > told ? SECONDS - told : 1)); fi
}

result() { # process, key
    sed -n "s/^$2=//p" "$meet/$1.result" 2>/dev/null
}

print_table() { # what was sent
    local i
    printf '\n%s over %s: %s messages, %s bytes, %s leaves\n' "$1" "$(result root transport)" "$(result root messages)" \
        "$(result root bytes)" $leaves
    printf '%-6s %12s %10s %6s %13s %9s %9s %9s\n' leaf bytes messages lost 'out of order' SHA-256 'join ms' MiB/s
    for ((i = 1; i <= leaves; i++)); do
        printf '%-6s %12s %10s %6s %13s %9s %9.2f %9.2f\n' "leaf$i" "$(result "leaf$i" bytes)" \
            "$(result "leaf$i" messages)" "$(result "leaf$i" lost)" "$(result "leaf$i" out_of_order)" \
            "$(result "leaf$i" sha256)" "$(result "leaf$i" join_ms)" \
            "$(awk -v b="$(result "leaf$i" bytes)" -v s="$(result "leaf$i" seconds)" \
                'BEGIN { print (s > 0 ? b / s / 1048576 : 0) }')"
    done
    say
}

broken=0
promise() { # what was promised, then a test
    local what=$1
    shift
    if ! "$@"; then
        say "NOT AS PROMISED: $what"
        broken=1
    fi
}

same_digits() { [ -n "$1" ] && [ "$1" = "$2" ]; }
says() { [ "$(result "$1" "$2")" = "$3" ]; }

check_whole() { # leaf, what was sent
    promise "$1 has lost nothing" says "$1" lost 0
    promise "$1 has an equal SHA-256" says "$1" sha256 equal
    promise "the copy of $1 is the original" cmp -s "$2" "$meet/$1.copy"
}

check_counts() { # leaf, what was sent
    local received lost sent
    received=$(result "$1" messages) lost=$(result "$1" lost) sent=$(result root messages)
    promise "$1 has received something" [ "${received:-0}" -gt 0 ]
    promise "$1 has received or missed each message" same_digits "$((${received:-0} + ${lost:-0}))" "$sent"
    if [ "$lost" = 0 ] && says "$1" out_of_order 0; then
        check_whole "$1" "$2"
    else
        promise "the SHA-256 of $1 tells of the loss" says "$1" sha256 differs
    fi
}

# Without the folders that everyone knows or nobody cares for.
shorter() {
    local path=${1#"$work/"}
    echo "${path#"$PWD/"}"
}

# The same for both transports, but for the configuration.
run_session() { # configuration, mode, what is sent, check, arguments of the root
    local configuration=$1 mode=$2 what=$3 check=$4 i
    shift 4
    export JOINLEAF_CONFIG=$configuration
    meet=$(mktemp -d "$work/meet.XXXXXX")
    say "JOINLEAF_CONFIG=$(shorter "$configuration") distribute root $mode $(shorter "$what") --leaves $leaves${*:+ $*}"
    for ((i = 1; i <= leaves; i++)); do
        launch leaf "$mode" "$meet/leaf$i.copy" --name "leaf$i"
    done
    launch root "$mode" "$what" --leaves $leaves "$@"
    promise "everything ends within $time_limit seconds" watch_processes
    end_processes
    if [ ! -f "$meet/root.result" ]; then
        sed 's/^/    /' "$meet/messages"
        promise "the root comes to an end" false
        return
    fi
    print_table "$(basename "$what")"
    for ((i = 1; i <= leaves; i++)); do
        "$check" "leaf$i" "$what"
    done
    [ $broken -eq 0 ] || sed 's/^/    /' "$meet/messages"
}



[ $# -le 1 ] || fail "usage: demo.sh [FILE]"
command -v ip >/dev/null || fail "the command ip is missing; iproute2 has it"
[ -x "$program" ] || fail "$program is missing; build it first"
if [ -n "${JOINLEAF_DEMO_PRIVATE:-}" ]; then
    prepare_private_network
elif ! has_flag lo MULTICAST; then
    enter_private_network "$@"
fi

work=$(mktemp -d)
readonly work
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

file=$(file_to_send "$@")
make_feed
udp=$(udp_configuration)

say "A file over tcp-root, again over rdma, then a live feed over udp-mcast: one program, three configurations."
say
run_session "$examples/tcp.yaml" file "$file" check_whole
if [ -e "$build/providers/joinleaf-rdma-ofi.engine" ]; then
    run_session "$examples/rdma.yaml" file "$file" check_whole
else
    say "rdma: skipped, this build has no engine for it (libfabric-dev was missing)"
fi
run_session "$udp" feed "$work/feed.txt" check_counts --rate $feed_rate
if [ $broken -eq 0 ]; then
    say "Everything as promised."
fi
exit $broken
