#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# explore.sh ROOT SECONDS FOLDER SEEDS SOURCE... [-- SOURCE...]: builds a fuzz target with clang and explores from its seeds for
# so long. SEEDS and the sources lie in FOLDER of the repository ROOT. The sources before -- are compiled as one file, whose
# headers are read once; those behind it, which have names that others have, too, each alone. Status 77: there is no clang with
# libFuzzer here, nothing was run.
set -euo pipefail

[ $# -ge 5 ] || { echo "usage: explore.sh ROOT SECONDS FOLDER SEEDS SOURCE... [-- SOURCE...]" >&2; exit 2; }
root=$1 seconds=$2 folder=$3 seeds=$4
shift 4
together=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    together+=("$1")
    shift
done
[ $# -eq 0 ] || shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root/$folder"
printf 'int main() { return 0; }\n' >"$work/probe.cpp"
if ! command -v clang++ >/dev/null || ! clang++ -fsanitize=fuzzer-no-link,address -c "$work/probe.cpp" -o "$work/probe.o" ||
    [ -z "$(find "$(clang++ -print-resource-dir)" -name 'libclang_rt.fuzzer-*' -print -quit)" ]; then
    echo "skipped: no clang++ with libFuzzer"
    exit 77
fi
printf '#include "%s"\n' "${together[@]}" >"$work/whole.cpp"
clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -I"$root/include" -I. \
    "$work/whole.cpp" "$@" -lfmt -o "$work/fuzz"
cp -r "$seeds" "$work/seeds"
"$work/fuzz" -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 \
    -artifact_prefix="$work/" "$work/seeds" 2>"$work/log" || {
    tail -40 "$work/log"
    find "$work" \( -name 'crash-*' -o -name 'leak-*' -o -name 'timeout-*' \) -exec xxd {} \;
    exit 1
}
grep -E 'stat::(number_of_executed_units|new_units_added)' "$work/log"
