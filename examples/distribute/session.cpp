// SPDX-License-Identifier: Apache-2.0
#include "session.hpp"

#include <joinleaf/ext.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <thread>

namespace distribute {

namespace {

// More than any description of a transfer; a transport may carry less and then hands on the first part.
constexpr std::size_t description_room = 512;

// A message that fits into one Ethernet frame with its headers: where nothing repairs a loss, a message in several
// fragments is lost with any one of them.
constexpr std::size_t unfragmented = 1400;
constexpr std::size_t enough = 64 * 1024;

struct address {
    sockaddr_storage storage{};
    int length = 0;
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

// "127.0.0.1:5000" or "[::1]:5000" in the address family of the entry.
address parse(const std::string& text, int family) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) {
        throw std::invalid_argument("'" + text + "' has no port");
    }
    std::string host = text.substr(0, colon);
    std::erase_if(host, [](char c) { return c == '[' || c == ']'; });
    addrinfo hints{};
    hints.ai_family = family;
    hints.ai_socktype = SOCK_DGRAM; // one answer instead of one per type
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (const int error = getaddrinfo(host.c_str(), text.c_str() + colon + 1, &hints, &found); error != 0) {
        throw std::invalid_argument("'" + text + "' is no address of this transport: " + gai_strerror(error));
    }
    address parsed;
    std::memcpy(&parsed.storage, found->ai_addr, found->ai_addrlen);
    parsed.length = static_cast<int>(found->ai_addrlen);
    freeaddrinfo(found);
    return parsed;
}

std::string port_of(SOCKET s) {
    address local;
    local.length = static_cast<int>(sizeof local.storage);
    if (getsockname(s, local.get(), &local.length) == SOCKET_ERROR) {
        throw winsock_error("getsockname");
    }
    std::array<char, NI_MAXSERV> port{};
    getnameinfo(local.get(), static_cast<socklen_t>(local.length), nullptr, 0, port.data(), port.size(),
                NI_NUMERICSERV);
    return port.data();
}

std::string host_of(const std::string& address) {
    return address.substr(0, address.rfind(':'));
}

// A group for this run alone: 239.255.0.0/16 and ff15::/16 are for sites to use as they like.
std::string group_by_lot(int family) {
    std::random_device lot;
    const unsigned number = lot() & 0xFFFFU;
    if (family == AF_INET6) {
        return "[ff15::6a6c:" + std::to_string(number % 10000) + "]:0";
    }
    return "239.255." + std::to_string(number >> 8U) + "." + std::to_string(number & 0xFFU) + ":0";
}

// A socket of this very entry: -1 three times takes family, type and protocol from it.
SOCKET make_socket(const transport& over, DWORD control, DWORD data) {
    WSAPROTOCOL_INFOA entry = over.entry();
    const SOCKET s = WSASocketA(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &entry, 0,
                                WSA_FLAG_OVERLAPPED | control | data);
    if (s == INVALID_SOCKET) {
        throw winsock_error("WSASocket");
    }
    return s;
}

SOCKET make_root_socket(const transport& over) {
    // Without a root in the control plane everyone is a c_leaf, the sender too.
    return make_socket(over, over.rooted_control() ? WSA_FLAG_MULTIPOINT_C_ROOT : WSA_FLAG_MULTIPOINT_C_LEAF,
                       over.rooted_data() ? WSA_FLAG_MULTIPOINT_D_ROOT : WSA_FLAG_MULTIPOINT_D_LEAF);
}

void bind_to(SOCKET s, address where) {
    if (bind(s, where.get(), where.length) == SOCKET_ERROR) {
        throw winsock_error("bind");
    }
}

// WSAAccept asks this function about each leaf. It says yes to all and gives the description as callee data.
int CALLBACK welcome(LPWSABUF, LPWSABUF /*name of the leaf*/, LPQOS, LPQOS, LPWSABUF, LPWSABUF answer, GROUP*,
                     DWORD_PTR context) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): Winsock hands pointers through a DWORD_PTR
    const auto& description = *reinterpret_cast<const std::string*>(context);
    if (answer != nullptr && answer->len > 0) {
        answer->len = static_cast<ULONG>(std::min<std::size_t>(answer->len, description.size()));
        std::memcpy(answer->buf, description.data(), answer->len);
    }
    return CF_ACCEPT;
}

// The reasons after which the same socket may simply ask again.
bool nobody_there_yet(int error) {
    return error == WSAECONNREFUSED || error == WSAETIMEDOUT || error == WSAENETUNREACH;
}

} // namespace

winsock_error::winsock_error(const std::string& call)
    : std::runtime_error([&call] {
          const int code = WSAGetLastError();
          std::array<char, 512> sentence{};
          jl_last_explanation(sentence.data(), sentence.size());
          return call + ": " + jl_error_name(code) + ": " +
                 (sentence[0] != '\0' ? sentence.data() : jl_error_text(code));
      }()) {}

library::library() {
    WSADATA facts{};
    if (const int code = WSAStartup(MAKEWORD(2, 2), &facts); code != 0) {
        WSASetLastError(code);
        throw winsock_error("WSAStartup");
    }
}

unique_socket::~unique_socket() {
    if (socket_ != INVALID_SOCKET) {
        closesocket(socket_);
    }
}

transport::transport() {
    // The first call says how much room the list needs.
    DWORD size = 0;
    WSAEnumProtocolsA(nullptr, nullptr, &size);
    std::vector<WSAPROTOCOL_INFOA> entries(size / sizeof(WSAPROTOCOL_INFOA) + 1);
    size = static_cast<DWORD>(entries.size() * sizeof(WSAPROTOCOL_INFOA));
    const int count = WSAEnumProtocolsA(nullptr, entries.data(), &size);
    if (count == SOCKET_ERROR) {
        throw winsock_error("WSAEnumProtocols");
    }
    const auto end = entries.begin() + count;
    const auto first = std::find_if(entries.begin(), end, [](const WSAPROTOCOL_INFOA& entry) {
        return (entry.dwServiceFlags1 & XP1_SUPPORT_MULTIPOINT) != 0;
    });
    if (first == end) {
        throw std::runtime_error(
            "no entry of the catalog supports multipoint; 'joinleaf providers' shows them");
    }
    entry_ = *first;
    if (!has(XP1_MESSAGE_ORIENTED)) {
        throw std::runtime_error("'" + name() + "' carries a byte stream; this program needs messages");
    }
}

std::size_t transport::message_room() const {
    // 1 stands for "what the network takes today", 0xFFFFFFFF for no limit.
    const std::size_t limit = entry_.dwMessageSize == 1 ? unfragmented : entry_.dwMessageSize;
    return std::min(limit, reliable() ? enough : unfragmented);
}

root::root(const transport& over, const std::string& address, std::string description)
    : over_(over), socket_(make_root_socket(over)), description_(std::move(description)) {
    const int family = over.entry().iAddressFamily;
    if (over.rooted_control()) {
        listen_for_leaves(!address.empty() ? address : family == AF_INET6 ? "[::1]:0" : "127.0.0.1:0");
    } else {
        join_as_sender(!address.empty() ? address : group_by_lot(family));
    }
}

void root::listen_for_leaves(const std::string& address) {
    bind_to(data(), parse(address, over_.entry().iAddressFamily));
    if (listen(data(), SOMAXCONN) == SOCKET_ERROR) {
        throw winsock_error("listen");
    }
    address_ = host_of(address) + ":" + port_of(data());
}

void root::join_as_sender(const std::string& address) {
    const int family = over_.entry().iAddressFamily;
    // Receivers on this host use the port of the group as well.
    const int on = 1;
    if (setsockopt(data(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == SOCKET_ERROR) {
        throw winsock_error("setsockopt(SO_REUSEADDR)");
    }
    const std::string port = address.substr(address.rfind(':'));
    bind_to(data(), parse((family == AF_INET6 ? "[::]" : "0.0.0.0") + port, family));
    address_ = host_of(address) + ":" + port_of(data());
    auto group = parse(address_, family);
    if (WSAJoinLeaf(data(), group.get(), group.length, nullptr, nullptr, nullptr, nullptr, JL_SENDER_ONLY) ==
        INVALID_SOCKET) {
        throw winsock_error("WSAJoinLeaf");
    }
}

bool root::admit(seconds time) {
    WSAPOLLFD asked{data(), POLLIN, 0};
    const int ready = WSAPoll(&asked, 1, static_cast<INT>(time.count() * 1000));
    if (ready == SOCKET_ERROR) {
        throw winsock_error("WSAPoll");
    }
    if (ready == 0) {
        return false;
    }
    unique_socket admitted(
        WSAAccept(data(), nullptr, nullptr, welcome, reinterpret_cast<DWORD_PTR>(&description_)));
    if (admitted.get() == INVALID_SOCKET) {
        throw winsock_error("WSAAccept");
    }
    leaves_.push_back(std::move(admitted));
    return true;
}

std::size_t root::gone() const {
    // The socket of one leaf never carries session data: it becomes readable when that leaf has gone.
    return static_cast<std::size_t>(
        std::count_if(leaves_.begin(), leaves_.end(), [](const unique_socket& each) {
            WSAPOLLFD watched{each.get(), POLLIN, 0};
            return WSAPoll(&watched, 1, 0) > 0;
        }));
}

leaf::leaf(const transport& over, const std::string& address, std::string name, seconds patience)
    : socket_(make_socket(over, WSA_FLAG_MULTIPOINT_C_LEAF, WSA_FLAG_MULTIPOINT_D_LEAF)) {
    using clock = std::chrono::steady_clock;
    auto peer = parse(address, over.entry().iAddressFamily);
    // With a root, both directions: the report at the end goes up. In a group only receive.
    const DWORD direction = over.rooted_control() ? JL_BOTH : JL_RECEIVER_ONLY;
    std::array<char, description_room> answer{};
    const auto give_up = clock::now() + std::chrono::duration_cast<clock::duration>(patience);
    while (true) {
        WSABUF caller{static_cast<ULONG>(name.size()), name.data()};
        WSABUF callee{static_cast<ULONG>(answer.size()), answer.data()};
        const auto start = clock::now();
        // A c_leaf gets its own descriptor back, so that only failure is of interest.
        if (WSAJoinLeaf(data(), peer.get(), peer.length, over.connect_data() ? &caller : nullptr,
                        over.connect_data() ? &callee : nullptr, nullptr, nullptr,
                        direction) != INVALID_SOCKET) {
            join_time_ = clock::now() - start;
            description_.assign(answer.data(), over.connect_data() ? callee.len : 0);
            return;
        }
        if (!nobody_there_yet(WSAGetLastError()) || clock::now() >= give_up) {
            throw winsock_error("WSAJoinLeaf");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

} // namespace distribute
