// SPDX-License-Identifier: Apache-2.0
//
// Which entry a socket is made of, and which WSA_FLAG_* combinations are lawful (clauses CT-40 ... CT-49,
// CT-60 ... CT-69).
#include "tests/support/bad_memory.hpp"
#include "tests/support/session.hpp"

namespace joinleaf::test {
namespace {

constexpr DWORD c_root = WSA_FLAG_MULTIPOINT_C_ROOT;
constexpr DWORD c_leaf = WSA_FLAG_MULTIPOINT_C_LEAF;
constexpr DWORD d_root = WSA_FLAG_MULTIPOINT_D_ROOT;
constexpr DWORD d_leaf = WSA_FLAG_MULTIPOINT_D_LEAF;

WSAPROTOCOL_INFOW entry_of(SOCKET s) {
    WSAPROTOCOL_INFOW info{};
    int length = sizeof info;
    EXPECT_TRUE(worked(jl_getsockopt(s, SOL_SOCKET, SO_PROTOCOL_INFOW, &info, &length)));
    return info;
}

class Choice : public runtime_test {
  protected:
    static owned_socket make(int af, int type, int protocol, DWORD flags = 0) {
        return owned_socket(WSASocketW(af, type, protocol, nullptr, 0, flags));
    }
};

TEST_F(Choice, CT_40_TheFirstFittingEntryIsChosen) {
    const auto udp = make(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    ASSERT_TRUE(udp);
    EXPECT_EQ(plan::nonrooted, plan_of(entry_of(udp.get())));
    EXPECT_EQ(AF_INET, entry_of(udp.get()).iAddressFamily);
    const owned_socket tcp(jl_socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
    ASSERT_TRUE(tcp);
    EXPECT_EQ(plan::stream, plan_of(entry_of(tcp.get())));
}

TEST_F(Choice, CT_41_FamilyAndTypeZeroAreWildcards) {
    const auto any_family = make(AF_UNSPEC, SOCK_DGRAM, IPPROTO_UDP);
    ASSERT_TRUE(any_family) << last_failure();
    EXPECT_EQ(IPPROTO_UDP, entry_of(any_family.get()).iProtocol);
    const auto any_type = make(AF_INET, 0, IPPROTO_UDP);
    ASSERT_TRUE(any_type) << last_failure();
    EXPECT_EQ(SOCK_DGRAM, entry_of(any_type.get()).iSocketType);
}

TEST_F(Choice, CT_41_D_7_ProtocolZeroMatchesEntriesThatSaySo) {
    for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
        const auto entries = catalog_entries();
        const auto answers =
            std::find_if(entries.begin(), entries.end(), [type](const WSAPROTOCOL_INFOW& entry) {
                return entry.iAddressFamily == AF_INET && entry.iSocketType == type &&
                       (entry.dwProviderFlags & PFL_MATCHES_PROTOCOL_ZERO) != 0;
            });
        ASSERT_NE(entries.end(), answers) << "no entry answers for type " << type;
        const auto s = make(AF_INET, type, 0);
        ASSERT_TRUE(s) << last_failure();
        EXPECT_NE(0U, entry_of(s.get()).dwProviderFlags & PFL_MATCHES_PROTOCOL_ZERO);
    }
}

TEST_F(Choice, CT_42_AnEntryCoversItsRangeOfProtocols) {
    for (const auto& entry : catalog_entries()) {
        const int beyond = entry.iProtocol + entry.iProtocolMaxOffset + 1;
        const auto s = make(entry.iAddressFamily, entry.iSocketType, beyond);
        if (s) {
            EXPECT_NE(entry.dwCatalogEntryId, entry_of(s.get()).dwCatalogEntryId);
        }
    }
}

TEST_F(Choice, CT_44_CT_45_TheEntryGivenIsTheOneUsed) {
    for (auto& entry : catalog_entries()) {
        const bool multipoint = (entry.dwServiceFlags1 & XP1_SUPPORT_MULTIPOINT) != 0;
        const DWORD flags = multipoint ? c_leaf | d_leaf : 0;
        if (entry.iAddressFamily == AF_INET6 && !has_ipv6()) {
            continue;
        }
        const owned_socket taken(
            WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &entry, 0, flags));
        ASSERT_TRUE(taken) << last_failure();
        EXPECT_EQ(entry.dwCatalogEntryId, entry_of(taken.get()).dwCatalogEntryId);
        const owned_socket zeros(WSASocketW(0, 0, FROM_PROTOCOL_INFO, &entry, 0, flags));
        EXPECT_TRUE(worked(zeros.get()));
    }
}

TEST_F(Choice, CT_44_TheNarrowFormOfTheEntryDoesAsWell) {
    DWORD length = 0;
    WSAEnumProtocolsA(nullptr, nullptr, &length);
    std::vector<WSAPROTOCOL_INFOA> entries(length / sizeof(WSAPROTOCOL_INFOA));
    ASSERT_GT(WSAEnumProtocolsA(nullptr, entries.data(), &length), 0);
    const owned_socket s(WSASocketA(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &entries[0],
                                    0, c_leaf | d_leaf));
    ASSERT_TRUE(s) << last_failure();
    EXPECT_EQ(entries[0].dwCatalogEntryId, entry_of(s.get()).dwCatalogEntryId);
}

TEST_F(Choice, CT_46_WhatDoesNotMatchHasItsCode) {
    EXPECT_TRUE(refused(jl_socket(AF_INET, 77, IPPROTO_UDP), WSAESOCKTNOSUPPORT));
    EXPECT_TRUE(refused(jl_socket(4242, 77, 0), WSAESOCKTNOSUPPORT));
    EXPECT_TRUE(refused(jl_socket(4242, SOCK_DGRAM, IPPROTO_UDP), WSAEAFNOSUPPORT));
    EXPECT_TRUE(refused(jl_socket(AF_INET, SOCK_DGRAM, 250), {WSAEPROTONOSUPPORT, WSAEPROTOTYPE}));
    EXPECT_TRUE(refused(jl_socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), {WSAEPROTONOSUPPORT, WSAEPROTOTYPE}));
    EXPECT_TRUE(refused(jl_socket(AF_UNSPEC, SOCK_DGRAM, 0), WSAEINVAL));
}

TEST_F(Choice, CT_47_AnUnusableEntry) {
    const unreadable_memory nowhere;
    EXPECT_TRUE(refused(WSASocketW(-1, -1, -1, nowhere.as<WSAPROTOCOL_INFOW>(), 0, 0), WSAEFAULT));
    EXPECT_TRUE(refused(WSASocketA(-1, -1, -1, nowhere.as<WSAPROTOCOL_INFOA>(), 0, 0), WSAEFAULT));
    WSAPROTOCOL_INFOW empty{};
    EXPECT_TRUE(refused(WSASocketW(-1, -1, -1, &empty, 0, 0), WSAEINVAL));
}

TEST_F(Choice, CT_47_AnUnknownGroupIsInvalid) {
    EXPECT_TRUE(refused(WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, nullptr, 0x7777, 0), WSAEINVAL));
}

TEST_F(Choice, CT_49_FlagsSelectAmongEntries) {
    const auto entries = catalog_entries();
    const auto rooted = std::find_if(entries.begin(), entries.end(), [](const WSAPROTOCOL_INFOW& entry) {
        return plan_of(entry) == plan::rooted && entry.iAddressFamily == AF_INET;
    });
    ASSERT_NE(entries.end(), rooted);
    const auto s = make(AF_INET, rooted->iSocketType, rooted->iProtocol, c_root | d_root);
    ASSERT_TRUE(s) << last_failure();
    EXPECT_EQ(rooted->dwCatalogEntryId, entry_of(s.get()).dwCatalogEntryId);
}

TEST_F(Choice, CT_49_OnlyEntriesThatCannotCarryTheFlags_FailWithInval) {
    EXPECT_TRUE(refused(WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, nullptr, 0, c_root | d_root), WSAEINVAL));
}

// Every combination of the four flags, over each kind of entry.
class Flags : public transport_test {
  protected:
    [[nodiscard]] bool lawful(DWORD flags) const {
        const bool multipoint = has(XP1_SUPPORT_MULTIPOINT);
        if ((flags & (c_root | c_leaf | d_root | d_leaf)) == 0) {
            return which().ordinary; // CT-69
        }
        const bool one_control = ((flags & c_root) != 0) != ((flags & c_leaf) != 0);
        const bool one_data = ((flags & d_root) != 0) != ((flags & d_leaf) != 0);
        const bool control = (flags & c_root) == 0 || has(XP1_MULTIPOINT_CONTROL_PLANE);
        const bool data = (flags & d_root) == 0 || has(XP1_MULTIPOINT_DATA_PLANE);
        return multipoint && one_control && one_data && control && data;
    }
};

TEST_P(Flags, CT_61_CT_62_CT_63_CT_64_CT_65_CT_66_CT_67_EveryCombination) {
    for (DWORD flags = 0; flags <= (c_root | c_leaf | d_root | d_leaf); flags += 2) {
        const owned_socket s(make_raw(flags));
        if (lawful(flags)) {
            EXPECT_TRUE(worked(s.get())) << "flags " << flags;
        } else if (flags != 0) {
            EXPECT_TRUE(refused(s.get(), WSAEINVAL)) << "flags " << flags;
        }
    }
}

TEST_P(Flags, CT_68_UnknownBitsAreInvalid) {
    EXPECT_TRUE(refused(make_raw(0x2000), WSAEINVAL));
    EXPECT_TRUE(refused(make_raw(0x80000000), WSAEINVAL));
}

TEST_P(Flags, CT_68_HandleFlagsChangeNothing) {
    const DWORD role = has(XP1_SUPPORT_MULTIPOINT) ? c_leaf | d_leaf : 0;
    const owned_socket s(make_raw(role | WSA_FLAG_NO_HANDLE_INHERIT));
    EXPECT_TRUE(worked(s.get()));
}

INSTANTIATE_TEST_SUITE_P(Transports, Flags, ::testing::ValuesIn(all_transports()), transport_name());

class OrdinaryDatagrams : public transport_test {};

TEST_P(OrdinaryDatagrams, CT_69_AFlaglessSocketHasTheMulticastOptions) {
    auto receiver = make_ordinary();
    const auto group = fresh_group(family());
    ASSERT_TRUE(set_flag(receiver.get(), SOL_SOCKET, SO_REUSEADDR, 1));
    ASSERT_TRUE(worked(bind_to(receiver.get(), any_address(family(), group.port()))));
    auto wanted = group;
    if (family() == AF_INET6) {
        ipv6_mreq request{};
        request.ipv6mr_multiaddr = wanted.six().sin6_addr;
        ASSERT_TRUE(
            worked(jl_setsockopt(receiver.get(), IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof request)));
    } else {
        ip_mreq request{};
        request.imr_multiaddr = wanted.four().sin_addr;
        ASSERT_TRUE(
            worked(jl_setsockopt(receiver.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request)));
    }
    auto sender = make_ordinary();
    ASSERT_EQ(5, jl_sendto(sender.get(), "hello", 5, 0, group.get(), group.length)) << last_failure();
    EXPECT_EQ("hello", next_text(receiver.get()).value_or("nothing"));
}

INSTANTIATE_TEST_SUITE_P(Transports, OrdinaryDatagrams, ::testing::ValuesIn(transports_of({plan::nonrooted})),
                         transport_name());

} // namespace
} // namespace joinleaf::test
