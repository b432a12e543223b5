// SPDX-License-Identifier: Apache-2.0
#include "frame_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace joinleaf::tcp_root {
namespace {

// A frame in progress takes memory in such steps, and doubles; never what its header merely announces.
constexpr std::size_t first_step = 256u << 10;

// More than this is given back after a big frame.
constexpr std::size_t worth_keeping = 4096;

} // namespace

std::size_t frame_reader::wanted_size() const noexcept {
    if (kept_.size() < wire::frame_size) {
        return wire::frame_size;
    }
    const auto head =
        wire::decode_frame(std::span<const std::byte, wire::frame_size>(kept_.data(), wire::frame_size));
    return head ? wire::frame_size + head->size : wire::frame_size;
}

frame_reader::state frame_reader::receive(int fd, std::span<std::byte> room, std::size_t& got) {
    ssize_t n = 0;
    do {
        n = ::recv(fd, room.data(), room.size(), MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    got = n > 0 ? static_cast<std::size_t>(n) : 0;
    full_ = got == room.size();
    if (n > 0) {
        return state::data;
    }
    error_ = n == 0 ? 0 : errno;
    return n == 0 ? state::end : error_ == EAGAIN ? state::empty : state::error;
}

frame_reader::state frame_reader::fill(int fd, std::span<std::byte> scratch) {
    const std::size_t size = kept_.empty() ? 0 : wanted_size();
    return size > scratch.size() / 2 ? fill_big(fd, size) : fill_scratch(fd, scratch);
}

frame_reader::state frame_reader::fill_scratch(int fd, std::span<std::byte> scratch) {
    const std::size_t before = kept_.size();
    std::size_t got = 0;
    const state result = receive(fd, scratch.subspan(before), got);
    if (result == state::data) {
        if (before != 0) {
            std::memcpy(scratch.data(), kept_.data(), before);
            kept_.clear();
        }
        window_ = scratch.first(before + got);
    }
    return result;
}

frame_reader::state frame_reader::fill_big(int fd, std::size_t size) {
    big_ = true;
    const std::size_t before = kept_.size();
    kept_.resize(std::min(size, before + std::max(before, first_step)));
    std::size_t got = 0;
    const state result = receive(fd, std::span(kept_).subspan(before), got);
    kept_.resize(before + got);
    if (kept_.size() == size) {
        window_ = kept_;
    }
    return result;
}

std::optional<frame_reader::item> frame_reader::next() {
    if (window_.size() < wire::frame_size || broken_) {
        return std::nullopt;
    }
    const auto head = wire::decode_frame(window_.first<wire::frame_size>());
    if (!head) {
        broken_ = true;
        return std::nullopt;
    }
    if (window_.size() - wire::frame_size < head->size) {
        return std::nullopt;
    }
    const item out{*head, window_.subspan(wire::frame_size, head->size)};
    window_ = window_.subspan(wire::frame_size + head->size);
    return out;
}

void frame_reader::save() {
    if (!big_) {
        if (!window_.empty()) {
            kept_.assign(window_.begin(), window_.end());
        }
    } else if (window_.data() != nullptr) {
        // The big frame was complete and has been taken.
        big_ = false;
        kept_.clear();
        if (kept_.capacity() > worth_keeping) {
            kept_ = {};
        }
    }
    window_ = {};
}

} // namespace joinleaf::tcp_root
