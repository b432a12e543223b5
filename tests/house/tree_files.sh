# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by the house tests. tree_files ROOT lists the files of the tree, relative to ROOT, one a line: what git
# knows or would add, and in an unpacked archive everything but build folders.

tree_files() {
    local root=$1
    if git -C "$root" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git -C "$root" ls-files --cached --others --exclude-standard | while IFS= read -r file; do
            [ -f "$root/$file" ] && printf '%s\n' "$file"
        done
    else
        (cd "$root" && find . \( -name .git -o -path ./build -o -path ./b \) -prune -o -type f -print | sed 's|^\./||')
    fi
}
