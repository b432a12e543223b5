// SPDX-License-Identifier: Apache-2.0
//
// The one list of transports that the behaviour tests run over, and what the catalog offers for each.
#pragma once

#include "tests/support/address.hpp"
#include "tests/support/owned.hpp"
#include "tests/support/private_network.hpp"
#include "tests/support/runtime_fixture.hpp"

#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace joinleaf::test {

inline const bool in_private_network = use_private_network();

// What distinguishes protocol entries for a test: how sessions are built, and which way data goes.
enum class plan { nonrooted, rooted, relayed, stream };

struct transport {
    const char* name;
    plan kind;
    int family;
};

inline std::ostream& operator<<(std::ostream& out, const transport& what) {
    return out << what.name;
}

inline const std::vector<transport>& all_transports() {
    static const std::vector<transport> list{
        {"udp_mcast_ipv4", plan::nonrooted, AF_INET},      {"udp_mcast_ipv6", plan::nonrooted, AF_INET6},
        {"tcp_root_rooted_ipv4", plan::rooted, AF_INET},   {"tcp_root_rooted_ipv6", plan::rooted, AF_INET6},
        {"tcp_root_relayed_ipv4", plan::relayed, AF_INET}, {"tcp_root_relayed_ipv6", plan::relayed, AF_INET6},
        {"tcp_stream_ipv4", plan::stream, AF_INET},        {"tcp_stream_ipv6", plan::stream, AF_INET6},
    };
    return list;
}

inline std::vector<transport> transports_of(std::initializer_list<plan> kinds) {
    std::vector<transport> chosen;
    for (const auto& one : all_transports()) {
        for (const plan kind : kinds) {
            if (one.kind == kind) {
                chosen.push_back(one);
            }
        }
    }
    return chosen;
}

inline std::vector<transport> multipoint_transports() {
    return transports_of({plan::nonrooted, plan::rooted, plan::relayed});
}
inline std::vector<transport> session_transports() {
    return transports_of({plan::rooted, plan::relayed});
}

// Every entry that WSAEnumProtocols lists, in catalog order.
inline std::vector<WSAPROTOCOL_INFOW> catalog_entries() {
    DWORD length = 0;
    if (WSAEnumProtocolsW(nullptr, nullptr, &length) != SOCKET_ERROR || WSAGetLastError() != WSAENOBUFS) {
        return {};
    }
    std::vector<WSAPROTOCOL_INFOW> entries(length / sizeof(WSAPROTOCOL_INFOW));
    const int count = WSAEnumProtocolsW(nullptr, entries.data(), &length);
    entries.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return entries;
}

inline plan plan_of(const WSAPROTOCOL_INFOW& entry) {
    if ((entry.dwServiceFlags1 & XP1_SUPPORT_MULTIPOINT) == 0) {
        return plan::stream;
    }
    if ((entry.dwServiceFlags1 & XP1_MULTIPOINT_CONTROL_PLANE) == 0) {
        return plan::nonrooted;
    }
    return (entry.dwServiceFlags1 & XP1_MULTIPOINT_DATA_PLANE) == 0 ? plan::relayed : plan::rooted;
}

inline std::optional<WSAPROTOCOL_INFOW> find_entry(const transport& wanted) {
    for (const auto& entry : catalog_entries()) {
        const bool fits = plan_of(entry) == wanted.kind && entry.iAddressFamily == wanted.family;
        if (fits && (wanted.kind != plan::stream || entry.iProtocol == IPPROTO_TCP)) {
            return entry;
        }
    }
    return std::nullopt;
}

inline constexpr DWORD root_flags = WSA_FLAG_OVERLAPPED | WSA_FLAG_MULTIPOINT_C_ROOT;
inline constexpr DWORD leaf_flags =
    WSA_FLAG_OVERLAPPED | WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF;

inline bool has_multicast(std::string& why) {
    why = private_network_refusal();
    return why.empty();
}

// What tests over one transport share. IPv6 that this machine lacks, and multicast without a network of one's
// own, are skipped; an entry that is missing is a failure, for both providers belong to this build.
class transport_guard : protected runtime_guard {
  protected:
    // Empty: the test may run. Else the capability that is lacking.
    std::string prepare(const transport& which, const transport_options& options = {}) {
        which_ = which;
        if (which.family == AF_INET6 && !has_ipv6()) {
            return "this machine has no IPv6";
        }
        if (std::string why; which.kind == plan::nonrooted && !has_multicast(why)) {
            return "no multicast: " + why;
        }
        start(options);
        const auto found = find_entry(which);
        EXPECT_TRUE(found.has_value()) << "the catalog has no entry for " << which.name;
        entry_ = found.value_or(WSAPROTOCOL_INFOW{});
        return {};
    }

    [[nodiscard]] const transport& which() const { return which_; }
    [[nodiscard]] int family() const { return which_.family; }
    [[nodiscard]] const WSAPROTOCOL_INFOW& entry() const { return entry_; }
    [[nodiscard]] bool has(DWORD service) const { return (entry_.dwServiceFlags1 & service) != 0; }
    [[nodiscard]] bool message_oriented() const { return has(XP1_MESSAGE_ORIENTED); }

    // A socket of the entry under test with these WSA_FLAG_* bits.
    [[nodiscard]] SOCKET make_raw(DWORD flags) {
        return WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &entry_, 0, flags);
    }
    [[nodiscard]] owned_socket make(DWORD flags) {
        const SOCKET made = make_raw(flags);
        EXPECT_TRUE(worked(made));
        return owned_socket(made);
    }
    [[nodiscard]] owned_socket make_leaf() { return make(leaf_flags); }
    [[nodiscard]] owned_socket make_root() { return make(root_flags | root_data_flag()); }
    [[nodiscard]] owned_socket make_ordinary() { return make(WSA_FLAG_OVERLAPPED); }
    [[nodiscard]] DWORD root_data_flag() const {
        return which_.kind == plan::rooted ? WSA_FLAG_MULTIPOINT_D_ROOT : WSA_FLAG_MULTIPOINT_D_LEAF;
    }

  private:
    transport which_{};
    WSAPROTOCOL_INFOW entry_{};
};

// A test over one of the transports.
class transport_test : public ::testing::TestWithParam<transport>, protected transport_guard {
  protected:
    void SetUp() override {
        if (const auto lacking = prepare(GetParam()); !lacking.empty()) {
            GTEST_SKIP() << lacking;
        }
    }
    void TearDown() override { end(); }
};

struct transport_name {
    template <class Info> std::string operator()(const Info& info) const { return info.param.name; }
};

} // namespace joinleaf::test
