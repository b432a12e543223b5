#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# examples.sh DOCUMENT: the examples of a Markdown file, relative to SOURCE, are true. What is done with a block stands
# in the line that opens it:
#
#   yaml [FILE]          `joinleaf check` accepts it; FILE (joinleaf.yaml) is its name for the blocks below
#   yaml refused FILE    `joinleaf check FILE` refuses it, and the text block that follows is what that says
#   c compile            compiles without a warning; cpp likewise
#   c run FILE           and runs with FILE as configuration and status 0; a text block that follows is what it prints
#   c winsock            compiles as a Windows source does, with the forwarding headers; `c winsock run FILE` likewise
#   console FILE         each line `$ joinleaf ...` is run with FILE as configuration and prints what stands below it
#
# Every other block is left alone. Links to files of the tree lead to a file. Takes SOURCE, CC, CXX, FLAGS (of a
# sanitizer), LIBRARY, JOINLEAF (the command) and PROVIDERS (the folder of the built providers) from the environment.
set -euo pipefail

: "${SOURCE:?}" "${CC:?}" "${CXX:?}" "${LIBRARY:?}" "${JOINLEAF:?}" "${PROVIDERS:?}"
document=$1
unset JOINLEAF_CONFIG JOINLEAF_PROVIDERS JOINLEAF_LOG
export JOINLEAF_PROVIDER_PATH=$PROVIDERS

# Loopback carries multicast only where it is told to; a private network has a loopback of its own.
if [ -z "${DOCS_PRIVATE_NETWORK:-}" ] && command -v ip >/dev/null &&
    unshare -rn bash -c 'ip link set lo up multicast on' 2>/dev/null; then
    export DOCS_PRIVATE_NETWORK=1
    exec unshare -rn bash "${BASH_SOURCE[0]}" "$@"
fi
if [ -n "${DOCS_PRIVATE_NETWORK:-}" ]; then
    ip link set lo up multicast on
    ip route add 224.0.0.0/4 dev lo src 127.0.0.1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
mkdir "$work/blocks" "$work/run"

failed=0
wrong() { # line, text
    printf '%s:%s: %s\n' "$document" "$1" "$2"
    failed=1
}

numbers=() lines=() infos=()
while read -r number line info; do
    numbers+=("$number") lines+=("$line") infos+=("$info")
done < <(awk -v folder="$work/blocks" -f "$(dirname "${BASH_SOURCE[0]}")/blocks.awk" "$SOURCE/$document")

# What follows block $1 as its output; nothing where the next block is no text.
output_below() { # index
    [ "${infos[$1 + 1]:-}" = text ] && echo "$work/blocks/${numbers[$1 + 1]}"
}

# The documents show an installed package and its configuration in /etc. Paths of other lengths shift columns.
as_installed() {
    sed -e "s|$(realpath "$PROVIDERS")|/usr/local/lib/joinleaf|g" -e "s|$PROVIDERS|/usr/local/lib/joinleaf|g" \
        -e "s|$work/run|/etc/joinleaf|g" "$@"
}

compare() { # line, expected, found
    diff -u -b --label documented --label found "$2" <(as_installed "$3") >"$work/diff" && return
    wrong "$1" "the output differs"
    sed 's/^/    /' "$work/diff"
}

check_yaml() { # index, words...
    local index=$1 line=${lines[$1]} name=joinleaf.yaml refused=0 status=0 expected
    shift
    [ "${1:-}" != refused ] || { refused=1; shift; }
    [ $# -eq 0 ] || name=$1
    cp "$work/blocks/${numbers[$index]}" "$work/run/$name"
    (cd "$work/run" && "$JOINLEAF" check "$name") >"$work/out" 2>&1 || status=$?
    if [ $refused -eq 0 ]; then
        [ $status -eq 0 ] || { wrong "$line" "joinleaf check ends with status $status"; sed 's/^/    /' "$work/out"; }
        return
    fi
    [ $status -eq 1 ] || wrong "$line" "joinleaf check ends with status $status where 1 is expected"
    expected=$(output_below "$index") || { wrong "$line" "no text block says what is wrong with it"; return; }
    compare "$line" "$expected" "$work/out"
}

strict=(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Werror)

compile() { # language, windows, source, program or nothing
    local command=("$CC" -std=c11 -D_DEFAULT_SOURCE) link=(-fsyntax-only)
    [ "$1" = c ] || command=("$CXX" -std=c++20)
    if [ "$2" = 1 ]; then
        command+=(-I "$SOURCE/include/joinleaf/compat" -Wall -Wno-unknown-pragmas -Werror)
    else
        command+=("${strict[@]}")
    fi
    # shellcheck disable=SC2206 # several words on purpose
    [ -z "$4" ] || link=(-o "$4" ${FLAGS:-} "$LIBRARY" "-Wl,-rpath,$(dirname "$LIBRARY")" -pthread)
    "${command[@]}" -I "$SOURCE/include" -x "$([ "$1" = c ] && echo c || echo c++)" "$3" -x none "${link[@]}" \
        >"$work/out" 2>&1
}

needs_multicast() { grep -q 'library: udp-mcast' "$work/run/$1"; }

run_program() { # index, configuration
    local line=${lines[$1]} status=0 expected
    [ -f "$work/run/$2" ] || { wrong "$line" "no yaml block above is called $2"; return; }
    if [ -z "${DOCS_PRIVATE_NETWORK:-}" ] && needs_multicast "$2"; then
        echo "$document:$line: not run, a private network with multicast is not permitted here"
        return
    fi
    (cd "$work/run" && JOINLEAF_CONFIG=$2 timeout 30 "$work/program") >"$work/out" 2>"$work/messages" || status=$?
    if [ $status -ne 0 ]; then
        wrong "$line" "the program ends with status $status"
        sed 's/^/    /' "$work/out" "$work/messages"
    elif expected=$(output_below "$1"); then
        compare "$line" "$expected" "$work/out"
    fi
}

check_program() { # index, language, words...
    local index=$1 line=${lines[$1]} language=$2 windows=0 configuration=
    shift 2
    [ "${1:-}" != winsock ] || { windows=1; shift; }
    if [ "${1:-}" = run ]; then
        configuration=${2:?"$document:$line: run needs a configuration"}
    fi
    if ! compile "$language" $windows "$work/blocks/${numbers[$index]}" "${configuration:+$work/program}"; then
        wrong "$line" "it does not compile"
        sed 's/^/    /' "$work/out"
    elif [ -n "$configuration" ]; then
        run_program "$index" "$configuration"
    fi
}

# The output of each command of a console block, with the commands.
replay() { # block
    local text
    while IFS= read -r text; do
        case $text in
        '$ joinleaf '*)
            printf '%s\n' "$text"
            # shellcheck disable=SC2086 # several words on purpose
            "$JOINLEAF" ${text#'$ joinleaf '} 2>&1 || true
            ;;
        '$ '*) printf '%s: cannot be run by this test\n' "$text" ;;
        esac
    done <"$1"
}

check_console() { # index, configuration
    local block=$work/blocks/${numbers[$1]}
    [ -f "$work/run/$2" ] || { wrong "${lines[$1]}" "no yaml block above is called $2"; return; }
    (cd "$work/run" && export JOINLEAF_CONFIG="$2" JOINLEAF_LOG=error && replay "$block") >"$work/out"
    compare "${lines[$1]}" "$block" "$work/out"
}

checked=0
for index in "${!numbers[@]}"; do
    read -ra words <<<"${infos[$index]}"
    case ${words[*]:-} in
    yaml*) check_yaml "$index" "${words[@]:1}" ;;
    'c compile' | 'cpp compile' | 'c run '* | 'cpp run '* | 'c winsock'* | 'cpp winsock'*)
        check_program "$index" "${words[@]}" ;;
    'console '?*) check_console "$index" "${words[1]}" ;;
    *) continue ;;
    esac
    checked=$((checked + 1))
done

# [text](path), without those that leave the tree or stay on the page.
links=0
while IFS=: read -r line target; do
    links=$((links + 1))
    [ -e "$SOURCE/$(dirname "$document")/${target%%#*}" ] || wrong "$line" "the link to $target leads nowhere"
done < <(grep -noE '\]\([^)#:]+(#[^)]*)?\)' "$SOURCE/$document" | sed -E 's/\]\((.*)\)$/\1/')

echo "$document: $checked blocks, $links links"
exit $failed
