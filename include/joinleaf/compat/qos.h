// SPDX-License-Identifier: Apache-2.0
/*
 * <qos.h> for unchanged Windows sources: FLOWSPEC, service types and object heads are in winsock2.h; here
 * are the two general objects that may follow a QOS in its ProviderSpecific buffer.
 */
#ifndef JOINLEAF_COMPAT_QOS_H
#define JOINLEAF_COMPAT_QOS_H

#include "winsock2.h"

/* What happens to data beyond the flow's rate; ObjectHdr.ObjectType is QOS_OBJECT_SD_MODE. */
typedef struct QOS_SD_MODE {
    QOS_OBJECT_HDR ObjectHdr;
    ULONG ShapeDiscardMode;
} QOS_SD_MODE, *LPQOS_SD_MODE;

#define TC_NONCONF_BORROW 0u
#define TC_NONCONF_SHAPE 1u
#define TC_NONCONF_DISCARD 2u
#define TC_NONCONF_BORROW_PLUS 3u

/* Rate to shape to, in bytes/s; ObjectHdr.ObjectType is QOS_OBJECT_SHAPING_RATE. */
typedef struct QOS_SHAPING_RATE {
    QOS_OBJECT_HDR ObjectHdr;
    ULONG ShapingRate;
} QOS_SHAPING_RATE, *LPQOS_SHAPING_RATE;

#endif /* JOINLEAF_COMPAT_QOS_H */
