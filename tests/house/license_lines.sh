#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# license_lines.sh ROOT: every source file, build file and script names the licence in its first three lines.
set -euo pipefail

root=$1
# shellcheck source=tests/house/tree_files.sh
. "$(dirname "$0")/tree_files.sh"

failed=0
files=0
while IFS= read -r file; do
    files=$((files + 1))
    head -n 3 "$root/$file" | grep -qE 'SPDX-License-Identifier: Apache-2\.0( \*/)?$' ||
        { echo "$file: no SPDX-License-Identifier line"; failed=1; }
done < <(tree_files "$root" | grep -E '\.(c|h|cpp|hpp|cmake|sh)$|(^|/)CMakeLists\.txt$|^run$|^\.ci/run$')

echo "$files files"
[ "$files" -gt 0 ] && [ "$failed" -eq 0 ]
