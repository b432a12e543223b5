// SPDX-License-Identifier: Apache-2.0
/*
 * <winsock.h> for unchanged Windows sources: the calls of Winsock 2 serve version 1.1 as well. Blocking
 * hooks, which left Windows Sockets with version 2, are not offered (ST-16).
 */
#ifndef JOINLEAF_COMPAT_WINSOCK_H
#define JOINLEAF_COMPAT_WINSOCK_H

#include "winsock2.h"

#endif /* JOINLEAF_COMPAT_WINSOCK_H */
