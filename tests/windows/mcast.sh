#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# mcast.sh PROGRAM: the multicast program as it is used by hand: two receivers, then a sender.
set -euo pipefail

program=$1
work=$(mktemp -d)
receivers=()
tidy() {
    local one
    for one in "${receivers[@]}"; do
        kill "$one" 2>/dev/null || true
        wait "$one" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap tidy EXIT
fail() { printf 'mcast.sh: %s\n' "$*" >&2; exit 1; }

group=239.255.$((RANDOM % 250 + 1)).$((RANDOM % 250 + 1)) port=$((RANDOM % 20000 + 20000))
for number in 1 2; do
    "$program" -m "$group" -p "$port" -n 10 >"$work/$number" &
    receivers+=($!)
done
deadline=$((SECONDS + 20))
until grep -qs READY "$work/1" && grep -qs READY "$work/2"; do
    [ $SECONDS -lt $deadline ] || fail "a receiver does not get ready"
    sleep 0.05
done
"$program" -m "$group" -p "$port" -n 10 -s | grep -qx 'SENT 10 messages' || fail "the sender has not sent"
for number in 1 2; do
    wait "${receivers[number - 1]}" || fail "receiver $number ends with status $?"
    [ "$(grep -c '^RECV: .server 1: This is a test: [0-9].$' "$work/$number")" = 10 ] ||
        fail "receiver $number has: $(cat "$work/$number")"
done
receivers=()
status=0
"$program" -m 127.0.0.1 -s 2>"$work/wrong" || status=$?
[ $status -eq 1 ] && grep -q 'WSAJoinLeaf failed: 10049' "$work/wrong" || fail "an address that is no group: $status, $(cat "$work/wrong")"
