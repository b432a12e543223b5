// SPDX-License-Identifier: Apache-2.0
//
// Sending and receiving with a header in each datagram: packed (option `coalesce`), numbered (`sequence`) or
// both. Apart from a message of very many pieces nothing here allocates.
#include "endpoint.hpp"

#include "joinleaf/provider/buffers.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace joinleaf::udp_mcast {

namespace {

// The headers of some messages, each before its message's pieces.
class wrapping {
  public:
    // False: no room.
    bool add(const jl_msg& message, const envelope& header) {
        const std::size_t needed = message.iov_count + 1U;
        if (count_ == most || (count_ > 0 && used_ + needed > pieces_.size())) {
            return false;
        }
        iovec* to = pieces_.data() + used_;
        if (needed > pieces_.size()) {
            many_.resize(needed);
            to = many_.data();
        } else {
            used_ += needed;
        }
        header.write(headers_[count_].data());
        to[0] = {headers_[count_].data(), envelope::size};
        std::copy_n(message.iov, message.iov_count, to + 1);
        messages_[count_] = message;
        messages_[count_].iov = to;
        messages_[count_].iov_count = static_cast<std::uint32_t>(needed);
        ++count_;
        return needed <= pieces_.size();
    }
    [[nodiscard]] std::span<jl_msg> messages() noexcept { return {messages_.data(), count_}; }

  private:
    static constexpr std::size_t most = 64;
    std::size_t count_ = 0;
    std::size_t used_ = 0;
    std::array<jl_msg, most> messages_;
    std::array<std::array<char, envelope::size>, most> headers_;
    std::array<iovec, 256> pieces_;
    std::vector<iovec> many_;
};

} // namespace

bool endpoint::goes_to_session(const jl_msg& message) const noexcept {
    return message.addr == nullptr ? aims_at_session_
                                   : session_ && message.addr_len == session_.length &&
                                         std::memcmp(message.addr, &session_.six, session_.length) == 0;
}

envelope endpoint::header_for(bool to_session, bool packed) const noexcept {
    const bool counts = to_session && owner_.options().sequence;
    return {static_cast<std::uint8_t>((packed ? envelope::packed : 0U) | (counts ? envelope::numbered : 0U)),
            sender_, counts ? next_number_ : 0};
}

std::int32_t endpoint::send_enveloped(jl_msg* messages, std::uint32_t count, std::uint32_t& done) {
    std::int32_t code = 0;
    while (done < count && code == 0) {
        if (outbox_ == nullptr) {
            code = send_wrapped(messages, count, done);
        } else if (pack(messages, count, done)) {
            const std::lock_guard order(outbox_->departure);
            code = depart(); // what was sent before goes before
            if (code == 0 && done < count && !is_packed(messages[done])) {
                code = send_wrapped(messages, count, done);
            }
        }
    }
    return done > 0 ? 0 : code;
}

bool endpoint::is_packed(const jl_msg& message) const noexcept {
    return message.flags == 0 && goes_to_session(message) &&
           outbox_->packs(provider::total(provider::parts_of(message)));
}

// Adds messages, up to one that is not packed or finds no room. Whether something has to leave now.
bool endpoint::pack(jl_msg* messages, std::uint32_t count, std::uint32_t& done) {
    const std::lock_guard hold(outbox_->lock);
    for (; done < count && is_packed(messages[done]); ++done) {
        auto& next = messages[done];
        const auto size = provider::total(provider::parts_of(next));
        if (!outbox_->add(next, size, header_for(true, true))) {
            return true;
        }
        ++next_number_;
        next.size = size;
        sent_.add(size);
    }
    return done < count || outbox_->is_due();
}

// What has gathered leaves, behind what is left of an earlier departure. Once: who floods the socket meanwhile would
// hold a loop of the host for ever. WSAEWOULDBLOCK: something is still there.
std::int32_t endpoint::depart() {
    std::int32_t code = 0;
    for (int turns = outbox_->leaving().empty() ? 1 : 2; turns > 0 && code == 0 && outbox_->load(); --turns) {
        while (!outbox_->leaving().empty() && code == 0) {
            code = send_load();
        }
    }
    if (code == WSAEWOULDBLOCK) {
        outbox_->try_later();
    }
    return code;
}

// Another error than WSAEWOULDBLOCK belongs to messages whose sends have succeeded long ago, and ends them.
std::int32_t endpoint::send_load() {
    std::array<iovec, 64> pieces;
    std::array<jl_msg, 64> datagrams;
    auto& load = outbox_->leaving();
    const auto count = std::min(load.count(), datagrams.size());
    for (std::size_t i = 0; i < count; ++i) {
        const auto bytes = load.datagram(i);
        pieces[i] = {bytes.data(), bytes.size()};
        datagrams[i] = {&pieces[i], 1, 0, &session_.any, session_.length, 0, 0};
    }
    std::uint32_t left = 0;
    const auto code = send_many(datagrams.data(), static_cast<std::uint32_t>(count), left);
    outbox_->note_departure();
    if (code != 0 && code != WSAEWOULDBLOCK) {
        for (std::size_t i = 0; i < count; ++i) {
            lost_in_outbox_.fetch_add(load.messages_in(i), std::memory_order_relaxed);
        }
        left = static_cast<std::uint32_t>(count);
        refusal_.store(code, std::memory_order_relaxed);
    }
    load.drop(left);
    return code;
}

// Messages that are not packed, each behind its header.
std::int32_t endpoint::send_wrapped(jl_msg* messages, std::uint32_t count, std::uint32_t& done) {
    wrapping wrapped;
    auto number = next_number_;
    for (auto i = done; i < count; ++i) {
        const bool to_session = goes_to_session(messages[i]);
        if (outbox_ != nullptr && i > done && is_packed(messages[i])) {
            break;
        }
        auto header = header_for(to_session, false);
        header.number = (header.flags & envelope::numbered) != 0 ? number++ : 0;
        if (!wrapped.add(messages[i], header)) {
            break;
        }
    }
    const auto all = wrapped.messages();
    std::uint32_t sent = 0;
    const auto code = send_many(all.data(), static_cast<std::uint32_t>(all.size()), sent);
    for (std::uint32_t i = 0; i < sent; ++i, ++done) {
        next_number_ += goes_to_session(messages[done]) ? 1U : 0U;
        messages[done].size = all[i].size - envelope::size;
        sent_.add(messages[done].size);
    }
    return code;
}

void endpoint::on_delay_over(void* raw) {
    auto& self = *static_cast<endpoint*>(raw);
    self.depart();
    self.end_flood();
}

// Before the socket sends otherwise, or changes what concerns datagrams that leave later.
std::int32_t endpoint::let_go() {
    if (outbox_ == nullptr) {
        return 0;
    }
    const std::lock_guard order(outbox_->departure);
    return depart();
}

// SIO_FLUSH: what has not left is gone (IO-31).
void endpoint::discard_unsent() {
    if (outbox_ != nullptr) {
        const std::lock_guard order(outbox_->departure);
        outbox_->discard();
    }
}

// ---- receiving

// Looks for a datagram of the session's format and opens it. 0 or an errno.
int endpoint::open_next() {
    for (;;) {
        if (!ahead_.holds()) {
            received_.add_call();
            if (const int error = ahead_.fetch(); error != 0) {
                return error;
            }
        }
        if (opened_.open(ahead_.datagram())) {
            break;
        }
        malformed_.fetch_add(1, std::memory_order_relaxed);
        if (const int error = ahead_.step(); error != 0) {
            return error;
        }
    }
    show_next();
    if ((opened_.header().flags & envelope::numbered) != 0) {
        gap_ += numbers_->note(address_from(ahead_.source(), ahead_.source_length()), opened_.header(),
                               opened_.count());
    }
    return 0;
}

std::int32_t endpoint::leaves(jl_leaf_stats* leaves, std::uint32_t room, std::uint32_t* count) {
    *count = 0;
    if (!owner_.options().sequence || !enveloped_) {
        return WSAEOPNOTSUPP;
    }
    for (const auto& sender : numbers_->all()) {
        if (*count < room) {
            auto& to = leaves[*count];
            std::memcpy(&to.peer, &sender.name.any, sender.name.length);
            to.peer_len = sender.name.length;
            to.received_messages = sender.received;
            to.gaps = sender.missing;
        }
        ++*count;
    }
    return 0;
}

void endpoint::show_next() noexcept {
    next_size_.store(static_cast<int>(opened_.message().size()), std::memory_order_relaxed);
}

// Hands one message, or the news of a gap, out. 0 or an errno, and then it is still the next one.
int endpoint::take_enveloped(jl_msg& message, bool peek) {
    if (!opened_.is_open()) {
        if (const int error = open_next(); error != 0) {
            return error;
        }
    }
    ahead_.describe(message);
    if (gap_ > 0) {
        message.flags = (message.flags & (JL_MSG_PEEK | JL_MSG_GROUP)) | JL_MSG_GAP;
        message.gap = std::exchange(gap_, 0); // once, a peek included (JLP-19)
        message.size = 0;
        return 0;
    }
    const auto whole = opened_.message();
    message.size = provider::scatter(provider::parts_of(message), 0, std::as_bytes(whole));
    message.flags |= message.size < whole.size() ? JL_MSG_CUT : 0U;
    if (peek) {
        return 0;
    }
    if (!opened_.is_last()) {
        opened_.advance();
        show_next();
    } else if (const int error = ahead_.step(); error != 0) {
        return error;
    } else {
        opened_.close();
        const auto next = ahead_.holds() ? ahead_.datagram() : std::span<const char>();
        next_size_.store(ahead_.holds() ? static_cast<int>(opened_envelope::first_size(next, next.size()))
                                        : -1,
                         std::memory_order_relaxed);
    }
    received_.add(message.size);
    return 0;
}

} // namespace joinleaf::udp_mcast
