#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh ROOT SECONDS wire|session: builds that fuzz target with clang and explores from its seeds for so long. Status
# 77: there is no clang with libFuzzer here, nothing was run.
set -euo pipefail

root=$1
seconds=$2
apart=()
case $3 in
wire) sources=(fuzz/wire_fuzz.cpp wire.cpp verbs/intro.cpp) seeds=fuzz/seeds ;;
session)
    sources=(fuzz/session_fuzz.cpp branch.cpp hub.cpp hub_accept.cpp hub_cast.cpp hub_data.cpp hub_group.cpp hub_join.cpp
        hub_life.cpp inbox.cpp inflow.cpp listening.cpp outflow.cpp peer.cpp ring.cpp root.cpp seat.cpp socket.cpp wire.cpp)
    apart=(cast.cpp) # it has names of its own that others have, too
    seeds=fuzz/seeds_session
    ;;
*)
    echo "run.sh: no fuzz target is called '$3'; there are wire and session" >&2
    exit 2
    ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root/providers/rdma"
printf 'int main() { return 0; }\n' > "$work/probe.cpp"
if ! command -v clang++ > /dev/null || ! clang++ -fsanitize=fuzzer-no-link,address -c "$work/probe.cpp" -o "$work/probe.o" ||
    [ -z "$(find "$(clang++ -print-resource-dir)" -name 'libclang_rt.fuzzer-*' -print -quit)" ]; then
    echo "skipped: no clang++ with libFuzzer"
    exit 77
fi
printf '#include "%s"\n' "${sources[@]}" > "$work/whole.cpp" # one file, whose headers are read once
clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -I"$root/include" -I. \
    "$work/whole.cpp" "${apart[@]}" -lfmt -o "$work/fuzz"
cp -r "$seeds" "$work/seeds"
"$work/fuzz" -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 \
    -artifact_prefix="$work/" "$work/seeds" 2> "$work/log" || {
    tail -40 "$work/log"
    find "$work" \( -name 'crash-*' -o -name 'leak-*' -o -name 'timeout-*' \) -exec xxd {} \;
    exit 1
}
grep -E 'stat::(number_of_executed_units|new_units_added)' "$work/log"
