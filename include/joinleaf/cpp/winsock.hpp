// SPDX-License-Identifier: Apache-2.0
//
// The C API as the C++ headers need it: libc keeps its names (socket, bind, select ...), for the whole of the
// file, and so do the ioctl numbers that Winsock has under the same names, which other C++ libraries use.
#pragma once

#if __cplusplus < 202002L
#error "joinleaf's C++ headers are C++20"
#endif
#ifdef JOINLEAF_WINSOCK2_BSD_NAMES
#error "include joinleaf's C++ headers without the BSD names: define JOINLEAF_NO_BSD_NAMES before winsock2.h"
#endif
#ifndef JOINLEAF_NO_BSD_NAMES
#define JOINLEAF_NO_BSD_NAMES
#endif

#ifdef JOINLEAF_WINSOCK2_TYPES_H
#include "../ext.h"
#else
#include <linux/sockios.h>
#include <sys/ioctl.h>
#pragma push_macro("FIONBIO")
#pragma push_macro("FIONREAD")
#pragma push_macro("FIOASYNC")
#pragma push_macro("SIOCATMARK")
#include "../ext.h"
#pragma pop_macro("SIOCATMARK")
#pragma pop_macro("FIOASYNC")
#pragma pop_macro("FIONREAD")
#pragma pop_macro("FIONBIO")
#endif

namespace joinleaf::detail {

// Winsock's numbers for jl_ioctlsocket.
inline constexpr LONG set_nonblocking_mode = static_cast<LONG>(0x8004667eU);
inline constexpr LONG bytes_to_read = 0x4004667f;

} // namespace joinleaf::detail
