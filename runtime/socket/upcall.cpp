// SPDX-License-Identifier: Apache-2.0
//
// What a provider reports. These functions record and wake; they never call back into the provider, which may
// hold locks of its own.
#include <algorithm>
#include <cstring>

#include <sys/epoll.h>

#include "runtime/log.hpp"
#include "runtime/socket/message.hpp"
#include "runtime/socket/socket_object.hpp"

namespace joinleaf::socket {

// Copies the peer's data to the application (JL-81 ... JL-84); too much of it makes the join fail.
void socket_object::deliver_callee_data(const operation& op, const jl_outcome& outcome, std::int32_t& code) {
    if (op.callee == nullptr) {
        return;
    }
    const bool fits = outcome.callee_len <= op.callee_room;
    if (code == 0 && !fits) {
        code = WSAEFAULT;
    }
    const auto len = code == 0 && outcome.callee_data != nullptr ? outcome.callee_len : 0;
    if (len > 0) {
        std::memcpy(op.callee->buf, outcome.callee_data, len);
    }
    op.callee->len = len;
}

void socket_object::on_complete(std::uint64_t op, const jl_outcome& outcome) {
    socket_object* child = nullptr;
    socket_object* root = nullptr;
    auto code = outcome.code;
    {
        const std::lock_guard hold(lock_);
        if (operation_->id != op || !operation_->pending) {
            const bool known = operation_->id == op && operation_->code == WSA_OPERATION_ABORTED;
            if (!known) {
                log(severity::error,
                    "provider \"{}\" completed operation {} of socket {} twice; the second outcome is "
                    "ignored",
                    entry_.owner->name, op, number());
            }
            return;
        }
        if (operation_->cancelled) {
            code = WSA_OPERATION_ABORTED;
        }
        child = std::exchange(operation_.edit().child, nullptr);
        deliver_callee_data(*operation_, outcome, code);
    }
    auto& flow = child == nullptr ? *this : *child;
    const bool other_quality = settle_quality(outcome, code, flow);
    if (child != nullptr) {
        // The leaf's socket is usable before the root is told (JL-53).
        const std::lock_guard hold(child->lock_);
        root = std::exchange(child->inviting_root_, nullptr);
        if (code == 0) {
            child->establish();
        } else {
            child->connection_ = connection::failed;
            child->update_gates();
        }
    }
    finish_operation(code, child != nullptr);
    if (other_quality) {
        flow.record_quality_change(); // with FD_CONNECT or after it (QS-20)
    }
    if (child != nullptr) {
        child->drop();
    }
    if (root != nullptr) {
        root->drop();
    }
}

// The state after an outcome, FD_CONNECT, then FD_WRITE (EV-30, EV-38, EV-51).
void socket_object::finish_operation(std::int32_t code, bool invited) {
    dispatch::finished_operations finished(port());
    const std::lock_guard hold(lock_);
    auto& over = operation_.edit();
    over.pending = false;
    over.code = code;
    over.sentence = code == 0 ? std::string() : explanation();
    if (code != WSA_OPERATION_ABORTED) {
        record(FD_CONNECT, code);
    } else {
        over.told = true;
    }
    error_ = code == WSA_OPERATION_ABORTED ? 0 : code; // ER-33
    if (invited) {
        if (code == 0 && !has_had_leaf_) {
            has_had_leaf_ = true;
            update_gates();
            record(FD_WRITE, 0); // EV-40
        }
        if (code == 0 && (fd_kind_ == JL_FD_NONE || selected_ != 0)) {
            schedule_pump(); // arms for what the new leaf sends
        }
    } else if (code == 0) {
        establish();
    } else {
        connection_ = connectionless() && !multipoint() ? connection_ : connection::failed;
        update_gates();
    }
    if (auto* const told = std::exchange(over.overlapped, nullptr)) {
        told->code = code;
        if (code == 0 && bytes_of(told->message) > 0) {
            over.first_send = told; // its data goes now; this function must not call the provider
            schedule_pump();
        } else {
            finished.add(*told);
        }
    }
    kick(wait_operation | JL_OUT | JL_IN);
}

void socket_object::on_accepted(const jl_request& told) {
    auto one = std::make_shared<request>();
    one->provider_request = told.request;
    one->peer_len = std::min<std::uint32_t>(told.peer_len, sizeof one->peer);
    std::memcpy(&one->peer, told.peer, one->peer_len);
    if (told.caller_data != nullptr && told.caller_len > 0) {
        const auto* const bytes = static_cast<const std::byte*>(told.caller_data);
        one->caller_data.assign(bytes, bytes + told.caller_len);
    }
    one->callee_room = told.callee_room;
    if (told.qos != nullptr) {
        one->qos = *told.qos;
        one->qos->ProviderSpecific = {0, nullptr};
    }
    if (one->qos && qos::check(*one->qos, *entry_.protocol, JL_BOTH) != 0) {
        log(severity::info, "provider \"{}\": a request is refused: {}", entry_.owner->name,
            take_explanation());
        one->refusal = WSAEOPNOTSUPP;
        const std::lock_guard hold(lock_);
        admissions_.edit().withdrawn.push_back(std::move(one));
        schedule_pump();
        return;
    }
    const std::lock_guard hold(lock_);
    auto& queue = admissions_.edit().queue;
    queue.push_back(std::move(one));
    if (has_queued(JL_ACCEPT)) {
        schedule_pump(); // it is for an AcceptEx that waits
    } else if (!queue.front()->deferred) {
        record(FD_ACCEPT, 0);
    }
    signal(true);
    kick(JL_ACCEPT | JL_IN);
}

void socket_object::on_withdrawn(void* gone) {
    const std::lock_guard hold(lock_);
    auto& all = admissions_.edit();
    for (const auto& one : all.deciding) {
        if (one->provider_request == gone) {
            one->withdrawn = true;
            return;
        }
    }
    const auto found = std::find_if(all.queue.begin(), all.queue.end(),
                                    [&](const auto& one) { return one->provider_request == gone; });
    if (found != all.queue.end()) {
        if ((*found)->deferred) {
            record_.reenable(FD_ACCEPT); // no longer held back: what is behind it may be told (EV-34)
        }
        all.withdrawn.push_back(std::move(*found));
        all.queue.erase(found);
        schedule_pump();
    }
}

void socket_object::on_ready(std::uint32_t directions) {
    const std::lock_guard hold(lock_);
    if ((directions & (JL_IN | JL_ACCEPT)) != 0) {
        signal(true);
    }
    kick(directions);
    if (selected_.load(std::memory_order_relaxed) != 0 || queued_.load() != 0 ||
        binds_root_.load(std::memory_order_relaxed)) {
        schedule_pump();
    }
}

void socket_object::on_closed() {
    endpoint_gone();
}

// The last of them ends the socket; there are two while AcceptEx puts one in the other's place.
void socket_object::endpoint_gone() {
    {
        std::unique_lock hold(lock_);
        provider_closed_ = --endpoints_ == 0;
        if (provider_closed_) {
            kick(wait_closed);
        }
        cut_over.wait(
            hold, [this] { return cutting_ == std::thread::id{} || cutting_ == std::this_thread::get_id(); });
    }
    drop_descriptor();
    drop();
}

std::int32_t socket_object::on_expose(int fd, std::uint32_t conditions) {
    const std::lock_guard hold(lock_);
    if (!fd_) { // called inside `open`
        fd_kind_ = JL_FD_SET;
        fd_ = dispatch::above_standard_streams(dispatch::descriptor(::epoll_create1(EPOLL_CLOEXEC)));
        if (!fd_) {
            return WSAEMFILE;
        }
    }
    if (out_fd_.load() == fd && (conditions & JL_OUT) == 0) {
        out_fd_ = -1;
        if (out_watch_ != nullptr) {
            auto* const old = std::exchange(out_watch_, nullptr);
            old->owner->remove(
                old, [](void* self) { static_cast<socket_object*>(self)->drop(); }, this);
        }
    }
    if ((conditions & JL_OUT) != 0) {
        out_fd_ = fd;
    }
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP;
    if ((conditions & JL_IN) == 0) {
        ::epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, nullptr);
        return 0;
    }
    if (::epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event) != 0 && errno != EEXIST) {
        return jl_wsa_error(errno);
    }
    return 0;
}

} // namespace joinleaf::socket
