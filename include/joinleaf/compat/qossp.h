// SPDX-License-Identifier: Apache-2.0
/*
 * <qossp.h> for unchanged Windows sources: its RSVP objects have no counterpart here; it brings qos.h.
 */
#ifndef JOINLEAF_COMPAT_QOSSP_H
#define JOINLEAF_COMPAT_QOSSP_H

#include "qos.h"

#endif /* JOINLEAF_COMPAT_QOSSP_H */
