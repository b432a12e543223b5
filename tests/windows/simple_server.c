// SPDX-License-Identifier: Apache-2.0
/*
 * A server and a client of any address family as they are written on Windows: the server listens at every address
 * that getaddrinfo gives it and waits with select; the client tries what getaddrinfo finds until one connects.
 *
 *     simple_server -f PF_INET|PF_INET6 -t TCP|UDP
 */
#define WIN32_LEAN_AND_MEAN
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <winsock2.h>
#include <ws2tcpip.h>

#pragma comment(lib, "ws2_32.lib")

#define MESSAGES 20
#define MESSAGE_LENGTH 64

static int Family = PF_INET;
static int SocketType = SOCK_STREAM;
static char Port[NI_MAXSERV];
static SOCKET ServSock[FD_SETSIZE];
static int NumSocks = 0;
static int Answered = 0;

static void Fatal(const char* what) {
    fprintf(stderr, "%s failed with error %d\n", what, WSAGetLastError());
    ExitProcess(1);
}

static void Listen(void) {
    ADDRINFO Hints, *AddrInfo, *AI;
    SOCKADDR_STORAGE Name;
    int NameLength = sizeof(Name);

    memset(&Hints, 0, sizeof(Hints));
    Hints.ai_family = Family;
    Hints.ai_socktype = SocketType;
    Hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE;
    if (getaddrinfo(NULL, "0", &Hints, &AddrInfo) != 0) {
        Fatal("getaddrinfo");
    }
    for (AI = AddrInfo; AI != NULL && NumSocks < FD_SETSIZE; AI = AI->ai_next) {
        SOCKET s = socket(AI->ai_family, AI->ai_socktype, AI->ai_protocol);

        if (s == INVALID_SOCKET) {
            Fatal("socket");
        }
        if (bind(s, AI->ai_addr, (int)AI->ai_addrlen) == SOCKET_ERROR ||
            (SocketType == SOCK_STREAM && listen(s, 5) == SOCKET_ERROR)) {
            Fatal("bind or listen");
        }
        ServSock[NumSocks++] = s;
    }
    freeaddrinfo(AddrInfo);
    if (NumSocks == 0 || getsockname(ServSock[0], (LPSOCKADDR)&Name, &NameLength) == SOCKET_ERROR ||
        getnameinfo((LPSOCKADDR)&Name, NameLength, NULL, 0, Port, sizeof(Port), NI_NUMERICSERV) != 0) {
        Fatal("getsockname");
    }
}

static SOCKET Ready(void) {
    struct timeval Limit = {20, 0};
    fd_set SockSet;
    int i;

    FD_ZERO(&SockSet);
    for (i = 0; i < NumSocks; i++) {
        FD_SET(ServSock[i], &SockSet);
    }
    if (select(NumSocks, &SockSet, NULL, NULL, &Limit) <= 0) {
        Fatal("select");
    }
    for (i = 0; i < NumSocks; i++) {
        if (FD_ISSET(ServSock[i], &SockSet)) {
            return ServSock[i];
        }
    }
    return INVALID_SOCKET;
}

static void ServeStream(SOCKET Listener) {
    SOCKADDR_STORAGE From;
    char Hostname[NI_MAXHOST], Buffer[MESSAGE_LENGTH];
    int FromLen = sizeof(From), AmountRead;
    SOCKET ConnSock = accept(Listener, (LPSOCKADDR)&From, &FromLen);

    if (ConnSock == INVALID_SOCKET) {
        Fatal("accept");
    }
    if (getnameinfo((LPSOCKADDR)&From, FromLen, Hostname, sizeof(Hostname), NULL, 0, NI_NUMERICHOST) != 0) {
        strcpy(Hostname, "<unknown>");
    }
    printf("Accepted connection from %s\n", Hostname);
    while ((AmountRead = recv(ConnSock, Buffer, sizeof(Buffer), 0)) > 0) {
        if (send(ConnSock, Buffer, AmountRead, 0) != AmountRead) {
            Fatal("send");
        }
        Answered += AmountRead;
    }
    closesocket(ConnSock);
}

static void ServeDatagrams(SOCKET s) {
    SOCKADDR_STORAGE From;
    char Buffer[MESSAGE_LENGTH];
    int FromLen = sizeof(From);
    int AmountRead = recvfrom(s, Buffer, sizeof(Buffer), 0, (LPSOCKADDR)&From, &FromLen);

    if (AmountRead == SOCKET_ERROR ||
        sendto(s, Buffer, AmountRead, 0, (LPSOCKADDR)&From, FromLen) != AmountRead) {
        Fatal("recvfrom or sendto");
    }
    Answered += AmountRead;
}

static SOCKET Connect(void) {
    ADDRINFO Hints, *AddrInfo, *AI;
    SOCKET s = INVALID_SOCKET;

    memset(&Hints, 0, sizeof(Hints));
    Hints.ai_family = Family;
    Hints.ai_socktype = SocketType;
    if (getaddrinfo(Family == PF_INET6 ? "::1" : "127.0.0.1", Port, &Hints, &AddrInfo) != 0) {
        Fatal("getaddrinfo");
    }
    for (AI = AddrInfo; AI != NULL; AI = AI->ai_next) {
        s = socket(AI->ai_family, AI->ai_socktype, AI->ai_protocol);
        if (s != INVALID_SOCKET && connect(s, AI->ai_addr, (int)AI->ai_addrlen) != SOCKET_ERROR) {
            break;
        }
        closesocket(s);
        s = INVALID_SOCKET;
    }
    freeaddrinfo(AddrInfo);
    if (s == INVALID_SOCKET) {
        Fatal("connect");
    }
    return s;
}

static DWORD WINAPI Client(LPVOID Parameter) {
    char Sent[MESSAGE_LENGTH], Back[MESSAGE_LENGTH];
    DWORD Limit = 20000;
    SOCKET s = Connect();
    int i, Total, Got;

    UNREFERENCED_PARAMETER(Parameter);
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, (char*)&Limit, sizeof(Limit));
    for (i = 0; i < MESSAGES; i++) {
        memset(Sent, 'A' + i, sizeof(Sent));
        if (send(s, Sent, sizeof(Sent), 0) != sizeof(Sent)) {
            Fatal("send");
        }
        for (Total = 0; Total < (int)sizeof(Back); Total += Got) {
            Got = recv(s, Back + Total, (int)sizeof(Back) - Total, 0);
            if (Got <= 0) {
                Fatal("recv");
            }
        }
        if (memcmp(Sent, Back, sizeof(Sent)) != 0) {
            Fatal("comparison");
        }
    }
    closesocket(s);
    return 0;
}

int main(int argc, char** argv) {
    WSADATA wsaData;
    HANDLE hClient;
    DWORD Status = 1;
    int i;

    for (i = 1; i + 1 < argc; i += 2) {
        if (_stricmp(argv[i], "-f") == 0) {
            Family = _stricmp(argv[i + 1], "PF_INET6") == 0 ? PF_INET6 : PF_INET;
        } else if (_stricmp(argv[i], "-t") == 0) {
            SocketType = _stricmp(argv[i + 1], "UDP") == 0 ? SOCK_DGRAM : SOCK_STREAM;
        }
    }
    if (WSAStartup(MAKEWORD(2, 2), &wsaData) != 0) {
        return 1;
    }
    Listen();
    hClient = CreateThread(NULL, 0, Client, NULL, 0, NULL);
    while (Answered < MESSAGES * MESSAGE_LENGTH) {
        SOCKET s = Ready();

        if (SocketType == SOCK_STREAM) {
            ServeStream(s);
        } else {
            ServeDatagrams(s);
        }
    }
    WaitForSingleObject(hClient, INFINITE);
    GetExitCodeThread(hClient, &Status);
    CloseHandle(hClient);
    for (i = 0; i < NumSocks; i++) {
        closesocket(ServSock[i]);
    }
    WSACleanup();
    printf("answered %d bytes, client ended with %lu\n", Answered, (unsigned long)Status);
    return (int)Status;
}
