// SPDX-License-Identifier: Apache-2.0
#include "greeting.hpp"

#include <algorithm>

namespace joinleaf::tcp_root {
namespace {

std::vector<std::byte> put_together(wire::greeting head, const void* data, std::uint32_t size,
                                    const QOS* qos) {
    head.data_size = size;
    head.has_qos = qos != nullptr;
    const auto fixed = wire::encode(head);
    std::vector<std::byte> out(fixed.begin(), fixed.end());
    out.reserve(out.size() + head.rest());
    const auto* const bytes = static_cast<const std::byte*>(data);
    out.insert(out.end(), bytes, bytes + size);
    if (qos != nullptr) {
        const auto flows = wire::encode_qos(*qos);
        out.insert(out.end(), flows.begin(), flows.end());
    }
    return out;
}

} // namespace

std::vector<std::byte> make_hello(const wire::roles& who, const jl_join& join, std::uint16_t beat) {
    wire::greeting head;
    head.what = wire::kind::hello;
    head.who = who;
    head.direction = join.direction;
    head.callee_room = join.callee_room;
    head.beat = beat;
    return put_together(head, join.caller_data, join.caller_data == nullptr ? 0 : join.caller_len, join.qos);
}

std::vector<std::byte> make_admission(const wire::roles& who, const jl_answer* answer, std::uint16_t beat) {
    wire::greeting head;
    head.what = wire::kind::answer;
    head.who = who;
    head.beat = beat;
    if (answer == nullptr) {
        return put_together(head, nullptr, 0, nullptr);
    }
    return put_together(head, answer->callee_data, answer->callee_data == nullptr ? 0 : answer->callee_len,
                        answer->qos);
}

wire::greeting_bytes make_refusal(const wire::roles& who, std::int32_t code, wire::reason why) noexcept {
    wire::greeting head;
    head.what = wire::kind::answer;
    head.who = who;
    head.code = code;
    head.why = why;
    return wire::encode(head);
}

wire::greeting_bytes make_wait_notice(const wire::roles& who) noexcept {
    wire::greeting head;
    head.what = wire::kind::wait;
    head.who = who;
    return wire::encode(head);
}

} // namespace joinleaf::tcp_root
