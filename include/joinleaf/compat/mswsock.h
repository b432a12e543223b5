// SPDX-License-Identifier: Apache-2.0
/*
 * <mswsock.h> for unchanged Windows sources: SO_UPDATE_ACCEPT_CONTEXT and SO_CONNECT_TIME are in winsock2.h.
 * The extension functions (AcceptEx, TransmitFile ...) are not declared.
 */
#ifndef JOINLEAF_COMPAT_MSWSOCK_H
#define JOINLEAF_COMPAT_MSWSOCK_H

#include "winsock2.h"

#endif /* JOINLEAF_COMPAT_MSWSOCK_H */
