// SPDX-License-Identifier: Apache-2.0
// As on Windows: their headers, their names. Opens a socket and says on which port it is.
#include <winsock2.h>
#include <ws2tcpip.h>

#include <cstdio>

int main() {
    WSADATA data;
    if (const int error = WSAStartup(MAKEWORD(2, 2), &data); error != 0) {
        std::fprintf(stderr, "WSAStartup: %d\n", error);
        return 1;
    }
    int status = 1;
    const SOCKET s = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    sockaddr_in local{};
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int length = sizeof local;
    if (s == INVALID_SOCKET || bind(s, reinterpret_cast<sockaddr*>(&local), length) == SOCKET_ERROR ||
        getsockname(s, reinterpret_cast<sockaddr*>(&local), &length) == SOCKET_ERROR) {
        std::fprintf(stderr, "error %d\n", WSAGetLastError());
    } else {
        std::printf("port %u\n", ntohs(local.sin_port));
        status = 0;
    }
    closesocket(s);
    WSACleanup();
    return status;
}
