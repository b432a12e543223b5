/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the name of each protocol entry, one a line. */
#include <joinleaf/winsock2.h>

#include <stdio.h>
#include <stdlib.h>

static int print_entries(void) {
    DWORD length = 0;
    WSAPROTOCOL_INFOA* entries;
    int count;
    if (WSAEnumProtocolsA(NULL, NULL, &length) == SOCKET_ERROR && WSAGetLastError() != WSAENOBUFS) {
        return EXIT_FAILURE;
    }
    entries = malloc(length + 1);
    count = entries == NULL ? SOCKET_ERROR : WSAEnumProtocolsA(NULL, entries, &length);
    for (int i = 0; i < count; ++i) {
        puts(entries[i].szProtocol);
    }
    free(entries);
    return count == SOCKET_ERROR ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(void) {
    WSADATA data;
    const int error = WSAStartup(MAKEWORD(2, 2), &data);
    int status;
    if (error != 0) {
        fprintf(stderr, "WSAStartup: %d\n", error);
        return EXIT_FAILURE;
    }
    status = print_entries();
    WSACleanup();
    return status;
}
