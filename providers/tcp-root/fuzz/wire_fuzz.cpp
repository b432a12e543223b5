// SPDX-License-Identifier: Apache-2.0
//
// Whatever bytes a peer sends: each is refused, or understood in a way that writes the same bytes again.
#include "frame_reader.hpp"
#include "wire.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

namespace {

namespace wire = joinleaf::tcp_root::wire;
using joinleaf::tcp_root::frame_reader;

void expect(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void read_greeting(std::span<const std::byte> bytes) {
    if (bytes.size() < wire::greeting_size) {
        return;
    }
    const auto fixed = bytes.first<wire::greeting_size>();
    const auto head = wire::decode(fixed);
    if (!head) {
        expect(wire::text(head.error()) != nullptr);
        return;
    }
    expect(wire::may_be_greeting(fixed.first(4)));
    expect(head->rest() <= wire::greeting_max - wire::greeting_size);
    expect(std::ranges::equal(wire::encode(*head), fixed));
    if (bytes.size() >= wire::greeting_size + wire::qos_size) {
        const auto qos = bytes.subspan<wire::greeting_size, wire::qos_size>();
        expect(std::ranges::equal(wire::encode_qos(wire::decode_qos(qos)), qos));
    }
}

void read_source(std::span<const std::byte> payload) {
    sockaddr_storage out{};
    auto* const raw = reinterpret_cast<sockaddr*>(&out);
    expect(wire::decode_source(payload.first<wire::source_size>(), raw, sizeof out) <= sizeof(sockaddr_in6));
    expect(wire::decode_source(payload.first<wire::source_size>(), raw, 0) == 0);
}

// The bytes through a socket, in reads of the size that the first byte says, as a root reads a leaf.
void read_frames(std::span<const std::byte> bytes) {
    int ends[2];
    if (bytes.empty() || ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        return;
    }
    std::vector<std::byte> scratch(64 + 16 * std::to_integer<std::size_t>(bytes[0]));
    [[maybe_unused]] const auto n =
        ::send(ends[0], bytes.data() + 1, std::min<std::size_t>(bytes.size() - 1, 60'000), MSG_DONTWAIT);
    ::close(ends[0]);
    frame_reader reader;
    while (!reader.is_broken() && reader.fill(ends[1], scratch) == frame_reader::state::data) {
        while (const auto item = reader.next()) {
            expect(item->payload.size() == item->head.size);
            expect(item->head.size <= wire::message_max + wire::source_size);
            if (item->head.has_source()) {
                read_source(item->payload);
            }
            const auto again = wire::decode_frame(wire::encode(item->head));
            expect(again && again->size == item->head.size && again->flags == item->head.flags);
        }
        reader.save();
    }
    ::close(ends[1]);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    read_greeting(bytes);
    read_frames(bytes);
    return 0;
}
