// SPDX-License-Identifier: Apache-2.0
//
// What the cases run over: the providers of this build, or the one provider that the conformance kit was asked about.
#pragma once

#include "tests/support/call_result.hpp"

#include <joinleaf/winsock2.h>

#include <gtest/gtest.h>

#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace joinleaf::test {

// What distinguishes protocol entries for a test: how sessions are built, and which way data goes.
enum class plan { nonrooted, rooted, relayed, stream };

// One protocol entry.
struct transport {
    std::string name;
    plan kind;
    int family;
    DWORD id = 0; // dwCatalogEntryId; 0: the first entry of that kind and family
    bool invites = true;
    bool asks = true;
    bool ordinary = true;  // sockets without multipoint flags (CT-69)
    bool side_chat = true; // data on the root's socket for one leaf (JL-73)
    std::string lacking{}; // not empty: there is no such entry, and this is what it would have to have
};

inline std::ostream& operator<<(std::ostream& out, const transport& what) {
    return out << what.name;
}

struct subject {
    std::string name;         // in the configuration; empty: the two providers of this build
    std::string library;      // as `library:` says it
    std::string library_name; // what the library calls itself
    // Key and value, as YAML has them.
    std::vector<std::pair<std::string, std::string>> options;
    // What stands, in this provider's options, for the options of our own providers that some cases ask for.
    std::map<std::string, std::string> tuning;
    bool observed = false; // the kit's observer stands between the runtime and the library
    // Of joinleaf itself: what it offers is known.
    [[nodiscard]] bool is_our_own() const {
        return name.empty() || library_name == "udp-mcast" || library_name == "tcp-root";
    }
    std::vector<transport> transports{
        {"udp_mcast_ipv4", plan::nonrooted, AF_INET},      {"udp_mcast_ipv6", plan::nonrooted, AF_INET6},
        {"tcp_root_rooted_ipv4", plan::rooted, AF_INET},   {"tcp_root_rooted_ipv6", plan::rooted, AF_INET6},
        {"tcp_root_relayed_ipv4", plan::relayed, AF_INET}, {"tcp_root_relayed_ipv6", plan::relayed, AF_INET6},
        {"tcp_stream_ipv4", plan::stream, AF_INET},        {"tcp_stream_ipv6", plan::stream, AF_INET6},
    };
};

inline subject& the_subject() {
    static subject one;
    return one;
}

// Ends the case as skipped, from any depth: what it needs is lacking.
[[noreturn]] inline void not_applicable(const std::string& lacking) {
    GTEST_MESSAGE_AT_(__FILE__, __LINE__, lacking.c_str(), ::testing::TestPartResult::kSkip);
    // The one exception that GoogleTest takes for "told already".
    throw ::testing::AssertionException(
        ::testing::TestPartResult(::testing::TestPartResult::kSkip, __FILE__, __LINE__, lacking.c_str()));
}

// Bits that the entries of the subject are shown with although it does not claim them, to see whether there is behaviour
// behind them. Taken up when the runtime starts; the observer of the kit reads them.
struct claimed_bits {
    DWORD services = 0;  // XP1_*
    DWORD abilities = 0; // JL_CAN_*
};

inline claimed_bits& the_claim() {
    static claimed_bits bits;
    return bits;
}

// A remark on the case that is no failure: behaviour that no capability bit announces.
inline void warn(const std::string& remark) {
    ::testing::Test::RecordProperty("warning", remark);
}

} // namespace joinleaf::test
