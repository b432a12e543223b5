// SPDX-License-Identifier: Apache-2.0
/*
 * An echo server as it is written on Windows for many connections: AcceptEx calls wait ahead of the clients, each with room
 * for the first data, and everything ends at one completion port. The clients of the same program connect by
 * ConnectEx, which sends their first words, and use the same port.
 */
#include <mswsock.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>
#include <winsock2.h>

#pragma comment(lib, "ws2_32.lib")
#pragma comment(lib, "mswsock.lib")

#define ACCEPTS_AHEAD 4
#define CLIENTS 12
#define ROUNDS 20
#define DATA_SIZE 1024
#define ADDRESS_SIZE (sizeof(SOCKADDR_STORAGE) + 16)
#define WORKERS 3

typedef enum _OPERATION {
    OpAccept,
    OpServerRead,
    OpServerWrite,
    OpConnect,
    OpClientRead,
    OpClientWrite
} OPERATION;

typedef struct _IO_REQUEST {
    OVERLAPPED ov; /* first: the port gives it back */
    OPERATION op;
    SOCKET s;
    WSABUF wsabuf;
    int rounds;
    char data[DATA_SIZE + 2 * ADDRESS_SIZE];
} IO_REQUEST;

static HANDLE g_port;
static HANDLE g_done;
static SOCKET g_listen;
static SOCKADDR_IN g_address;
static LPFN_ACCEPTEX g_AcceptEx;
static LPFN_CONNECTEX g_ConnectEx;
static LPFN_GETACCEPTEXSOCKADDRS g_GetAcceptExSockaddrs;
static LONG volatile g_echoed, g_accepted, g_finished, g_failures, g_stopping;

static void Failed(const char* what) {
    fprintf(stderr, "%s failed: %d\n", what, WSAGetLastError());
    InterlockedIncrement(&g_failures);
}

static BOOL LoadFunction(SOCKET s, GUID guid, void* to, DWORD size) {
    DWORD bytes = 0;
    return WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &guid, sizeof(guid), to, size, &bytes, NULL,
                    NULL) == 0 &&
           bytes == size;
}

static IO_REQUEST* NewRequest(OPERATION op) {
    IO_REQUEST* req = (IO_REQUEST*)HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof(IO_REQUEST));
    req->op = op;
    req->s = WSASocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, WSA_FLAG_OVERLAPPED);
    if (req->s == INVALID_SOCKET) {
        Failed("WSASocket");
    }
    return req;
}

static void FreeRequest(IO_REQUEST* req) {
    closesocket(req->s);
    HeapFree(GetProcessHeap(), 0, req);
}

static void PostAccept(void) {
    IO_REQUEST* req = NewRequest(OpAccept);
    DWORD bytes = 0;
    if (!g_AcceptEx(g_listen, req->s, req->data, DATA_SIZE, ADDRESS_SIZE, ADDRESS_SIZE, &bytes, &req->ov) &&
        WSAGetLastError() != ERROR_IO_PENDING) {
        if (!g_stopping) {
            Failed("AcceptEx");
        }
        FreeRequest(req);
    }
}

static void PostConnect(int number) {
    IO_REQUEST* req = NewRequest(OpConnect);
    SOCKADDR_IN local;
    ZeroMemory(&local, sizeof(local));
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(req->s, (SOCKADDR*)&local, sizeof(local)) == SOCKET_ERROR) { /* ConnectEx asks for it */
        Failed("bind");
    }
    if (CreateIoCompletionPort((HANDLE)req->s, g_port, 0, 0) == NULL) {
        Failed("CreateIoCompletionPort");
    }
    FillMemory(req->data, DATA_SIZE, 'a' + number);
    req->rounds = ROUNDS;
    if (!g_ConnectEx(req->s, (SOCKADDR*)&g_address, sizeof(g_address), req->data, DATA_SIZE, NULL, &req->ov) &&
        WSAGetLastError() != ERROR_IO_PENDING) {
        Failed("ConnectEx");
    }
}

static void PostRead(IO_REQUEST* req, OPERATION op, DWORD at) {
    DWORD flags = 0;
    ZeroMemory(&req->ov, sizeof(req->ov));
    req->op = op;
    req->wsabuf.buf = req->data + at;
    req->wsabuf.len = DATA_SIZE - at;
    if (WSARecv(req->s, &req->wsabuf, 1, NULL, &flags, &req->ov, NULL) == SOCKET_ERROR &&
        WSAGetLastError() != WSA_IO_PENDING) {
        Failed("WSARecv");
        FreeRequest(req);
    }
}

static void PostWrite(IO_REQUEST* req, OPERATION op, DWORD size) {
    ZeroMemory(&req->ov, sizeof(req->ov));
    req->op = op;
    req->wsabuf.buf = req->data;
    req->wsabuf.len = size;
    if (WSASend(req->s, &req->wsabuf, 1, NULL, 0, &req->ov, NULL) == SOCKET_ERROR &&
        WSAGetLastError() != WSA_IO_PENDING) {
        Failed("WSASend");
        FreeRequest(req);
    }
}

static void OnAccept(IO_REQUEST* req, DWORD bytes) {
    SOCKADDR *local = NULL, *remote = NULL;
    int local_size = 0, remote_size = 0;

    InterlockedIncrement(&g_accepted);
    PostAccept(); /* so many are always ahead */
    if (setsockopt(req->s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (char*)&g_listen, sizeof(g_listen)) ==
        SOCKET_ERROR) {
        Failed("SO_UPDATE_ACCEPT_CONTEXT");
    }
    g_GetAcceptExSockaddrs(req->data, DATA_SIZE, ADDRESS_SIZE, ADDRESS_SIZE, &local, &local_size, &remote,
                           &remote_size);
    if (local_size != sizeof(SOCKADDR_IN) || ((SOCKADDR_IN*)local)->sin_port != g_address.sin_port ||
        remote_size != sizeof(SOCKADDR_IN) ||
        ((SOCKADDR_IN*)remote)->sin_addr.s_addr != htonl(INADDR_LOOPBACK)) {
        Failed("GetAcceptExSockaddrs");
    }
    if (CreateIoCompletionPort((HANDLE)req->s, g_port, 0, 0) == NULL) {
        Failed("CreateIoCompletionPort");
    }
    PostWrite(req, OpServerWrite, bytes);
}

static void OnClientRead(IO_REQUEST* req, DWORD bytes) {
    DWORD total = (DWORD)(req->wsabuf.buf - req->data) + bytes;
    if (bytes == 0 || req->data[total - 1] != req->data[0]) {
        Failed("the echo");
    }
    if (total < DATA_SIZE) {
        PostRead(req, OpClientRead, total);
    } else if (--req->rounds > 0) {
        PostWrite(req, OpClientWrite, DATA_SIZE);
    } else {
        FreeRequest(req);
        if (InterlockedIncrement(&g_finished) == CLIENTS) {
            SetEvent(g_done);
        }
    }
}

static DWORD WINAPI Worker(LPVOID parameter) {
    UNREFERENCED_PARAMETER(parameter);
    for (;;) {
        DWORD bytes = 0;
        ULONG_PTR key = 0;
        LPOVERLAPPED ov = NULL;
        BOOL good = GetQueuedCompletionStatus(g_port, &bytes, &key, &ov, INFINITE);
        IO_REQUEST* req = (IO_REQUEST*)ov;
        if (req == NULL) {
            return 0; /* posted by main */
        }
        if (!good) {
            if (!g_stopping) {
                Failed("an operation");
            }
            FreeRequest(req);
            continue;
        }
        switch (req->op) {
        case OpAccept: OnAccept(req, bytes); break;
        case OpServerWrite:
            InterlockedExchangeAdd(&g_echoed, (LONG)bytes);
            PostRead(req, OpServerRead, 0);
            break;
        case OpServerRead:
            if (bytes == 0) {
                FreeRequest(req);
            } else {
                PostWrite(req, OpServerWrite, bytes);
            }
            break;
        case OpConnect:
            setsockopt(req->s, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0);
            /* fall through */
        case OpClientWrite:
            if (bytes != DATA_SIZE) {
                Failed("a send");
            }
            PostRead(req, OpClientRead, 0);
            break;
        case OpClientRead: OnClientRead(req, bytes); break;
        }
    }
}

int main(void) {
    static const GUID accept_id = WSAID_ACCEPTEX;
    static const GUID connect_id = WSAID_CONNECTEX;
    static const GUID addresses_id = WSAID_GETACCEPTEXSOCKADDRS;
    HANDLE workers[WORKERS];
    WSADATA data;
    int size = sizeof(g_address), i;

    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return 1;
    }
    g_port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    g_done = CreateEvent(NULL, TRUE, FALSE, NULL);
    g_listen = WSASocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, WSA_FLAG_OVERLAPPED);
    ZeroMemory(&g_address, sizeof(g_address));
    g_address.sin_family = AF_INET;
    g_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (g_listen == INVALID_SOCKET ||
        bind(g_listen, (SOCKADDR*)&g_address, sizeof(g_address)) == SOCKET_ERROR ||
        getsockname(g_listen, (SOCKADDR*)&g_address, &size) == SOCKET_ERROR ||
        listen(g_listen, SOMAXCONN) == SOCKET_ERROR ||
        CreateIoCompletionPort((HANDLE)g_listen, g_port, 0, 0) == NULL ||
        !LoadFunction(g_listen, accept_id, &g_AcceptEx, sizeof(g_AcceptEx)) ||
        !LoadFunction(g_listen, connect_id, &g_ConnectEx, sizeof(g_ConnectEx)) ||
        !LoadFunction(g_listen, addresses_id, &g_GetAcceptExSockaddrs, sizeof(g_GetAcceptExSockaddrs))) {
        Failed("start");
        return 1;
    }
    for (i = 0; i < WORKERS; i++) {
        workers[i] = CreateThread(NULL, 0, Worker, NULL, 0, NULL);
    }
    for (i = 0; i < ACCEPTS_AHEAD; i++) {
        PostAccept();
    }
    for (i = 0; i < CLIENTS; i++) {
        PostConnect(i);
    }
    if (WaitForSingleObject(g_done, 30000) != WAIT_OBJECT_0) {
        Failed("the clients");
    }
    InterlockedExchange(&g_stopping, 1);
    closesocket(g_listen); /* the accepts that are ahead come back aborted */
    for (i = 0; i < WORKERS; i++) {
        PostQueuedCompletionStatus(g_port, 0, 0, NULL);
    }
    WaitForMultipleObjects(WORKERS, workers, TRUE, INFINITE);
    for (i = 0; i < WORKERS; i++) {
        CloseHandle(workers[i]);
    }
    CloseHandle(g_done);
    CloseHandle(g_port);
    printf("accepted %ld clients, echoed %ld bytes, %ld failures\n", (long)g_accepted, (long)g_echoed,
           (long)g_failures);
    WSACleanup();
    return g_failures != 0;
}
