// SPDX-License-Identifier: Apache-2.0
//
// Several interfaces, several hosts, in network namespaces of the test's own.
#pragma once

#include "scratch_socket.hpp"

#include <support/waiting.hpp>

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace joinleaf::udp_mcast::test {

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

// A host with a link to each of two bridges, and a host on each bridge.
class two_bridges : public ::testing::Test {
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

} // namespace joinleaf::udp_mcast::test
