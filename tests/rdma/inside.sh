#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# inside.sh BUILD: in the guest, every test of engine verbs. The exit status is 0 where all of them passed.
set -uo pipefail

build=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
joinleaf=$build/cli/joinleaf
export JOINLEAF_PROVIDER_PATH=$build/providers JOINLEAF_CONFIG=$here/verbs.yaml
export JOINLEAF_CHECK_ADDRESS4=$RDMA_A4 JOINLEAF_CHECK_ADDRESS6=$RDMA_A6
work=$(mktemp -d)
failed=()

step() { # name, command
    local name=$1 begin=$SECONDS
    shift
    echo "== $name"
    if "$@"; then
        echo "== $name: passed ($((SECONDS - begin)) s)"
    else
        echo "== $name: FAILED with status $? ($((SECONDS - begin)) s)"
        failed+=("$name")
    fi
}

unit_tests() { "$build/bin/rdma_device_test" --gtest_brief=1; } # prints what a message costs

# A root at one end of the cable and leaves at both; every copy is the same as what was sent.
transfer() { # name, bytes, leaves at the far end
    local name=$1 leaves=$3 port=$((5000 + RANDOM % 1000)) i receivers=()
    head -c "$2" /dev/urandom >"$work/$name"
    sed "s/engine: verbs/engine: verbs, local: $RDMA_B4/" "$here/verbs.yaml" >"$work/far.yaml"
    timeout 100 "$joinleaf" send -q --timeout 60 --address "$RDMA_A4:$port" --leaves "$leaves" "$work/$name" &
    local sender=$!
    for i in $(seq "$leaves"); do
        JOINLEAF_CONFIG=$work/far.yaml timeout 100 "$joinleaf" recv -q --timeout 60 --address "$RDMA_A4:$port" \
            -o "$work/$name.$i" &
        receivers+=($!)
    done
    for i in "$sender" "${receivers[@]}"; do
        wait "$i" || return 1
    done
    for i in $(seq "$leaves"); do
        cmp "$work/$name" "$work/$name.$i" || return 1
    done
}

packets() { cat /sys/class/net/cable_a/statistics/tx_packets; }

counted_transfer() {
    local before
    before=$(packets)
    transfer plain 2000000 3 || return 1
    echo "2000000 bytes to 3 leaves: $(($(packets) - before)) packets left the root's end"
}

# Reliable means reliable.
lossy_transfer() {
    tc qdisc add dev cable_a root netem loss 10%
    tc qdisc add dev cable_b root netem loss 10%
    transfer lossy 300000 2
    local status=$?
    tc -s qdisc show dev cable_a | grep -o 'dropped [0-9]*'
    tc qdisc del dev cable_a root
    tc qdisc del dev cable_b root
    return $status
}

# A leaf that is killed with data under way harms nobody else.
killed_leaf() {
    local port=$((6000 + RANDOM % 1000)) copy=$work/killed.copy sender victim other
    head -c 6000000 /dev/urandom >"$work/killed"
    timeout 100 "$joinleaf" send -q --timeout 60 --address "$RDMA_A4:$port" --leaves 2 "$work/killed" &
    sender=$!
    "$joinleaf" recv -q --timeout 60 --address "$RDMA_A4:$port" -o "$work/victim" &
    victim=$!
    JOINLEAF_CONFIG=$work/far.yaml timeout 100 "$joinleaf" recv -q --timeout 60 --address "$RDMA_A4:$port" -o "$copy" &
    other=$!
    for _ in $(seq 300); do
        [ "$(stat -c %s "$copy.part" 2>/dev/null || echo 0)" -lt 500000 ] || break
        sleep 0.1
    done
    kill -KILL "$victim" || return 1
    echo "killed at $(stat -c %s "$copy.part") of 6000000 bytes"
    wait "$other" && cmp "$work/killed" "$copy" || return 1
    wait "$sender"
    echo "the sender's status: $?"
    wait "$victim" 2>/dev/null || [ $? -eq 137 ]
}

# As an ordinary user with little memory to lock.
little_memory() {
    local port=$((7000 + RANDOM % 1000)) sender said
    chmod 755 "$work"
    install -d -m 777 "$work/poor"
    timeout 30 "$joinleaf" send -q --timeout 20 --address "$RDMA_A4:$port" "$work/plain" &
    sender=$!
    said=$(ulimit -l 64 && setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all timeout 20 "$joinleaf" \
        recv -q --timeout 5 --address "$RDMA_A4:$port" -o "$work/poor/copy" 2>&1)
    kill "$sender"
    echo "$said"
    grep -q 'locked memory is limited to 64 KiB: raise it' <<<"$said"
}

removed_device() {
    timeout 60 "$build/bin/rdma_device_test" --gtest_brief=1 --gtest_also_run_disabled_tests --gtest_filter='*ADeviceThatIsRemoved*'
}

# A device whose address two cards share. When the other one takes over, the kernel tells who uses it, for the hardware
# address is another one.
moved_address() {
    ip link add team type bond mode active-backup fail_over_mac active
    for each in team_1 team_2; do
        ip link add "$each" type veth peer name "far_$each"
        ip link set "far_$each" up
        ip link set "$each" master team || return 1
    done
    ip link set team up
    ip addr add 10.78.0.1/24 dev team
    rdma link add rdma_c type rxe netdev team || return 1
    RDMA_C4=10.78.0.1 timeout 60 "$build/bin/rdma_device_test" --gtest_brief=1 --gtest_also_run_disabled_tests \
        --gtest_filter='*AnAddressThatMoves*'
}

# udp-mcast with a queue that spaces packets, which the kernel of the machine outside may not have.
pacing() {
    local said
    said=$("$build/bin/udp_mcast_test" --gtest_filter='PacedSocket.*') || { echo "$said"; return 1; }
    ! grep SKIPPED <<<"$said"
}

providers() { "$joinleaf" providers; }

conformance() {
    local suite arguments=()
    while read -r suite; do
        arguments+=(--filter "$suite")
    done < <(grep -v '^#' "$here/cases.txt")
    "$joinleaf" conformance rdma --group 50 --jobs 1 --timeout 30 "${arguments[@]}" --json "$build/rdma-guest.json"
}

# Sessions without a root: no route leads to their groups here.
group_conformance() {
    sed "s/engine: verbs/engine: verbs, local: $RDMA_A4/" "$here/verbs.yaml" >"$work/near.yaml"
    JOINLEAF_CONFIG=$work/near.yaml "$joinleaf" conformance rdma --group 50 --jobs 1 --timeout 30 \
        --filter 'Nonrooted.*group_ipv4' --json "$build/rdma-guest-groups.json"
}

step providers providers
step "pacing by fq" pacing
step "unit tests over devices" unit_tests
step "transfer to 3 leaves" counted_transfer
step "transfer with 10 % loss" lossy_transfer
step "a leaf is killed" killed_leaf
step "little memory to lock" little_memory
step conformance conformance
step "conformance of groups" group_conformance
step "an address moves" moved_address
step "a device is removed" removed_device
rm -rf "$work"
echo "guest: ${#failed[@]} of 11 steps failed, $SECONDS s"
[ ${#failed[@]} -eq 0 ]
