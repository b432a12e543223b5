// SPDX-License-Identifier: Apache-2.0
/*
 * <ws2atm.h> for unchanged Windows sources: no provider has the ATM family, so it brings winsock2.h only;
 * AF_ATM is there to be refused with WSAEAFNOSUPPORT.
 */
#ifndef JOINLEAF_COMPAT_WS2ATM_H
#define JOINLEAF_COMPAT_WS2ATM_H

#include "winsock2.h"

#endif /* JOINLEAF_COMPAT_WS2ATM_H */
