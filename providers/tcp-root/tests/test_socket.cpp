// SPDX-License-Identifier: Apache-2.0
#include "test_socket.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

namespace joinleaf::tcp_root::test {
namespace {

const std::map<std::string, std::int64_t> defaults{{"join_timeout", 10'000 * ms},
                                                   {"handshake_timeout", 5'000 * ms},
                                                   {"leaf_timeout", 10'000 * ms},
                                                   {"handshake_limit", 1024},
                                                   {"send_buffer", 8 * kib* kib},
                                                   {"recv_buffer", 4 * kib* kib},
                                                   {"slow_leaf", 0},
                                                   {"slow_leaf_bytes", 0},
                                                   {"slow_leaf_time", 0},
                                                   {"heartbeat", 5'000 * ms},
                                                   {"heartbeat_timeout", 20'000 * ms}};

std::uint64_t next_op() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

bool poll_fd(int fd, short events, std::chrono::nanoseconds within = deadline) {
    pollfd one{fd, events, 0};
    return ::poll(&one, 1, static_cast<int>(within / 1ms)) == 1;
}

} // namespace

library::library(const std::map<std::string, std::int64_t>& overrides) {
    table_.struct_size = sizeof table_;
    EXPECT_EQ(jl_provider_startup(1, JL_ABI_VERSION, &fake_host::table(), &table_), 0);
    values_.resize(table_.option_count);
    for (std::uint32_t i = 0; i < table_.option_count; ++i) {
        const std::string key = table_.options[i]->key;
        const auto found = overrides.find(key);
        values_[i] = {sizeof(jl_value), 0,       found != overrides.end() ? found->second : defaults.at(key),
                      nullptr,          nullptr, 0,
                      "default"};
        pointers_.push_back(&values_[i]);
    }
    const jl_create create{sizeof(jl_create), table_.option_count, "test", pointers_.data()};
    EXPECT_EQ(table_.create(&create, &instance_), 0);
}

library::~library() {
    table_.destroy(instance_);
    EXPECT_EQ(fake_host::stop(), 0u) << "watches or timers were left behind";
    fake_host::take_log();
}

test_socket::test_socket(const library& lib, std::uint32_t entry, std::uint32_t flags, test_socket* parent,
                         void* request)
    : lib_(&lib), handle_(std::make_unique<jl_handle>()), entry_(entry), flags_(flags) {
    const jl_protocol& row = *lib.table().protocols[entry];
    jl_open open{};
    open.struct_size = sizeof open;
    open.protocol_index = entry;
    open.family = row.family;
    open.type = row.socket_type;
    open.protocol = row.protocol;
    open.flags = flags;
    open.parent = parent != nullptr ? parent->endpoint_ : nullptr;
    open.request = request;
    open_code_ = lib.ops().open(lib.instance(), handle_.get(), &open, &endpoint_);
    if (open_code_ == 0 && open.fd_kind == JL_FD_OWN) {
        fd_ = open.fd;
    }
}

test_socket& test_socket::operator=(test_socket&& other) noexcept {
    if (this != &other) {
        close();
        lib_ = other.lib_;
        handle_ = std::move(other.handle_);
        endpoint_ = std::exchange(other.endpoint_, nullptr);
        open_code_ = other.open_code_;
        fd_ = std::exchange(other.fd_, -1);
        entry_ = other.entry_;
        flags_ = other.flags_;
        last_op_ = other.last_op_;
        closing_ = other.closing_;
    }
    return *this;
}

test_socket::~test_socket() {
    close(JL_CLOSE_ABORT);
}

void test_socket::start_close(std::uint32_t how) {
    if (handle_ && endpoint_ != nullptr) {
        closing_ = true;
        lib_->ops().close(endpoint_, how);
    }
}

bool test_socket::wait_closed() {
    std::unique_lock lock(handle_->mutex);
    const bool ok = handle_->changed.wait_for(lock, deadline, [&] { return handle_->closed != 0; });
    lock.unlock();
    EXPECT_TRUE(ok) << "closed was not reported";
    EXPECT_EQ(handle_->closed, 1);
    endpoint_ = nullptr;
    if (fd_ >= 0) {
        ::close(std::exchange(fd_, -1));
    }
    return ok;
}

void test_socket::close(std::uint32_t how) {
    if (!handle_ || endpoint_ == nullptr) {
        return;
    }
    start_close(how);
    wait_closed();
}

int test_socket::bind(const address& name) {
    return lib_->ops().bind(endpoint_, name.raw(), name.size);
}
int test_socket::listen(int backlog) {
    return lib_->ops().listen(endpoint_, backlog);
}

address test_socket::listen_on_loopback(int backlog) {
    EXPECT_EQ(bind(loopback(lib_->table().protocols[entry_]->family)), 0);
    EXPECT_EQ(listen(backlog), 0);
    return name();
}

address test_socket::name(bool peer, int* code) const {
    address out;
    out.size = address::room;
    const int result = lib_->ops().name(endpoint_, peer ? 1 : 0, out.raw(), &out.size);
    if (code != nullptr) {
        *code = result;
    } else {
        EXPECT_EQ(result, 0);
    }
    return out;
}

int test_socket::start_join(const join_request& what, test_socket* child) {
    jl_join join{};
    join.struct_size = sizeof join;
    join.direction = what.direction;
    join.op = next_op();
    join.name = what.target.raw();
    join.name_len = what.target.size;
    join.caller_data = what.caller_data.empty() ? nullptr : what.caller_data.data();
    join.caller_len = static_cast<std::uint32_t>(what.caller_data.size());
    join.callee_room = what.room;
    join.child = child != nullptr ? child->endpoint_ : nullptr;
    join.qos = what.qos;
    return remember(join.op, lib_->ops().join(endpoint_, &join));
}

int test_socket::start_connect(const address& target) {
    jl_join join{};
    join.struct_size = sizeof join;
    join.direction = JL_BOTH;
    join.op = next_op();
    join.name = target.raw();
    join.name_len = target.size;
    return remember(join.op, lib_->ops().connect(endpoint_, &join));
}

int test_socket::remember(std::uint64_t op, int code) {
    last_op_ = code == 0 ? op : last_op_;
    return code;
}

seen_outcome test_socket::outcome() {
    std::unique_lock lock(handle_->mutex);
    const bool ok =
        handle_->changed.wait_for(lock, deadline, [&] { return handle_->outcomes.contains(last_op_); });
    EXPECT_TRUE(ok) << "no outcome";
    return ok ? handle_->outcomes.at(last_op_) : seen_outcome{-1, {}, false, {}, {}};
}

bool test_socket::has_outcome() const {
    const std::lock_guard hold(handle_->mutex);
    return handle_->outcomes.contains(last_op_);
}

int test_socket::join(const join_request& what, test_socket* child) {
    const int code = start_join(what, child);
    return code != 0 ? code : outcome().code;
}

void test_socket::cancel() {
    lib_->ops().cancel(endpoint_, last_op_);
}

std::optional<seen_request> test_socket::next_request(std::chrono::nanoseconds within) {
    std::unique_lock lock(handle_->mutex);
    if (!handle_->changed.wait_for(lock, within, [&] { return !handle_->requests.empty(); })) {
        return std::nullopt;
    }
    seen_request out = std::move(handle_->requests.front());
    handle_->requests.pop_front();
    return out;
}

std::optional<seen_request> test_socket::next_connection() {
    for (;;) {
        if (arm(JL_ACCEPT) == JL_READY) {
            return next_request();
        }
        if (!poll_fd(fd_, POLLIN)) {
            return std::nullopt;
        }
    }
}

test_socket test_socket::accept(const seen_request& request, const std::string& callee_data, int* code,
                                const QOS* qos) {
    const bool ordinary = flags_ == 0;
    test_socket child(*lib_, entry_, ordinary ? 0 : c_leaf_d_leaf, this, request.request);
    int result = child.open_code();
    jl_answer answer{};
    answer.struct_size = sizeof answer;
    answer.callee_data = callee_data.empty() ? nullptr : callee_data.data();
    answer.callee_len = static_cast<std::uint32_t>(callee_data.size());
    answer.qos = qos;
    if (result == 0) {
        result = lib_->ops().accept(endpoint_, request.request, child.endpoint_, &answer);
    }
    if (code != nullptr) {
        *code = result;
    } else {
        EXPECT_EQ(result, 0);
    }
    return child;
}

int test_socket::refuse(const seen_request& request) {
    return lib_->ops().accept(endpoint_, request.request, nullptr, nullptr);
}

bool test_socket::wait_withdrawn(const seen_request& request) {
    std::unique_lock lock(handle_->mutex);
    return handle_->changed.wait_for(lock, deadline,
                                     [&] { return handle_->withdrawn.contains(request.request); });
}

int test_socket::try_send(std::string_view data, std::uint32_t flags) {
    iovec part{const_cast<char*>(data.data()), data.size()};
    jl_msg message{};
    message.iov = &part;
    message.iov_count = 1;
    message.flags = flags;
    std::uint32_t done = 0;
    const int code = lib_->ops().tx(endpoint_, &message, 1, &done);
    EXPECT_EQ(done, code == 0 ? 1u : 0u);
    return code;
}

int test_socket::send(std::string_view data) {
    for (;;) {
        const int code = try_send(data);
        if (code != WSAEWOULDBLOCK) {
            return code;
        }
        const std::uint64_t seen = ready_count(JL_OUT);
        if (arm(JL_OUT) == JL_ARMED && !wait_for(JL_OUT, seen)) {
            return WSAETIMEDOUT;
        }
    }
}

int test_socket::send_all(const std::vector<std::string>& messages) {
    std::vector<iovec> parts;
    std::vector<jl_msg> batch;
    parts.reserve(messages.size());
    for (const std::string& text : messages) {
        parts.push_back({const_cast<char*>(text.data()), text.size()});
        jl_msg message{};
        message.iov = &parts.back();
        message.iov_count = 1;
        batch.push_back(message);
    }
    for (std::size_t at = 0; at < batch.size();) {
        std::uint32_t done = 0;
        const int code = lib_->ops().tx(endpoint_, batch.data() + at,
                                        static_cast<std::uint32_t>(batch.size() - at), &done);
        at += done;
        if (code == 0) {
            continue;
        }
        const std::uint64_t seen = ready_count(JL_OUT);
        if (code != WSAEWOULDBLOCK || (arm(JL_OUT) == JL_ARMED && !wait_for(JL_OUT, seen))) {
            return code;
        }
    }
    return 0;
}

received test_socket::try_receive(std::size_t room, std::uint32_t flags) {
    received out;
    out.data.resize(room);
    iovec part{out.data.data(), out.data.size()};
    jl_msg message{};
    message.iov = &part;
    message.iov_count = 1;
    message.flags = flags;
    message.addr = out.from.raw();
    message.addr_len = address::room;
    std::uint32_t done = 0;
    std::uint32_t left = 99;
    out.code = lib_->ops().rx(endpoint_, &message, 1, &done, &left);
    EXPECT_LE(left, JL_LEFT_SOME);
    EXPECT_EQ(done, out.code == 0 ? 1u : 0u);
    out.data.resize(out.code == 0 ? message.size : 0);
    out.from.size = out.code == 0 ? message.addr_len : 0;
    out.flags = message.flags;
    out.gap = message.gap;
    return out;
}

received test_socket::receive(std::size_t room, std::uint32_t flags) {
    for (;;) {
        received out = try_receive(room, flags);
        if (out.code != WSAEWOULDBLOCK) {
            return out;
        }
        const std::uint64_t seen = ready_count(JL_IN);
        if (arm(JL_IN) == JL_ARMED && !wait_for(JL_IN, seen)) {
            out.code = WSAETIMEDOUT;
            return out;
        }
    }
}

int test_socket::arm(std::uint32_t direction, int* code) {
    std::int32_t why = -1;
    const int state = lib_->ops().arm(endpoint_, direction, &why);
    if (code != nullptr) {
        *code = why;
    }
    return state;
}

int test_socket::wait_end() {
    for (;;) {
        const std::uint64_t seen = ready_count(JL_IN);
        int code = -1;
        const int state = arm(JL_IN, &code);
        if (state == JL_ENDED) {
            return code;
        }
        if (state == JL_READY) {
            try_receive();
        } else if (!wait_for(JL_IN, seen)) {
            return -2;
        }
    }
}

std::uint64_t test_socket::ready_count(std::uint32_t direction) const {
    const std::lock_guard hold(handle_->mutex);
    return direction == JL_IN ? handle_->ready_in : handle_->ready_out;
}

// As the runtime waits: on the socket's own descriptor, or on those it has exposed and for `ready`.
bool test_socket::wait_for(std::uint32_t direction, std::uint64_t seen) {
    const short events = direction == JL_IN ? POLLIN : POLLOUT;
    if (fd_ >= 0) {
        return poll_fd(fd_, events);
    }
    const auto until = std::chrono::steady_clock::now() + deadline;
    std::unique_lock lock(handle_->mutex);
    while ((direction == JL_IN ? handle_->ready_in : handle_->ready_out) == seen) {
        for (const auto& [fd, conditions] : handle_->exposed) {
            if ((conditions & direction) != 0 && poll_fd(fd, events, 0ns)) {
                return true;
            }
        }
        if (std::chrono::steady_clock::now() >= until) {
            return false;
        }
        handle_->changed.wait_for(lock, 1ms);
    }
    return true;
}

int test_socket::shutdown(int how) {
    return lib_->ops().shutdown(endpoint_, how);
}

jl_stats test_socket::stats() const {
    jl_stats out{};
    out.struct_size = sizeof out;
    EXPECT_EQ(lib_->ops().stats(endpoint_, &out), 0);
    return out;
}

address loopback(int family, std::uint16_t port) {
    address out = any_of(family);
    if (family == AF_INET) {
        reinterpret_cast<sockaddr_in*>(out.raw())->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
        reinterpret_cast<sockaddr_in6*>(out.raw())->sin6_addr = in6addr_loopback;
    }
    return out.with_port(port);
}

pair join_leaf(const library& lib, test_socket& root, const address& at, std::uint32_t entry,
               std::uint32_t flags, std::uint32_t direction) {
    pair out{test_socket(lib, entry, flags), {}};
    EXPECT_EQ(out.leaf.start_join({at, {}, 0, direction}), 0);
    const auto request = root.next_request();
    if (!request) {
        ADD_FAILURE() << "no request came";
        return out;
    }
    out.branch = root.accept(*request);
    EXPECT_EQ(out.leaf.outcome().code, 0);
    return out;
}

raw_peer::raw_peer(const address& target) : fd_(::socket(target.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    EXPECT_EQ(::connect(fd_.get(), target.raw(), target.size), 0);
}

bool raw_peer::send(const void* data, std::size_t size) {
    return ::send(fd_.get(), data, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
}

std::string raw_peer::read(std::size_t size, std::optional<int>* ended) {
    std::string out;
    while (out.size() < size && poll_fd(fd_.get(), POLLIN)) {
        std::array<char, 4096> bytes;
        const ssize_t n = ::recv(fd_.get(), bytes.data(), std::min(bytes.size(), size - out.size()), 0);
        if (n <= 0) {
            if (ended != nullptr) {
                *ended = n == 0 ? 0 : errno;
            }
            break;
        }
        out.append(bytes.data(), static_cast<std::size_t>(n));
    }
    return out;
}

std::optional<int> raw_peer::wait_end() {
    std::optional<int> ended;
    read(SIZE_MAX, &ended);
    return ended;
}

void raw_peer::reset() {
    const linger at_once{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    fd_.reset();
}

raw_listener::raw_listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const address any = loopback(AF_INET);
    EXPECT_EQ(::bind(fd_.get(), any.raw(), any.size), 0);
    EXPECT_EQ(::listen(fd_.get(), 64), 0);
    socklen_t size = address::room;
    ::getsockname(fd_.get(), name_.raw(), &size);
    name_.size = size;
}

raw_peer raw_listener::accept() {
    EXPECT_TRUE(poll_fd(fd_.get(), POLLIN));
    return raw_peer(provider::descriptor(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
}

int open_descriptors() {
    int count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        ++count;
    }
    return count;
}

} // namespace joinleaf::tcp_root::test
