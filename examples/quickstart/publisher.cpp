// SPDX-License-Identifier: Apache-2.0
// quickstart-publisher GROUP PORT: sends each line of standard input to everyone in the group.
// Try it with `quickstart-subscriber 239.1.2.3 5000` in other terminals.
#include <joinleaf/ext.h>
#include <joinleaf/winsock2.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

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
        std::fprintf(stderr, "usage: quickstart-publisher GROUP PORT\n");
        return 2;
    }
    group.sin_port = htons(static_cast<uint16_t>(std::strtoul(words[2], nullptr, 10)));

    WSADATA facts;
    if (const int code = WSAStartup(MAKEWORD(2, 2), &facts); code != 0) {
        WSASetLastError(code);
        return fail("WSAStartup");
    }
    // Which transport this is stands in the configuration, not here.
    const SOCKET s = WSASocket(AF_INET, SOCK_DGRAM, 0, nullptr, 0,
                               WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF);
    if (s == INVALID_SOCKET) {
        return fail("WSASocket");
    }
    if (WSAJoinLeaf(s, reinterpret_cast<sockaddr*>(&group), sizeof group, nullptr, nullptr, nullptr, nullptr,
                    JL_SENDER_ONLY) == INVALID_SOCKET) {
        return fail("WSAJoinLeaf");
    }
    for (std::string line; std::getline(std::cin, line);) {
        if (send(s, line.data(), static_cast<int>(line.size()), 0) == SOCKET_ERROR) {
            return fail("send");
        }
    }
    closesocket(s);
    WSACleanup();
}
