#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the benchmarks of a build folder ($JOINLEAF_BUILD) and leaves their figures as JSON in its folder bench/.
set -euo pipefail
build=${JOINLEAF_BUILD:?set JOINLEAF_BUILD to a build folder with JOINLEAF_BUILD_BENCH=ON}
export JOINLEAF_PROVIDER_PATH="$build/providers"
mkdir -p "$build/bench/figures"
"$build/bin/bench_round_trip" "$build/bench/figures/round_trip.json"
