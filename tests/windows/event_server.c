// SPDX-License-Identifier: Apache-2.0
/*
 * A console program as it is written on Windows: an echo server on WSAEventSelect, a thread for each of its
 * clients, a critical section around what they share. It serves CLIENTS clients of its own and prints the sum.
 */
#include <process.h>
#include <stdio.h>
#include <tchar.h>
#include <windows.h>
#include <winsock2.h>
#include <ws2tcpip.h>

#pragma comment(lib, "ws2_32.lib")

#define CLIENTS 8
#define ROUNDS 25
#define MESSAGE_SIZE 1000

static CRITICAL_SECTION g_Lock;
static LONG g_Bytes = 0;
static int g_Failed = 0;
static HANDLE g_hReady;
static USHORT g_Port = 0;

static void Report(LPCTSTR call, DWORD code) {
    LPTSTR text = NULL;
    FormatMessage(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS,
                  NULL, code, MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT), (LPTSTR)&text, 0, NULL);
    _ftprintf(stderr, _T("%s failed with %u: %s"), call, (unsigned)code, text ? text : _T("?\n"));
    LocalFree(text);
    EnterCriticalSection(&g_Lock);
    g_Failed++;
    LeaveCriticalSection(&g_Lock);
}

static BOOL SendAll(SOCKET s, const char* data, int size) {
    while (size > 0) {
        int sent = send(s, data, size, 0);
        if (sent == SOCKET_ERROR) {
            if (WSAGetLastError() != WSAEWOULDBLOCK) {
                return FALSE;
            }
            Sleep(1);
            continue;
        }
        data += sent;
        size -= sent;
    }
    return TRUE;
}

static unsigned __stdcall ClientThread(void* parameter) {
    char data[MESSAGE_SIZE], back[MESSAGE_SIZE];
    SOCKADDR_IN server;
    int round, got, number = (int)(INT_PTR)parameter;
    SOCKET s;

    WaitForSingleObject(g_hReady, INFINITE);
    s = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    ZeroMemory(&server, sizeof(server));
    server.sin_family = AF_INET;
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.sin_port = htons(g_Port);
    if (connect(s, (SOCKADDR*)&server, sizeof(server)) == SOCKET_ERROR) {
        Report(_T("connect"), WSAGetLastError());
        return 1;
    }
    FillMemory(data, sizeof(data), (BYTE)('a' + number));
    for (round = 0; round < ROUNDS; round++) {
        if (!SendAll(s, data, sizeof(data))) {
            Report(_T("send"), WSAGetLastError());
            break;
        }
        for (got = 0; got < MESSAGE_SIZE;) {
            int part = recv(s, back + got, MESSAGE_SIZE - got, 0);
            if (part <= 0) {
                Report(_T("recv"), WSAGetLastError());
                closesocket(s);
                return 1;
            }
            got += part;
        }
        if (memcmp(data, back, sizeof(data)) != 0) {
            Report(_T("compare"), ERROR_INVALID_PARAMETER);
        }
        EnterCriticalSection(&g_Lock);
        g_Bytes += got;
        LeaveCriticalSection(&g_Lock);
    }
    shutdown(s, SD_SEND);
    closesocket(s);
    return (unsigned)(100 + number);
}

static BOOL Echo(SOCKET s) {
    char buffer[4096];
    int got = recv(s, buffer, sizeof(buffer), 0);
    if (got == SOCKET_ERROR) {
        return WSAGetLastError() == WSAEWOULDBLOCK;
    }
    return got == 0 || SendAll(s, buffer, got);
}

static unsigned __stdcall ServerThread(void* parameter) {
    SOCKET sockets[WSA_MAXIMUM_WAIT_EVENTS];
    WSAEVENT events[WSA_MAXIMUM_WAIT_EVENTS];
    DWORD count = 1, index;
    int served = 0, size;
    SOCKADDR_IN local;
    WSANETWORKEVENTS happened;

    UNREFERENCED_PARAMETER(parameter);
    sockets[0] = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    events[0] = WSACreateEvent();
    ZeroMemory(&local, sizeof(local));
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    size = sizeof(local);
    if (bind(sockets[0], (SOCKADDR*)&local, sizeof(local)) == SOCKET_ERROR ||
        WSAEventSelect(sockets[0], events[0], FD_ACCEPT | FD_CLOSE) == SOCKET_ERROR ||
        listen(sockets[0], SOMAXCONN) == SOCKET_ERROR ||
        getsockname(sockets[0], (SOCKADDR*)&local, &size) == SOCKET_ERROR) {
        Report(_T("listen"), WSAGetLastError());
        return 1;
    }
    g_Port = ntohs(local.sin_port);
    SetEvent(g_hReady);
    while (served < CLIENTS) {
        index = WSAWaitForMultipleEvents(count, events, FALSE, 20000, FALSE);
        if (index == WSA_WAIT_FAILED || index == WSA_WAIT_TIMEOUT) {
            Report(_T("WSAWaitForMultipleEvents"), index == WSA_WAIT_TIMEOUT ? WSAETIMEDOUT : GetLastError());
            return 1;
        }
        index -= WSA_WAIT_EVENT_0;
        WSAEnumNetworkEvents(sockets[index], events[index], &happened);
        if (happened.lNetworkEvents & FD_ACCEPT) {
            sockets[count] = accept(sockets[0], NULL, NULL);
            events[count] = WSACreateEvent();
            WSAEventSelect(sockets[count], events[count], FD_READ | FD_CLOSE);
            count++;
        }
        if ((happened.lNetworkEvents & FD_READ) && !Echo(sockets[index])) {
            Report(_T("echo"), WSAGetLastError());
        }
        if (index != 0 && (happened.lNetworkEvents & FD_CLOSE)) {
            closesocket(sockets[index]);
            WSACloseEvent(events[index]);
            count--;
            sockets[index] = sockets[count];
            events[index] = events[count];
            served++;
        }
    }
    closesocket(sockets[0]);
    WSACloseEvent(events[0]);
    return 0;
}

int _tmain(void) {
    WSADATA wsaData;
    HANDLE threads[CLIENTS + 1];
    DWORD code, exits = 0;
    int i;
    ULONGLONG begun = GetTickCount64();

    InitializeCriticalSection(&g_Lock);
    if (WSAStartup(MAKEWORD(2, 2), &wsaData) != 0) {
        return 1;
    }
    g_hReady = CreateEvent(NULL, TRUE, FALSE, NULL);
    threads[CLIENTS] = (HANDLE)_beginthreadex(NULL, 0, ServerThread, NULL, 0, NULL);
    for (i = 0; i < CLIENTS; i++) {
        threads[i] = (HANDLE)_beginthreadex(NULL, 0, ClientThread, (void*)(INT_PTR)i, 0, NULL);
    }
    if (WaitForMultipleObjects(CLIENTS + 1, threads, TRUE, 40000) == WAIT_TIMEOUT) {
        Report(_T("WaitForMultipleObjects"), WSAETIMEDOUT);
        ExitProcess(2);
    }
    for (i = 0; i <= CLIENTS; i++) {
        GetExitCodeThread(threads[i], &code);
        exits += code;
        CloseHandle(threads[i]);
    }
    CloseHandle(g_hReady);
    WSACleanup();
    DeleteCriticalSection(&g_Lock);
    _tprintf(_T("echoed %d bytes, exit codes sum %u, %d failures%s\n"), (int)g_Bytes, (unsigned)exits,
             g_Failed, GetTickCount64() < begun ? _T(", and the clock ran backwards") : _T(""));
    return g_Failed != 0;
}
