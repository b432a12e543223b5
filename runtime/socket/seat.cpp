// SPDX-License-Identifier: Apache-2.0
//
// AcceptEx: a connection takes its seat in a socket that is there already. The socket stays the same object with the same
// number; what changes is its endpoint, and the file behind the number.
#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "runtime/catalog/provider.hpp"
#include "runtime/explanation.hpp"
#include "runtime/log.hpp"
#include "runtime/socket/message.hpp"
#include "runtime/socket/socket_object.hpp"

namespace joinleaf::socket {

// A connection that is there and the AcceptEx that it is for.
struct socket_object::pairing {
    awaited_connection awaited;
    std::shared_ptr<request> who;
    std::uint64_t seating = 0;
};

bool socket_object::can_take_connection() const noexcept {
    return !closing_ && !bound_ && !listening_ && !operation_->pending && seating_->awaited_at == nullptr &&
           numbers_ == 1 && connection_ != connection::established;
}

std::int32_t socket_object::start_accept(dispatch::operation& one, socket_object& into,
                                         const address_blocks& names) {
    if (multipoint() || connectionless() || ops().listen == nullptr) {
        set_explanation(
            "AcceptEx is for ordinary connections; a session's requests are answered by WSAAccept");
        return WSAEOPNOTSUPP;
    }
    if (&into == this || &into.entry_ != &entry_ || into.multipoint()) {
        set_explanation("the accepting socket is not an ordinary one of the listener's protocol entry");
        return WSAEINVAL;
    }
    if (one.starter != nullptr) {
        dispatch::apc_queue::of_thread()->at_end(cancel_started_by); // IO-50
    }
    {
        const std::scoped_lock hold_both(lock_, into.lock_);
        if (!listening_ || !into.can_take_connection()) {
            return WSAEINVAL;
        }
        one.begin();
        admissions_.edit().awaited.push_back({&one, &into, names});
        queued_.fetch_or(JL_ACCEPT);
        into.seating_.edit().awaited_at = this;
        into.hold();
        hold();
        record_.reenable(FD_ACCEPT); // EV-33
    }
    serve_accepts();
    return WSA_IO_PENDING;
}

std::optional<socket_object::pairing> socket_object::next_pairing() {
    const std::lock_guard hold(lock_);
    if (admissions_->awaited.empty() || admissions_->queue.empty()) {
        return std::nullopt;
    }
    auto& all = admissions_.edit();
    pairing both{all.awaited.front(), std::move(all.queue.front()), ++all.seatings};
    all.seating.push_back({both.seating, both.awaited.one->name()});
    all.deciding.push_back(both.who);
    all.awaited.pop_front();
    all.queue.pop_front();
    if (all.awaited.empty()) {
        queued_.fetch_and(~JL_ACCEPT);
        kick(JL_ACCEPT);
    }
    return both;
}

// Gives the requests that are there to those who wait for one, and sees to it that the loop comes back for the others.
void socket_object::serve_accepts() {
    const auto inside = enter(); // closesocket waits for a loop that is here as for a call
    if (!inside) {
        return;
    }
    do {
        while (const auto both = next_pairing()) {
            seat(*both);
        }
    } while (has_queued(JL_ACCEPT) && awaits_requests());
    const std::lock_guard guard(guard_in_);
    if (!provider_ended_) {
        settle_signal(false);
        pump_accept();
    }
}

// Asks the provider for requests; whether there are any for an AcceptEx now.
bool socket_object::awaits_requests() {
    std::int32_t code = 0;
    {
        const std::lock_guard guard(guard_in_);
        if (provider_ended_ || arm(JL_ACCEPT, code) != JL_READY) {
            if (!provider_ended_ && kernel_tells(JL_ACCEPT)) {
                watch_for(dispatch::condition_in);
            }
            return false;
        }
    }
    const std::lock_guard hold(lock_);
    return !admissions_->queue.empty() && !admissions_->awaited.empty();
}

void socket_object::seat(const pairing& both) {
    dispatch::finished_operations finished(port());
    auto& one = *both.awaited.one;
    auto& into = *both.awaited.into;
    const auto inside = into.enter();
    bool answered = static_cast<bool>(inside);
    one.code = answered ? into.take_seat(*this, *both.who, answered) : WSA_OPERATION_ABORTED;
    if (answered) {
        const std::lock_guard hold(lock_);
        std::erase(admissions_.edit().deciding, both.who);
    } else {
        put_back(both.who); // as good as before, for the next call
    }
    if (one.code == 0) {
        const std::array<address_block, 2> blocks{both.awaited.names.local, both.awaited.names.remote};
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            sockaddr_storage name{};
            std::uint32_t length = sizeof name;
            const auto unknown = into.name(i == 1, reinterpret_cast<sockaddr*>(&name), &length);
            store_address(blocks.at(i), reinterpret_cast<const sockaddr*>(&name), unknown == 0 ? length : 0);
        }
    }
    const bool receives = one.code == 0 && bytes_of(one.message) > 0;
    if (receives) {
        one.told_at = port() == nullptr ? dispatch::port_association{} : *port();
        has_first_receives_ = true;
        into.receive_first(one);
    } else {
        finished.add(one);
    }
    leave_seating(both);
    let_go_of(both.awaited);
}

// A cancel that came too early for the one line and too late for the other has its effect now.
void socket_object::leave_seating(const pairing& both) {
    seated_accept left{};
    {
        const std::lock_guard hold(lock_);
        auto& all = admissions_.edit().seating;
        const auto found = std::ranges::find(all, both.seating, &seated_accept::number);
        left = *found;
        all.erase(found);
    }
    if (left.left != seated_accept::word::none) {
        auto& into = *both.awaited.into;
        into.cancel_in(into.receives_, JL_IN, left.name.overlapped, left.name.starter,
                       left.left == seated_accept::word::cancelled_quietly, identity_);
    }
}

// The wait is over, however it ended.
void socket_object::let_go_of(const awaited_connection& one) {
    socket_object* listener = nullptr;
    {
        const std::lock_guard hold(one.into->lock_);
        listener = std::exchange(one.into->seating_.edit().awaited_at, nullptr);
    }
    one.into->drop();
    if (listener != nullptr) {
        listener->drop();
    }
}

// Opens the endpoint of a request of the listener's and makes it this socket's. answered: false where the request is left as
// it was.
std::int32_t socket_object::take_seat(socket_object& listener, const request& who, bool& answered) {
    jl_handle* handle = nullptr;
    {
        const std::lock_guard hold_state(lock_);
        handle = &seating_.edit().further_handles.emplace_back(jl_handle{this});
        ++endpoints_;
        hold();
        descriptor_holds_.fetch_add(1);
    }
    jl_open open{};
    open.struct_size = sizeof open;
    open.protocol_index = entry_.protocol_index;
    open.family = entry_.protocol->family;
    open.type = entry_.protocol->socket_type;
    open.protocol = entry_.protocol->protocol;
    open.flags = flags_;
    open.parent = listener.endpoint_;
    open.request = who.provider_request;
    open.fd = -1;
    jl_endpoint* seated = nullptr;
    if (const auto code = ops().open(entry_.owner->instance, handle, &open, &seated); code != 0) {
        endpoint_gone();
        answered = code != WSAEMFILE; // AC-17: it waits for a descriptor
        if (answered) {
            listener.decline(who, WSAECONNREFUSED);
        }
        return code;
    }
    return change_endpoint(listener, who, *handle, open, seated);
}

std::int32_t socket_object::change_endpoint(socket_object& listener, const request& who, jl_handle& handle,
                                            const jl_open& opened, jl_endpoint* seated) {
    jl_answer given{};
    given.struct_size = sizeof given;
    dispatch::descriptor provider_fd(opened.fd_kind == JL_FD_OWN ? opened.fd : -1);
    auto code = listener.answer(who, seated, &given);
    code = code == 0 && opened.fd_kind != fd_kind_ ? WSAEINVALIDPROVIDER : code;
    drop_watches();
    {
        const std::scoped_lock guards(guard_in_, guard_out_);
        if (code == 0 && provider_ended_) {
            code = WSA_OPERATION_ABORTED; // closed meanwhile; the connection ends with the socket
        }
        if (code == 0) {
            ops().close(std::exchange(endpoint_, seated), JL_CLOSE_ABORT);
            handle_ = &handle;
            code = opened.fd_kind == JL_FD_OWN ? move_to(provider_fd.get()) : 0;
        } else {
            ops().close(seated, JL_CLOSE_ABORT);
        }
        if (code == 0) {
            for (const auto& one : seating_->given_options) {
                ops().set_option(endpoint_, one.level, one.name, one.value.data(),
                                 static_cast<std::uint32_t>(one.value.size()));
            }
        }
    }
    const std::lock_guard hold_state(lock_);
    if (provider_fd) {
        provider_fd_ = std::move(provider_fd);
    }
    if (code == 0) {
        error_ = 0;
        establish();
    }
    return code;
}

// The SOCKET becomes a second number of the kernel's socket that the provider has for the connection.
std::int32_t socket_object::move_to(int provider_fd) {
    {
        const std::lock_guard hold_state(lock_);
        if (endpoints_ != 1) {
            log(severity::error,
                "provider \"{}\": an endpoint without an address has not reported `closed` in `close`",
                entry_.owner->name);
            return WSAEINVALIDPROVIDER;
        }
    }
    if (::dup3(provider_fd, fd_.get(), O_CLOEXEC) < 0) {
        return jl_wsa_error(errno);
    }
    poll_device();
    return 0;
}

// The rest of an AcceptEx that waits for the first data of its connection.
void socket_object::receive_first(dispatch::operation& one) {
    dispatch::finished_operations finished(port());
    const std::lock_guard guard(guard_in_);
    auto code = receive_gate_.load(std::memory_order_acquire);
    code = code != 0 ? code : receives_.empty() ? receive_now(one) : WSAEWOULDBLOCK;
    if (code == WSAEWOULDBLOCK) {
        receives_.push(one);
        queued_.fetch_or(JL_IN);
        await(JL_IN, finished);
        return;
    }
    note_loss(code);
    one.code = code == 0 ? one.code : outcome_of_failure(one, code);
    finished.add(one);
}

// ---- cancelling

// lock_ is held.
template <class Meant> void socket_object::take_awaited(std::vector<awaited_connection>& to, Meant meant) {
    auto& all = admissions_.edit().awaited;
    std::ranges::copy_if(all, std::back_inserter(to), meant);
    std::erase_if(all, meant);
    if (all.empty() && !to.empty()) {
        queued_.fetch_and(~JL_ACCEPT);
        kick(JL_ACCEPT);
    }
}

// AcceptEx that wait for a connection: those meant, for one socket or for any (null).
std::size_t socket_object::cancel_accepts(const WSAOVERLAPPED* overlapped, const void* starter,
                                          const socket_object* into, bool quiet) {
    std::vector<awaited_connection> cancelled;
    std::size_t count = 0;
    {
        const std::lock_guard hold(lock_);
        if (admissions_) {
            count = into == nullptr ? cancel_seating(overlapped, starter, quiet) : 0;
            take_awaited(cancelled, [&](const awaited_connection& each) {
                return each.one->is_meant(overlapped, starter) && (into == nullptr || each.into == into);
            });
        }
    }
    {
        dispatch::finished_operations finished(port(), quiet);
        for (const auto& each : cancelled) {
            each.one->code = WSA_OPERATION_ABORTED;
            finished.add(*each.one);
        }
    }
    for (const auto& each : cancelled) {
        let_go_of(each);
    }
    if (!cancelled.empty() && selected_.load(std::memory_order_relaxed) != 0) {
        schedule_pump(); // FD_ACCEPT has its turn again
    }
    // Last: whoever has left the seating by now is in the line of its socket.
    count += into == nullptr ? cancel_first_receives(overlapped, starter, quiet) : 0;
    return count + cancelled.size();
}

// lock_ is held.
std::size_t socket_object::cancel_seating(const WSAOVERLAPPED* overlapped, const void* starter, bool quiet) {
    std::size_t count = 0;
    for (auto& each : admissions_.edit().seating) {
        if (each.name.is_meant(overlapped, starter)) {
            each.left = quiet ? seated_accept::word::cancelled_quietly : seated_accept::word::cancelled;
            ++count;
        }
    }
    return count;
}

// AcceptEx that have their connection and wait for its first data, in the line of another socket.
std::size_t socket_object::cancel_first_receives(const WSAOVERLAPPED* overlapped, const void* starter,
                                                 bool quiet) {
    std::size_t count = 0;
    if (has_first_receives_.load(std::memory_order_relaxed)) {
        std::vector<std::uintptr_t> numbers;
        open_sockets().each_number([&](std::uintptr_t number) { numbers.push_back(number); });
        for (const auto number : numbers) {
            const auto held = open_sockets().acquire(number);
            if (held && held.get() != this) {
                count += held->cancel_in(held->receives_, JL_IN, overlapped, starter, quiet, identity_);
            }
        }
    }
    return count;
}

// closesocket of a socket that an AcceptEx is to fill.
void socket_object::end_wait_at_listener() {
    socket_object* listener = nullptr;
    {
        const std::lock_guard hold(lock_);
        listener = seating_->awaited_at;
        if (listener == nullptr) {
            return;
        }
        listener->hold();
    }
    listener->cancel_accepts(nullptr, nullptr, this, false);
    listener->drop();
}

// ---- SO_UPDATE_ACCEPT_CONTEXT

// What a socket from accept has from the first moment on (JL-71); a registration of its own it keeps.
std::int32_t socket_object::take_context_of(SOCKET number) {
    const auto listener = open_sockets().acquire(number);
    if (!listener) {
        return WSAENOTSOCK;
    }
    if (listener.get() == this || &listener->entry_ != &entry_) {
        return WSAEINVAL;
    }
    bool registered = false;
    {
        const std::scoped_lock hold_both(lock_, listener->lock_);
        if (connection_ != connection::established || !listener->listening_) {
            return connection_ == connection::established ? WSAEINVAL : WSAENOTCONN;
        }
        nonblocking_ = listener->nonblocking_.load();
        linger_ = listener->linger_;
        send_timeout_ = std::chrono::milliseconds(listener->send_timeout_);
        receive_timeout_ = std::chrono::milliseconds(listener->receive_timeout_);
        conditional_accept_ = listener->conditional_accept_;
        if (record_.selected() == 0 && listener->record_.selected() != 0) {
            record_.inherit(listener->record_);
            selected_ = record_.selected();
            registered = true;
        }
        nonblocking_ = nonblocking_ || record_.selected() != 0; // EV-02
    }
    if (registered) {
        pump_all();
    }
    return 0;
}

} // namespace joinleaf::socket
