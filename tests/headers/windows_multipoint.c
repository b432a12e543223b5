// SPDX-License-Identifier: Apache-2.0
/*
 * A console program as it is written on Windows: sends texts to a multipoint session or prints what arrives.
 *     multipoint send GROUP PORT [TEXT...]
 *     multipoint recv GROUP PORT COUNT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winsock2.h>
#include <ws2tcpip.h>

#pragma comment(lib, "ws2_32.lib")

#define BUFFER_SIZE 1500
#define WAIT_MILLISECONDS 5000

typedef struct _SESSION {
    SOCKET s;
    WSAEVENT hEvent;
    SOCKADDR_IN group;
} SESSION, *PSESSION;

static void PrintError(LPCSTR call) {
    fprintf(stderr, "%s failed: %d\n", call, WSAGetLastError());
}

/* Finds a datagram protocol whose sessions have no root. */
static BOOL FindProtocol(LPWSAPROTOCOL_INFO found) {
    DWORD length = 0, i;
    int count;
    LPWSAPROTOCOL_INFO list;
    BOOL result = FALSE;

    if (WSAEnumProtocols(NULL, NULL, &length) != SOCKET_ERROR || WSAGetLastError() != WSAENOBUFS) {
        return FALSE;
    }
    list = (LPWSAPROTOCOL_INFO)HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, length);
    if (list == NULL) {
        return FALSE;
    }
    count = WSAEnumProtocols(NULL, list, &length);
    for (i = 0; count > 0 && i < (DWORD)count && !result; i++) {
        if ((list[i].dwServiceFlags1 & XP1_SUPPORT_MULTIPOINT) &&
            !(list[i].dwServiceFlags1 & XP1_MULTIPOINT_CONTROL_PLANE) && list[i].iSocketType == SOCK_DGRAM &&
            list[i].iAddressFamily == AF_INET) {
            *found = list[i];
            result = TRUE;
        }
    }
    HeapFree(GetProcessHeap(), 0, list);
    return result;
}

static BOOL OpenSession(PSESSION session, DWORD direction) {
    WSAPROTOCOL_INFO protocol;
    BOOL share = TRUE;
    SOCKADDR_IN local;
    SOCKET joined;

    if (!FindProtocol(&protocol)) {
        fprintf(stderr, "no multipoint protocol\n");
        return FALSE;
    }
    session->s = WSASocket(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &protocol, 0,
                           WSA_FLAG_OVERLAPPED | WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF);
    if (session->s == INVALID_SOCKET) {
        PrintError("WSASocket");
        return FALSE;
    }
    if (setsockopt(session->s, SOL_SOCKET, SO_REUSEADDR, (char*)&share, sizeof(share)) == SOCKET_ERROR) {
        PrintError("setsockopt");
        return FALSE;
    }
    ZeroMemory(&local, sizeof(local));
    local.sin_family = AF_INET;
    local.sin_port = direction == JL_SENDER_ONLY ? 0 : session->group.sin_port;
    local.sin_addr.s_addr = htonl(INADDR_ANY);
    if (bind(session->s, (SOCKADDR*)&local, sizeof(local)) == SOCKET_ERROR) {
        PrintError("bind");
        return FALSE;
    }
    joined = WSAJoinLeaf(session->s, (SOCKADDR*)&session->group, sizeof(session->group), NULL, NULL, NULL,
                         NULL, direction);
    if (joined == INVALID_SOCKET) {
        PrintError("WSAJoinLeaf");
        return FALSE;
    }
    return TRUE;
}

static int Send(PSESSION session, int count, char** texts) {
    int i, scope = 4;
    DWORD bytes = 0;

    if (WSAIoctl(session->s, SIO_MULTICAST_SCOPE, &scope, sizeof(scope), NULL, 0, &bytes, NULL, NULL) ==
        SOCKET_ERROR) {
        PrintError("WSAIoctl");
        return 1;
    }
    for (i = 0; i < count; i++) {
        WSABUF text;
        text.buf = texts[i];
        text.len = (ULONG)strlen(texts[i]);
        if (WSASendTo(session->s, &text, 1, &bytes, 0, (SOCKADDR*)&session->group, sizeof(session->group),
                      NULL, NULL) == SOCKET_ERROR) {
            PrintError("WSASendTo");
            return 1;
        }
        Sleep(20);
    }
    return 0;
}

/* Prints what is queued; returns the number of messages or -1. */
static int Drain(PSESSION session) {
    char data[BUFFER_SIZE];
    int messages = 0;

    for (;;) {
        WSABUF buffer;
        DWORD bytes = 0, flags = 0;
        SOCKADDR_IN from;
        INT fromLength = sizeof(from);
        char name[INET_ADDRSTRLEN];

        buffer.buf = data;
        buffer.len = sizeof(data);
        if (WSARecvFrom(session->s, &buffer, 1, &bytes, &flags, (SOCKADDR*)&from, &fromLength, NULL, NULL) ==
            SOCKET_ERROR) {
            return WSAGetLastError() == WSAEWOULDBLOCK ? messages : -1;
        }
        inet_ntop(AF_INET, &from.sin_addr, name, sizeof(name));
        printf("%s: %.*s\n", name, (int)bytes, data);
        messages++;
    }
}

static int Receive(PSESSION session, int wanted) {
    WSANETWORKEVENTS events;
    ULONGLONG started = GetTickCount64();

    session->hEvent = WSACreateEvent();
    if (session->hEvent == WSA_INVALID_EVENT ||
        WSAEventSelect(session->s, session->hEvent, FD_READ | FD_CONNECT) == SOCKET_ERROR) {
        PrintError("WSAEventSelect");
        return 1;
    }
    while (wanted > 0) {
        DWORD signaled = WSAWaitForMultipleEvents(1, &session->hEvent, FALSE, WAIT_MILLISECONDS, FALSE);
        if (signaled != WSA_WAIT_EVENT_0) {
            fprintf(stderr, "nothing for %u ms\n", (unsigned)(GetTickCount64() - started));
            return 1;
        }
        if (WSAEnumNetworkEvents(session->s, session->hEvent, &events) == SOCKET_ERROR) {
            PrintError("WSAEnumNetworkEvents");
            return 1;
        }
        if ((events.lNetworkEvents & FD_CONNECT) && events.iErrorCode[FD_CONNECT_BIT] != 0) {
            fprintf(stderr, "join: %d\n", events.iErrorCode[FD_CONNECT_BIT]);
            return 1;
        }
        if (events.lNetworkEvents & FD_READ) {
            int messages = Drain(session);
            if (messages < 0) {
                PrintError("WSARecvFrom");
                return 1;
            }
            wanted -= messages;
        }
    }
    return 0;
}

/* Waits with select whether one more message is there, on a socket made nonblocking by hand. */
static int Leftover(PSESSION session) {
    fd_set readable;
    struct timeval timeout = {0, 100000};
    u_long on = 1, queued = 0;

    WSAEventSelect(session->s, NULL, 0);
    if (ioctlsocket(session->s, FIONBIO, &on) == SOCKET_ERROR) {
        return -1;
    }
    FD_ZERO(&readable);
    FD_SET(session->s, &readable);
    if (select(0, &readable, NULL, NULL, &timeout) != 1 || !FD_ISSET(session->s, &readable) ||
        ioctlsocket(session->s, FIONREAD, &queued) == SOCKET_ERROR) {
        return 0;
    }
    return (int)queued;
}

int __cdecl main(int argc, char** argv) {
    WSADATA data;
    SESSION session;
    BOOL sender;
    SOCKADDR_IN bound;
    socklen_t boundLength = sizeof(bound);
    int result = 1;

    if (argc < 4 || (_stricmp(argv[1], "send") != 0 && _stricmp(argv[1], "recv") != 0)) {
        fprintf(stderr, "usage: %s send|recv GROUP PORT [TEXT...|COUNT]\n", argv[0]);
        return 2;
    }
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        fprintf(stderr, "WSAStartup failed\n");
        return 1;
    }
    if (LOBYTE(data.wVersion) != 2 || HIBYTE(data.wVersion) != 2) {
        WSACleanup();
        return 1;
    }
    sender = _stricmp(argv[1], "send") == 0;
    ZeroMemory(&session, sizeof(session));
    session.s = INVALID_SOCKET;
    session.group.sin_family = AF_INET;
    session.group.sin_port = htons((u_short)atoi(argv[3]));
    if (inet_pton(AF_INET, argv[2], &session.group.sin_addr) != 1) {
        fprintf(stderr, "%s is no address\n", argv[2]);
    } else if (OpenSession(&session, sender ? JL_SENDER_ONLY : JL_BOTH)) {
        if (getsockname(session.s, (SOCKADDR*)&bound, &boundLength) == 0) {
            fprintf(stderr, "local port %d\n", ntohs(bound.sin_port));
        }
        result = sender ? Send(&session, argc - 4, argv + 4) : Receive(&session, argc > 4 ? atoi(argv[4]) : 1);
        if (!sender && result == 0 && Leftover(&session) > 0) {
            fprintf(stderr, "more is queued\n");
        }
    }
    if (session.hEvent != NULL) {
        WSACloseEvent(session.hEvent);
    }
    if (session.s != INVALID_SOCKET) {
        closesocket(session.s);
    }
    WSACleanup();
    return result;
}
