// SPDX-License-Identifier: Apache-2.0
//
// The objects of libibverbs and librdmacm with owners, and their errors in words.
#pragma once

#include "engine.hpp"

#include <memory>
#include <string>

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>
#include <tl/expected.hpp>

namespace joinleaf::rdma::verbs {

struct closer {
    void operator()(ibv_pd* which) const noexcept { ibv_dealloc_pd(which); }
    void operator()(ibv_comp_channel* which) const noexcept { ibv_destroy_comp_channel(which); }
    void operator()(ibv_cq* which) const noexcept { ibv_destroy_cq(which); }
    void operator()(ibv_ah* which) const noexcept { ibv_destroy_ah(which); }
    void operator()(ibv_mr* which) const noexcept { ibv_dereg_mr(which); }
    void operator()(rdma_event_channel* which) const noexcept { rdma_destroy_event_channel(which); }
    // The queue pair goes with its id. Every event of it has been acknowledged.
    void operator()(rdma_cm_id* which) const noexcept {
        if (which->qp != nullptr) {
            rdma_destroy_qp(which);
        }
        rdma_destroy_id(which);
    }
};
template <class Object> using owned = std::unique_ptr<Object, closer>;

// An address without its port.
std::string host_text(const address& of);

// "function: what the system says"; where memory may not be locked, with the limit and how to raise it.
std::string sentence(const char* function, int error);

// The same with its Winsock code.
tl::unexpected<failure> failed(const char* function, int error);

// What a join comes to when rdma_cm reports this event with this status.
failure join_failure(rdma_cm_event_type event, int status);

// What the join of a group comes to with this errno.
failure group_failure(const address& group, const ibv_context& device, int error);

// What becomes of an open connection when rdma_cm reports this event; code 0: nothing.
failure end_of(rdma_cm_event_type event);

// What a work request that failed says about its connection; code 0: nothing, the connection had ended before.
failure end_of(ibv_wc_status status);

} // namespace joinleaf::rdma::verbs
