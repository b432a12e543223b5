// SPDX-License-Identifier: Apache-2.0
//
// What this provider has from the SDK, under its own names.
#pragma once

#include "joinleaf/provider.hpp"
#include "joinleaf/provider/address.hpp"
#include "joinleaf/provider/buffers.hpp"
#include "joinleaf/provider/endpoint.hpp"
#include "joinleaf/provider/host.hpp"

namespace joinleaf::rdma {

using provider::address;
using provider::any_of;
using provider::bytes_of;
using provider::endpoint;
using provider::explain;
using provider::host;
using provider::is_fionread;
using provider::log_line;
using provider::parts_of;
using provider::post;
using provider::scatter;
using provider::store_count;
using provider::timer;
using provider::total;
using provider::watch;

} // namespace joinleaf::rdma
