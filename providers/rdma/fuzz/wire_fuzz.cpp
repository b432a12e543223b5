// SPDX-License-Identifier: Apache-2.0
//
// Whatever bytes a peer sends, as private data, control message or slice: each is refused, or understood in a way that says the
// same again.
#include "verbs/intro.hpp"
#include "wire.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

namespace {

namespace wire = joinleaf::rdma::wire;
namespace verbs = joinleaf::rdma::verbs;

void expect(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void read_intro(std::span<const std::byte> bytes) {
    if (const auto said = verbs::decode_intro(bytes)) {
        expect(bytes.size() >= verbs::intro_size && said->buffer >= verbs::least_buffer);
        const auto again = verbs::decode_intro(verbs::encode(*said));
        expect(again && again->buffer == said->buffer);
    }
}

void read_greeting(std::span<const std::byte> bytes) {
    const auto said = wire::decode_greeting(bytes);
    if (!said) {
        expect(wire::text(said.error()) != nullptr);
        return;
    }
    expect(bytes.size() <= wire::control_max && said->user.size() <= wire::data_max);
    expect(said->data_address.size() <= wire::address_max);
    // A refusal says nothing of the data plane.
    expect(said->code != 0 || (said->window >= 1 && said->slice > wire::head_size));
    const auto whole = wire::encode(*said);
    expect(whole.size() == bytes.size());
    // But for the versions, which are the writer's own.
    expect(std::ranges::equal(std::span(whole).subspan(6), bytes.subspan(6)));
}

void read_note(std::span<const std::byte> bytes) {
    if (const auto said = wire::decode_note(bytes)) {
        const auto again = wire::encode(*said);
        expect(again.size() == bytes.size() &&
               std::ranges::equal(std::span(again).subspan(6), bytes.subspan(6)));
        expect(wire::kind_of(bytes).value() == said->what);
    }
}

void read_slice(std::span<const std::byte> bytes) {
    if (const auto head = wire::decode_head(bytes)) {
        expect(bytes.size() == wire::head_size + head->size);
        const auto again = wire::encode(*head);
        expect(std::ranges::equal(std::span(again).first(25), bytes.first(25)));
    }
    if (bytes.size() >= wire::record_size) {
        if (const auto record = wire::decode_record(bytes.first<wire::record_size>())) {
            expect(record->size <= wire::message_max + wire::source_size);
            const auto again = wire::encode(*record);
            expect(std::ranges::equal(again, bytes.first<wire::record_size>()));
        }
    }
    if (bytes.size() >= wire::source_size) {
        const auto name = wire::decode_source(bytes.first<wire::source_size>());
        const auto again = wire::encode_source(name.raw());
        expect(wire::decode_source(again).text() == name.text());
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    read_intro(bytes);
    read_greeting(bytes);
    read_note(bytes);
    read_slice(bytes);
    return 0;
}
