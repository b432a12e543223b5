#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# arrows_selftest.sh ARROWS: builds a small tree with one include per rule, allowed and forbidden, and compares
# what the arrow check says about each.
set -euo pipefail

arrows=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

put() { # file, then the includes it holds
    local file=$tree/$1
    shift
    mkdir -p "$(dirname "$file")"
    printf '#include %s\n' '<vector>' "$@" >"$file"
}

put include/joinleaf/provider.h
put include/joinleaf/winsock2.h
put config/parser.hpp
put runtime/log.hpp
put runtime/runtime.hpp '"runtime/socket/table.hpp"'
put runtime/dispatch/reactor.hpp '"runtime/log.hpp"'
put runtime/catalog/catalog.hpp '"config/parser.hpp"'
put runtime/socket/table.hpp '"catalog/catalog.hpp"' '"../dispatch/reactor.hpp"' '<joinleaf/winsock2.h>'
put runtime/api/send.cpp '"socket/table.hpp"' '"joinleaf/winsock2.h"'
put runtime/host/upcalls.cpp '"socket/table.hpp"' '"dispatch/reactor.hpp"'
put include/joinleaf/provider/host.hpp
put providers/lan/session.hpp '<joinleaf/provider.h>' '"joinleaf/provider/host.hpp"'
put providers/lan/session.cpp '"session.hpp"'
put tests/support/waiting.hpp
put providers/lan/tests/session_test.cpp '"../session.hpp"' '"tests/support/waiting.hpp"' '<joinleaf/provider.h>'
put sdk/check/join_test.cpp '"tests/support/waiting.hpp"' '<joinleaf/winsock2.h>'
bash "$arrows" "$tree" >/dev/null || { echo "an allowed arrow was refused:"; bash "$arrows" "$tree" || exit 1; }

failed=0
must_refuse() { # file, include
    put "$1" "$2"
    if bash "$arrows" "$tree" >/dev/null; then
        echo "not found: $1 includes $2"
        failed=1
    fi
    rm "$tree/$1"
}

must_refuse runtime/dispatch/bad.cpp '"socket/table.hpp"'
must_refuse runtime/bad.cpp '"runtime/dispatch/reactor.hpp"'
must_refuse runtime/socket/bad.cpp '"runtime/runtime.hpp"'
must_refuse runtime/catalog/bad.cpp '"../socket/table.hpp"'
must_refuse runtime/socket/bad.cpp '"config/parser.hpp"'
must_refuse runtime/host/bad.cpp '"catalog/catalog.hpp"'
must_refuse config/bad.cpp '"runtime/dispatch/reactor.hpp"'
must_refuse providers/lan/bad.cpp '"joinleaf/winsock2.h"'
must_refuse providers/lan/bad.cpp '<dispatch/reactor.hpp>'
must_refuse providers/other/bad.cpp '"../lan/session.hpp"'
must_refuse cli/bad.cpp '"catalog/catalog.hpp"'
must_refuse examples/demo/bad.cpp '"runtime/socket/table.hpp"'
must_refuse providers/lan/bad.cpp '"tests/support/waiting.hpp"'
must_refuse providers/other/tests/bad.cpp '"../../lan/session.hpp"'
must_refuse providers/lan/tests/bad.cpp '"joinleaf/winsock2.h"'
must_refuse sdk/check/bad.cpp '"socket/table.hpp"'
must_refuse sdk/check/bad.cpp '"../../providers/lan/session.hpp"'
must_refuse tests/plugins/bad.cpp '"socket/table.hpp"'
must_refuse include/joinleaf/bad.h '"../../config/parser.hpp"'
exit $failed
