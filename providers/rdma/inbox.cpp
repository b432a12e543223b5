// SPDX-License-Identifier: Apache-2.0
#include "inbox.hpp"

#include "base.hpp"
#include "peer.hpp"

#include <utility>

namespace joinleaf::rdma {

void inbox::put(message next) {
    if (next.has_source) {
        next.source = wire::decode_source(next.bytes.first<wire::source_size>());
        next.bytes = next.bytes.subspan(wire::source_size);
    }
    bytes_ += next.bytes.size();
    own_ += next.slot == no_slot ? 1U : 0U;
    waiting_.push(std::move(next));
}

bool inbox::take(jl_msg& out) {
    const bool peek = (out.flags & JL_MSG_PEEK) != 0;
    const auto rest = front().bytes.subspan(offset_);
    out.size = scatter(parts_of(out), 0, rest);
    const bool whole = out.size == rest.size();
    out.flags = whole ? 0 : JL_MSG_REST;
    if (out.addr != nullptr) {
        const address& name = front().source.size != 0 ? front().source : front().from->remote;
        out.addr_len = name.store(out.addr, &out.addr_len) == 0 ? name.size : 0;
    }
    if (peek) {
        return false;
    }
    offset_ += out.size;
    taken_bytes_ += out.size;
    taken_messages_ += whole ? 1 : 0;
    return whole;
}

void inbox::pop() {
    bytes_ -= front().bytes.size();
    own_ -= front().slot == no_slot ? 1U : 0U;
    offset_ = 0;
    waiting_.pop();
}

} // namespace joinleaf::rdma
