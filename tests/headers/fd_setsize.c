// SPDX-License-Identifier: Apache-2.0
// Compiled once per way in which a program may say, or not say, how many sockets a set holds.
// EXPECTED_CAPACITY is the room of jl_fd_set, EXPECTED_FD_SETSIZE what the name FD_SETSIZE means afterwards.
#ifdef HOST_HEADER_FIRST
#include <sys/select.h>
#endif
#ifdef PROGRAM_FD_SETSIZE
#undef FD_SETSIZE
#define FD_SETSIZE PROGRAM_FD_SETSIZE
#endif

#include <joinleaf/winsock2.h>

#include <sys/select.h>

_Static_assert(sizeof(jl_fd_set) == sizeof(SOCKET) * (EXPECTED_CAPACITY + 1), "room of jl_fd_set");
_Static_assert(FD_SETSIZE == EXPECTED_FD_SETSIZE, "FD_SETSIZE");
#ifndef JOINLEAF_NO_BSD_NAMES
#if FD_SETSIZE != EXPECTED_FD_SETSIZE
#error "FD_SETSIZE is usable in #if"
#endif
_Static_assert(sizeof(fd_set) == sizeof(jl_fd_set), "fd_set is mapped");
#endif
#ifdef SWITCH_ON_LATER
#undef JOINLEAF_NO_BSD_NAMES
#include <joinleaf/winsock2.h>
_Static_assert(FD_SETSIZE == EXPECTED_CAPACITY, "FD_SETSIZE after the mapping is switched on");
_Static_assert(sizeof(fd_set) == sizeof(jl_fd_set), "fd_set is mapped later");
#endif
