#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# exports.sh NM ALLOWED REQUIRED LIBRARY: every symbol that LIBRARY defines for others matches the expression
# ALLOWED as a whole, and those listed in REQUIRED are among them.
set -euo pipefail

nm=$1 allowed=$2 required=$3 library=$4

# Type A is the name of a version, not a symbol.
symbols=$("$nm" -D --defined-only --format=posix "$library" | awk '$2 != "A" { sub(/@.*/, "", $1); print $1 }')

failed=0
if unexpected=$(grep -vxE "$allowed" <<<"$symbols"); then
    echo "$library also exports:"
    sed 's/^/    /' <<<"$unexpected"
    failed=1
fi
for name in $required; do
    grep -qx "$name" <<<"$symbols" || { echo "$library does not export $name"; failed=1; }
done
exit $failed
