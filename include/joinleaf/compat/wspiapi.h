// SPDX-License-Identifier: Apache-2.0
/*
 * <wspiapi.h> for unchanged Windows sources: there it brings getaddrinfo to old systems; here the host has
 * it.
 */
#ifndef JOINLEAF_COMPAT_WSPIAPI_H
#define JOINLEAF_COMPAT_WSPIAPI_H

#include "ws2tcpip.h"

#endif /* JOINLEAF_COMPAT_WSPIAPI_H */
