// SPDX-License-Identifier: Apache-2.0
//
// Which link a session's datagrams come and go by, where a host has several.
#include "two_bridges.hpp"

#include <cstring>
#include <utility>

namespace joinleaf::udp_mcast::test {

namespace {

template <class Value> std::string bytes_of_value(const Value& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

in_addr four(const std::string& text) {
    in_addr made{};
    EXPECT_EQ(::inet_pton(AF_INET, text.c_str(), &made), 1);
    return made;
}

// One form of a join by the BSD options.
struct membership_form {
    std::string name;
    std::int32_t level, join, leave;
    std::string value;
};

// address, number: of the link. IPv6 knows numbers alone.
std::vector<membership_form> membership_forms(const place& group, const char* address, unsigned number) {
    const bool six = group.get()->sa_family == AF_INET6;
    const std::int32_t level = six ? IPPROTO_IPV6 : IPPROTO_IP;
    group_req any{};
    any.gr_interface = number;
    std::memcpy(&any.gr_group, group.get(), group.length());
    std::vector<membership_form> all{
        {"group_req", level, MCAST_JOIN_GROUP, MCAST_LEAVE_GROUP, bytes_of_value(any)}};
    if (six) {
        ipv6_mreq request{};
        ::inet_pton(AF_INET6, group.host().c_str(), &request.ipv6mr_multiaddr);
        request.ipv6mr_interface = number;
        all.push_back({"ipv6_mreq", level, IPV6_JOIN_GROUP, IPV6_LEAVE_GROUP, bytes_of_value(request)});
        return all;
    }
    const ip_mreq by_address{four(group.host()), four(address)};
    const ip_mreq by_index{four(group.host()), four("0.0.0." + std::to_string(number))};
    const ip_mreqn by_number{four(group.host()), {}, static_cast<int>(number)};
    for (const auto& [name, value] : {std::pair("ip_mreq, address", bytes_of_value(by_address)),
                                      std::pair("ip_mreq, index", bytes_of_value(by_index)),
                                      std::pair("ip_mreqn", bytes_of_value(by_number))}) {
        all.push_back({name, level, IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, value});
    }
    return all;
}

// The values of IP_MULTICAST_IF and IPV6_MULTICAST_IF for a link, with a name each.
std::vector<std::pair<std::string, std::string>> interface_forms(int family, const char* address,
                                                                 unsigned number) {
    if (family == AF_INET6) {
        return {{"number", bytes_of_value(number)}};
    }
    return {{"address", bytes_of_value(four(address))},
            {"index", bytes_of_value(four("0.0.0." + std::to_string(number)))},
            {"ip_mreqn", bytes_of_value(ip_mreqn{{}, {}, static_cast<int>(number)})}};
}

class Interfaces : public two_bridges {};

TEST_F(Interfaces, TwoBridges_NeverMix) {
    for (const int family : {AF_INET, AF_INET6}) {
        const auto& group = family == AF_INET ? group_ : six_;
        // The same group and port on each link, chosen by name, by index and by address.
        const auto by_name = at(home_, "eth0", family);
        const auto by_address = at(home_, "10.9.1.1", family);
        const auto by_index = at(home_, std::to_string(index_of(home_, "eth0")), family);
        const auto one = at(left_, "eth0", family);
        const auto other = at(right_, "eth0", family);
        for (auto* member : {&by_name, &by_address, &by_index, &one, &other}) {
            ASSERT_EQ((*member)->socket.join(group), 0);
        }
        for (int round = 0; round < 3; ++round) {
            EXPECT_EQ(one->socket.send("left"), 0);
            EXPECT_EQ(other->socket.send("right"), 0);
            EXPECT_EQ(by_name->socket.next().text, "left");
            EXPECT_EQ(by_index->socket.next().text, "left");
            EXPECT_EQ(by_address->socket.next().text, "right");
            EXPECT_EQ(one->socket.next().text, "left"); // its own
            EXPECT_EQ(other->socket.next().text, "right");
        }
        EXPECT_EQ(by_name->socket.send("to the left"), 0);
        EXPECT_EQ(by_address->socket.send("to the right"), 0);
        EXPECT_EQ(one->socket.next().text, "to the left");
        EXPECT_EQ(other->socket.next().text, "to the right");
        EXPECT_EQ(by_name->socket.next().text, "to the left");
        EXPECT_EQ(by_index->socket.next().text, "to the left");
        EXPECT_EQ(by_address->socket.next().text, "to the right");
        for (auto* member : {&by_name, &by_address, &by_index, &one, &other}) {
            EXPECT_TRUE((*member)->socket.is_quiet());
        }
    }
}

// The BSD options choose the link in each form that they have for it, against the one of the configuration: by address, by
// Winsock's index in 0.0.0.0/8, by Linux' number and by the number of the protocol-independent form.
TEST_F(Interfaces, IO_28_BsdJoins_ChooseTheLink_InEveryForm) {
    const auto number = index_of(home_, "eth1");
    for (const int family : {AF_INET, AF_INET6}) {
        const auto& group = family == AF_INET ? group_ : six_;
        const auto here = at(left_, "eth0", family);
        const auto there = at(right_, "eth0", family);
        ASSERT_EQ(here->socket.join(group, JL_SENDER_ONLY), 0);
        ASSERT_EQ(there->socket.join(group, JL_SENDER_ONLY), 0);
        for (const auto& form : membership_forms(group, "10.9.1.1", number)) {
            const auto member = at(home_, "eth0", family);
            ASSERT_EQ(member->socket.set(SOL_SOCKET, SO_REUSEADDR, 1), 0);
            ASSERT_EQ(member->socket.bind(place(family == AF_INET ? "0.0.0.0" : "::", group.port())), 0);
            const auto set = [&](std::int32_t option) {
                std::int32_t code = -1;
                home_.run([&] {
                    code = member->socket.ops().set_option(member->socket.endpoint(), form.level, option,
                                                           form.value.data(),
                                                           static_cast<std::uint32_t>(form.value.size()));
                });
                return code;
            };
            ASSERT_EQ(set(form.join), 0) << form.name;
            EXPECT_EQ(set(form.join), WSAEADDRNOTAVAIL) << form.name;
            EXPECT_EQ(here->socket.send("left"), 0);
            EXPECT_EQ(there->socket.send("right"), 0);
            EXPECT_EQ(member->socket.next().text, "right") << form.name;
            EXPECT_TRUE(member->socket.is_quiet()) << form.name;
            ASSERT_EQ(set(form.leave), 0) << form.name;
            EXPECT_EQ(there->socket.send("after"), 0);
            EXPECT_EQ(there->socket.send("marker",
                                         place(family == AF_INET ? "10.9.1.1" : "fd09:1::1", group.port())),
                      0);
            EXPECT_EQ(member->socket.next().text, "marker") << form.name;
        }
    }
}

TEST_F(Interfaces, IO_28_TheMulticastInterface_IsChosenInEveryForm) {
    const auto number = index_of(home_, "eth1");
    for (const int family : {AF_INET, AF_INET6}) {
        const auto& group = family == AF_INET ? group_ : six_;
        const auto here = at(left_, "eth0", family);
        const auto there = at(right_, "eth0", family);
        ASSERT_EQ(here->socket.join(group), 0);
        ASSERT_EQ(there->socket.join(group), 0);
        for (const auto& [name, value] : interface_forms(family, "10.9.1.1", number)) {
            const auto sender = at(home_, "eth0", family);
            std::int32_t code = -1;
            home_.run([&] {
                code = sender->socket.ops().set_option(
                    sender->socket.endpoint(), family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
                    family == AF_INET ? IP_MULTICAST_IF : IPV6_MULTICAST_IF, value.data(),
                    static_cast<std::uint32_t>(value.size()));
            });
            ASSERT_EQ(code, 0) << name;
            EXPECT_EQ(sender->socket.send(name, group), 0);
            EXPECT_EQ(there->socket.next().text, name);
            EXPECT_TRUE(here->socket.is_quiet()) << name;
        }
    }
}

TEST_F(Interfaces, ScopeOfAnIPv6Session_NamesTheLink) {
    const auto first = at(home_, "eth0", AF_INET6);
    const auto second = at(home_, "eth0", AF_INET6);
    const auto sender = at(right_, "eth0", AF_INET6);
    const place group("ff12::19:2", 21903);
    ASSERT_EQ(first->socket.join(group), 0);
    ASSERT_EQ(second->socket.join(place("ff12::19:2", 21903, index_of(home_, "eth1"))), 0);
    ASSERT_EQ(sender->socket.join(group), 0);
    EXPECT_EQ(sender->socket.send("right"), 0);
    EXPECT_EQ(second->socket.next().text, "right");
    EXPECT_TRUE(first->socket.is_quiet());
    EXPECT_EQ(second->socket.send("answer"), 0);
    EXPECT_EQ(sender->socket.next().text, "right");
    EXPECT_EQ(sender->socket.next().text, "answer");
}

TEST_F(Interfaces, ForeignGroupOnThePort_IsNeverDelivered) {
    for (const int family : {AF_INET, AF_INET6}) {
        const place mine = family == AF_INET ? group_ : six_;
        const place foreign(family == AF_INET ? "239.192.19.99" : "ff18::19:99", mine.port());
        const auto member = at(home_, "eth0", family);
        const auto neighbour = at(home_, "eth0", family); // the host is a member of the foreign group
        const auto sender = at(left_, "eth0", family);
        ASSERT_EQ(member->socket.join(mine), 0);
        ASSERT_EQ(neighbour->socket.join(foreign), 0);
        ASSERT_EQ(sender->socket.join(mine, JL_SENDER_ONLY), 0);
        EXPECT_EQ(sender->socket.send("foreign", foreign), 0);
        EXPECT_EQ(sender->socket.send("mine"), 0);
        EXPECT_EQ(neighbour->socket.next().text, "foreign");
        EXPECT_EQ(member->socket.next().text, "mine");
        EXPECT_TRUE(member->socket.is_quiet());
        EXPECT_TRUE(neighbour->socket.is_quiet());
    }
}

} // namespace

} // namespace joinleaf::udp_mcast::test
