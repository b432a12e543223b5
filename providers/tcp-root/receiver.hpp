// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base.hpp"
#include "wire.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace joinleaf::tcp_root {

// The receiving side of a leaf: cuts the session's bytes into messages in the application's own thread. One
// read serves as many messages as came; a message that is mostly still in the kernel is read right into the
// application's buffer. Not synchronised.
class receiver {
  public:
    // fd stays the owner's; it stands at the first frame.
    void attach(int fd, const address& peer) noexcept;

    // The socket for which host->qos_changed is called when a frame of that kind comes by; none: nobody is told.
    void report_changes_to(jl_handle* socket) noexcept { socket_ = socket; }

    // As jl_ops.rx.
    std::int32_t take(jl_msg* messages, std::uint32_t count, std::uint32_t* done, std::uint32_t* left);

    // As jl_ops.arm for JL_IN: reads ahead until a message is whole or nothing more is there.
    std::int32_t check(std::int32_t* code);

    // Nothing is wanted any more; check goes on reading in order to learn of the end.
    void discard() noexcept { discard_ = true; }

    // Bytes of the messages that are here whole, after a look into the kernel's queue.
    std::uint64_t readable_bytes();

    // The root has left the session: nothing that is sent reaches anyone.
    [[nodiscard]] bool peer_has_left() const noexcept { return peer_left_; }
    // Nothing more is meant to come.
    [[nodiscard]] bool has_ended() const noexcept { return end_.has_value(); }
    // Why the connection was lost; 0: it was not.
    [[nodiscard]] std::int32_t error() const noexcept {
        const std::int32_t why = socket_end_.value_or(end_.value_or(0));
        return end_ == 0 ? 0 : why;
    }
    // Nobody is at the other end any more.
    [[nodiscard]] bool is_alone() const noexcept { return peer_left_ || socket_end_.has_value(); }
    // Everything that came from the root, signs of life included.
    [[nodiscard]] std::uint64_t read_bytes() const noexcept { return read_bytes_; }
    // Messages that the root did not send here.
    [[nodiscard]] std::uint64_t missing() const noexcept { return missing_; }
    // The root is taken for dead.
    void give_up(std::int32_t code) noexcept { socket_end_ = socket_end_.value_or(code); }

    [[nodiscard]] std::uint64_t taken_messages() const noexcept { return taken_messages_; }
    [[nodiscard]] std::uint64_t taken_bytes() const noexcept { return taken_bytes_; }

  private:
    enum class fill_result { data, direct, nothing };

    [[nodiscard]] std::size_t buffered() const noexcept { return last_ - first_; }
    [[nodiscard]] std::optional<std::int32_t> end_now() const noexcept;
    [[nodiscard]] bool is_over() const noexcept { return end_.has_value() || socket_end_.has_value(); }
    bool front_is_whole();
    bool parse_head();
    bool take_change(const wire::frame& head);
    void apply_control(const wire::frame& head);
    void drop_messages();
    void deliver(jl_msg& message);
    void deliver_gap(jl_msg& message) noexcept;
    void store_source(jl_msg& message) const noexcept;
    void finish_message(std::size_t bytes) noexcept;

    fill_result fill(jl_msg* target);
    [[nodiscard]] bool suits_direct(const jl_msg& target) const noexcept;
    fill_result read_direct(jl_msg& target);
    fill_result read_buffered();
    void make_room();
    void regrow(std::size_t capacity);
    void note_end(std::int64_t got, int error) noexcept;
    void note_read(std::int64_t got) noexcept {
        read_bytes_ += got > 0 ? static_cast<std::uint64_t>(got) : 0;
    }

    int fd_ = -1;
    jl_handle* socket_ = nullptr;
    address peer_;
    std::unique_ptr<std::byte[]> memory_;
    std::size_t capacity_ = 0;
    std::size_t first_ = 0; // unread bytes are [first_, last_)
    std::size_t last_ = 0;

    std::optional<wire::frame> current_; // the message at the front; its eight bytes are taken out
    bool has_source_ = false;            // and its source address too
    std::array<std::byte, wire::source_size> source_{};
    std::size_t unread_ = 0; // bytes of it that the application has not had
    bool began_ = false;     // the application has had some
    bool direct_tried_ = false;

    bool discard_ = false;
    bool full_ = false;               // the last read got all it could take
    std::optional<std::int32_t> end_; // an end frame, or bytes that are no frame; nothing behind counts
    std::optional<std::int32_t> socket_end_; // the connection is over; what is buffered still counts
    bool peer_left_ = false;
    std::uint64_t read_bytes_ = 0;
    std::uint64_t missing_ = 0;
    std::uint64_t taken_messages_ = 0;
    std::uint64_t taken_bytes_ = 0;
};

} // namespace joinleaf::tcp_root
