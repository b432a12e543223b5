// SPDX-License-Identifier: Apache-2.0
#include "listening.hpp"

#include "hub.hpp"

namespace joinleaf::rdma {

void listening::on_joined() {
    joined = true;
    if (root_ != nullptr && line) {
        home_.on_group_joined(*root_);
    }
}

void listening::on_datagram(std::span<const std::byte> bytes) {
    if (root_ != nullptr) {
        home_.on_datagram(*root_, bytes);
    }
}

void listening::on_lost(const failure& why) {
    if (root_ != nullptr) {
        home_.on_group_lost(*root_, why);
    }
}

void listening::turn(const wire::turn& what) noexcept {
    is_on_ = true;
    channel_ = what.channel;
    last_channel_ = what.channel;
    offset_ = what.stream - what.position;
    from = what.stream;
    asked_to = from;
    told = from;
    mark = from;
    owed = from;
}

void listening::change(std::uint64_t channel) noexcept {
    last_channel_ = channel_;
    channel_ = channel;
}

} // namespace joinleaf::rdma
