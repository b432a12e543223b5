#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bench.sh [NAME [ARGUMENTS]]: runs the benchmarks of a build folder ($JOINLEAF_BUILD), or the one named, and leaves
# their figures as JSON in its folder bench/figures/. ARGUMENTS go to that one.
set -euo pipefail
build=${JOINLEAF_BUILD:?set JOINLEAF_BUILD to a build folder with JOINLEAF_BUILD_BENCH=ON}
export JOINLEAF_PROVIDER_PATH="$build/providers"
figures=$build/bench/figures
mkdir -p "$figures"

run_one() {
    local name=$1
    shift
    case $name in
    round-trip) "$build/bin/bench_round_trip" "$figures/round_trip.json" ;;
    tcp-root)
        "$build/bin/bench_tcp_root" --json "$figures/tcp_root.json" "$@"
        # One cell alone leaves no figures.
        if [ -f "$figures/tcp_root.json" ] && command -v python3 >/dev/null; then
            "${BASH_SOURCE[0]%/*}/plot.py" "$figures/tcp_root.json" "$figures/tcp_root.svg"
        fi
        ;;
    rdma)
        if [ ! -x "$build/bin/bench_rdma" ]; then
            echo "bench: rdma is left out, libfabric-dev was not there at build time" >&2
            return 0
        fi
        "$build/bin/bench_rdma" --json "$figures/rdma.json" "$@"
        ;;
    udp-mcast) "$build/bin/bench_udp_mcast" --json "$figures/udp_mcast.json" "$@" ;;
    *)
        printf "bench: no benchmark is called '%s'; there are: rdma, round-trip, tcp-root, udp-mcast\n" "$name" >&2
        exit 2
        ;;
    esac
}

if [ $# -gt 0 ]; then
    run_one "$@"
else
    run_one round-trip
    run_one tcp-root
    run_one rdma
    run_one udp-mcast
fi
