# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Two Soft-RoCE devices at the two ends of a cable, rdma_a and rdma_b. Soft-RoCE sends and receives in the first network
# namespace only, so that both ends lie there; policy routes make what goes from one end's address to the other's
# really leave by one and arrive at the other, instead of staying inside the machine.
RDMA_A4=10.77.0.1 RDMA_B4=10.77.0.2 RDMA_A6=fd77::1 RDMA_B6=fd77::2
export RDMA_A4 RDMA_B4 RDMA_A6 RDMA_B6

sysctl -qw net.ipv4.conf.{all,default}.{rp_filter=0,accept_local=1,arp_ignore=1,arp_announce=2}
sysctl -qw net.ipv6.conf.{all,default}.{accept_dad=0,dad_transmits=0,accept_ra=0}
ip link set lo up
# Room for the largest path MTU of RDMA, 4096, and its headers.
ip link add cable_a mtu 4200 address 02:00:00:00:00:0a type veth peer name cable_b mtu 4200 address 02:00:00:00:00:0b

end_up() { # device, IPv4, IPv6
    ip link set "$1" up
    ip addr add "$2/24" dev "$1"
    ip -6 addr add "$3/64" dev "$1" nodad
}
end_up cable_a $RDMA_A4 $RDMA_A6
end_up cable_b $RDMA_B4 $RDMA_B6

cross() { # -4 or -6, from, to, device, address of the other end's card, table
    ip "$1" rule add pref 10 iif "$4" lookup local
    ip "$1" route add "$3" dev "$4" src "$2" table "$6"
    ip "$1" rule add pref 20 from "$2" to "$3" lookup "$6"
    ip "$1" neigh replace "$3" lladdr "$5" dev "$4" nud permanent
}
for family in 4 6; do
    a=RDMA_A$family b=RDMA_B$family
    cross -$family "${!a}" "${!b}" cable_a 02:00:00:00:00:0b 101
    cross -$family "${!b}" "${!a}" cable_b 02:00:00:00:00:0a 102
    ip -$family rule add pref 30 lookup local
    ip -$family rule del pref 0
done
rdma link add rdma_a type rxe netdev cable_a
rdma link add rdma_b type rxe netdev cable_b
