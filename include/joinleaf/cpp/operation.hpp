// SPDX-License-Identifier: Apache-2.0
//
// Asynchronous operations without whoever waits for them: each is a step that is tried, and tried again when the
// socket's event says that something happened. coroutine.hpp and asio.hpp do the waiting.
#pragma once

#include "session.hpp"

#include <memory>

namespace joinleaf::detail {

// Held by the operation that is under way.
using turn = std::shared_ptr<void>;

// What becomes readable when something can be tried again.
enum class news { descriptor, event };

// A socket whose calls do not wait, and the one event object that tells what its descriptor does not: the outcome
// of a join (EV-50), room to send, a close. For one thread at a time.
class watched {
  public:
    // Takes the socket over: it becomes nonblocking, its registration is replaced.
    [[nodiscard]] static result<std::unique_ptr<watched>> begin(socket from) {
        auto made = event::create();
        if (!made) {
            return std::move(made).error();
        }
        auto whole = std::unique_ptr<watched>(new watched(std::move(*made), std::move(from)));
        if (auto registered = whole->need(FD_CONNECT | FD_WRITE); !registered) {
            return registered.error();
        }
        whole->stream_ = whole->socket_.option<int>(SOL_SOCKET, SO_TYPE).value_or(0) == SOCK_STREAM;
        return whole;
    }

    [[nodiscard]] socket& get() noexcept { return socket_; }
    // Readable when the socket can be received from or accepted at, or note() has something to take.
    [[nodiscard]] int descriptor(news of) const noexcept {
        return of == news::descriptor ? socket_.descriptor() : event_.descriptor();
    }
    [[nodiscard]] bool stream() const noexcept { return stream_; }

    // Has these events recorded from now on; those whose condition holds, at once (EV-09).
    [[nodiscard]] result<void> need(LONG bits) {
        if ((registered_ & bits) == bits) {
            return {};
        }
        note();
        auto done = socket_.watch(event_, registered_ | bits);
        registered_ |= done ? bits : 0;
        return done;
    }
    // Takes what was recorded, and keeps the outcomes until somebody asks.
    void note() {
        const auto fresh = socket_.events(event_);
        if (!fresh) {
            return;
        }
        for (const LONG bit : {FD_CONNECT, FD_CLOSE, FD_QOS}) {
            if (fresh->has(bit)) {
                seen_.bits |= bit;
                seen_.codes[static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(bit)))] =
                    fresh->code(bit);
            }
        }
    }
    // The code with which the event came, if it came; it is forgotten, but for a close, which lasts.
    [[nodiscard]] std::optional<int> take(LONG bit) noexcept {
        if (!seen_.has(bit)) {
            return std::nullopt;
        }
        seen_.bits &= bit == FD_CLOSE ? ~0 : ~bit;
        return seen_.code(bit);
    }
    void forget(LONG bit) {
        note();
        seen_.bits &= ~bit;
    }

    // One join or connect at a time is waited for; null: another one is.
    [[nodiscard]] turn begin_connecting() {
        if (!connecting_.expired()) {
            return nullptr;
        }
        auto mine = std::make_shared<bool>(true);
        connecting_ = mine;
        return mine;
    }
    // What the runtime may write to until the join on this socket is complete, or the socket closed.
    void keep(std::unique_ptr<join_arguments> arguments) noexcept { arguments_ = std::move(arguments); }

    // Gives the socket back, without registration, nonblocking.
    [[nodiscard]] socket release() {
        static_cast<void>(socket_.unwatch().has_value());
        return std::move(socket_);
    }

  private:
    watched(event set, socket from) noexcept : event_(std::move(set)), socket_(std::move(from)) {}

    // In the order in which they have to outlive the socket.
    event event_;
    std::unique_ptr<join_arguments> arguments_{};
    socket socket_;
    network_events seen_{};
    LONG registered_ = 0;
    bool stream_ = false;
    std::weak_ptr<void> connecting_{};
};

// Nothing: not now.
template <class T> using tried = std::optional<result<T>>;

template <class T> [[nodiscard]] tried<T> unless_blocked(result<T> outcome) {
    if (!outcome && outcome.error().would_block()) {
        return std::nullopt;
    }
    return tried<T>(std::move(outcome));
}

// A socket that came out of another one, without the registration it inherited.
[[nodiscard]] inline socket weaned(socket child) {
    static_cast<void>(child.unwatch().has_value());
    return child;
}

// Each step says which events tell that it can be tried again, and whether the descriptor does as well.

struct receive_step {
    using value_type = std::size_t;
    static constexpr LONG bits = FD_READ | FD_CLOSE;
    static constexpr news first = news::descriptor;
    std::span<std::byte> room;
    DWORD flags;
    [[nodiscard]] tried<std::size_t> attempt(watched& on) const {
        return unless_blocked(on.get().receive(room, flags));
    }
};

struct receive_from_step {
    using value_type = received;
    static constexpr LONG bits = FD_READ | FD_CLOSE;
    static constexpr news first = news::descriptor;
    std::span<std::byte> room;
    DWORD flags;
    [[nodiscard]] tried<received> attempt(watched& on) const {
        return unless_blocked(on.get().receive_from(room, flags));
    }
};

struct send_step {
    using value_type = std::size_t;
    static constexpr LONG bits = FD_WRITE | FD_CLOSE;
    static constexpr news first = news::event;
    std::span<const std::byte> bytes;
    std::optional<address> to;
    DWORD flags;
    [[nodiscard]] tried<std::size_t> attempt(watched& on) const {
        return unless_blocked(to ? on.get().send_to(*to, bytes, flags) : on.get().send(bytes, flags));
    }
};

// Parts: what converts to a span of spans of bytes.
template <class Parts> struct gather_step {
    using value_type = std::size_t;
    static constexpr LONG bits = FD_WRITE | FD_CLOSE;
    static constexpr news first = news::event;
    Parts parts;
    [[nodiscard]] tried<std::size_t> attempt(watched& on) const {
        return unless_blocked(on.get().send(parts));
    }
};

// Condition: verdict(request&) noexcept, or nullptr_t for none.
template <class Condition> struct accept_step {
    using value_type = socket;
    static constexpr LONG bits = FD_ACCEPT;
    static constexpr news first = news::descriptor;
    Condition condition;
    [[nodiscard]] tried<socket> attempt(watched& on) {
        auto taken = unless_blocked(take(on.get()));
        if (taken && *taken) {
            **taken = weaned(std::move(**taken));
        }
        return taken;
    }

  private:
    [[nodiscard]] result<socket> take(socket& listener) {
        if constexpr (std::is_same_v<Condition, std::nullptr_t>) {
            return listener.accept();
        } else {
            static_assert(std::is_nothrow_invocable_r_v<verdict, Condition&, request&>,
                          "the condition of an asynchronous accept is a noexcept verdict(request&)");
            return listener.accept(condition);
        }
    }
};

// The outcome comes as FD_CONNECT on the socket that joins (JL-51). Dropped half-way it withdraws a root's
// invitation (JL-54); a leaf's join goes on until its socket is closed.
class join_step {
  public:
    using value_type = joined;
    static constexpr LONG bits = FD_CONNECT;
    static constexpr news first = news::event;
    join_step(const address& name, join_options options) : name_(name), options_(std::move(options)) {}

    [[nodiscard]] tried<joined> attempt(watched& on) {
        if (!under_way_) {
            return begin(on);
        }
        const auto code = on.take(FD_CONNECT);
        if (!code) {
            return std::nullopt;
        }
        under_way_.reset();
        if (*code != 0) {
            return tried<joined>(error(*code));
        }
        return tried<joined>(joined{std::move(branch_), arguments_->answer()});
    }

  private:
    [[nodiscard]] tried<joined> begin(watched& on) {
        under_way_ = on.begin_connecting();
        if (!under_way_) {
            return tried<joined>(error(WSAEALREADY));
        }
        on.forget(FD_CONNECT);
        auto arguments = std::make_unique<join_arguments>(std::move(options_));
        const SOCKET handle = arguments->join(on.get().handle(), name_);
        if (handle == INVALID_SOCKET) {
            under_way_.reset();
            return tried<joined>(error::last());
        }
        if (handle != on.get().handle()) {
            branch_ = weaned(socket(handle, true));
        }
        arguments_ = arguments.get();
        on.keep(std::move(arguments));
        on.note(); // over already, perhaps
        return attempt(on);
    }

    address name_;
    join_options options_;
    const join_arguments* arguments_ = nullptr; // kept by the socket
    turn under_way_{};
    socket branch_{};
};

class connect_step {
  public:
    using value_type = void;
    static constexpr LONG bits = FD_CONNECT;
    static constexpr news first = news::event;
    explicit connect_step(const address& name) : name_(name) {}

    [[nodiscard]] tried<void> attempt(watched& on) {
        if (!under_way_) {
            return begin(on);
        }
        const auto code = on.take(FD_CONNECT);
        if (!code) {
            return std::nullopt;
        }
        under_way_.reset();
        return *code == 0 ? tried<void>(result<void>()) : tried<void>(error(*code));
    }

  private:
    [[nodiscard]] tried<void> begin(watched& on) {
        under_way_ = on.begin_connecting();
        if (!under_way_) {
            return tried<void>(error(WSAEALREADY));
        }
        on.forget(FD_CONNECT);
        auto done = unless_blocked(on.get().connect(name_));
        if (done) {
            under_way_.reset();
        }
        return done;
    }

    address name_;
    turn under_way_{};
};

// Waits for FD_CLOSE or FD_QOS; the value is its code.
template <LONG Bit> struct event_step {
    using value_type = int;
    static constexpr LONG bits = Bit;
    static constexpr news first = news::event;
    [[nodiscard]] tried<int> attempt(watched& on) const {
        const auto code = on.take(Bit);
        return code ? tried<int>(*code) : std::nullopt;
    }
};

// A step with what it waits for. The descriptor is the shorter way, but that of a root is readable for requests and for
// data alike: who was woken in vain some times goes on with the events, which tell them apart.
template <class Step> class attempts {
  public:
    using value_type = typename Step::value_type;
    explicit attempts(Step step) : step_(std::move(step)) {}

    // woken: what it waited for is readable.
    [[nodiscard]] tried<value_type> attempt(watched& on, bool woken) {
        if (waits_for_ == news::event) {
            on.note();
        }
        auto done = step_.attempt(on);
        if (done) {
            return done;
        }
        if (woken && waits_for_ == news::descriptor && ++vain_ == patience) {
            waits_for_ = news::event;
        }
        if (waits_for_ == news::event) {
            if (auto told = on.need(Step::bits); !told) {
                return tried<value_type>(told.error());
            }
        }
        return std::nullopt;
    }
    [[nodiscard]] news waits_for() const noexcept { return waits_for_; }
    [[nodiscard]] const Step& step() const noexcept { return step_; }

  private:
    static constexpr unsigned patience = 3;

    Step step_;
    news waits_for_ = Step::first;
    unsigned vain_ = 0;
};

} // namespace joinleaf::detail
