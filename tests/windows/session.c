// SPDX-License-Identifier: Apache-2.0
/*
 * A console program as it is written on Windows: one sender and LEAVES receivers, each a thread, over whichever
 * multipoint protocol the catalog has first. It asks the protocol's attributes whether sessions have a root.
 */
#include <stdio.h>
#include <windows.h>
#include <winsock2.h>
#include <ws2tcpip.h>

#pragma comment(lib, "ws2_32.lib")

#define LEAVES 3
#define MESSAGES 10

typedef struct _LEAF {
    int number;
    int received;
} LEAF, *PLEAF;

static WSAPROTOCOL_INFO g_Protocol;
static BOOL g_Rooted;
static SOCKADDR_IN g_Session;
static HANDLE g_hOpen;   /* the session can be joined */
static HANDLE g_hJoined; /* counts the leaves that are in */
static LONG volatile g_Failures = 0;

static void Failed(const char* call) {
    fprintf(stderr, "%s failed: %d\n", call, WSAGetLastError());
    InterlockedIncrement(&g_Failures);
}

static BOOL FindProtocol(void) {
    DWORD size = 0;
    int i, count;
    LPWSAPROTOCOL_INFO list;

    WSAEnumProtocols(NULL, NULL, &size);
    list = (LPWSAPROTOCOL_INFO)HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, size);
    count = WSAEnumProtocols(NULL, list, &size);
    for (i = 0; i < count; i++) {
        if ((list[i].dwServiceFlags1 & XP1_SUPPORT_MULTIPOINT) && list[i].iAddressFamily == AF_INET) {
            CopyMemory(&g_Protocol, &list[i], sizeof(g_Protocol));
            break;
        }
    }
    HeapFree(GetProcessHeap(), 0, list);
    g_Rooted = (g_Protocol.dwServiceFlags1 & XP1_MULTIPOINT_CONTROL_PLANE) != 0;
    return i < count;
}

static SOCKET Open(DWORD flags) {
    return WSASocket(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &g_Protocol, 0,
                     WSA_FLAG_OVERLAPPED | flags);
}

static DWORD WINAPI LeafThread(LPVOID parameter) {
    PLEAF leaf = (PLEAF)parameter;
    SOCKADDR_IN local;
    BOOL share = TRUE;
    DWORD limit = 20000;
    char text[64];
    int size;
    SOCKET s;

    WaitForSingleObject(g_hOpen, INFINITE);
    s = Open(WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF);
    if (!g_Rooted) {
        setsockopt(s, SOL_SOCKET, SO_REUSEADDR, (char*)&share, sizeof(share));
        ZeroMemory(&local, sizeof(local));
        local.sin_family = AF_INET;
        local.sin_port = g_Session.sin_port;
        if (bind(s, (SOCKADDR*)&local, sizeof(local)) == SOCKET_ERROR) {
            Failed("bind");
        }
    }
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, (char*)&limit, sizeof(limit));
    if (WSAJoinLeaf(s, (SOCKADDR*)&g_Session, sizeof(g_Session), NULL, NULL, NULL, NULL, JL_BOTH) ==
        INVALID_SOCKET) {
        Failed("WSAJoinLeaf");
        closesocket(s);
        return 1;
    }
    ReleaseSemaphore(g_hJoined, 1, NULL);
    while (leaf->received < MESSAGES) {
        size = recv(s, text, sizeof(text) - 1, 0);
        if (size == SOCKET_ERROR) {
            Failed("recv");
            break;
        }
        text[size] = '\0';
        if (atoi(text) == leaf->received) {
            leaf->received++;
        }
    }
    closesocket(s);
    return 0;
}

static SOCKET OpenRoot(void) {
    int size = sizeof(g_Session), i;
    SOCKET root = Open(WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_ROOT);
    g_Session.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    g_Session.sin_port = 0;
    if (bind(root, (SOCKADDR*)&g_Session, sizeof(g_Session)) == SOCKET_ERROR ||
        listen(root, LEAVES) == SOCKET_ERROR ||
        getsockname(root, (SOCKADDR*)&g_Session, &size) == SOCKET_ERROR) {
        Failed("listen");
    }
    SetEvent(g_hOpen);
    for (i = 0; i < LEAVES; i++) {
        if (WSAAccept(root, NULL, NULL, NULL, 0) == INVALID_SOCKET) {
            Failed("WSAAccept");
        }
    }
    return root;
}

/* A port that nobody has: the group is everybody's. */
static u_short FreePort(void) {
    SOCKADDR_IN local;
    int size = sizeof(local);
    SOCKET s = WSASocket(AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0, WSA_FLAG_OVERLAPPED);
    ZeroMemory(&local, sizeof(local));
    local.sin_family = AF_INET;
    if (bind(s, (SOCKADDR*)&local, sizeof(local)) == SOCKET_ERROR ||
        getsockname(s, (SOCKADDR*)&local, &size) == SOCKET_ERROR) {
        Failed("bind");
    }
    closesocket(s);
    return local.sin_port;
}

static SOCKET OpenSender(void) {
    SOCKET s = Open(WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF);
    inet_pton(AF_INET, "239.255.77.5", &g_Session.sin_addr);
    g_Session.sin_port = FreePort();
    if (WSAJoinLeaf(s, (SOCKADDR*)&g_Session, sizeof(g_Session), NULL, NULL, NULL, NULL, JL_SENDER_ONLY) ==
        INVALID_SOCKET) {
        Failed("WSAJoinLeaf");
    }
    SetEvent(g_hOpen);
    return s;
}

int __cdecl main(void) {
    WSADATA data;
    LEAF leaves[LEAVES];
    HANDLE threads[LEAVES];
    DWORD id, i;
    char text[16];
    SOCKET s;

    if (WSAStartup(MAKEWORD(2, 2), &data) != 0 || !FindProtocol()) {
        fprintf(stderr, "no multipoint protocol\n");
        return 1;
    }
    g_hOpen = CreateEvent(NULL, TRUE, FALSE, NULL);
    g_hJoined = CreateSemaphore(NULL, 0, LEAVES, NULL);
    g_Session.sin_family = AF_INET;
    for (i = 0; i < LEAVES; i++) {
        leaves[i].number = (int)i;
        leaves[i].received = 0;
        threads[i] = CreateThread(NULL, 0, LeafThread, &leaves[i], 0, &id);
    }
    s = g_Rooted ? OpenRoot() : OpenSender();
    for (i = 0; i < LEAVES; i++) {
        if (WaitForSingleObject(g_hJoined, 20000) != WAIT_OBJECT_0) {
            Failed("WaitForSingleObject");
        }
    }
    for (i = 0; i < MESSAGES; i++) {
        sprintf(text, "%u", (unsigned)i);
        if (send(s, text, (int)strlen(text), 0) == SOCKET_ERROR) {
            Failed("send");
        }
    }
    WaitForMultipleObjects(LEAVES, threads, TRUE, 40000);
    for (i = 0; i < LEAVES; i++) {
        printf("leaf %d received %d\n", leaves[i].number, leaves[i].received);
        CloseHandle(threads[i]);
    }
    printf("%s session, %d failures\n", g_Rooted ? "rooted" : "nonrooted", (int)g_Failures);
    closesocket(s);
    CloseHandle(g_hJoined);
    CloseHandle(g_hOpen);
    WSACleanup();
    return g_Failures != 0;
}
