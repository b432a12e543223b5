// SPDX-License-Identifier: Apache-2.0
//
// joinleaf for C++20, header-only on the C API: everything but Boost.Asio, which asio.hpp adds.
//
//   joinleaf::runtime runtime;                                                        // the configuration decides
//   auto group = joinleaf::group::join({"239.255.1.2", 5000}).value();                // .value() throws failure
//   group.send("hello").value();
//
// Everything that can fail returns result<T>: test it, or take .value(). A file that includes this keeps libc's
// socket, bind, select and its ioctl numbers; the C calls have their jl_ names there.
#pragma once

#include "cpp/address.hpp"
#include "cpp/coroutine.hpp"
#include "cpp/event.hpp"
#include "cpp/result.hpp"
#include "cpp/runtime.hpp"
#include "cpp/session.hpp"
#include "cpp/socket.hpp"
