#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The check of the documents finds what is wrong with them: each document below has one fault, and one has none.
set -euo pipefail

examples=$(dirname "${BASH_SOURCE[0]}")/examples.sh
headers=$SOURCE
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
ln -s "$headers/include" "$tree/include"
export SOURCE=$tree

document() { cat >"$tree/page.md"; }
finds() { # what is expected in the complaint
    local out
    if out=$(bash "$examples" page.md 2>&1); then
        echo "not found: $1"
    elif ! grep -qF "$1" <<<"$out"; then
        printf 'instead of "%s":\n%s\n' "$1" "$out"
    else
        return 0
    fi
    failed=1
}
failed=0

good='```yaml a.yaml
version: 1
```
```c run a.yaml
#include <stdio.h>
int main(void) { puts("out"); return 0; }
```'
document <<<"$good
"'```text
out
```
[a link](page.md)'
bash "$examples" page.md || { echo "a good document is refused"; failed=1; }

document <<<"$good
"'```text
other
```'
finds 'page.md:4: the output differs'
document <<<"$good"'
[a link](nowhere.md)'
finds 'page.md:8: the link to nowhere.md leads nowhere'
document <<'TEXT'
```yaml
version: 2
```
TEXT
finds 'page.md:1: joinleaf check ends with status 1'
document <<'TEXT'
```yaml refused a.yaml
version: 1
```
TEXT
finds 'page.md:1: joinleaf check ends with status 0'
document <<'TEXT'
```c compile
int f(void) { return undeclared; }
```
TEXT
finds 'page.md:1: it does not compile'
document <<'TEXT'
```yaml a.yaml
version: 1
```
```cpp run a.yaml
int main() { return 3; }
```
TEXT
finds 'page.md:4: the program ends with status 3'
document <<'TEXT'
```yaml a.yaml
version: 1
```
```console a.yaml
$ joinleaf --version
joinleaf 99
```
TEXT
finds 'page.md:4: the output differs'
exit $failed
