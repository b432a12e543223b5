#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# found.sh JOINLEAF BROKEN PROVIDERS FAULT BASE VERDICT CASE: the conformance kit, run over the provider BASE with FAULT, tells VERDICT of CASE, a shell
# pattern, and over BASE alone passes it. CASE may be followed by a part of what the report must say.
set -euo pipefail

joinleaf=$1 broken=$2 providers=$3 fault=$4 base=$5 verdict=$6 case=$7 sentence=${8:-}
unset JOINLEAF_CONFIG JOINLEAF_PROVIDERS
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A copy: the kit loads its companions from the same folder, and a library that is loaded twice has one host.
cp "$providers/joinleaf-$base.so" "$work/base.so"
# A sanitizer would make a status of its own of the signal.
[ "$verdict" != crash ] || export ASAN_OPTIONS=handle_segv=0 TSAN_OPTIONS=handle_segv=0
export JOINLEAF_PROVIDER_PATH=$providers JOINLEAF_BROKEN_BASE=$work/base.so JOINLEAF_LOG=none
printf 'version: 1\nproviders: []\n' >"$work/none.yaml"

run() { # fault, file of the report
    local status=0 limit=40
    # What is to time out is not given long.
    [ "$verdict" != timeout ] || limit=8
    JOINLEAF_BROKEN=$1 "$joinleaf" conformance "$broken" --config "$work/none.yaml" --filter "$case" --timeout $limit --jobs 2 --json "$2" \
        >"$2.text" 2>&1 || status=$?
    echo "$status"
}
fail() { # sentence, file of the report
    printf 'found.sh: %s\n' "$1" >&2
    cat "$2.text" >&2
    exit 1
}

[ "$(run none "$work/sound")" = 0 ] || fail "the case fails over $base without a fault" "$work/sound"
grep -q '"outcome": "pass"' "$work/sound" || fail "no case that fits '$case' passes over $base without a fault" "$work/sound"
status=$(run "$fault" "$work/broken")
grep -q "\"outcome\": \"$verdict\"" "$work/broken" || fail "$fault: the case does not come to '$verdict'" "$work/broken"
[ "$verdict" = warn ] || [ "$status" = 1 ] || fail "$fault: the status is $status, not 1" "$work/broken"
[ -z "$sentence" ] || grep -qF -- "$sentence" "$work/broken" || fail "$fault: the report does not say '$sentence'" "$work/broken"
grep -E '^(fail|crash|timeout|warn)' "$work/broken.text"
