// SPDX-License-Identifier: Apache-2.0
#include "inbox.hpp"

#include "base.hpp"
#include "peer.hpp"

#include <utility>

namespace joinleaf::rdma {

void inbox::put(std::shared_ptr<peer> from, arrived next) {
    message kept{std::move(from), next.bytes, std::move(next.own), next.slot, {}};
    if (next.has_source) {
        kept.source = wire::decode_source(next.bytes.first<wire::source_size>());
        kept.bytes = next.bytes.subspan(wire::source_size);
    }
    bytes_ += kept.bytes.size();
    own_ += kept.slot == no_slot ? 1U : 0U;
    waiting_.push(std::move(kept));
}

bool inbox::fill(jl_msg& out, std::span<const std::byte> bytes, const address& name) {
    out.size = scatter(parts_of(out), 0, bytes);
    const bool whole = out.size == bytes.size();
    out.flags = whole ? 0 : JL_MSG_REST;
    if (out.addr != nullptr) {
        out.addr_len = name.store(out.addr, &out.addr_len) == 0 ? name.size : 0;
    }
    return whole;
}

bool inbox::pass(jl_msg& out, const peer& from, const arrived& next) {
    const auto bytes = next.bytes.subspan(next.has_source ? wire::source_size : 0);
    if (!empty() || (out.flags & JL_MSG_PEEK) != 0 || total(parts_of(out)) < bytes.size()) {
        return false;
    }
    if (next.has_source) {
        fill(out, bytes, wire::decode_source(next.bytes.first<wire::source_size>()));
    } else {
        fill(out, bytes, from.remote);
    }
    taken_bytes_ += bytes.size();
    ++taken_messages_;
    return true;
}

bool inbox::take(jl_msg& out) {
    const bool peek = (out.flags & JL_MSG_PEEK) != 0;
    const bool whole = fill(out, front().bytes.subspan(offset_),
                            front().source.size != 0 ? front().source : front().from->remote);
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
