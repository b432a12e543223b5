/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the observer has of the program that runs the cases. Weak: the observer loads elsewhere too, and says nothing there.
 */
#ifndef JOINLEAF_CHECK_VIOLATIONS_H
#define JOINLEAF_CHECK_VIOLATIONS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The provider has broken an obligation; the case that runs fails with this sentence. [any] */
__attribute__((weak, visibility("default"))) void joinleaf_check_violation(const char* sentence);

/* XP1_* and JL_CAN_* bits that the provider's entries are to be shown with besides their own. [any] */
__attribute__((weak, visibility("default"))) uint32_t joinleaf_check_claimed_services(void);
__attribute__((weak, visibility("default"))) uint32_t joinleaf_check_claimed_abilities(void);

#ifdef __cplusplus
}
#endif

#endif
