// SPDX-License-Identifier: Apache-2.0
// Sizes, offsets and numbers that programs and plugins compile in: sections 11 and 12 of the specification.
#include <joinleaf/winsock2.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <gtest/gtest.h>

namespace {

struct constant {
    const char* name;
    std::uint32_t actual;
    std::uint32_t expected;
};

#define JL_ROW(name, value)                                                                                  \
    { #name, static_cast < std::uint32_t>(name), static_cast < std::uint32_t>(value) }

constexpr constant error_codes[] = {
    JL_ROW(WSA_INVALID_HANDLE, 6),
    JL_ROW(WSA_NOT_ENOUGH_MEMORY, 8),
    JL_ROW(WSA_INVALID_PARAMETER, 87),
    JL_ROW(WSA_OPERATION_ABORTED, 995),
    JL_ROW(WSA_IO_INCOMPLETE, 996),
    JL_ROW(WSA_IO_PENDING, 997),
    JL_ROW(WSABASEERR, 10000),
    JL_ROW(WSAEINTR, 10004),
    JL_ROW(WSAEBADF, 10009),
    JL_ROW(WSAEACCES, 10013),
    JL_ROW(WSAEFAULT, 10014),
    JL_ROW(WSAEINVAL, 10022),
    JL_ROW(WSAEMFILE, 10024),
    JL_ROW(WSAEWOULDBLOCK, 10035),
    JL_ROW(WSAEINPROGRESS, 10036),
    JL_ROW(WSAEALREADY, 10037),
    JL_ROW(WSAENOTSOCK, 10038),
    JL_ROW(WSAEDESTADDRREQ, 10039),
    JL_ROW(WSAEMSGSIZE, 10040),
    JL_ROW(WSAEPROTOTYPE, 10041),
    JL_ROW(WSAENOPROTOOPT, 10042),
    JL_ROW(WSAEPROTONOSUPPORT, 10043),
    JL_ROW(WSAESOCKTNOSUPPORT, 10044),
    JL_ROW(WSAEOPNOTSUPP, 10045),
    JL_ROW(WSAEPFNOSUPPORT, 10046),
    JL_ROW(WSAEAFNOSUPPORT, 10047),
    JL_ROW(WSAEADDRINUSE, 10048),
    JL_ROW(WSAEADDRNOTAVAIL, 10049),
    JL_ROW(WSAENETDOWN, 10050),
    JL_ROW(WSAENETUNREACH, 10051),
    JL_ROW(WSAENETRESET, 10052),
    JL_ROW(WSAECONNABORTED, 10053),
    JL_ROW(WSAECONNRESET, 10054),
    JL_ROW(WSAENOBUFS, 10055),
    JL_ROW(WSAEISCONN, 10056),
    JL_ROW(WSAENOTCONN, 10057),
    JL_ROW(WSAESHUTDOWN, 10058),
    JL_ROW(WSAETOOMANYREFS, 10059),
    JL_ROW(WSAETIMEDOUT, 10060),
    JL_ROW(WSAECONNREFUSED, 10061),
    JL_ROW(WSAELOOP, 10062),
    JL_ROW(WSAENAMETOOLONG, 10063),
    JL_ROW(WSAEHOSTDOWN, 10064),
    JL_ROW(WSAEHOSTUNREACH, 10065),
    JL_ROW(WSAENOTEMPTY, 10066),
    JL_ROW(WSAEPROCLIM, 10067),
    JL_ROW(WSAEUSERS, 10068),
    JL_ROW(WSAEDQUOT, 10069),
    JL_ROW(WSAESTALE, 10070),
    JL_ROW(WSAEREMOTE, 10071),
    JL_ROW(WSAEDISCON, 10101),
    JL_ROW(WSAENOMORE, 10102),
    JL_ROW(WSAECANCELLED, 10103),
    JL_ROW(WSAEINVALIDPROCTABLE, 10104),
    JL_ROW(WSAEINVALIDPROVIDER, 10105),
    JL_ROW(WSAEPROVIDERFAILEDINIT, 10106),
    JL_ROW(WSAEREFUSED, 10112),
    JL_ROW(WSASYSNOTREADY, 10091),
    JL_ROW(WSASYSCALLFAILURE, 10107),
    JL_ROW(WSAVERNOTSUPPORTED, 10092),
    JL_ROW(WSANOTINITIALISED, 10093),
    JL_ROW(WSASERVICE_NOT_FOUND, 10108),
    JL_ROW(WSATYPE_NOT_FOUND, 10109),
    JL_ROW(WSA_E_NO_MORE, 10110),
    JL_ROW(WSA_E_CANCELLED, 10111),
    JL_ROW(WSAHOST_NOT_FOUND, 11001),
    JL_ROW(WSATRY_AGAIN, 11002),
    JL_ROW(WSANO_RECOVERY, 11003),
    JL_ROW(WSANO_DATA, 11004),
    JL_ROW(WSA_QOS_RECEIVERS, 11005),
    JL_ROW(WSA_QOS_SENDERS, 11006),
    JL_ROW(WSA_QOS_NO_SENDERS, 11007),
    JL_ROW(WSA_QOS_NO_RECEIVERS, 11008),
    JL_ROW(WSA_QOS_REQUEST_CONFIRMED, 11009),
    JL_ROW(WSA_QOS_ADMISSION_FAILURE, 11010),
    JL_ROW(WSA_QOS_POLICY_FAILURE, 11011),
    JL_ROW(WSA_QOS_BAD_STYLE, 11012),
    JL_ROW(WSA_QOS_BAD_OBJECT, 11013),
    JL_ROW(WSA_QOS_TRAFFIC_CTRL_ERROR, 11014),
    JL_ROW(WSA_QOS_GENERIC_ERROR, 11015),
    JL_ROW(WSA_QOS_ESERVICETYPE, 11016),
    JL_ROW(WSA_QOS_EFLOWSPEC, 11017),
    JL_ROW(WSA_QOS_EPROVSPECBUF, 11018),
    JL_ROW(WSA_QOS_EFILTERSTYLE, 11019),
    JL_ROW(WSA_QOS_EFILTERTYPE, 11020),
    JL_ROW(WSA_QOS_EFILTERCOUNT, 11021),
    JL_ROW(WSA_QOS_EOBJLENGTH, 11022),
    JL_ROW(WSA_QOS_EFLOWCOUNT, 11023),
    JL_ROW(WSA_QOS_EUNKOWNPSOBJ, 11024),
    JL_ROW(WSA_QOS_EPOLICYOBJ, 11025),
    JL_ROW(WSA_QOS_EFLOWDESC, 11026),
    JL_ROW(WSA_QOS_EPSFLOWSPEC, 11027),
    JL_ROW(WSA_QOS_EPSFILTERSPEC, 11028),
    JL_ROW(WSA_QOS_ESDMODEOBJ, 11029),
    JL_ROW(WSA_QOS_ESHAPERATEOBJ, 11030),
    JL_ROW(WSA_QOS_RESERVED_PETYPE, 11031),
};

constexpr constant network_events[] = {
    JL_ROW(FD_READ_BIT, 0),
    JL_ROW(FD_READ, 0x1),
    JL_ROW(FD_WRITE_BIT, 1),
    JL_ROW(FD_WRITE, 0x2),
    JL_ROW(FD_OOB_BIT, 2),
    JL_ROW(FD_OOB, 0x4),
    JL_ROW(FD_ACCEPT_BIT, 3),
    JL_ROW(FD_ACCEPT, 0x8),
    JL_ROW(FD_CONNECT_BIT, 4),
    JL_ROW(FD_CONNECT, 0x10),
    JL_ROW(FD_CLOSE_BIT, 5),
    JL_ROW(FD_CLOSE, 0x20),
    JL_ROW(FD_QOS_BIT, 6),
    JL_ROW(FD_QOS, 0x40),
    JL_ROW(FD_GROUP_QOS_BIT, 7),
    JL_ROW(FD_GROUP_QOS, 0x80),
    JL_ROW(FD_ROUTING_INTERFACE_CHANGE_BIT, 8),
    JL_ROW(FD_ROUTING_INTERFACE_CHANGE, 0x100),
    JL_ROW(FD_ADDRESS_LIST_CHANGE_BIT, 9),
    JL_ROW(FD_ADDRESS_LIST_CHANGE, 0x200),
    JL_ROW(FD_MAX_EVENTS, 10),
    JL_ROW(FD_ALL_EVENTS, 0x3ff),
};

constexpr constant protocol_attributes[] = {
    JL_ROW(XP1_CONNECTIONLESS, 0x1),
    JL_ROW(XP1_GUARANTEED_DELIVERY, 0x2),
    JL_ROW(XP1_GUARANTEED_ORDER, 0x4),
    JL_ROW(XP1_MESSAGE_ORIENTED, 0x8),
    JL_ROW(XP1_PSEUDO_STREAM, 0x10),
    JL_ROW(XP1_GRACEFUL_CLOSE, 0x20),
    JL_ROW(XP1_EXPEDITED_DATA, 0x40),
    JL_ROW(XP1_CONNECT_DATA, 0x80),
    JL_ROW(XP1_DISCONNECT_DATA, 0x100),
    JL_ROW(XP1_SUPPORT_BROADCAST, 0x200),
    JL_ROW(XP1_SUPPORT_MULTIPOINT, 0x400),
    JL_ROW(XP1_MULTIPOINT_CONTROL_PLANE, 0x800),
    JL_ROW(XP1_MULTIPOINT_DATA_PLANE, 0x1000),
    JL_ROW(XP1_QOS_SUPPORTED, 0x2000),
    JL_ROW(XP1_INTERRUPT, 0x4000),
    JL_ROW(XP1_UNI_SEND, 0x8000),
    JL_ROW(XP1_UNI_RECV, 0x10000),
    JL_ROW(XP1_IFS_HANDLES, 0x20000),
    JL_ROW(XP1_PARTIAL_MESSAGE, 0x40000),
    JL_ROW(XP1_SAN_SUPPORT_SDP, 0x80000),
    JL_ROW(PFL_MULTIPLE_PROTO_ENTRIES, 0x1),
    JL_ROW(PFL_RECOMMENDED_PROTO_ENTRY, 0x2),
    JL_ROW(PFL_HIDDEN, 0x4),
    JL_ROW(PFL_MATCHES_PROTOCOL_ZERO, 0x8),
    JL_ROW(PFL_NETWORKDIRECT_PROVIDER, 0x10),
    JL_ROW(WSAPROTOCOL_LEN, 255),
    JL_ROW(MAX_PROTOCOL_CHAIN, 7),
    JL_ROW(BASE_PROTOCOL, 1),
    JL_ROW(LAYERED_PROTOCOL, 0),
    JL_ROW(BIGENDIAN, 0),
    JL_ROW(LITTLEENDIAN, 1),
    JL_ROW(SECURITY_PROTOCOL_NONE, 0),
    JL_ROW(WSADESCRIPTION_LEN, 256),
    JL_ROW(WSASYS_STATUS_LEN, 128),
    JL_ROW(WSPDESCRIPTION_LEN, 255),
    JL_ROW(FROM_PROTOCOL_INFO, -1),
};

constexpr constant flags[] = {
    JL_ROW(WSA_FLAG_OVERLAPPED, 0x1),
    JL_ROW(WSA_FLAG_MULTIPOINT_C_ROOT, 0x2),
    JL_ROW(WSA_FLAG_MULTIPOINT_C_LEAF, 0x4),
    JL_ROW(WSA_FLAG_MULTIPOINT_D_ROOT, 0x8),
    JL_ROW(WSA_FLAG_MULTIPOINT_D_LEAF, 0x10),
    JL_ROW(WSA_FLAG_ACCESS_SYSTEM_SECURITY, 0x40),
    JL_ROW(WSA_FLAG_NO_HANDLE_INHERIT, 0x80),
    JL_ROW(JL_SENDER_ONLY, 0x1),
    JL_ROW(JL_RECEIVER_ONLY, 0x2),
    JL_ROW(JL_BOTH, 0x4),
    JL_ROW(CF_ACCEPT, 0x0),
    JL_ROW(CF_REJECT, 0x1),
    JL_ROW(CF_DEFER, 0x2),
    JL_ROW(SD_RECEIVE, 0x0),
    JL_ROW(SD_SEND, 0x1),
    JL_ROW(SD_BOTH, 0x2),
    JL_ROW(SG_UNCONSTRAINED_GROUP, 0x1),
    JL_ROW(SG_CONSTRAINED_GROUP, 0x2),
    JL_ROW(WSA_WAIT_EVENT_0, 0x0),
    JL_ROW(WSA_WAIT_IO_COMPLETION, 0xc0),
    JL_ROW(WSA_WAIT_TIMEOUT, 0x102),
    JL_ROW(WSA_WAIT_FAILED, 0xffffffff),
    JL_ROW(WSA_INFINITE, 0xffffffff),
    JL_ROW(WSA_MAXIMUM_WAIT_EVENTS, 0x40),
};

constexpr constant ioctl_codes[] = {
    JL_ROW(IOC_UNIX, 0x0),
    JL_ROW(IOC_WS2, 0x8000000),
    JL_ROW(IOC_PROTOCOL, 0x10000000),
    JL_ROW(IOC_VENDOR, 0x18000000),
    JL_ROW(IOC_VOID, 0x20000000),
    JL_ROW(IOC_OUT, 0x40000000),
    JL_ROW(IOC_IN, 0x80000000),
    JL_ROW(IOC_INOUT, 0xc0000000),
    JL_ROW(SIO_ASSOCIATE_HANDLE, 0x88000001),
    JL_ROW(SIO_ENABLE_CIRCULAR_QUEUEING, 0x28000002),
    JL_ROW(SIO_FIND_ROUTE, 0x48000003),
    JL_ROW(SIO_FLUSH, 0x28000004),
    JL_ROW(SIO_GET_BROADCAST_ADDRESS, 0x48000005),
    JL_ROW(SIO_GET_EXTENSION_FUNCTION_POINTER, 0xc8000006),
    JL_ROW(SIO_GET_QOS, 0xc8000007),
    JL_ROW(SIO_GET_GROUP_QOS, 0xc8000008),
    JL_ROW(SIO_MULTIPOINT_LOOPBACK, 0x88000009),
    JL_ROW(SIO_MULTICAST_SCOPE, 0x8800000a),
    JL_ROW(SIO_SET_QOS, 0x8800000b),
    JL_ROW(SIO_SET_GROUP_QOS, 0x8800000c),
    JL_ROW(SIO_TRANSLATE_HANDLE, 0xc800000d),
    JL_ROW(SIO_ROUTING_INTERFACE_QUERY, 0xc8000014),
    JL_ROW(SIO_ROUTING_INTERFACE_CHANGE, 0x88000015),
    JL_ROW(SIO_ADDRESS_LIST_QUERY, 0x48000016),
    JL_ROW(SIO_ADDRESS_LIST_CHANGE, 0x28000017),
    JL_ROW(SIO_QUERY_TARGET_PNP_HANDLE, 0x48000018),
    JL_ROW(SIO_BASE_HANDLE, 0x48000022),
    JL_ROW(FIONBIO, 0x8004667e),
    JL_ROW(FIONREAD, 0x4004667f),
    JL_ROW(FIOASYNC, 0x8004667d),
    JL_ROW(SIOCATMARK, 0x40047307),
};

constexpr constant qos[] = {
    JL_ROW(SERVICETYPE_NOTRAFFIC, 0x0),
    JL_ROW(SERVICETYPE_BESTEFFORT, 0x1),
    JL_ROW(SERVICETYPE_CONTROLLEDLOAD, 0x2),
    JL_ROW(SERVICETYPE_GUARANTEED, 0x3),
    JL_ROW(SERVICETYPE_NETWORK_UNAVAILABLE, 0x4),
    JL_ROW(SERVICETYPE_GENERAL_INFORMATION, 0x5),
    JL_ROW(SERVICETYPE_NOCHANGE, 0x6),
    JL_ROW(SERVICETYPE_NONCONFORMING, 0x9),
    JL_ROW(SERVICETYPE_NETWORK_CONTROL, 0xa),
    JL_ROW(SERVICETYPE_QUALITATIVE, 0xd),
    JL_ROW(SERVICE_NO_TRAFFIC_CONTROL, 0x81000000),
    JL_ROW(SERVICE_NO_QOS_SIGNALING, 0x40000000),
    JL_ROW(QOS_NOT_SPECIFIED, 0xffffffff),
    JL_ROW(QOS_GENERAL_ID_BASE, 0x7d0),
    JL_ROW(QOS_OBJECT_END_OF_LIST, 0x7d1),
    JL_ROW(QOS_OBJECT_SD_MODE, 0x7d2),
    JL_ROW(QOS_OBJECT_SHAPING_RATE, 0x7d3),
    JL_ROW(POSITIVE_INFINITY_RATE, 0xfffffffe),
};

void expect_values(std::span<const constant> rows) {
    for (const constant& row : rows) {
        EXPECT_EQ(row.actual, row.expected) << row.name;
    }
}

TEST(Constants, ER_ErrorCodes_HaveWinsockValues) {
    expect_values(error_codes);
}
TEST(Constants, EV_52_NetworkEvents_HaveWinsockValues) {
    expect_values(network_events);
}
TEST(Constants, CT_10_CatalogConstants_HaveWinsockValues) {
    expect_values(protocol_attributes);
}
TEST(Constants, CT_60_Flags_HaveWinsockValues) {
    expect_values(flags);
}
TEST(Constants, IO_35_IoctlCodes_HaveWinsockValues) {
    expect_values(ioctl_codes);
}
TEST(Constants, QS_12_QosConstants_HaveWinsockValues) {
    expect_values(qos);
}

#define JL_SIZE(type, size, alignment)                                                                       \
    EXPECT_EQ(sizeof(type), size##u) << #type;                                                               \
    EXPECT_EQ(alignof(type), alignment##u) << #type
#define JL_MEMBER(type, member, offset, size)                                                                \
    EXPECT_EQ(offsetof(type, member), offset##u) << #type "." #member;                                       \
    EXPECT_EQ(sizeof(type::member), size##u) << #type "." #member

TEST(Layout, CT_03_Structures_HaveTheirSizesAndOffsets) {
    JL_SIZE(WSABUF, 16, 8);
    JL_MEMBER(WSABUF, len, 0, 4);
    JL_MEMBER(WSABUF, buf, 8, 8);
    JL_SIZE(FLOWSPEC, 32, 4);
    JL_MEMBER(FLOWSPEC, TokenRate, 0, 4);
    JL_MEMBER(FLOWSPEC, TokenBucketSize, 4, 4);
    JL_MEMBER(FLOWSPEC, PeakBandwidth, 8, 4);
    JL_MEMBER(FLOWSPEC, Latency, 12, 4);
    JL_MEMBER(FLOWSPEC, DelayVariation, 16, 4);
    JL_MEMBER(FLOWSPEC, ServiceType, 20, 4);
    JL_MEMBER(FLOWSPEC, MaxSduSize, 24, 4);
    JL_MEMBER(FLOWSPEC, MinimumPolicedSize, 28, 4);
    JL_SIZE(QOS, 80, 8);
    JL_MEMBER(QOS, SendingFlowspec, 0, 32);
    JL_MEMBER(QOS, ReceivingFlowspec, 32, 32);
    JL_MEMBER(QOS, ProviderSpecific, 64, 16);
    JL_SIZE(WSANETWORKEVENTS, 44, 4);
    JL_MEMBER(WSANETWORKEVENTS, lNetworkEvents, 0, 4);
    JL_MEMBER(WSANETWORKEVENTS, iErrorCode, 4, 40);
    JL_SIZE(WSAOVERLAPPED, 32, 8);
    JL_MEMBER(WSAOVERLAPPED, Internal, 0, 8);
    JL_MEMBER(WSAOVERLAPPED, InternalHigh, 8, 8);
    JL_MEMBER(WSAOVERLAPPED, Offset, 16, 4);
    JL_MEMBER(WSAOVERLAPPED, OffsetHigh, 20, 4);
    JL_MEMBER(WSAOVERLAPPED, hEvent, 24, 8);
    JL_SIZE(WSAPROTOCOLCHAIN, 32, 4);
    JL_MEMBER(WSAPROTOCOLCHAIN, ChainLen, 0, 4);
    JL_MEMBER(WSAPROTOCOLCHAIN, ChainEntries, 4, 28);
    JL_SIZE(WSAPROTOCOL_INFOA, 372, 4);
    JL_MEMBER(WSAPROTOCOL_INFOA, dwServiceFlags1, 0, 4);
    JL_MEMBER(WSAPROTOCOL_INFOA, dwServiceFlags2, 4, 4);
    JL_MEMBER(WSAPROTOCOL_INFOA, dwServiceFlags3, 8, 4);
    JL_MEMBER(WSAPROTOCOL_INFOA, dwServiceFlags4, 12, 4);
    JL_MEMBER(WSAPROTOCOL_INFOA, dwProviderFlags, 16, 4);
    JL_MEMBER(WSAPROTOCOL_INFOA, ProviderId, 20, 16);
    JL_MEMBER(WSAPROTOCOL_INFOA, dwCatalogEntryId, 36, 4);
    JL_MEMBER(WSAPROTOCOL_INFOA, ProtocolChain, 40, 32);
    JL_MEMBER(WSAPROTOCOL_INFOA, iVersion, 72, 4);
    JL_MEMBER(WSAPROTOCOL_INFOA, iAddressFamily, 76, 4);
    JL_MEMBER(WSAPROTOCOL_INFOA, iMaxSockAddr, 80, 4);
    JL_MEMBER(WSAPROTOCOL_INFOA, iMinSockAddr, 84, 4);
    JL_MEMBER(WSAPROTOCOL_INFOA, iSocketType, 88, 4);
    JL_MEMBER(WSAPROTOCOL_INFOA, iProtocol, 92, 4);
    JL_MEMBER(WSAPROTOCOL_INFOA, iProtocolMaxOffset, 96, 4);
    JL_MEMBER(WSAPROTOCOL_INFOA, iNetworkByteOrder, 100, 4);
    JL_MEMBER(WSAPROTOCOL_INFOA, iSecurityScheme, 104, 4);
    JL_MEMBER(WSAPROTOCOL_INFOA, dwMessageSize, 108, 4);
    JL_MEMBER(WSAPROTOCOL_INFOA, dwProviderReserved, 112, 4);
    JL_MEMBER(WSAPROTOCOL_INFOA, szProtocol, 116, 256);
    JL_SIZE(WSAPROTOCOL_INFOW, 628, 4);
    JL_MEMBER(WSAPROTOCOL_INFOW, dwServiceFlags1, 0, 4);
    JL_MEMBER(WSAPROTOCOL_INFOW, dwServiceFlags2, 4, 4);
    JL_MEMBER(WSAPROTOCOL_INFOW, dwServiceFlags3, 8, 4);
    JL_MEMBER(WSAPROTOCOL_INFOW, dwServiceFlags4, 12, 4);
    JL_MEMBER(WSAPROTOCOL_INFOW, dwProviderFlags, 16, 4);
    JL_MEMBER(WSAPROTOCOL_INFOW, ProviderId, 20, 16);
    JL_MEMBER(WSAPROTOCOL_INFOW, dwCatalogEntryId, 36, 4);
    JL_MEMBER(WSAPROTOCOL_INFOW, ProtocolChain, 40, 32);
    JL_MEMBER(WSAPROTOCOL_INFOW, iVersion, 72, 4);
    JL_MEMBER(WSAPROTOCOL_INFOW, iAddressFamily, 76, 4);
    JL_MEMBER(WSAPROTOCOL_INFOW, iMaxSockAddr, 80, 4);
    JL_MEMBER(WSAPROTOCOL_INFOW, iMinSockAddr, 84, 4);
    JL_MEMBER(WSAPROTOCOL_INFOW, iSocketType, 88, 4);
    JL_MEMBER(WSAPROTOCOL_INFOW, iProtocol, 92, 4);
    JL_MEMBER(WSAPROTOCOL_INFOW, iProtocolMaxOffset, 96, 4);
    JL_MEMBER(WSAPROTOCOL_INFOW, iNetworkByteOrder, 100, 4);
    JL_MEMBER(WSAPROTOCOL_INFOW, iSecurityScheme, 104, 4);
    JL_MEMBER(WSAPROTOCOL_INFOW, dwMessageSize, 108, 4);
    JL_MEMBER(WSAPROTOCOL_INFOW, dwProviderReserved, 112, 4);
    JL_MEMBER(WSAPROTOCOL_INFOW, szProtocol, 116, 512);
    JL_SIZE(WSADATA, 408, 8);
    JL_MEMBER(WSADATA, wVersion, 0, 2);
    JL_MEMBER(WSADATA, wHighVersion, 2, 2);
    JL_MEMBER(WSADATA, szDescription, 16, 257);
    JL_MEMBER(WSADATA, szSystemStatus, 273, 129);
    JL_MEMBER(WSADATA, iMaxSockets, 4, 2);
    JL_MEMBER(WSADATA, iMaxUdpDg, 6, 2);
    JL_MEMBER(WSADATA, lpVendorInfo, 8, 8);
    JL_SIZE(WSPDATA, 516, 2);
    JL_MEMBER(WSPDATA, wVersion, 0, 2);
    JL_MEMBER(WSPDATA, wHighVersion, 2, 2);
    JL_MEMBER(WSPDATA, szDescription, 4, 512);
    JL_SIZE(WSATHREADID, 16, 8);
    JL_MEMBER(WSATHREADID, ThreadHandle, 0, 8);
    JL_MEMBER(WSATHREADID, Reserved, 8, 8);
    JL_SIZE(QOS_OBJECT_HDR, 8, 4);
    JL_MEMBER(QOS_OBJECT_HDR, ObjectType, 0, 4);
    JL_MEMBER(QOS_OBJECT_HDR, ObjectLength, 4, 4);
    JL_SIZE(GUID, 16, 4);
    JL_MEMBER(GUID, Data1, 0, 4);
    JL_MEMBER(GUID, Data2, 4, 2);
    JL_MEMBER(GUID, Data3, 6, 2);
    JL_MEMBER(GUID, Data4, 8, 8);
    JL_SIZE(WSAPOLLFD, 16, 8);
    JL_MEMBER(WSAPOLLFD, fd, 0, 8);
    JL_MEMBER(WSAPOLLFD, events, 8, 2);
    JL_MEMBER(WSAPOLLFD, revents, 10, 2);
    JL_SIZE(jl_fd_set, 520, 8);
    JL_MEMBER(jl_fd_set, fd_count, 0, 4);
    JL_MEMBER(jl_fd_set, fd_array, 8, 512);
}

TEST(Layout, Types_HaveWindowsWidths) {
    EXPECT_EQ(sizeof(BYTE), 1u);
    EXPECT_EQ(sizeof(CHAR), 1u);
    EXPECT_EQ(sizeof(WORD), 2u);
    EXPECT_EQ(sizeof(SHORT), 2u);
    EXPECT_EQ(sizeof(USHORT), 2u);
    EXPECT_EQ(sizeof(WCHAR), 2u);
    EXPECT_EQ(sizeof(DWORD), 4u);
    EXPECT_EQ(sizeof(LONG), 4u);
    EXPECT_EQ(sizeof(ULONG), 4u);
    EXPECT_EQ(sizeof(u_long), 4u);
    EXPECT_EQ(sizeof(INT), 4u);
    EXPECT_EQ(sizeof(UINT), 4u);
    EXPECT_EQ(sizeof(BOOL), 4u);
    EXPECT_EQ(sizeof(GROUP), 4u);
    for (const std::size_t size : {sizeof(SOCKET), sizeof(HANDLE), sizeof(HWND), sizeof(WSAEVENT),
                                   sizeof(ULONG_PTR), sizeof(UINT_PTR), sizeof(DWORD_PTR), sizeof(LPVOID)}) {
        EXPECT_EQ(size, sizeof(void*));
    }
    EXPECT_TRUE(std::is_unsigned_v<DWORD> && std::is_unsigned_v<u_long> && std::is_unsigned_v<SOCKET>);
    EXPECT_TRUE(std::is_signed_v<LONG> && std::is_signed_v<SHORT> && std::is_signed_v<BOOL>);
}

TEST(Layout, Members_HaveTheirTypes) {
    EXPECT_TRUE((std::is_same_v<decltype(WSABUF::buf), char*>));
    EXPECT_TRUE((std::is_same_v<decltype(WSANETWORKEVENTS::lNetworkEvents), LONG>));
    EXPECT_TRUE((std::is_same_v<decltype(WSAOVERLAPPED::hEvent), HANDLE>));
    EXPECT_TRUE((std::is_same_v<decltype(WSAPROTOCOL_INFOW::szProtocol), WCHAR[256]>));
    EXPECT_TRUE((std::is_same_v<decltype(WSAPROTOCOL_INFOA::szProtocol), char[256]>));
}

TEST(Constants, SpecialValues_AreWinsocks) {
    EXPECT_EQ(INVALID_SOCKET, ~SOCKET{0});
    EXPECT_EQ(SOCKET_ERROR, -1);
    EXPECT_EQ(WSA_INVALID_EVENT, nullptr);
    EXPECT_EQ(TRUE, 1);
    EXPECT_EQ(FALSE, 0);
    EXPECT_EQ(FD_SETSIZE, 64);
}

TEST(Constants, ST_04_VersionWords_HaveTheMajorNumberLow) {
    static_assert(MAKEWORD(2, 1) == 0x0102);
    EXPECT_EQ(LOBYTE(MAKEWORD(2, 1)), 2);
    EXPECT_EQ(HIBYTE(MAKEWORD(2, 1)), 1);
    EXPECT_EQ(MAKEWORD(0x1fe, 0xff), 0xfffe);
}

TEST(Constants, EV_60_SelectReplies_ComeApartAgain) {
    const LPARAM lparam = WSAMAKESELECTREPLY(FD_CLOSE, WSAECONNABORTED);
    EXPECT_EQ(WSAGETSELECTEVENT(lparam), FD_CLOSE);
    EXPECT_EQ(WSAGETSELECTERROR(lparam), WSAECONNABORTED);
    EXPECT_EQ(MAKELONG(0x1234, 0xfedc), static_cast<LONG>(0xfedc1234u));
    EXPECT_EQ(LOWORD(MAKELONG(0xffff, 0x8000)), 0xffff);
    EXPECT_EQ(HIWORD(MAKELONG(0xffff, 0x8000)), 0x8000);
}

// IO-35: the codes are made of direction, family and number.
static_assert(_WSAIO(IOC_WS2, 4) == SIO_FLUSH);
static_assert(_WSAIOR(IOC_WS2, 5) == SIO_GET_BROADCAST_ADDRESS);
static_assert(_WSAIOW(IOC_WS2, 9) == SIO_MULTIPOINT_LOOPBACK);
static_assert(_WSAIORW(IOC_WS2, 6) == SIO_GET_EXTENSION_FUNCTION_POINTER);

// The names that the host lacks must not be taken for one of its own: its options count up from 1, its
// families end at AF_MAX, its message flags are single bits.
TEST(Constants, NamesTheHostLacks_HaveValuesOfTheirOwn) {
    const int added[] = {
        SO_DONTLINGER,   SO_EXCLUSIVEADDRUSE, SO_GROUP_ID,           SO_GROUP_PRIORITY,
        SO_MAX_MSG_SIZE, SO_PROTOCOL_INFOA,   SO_PROTOCOL_INFOW,     PVD_CONFIG,
        SO_CONNDATA,     SO_CONNECT_TIME,     SO_CONDITIONAL_ACCEPT, SO_UPDATE_ACCEPT_CONTEXT};
    for (const int& option : added) {
        EXPECT_TRUE(option < 0 || option > 0x1000) << option;
        for (const int& other : added) {
            EXPECT_TRUE(&option == &other || option != other) << option;
        }
    }
    EXPECT_EQ(SO_DONTLINGER, ~SO_LINGER);
    EXPECT_EQ(SO_EXCLUSIVEADDRUSE, ~SO_REUSEADDR);
    EXPECT_GT(AF_ATM, AF_MAX);
    constexpr int host_flags = MSG_OOB | MSG_PEEK | MSG_DONTROUTE | MSG_CTRUNC | MSG_TRUNC | MSG_DONTWAIT |
                               MSG_EOR | MSG_WAITALL | MSG_CONFIRM | MSG_ERRQUEUE | MSG_NOSIGNAL | MSG_MORE |
                               MSG_WAITFORONE | MSG_BATCH | MSG_ZEROCOPY | MSG_FASTOPEN | MSG_CMSG_CLOEXEC;
    EXPECT_EQ(MSG_PARTIAL & host_flags, 0);
    EXPECT_EQ(SD_RECEIVE, static_cast<int>(SHUT_RD));
    EXPECT_EQ(SD_SEND, static_cast<int>(SHUT_WR));
    EXPECT_EQ(SD_BOTH, static_cast<int>(SHUT_RDWR));
}

// The host's own ioctl numbers stay reachable.
TEST(Constants, HostIoctlNumbers_HaveNamesOfTheirOwn) {
    EXPECT_EQ(static_cast<unsigned>(JL_HOST_FIONBIO), 0x5421u);
    EXPECT_EQ(static_cast<unsigned>(JL_HOST_FIONREAD), 0x541bu);
    EXPECT_EQ(static_cast<unsigned>(JL_HOST_SIOCATMARK), 0x8905u);
    EXPECT_EQ(static_cast<unsigned>(TIOCINQ), 0x541bu);
    EXPECT_EQ(static_cast<unsigned>(SIOCINQ), 0x541bu);
}

// The pointer types are those of the calls.
static_assert(std::is_same_v<LPFN_WSASTARTUP, decltype(&WSAStartup)>);
static_assert(std::is_same_v<LPFN_WSACLEANUP, decltype(&WSACleanup)>);
static_assert(std::is_same_v<LPFN_WSAGETLASTERROR, decltype(&WSAGetLastError)>);
static_assert(std::is_same_v<LPFN_WSASETLASTERROR, decltype(&WSASetLastError)>);
static_assert(std::is_same_v<LPFN_WSAENUMPROTOCOLSA, decltype(&WSAEnumProtocolsA)>);
static_assert(std::is_same_v<LPFN_WSAENUMPROTOCOLSW, decltype(&WSAEnumProtocolsW)>);
static_assert(std::is_same_v<LPFN_WSASOCKETA, decltype(&WSASocketA)>);
static_assert(std::is_same_v<LPFN_WSASOCKETW, decltype(&WSASocketW)>);
static_assert(std::is_same_v<LPFN_WSAJOINLEAF, decltype(&WSAJoinLeaf)>);
static_assert(std::is_same_v<LPFN_WSAACCEPT, decltype(&WSAAccept)>);
static_assert(std::is_same_v<LPFN_WSACONNECT, decltype(&WSAConnect)>);
static_assert(std::is_same_v<LPFN_WSASEND, decltype(&WSASend)>);
static_assert(std::is_same_v<LPFN_WSASENDTO, decltype(&WSASendTo)>);
static_assert(std::is_same_v<LPFN_WSARECV, decltype(&WSARecv)>);
static_assert(std::is_same_v<LPFN_WSARECVFROM, decltype(&WSARecvFrom)>);
static_assert(std::is_same_v<LPFN_WSASENDDISCONNECT, decltype(&WSASendDisconnect)>);
static_assert(std::is_same_v<LPFN_WSARECVDISCONNECT, decltype(&WSARecvDisconnect)>);
static_assert(std::is_same_v<LPFN_WSAIOCTL, decltype(&WSAIoctl)>);
static_assert(std::is_same_v<LPFN_WSAGETOVERLAPPEDRESULT, decltype(&WSAGetOverlappedResult)>);
static_assert(std::is_same_v<LPFN_WSAEVENTSELECT, decltype(&WSAEventSelect)>);
static_assert(std::is_same_v<LPFN_WSAENUMNETWORKEVENTS, decltype(&WSAEnumNetworkEvents)>);
static_assert(std::is_same_v<LPFN_WSAASYNCSELECT, decltype(&WSAAsyncSelect)>);
static_assert(std::is_same_v<LPFN_WSACREATEEVENT, decltype(&WSACreateEvent)>);
static_assert(std::is_same_v<LPFN_WSASETEVENT, decltype(&WSASetEvent)>);
static_assert(std::is_same_v<LPFN_WSARESETEVENT, decltype(&WSAResetEvent)>);
static_assert(std::is_same_v<LPFN_WSACLOSEEVENT, decltype(&WSACloseEvent)>);
static_assert(std::is_same_v<LPFN_WSAWAITFORMULTIPLEEVENTS, decltype(&WSAWaitForMultipleEvents)>);
static_assert(std::is_same_v<LPFN_WSADUPLICATESOCKETA, decltype(&WSADuplicateSocketA)>);
static_assert(std::is_same_v<LPFN_WSADUPLICATESOCKETW, decltype(&WSADuplicateSocketW)>);
static_assert(std::is_same_v<LPFN_SOCKET, decltype(&jl_socket)>);
static_assert(std::is_same_v<LPFN_CLOSESOCKET, decltype(&jl_closesocket)>);
static_assert(std::is_same_v<LPFN_BIND, decltype(&jl_bind)>);
static_assert(std::is_same_v<LPFN_LISTEN, decltype(&jl_listen)>);
static_assert(std::is_same_v<LPFN_ACCEPT, decltype(&jl_accept)>);
static_assert(std::is_same_v<LPFN_CONNECT, decltype(&jl_connect)>);
static_assert(std::is_same_v<LPFN_SHUTDOWN, decltype(&jl_shutdown)>);
static_assert(std::is_same_v<LPFN_SEND, decltype(&jl_send)>);
static_assert(std::is_same_v<LPFN_SENDTO, decltype(&jl_sendto)>);
static_assert(std::is_same_v<LPFN_RECV, decltype(&jl_recv)>);
static_assert(std::is_same_v<LPFN_RECVFROM, decltype(&jl_recvfrom)>);
static_assert(std::is_same_v<LPFN_SELECT, decltype(&jl_select)>);
static_assert(std::is_same_v<LPFN_GETSOCKOPT, decltype(&jl_getsockopt)>);
static_assert(std::is_same_v<LPFN_SETSOCKOPT, decltype(&jl_setsockopt)>);
static_assert(std::is_same_v<LPFN_GETSOCKNAME, decltype(&jl_getsockname)>);
static_assert(std::is_same_v<LPFN_GETPEERNAME, decltype(&jl_getpeername)>);
static_assert(std::is_same_v<LPFN_IOCTLSOCKET, decltype(&jl_ioctlsocket)>);

// Calling shapes of section 12.
static_assert(std::is_same_v<decltype(WSAJoinLeaf), SOCKET(SOCKET, const struct sockaddr*, int, LPWSABUF,
                                                           LPWSABUF, LPQOS, LPQOS, DWORD)>);
static_assert(std::is_same_v<LPCONDITIONPROC, int (*)(LPWSABUF, LPWSABUF, LPQOS, LPQOS, LPWSABUF, LPWSABUF,
                                                      GROUP*, DWORD_PTR)>);
static_assert(
    std::is_same_v<LPWSAOVERLAPPED_COMPLETION_ROUTINE, void (*)(DWORD, DWORD, LPWSAOVERLAPPED, DWORD)>);

} // namespace
