// SPDX-License-Identifier: Apache-2.0
#include "letterbox.hpp"

#include <algorithm>
#include <utility>

namespace joinleaf::rdma {

void letterbox::put(const address& from, std::uint32_t gap, std::span<const std::byte> bytes) {
    waiting_.push({from, gap + std::exchange(gap_, 0), bytes.size()});
    memory_.append(bytes);
}

void letterbox::pop() {
    memory_.release(memory_.tail() + waiting_.front().size);
    waiting_.pop();
}

void letterbox::drop_oldest() {
    const std::uint32_t gap = waiting_.front().gap + 1;
    pop();
    (waiting_.empty() ? gap_ : waiting_.front().gap) += gap;
}

void letterbox::clear() {
    while (!waiting_.empty()) {
        pop();
    }
}

bool letterbox::take(jl_msg& out) {
    message& next = waiting_.front();
    if (next.gap != 0) {
        out.flags = JL_MSG_GAP;
        out.gap = std::exchange(next.gap, 0);
        out.size = 0;
        return false;
    }
    const bool peek = (out.flags & JL_MSG_PEEK) != 0;
    const std::uint64_t begin = memory_.tail();
    out.size = 0;
    for (std::size_t at = 0; at < next.size;) {
        const auto piece = memory_.piece(begin + at, begin + next.size);
        out.size += scatter(parts_of(out), at, piece);
        at += piece.size();
    }
    out.flags = JL_MSG_GROUP | (out.size < next.size ? JL_MSG_CUT : 0U);
    if (out.addr != nullptr) {
        out.addr_len = next.from.store(out.addr, &out.addr_len) == 0 ? next.from.size : 0;
    }
    if (!peek) {
        ++taken_messages_;
        taken_bytes_ += out.size;
        pop();
    }
    return true;
}

} // namespace joinleaf::rdma
