// SPDX-License-Identifier: Apache-2.0
/*
 * A multicast program with a command line as it is written on Windows: a sender or a receiver of a group that
 * getaddrinfo reads, joined with WSAJoinLeaf, its reach and loopback set by ioctls.
 *
 *     mcast -m group [-p port] [-n count] [-t hops] [-s]
 */
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>
#include <winsock2.h>
#include <ws2tcpip.h>

#pragma comment(lib, "ws2_32.lib")

#define BUFSIZE 1024
#define TIMEOUT 20000

static BOOL bSender = FALSE;
static const char* szGroup = NULL;
static const char* szPort = "5150";
static DWORD dwCount = 10;
static int iHops = 0;

static void usage(const char* progname) {
    fprintf(stderr, "usage: %s -m group [-p port] [-n count] [-t hops] [-s]\n", progname);
    ExitProcess(2);
}

static void fatal(const char* call) {
    char szText[256] = "";

    FormatMessage(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, (DWORD)WSAGetLastError(),
                  0, szText, sizeof(szText), NULL);
    fprintf(stderr, "%s failed: %d %s\n", call, WSAGetLastError(), szText);
    WSACleanup();
    ExitProcess(1);
}

static void ValidateArgs(int argc, char** argv) {
    int i;

    for (i = 1; i < argc; i++) {
        BOOL bValue = i + 1 < argc;

        if (argv[i][0] != '-' && argv[i][0] != '/') {
            usage(argv[0]);
        }
        switch (argv[i][1]) {
        case 's': bSender = TRUE; continue;
        case 'm': szGroup = bValue ? argv[++i] : NULL; continue;
        case 'p': szPort = bValue ? argv[++i] : szPort; continue;
        case 'n': dwCount = bValue ? (DWORD)atoi(argv[++i]) : 0; continue;
        case 't': iHops = bValue ? atoi(argv[++i]) : 0; continue;
        default: usage(argv[0]);
        }
    }
    if (szGroup == NULL || dwCount == 0) {
        usage(argv[0]);
    }
}

static SOCKET JoinGroup(struct addrinfo* res) {
    DWORD dwBytes = 0;
    BOOL bShare = TRUE, bLoopback = TRUE;
    SOCKADDR_STORAGE local;
    SOCKET s, sLeaf;

    s = WSASocket(res->ai_family, SOCK_DGRAM, IPPROTO_UDP, NULL, 0,
                  WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF | WSA_FLAG_OVERLAPPED);
    if (s == INVALID_SOCKET) {
        fatal("WSASocket");
    }
    if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, (char*)&bShare, sizeof(bShare)) == SOCKET_ERROR) {
        fatal("setsockopt");
    }
    ZeroMemory(&local, sizeof(local));
    local.ss_family = (ADDRESS_FAMILY)res->ai_family;
    if (!bSender) { /* both families keep the port at the same place */
        ((SOCKADDR_IN*)&local)->sin_port = ((SOCKADDR_IN*)res->ai_addr)->sin_port;
    }
    if (bind(s, (SOCKADDR*)&local, (int)res->ai_addrlen) == SOCKET_ERROR) {
        fatal("bind");
    }
    if (WSAIoctl(s, SIO_MULTICAST_SCOPE, &iHops, sizeof(iHops), NULL, 0, &dwBytes, NULL, NULL) ==
        SOCKET_ERROR) {
        fatal("SIO_MULTICAST_SCOPE");
    }
    if (WSAIoctl(s, SIO_MULTIPOINT_LOOPBACK, &bLoopback, sizeof(bLoopback), NULL, 0, &dwBytes, NULL, NULL) ==
        SOCKET_ERROR) {
        fatal("SIO_MULTIPOINT_LOOPBACK");
    }
    sLeaf = WSAJoinLeaf(s, res->ai_addr, (int)res->ai_addrlen, NULL, NULL, NULL, NULL,
                        bSender ? JL_SENDER_ONLY : JL_RECEIVER_ONLY);
    if (sLeaf == INVALID_SOCKET) {
        fatal("WSAJoinLeaf");
    }
    return sLeaf;
}

static void Send(SOCKET s, struct addrinfo* res) {
    char szMessage[BUFSIZE];
    DWORD i;

    for (i = 0; i < dwCount; i++) {
        int iLength =
            snprintf(szMessage, sizeof(szMessage), "server 1: This is a test: %lu", (unsigned long)i);

        if (sendto(s, szMessage, iLength, 0, res->ai_addr, (int)res->ai_addrlen) == SOCKET_ERROR) {
            fatal("sendto");
        }
    }
    printf("SENT %lu messages\n", (unsigned long)dwCount);
}

static void Receive(SOCKET s) {
    WSAOVERLAPPED overlapped;
    WSABUF buffer;
    char szMessage[BUFSIZE], szFrom[64];
    SOCKADDR_STORAGE from;
    DWORD i, dwReceived, dwFlags, dwLength;
    int iFromLength;

    ZeroMemory(&overlapped, sizeof(overlapped));
    overlapped.hEvent = WSACreateEvent();
    printf("READY\n");
    fflush(stdout);
    for (i = 0; i < dwCount; i++) {
        buffer.buf = szMessage;
        buffer.len = sizeof(szMessage);
        iFromLength = sizeof(from);
        dwFlags = 0;
        if (WSARecvFrom(s, &buffer, 1, NULL, &dwFlags, (SOCKADDR*)&from, &iFromLength, &overlapped, NULL) ==
                SOCKET_ERROR &&
            WSAGetLastError() != WSA_IO_PENDING) {
            fatal("WSARecvFrom");
        }
        if (WSAWaitForMultipleEvents(1, &overlapped.hEvent, FALSE, TIMEOUT, FALSE) != WSA_WAIT_EVENT_0 ||
            !WSAGetOverlappedResult(s, &overlapped, &dwReceived, FALSE, &dwFlags)) {
            fatal("WSAGetOverlappedResult");
        }
        dwLength = sizeof(szFrom);
        if (WSAAddressToString((SOCKADDR*)&from, (DWORD)iFromLength, NULL, szFrom, &dwLength) == SOCKET_ERROR) {
            fatal("WSAAddressToString");
        }
        printf("RECV: '%.*s'\n", (int)dwReceived, szMessage);
    }
    WSACloseEvent(overlapped.hEvent);
}

int main(int argc, char** argv) {
    struct addrinfo hints, *res = NULL;
    WSADATA wsd;
    SOCKET s;

    ValidateArgs(argc, argv);
    if (WSAStartup(MAKEWORD(2, 2), &wsd) != 0) {
        fprintf(stderr, "WSAStartup failed\n");
        return 1;
    }
    ZeroMemory(&hints, sizeof(hints));
    hints.ai_flags = AI_NUMERICHOST;
    hints.ai_socktype = SOCK_DGRAM;
    if (getaddrinfo(szGroup, szPort, &hints, &res) != 0) {
        fprintf(stderr, "%s is no group\n", szGroup);
        return 1;
    }
    s = JoinGroup(res);
    if (bSender) {
        Send(s, res);
    } else {
        Receive(s);
    }
    closesocket(s);
    freeaddrinfo(res);
    WSACleanup();
    return 0;
}
