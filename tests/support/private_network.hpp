// SPDX-License-Identifier: Apache-2.0
//
// A network namespace of the test's own, so that a test may use multicast, take links down and choose groups
// and ports without a trace on the machine; and a whole test program in such a one. Needs CAP_SYS_ADMIN and
// CAP_NET_ADMIN (root); no user namespace is made, so file permissions stay as they were.
//
// The namespace belongs to the calling thread, its later threads and its later children: call
// enter_private_network before the first socket and before the first thread. It vanishes with the last of
// them.
#pragma once

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace joinleaf::test {

namespace netns_detail {

// A socket that is closed with its scope; the kernel's answers about links and routes come over such a one.
class kernel_socket {
  public:
    kernel_socket(int family, int type, int protocol) noexcept
        : fd_(::socket(family, type | SOCK_CLOEXEC, protocol)) {}
    kernel_socket(const kernel_socket&) = delete;
    kernel_socket& operator=(const kernel_socket&) = delete;
    ~kernel_socket() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    [[nodiscard]] int get() const noexcept { return fd_; }

  private:
    int fd_;
};

// One rtnetlink request: a header, the body of its kind, attributes.
class request {
  public:
    template <class Body> request(std::uint16_t type, std::uint16_t flags, const Body& body) {
        nlmsghdr header{};
        header.nlmsg_type = type;
        header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
        append(&header, sizeof header);
        append(&body, sizeof body);
    }

    void attribute(std::uint16_t type, const void* data, std::size_t size) {
        const rtattr header{static_cast<std::uint16_t>(RTA_LENGTH(size)), type};
        append(&header, sizeof header);
        append(data, size);
    }
    void attribute(std::uint16_t type, std::uint32_t value) { attribute(type, &value, sizeof value); }
    void attribute(std::uint16_t type, const std::string& text) {
        attribute(type, text.c_str(), text.size() + 1);
    }

    // A nested attribute: begin gives the mark that end needs.
    [[nodiscard]] std::size_t begin(std::uint16_t type) {
        const auto mark = bytes_.size();
        const rtattr header{0, type};
        append(&header, sizeof header);
        return mark;
    }
    void end(std::size_t mark) {
        const auto length = static_cast<std::uint16_t>(bytes_.size() - mark);
        std::memcpy(bytes_.data() + mark, &length, sizeof length);
    }
    template <class Body> void body(const Body& value) { append(&value, sizeof value); }

    // 0 or the kernel's errno. Where the answer is a Body and not just an acknowledgement, it is stored.
    template <class Body = nlmsgerr> [[nodiscard]] int send(Body* body = nullptr) {
        const auto length = static_cast<std::uint32_t>(bytes_.size());
        std::memcpy(bytes_.data(), &length, sizeof length);
        const kernel_socket netlink(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
        if (netlink.get() < 0 || ::send(netlink.get(), bytes_.data(), bytes_.size(), 0) < 0) {
            return errno;
        }
        alignas(nlmsghdr) char answer[4096];
        const auto got = ::recv(netlink.get(), answer, sizeof answer, 0);
        nlmsghdr header{};
        if (got < static_cast<ssize_t>(sizeof header + sizeof(rtmsg))) {
            return got < 0 ? errno : EPROTO;
        }
        std::memcpy(&header, answer, sizeof header);
        if (header.nlmsg_type != NLMSG_ERROR) {
            if (body != nullptr) {
                std::memcpy(body, answer + sizeof header, sizeof *body);
            }
            return 0;
        }
        nlmsgerr error{};
        std::memcpy(&error, answer + sizeof header, sizeof error);
        return -error.error;
    }

  private:
    void append(const void* data, std::size_t size) {
        const auto* from = static_cast<const std::byte*>(data);
        bytes_.insert(bytes_.end(), from, from + size);
        bytes_.resize(NLMSG_ALIGN(bytes_.size()));
    }
    std::vector<std::byte> bytes_;
};

inline bool told(int error, const std::string& what, std::string& why) {
    if (error != 0) {
        why = what + ": " + std::strerror(error);
    }
    return error == 0;
}

// Whether the kernel takes datagrams for this IPv6 address as its own; it starts to some time after the
// address was given.
inline bool is_own(const unsigned char* address) {
    rtmsg body{};
    body.rtm_family = AF_INET6;
    body.rtm_dst_len = 128;
    request route(RTM_GETROUTE, 0, body);
    route.attribute(RTA_DST, address, sizeof(in6_addr));
    rtmsg found{};
    return route.send(&found) == 0 && found.rtm_type == RTN_LOCAL;
}

inline bool becomes_own(const unsigned char* address) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!is_own(address)) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

// An address out of its text, of either family.
struct host_address {
    unsigned char bytes[sizeof(in6_addr)] = {};
    bool six = false;
    bool valid = false;

    explicit host_address(const std::string& text)
        : six(text.find(':') != std::string::npos),
          valid(::inet_pton(six ? AF_INET6 : AF_INET, text.c_str(), bytes) == 1) {}
    [[nodiscard]] unsigned char family() const { return six ? AF_INET6 : AF_INET; }
    [[nodiscard]] std::size_t size() const { return six ? sizeof(in6_addr) : sizeof(in_addr); }
};

inline int change_address(std::uint16_t type, std::uint16_t flags, const std::string& link,
                          const host_address& address, unsigned prefix) {
    if (!address.valid) {
        return EINVAL;
    }
    ifaddrmsg body{};
    body.ifa_family = address.family();
    body.ifa_prefixlen = static_cast<unsigned char>(prefix);
    body.ifa_flags = IFA_F_NODAD;
    body.ifa_index = ::if_nametoindex(link.c_str());
    request wanted(type, static_cast<std::uint16_t>(NLM_F_ACK | flags), body);
    wanted.attribute(IFA_LOCAL, address.bytes, address.size());
    wanted.attribute(IFA_ADDRESS, address.bytes, address.size());
    return wanted.send();
}

// A route to a network by a link, from a source address of this host where one is named.
inline int change_route(std::uint16_t type, std::uint16_t flags, const std::string& network, unsigned prefix,
                        const std::string& link, const std::string& source) {
    const host_address to(network);
    if (!to.valid) {
        return EINVAL;
    }
    rtmsg body{};
    body.rtm_family = to.family();
    body.rtm_dst_len = static_cast<unsigned char>(prefix);
    body.rtm_table = RT_TABLE_MAIN;
    body.rtm_protocol = RTPROT_STATIC;
    body.rtm_scope = to.six ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
    body.rtm_type = RTN_UNICAST;
    request route(type, static_cast<std::uint16_t>(NLM_F_ACK | flags), body);
    route.attribute(RTA_DST, to.bytes, to.size());
    route.attribute(RTA_OIF, ::if_nametoindex(link.c_str()));
    if (!source.empty()) {
        route.attribute(RTA_PREFSRC, host_address(source).bytes, to.size());
    }
    return route.send();
}

} // namespace netns_detail

// Sets and clears IFF_* flags of a link, e.g. set_link("lo", IFF_UP, IFF_MULTICAST, why). False: why has the
// reason.
inline bool set_link(const std::string& name, int set, int clear, std::string& why) {
    const netns_detail::kernel_socket control(AF_INET, SOCK_DGRAM, 0);
    ifreq wanted{};
    name.copy(wanted.ifr_name, sizeof wanted.ifr_name - 1);
    bool done = control.get() >= 0 && ::ioctl(control.get(), SIOCGIFFLAGS, &wanted) == 0;
    wanted.ifr_flags = static_cast<short>((wanted.ifr_flags | set) & ~clear);
    done = done && ::ioctl(control.get(), SIOCSIFFLAGS, &wanted) == 0;
    return netns_detail::told(done ? 0 : errno, "flags of link " + name, why);
}

// Makes two Ethernet links that are each other's cable; both stay down. False: why has the reason (a kernel
// without veth, for one).
inline bool add_link_pair(const std::string& name, const std::string& peer, std::string& why) {
    using namespace netns_detail;
    request link(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
    link.attribute(IFLA_IFNAME, name);
    const auto info = link.begin(IFLA_LINKINFO);
    link.attribute(IFLA_INFO_KIND, std::string("veth"));
    const auto data = link.begin(IFLA_INFO_DATA);
    const auto other = link.begin(VETH_INFO_PEER);
    link.body(ifinfomsg{});
    link.attribute(IFLA_IFNAME, peer);
    link.end(other);
    link.end(data);
    link.end(info);
    return told(link.send(), "veth pair " + name + ", " + peer, why);
}

// Takes a link away, and its peer with it. False: why has the reason.
inline bool remove_link(const std::string& name, std::string& why) {
    ifinfomsg body{};
    body.ifi_index = static_cast<int>(::if_nametoindex(name.c_str()));
    return netns_detail::told(netns_detail::request(RTM_DELLINK, NLM_F_ACK, body).send(), "link " + name, why);
}

// Gives a link an address, as text of either family; it is usable at once. False: why has the reason.
inline bool add_address(const std::string& name, const std::string& address, unsigned prefix,
                        std::string& why) {
    using namespace netns_detail;
    const host_address own(address);
    const auto what = "address " + address + " on " + name;
    return told(change_address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, name, own, prefix), what, why) &&
           (!own.six || told(becomes_own(own.bytes) ? 0 : ETIMEDOUT, what, why));
}

// Takes it away again. False: why has the reason.
inline bool remove_address(const std::string& name, const std::string& address, unsigned prefix,
                           std::string& why) {
    using namespace netns_detail;
    return told(change_address(RTM_DELADDR, 0, name, host_address(address), prefix),
                "removing address " + address + " from " + name, why);
}

// Makes or replaces the route to a network, so that what goes there leaves from that address. False: why has
// the reason.
inline bool set_route(const std::string& network, unsigned prefix, const std::string& link,
                      const std::string& source, std::string& why) {
    using namespace netns_detail;
    return told(change_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, network, prefix, link, source),
                "route to " + network + " by " + link, why);
}

// Takes the route away. False: why has the reason.
inline bool remove_route(const std::string& network, unsigned prefix, const std::string& link,
                         std::string& why) {
    using namespace netns_detail;
    return told(change_route(RTM_DELROUTE, 0, network, prefix, link, ""), "removing the route to " + network,
                why);
}

// Sends multicast of a family (AF_INET, AF_INET6) by that link where a program names none. False: why has the
// reason.
inline bool route_multicast(int family, const std::string& name, std::string& why) {
    using namespace netns_detail;
    const bool six = family == AF_INET6;
    rtmsg body{};
    body.rtm_family = static_cast<unsigned char>(family);
    body.rtm_dst_len = six ? 8 : 4;
    body.rtm_table = six ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
    body.rtm_protocol = RTPROT_BOOT;
    body.rtm_scope = six ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
    // On `lo` the kernel delivers an IPv6 datagram only along a route that says so.
    body.rtm_type = !six ? RTN_UNICAST : name == "lo" ? RTN_LOCAL : RTN_MULTICAST;
    const unsigned char every[sizeof(in6_addr)] = {static_cast<unsigned char>(six ? 0xff : 0xe0)};
    request route(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, body);
    route.attribute(RTA_DST, every, six ? sizeof(in6_addr) : sizeof(in_addr));
    route.attribute(RTA_OIF, ::if_nametoindex(name.c_str()));
    if (six) {
        route.attribute(RTA_PRIORITY, std::uint32_t{1}); // the kernel adds one of its own for each link
    } else if (name == "lo") {
        const in_addr self{htonl(INADDR_LOOPBACK)}; // else datagrams would come from 0.0.0.0
        route.attribute(RTA_PREFSRC, &self, sizeof self);
    }
    return told(route.send(), "multicast route by " + name, why);
}

// True when IPv6 works in the current namespace.
inline bool has_ipv6() {
    const netns_detail::kernel_socket probe(AF_INET6, SOCK_DGRAM, 0);
    sockaddr_in6 name{};
    name.sin6_family = AF_INET6;
    name.sin6_addr = in6addr_loopback;
    return probe.get() >= 0 && ::bind(probe.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
}

// Puts the calling thread into a new network namespace in which `lo` is up, carries multicast, and is where
// multicast of both families goes (of IPv6 where the kernel has it). Each call makes another one. False: not
// permitted or not possible here, and why has the reason, fit for GTEST_SKIP.
inline bool enter_new_network(std::string& why) {
    if (::unshare(CLONE_NEWNET) != 0) {
        why = std::string("a network namespace of one's own needs root: ") + std::strerror(errno);
        return false;
    }
    return set_link("lo", IFF_UP | IFF_MULTICAST, 0, why) && route_multicast(AF_INET, "lo", why) &&
           (!has_ipv6() || route_multicast(AF_INET6, "lo", why));
}

// The same once: the second call on a thread changes nothing.
inline bool enter_private_network(std::string& why) {
    static thread_local bool inside = false;
    inside = inside || enter_new_network(why);
    return inside;
}

// Why this program has no network of its own; empty: it has. Tests without multicast run all the same.
inline std::string& private_network_refusal() {
    static std::string why;
    return why;
}

class private_network_environment : public ::testing::Environment {
    void SetUp() override {
        // Devices stay in the network that they are in, and so do the addresses that lead to them.
        if (std::getenv("JOINLEAF_CHECK_ADDRESS4") != nullptr) {
            private_network_refusal() =
                "JOINLEAF_CHECK_ADDRESS4 names an address of this machine's own network";
            return;
        }
        std::string why;
        private_network_refusal() = enter_private_network(why) ? "" : why;
    }
};

// Puts the whole program into a network of its own, before its first thread; called while its globals are made.
inline bool use_private_network() {
    static const auto* const installed = ::testing::AddGlobalTestEnvironment(new private_network_environment);
    return installed != nullptr;
}

} // namespace joinleaf::test
