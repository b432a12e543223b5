#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Faulty plugins before and after a sound one, as the command `joinleaf` shows them; then a transfer over the sound one.
# Arguments: the command, the folder of faulty plugins, the sound plugin `inbox`.
set -euo pipefail

joinleaf=$1 faulty=$2 inbox=$3
unset JOINLEAF_PROVIDER_PATH JOINLEAF_PROVIDERS JOINLEAF_LOG
work=$(mktemp -d)
receiver=

tidy() {
    [ -z "$receiver" ] || { kill "$receiver" 2>/dev/null || true; wait "$receiver" 2>/dev/null || true; }
    rm -rf "$work"
}
trap tidy EXIT
trap 'exit 1' INT TERM

fail() { printf 'command.sh: %s\n' "$*" >&2; exit 1; }

# The reason that must stand on a line with the file's name.
declare -A reasons=(
    [abi]='is built for ABI version 7, this runtime has ABI version 1'
    [no-entry]='has no entry symbol jl_provider_startup'
    [short-table]='table is too short'
    [startup]='startup fails with WSASYSNOTREADY: the licence has expired'
    [unresolved]='unresolved symbol jl_nobody_defines_this'
    [throws]='startup throws an exception'
    [text]='is not a library'
)

item() { printf '  - name: %s\n    library: %s\n' "$1" "$2"; }

write_configuration() {
    local name half=0
    mkdir "$work/sessions"
    printf 'version: 1\nproviders:\n'
    for name in "${!reasons[@]}"; do
        item "$name" "$faulty/joinleaf-$name.so"
        if [ $((half += 1)) -eq 3 ]; then
            item inbox "$inbox"
            printf '    options: {directory: %s}\n' "$work/sessions"
        fi
    done
}

show_all() {
    local name
    JOINLEAF_LOG=warning timeout 60 "$joinleaf" providers --json >"$work/shown" 2>"$work/log" || fail "providers ends with status $?: $(cat "$work/log")"
    for name in "${!reasons[@]}"; do
        grep -F "joinleaf-$name.so: " "$work/shown" | grep -qF "${reasons[$name]}" ||
            fail "providers does not say of joinleaf-$name.so that it '${reasons[$name]}': $(cat "$work/shown")"
        grep -F "joinleaf-$name.so: " "$work/log" | grep -qF "${reasons[$name]}" ||
            fail "the log does not say of joinleaf-$name.so that it '${reasons[$name]}': $(cat "$work/log")"
    done
    timeout 60 "$joinleaf" providers >"$work/shown" 2>/dev/null || fail "providers ends with status $?"
    [ "$(grep -c refused "$work/shown")" -ge "${#reasons[@]}" ] || fail "fewer refusals than faulty plugins: $(cat "$work/shown")"
    timeout 60 "$joinleaf" explain --family inet --type dgram --flags c_leaf,d_leaf >"$work/shown" 2>/dev/null ||
        fail "explain ends with status $?"
    grep -q '^chosen: inbox/messages' "$work/shown" || fail "explain does not choose inbox: $(cat "$work/shown")"
}

# Few enough bytes to fit whole into the smallest receive buffer that Linux gives by default, so that none can get lost.
transfer() {
    local group="239.255.9.$((RANDOM % 250 + 1)):$((RANDOM % 20000 + 20000))"
    head -c 100000 "$inbox" >"$work/sent"
    timeout 60 "$joinleaf" recv --address "$group" -o "$work/received" 2>"$work/recv.log" &
    receiver=$!
    timeout 60 "$joinleaf" send --address "$group" "$work/sent" 2>"$work/send.log" || fail "send ends with status $?: $(cat "$work/send.log" "$work/recv.log")"
    wait "$receiver" || fail "recv ends with status $?: $(cat "$work/recv.log")"
    receiver=
    cmp "$work/sent" "$work/received" || fail "what came is not what was sent"
}

write_configuration >"$work/joinleaf.yaml"
export JOINLEAF_CONFIG=$work/joinleaf.yaml
show_all
transfer
