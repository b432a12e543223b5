// SPDX-License-Identifier: Apache-2.0
#include "work_counter.hpp"

#include <map>
#include <mutex>

#include <gtest/gtest.h>
#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

namespace joinleaf::rdma::test {
namespace {

struct ledger {
    std::mutex mutex;
    ibv_context_ops own{}; // of the driver, which all devices here share
    ibv_context** devices = nullptr;
    std::map<const ibv_context*, work> all;
};

ledger& books() {
    static ledger one;
    return one;
}

template <class Entry> void enter(const ibv_context* where, const Entry& entry) {
    ledger& all = books();
    const std::lock_guard hold(all.mutex);
    entry(all.all[where]);
}

template <class Request> std::uint64_t length(const Request* first) {
    std::uint64_t count = 0;
    for (; first != nullptr; first = first->next) {
        ++count;
    }
    return count;
}

int post_send(ibv_qp* pair, ibv_send_wr* first, ibv_send_wr** bad) {
    enter(pair->context, [&](work& had) { had.sends += length(first), ++had.doorbells; });
    return books().own.post_send(pair, first, bad);
}

int post_recv(ibv_qp* pair, ibv_recv_wr* first, ibv_recv_wr** bad) {
    enter(pair->context, [&](work& had) { had.buffers += length(first), ++had.refills; });
    return books().own.post_recv(pair, first, bad);
}

int poll_cq(ibv_cq* queue, int most, ibv_wc* out) {
    const int count = books().own.poll_cq(queue, most, out);
    enter(queue->context, [&](work& had) {
        for (int i = 0; i < count; ++i) {
            ++((out[i].opcode & IBV_WC_RECV) != 0 ? had.received : had.sent);
        }
    });
    return count;
}

int req_notify_cq(ibv_cq* queue, int solicited) {
    enter(queue->context, [&](work& had) { ++had.alarms; });
    return books().own.req_notify_cq(queue, solicited);
}

} // namespace

work_counter::work_counter() {
    ledger& all = books();
    all.devices = rdma_get_devices(nullptr);
    EXPECT_NE(nullptr, all.devices);
    for (ibv_context** each = all.devices; each != nullptr && *each != nullptr; ++each) {
        ibv_context_ops& table = (*each)->ops;
        all.own = table;
        table.post_send = post_send;
        table.post_recv = post_recv;
        table.poll_cq = poll_cq;
        table.req_notify_cq = req_notify_cq;
    }
}

work_counter::~work_counter() {
    for (ibv_context** each = books().devices; each != nullptr && *each != nullptr; ++each) {
        (*each)->ops = books().own;
    }
    rdma_free_devices(books().devices);
}

work work_counter::of(const std::string& device) {
    ledger& all = books();
    const std::lock_guard hold(all.mutex);
    for (const auto& [where, had] : all.all) {
        if (ibv_get_device_name(where->device) == device) {
            return had;
        }
    }
    return {};
}

} // namespace joinleaf::rdma::test
