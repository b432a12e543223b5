/* SPDX-License-Identifier: Apache-2.0 */
/* A library without an entry function of its own; linked with a provider it seems to have that one's. */
__attribute__((visibility("default"))) int jl_test_nothing(void);

int jl_test_nothing(void) {
    return 0;
}
