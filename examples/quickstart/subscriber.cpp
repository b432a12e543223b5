// SPDX-License-Identifier: Apache-2.0
// quickstart-subscriber GROUP PORT: prints each message that the group gets, until it is stopped. What is sent after it
// has said "joined" reaches it.
#include <joinleaf/ext.h>
#include <joinleaf/winsock2.h>

#include <cstdio>
#include <cstdlib>

namespace {

int fail(const char* call) {
    std::fprintf(stderr, "%s: %s\n", call, jl_error_text(WSAGetLastError()));
    return 1;
}

} // namespace

int main(int count, char** words) {
    sockaddr_in group{};
    group.sin_family = AF_INET;
    if (count != 3 || inet_pton(AF_INET, words[1], &group.sin_addr) != 1) {
        std::fprintf(stderr, "usage: quickstart-subscriber GROUP PORT\n");
        return 2;
    }
    group.sin_port = htons(static_cast<uint16_t>(std::strtoul(words[2], nullptr, 10)));

    WSADATA facts;
    if (const int code = WSAStartup(MAKEWORD(2, 2), &facts); code != 0) {
        WSASetLastError(code);
        return fail("WSAStartup");
    }
    const SOCKET s = WSASocket(AF_INET, SOCK_DGRAM, 0, nullptr, 0,
                               WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF);
    if (s == INVALID_SOCKET) {
        return fail("WSASocket");
    }
    // A socket without an address gets the port of the group; several on one host share it.
    if (WSAJoinLeaf(s, reinterpret_cast<sockaddr*>(&group), sizeof group, nullptr, nullptr, nullptr, nullptr,
                    JL_RECEIVER_ONLY) == INVALID_SOCKET) {
        return fail("WSAJoinLeaf");
    }
    std::fprintf(stderr, "joined %s %s\n", words[1], words[2]);
    char message[65536];
    for (int size = 0; (size = recv(s, message, sizeof message, 0)) != SOCKET_ERROR;) {
        std::printf("%.*s\n", size, message);
        std::fflush(stdout);
    }
    return fail("recv");
}
