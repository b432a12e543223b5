// SPDX-License-Identifier: Apache-2.0
//
// The one list of transports that the behaviour tests run over, and what the catalog offers for each.
#pragma once

#include "tests/support/address.hpp"
#include "tests/support/owned.hpp"
#include "tests/support/private_network.hpp"
#include "tests/support/runtime_fixture.hpp"
#include "tests/support/subject.hpp"

#include <cstdlib>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace joinleaf::test {

inline const bool in_private_network = use_private_network();

inline const std::vector<transport>& all_transports() {
    return the_subject().transports;
}

inline const char* description_of(plan kind) {
    switch (kind) {
    case plan::nonrooted: return "a nonrooted control plane (XP1_MULTIPOINT_CONTROL_PLANE clear)";
    case plan::rooted: return "a rooted data plane (XP1_MULTIPOINT_DATA_PLANE)";
    case plan::relayed: return "rooted control and nonrooted data (XP1_MULTIPOINT_CONTROL_PLANE alone)";
    case plan::stream: return "ordinary connections (neither XP1_SUPPORT_MULTIPOINT nor XP1_CONNECTIONLESS)";
    }
    return "";
}

// The entries of these kinds. Where the subject has none there is one all the same, which skips every case and says why.
inline std::vector<transport> transports_of(std::initializer_list<plan> kinds) {
    std::vector<transport> chosen;
    for (const auto& one : all_transports()) {
        for (const plan kind : kinds) {
            if (one.kind == kind) {
                chosen.push_back(one);
            }
        }
    }
    if (chosen.empty()) {
        std::string lacking;
        for (const plan kind : kinds) {
            lacking += (lacking.empty() ? "an entry with " : ", or ") + std::string(description_of(kind));
        }
        chosen.push_back({"no_entry", *kinds.begin(), AF_INET, 0, false, false, false, false, lacking});
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
        const bool fits = wanted.id != 0
                              ? entry.dwCatalogEntryId == wanted.id
                              : plan_of(entry) == wanted.kind && entry.iAddressFamily == wanted.family;
        if (fits && (wanted.id != 0 || wanted.kind != plan::stream || entry.iProtocol == IPPROTO_TCP)) {
            return entry;
        }
    }
    return std::nullopt;
}

inline constexpr DWORD root_flags = WSA_FLAG_OVERLAPPED | WSA_FLAG_MULTIPOINT_C_ROOT;
inline constexpr DWORD leaf_flags =
    WSA_FLAG_OVERLAPPED | WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF;

// In a network of the test's own, or in that of the devices that JOINLEAF_CHECK_ADDRESS4 chooses.
inline bool has_multicast(std::string& why) {
    why = std::getenv("JOINLEAF_CHECK_ADDRESS4") != nullptr ? "" : private_network_refusal();
    return why.empty();
}

// What tests over one transport share. IPv6 that this machine lacks, and multicast without a network of one's
// own, are skipped; an entry that is missing is a failure, for the catalog had it when the cases were listed.
class transport_guard : protected runtime_guard {
  protected:
    // Empty: the test may run. Else the capability that is lacking.
    std::string prepare(const transport& which, const transport_options& options = {}) {
        which_ = which;
        if (!which.lacking.empty()) {
            return which.lacking;
        }
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
    [[nodiscard]] owned_socket make_ordinary() {
        if (!which_.ordinary) {
            not_applicable("JL_CAN_MIX_ORDINARY");
        }
        return make(WSA_FLAG_OVERLAPPED);
    }
    // Whether groups are the kernel's, so that the BSD options and its tables of memberships speak of them.
    [[nodiscard]] bool has_bsd_options(SOCKET s) const {
        int value = 0;
        int length = sizeof value;
        return family() == AF_INET6 ? jl_getsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, &value, &length) == 0
                                    : jl_getsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &value, &length) == 0;
    }
    void need_bsd_options(SOCKET s) const {
        if (!has_bsd_options(s)) {
            not_applicable("the BSD multicast options (IP_MULTICAST_IF ...)");
        }
    }
    // Starts anew with an entry that claims this bit as well. The case does not apply where nobody is there to claim it.
    void claim(const claimed_bits& bits) {
        if (!the_subject().observed) {
            not_applicable("a run by `joinleaf conformance`, whose observer can claim a bit");
        }
        end_runtime();
        the_claim() = bits;
        ASSERT_TRUE(start_runtime(configuration()));
        the_claim() = {};
        entry_ = find_entry(which_).value_or(WSAPROTOCOL_INFOW{});
    }
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
