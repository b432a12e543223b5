// SPDX-License-Identifier: Apache-2.0
//
// joinleaf's sockets on an io_context of the application: every call takes a completion token (use_awaitable,
// use_future, a callback, yield ...). Header-only; needs Boost.Asio 1.74 or newer, which the program brings: the
// package of joinleaf depends on no Boost. Nothing starts a thread.
//
//   joinleaf::asio::socket news(context, joinleaf::group::join({"239.255.1.2", 5000}).value());
//   std::size_t size = co_await news.async_receive(boost::asio::buffer(room));
#pragma once

#include "cpp/operation.hpp"

#include <array>
#include <utility>

#if defined(FIONBIO) && defined(JL_CAST)
#pragma push_macro("FIONBIO")
#pragma push_macro("FIONREAD")
#pragma push_macro("SIOCATMARK")
#undef FIONBIO
#undef FIONREAD
#undef SIOCATMARK
#define FIONBIO JL_HOST_FIONBIO
#define FIONREAD JL_HOST_FIONREAD
#define SIOCATMARK JL_HOST_SIOCATMARK
#endif
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>
#if defined(FIONBIO) && defined(JL_CAST)
#pragma pop_macro("SIOCATMARK")
#pragma pop_macro("FIONREAD")
#pragma pop_macro("FIONBIO")
#endif

namespace joinleaf::asio {

namespace detail {

using joinleaf::detail::tried;
using joinleaf::detail::watched;

class winsock_codes : public boost::system::error_category {
  public:
    [[nodiscard]] const char* name() const noexcept override { return "winsock"; }
    [[nodiscard]] std::string message(int code) const override { return winsock_category().message(code); }
    [[nodiscard]] boost::system::error_condition default_error_condition(int code) const noexcept override {
        const auto same = joinleaf::detail::portable_condition(code);
        return same
                   ? boost::system::error_condition(static_cast<int>(*same), boost::system::generic_category())
                   : boost::system::error_condition(code, *this);
    }
};

} // namespace detail

// Winsock's codes as Boost knows error codes; one equals the boost::system::errc of the same meaning. [any]
[[nodiscard]] inline const boost::system::error_category& error_category() noexcept {
    static const detail::winsock_codes codes;
    return codes;
}

// What a completion handler is given for a failure: boost::asio::error::operation_aborted for a cancelled call,
// boost::asio::error::eof for the end of a session or stream, else the code in error_category(). [any]
[[nodiscard]] inline boost::system::error_code make_error_code(const error& reason) noexcept {
    if (reason.is_cancelled()) {
        return boost::asio::error::operation_aborted;
    }
    if (reason.is_end()) {
        return boost::asio::error::eof;
    }
    return {reason.code(), error_category()};
}

template <class Executor> class basic_socket;

// What async_join gives.
template <class Executor> struct basic_joined {
    basic_socket<Executor> branch; // a root that invited: its socket for that leaf; else empty
    std::string answer;            // what the other end's condition function answered
};

namespace detail {

// A socket, and Asio's watches on it; kept alive by the operations that use it.
template <class Executor> struct state {
    using descriptor = boost::asio::posix::basic_stream_descriptor<Executor>;

    state(const Executor& executor, std::unique_ptr<watched> what)
        : on(std::move(what)), watches{descriptor(executor), descriptor(executor)} {}
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state() { close(); }

    // Asio's watch on one of the socket's descriptors, set up when it is first used.
    descriptor& watch(joinleaf::detail::news what, boost::system::error_code& trouble) {
        auto& one = watches[static_cast<std::size_t>(what)];
        if (!one.is_open()) {
            one.assign(on->descriptor(what), trouble);
        }
        return one;
    }
    void cancel() {
        ++generation;
        boost::system::error_code never_used;
        for (auto& each : watches) {
            each.cancel(never_used);
        }
    }
    // Descriptors go back before they are closed.
    std::unique_ptr<watched> leave() {
        ++generation;
        for (auto& each : watches) {
            if (each.is_open()) {
                each.release();
            }
        }
        return std::move(on);
    }
    void close() { leave().reset(); }

    std::unique_ptr<watched> on;
    std::array<descriptor, 2> watches;
    unsigned generation = 0; // operations of a former one are cancelled
};

// How a completion handler gets a value, and what it gets beside an error.
template <class Value> struct delivery {
    template <class Executor> using type = Value;
    template <class Executor> static Value nothing(const Executor&) { return Value{}; }
    template <class Executor> static result<Value> of(const Executor&, Value value) { return value; }
};
template <> struct delivery<socket> {
    template <class Executor> using type = basic_socket<Executor>;
    template <class Executor> static basic_socket<Executor> nothing(const Executor& executor) {
        return basic_socket<Executor>(executor);
    }
    template <class Executor>
    static result<basic_socket<Executor>> of(const Executor& executor, socket value) {
        return basic_socket<Executor>::begin(executor, std::move(value));
    }
};
template <> struct delivery<joined> {
    template <class Executor> using type = basic_joined<Executor>;
    template <class Executor> static basic_joined<Executor> nothing(const Executor& executor) {
        return {basic_socket<Executor>(executor), {}};
    }
    template <class Executor>
    static result<basic_joined<Executor>> of(const Executor& executor, joined value) {
        auto branch = value.branch ? basic_socket<Executor>::begin(executor, std::move(value.branch))
                                   : result<basic_socket<Executor>>(basic_socket<Executor>(executor));
        if (!branch) {
            return std::move(branch).error();
        }
        return basic_joined<Executor>{std::move(*branch), std::move(value.answer)};
    }
};

// The end of a stream is 0 bytes for Winsock, an error for Asio.
template <class Step> [[nodiscard]] bool is_end_of_stream(const Step&, const watched&, std::size_t) {
    return false;
}
[[nodiscard]] inline bool is_end_of_stream(const joinleaf::detail::receive_step& step, const watched& on,
                                           std::size_t size) {
    return size == 0 && !step.room.empty() && on.stream();
}

// Tries the step, waits for the event, tries again. Asio's composed operation around it has the executor and the
// allocator of the handler, in whose executor all of this runs.
template <class Step, class Executor> class composed {
  public:
    using value_type = typename Step::value_type;

    composed(const Executor& executor, std::shared_ptr<state<Executor>> with, Step step)
        : executor_(executor),
          with_(std::move(with)),
          generation_(with_ ? with_->generation : 0),
          attempts_(std::move(step)) {}

    template <class Self> void operator()(Self& self, boost::system::error_code trouble = {}) {
        const bool first = !std::exchange(begun_, true);
        if (!done_) {
            attempt(trouble, !first);
        }
        if (!done_) {
            // The operation moves out of *this; its socket must not go with it.
            auto& watch = with_->watch(attempts_.waits_for(), trouble);
            if (!trouble) {
                watch.async_wait(boost::asio::posix::descriptor_base::wait_read, std::move(self));
                return;
            }
            done_.emplace(error(WSAENOBUFS, trouble.message()));
        }
        if (first) {
            const auto executor = executor_;
            boost::asio::post(executor, std::move(self)); // never from inside the call that began it
        } else {
            finish(self);
        }
    }

  private:
    void attempt(const boost::system::error_code& trouble, bool woken) {
        if (!with_) {
            done_.emplace(error(WSAENOTSOCK));
        } else if (with_->generation != generation_) {
            done_.emplace(error(WSA_OPERATION_ABORTED));
        } else if (trouble) {
            done_.emplace(error(WSAENETDOWN, trouble.message()));
        } else {
            done_ = attempts_.attempt(*with_->on, woken);
            note_end();
        }
    }
    void note_end() {
        if constexpr (std::is_same_v<value_type, std::size_t>) {
            if (done_ && *done_ && is_end_of_stream(attempts_.step(), *with_->on, **done_)) {
                done_.emplace(error(WSAEDISCON));
            }
        }
    }
    template <class Self> void finish(Self& self) {
        // All that the operation holds goes before the handler is called, which may begin the next one.
        auto outcome = std::move(*done_);
        const auto executor = executor_;
        { [[maybe_unused]] const auto spent = std::move(attempts_); }
        with_.reset();
        if constexpr (std::is_void_v<value_type>) {
            self.complete(outcome ? boost::system::error_code() : make_error_code(outcome.error()));
        } else {
            using given = delivery<value_type>;
            if (outcome) {
                auto value = given::of(executor, std::move(*outcome));
                if (value) {
                    self.complete(boost::system::error_code(), std::move(*value));
                    return;
                }
                outcome = std::move(value).error();
            }
            self.complete(make_error_code(outcome.error()), given::nothing(executor));
        }
    }

    Executor executor_;
    std::shared_ptr<state<Executor>> with_;
    unsigned generation_;
    joinleaf::detail::attempts<Step> attempts_;
    tried<value_type> done_{};
    bool begun_ = false;
};

template <class Value, class Executor> struct signature {
    using type = void(boost::system::error_code, typename delivery<Value>::template type<Executor>);
};
template <class Executor> struct signature<void, Executor> { using type = void(boost::system::error_code); };

} // namespace detail

// A socket whose calls complete on an executor of the application's. Several may be under way at a time; each
// completes once. close(), cancel() and the destructor complete them with operation_aborted. Buffers are in use
// until then. As with Asio's own sockets, one object is for one thread, or one strand, at a time; a handler runs in
// its associated executor, else in that of the socket. Move-only; the io_context outlives it.
template <class Executor = boost::asio::any_io_executor> class basic_socket {
  public:
    using executor_type = Executor;
    template <class Other> struct rebind_executor { using other = basic_socket<Other>; };

    // Empty: every call completes with WSAENOTSOCK.
    explicit basic_socket(const Executor& executor) : executor_(executor) {}
    // Takes the socket over: it becomes nonblocking. Throws failure, as begin, and boost::system::system_error.
    basic_socket(const Executor& executor, socket from)
        : basic_socket(begin(executor, std::move(from)).value()) {}
    template <class Context,
              class = std::enable_if_t<std::is_convertible_v<Context&, boost::asio::execution_context&>>>
    basic_socket(Context& context, socket from)
        : basic_socket(Executor(context.get_executor()), std::move(from)) {}

    // The same without an exception. WSAENOTSOCK, WSA_NOT_ENOUGH_MEMORY, WSAENOBUFS.
    [[nodiscard]] static result<basic_socket> begin(const Executor& executor, socket from) {
        auto on = detail::watched::begin(std::move(from));
        if (!on) {
            return std::move(on).error();
        }
        try {
            basic_socket made(executor);
            made.state_ = std::make_shared<detail::state<Executor>>(executor, std::move(*on));
            return made;
        } catch (const boost::system::system_error& refused) {
            return error(WSAENOBUFS, refused.what());
        }
    }

    // Empty after a move, but for its executor.
    basic_socket(basic_socket&& other) noexcept
        : executor_(other.get_executor()), state_(std::move(other.state_)) {}
    basic_socket& operator=(basic_socket&& other) noexcept {
        if (this != &other) {
            close();
            executor_ = other.executor_;
            state_ = std::move(other.state_);
        }
        return *this;
    }
    ~basic_socket() { close(); }

    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }
    [[nodiscard]] bool is_open() const noexcept { return state_ != nullptr; }
    // For addresses, options and figures. Not while *this is empty.
    [[nodiscard]] socket& get() noexcept { return state_->on->get(); }

    // A root's invitation is withdrawn; a leaf's join can only be ended by close().
    void cancel() {
        if (state_) {
            state_->cancel();
        }
    }
    void close() noexcept {
        if (state_) {
            state_->close();
            state_.reset();
        }
    }
    // Cancels, and gives the socket back; it is nonblocking. Not while *this is empty.
    [[nodiscard]] socket release() { return std::exchange(state_, nullptr)->leave()->release(); }

    using default_token = typename boost::asio::default_completion_token<Executor>::type;

    // void(error_code, std::size_t). eof: the end of the session, or of the stream.
    template <class Token = default_token>
    auto async_receive(boost::asio::mutable_buffer room, Token&& token = default_token()) {
        return begin_step(joinleaf::detail::receive_step{bytes(room), 0}, token);
    }
    // void(error_code, received)
    template <class Token = default_token>
    auto async_receive_from(boost::asio::mutable_buffer room, Token&& token = default_token()) {
        return begin_step(joinleaf::detail::receive_from_step{bytes(room), 0}, token);
    }
    // void(error_code, std::size_t). A message goes whole; a stream may take less.
    template <class Token = default_token>
    auto async_send(boost::asio::const_buffer data, Token&& token = default_token()) {
        return begin_step(joinleaf::detail::send_step{bytes(data), std::nullopt, 0}, token);
    }
    // The buffers of a sequence as one message.
    template <class Buffers, class Token = default_token>
    requires(boost::asio::is_const_buffer_sequence<Buffers>::value &&
             !std::is_convertible_v<
                 const Buffers&, boost::asio::const_buffer>) auto async_send(const Buffers& buffers,
                                                                             Token&& token = default_token()) {
        std::vector<std::span<const std::byte>> parts;
        for (auto each = boost::asio::buffer_sequence_begin(buffers),
                  end = boost::asio::buffer_sequence_end(buffers);
             each != end; ++each) {
            parts.push_back(bytes(boost::asio::const_buffer(*each)));
        }
        return begin_step(
            joinleaf::detail::gather_step<std::vector<std::span<const std::byte>>>{std::move(parts)}, token);
    }
    template <class Token = default_token>
    auto async_send_to(boost::asio::const_buffer data, const address& to, Token&& token = default_token()) {
        return begin_step(joinleaf::detail::send_step{bytes(data), to, 0}, token);
    }
    // void(error_code, basic_socket)
    template <class Token = default_token> auto async_accept(Token&& token = default_token()) {
        return begin_step(joinleaf::detail::accept_step<std::nullptr_t>{nullptr}, token);
    }
    // condition: a noexcept verdict(request&), which is copied.
    template <class Condition, class Token = default_token>
    requires std::is_invocable_r_v < verdict, std::decay_t<Condition>
    &, request& > auto async_accept(Condition&& condition, Token&& token = default_token()) {
        return begin_step(
            joinleaf::detail::accept_step<std::decay_t<Condition>>{std::forward<Condition>(condition)}, token);
    }
    // void(error_code, basic_joined)
    template <class Token = default_token>
    auto async_join(const address& name, join_options options, Token&& token = default_token()) {
        return begin_step(joinleaf::detail::join_step(name, std::move(options)), token);
    }
    template <class Token = default_token>
    requires(!std::is_same_v<std::decay_t<Token>, join_options>) auto async_join(
        const address& name, Token&& token = default_token()) {
        return begin_step(joinleaf::detail::join_step(name, join_options()), token);
    }
    // void(error_code)
    template <class Token = default_token>
    auto async_connect(const address& name, Token&& token = default_token()) {
        return begin_step(joinleaf::detail::connect_step(name), token);
    }
    // void(error_code, int): waits for FD_CLOSE; its code, 0 where the other end left in order (EV-42).
    template <class Token = default_token> auto async_wait_closed(Token&& token = default_token()) {
        return begin_step(joinleaf::detail::event_step<FD_CLOSE>{}, token);
    }
    // void(error_code, int): waits for FD_QOS.
    template <class Token = default_token> auto async_wait_quality(Token&& token = default_token()) {
        return begin_step(joinleaf::detail::event_step<FD_QOS>{}, token);
    }

  private:
    [[nodiscard]] static std::span<const std::byte> bytes(boost::asio::const_buffer data) noexcept {
        return {static_cast<const std::byte*>(data.data()), data.size()};
    }
    [[nodiscard]] static std::span<std::byte> bytes(boost::asio::mutable_buffer room) noexcept {
        return {static_cast<std::byte*>(room.data()), room.size()};
    }
    template <class Step, class Token> auto begin_step(Step step, Token& token) {
        using completion = typename detail::signature<typename Step::value_type, Executor>::type;
        return boost::asio::async_compose<Token, completion>(
            detail::composed<Step, Executor>(executor_, state_, std::move(step)), token, executor_);
    }

    Executor executor_;
    std::shared_ptr<detail::state<Executor>> state_{};
};

using socket = basic_socket<>;
using joined_socket = basic_joined<boost::asio::any_io_executor>;

} // namespace joinleaf::asio
