#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# machine_paths.sh ROOT BINARY_DIR: no file of the tree names a path that exists on one machine only: where the tree
# or its build happens to lie, or somebody's home.
set -euo pipefail

root=$1 binary=$2
# shellcheck source=tests/house/tree_files.sh
. "$(dirname "$0")/tree_files.sh"

quote() { sed 's/[][\.*^$+?(){}|]/\\&/g' <<<"$1"; }

# A bracket keeps each pattern from matching itself.
patterns='/[h]ome/[a-z]|/[r]oot/|/[U]sers/[A-Za-z]|/[w]ork/|/[m]nt/[a-z]'
for folder in "$root" "$binary"; do
    case $folder in
    /*/*) patterns="$patterns|$(quote "$folder")" ;; # one component alone, as /src, also occurs in honest text
    esac
done

if found=$(cd "$root" && tree_files . | xargs -r -d '\n' grep -HnIE "(^|[^A-Za-z0-9_.}/-])($patterns)"); then
    printf 'paths of one machine:\n%s\n' "$found"
    exit 1
fi
