#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# arrows.sh ROOT: every include of one of our own files points the way the plan of the house allows.
# Prints each include that does not, and fails if there is one.
set -euo pipefail

root=$1
# shellcheck source=tests/house/tree_files.sh
. "$(dirname "$0")/tree_files.sh"

declare -A known=()
while IFS= read -r file; do known[$file]=1; done < <(tree_files "$root")

# The room a file belongs to, a folder that has rules of its own, into `room`.
find_room() {
    local first=${1%%/*} rest=${1#*/}
    case $1 in
    include/joinleaf/*) room=public ;;
    runtime/*/*) room=${rest%%/*} ;;
    runtime/runtime.*) room=root ;; # the composition root
    runtime/*) room=base ;;         # the log and the like, below every room of the runtime
    providers/*/tests/*) room=$first/${rest%%/*}/tests ;;
    sdk/check/runner/*) room=sdk/check/runner ;;
    providers/*/* | tests/*/* | sdk/check/*) room=$first/${rest%%/*} ;;
    */*) room=$first ;;
    *) room=top ;;
    esac
}

# The rooms that room $1 may include besides itself, into `rooms`.
find_allowed() {
    case $1 in
    public | config | base) rooms='public' ;;
    dispatch | qos) rooms='public base' ;;
    catalog) rooms='public base config dispatch qos' ;;
    network) rooms='public base dispatch' ;;
    socket) rooms='public base catalog dispatch network qos' ;;
    host) rooms='public base socket dispatch' ;;
    statistics) rooms='public base catalog dispatch socket' ;;
    api) rooms='public base socket catalog dispatch root' ;; # the catalog is what enumeration is about
    root) rooms='public base config catalog dispatch network qos socket host api statistics' ;;
    providers/*/tests) rooms="provider.h ${1%/tests} tests/support" ;;
    providers/*) rooms='provider.h' ;;
    tests/config) rooms='public config tests/support' ;;
    tests/catalog | tests/dispatch | tests/socket | tests/qos)
        rooms='public base config catalog dispatch network qos socket host root statistics tests/support' ;;
    sdk/check) rooms='public tests/support sdk/check/runner' ;;
    tests/*) rooms='public tests/support' ;;
    cli) rooms='public sdk/check/runner' ;;
    *) rooms='public' ;;
    esac
}

is_allowed() { # room of the including file, room of the included one, the included file
    [ "$1" = "$2" ] && return 0
    find_allowed "$1"
    case " $rooms " in
    *" $2 "*) return 0 ;;
    ' provider.h '*) [[ $3 =~ ^include/joinleaf/provider(\.h|\.hpp|/[a-z_]+\.hpp)$ ]] ;;
    *) return 1 ;;
    esac
}

# The file of the tree that `#include "$2"` in file $1 means, into `target`; empty for a header from elsewhere.
resolve() {
    local folder path
    for folder in "${1%/*}" include include/joinleaf/compat runtime . config; do
        path=$folder/$2
        path=${path//\/.\//\/}
        path=${path#./}
        while [[ $path =~ ^(.*/)?([^/]*[^/.][^/]*)/\.\./(.*)$ ]]; do
            path=${BASH_REMATCH[1]}${BASH_REMATCH[3]}
        done
        target=$path
        [ -z "${known[$path]:-}" ] || return 0
    done
    target=
}

includes=0
offenders=0
pattern='^[^"<]*(["<])([^">]+)[">]'
while IFS=: read -r file line text; do
    [[ $text =~ $pattern ]] || continue
    # A system header without a folder is never ours, whatever else has its name.
    [ "${BASH_REMATCH[1]}" = '"' ] || [[ ${BASH_REMATCH[2]} == */* ]] || continue
    resolve "$file" "${BASH_REMATCH[2]}"
    [ -n "$target" ] || continue
    includes=$((includes + 1))
    find_room "$file"
    from=$room
    find_room "$target"
    if ! is_allowed "$from" "$room" "$target"; then
        echo "$file:$line: '$from' may not include '$room' ($target); allowed besides itself: $rooms"
        offenders=$((offenders + 1))
    fi
done < <(cd "$root" && printf '%s\n' "${!known[@]}" | grep -E '\.(c|h|cpp|hpp|inc)$' | sort |
    xargs -r -d '\n' grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]')

echo "$includes includes of our own files, $offenders against the arrows"
[ "$offenders" -eq 0 ]
