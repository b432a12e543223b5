// SPDX-License-Identifier: Apache-2.0
/*
 * <ws2spi.h> for unchanged Windows sources: the catalog calls WSC* are those of winsock2.h. The provider
 * interface itself (WSPStartup and its tables) has its counterpart in joinleaf/provider.h and is not
 * declared.
 */
#ifndef JOINLEAF_COMPAT_WS2SPI_H
#define JOINLEAF_COMPAT_WS2SPI_H

#include "winsock2.h"

#endif /* JOINLEAF_COMPAT_WS2SPI_H */
