#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# clauses.sh TABLE JOINLEAF CTEST BUILD SOURCE: each clause of docs/clauses.yaml is in the name of a test or has a reason why it is not.
set -euo pipefail

table=$1 joinleaf=$2 ctest=$3 build=$4 source=$5
unset JOINLEAF_CONFIG JOINLEAF_PROVIDERS
export JOINLEAF_PROVIDER_PATH=$build/providers
{
    "$ctest" --test-dir "$build" -N
    for provider in udp-mcast tcp-root rdma inbox; do
        "$joinleaf" conformance "$provider" --config "$source/sdk/check/tests/providers.yaml" --list
    done
} | "$table" names "$source/docs/clauses.yaml"
