// SPDX-License-Identifier: Apache-2.0
/*
 * <winsock2.h> for unchanged Windows sources; like Windows' it brings windows.h along.
 *
 * What the host's headers keep different from Windows:
 * - struct in_addr has s_addr only: write address.s_addr, not address.S_un.S_addr (inet_addr and inet_pton
 *   serve both).
 * - struct pollfd is the host's; an array for WSAPoll is declared as WSAPOLLFD.
 * - getaddrinfo and its kin answer with the host's EAI_* values, which gai_strerror explains.
 * - DWORD and LONG are int-sized: %lu and %ld in a printf draw a warning; cast the value to what the format
 *   names.
 */
#ifndef JOINLEAF_COMPAT_WINSOCK2_H
#define JOINLEAF_COMPAT_WINSOCK2_H

#include "windows.h"

/* The type of a family in an address; sa_family_t on this host. */
typedef USHORT ADDRESS_FAMILY;

#ifndef _UNISTD_H
/* libc's own. unistd.h itself would clash with the getopt that many Windows sources carry. */
#ifdef __cplusplus
extern "C" int gethostname(char* name, size_t length) __THROW;
#else
extern int gethostname(char* name, size_t length) __THROW;
#endif
#endif

#endif /* JOINLEAF_COMPAT_WINSOCK2_H */
