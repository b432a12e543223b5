// SPDX-License-Identifier: Apache-2.0
#include "peer.hpp"

#include "hub.hpp"

namespace joinleaf::rdma {

void peer::on_up() {
    home.on_up(*this);
}

void peer::on_control(std::span<const std::byte> message) {
    home.on_control(*this, message);
}

void peer::on_sent(std::uint64_t cookie) {
    home.on_sent(*this, cookie);
}

void peer::on_down(const failure& why) {
    home.on_down(*this, why);
}

} // namespace joinleaf::rdma
