// SPDX-License-Identifier: Apache-2.0
//
// Optional C++20 help for authors of providers: writes the tables of provider.h from two classes.
//
//   struct line { ... };   // one per socket; methods named as in jl_ops, those it lacks stay NULL
//   struct wire { ... };   // one per YAML entry
//   static constexpr jl_ops ops = joinleaf::provider::make_ops<wire, line>();
//
// A method may throw: std::bad_alloc becomes WSAENOBUFS, std::system_error the code of its errno, anything
// else WSASYSCALLFAILURE. Header only; no object of it crosses the border between provider and runtime.
//
// More, each by itself: provider/host.hpp (watches, timers, posted functions, log lines), provider/endpoint.hpp (several
// kinds of socket in one provider), provider/address.hpp, provider/buffers.hpp (gather and scatter), provider/bytes.hpp
// (numbers on the wire), provider/kernel_tcp.hpp (TCP sockets with Windows' idea of a port).
#pragma once

#include "provider.h"

#include <array>
#include <chrono>
#include <cstring>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace joinleaf::provider {

// A descriptor that is closed with its owner.
class descriptor {
  public:
    descriptor() = default;
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        reset(std::exchange(other.fd_, -1));
        return *this;
    }
    ~descriptor() { reset(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    void reset(int fd = -1) noexcept {
        if (fd_ >= 0) {
            ::close(fd_);
        }
        fd_ = fd;
    }

  private:
    int fd_ = -1;
};

// The values of an instance's options, by the number of the row in the provider's table.
class options {
  public:
    explicit options(const jl_create& create) noexcept : values_(create.values, create.value_count) {}

    [[nodiscard]] const jl_value& at(std::size_t row) const noexcept { return *values_[row]; }
    [[nodiscard]] bool given(std::size_t row) const noexcept { return at(row).given != 0; }
    [[nodiscard]] bool flag(std::size_t row) const noexcept { return at(row).number != 0; }
    template <class Number = std::int64_t> [[nodiscard]] Number number(std::size_t row) const noexcept {
        return static_cast<Number>(at(row).number);
    }
    [[nodiscard]] std::chrono::nanoseconds duration(std::size_t row) const noexcept {
        return std::chrono::nanoseconds(at(row).number);
    }
    [[nodiscard]] std::string_view text(std::size_t row) const noexcept {
        return at(row).text == nullptr ? std::string_view{} : std::string_view{at(row).text};
    }
    [[nodiscard]] std::span<const char* const> list(std::size_t row) const noexcept {
        return {at(row).list, at(row).list_count};
    }

  private:
    std::span<const jl_value* const> values_;
};

// The code for whatever exception is being handled.
inline std::int32_t code_of_current_exception() noexcept {
    try {
        throw;
    } catch (const std::bad_alloc&) {
        return WSAENOBUFS;
    } catch (const std::system_error& error) {
        return jl_wsa_error(error.code().value());
    } catch (...) {
        return WSASYSCALLFAILURE;
    }
}

namespace detail {

template <class Endpoint> Endpoint& self(jl_endpoint* endpoint) noexcept {
    return *reinterpret_cast<Endpoint*>(endpoint);
}

template <class Body> std::int32_t guarded(Body body) noexcept {
    try {
        return body();
    } catch (...) {
        return code_of_current_exception();
    }
}

template <class Endpoint, class Method, class... Arguments>
std::int32_t call(Method method, jl_endpoint* endpoint, Arguments... arguments) noexcept {
    return guarded([&] { return (self<Endpoint>(endpoint).*method)(arguments...); });
}

} // namespace detail

// The ops table of an endpoint class.
//
// Instance needs `std::int32_t open(jl_handle*, jl_open&, Endpoint*& out)`. Endpoint needs bind, tx, rx, arm,
// shutdown, close and name with the parameters of jl_ops less the first; listen, connect, join, accept,
// cancel, set_option, get_option, ioctl, qos, stats, leaves, rx_wait and waits when it has them; Instance facts. `accept` gets
// its child as Endpoint*. After it called host->closed an endpoint deletes itself.
template <class Instance, class Endpoint> constexpr jl_ops make_ops() {
    jl_ops ops{};
    ops.struct_size = sizeof ops;
    ops.open = [](jl_instance* instance, jl_handle* handle, jl_open* open, jl_endpoint** out) -> std::int32_t {
        return detail::guarded([&] {
            Endpoint* made = nullptr;
            const auto code = reinterpret_cast<Instance*>(instance)->open(handle, *open, made);
            *out = reinterpret_cast<jl_endpoint*>(made);
            return code;
        });
    };
    ops.bind = [](jl_endpoint* e, const sockaddr* name, std::uint32_t len) -> std::int32_t {
        return detail::call<Endpoint>(&Endpoint::bind, e, name, len);
    };
    ops.tx = [](jl_endpoint* e, jl_msg* messages, std::uint32_t count, std::uint32_t* done) -> std::int32_t {
        return detail::call<Endpoint>(&Endpoint::tx, e, messages, count, done);
    };
    ops.rx = [](jl_endpoint* e, jl_msg* messages, std::uint32_t count, std::uint32_t* done,
                std::uint32_t* left) -> std::int32_t {
        return detail::call<Endpoint>(&Endpoint::rx, e, messages, count, done, left);
    };
    ops.arm = [](jl_endpoint* e, std::uint32_t direction, std::int32_t* code) -> std::int32_t {
        return detail::call<Endpoint>(&Endpoint::arm, e, direction, code);
    };
    ops.shutdown = [](jl_endpoint* e, std::int32_t how) -> std::int32_t {
        return detail::call<Endpoint>(&Endpoint::shutdown, e, how);
    };
    ops.close = [](jl_endpoint* e, std::uint32_t how) { detail::self<Endpoint>(e).close(how); };
    ops.name = [](jl_endpoint* e, std::uint32_t peer, sockaddr* name, std::uint32_t* len) -> std::int32_t {
        return detail::call<Endpoint>(&Endpoint::name, e, peer, name, len);
    };
    if constexpr (requires { &Endpoint::listen; }) {
        ops.listen = [](jl_endpoint* e, std::int32_t backlog) -> std::int32_t {
            return detail::call<Endpoint>(&Endpoint::listen, e, backlog);
        };
    }
    if constexpr (requires { &Endpoint::connect; }) {
        ops.connect = [](jl_endpoint* e, const jl_join* join) -> std::int32_t {
            return detail::call<Endpoint>(&Endpoint::connect, e, join);
        };
    }
    if constexpr (requires { &Endpoint::join; }) {
        ops.join = [](jl_endpoint* e, const jl_join* join) -> std::int32_t {
            return detail::call<Endpoint>(&Endpoint::join, e, join);
        };
    }
    if constexpr (requires { &Endpoint::accept; }) {
        ops.accept = [](jl_endpoint* e, void* request, jl_endpoint* child,
                        const jl_answer* answer) -> std::int32_t {
            return detail::call<Endpoint>(&Endpoint::accept, e, request, reinterpret_cast<Endpoint*>(child),
                                          answer);
        };
    }
    if constexpr (requires { &Endpoint::cancel; }) {
        ops.cancel = [](jl_endpoint* e, std::uint64_t op) { detail::self<Endpoint>(e).cancel(op); };
    }
    if constexpr (requires { &Endpoint::set_option; }) {
        ops.set_option = [](jl_endpoint* e, std::int32_t level, std::int32_t name, const void* value,
                            std::uint32_t len) -> std::int32_t {
            return detail::call<Endpoint>(&Endpoint::set_option, e, level, name, value, len);
        };
    }
    if constexpr (requires { &Endpoint::get_option; }) {
        ops.get_option = [](jl_endpoint* e, std::int32_t level, std::int32_t name, void* value,
                            std::uint32_t* len) -> std::int32_t {
            return detail::call<Endpoint>(&Endpoint::get_option, e, level, name, value, len);
        };
    }
    if constexpr (requires { &Endpoint::ioctl; }) {
        ops.ioctl = [](jl_endpoint* e, std::uint32_t code, const void* in, std::uint32_t in_len, void* out,
                       std::uint32_t out_len, std::uint32_t* bytes) -> std::int32_t {
            return detail::call<Endpoint>(&Endpoint::ioctl, e, code, in, in_len, out, out_len, bytes);
        };
    }
    if constexpr (requires { &Endpoint::qos; }) {
        ops.qos = [](jl_endpoint* e, const QOS* qos, std::uint32_t how) -> std::int32_t {
            return detail::call<Endpoint>(&Endpoint::qos, e, qos, how);
        };
    }
    if constexpr (requires { &Endpoint::stats; }) {
        ops.stats = [](jl_endpoint* e, jl_stats* stats) -> std::int32_t {
            return detail::call<Endpoint>(&Endpoint::stats, e, stats);
        };
    }
    if constexpr (requires { &Endpoint::leaves; }) {
        ops.leaves = [](jl_endpoint* e, jl_leaf_stats* leaves, std::uint32_t room,
                        std::uint32_t* count) -> std::int32_t {
            return detail::call<Endpoint>(&Endpoint::leaves, e, leaves, room, count);
        };
    }
    if constexpr (requires { &Endpoint::rx_wait; }) {
        ops.rx_wait = [](jl_endpoint* e, jl_msg* message, std::uint64_t timeout_ns) -> std::int32_t {
            return detail::call<Endpoint>(&Endpoint::rx_wait, e, message, timeout_ns);
        };
    }
    if constexpr (requires { &Endpoint::waits; }) {
        ops.waits = [](jl_endpoint* e, std::uint32_t on) {
            static_cast<void>(detail::guarded([&] {
                detail::self<Endpoint>(e).waits(on != 0);
                return 0;
            }));
        };
    }
    if constexpr (requires { &Instance::facts; }) {
        ops.facts = [](jl_instance* instance, std::uint32_t protocol_index,
                       void (*fact)(void*, const char*, const char*), void* context) {
            static_cast<void>(detail::guarded([&] {
                reinterpret_cast<Instance*>(instance)->facts(protocol_index, fact, context);
                return 0;
            }));
        };
    }
    return ops;
}

// create and destroy for an Instance with a constructor from jl_create; it throws std::system_error (its
// sentence is explained) to refuse.
template <class Instance> struct lifecycle {
    static inline const jl_host* host = nullptr;

    static std::int32_t create(const jl_create* create, jl_instance** out) noexcept {
        try {
            *out = reinterpret_cast<jl_instance*>(new Instance(*create));
            return 0;
        } catch (const std::exception& error) {
            host->explain(error.what());
            return code_of_current_exception();
        } catch (...) {
            return WSASYSCALLFAILURE;
        }
    }
    static void destroy(jl_instance* instance) noexcept { delete reinterpret_cast<Instance*>(instance); }
};

// The pointers that a provider's table of options or protocols is made of, to rows that live as long as the library.
template <class Row, std::size_t Count>
constexpr std::array<const Row*, Count> pointers_to(const std::array<Row, Count>& rows) noexcept {
    std::array<const Row*, Count> out{};
    for (std::size_t i = 0; i < Count; ++i) {
        out[i] = &rows[i];
    }
    return out;
}

// The negotiation that every provider needs (JLP-1): fills out's range and answers WSAVERNOTSUPPORTED when
// the ranges do not meet.
inline int negotiate(std::uint32_t host_abi_min, std::uint32_t host_abi_max, jl_provider& out) noexcept {
    out.abi_min = JL_ABI_VERSION;
    out.abi_max = JL_ABI_VERSION;
    return host_abi_min <= JL_ABI_VERSION && JL_ABI_VERSION <= host_abi_max ? 0 : WSAVERNOTSUPPORTED;
}

} // namespace joinleaf::provider
