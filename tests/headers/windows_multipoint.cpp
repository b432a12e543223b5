// SPDX-License-Identifier: Apache-2.0
// The same Windows program, taken as C++.
#include "windows_multipoint.c"
