// SPDX-License-Identifier: Apache-2.0
//
// What goes over the loopback interface of a network of one's own, as the wire has it.
#pragma once

#include "tests/support/private_network.hpp"
#include "tests/support/waiting.hpp"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace joinleaf::test {

// Sees every packet from its construction on. Needs the right to; refusal() says if it is lacking.
class packet_capture {
  public:
    packet_capture() : fd_(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL))) {
        sockaddr_ll where{};
        where.sll_family = AF_PACKET;
        where.sll_protocol = htons(ETH_P_ALL);
        where.sll_ifindex = static_cast<int>(::if_nametoindex("lo"));
        open_ = fd_ >= 0 && ::bind(fd_, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0;
    }
    packet_capture(const packet_capture&) = delete;
    packet_capture& operator=(const packet_capture&) = delete;
    ~packet_capture() { ::close(fd_); }

    [[nodiscard]] bool is_open() const { return open_; }

    // The differentiated services code point of the next packet whose payload holds this text.
    [[nodiscard]] std::optional<unsigned> code_point_of(std::string_view text) const {
        std::array<char, 65536> packet{};
        for (const auto end = clock::now() + patience; clock::now() < end;) {
            if (!readable(fd_)) {
                break;
            }
            const auto size = ::recv(fd_, packet.data(), packet.size(), 0);
            const std::string_view seen(packet.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
            if (seen.size() >= 20 && seen.find(text) != std::string_view::npos) {
                return traffic_class(seen) >> 2U;
            }
        }
        return std::nullopt;
    }

  private:
    static unsigned traffic_class(std::string_view packet) {
        const auto first = static_cast<unsigned char>(packet[0]);
        const auto second = static_cast<unsigned char>(packet[1]);
        return first >> 4U == 4 ? second : ((first & 0xfU) << 4U) | (second >> 4U);
    }

    int fd_;
    bool open_ = false;
};

} // namespace joinleaf::test
