#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# headers_alone.sh INCLUDE_DIR CC CXX: each public header compiles as the only thing in a file, and twice in one
# file: a .h as C11 and as C++20, a .hpp as C++20, without a warning.
set -euo pipefail

include=$1 cc=$2 cxx=$3
warnings=(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Werror)

compiles() { # header, language, compiler, options...
    local header=$1 language=$2
    shift 2
    printf '#include "%s"\n#include "%s"\nextern int joinleaf_unused_;\n' "$header" "$header" |
        "$@" "${warnings[@]}" -I "$include" -I "$include/joinleaf/compat" -fsyntax-only -x "$language" - ||
        { echo "$header does not compile alone as $language"; return 1; }
}

headers=0
failed=0
while IFS= read -r header; do
    headers=$((headers + 1))
    compiles "$header" c++ "$cxx" -std=c++20 || failed=1
    case $header in
    *.h) compiles "$header" c "$cc" -std=c11 || failed=1 ;;
    esac
done < <(find "$include" \( -name '*.h' -o -name '*.hpp' \) -print | sort)

echo "$headers headers"
[ "$headers" -gt 0 ] && [ "$failed" -eq 0 ]
