// SPDX-License-Identifier: Apache-2.0
//
// A greeting as it comes through a connection, in pieces of any size: read to its end and not a byte beyond, or
// refused; never more memory than its header may ask for.
#include "greeting.hpp"
#include "greeting_reader.hpp"
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
using joinleaf::tcp_root::greeting_reader;

void expect(bool holds) {
    if (!holds) {
        std::abort();
    }
}

// What was read is what was sent, and what follows is still in the connection.
void look_at(const greeting_reader& got, std::span<const std::byte> sent, int fd) {
    const std::size_t size = wire::greeting_size + got.head().rest();
    expect(size <= wire::greeting_max && size <= sent.size());
    expect(std::ranges::equal(wire::encode(got.head()), sent.first<wire::greeting_size>()));
    const auto data = got.data();
    expect(std::ranges::equal(data, sent.subspan(wire::greeting_size, data.size())));
    if (const auto qos = got.qos()) {
        const auto at = sent.subspan(wire::greeting_size + data.size(), wire::qos_size);
        expect(std::ranges::equal(wire::encode_qos(*qos), at));
    }
    std::vector<std::byte> left(sent.size() + 1);
    const ssize_t n = ::recv(fd, left.data(), left.size(), MSG_DONTWAIT);
    left.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    expect(std::ranges::equal(left, sent.subspan(size)));
}

// The first byte says how large the pieces are.
void read_in_pieces(std::span<const std::byte> bytes, std::size_t piece) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        return;
    }
    greeting_reader reader;
    auto state = greeting_reader::progress::more;
    std::size_t sent = 0;
    while (state == greeting_reader::progress::more && sent < bytes.size()) {
        const auto part = bytes.subspan(sent, std::min(piece, bytes.size() - sent));
        expect(::send(ends[0], part.data(), part.size(), MSG_DONTWAIT) == static_cast<ssize_t>(part.size()));
        sent += part.size();
        state = reader.read(ends[1]);
    }
    ::close(ends[0]);
    if (state == greeting_reader::progress::more) {
        expect(reader.read(ends[1]) != greeting_reader::progress::whole);
    } else if (state == greeting_reader::progress::whole) {
        look_at(reader, bytes.first(sent), ends[1]);
    } else if (state == greeting_reader::progress::bad) {
        expect(wire::text(reader.why()) != nullptr);
    }
    ::close(ends[1]);
}

// As an acceptor reads: the same greeting, or none.
void read_alone(std::span<const std::byte> bytes) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        return;
    }
    expect(::send(ends[0], bytes.data(), bytes.size(), MSG_DONTWAIT) == static_cast<ssize_t>(bytes.size()));
    greeting_reader reader;
    if (reader.read_alone(ends[1]) == greeting_reader::progress::whole) {
        const std::size_t size = wire::greeting_size + reader.head().rest();
        expect(size <= bytes.size());
        expect(std::ranges::equal(reader.data(), bytes.subspan(wire::greeting_size, reader.data().size())));
        expect(!reader.is_followed() || size < bytes.size());
    }
    ::close(ends[0]);
    ::close(ends[1]);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0 || size > 60'000) {
        return 0;
    }
    const auto bytes = std::as_bytes(std::span(data, size));
    read_in_pieces(bytes.subspan(1), 1 + std::to_integer<std::size_t>(bytes[0]));
    read_in_pieces(bytes.subspan(1), bytes.size());
    read_alone(bytes.subspan(1));
    return 0;
}
