// SPDX-License-Identifier: Apache-2.0
//
// Sockets of the session layer over the engine in memory, with blocking calls around them.
#pragma once

#include "branch.hpp"
#include "leaf.hpp"
#include "memory_engine.hpp"
#include "root.hpp"
#include "support/fake_host.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <netinet/in.h>

namespace joinleaf::rdma::test {

using namespace std::chrono_literals;
using joinleaf::test::deadline;
using joinleaf::test::fake_host;
using joinleaf::test::seen_outcome;
using joinleaf::test::seen_request;

// A socket; closed with its owner, and waited for.
class node {
  public:
    node() = default;
    explicit node(const std::function<std::shared_ptr<endpoint>(jl_handle*)>& make)
        : handle_(std::make_unique<jl_handle>()) {
        const auto made = make(handle_.get());
        made->hand_over();
        socket_ = made.get();
    }
    node(node&& other) noexcept
        : handle_(std::move(other.handle_)), socket_(std::exchange(other.socket_, nullptr)), op_(other.op_) {}
    node& operator=(node&& other) noexcept {
        close(JL_CLOSE_ABORT);
        handle_ = std::move(other.handle_);
        socket_ = std::exchange(other.socket_, nullptr);
        op_ = other.op_;
        return *this;
    }
    ~node() { close(JL_CLOSE_ABORT); }

    [[nodiscard]] endpoint* get() const { return socket_; }
    template <class Kind> [[nodiscard]] Kind& as() const { return dynamic_cast<Kind&>(*socket_); }
    [[nodiscard]] jl_handle& handle() const { return *handle_; }

    address listen(int backlog = 16, const address& at = any_of(AF_INET)) {
        EXPECT_EQ(0, socket_->bind(at.raw(), at.size));
        EXPECT_EQ(0, socket_->listen(backlog));
        return name();
    }
    [[nodiscard]] address name() const {
        address out;
        out.size = address::room;
        EXPECT_EQ(0, socket_->name(0, out.raw(), &out.size));
        return out;
    }

    void start_join(const address& target, node* child = nullptr, const std::string& caller = {},
                    std::uint32_t room = 0, std::uint32_t direction = JL_BOTH) {
        static std::atomic<std::uint64_t> last{0};
        op_ = ++last;
        jl_join join{};
        join.struct_size = sizeof join;
        join.direction = direction;
        join.op = op_;
        join.name = target.raw();
        join.name_len = target.size;
        join.caller_data = caller.empty() ? nullptr : caller.data();
        join.caller_len = static_cast<std::uint32_t>(caller.size());
        join.callee_room = room;
        join.child = child != nullptr ? reinterpret_cast<jl_endpoint*>(child->socket_) : nullptr;
        EXPECT_EQ(0, socket_->join(&join));
    }
    seen_outcome outcome() {
        std::unique_lock lock(handle_->mutex);
        const bool came =
            handle_->changed.wait_for(lock, deadline, [&] { return handle_->outcomes.contains(op_); });
        EXPECT_TRUE(came) << "no outcome";
        return came ? handle_->outcomes.at(op_) : seen_outcome{-1, {}, false, {}, {}};
    }
    void cancel() { socket_->cancel(op_); }

    std::optional<seen_request> next_request() {
        std::unique_lock lock(handle_->mutex);
        if (!handle_->changed.wait_for(lock, deadline, [&] { return !handle_->requests.empty(); })) {
            return std::nullopt;
        }
        auto out = std::move(handle_->requests.front());
        handle_->requests.pop_front();
        return out;
    }
    int answer(const seen_request& request, node* child, const std::string& callee = {}) {
        jl_answer answer{};
        answer.struct_size = sizeof answer;
        answer.callee_data = callee.empty() ? nullptr : callee.data();
        answer.callee_len = static_cast<std::uint32_t>(callee.size());
        return socket_->accept(request.request, child != nullptr ? child->socket_ : nullptr, &answer);
    }

    int try_send(const std::string& text) {
        iovec part{const_cast<char*>(text.data()), text.size()};
        jl_msg message{};
        message.iov = &part;
        message.iov_count = 1;
        std::uint32_t done = 0;
        return socket_->tx(&message, 1, &done);
    }
    int send(const std::string& text) {
        return retry(JL_OUT, [&] { return try_send(text); });
    }
    int try_receive(std::string& out, std::size_t room = 1 << 21) {
        // Clearing so much for each message would take sanitizers longer than everything else together.
        static thread_local std::vector<char> space(1 << 21);
        iovec part{space.data(), std::min(room, space.size())};
        jl_msg message{};
        message.iov = &part;
        message.iov_count = 1;
        std::uint32_t done = 0;
        std::uint32_t left = 0;
        const int code = socket_->rx(&message, 1, &done, &left);
        out.assign(space.data(), code == 0 ? message.size : 0);
        return code;
    }
    int receive(std::string& out) {
        return retry(JL_IN, [&] { return try_receive(out); });
    }
    // What the end is.
    int wait_end() {
        for (;;) {
            const auto seen = ready_count();
            std::int32_t code = -1;
            const int state = socket_->arm(JL_IN, &code);
            if (state == JL_ENDED) {
                return code;
            }
            std::string unwanted;
            if (state == JL_READY) {
                try_receive(unwanted);
            } else if (!wait_ready(seen)) {
                return -2;
            }
        }
    }
    jl_stats stats() {
        jl_stats out{};
        socket_->stats(&out);
        return out;
    }

    void start_close(std::uint32_t how) {
        if (socket_ != nullptr) {
            socket_->close(how);
        }
    }
    void wait_closed() {
        std::unique_lock lock(handle_->mutex);
        EXPECT_TRUE(handle_->changed.wait_for(lock, deadline, [&] { return handle_->closed != 0; }))
            << "not closed";
        EXPECT_EQ(1, handle_->closed);
        socket_ = nullptr;
    }
    void close(std::uint32_t how = JL_CLOSE_GRACEFUL) {
        if (socket_ != nullptr) {
            start_close(how);
            wait_closed();
        }
    }

  private:
    [[nodiscard]] std::uint64_t ready_count() const {
        const std::lock_guard hold(handle_->mutex);
        return handle_->ready_in + handle_->ready_out;
    }
    bool wait_ready(std::uint64_t seen) const {
        std::unique_lock lock(handle_->mutex);
        return handle_->changed.wait_for(lock, deadline,
                                         [&] { return handle_->ready_in + handle_->ready_out != seen; });
    }
    int retry(std::uint32_t direction, const std::function<int()>& call) {
        for (;;) {
            const int code = call();
            if (code != WSAEWOULDBLOCK) {
                return code;
            }
            const auto seen = ready_count();
            std::int32_t why = 0;
            if (socket_->arm(direction, &why) == JL_ARMED && !wait_ready(seen)) {
                return WSAETIMEDOUT;
            }
        }
    }

    std::unique_ptr<jl_handle> handle_;
    endpoint* socket_ = nullptr;
    std::uint64_t op_ = 0;
};

class Session : public ::testing::Test {
  protected:
    // Over another engine than that in memory.
    virtual engine& way() { return engine_; }
    virtual int family() { return AF_INET; }

    Session() {
        provider::keep_host(fake_host::table());
        limits_.join_timeout = 20s;
        limits_.handshake_timeout = 10s;
        limits_.leaf_timeout = 10s;
        limits_.handshake_limit = 64;
        limits_.send_buffer = 64u << 10;
        limits_.recv_buffer = 64u << 10;
        limits_.slice = 1056;
        limits_.window = 8;
    }
    ~Session() override {
        EXPECT_EQ(0U, fake_host::stop()) << "watches or timers were left behind";
        fake_host::take_log();
        // Duplicates take buffers that nobody has granted.
        EXPECT_TRUE(net_.overruns == 0 || net_.now.duplicate != 0)
            << "a slice came when no buffer was posted";
        EXPECT_EQ(0U, net_.too_early) << "a side that has accepted sent before the joiner's first slice";
    }

    [[nodiscard]] std::shared_ptr<hub> home(jl_handle* handle, wire::control_role role, wire::data_role data) {
        auto made = std::make_shared<hub>(handle, std::make_shared<settings>(limits_), role, data);
        EXPECT_TRUE(made->open(way(), family()));
        return made;
    }
    node make_root(wire::data_role data = wire::data_role::root) {
        return node([&](jl_handle* handle) {
            return std::make_shared<root>(handle, home(handle, wire::control_role::root, data), limits_,
                                          family());
        });
    }
    node make_leaf(wire::data_role data = wire::data_role::leaf) {
        return node([&](jl_handle* handle) {
            return std::make_shared<leaf>(handle, home(handle, wire::control_role::leaf, data),
                                          std::make_shared<settings>(limits_), family(), false);
        });
    }
    // Every root that is made from now on sends to a group.
    void use_group() {
        limits_.group = "239.1.2.3";
        limits_.multicast = address::parse(limits_.group);
    }
    node make_branch(node& parent) {
        return node([&](jl_handle* handle) {
            return std::make_shared<branch>(handle, parent.as<root>().home(), family());
        });
    }
    node make_member(node& door) {
        return node([&](jl_handle* handle) {
            return std::make_shared<leaf>(handle, door.as<leaf>().home(), std::make_shared<settings>(limits_),
                                          family(), true);
        });
    }

    struct pair {
        node leaf;
        node branch;
    };
    pair ask(node& at, const address& name, wire::data_role data = wire::data_role::leaf,
             std::uint32_t direction = JL_BOTH) {
        return ask(at, name, make_leaf(data), direction);
    }
    pair ask(node& at, const address& name, node asking, std::uint32_t direction = JL_BOTH) {
        pair made{std::move(asking), {}};
        made.leaf.start_join(name, nullptr, {}, 0, direction);
        const auto request = at.next_request();
        EXPECT_TRUE(request.has_value());
        if (request) {
            made.branch = make_branch(at);
            EXPECT_EQ(0, at.answer(*request, &made.branch));
            const auto outcome = made.leaf.outcome();
            EXPECT_EQ(0, outcome.code) << outcome.sentence;
        }
        return made;
    }

    template <class Holds> static void wait_until(const Holds& holds) {
        const auto until = std::chrono::steady_clock::now() + deadline;
        while (!holds() && std::chrono::steady_clock::now() < until) {
            std::this_thread::sleep_for(1ms);
        }
    }
    static group_figures figures(node& at) {
        const auto& home = at.as<root>().home();
        const auto hold = home->lock();
        return home->of_group();
    }
    // Until so many leaves get their data by the group.
    static void wait_seated(node& at, std::size_t count) {
        wait_until([&] { return figures(at).leaves == count; });
        ASSERT_EQ(count, figures(at).leaves);
    }

    settings limits_{};
    memory_network net_;
    memory_engine engine_{net_};
};

inline std::string message_number(int i, std::size_t size) {
    std::string text = std::to_string(i) + ":";
    text.resize(std::max(size, text.size()), static_cast<char>('a' + i % 26));
    return text;
}

} // namespace joinleaf::rdma::test
