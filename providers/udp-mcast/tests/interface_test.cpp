// SPDX-License-Identifier: Apache-2.0
//
// Several interfaces, several hosts: a host with a link to each of two bridges, a host on each bridge, and a
// router between the bridges. What the kernel tells the network is looked at on the wire.
#include "scratch_socket.hpp"

#include <support/waiting.hpp>

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/mroute.h>
#include <linux/mroute6.h>
#include <netinet/icmp6.h>
#include <netinet/igmp.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <tuple>

namespace joinleaf::udp_mcast::test {

namespace {

// A network namespace with a thread in it. A socket belongs to the namespace it was made in, whoever uses it.
class host_network {
  public:
    host_network() : thread_([this] { work(); }) {
        run([this] {
            ok_ = joinleaf::test::enter_new_network(why_);
            id_ = static_cast<long>(::syscall(SYS_gettid));
        });
    }
    host_network(const host_network&) = delete;
    host_network& operator=(const host_network&) = delete;
    ~host_network() {
        run([this] { over_ = true; });
        thread_.join();
    }
    [[nodiscard]] const std::string& refusal() const { return why_; }
    [[nodiscard]] long id() const { return id_; }

    // Runs `what` in the namespace, to its end.
    void run(const std::function<void()>& what) {
        std::unique_lock hold(lock_);
        task_ = &what;
        changed_.notify_all();
        changed_.wait(hold, [this] { return task_ == nullptr; });
    }
    // A command of iproute2.
    void ip(const std::string& words) {
        run([&] { EXPECT_EQ(std::system(("ip " + words).c_str()), 0) << words; });
    }
    template <class Made> std::unique_ptr<Made> make(const std::function<std::unique_ptr<Made>()>& how) {
        std::unique_ptr<Made> made;
        run([&] { made = how(); });
        return made;
    }

  private:
    void work() {
        std::unique_lock hold(lock_);
        while (!over_) {
            changed_.wait(hold, [this] { return task_ != nullptr; });
            (*task_)();
            task_ = nullptr;
            changed_.notify_all();
        }
    }
    std::mutex lock_;
    std::condition_variable changed_;
    const std::function<void()>* task_ = nullptr;
    bool over_ = false;
    bool ok_ = false;
    long id_ = 0;
    std::string why_;
    std::thread thread_;
};

// Everything that comes by the links of a namespace, with the IP header first.
class capture {
  public:
    explicit capture(int protocol)
        : fd_(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL))), wanted_(protocol) {
        EXPECT_GE(fd_, 0);
    }
    capture(const capture&) = delete;
    capture& operator=(const capture&) = delete;
    ~capture() { ::close(fd_); }

    // Whether a packet comes for which `fits(bytes)` says so.
    bool sees(const std::function<bool(const std::string&)>& fits,
              std::chrono::milliseconds limit = joinleaf::test::patience) {
        const auto end = joinleaf::test::clock::now() + limit;
        do {
            std::array<char, 2048> room{};
            sockaddr_ll from{};
            socklen_t length = sizeof from;
            const auto got = ::recvfrom(fd_, room.data(), room.size(), MSG_DONTWAIT,
                                        reinterpret_cast<sockaddr*>(&from), &length);
            if (got > 0 && ntohs(from.sll_protocol) == wanted_ &&
                fits({room.data(), static_cast<std::size_t>(got)})) {
                return true;
            }
            if (got < 0) {
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
        } while (joinleaf::test::clock::now() < end);
        return false;
    }

  private:
    int fd_;
    int wanted_;
};

std::string bytes_of(const char* address) {
    std::array<char, sizeof(in6_addr)> bytes{};
    const bool six = std::string(address).find(':') != std::string::npos;
    ::inet_pton(six ? AF_INET6 : AF_INET, address, bytes.data());
    return {bytes.data(), six ? sizeof(in6_addr) : sizeof(in_addr)};
}

// An IGMPv3 report (224.0.0.22) or an MLDv2 report (ff02::16) that has a record of this type for the group.
// 2: exclude none, that is a member; 4 and 3: changes to it and from it; 5 and 6: sources come and go.
std::function<bool(const std::string&)> report_of(const char* group, std::initializer_list<int> types) {
    return [wanted = bytes_of(group), all = std::vector<int>(types)](const std::string& packet) {
        const bool four = (packet[0] & 0xf0) == 0x40;
        const bool is_report = four ? packet[9] == IPPROTO_IGMP
                                    : packet.size() > 48 && static_cast<unsigned char>(packet[48]) == 143;
        const auto at = packet.find(wanted, 24);
        return is_report && at != std::string::npos &&
               std::any_of(all.begin(), all.end(), [&](int type) { return packet[at - 4] == type; });
    };
}

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

} // namespace

class Interfaces : public ::testing::Test {
  protected:
    void SetUp() override {
        forget();
        for (auto* one : {&hub_, &home_, &left_, &right_}) {
            if (!one->refusal().empty()) {
                GTEST_SKIP() << one->refusal();
            }
        }
        hub_.ip("link add br0 type bridge mcast_snooping 0");
        hub_.ip("link add br1 type bridge mcast_snooping 0");
        hub_.ip("link set br0 up");
        hub_.ip("link set br1 up");
        connect(home_, "eth0", 0, 1);
        connect(home_, "eth1", 1, 1);
        connect(left_, "eth0", 0, 2);
        connect(right_, "eth0", 1, 2);
    }

    // A link from a host to a bridge, with addresses 10.9.BRIDGE.HOST and fd09:BRIDGE::HOST.
    void connect(host_network& host, const std::string& link, int bridge, int number) {
        const auto port = "p" + std::to_string(++ports_);
        const auto place = std::to_string(bridge);
        hub_.ip("link add " + port + " type veth peer name " + link + " netns " + std::to_string(host.id()));
        hub_.ip("link set " + port + " master br" + place + " up");
        host.run([&] {
            std::string why;
            EXPECT_TRUE(joinleaf::test::set_link(link, IFF_UP, 0, why)) << why;
            EXPECT_TRUE(
                joinleaf::test::add_address(link, "10.9." + place + "." + std::to_string(number), 24, why))
                << why;
            if (joinleaf::test::has_ipv6()) {
                EXPECT_TRUE(joinleaf::test::add_address(link, "fd09:" + place + "::" + std::to_string(number),
                                                        64, why))
                    << why;
            }
        });
    }

    // A socket in a namespace, of an entry with that interface.
    struct placed {
        placed(const std::map<std::string, option_value>& options, int family)
            : entry(options), socket(entry, family, leaf) {}
        yaml_entry entry;
        scratch_socket socket;
    };
    static std::unique_ptr<placed> at(host_network& host, const std::string& interface, int family = AF_INET,
                                      std::map<std::string, option_value> options = {}) {
        options["interface"] = {interface, 0, {}};
        return host.make<placed>([&] { return std::make_unique<placed>(options, family); });
    }
    static std::unique_ptr<capture> listen_at(host_network& host, int protocol) {
        return host.make<capture>([&] { return std::make_unique<capture>(protocol); });
    }
    // The index of a link of a host.
    static unsigned index_of(host_network& host, const char* link) {
        unsigned index = 0;
        host.run([&] { index = ::if_nametoindex(link); });
        return index;
    }

    host_network hub_, home_, left_, right_;
    const place group_{"239.192.19.1", 21901};
    const place six_{"ff18::19:1", 21902};
    int ports_ = 0;
};

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

TEST_F(Interfaces, JoinAndLeave_AreSeenOnTheWire_AtTheChosenLinkAlone) {
    for (const int family : {AF_INET, AF_INET6}) {
        const auto& group = family == AF_INET ? group_ : six_;
        const auto protocol = family == AF_INET ? ETH_P_IP : ETH_P_IPV6;
        const auto here = listen_at(left_, protocol);
        const auto there = listen_at(right_, protocol);
        auto member = at(home_, "eth0", family);
        ASSERT_EQ(member->socket.join(group), 0);
        EXPECT_TRUE(here->sees(report_of(group.host().c_str(), {2, 4})));
        member.reset();
        EXPECT_TRUE(here->sees(report_of(group.host().c_str(), {3})));
        EXPECT_FALSE(there->sees(report_of(group.host().c_str(), {2, 3, 4}), joinleaf::test::vigilance));
    }
}

TEST_F(Interfaces, Sources_AreToldToTheRouter) {
    const auto wire = listen_at(left_, ETH_P_IP);
    const place group("232.1.19.1", 21904);
    const auto member = at(home_, "eth0", AF_INET, {{"sources", {"", 0, {"10.9.0.2"}}}});
    const auto wanted = at(left_, "eth0");
    const auto stranger = at(home_, "eth0");
    ASSERT_EQ(member->socket.join(group), 0);
    const auto names_source = [](const std::string& packet) {
        return report_of("232.1.19.1", {1, 5})(packet) &&
               packet.find(bytes_of("10.9.0.2"), 24) != std::string::npos;
    };
    EXPECT_TRUE(wire->sees(names_source));
    EXPECT_EQ(stranger->socket.send("no", group), 0);
    EXPECT_EQ(wanted->socket.send("yes", group), 0);
    EXPECT_EQ(member->socket.next().text, "yes");
    EXPECT_TRUE(member->socket.is_quiet());
}

TEST_F(Interfaces, LinkThatWentDownAndUp_HearsItsSessionAgain) {
    for (const int family : {AF_INET, AF_INET6}) {
        const auto& group = family == AF_INET ? group_ : six_;
        const auto member = at(home_, "eth0", family);
        const auto sender = at(left_, "eth0", family);
        ASSERT_EQ(member->socket.join(group), 0);
        ASSERT_EQ(sender->socket.join(group, JL_SENDER_ONLY), 0);
        EXPECT_EQ(sender->socket.send("before"), 0);
        EXPECT_EQ(member->socket.next().text, "before");
        const auto wire = listen_at(left_, family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
        home_.ip("link set eth0 down");
        EXPECT_EQ(sender->socket.send("meanwhile"), 0);
        home_.ip("link set eth0 up");
        EXPECT_TRUE(wire->sees(report_of(group.host().c_str(), {2, 4}))) << "the network is told again";
        EXPECT_TRUE(joinleaf::test::eventually([&] {
            EXPECT_EQ(sender->socket.send("after"), 0);
            return member->socket.receive().text == "after";
        }));
        while (member->socket.receive().code == 0) {}
        // Its own sends go there again too.
        const auto back = at(left_, "eth0", family);
        ASSERT_EQ(back->socket.join(group), 0);
        EXPECT_TRUE(joinleaf::test::eventually(
            [&] { return member->socket.send("own") == 0 && back->socket.receive().text == "own"; }));
    }
}

TEST_F(Interfaces, IO_27_Ttl_DecidesHowFarAMessageGoes) {
    host_network router;
    ASSERT_EQ(router.refusal(), "");
    connect(router, "eth0", 0, 254);
    connect(router, "eth1", 1, 254);
    int igmp = -1;
    bool routes = false;
    router.run([&] {
        igmp = ::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_IGMP);
        const int on = 1;
        routes = ::setsockopt(igmp, IPPROTO_IP, MRT_INIT, &on, sizeof on) == 0;
        mfcctl way{};
        way.mfcc_origin.s_addr = ::inet_addr("10.9.0.1");
        ::inet_pton(AF_INET, group_.host().c_str(), &way.mfcc_mcastgrp);
        for (vifi_t number = 0; number < 2; ++number) {
            vifctl link{};
            link.vifc_vifi = number;
            link.vifc_flags = VIFF_USE_IFINDEX;
            link.vifc_threshold = 1;
            link.vifc_lcl_ifindex = static_cast<int>(::if_nametoindex(number == 0 ? "eth0" : "eth1"));
            routes = routes && ::setsockopt(igmp, IPPROTO_IP, MRT_ADD_VIF, &link, sizeof link) == 0;
        }
        way.mfcc_ttls[1] = 1;
        routes = routes && ::setsockopt(igmp, IPPROTO_IP, MRT_ADD_MFC, &way, sizeof way) == 0;
        // Replies would come the other way; only the forward direction is looked at.
        std::ignore = std::system("sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0");
    });
    if (!routes) {
        ::close(igmp);
        GTEST_SKIP() << "this kernel routes no multicast (CONFIG_IP_MROUTE)";
    }
    const auto near_by = at(left_, "eth0");
    const auto far_away = at(right_, "eth0");
    const auto local = at(home_, "eth0");
    const auto sender = at(home_, "eth0");
    for (const auto* one : {&near_by, &far_away, &local}) {
        ASSERT_EQ((*one)->socket.join(group_), 0);
    }
    ASSERT_EQ(sender->socket.join(group_, JL_SENDER_ONLY), 0);
    for (const auto& [ttl, text] : {std::pair(0, "host"), std::pair(1, "network"), std::pair(2, "one router"),
                                    std::pair(0, "host again")}) {
        ASSERT_EQ(sender->socket.control(SIO_MULTICAST_SCOPE, ttl), 0);
        EXPECT_EQ(sender->socket.send(text), 0);
        EXPECT_EQ(local->socket.next().text, text);
    }
    EXPECT_EQ(near_by->socket.next().text, "network");
    EXPECT_EQ(near_by->socket.next().text, "one router");
    EXPECT_EQ(far_away->socket.next().text, "one router");
    EXPECT_TRUE(near_by->socket.is_quiet());
    EXPECT_TRUE(far_away->socket.is_quiet());
    ::close(igmp);
}

TEST_F(Interfaces, IO_27_Scope_DecidesHowFarAMessageGoesOverIPv6) {
    host_network router;
    ASSERT_EQ(router.refusal(), "");
    connect(router, "eth0", 0, 254);
    connect(router, "eth1", 1, 254);
    int control = -1;
    bool routes = false;
    router.run([&] {
        control = ::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
        const int on = 1;
        routes = ::setsockopt(control, IPPROTO_IPV6, MRT6_INIT, &on, sizeof on) == 0;
        mf6cctl way{};
        way.mf6cc_origin.sin6_family = AF_INET6;
        ::inet_pton(AF_INET6, "fd09:0::1", &way.mf6cc_origin.sin6_addr);
        way.mf6cc_mcastgrp.sin6_family = AF_INET6;
        ::inet_pton(AF_INET6, six_.host().c_str(), &way.mf6cc_mcastgrp.sin6_addr);
        for (mifi_t number = 0; number < 2; ++number) {
            mif6ctl link{};
            link.mif6c_mifi = number;
            link.vifc_threshold = 1;
            link.mif6c_pifi = static_cast<unsigned short>(::if_nametoindex(number == 0 ? "eth0" : "eth1"));
            routes = routes && ::setsockopt(control, IPPROTO_IPV6, MRT6_ADD_MIF, &link, sizeof link) == 0;
        }
        IF_SET(1, &way.mf6cc_ifset);
        routes = routes && ::setsockopt(control, IPPROTO_IPV6, MRT6_ADD_MFC, &way, sizeof way) == 0;
    });
    if (!routes) {
        ::close(control);
        GTEST_SKIP() << "this kernel routes no multicast of IPv6 (CONFIG_IPV6_MROUTE)";
    }
    const auto near_by = at(left_, "eth0", AF_INET6);
    const auto far_away = at(right_, "eth0", AF_INET6);
    const auto local = at(home_, "eth0", AF_INET6);
    const auto sender = at(home_, "eth0", AF_INET6);
    ASSERT_EQ(sender->socket.bind(place("fd09:0::1", 0)), 0); // not its link's address, which is not routed
    for (const auto* one : {&near_by, &far_away, &local}) {
        ASSERT_EQ((*one)->socket.join(six_), 0);
    }
    ASSERT_EQ(sender->socket.join(six_, JL_SENDER_ONLY), 0);
    for (const auto& [hops, text] : {std::pair(0, "host"), std::pair(1, "network"),
                                     std::pair(2, "one router"), std::pair(0, "host again")}) {
        ASSERT_EQ(sender->socket.control(SIO_MULTICAST_SCOPE, hops), 0);
        EXPECT_EQ(sender->socket.send(text), 0);
        EXPECT_EQ(local->socket.next().text, text);
    }
    EXPECT_EQ(near_by->socket.next().text, "network");
    EXPECT_EQ(near_by->socket.next().text, "one router");
    EXPECT_EQ(far_away->socket.next().text, "one router");
    EXPECT_TRUE(near_by->socket.is_quiet());
    EXPECT_TRUE(far_away->socket.is_quiet());
    ::close(control);
}

// What a host on the wire sees of the packets that carry this text: the code point, and the payload's bytes.
struct marked {
    unsigned code_point = 99;
    std::size_t bytes = 0;
};

marked mark_of(capture& wire, const std::string& text) {
    marked found;
    wire.sees([&](const std::string& packet) {
        const bool four = (packet[0] & 0xf0) == 0x40;
        const auto first = static_cast<unsigned char>(packet[0]);
        const auto second = static_cast<unsigned char>(packet[1]);
        const unsigned traffic_class = four ? second : ((first & 0xfU) << 4U) | (second >> 4U);
        found = {traffic_class >> 2U, packet.size() - (four ? 28U : 48U)};
        return packet.find(text) != std::string::npos;
    });
    return found;
}

TEST_F(Interfaces, QS_15_TheCodePointIsSeenOnTheWire_OfALoneMessageAndOfASuperPacket) {
    const FLOWSPEC open{QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED,      QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED,
                        QOS_NOT_SPECIFIED, SERVICETYPE_BESTEFFORT, QOS_NOT_SPECIFIED, QOS_NOT_SPECIFIED};
    for (const int family : {AF_INET, AF_INET6}) {
        const auto sender = at(home_, "eth0", family);
        ASSERT_EQ(sender->socket.join(family == AF_INET ? group_ : six_, JL_SENDER_ONLY), 0);
        for (const auto& [type, code_point] :
             {std::pair(SERVICETYPE_NETWORK_CONTROL, 48U), std::pair(SERVICETYPE_GUARANTEED, 46U),
              std::pair(SERVICETYPE_CONTROLLEDLOAD, 26U), std::pair(SERVICETYPE_QUALITATIVE, 10U),
              std::pair(SERVICETYPE_BESTEFFORT, 0U)}) {
            QOS qos{open, open, {0, nullptr}};
            qos.SendingFlowspec.ServiceType = type;
            ASSERT_EQ(sender->socket.ops().qos(sender->socket.endpoint(), &qos, JL_QOS_LOCAL), 0);
            const auto wire = listen_at(left_, family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
            EXPECT_EQ(sender->socket.send("alone"), 0);
            EXPECT_EQ(mark_of(*wire, "alone").code_point, code_point) << "type " << type;
            std::string text = "together";
            iovec piece{text.data(), text.size()};
            std::vector<jl_msg> messages(6, jl_msg{&piece, 1, 0, nullptr, 0, 0, 0});
            std::uint32_t done = 0;
            ASSERT_EQ(sender->socket.ops().tx(sender->socket.endpoint(), messages.data(), 6, &done), 0);
            const auto seen = mark_of(*wire, "together");
            EXPECT_EQ(seen.code_point, code_point) << "type " << type;
            EXPECT_EQ(seen.bytes % text.size(), 0U);
        }
    }
}

TEST_F(Interfaces, IO_16_Mtu_IsRespected_AndFragmentsAreSentOnlyWhereAskedFor) {
    for (const bool cuts : {false, true}) {
        const std::map<std::string, option_value> options{{"fragment", {"", cuts ? 1 : 0, {}}}};
        for (const int family : {AF_INET, AF_INET6}) {
            const auto& group = family == AF_INET ? group_ : six_;
            const auto member = at(left_, "eth0", family);
            const auto sender = at(home_, "eth0", family, options);
            ASSERT_EQ(member->socket.join(group), 0);
            ASSERT_EQ(sender->socket.join(group, JL_SENDER_ONLY), 0);
            const std::size_t whole = family == AF_INET ? 1472 : 1452;
            EXPECT_EQ(sender->socket.send(std::string(whole, 'w')), 0);
            EXPECT_EQ(member->socket.next().text.size(), whole);
            EXPECT_EQ(sender->socket.send(std::string(whole + 1, 'w')), cuts ? 0 : WSAEMSGSIZE);
            if (cuts) {
                EXPECT_EQ(member->socket.next().text.size(), whole + 1);
            }
            EXPECT_TRUE(member->socket.is_quiet());
        }
    }
}

TEST_F(Interfaces, SuperPackets_AreCutToTheMtu_AndLongerMessagesLeaveByThemselves) {
    const auto member = at(left_, "eth0");
    const auto sender = at(home_, "eth0", AF_INET, {{"fragment", {"", 1, {}}}});
    ASSERT_EQ(member->socket.join(group_), 0);
    ASSERT_EQ(sender->socket.join(group_, JL_SENDER_ONLY), 0);
    std::uint64_t calls = 0;
    for (const std::size_t size : {std::size_t{1472}, std::size_t{1473}, std::size_t{1472}}) {
        std::string text(size, 'm');
        iovec piece{text.data(), text.size()};
        std::vector<jl_msg> messages(6, jl_msg{&piece, 1, 0, nullptr, 0, 0, 0});
        std::uint32_t done = 0;
        ASSERT_EQ(sender->socket.ops().tx(sender->socket.endpoint(), messages.data(), 6, &done), 0);
        ASSERT_EQ(done, 6U);
        for (int i = 0; i < 6; ++i) {
            EXPECT_EQ(member->socket.next().text.size(), size);
        }
        jl_stats stats{};
        stats.struct_size = sizeof stats;
        ASSERT_EQ(sender->socket.ops().stats(sender->socket.endpoint(), &stats), 0);
        EXPECT_EQ(stats.send_path, JL_PATH_SEGMENTED);
        EXPECT_EQ(stats.send_calls, ++calls);
        EXPECT_EQ(stats.send_limit, calls == 1 ? 0U : JL_LIMIT_SIZE);
        EXPECT_EQ(stats.send_limit_bytes, calls == 1 ? 0U : 1473U);
    }
}

} // namespace joinleaf::udp_mcast::test
