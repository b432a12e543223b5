// SPDX-License-Identifier: Apache-2.0
/*
 * An echo server with a completion port as it is written on Windows: worker threads take packets, each connection
 * has one overlapped receive or send under way. Clients of the same program find it by name and check what comes
 * back.
 */
#include <mswsock.h>
#include <process.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>
#include <winsock2.h>
#include <ws2tcpip.h>

#pragma comment(lib, "ws2_32.lib")

#define WORKERS 4
#define CLIENTS 6
#define ROUNDS 50
#define BUFFER_SIZE 4096

typedef enum _IO_OPERATION { IoRead, IoWrite, IoQuit } IO_OPERATION;

/* One operation; the port gives its OVERLAPPED back, which stands first. */
typedef struct _PER_IO_CONTEXT {
    WSAOVERLAPPED Overlapped;
    WSABUF wsabuf;
    char Buffer[BUFFER_SIZE];
    IO_OPERATION IOOperation;
    DWORD nTotalBytes;
    DWORD nSentBytes;
} PER_IO_CONTEXT, *PPER_IO_CONTEXT;

typedef struct _PER_SOCKET_CONTEXT {
    SOCKET Socket;
    PPER_IO_CONTEXT pIOContext;
} PER_SOCKET_CONTEXT, *PPER_SOCKET_CONTEXT;

static HANDLE g_hIOCP = NULL;
static SOCKET g_sdListen = INVALID_SOCKET;
static char g_szPort[NI_MAXSERV];
static LONG volatile g_lEchoed = 0;
static LONG volatile g_lClosed = 0;
static LONG volatile g_lFailures = 0;

static void Failed(const char* call) {
    fprintf(stderr, "%s failed: %d\n", call, WSAGetLastError());
    InterlockedIncrement(&g_lFailures);
}

static void CloseClient(PPER_SOCKET_CONTEXT lpContext) {
    closesocket(lpContext->Socket);
    HeapFree(GetProcessHeap(), 0, lpContext->pIOContext);
    HeapFree(GetProcessHeap(), 0, lpContext);
    InterlockedIncrement(&g_lClosed);
}

static BOOL PostRead(PPER_SOCKET_CONTEXT lpContext) {
    PPER_IO_CONTEXT lpIO = lpContext->pIOContext;
    DWORD dwFlags = 0;

    ZeroMemory(&lpIO->Overlapped, sizeof(lpIO->Overlapped));
    lpIO->IOOperation = IoRead;
    lpIO->wsabuf.buf = lpIO->Buffer;
    lpIO->wsabuf.len = sizeof(lpIO->Buffer);
    return WSARecv(lpContext->Socket, &lpIO->wsabuf, 1, NULL, &dwFlags, &lpIO->Overlapped, NULL) == 0 ||
           WSAGetLastError() == WSA_IO_PENDING;
}

static BOOL PostWrite(PPER_SOCKET_CONTEXT lpContext) {
    PPER_IO_CONTEXT lpIO = lpContext->pIOContext;

    ZeroMemory(&lpIO->Overlapped, sizeof(lpIO->Overlapped));
    lpIO->IOOperation = IoWrite;
    lpIO->wsabuf.buf = lpIO->Buffer + lpIO->nSentBytes;
    lpIO->wsabuf.len = lpIO->nTotalBytes - lpIO->nSentBytes;
    return WSASend(lpContext->Socket, &lpIO->wsabuf, 1, NULL, 0, &lpIO->Overlapped, NULL) == 0 ||
           WSAGetLastError() == WSA_IO_PENDING;
}

static unsigned __stdcall WorkerThread(void* lpParameter) {
    UNREFERENCED_PARAMETER(lpParameter);
    for (;;) {
        DWORD dwIoSize = 0;
        ULONG_PTR ulKey = 0;
        LPOVERLAPPED lpOverlapped = NULL;
        PPER_SOCKET_CONTEXT lpContext;
        PPER_IO_CONTEXT lpIO;
        BOOL bSuccess, bPosted;

        bSuccess = GetQueuedCompletionStatus(g_hIOCP, &dwIoSize, &ulKey, &lpOverlapped, INFINITE);
        lpContext = (PPER_SOCKET_CONTEXT)ulKey;
        if (lpContext == NULL) {
            return 0; /* posted by main: the end */
        }
        lpIO = (PPER_IO_CONTEXT)lpOverlapped;
        if (!bSuccess || dwIoSize == 0) {
            CloseClient(lpContext);
            continue;
        }
        if (lpIO->IOOperation == IoRead) {
            lpIO->nTotalBytes = dwIoSize;
            lpIO->nSentBytes = 0;
            bPosted = PostWrite(lpContext);
        } else {
            lpIO->nSentBytes += dwIoSize;
            InterlockedExchangeAdd(&g_lEchoed, (LONG)dwIoSize);
            bPosted = lpIO->nSentBytes < lpIO->nTotalBytes ? PostWrite(lpContext) : PostRead(lpContext);
        }
        if (!bPosted) {
            Failed("WSARecv or WSASend");
            CloseClient(lpContext);
        }
    }
}

static BOOL CreateListenSocket(void) {
    struct addrinfo hints, *addrlocal = NULL;
    SOCKADDR_STORAGE bound;
    int length = sizeof(bound);

    ZeroMemory(&hints, sizeof(hints));
    hints.ai_flags = AI_PASSIVE;
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_protocol = IPPROTO_TCP;
    if (getaddrinfo(NULL, "0", &hints, &addrlocal) != 0) {
        return FALSE;
    }
    g_sdListen = WSASocket(addrlocal->ai_family, addrlocal->ai_socktype, addrlocal->ai_protocol, NULL, 0,
                           WSA_FLAG_OVERLAPPED);
    if (g_sdListen == INVALID_SOCKET ||
        bind(g_sdListen, addrlocal->ai_addr, (int)addrlocal->ai_addrlen) == SOCKET_ERROR ||
        listen(g_sdListen, CLIENTS) == SOCKET_ERROR ||
        getsockname(g_sdListen, (SOCKADDR*)&bound, &length) == SOCKET_ERROR) {
        freeaddrinfo(addrlocal);
        return FALSE;
    }
    freeaddrinfo(addrlocal);
    return getnameinfo((SOCKADDR*)&bound, length, NULL, 0, g_szPort, sizeof(g_szPort), NI_NUMERICSERV) == 0;
}

static SOCKET ConnectByName(void) {
    struct addrinfo hints, *list = NULL, *each;
    SOCKET s = INVALID_SOCKET;

    ZeroMemory(&hints, sizeof(hints));
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo("127.0.0.1", g_szPort, &hints, &list) != 0) {
        return INVALID_SOCKET;
    }
    for (each = list; each != NULL && s == INVALID_SOCKET; each = each->ai_next) {
        s = socket(each->ai_family, each->ai_socktype, each->ai_protocol);
        if (s != INVALID_SOCKET && connect(s, each->ai_addr, (int)each->ai_addrlen) == SOCKET_ERROR) {
            closesocket(s);
            s = INVALID_SOCKET;
        }
    }
    freeaddrinfo(list);
    return s;
}

static DWORD WINAPI ClientThread(LPVOID lpParameter) {
    int nClient = (int)(INT_PTR)lpParameter;
    char szSent[1000], szBack[sizeof(szSent)];
    SOCKET s = ConnectByName();
    int nRound, nReceived, nBytes;

    if (s == INVALID_SOCKET) {
        Failed("connect");
        return 1;
    }
    for (nRound = 0; nRound < ROUNDS; nRound++) {
        FillMemory(szSent, sizeof(szSent), 'a' + (nClient + nRound) % 26);
        if (send(s, szSent, sizeof(szSent), 0) != sizeof(szSent)) {
            Failed("send");
        }
        for (nReceived = 0; nReceived < (int)sizeof(szBack); nReceived += nBytes) {
            nBytes = recv(s, szBack + nReceived, (int)sizeof(szBack) - nReceived, 0);
            if (nBytes <= 0) {
                Failed("recv");
                break;
            }
        }
        if (memcmp(szSent, szBack, sizeof(szSent)) != 0) {
            Failed("the echo");
        }
    }
    shutdown(s, SD_SEND);
    if (recv(s, szBack, sizeof(szBack), 0) != 0) {
        Failed("the end");
    }
    closesocket(s);
    return 0;
}

int main(void) {
    HANDLE hWorkers[WORKERS], hClients[CLIENTS];
    WSADATA wsaData;
    int i;

    if (WSAStartup(MAKEWORD(2, 2), &wsaData) != 0) {
        return 1;
    }
    g_hIOCP = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    if (g_hIOCP == NULL || !CreateListenSocket()) {
        Failed("start");
        return 1;
    }
    for (i = 0; i < WORKERS; i++) {
        hWorkers[i] = (HANDLE)_beginthreadex(NULL, 0, WorkerThread, NULL, 0, NULL);
    }
    for (i = 0; i < CLIENTS; i++) {
        hClients[i] = CreateThread(NULL, 0, ClientThread, (LPVOID)(INT_PTR)i, 0, NULL);
    }
    for (i = 0; i < CLIENTS; i++) {
        PPER_SOCKET_CONTEXT lpContext;
        SOCKET s = WSAAccept(g_sdListen, NULL, NULL, NULL, 0);

        if (s == INVALID_SOCKET) {
            Failed("WSAAccept");
            continue;
        }
        lpContext =
            (PPER_SOCKET_CONTEXT)HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof(PER_SOCKET_CONTEXT));
        lpContext->Socket = s;
        lpContext->pIOContext =
            (PPER_IO_CONTEXT)HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof(PER_IO_CONTEXT));
        if (CreateIoCompletionPort((HANDLE)s, g_hIOCP, (DWORD_PTR)lpContext, 0) == NULL ||
            !PostRead(lpContext)) {
            Failed("CreateIoCompletionPort");
            CloseClient(lpContext);
        }
    }
    WaitForMultipleObjects(CLIENTS, hClients, TRUE, INFINITE);
    while (g_lClosed < CLIENTS) {
        Sleep(1);
    }
    for (i = 0; i < WORKERS; i++) {
        PostQueuedCompletionStatus(g_hIOCP, 0, 0, NULL);
    }
    WaitForMultipleObjects(WORKERS, hWorkers, TRUE, INFINITE);
    for (i = 0; i < CLIENTS; i++) {
        CloseHandle(hClients[i]);
    }
    for (i = 0; i < WORKERS; i++) {
        CloseHandle(hWorkers[i]);
    }
    closesocket(g_sdListen);
    CloseHandle(g_hIOCP);
    WSACleanup();
    printf("echoed %ld bytes to %d clients, %ld failures\n", (long)g_lEchoed, CLIENTS, (long)g_lFailures);
    return g_lFailures != 0;
}
