#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# quickstart.sh PUBLISHER SUBSCRIBER: what README.md promises of its five minutes: the same two programs over each of
# the configurations that stand there. Takes SOURCE and PROVIDERS from the environment.
set -euo pipefail

: "${SOURCE:?}" "${PROVIDERS:?}"
publisher=$1 subscriber=$2
unset JOINLEAF_PROVIDERS JOINLEAF_LOG
export JOINLEAF_PROVIDER_PATH=$PROVIDERS

if [ -z "${DOCS_PRIVATE_NETWORK:-}" ]; then
    command -v ip >/dev/null && unshare -rn bash -c 'ip link set lo up multicast on' 2>/dev/null ||
        { echo "skipped: a private network with multicast is not permitted here"; exit 77; }
    DOCS_PRIVATE_NETWORK=1 exec unshare -rn bash "${BASH_SOURCE[0]}" "$@"
fi
ip link set lo up multicast on
ip route add 224.0.0.0/4 dev lo src 127.0.0.1

work=$(mktemp -d)
listeners=()
stop_listeners() {
    local pid
    for pid in "${listeners[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    listeners=()
    # A member that is killed cannot take the file of an inbox session away.
    rm -f /dev/shm/joinleaf-inbox-*-"$group-$port"
}
group=none port=0
trap 'stop_listeners; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
fail() { printf 'quickstart.sh: %s\n' "$*" >&2; exit 1; }

# What the README's publisher sends once both subscribers have said that they joined arrives at each, whole and once.
over() { # configuration
    local number deadline=$((SECONDS + 30)) text=$'one to many\nlast words'
    group=239.255.7.$((RANDOM % 250 + 1)) port=$((RANDOM % 20000 + 20000))
    export JOINLEAF_CONFIG=$work/$1
    for number in 1 2; do
        "$subscriber" "$group" "$port" >"$work/$1.$number" 2>"$work/$1.$number.says" &
        listeners+=($!)
    done
    for number in 1 2; do
        until grep -qs "^joined $group $port\$" "$work/$1.$number.says"; do
            [ $SECONDS -lt $deadline ] || fail "$1: subscriber $number says: $(cat "$work/$1.$number.says")"
            sleep 0.05
        done
    done
    printf '%s\n' "$text" | "$publisher" "$group" "$port" || fail "$1: the publisher ends with status $?"
    for number in 1 2; do
        until [ "$(cat "$work/$1.$number")" = "$text" ]; do
            [ $SECONDS -lt $deadline ] || fail "$1: subscriber $number has: $(cat "$work/$1.$number")"
            sleep 0.05
        done
    done
    stop_listeners
    for number in 1 2; do
        [ "$(cat "$work/$1.$number")" = "$text" ] || fail "$1: subscriber $number has: $(cat "$work/$1.$number")"
    done
    echo "$1: good"
}

mkdir "$work/blocks"
while read -r number _ kind name; do
    [ "$kind" != yaml ] || mv "$work/blocks/$number" "$work/$name"
done < <(awk -v folder="$work/blocks" -f "$SOURCE/tests/docs/blocks.awk" "$SOURCE/README.md")

over lan.yaml
over shared.yaml
