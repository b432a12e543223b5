// SPDX-License-Identifier: Apache-2.0
#include "packet_filter.hpp"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace joinleaf::udp_mcast {

namespace {

// Offsets of the destination address within the network header.
constexpr unsigned four_destination = 16;
constexpr unsigned six_destination = 24;

// Loads of the kernel's notes about a datagram and of its network header are written as negative offsets.
constexpr std::uint32_t note(int which) noexcept {
    return static_cast<std::uint32_t>(SKF_AD_OFF + which);
}
constexpr std::uint32_t header(unsigned offset) noexcept {
    return static_cast<std::uint32_t>(SKF_NET_OFF) + offset;
}

using six_words = std::array<std::uint32_t, 4>;

six_words words_of(const in6_addr& group) noexcept {
    six_words words{};
    std::memcpy(words.data(), &group, sizeof words);
    std::ranges::transform(words, words.begin(), [](std::uint32_t word) { return ntohl(word); });
    return words;
}

// Writes the program. Conditions jump over one unconditional jump, since only that one reaches any distance.
class assembler {
  public:
    // A place to jump to; `here` says where it is.
    struct label {
        std::vector<std::size_t> jumps;
    };

    void load_word(std::uint32_t from) { add(BPF_LD | BPF_W | BPF_ABS, from); }
    void load_half(std::uint32_t from) { add(BPF_LD | BPF_H | BPF_ABS, from); }
    void load_byte(std::uint32_t from) { add(BPF_LD | BPF_B | BPF_ABS, from); }
    void mask(std::uint32_t bits) { add(BPF_ALU | BPF_AND | BPF_K, bits); }
    void answer(bool admitted) { add(BPF_RET | BPF_K, admitted ? UINT32_MAX : 0); }

    void drop_if(std::uint32_t value) {
        add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
        answer(false);
    }
    void jump_if(std::uint32_t value, label& to) {
        add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
        jump(to);
    }
    void jump_unless(std::uint32_t value, label& to) {
        add(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
        jump(to);
    }
    void jump(label& to) {
        to.jumps.push_back(code_.size());
        add(BPF_JMP | BPF_JA, 0);
    }
    void here(const label& place) {
        for (const auto at : place.jumps) {
            code_[at].k = static_cast<std::uint32_t>(code_.size() - at - 1);
        }
    }
    void jump_unless_to(const six_words& destination, label& to) {
        for (unsigned i = 0; i < destination.size(); ++i) {
            load_word(header(six_destination + 4 * i));
            jump_unless(destination[i], to);
        }
    }

    [[nodiscard]] std::vector<sock_filter> take() { return std::move(code_); }

  private:
    void add(unsigned code, std::uint32_t value, std::uint8_t when_true = 0, std::uint8_t when_false = 0) {
        code_.push_back({static_cast<std::uint16_t>(code), when_true, when_false, value});
    }
    std::vector<sock_filter> code_;
};

void unicast_four(assembler& code, const address& only_to) {
    assembler::label elsewhere;
    if (only_to && only_to.family() == AF_INET) {
        code.load_word(header(four_destination));
        code.jump_unless(ntohl(only_to.four.sin_addr.s_addr), elsewhere);
    }
    // A socket with an IPv6 address of its own is not addressed by IPv4.
    code.answer(!only_to || only_to.family() == AF_INET);
    code.here(elsewhere);
    code.answer(false);
}

void unicast_six(assembler& code, const address& only_to) {
    assembler::label elsewhere;
    if (only_to && only_to.family() == AF_INET6) {
        code.jump_unless_to(words_of(only_to.six.sin6_addr), elsewhere);
    }
    code.answer(true);
    code.here(elsewhere);
    code.answer(false);
}

// Falls through with what came by a right link.
void links_of_groups(assembler& code, std::vector<group_on_link> groups) {
    assembler::label admitted;
    while (!groups.empty()) {
        assembler::label other_group;
        const auto group = groups.front().group;
        code.jump_unless_to(words_of(group), other_group);
        code.load_word(note(SKF_AD_IFINDEX));
        std::erase_if(groups, [&](const group_on_link& one) {
            const bool same = std::memcmp(&one.group, &group, sizeof group) == 0;
            if (same) {
                code.jump_if(one.link, admitted);
            }
            return same;
        });
        code.answer(false);
        code.here(other_group);
    }
    code.here(admitted);
}

void multicast(assembler& code, bool local_multicast) {
    if (!local_multicast) {
        // The kernel loops multicast back to its senders' host with this mark, except on the loopback
        // interface, where everything is of this host.
        code.load_byte(note(SKF_AD_PKTTYPE));
        code.drop_if(PACKET_LOOPBACK);
        code.load_half(note(SKF_AD_HATYPE));
        code.drop_if(ARPHRD_LOOPBACK);
    }
    code.answer(true);
}

} // namespace

bool packet_filter::admits_everything() const noexcept {
    return !nothing && local_multicast && groups.empty() && !only_to;
}

std::vector<sock_filter> packet_filter::program() const {
    assembler code;
    if (nothing) {
        code.answer(false);
        return code.take();
    }
    assembler::label is_six;
    assembler::label is_multicast;
    assembler::label is_six_multicast;
    code.load_half(note(SKF_AD_PROTOCOL));
    code.jump_if(ETH_P_IPV6, is_six);
    code.load_byte(header(four_destination));
    code.mask(0xf0);
    code.jump_if(0xe0, is_multicast);
    unicast_four(code, only_to);
    code.here(is_six);
    code.load_byte(header(six_destination));
    code.jump_if(0xff, is_six_multicast);
    unicast_six(code, only_to);
    code.here(is_six_multicast);
    links_of_groups(code, groups);
    code.here(is_multicast);
    multicast(code, local_multicast);
    return code.take();
}

int packet_filter::attach(int fd) const {
    const int unused = 0;
    if (admits_everything()) {
        const bool detached = ::setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused) == 0;
        return detached || errno == ENOENT ? 0 : errno;
    }
    auto code = program();
    if (code.size() > BPF_MAXINSNS) {
        return ENOBUFS;
    }
    const sock_fprog all{static_cast<unsigned short>(code.size()), code.data()};
    return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &all, sizeof all) == 0 ? 0 : errno;
}

} // namespace joinleaf::udp_mcast
