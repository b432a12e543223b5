// SPDX-License-Identifier: Apache-2.0
//
// A provider with one fault: the library that JOINLEAF_BROKEN_BASE names, with the behaviour that JOINLEAF_BROKEN names in the way.
// The conformance kit must find each, by the case that is about it.
#include <joinleaf/provider.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

const jl_host* host = nullptr;
jl_provider base{};
jl_host shown_host{};
jl_ops shown_ops{};
std::vector<jl_protocol> rows;
std::vector<const jl_protocol*> row_pointers;

bool has(const char* fault) {
    static const std::string named =
        std::getenv("JOINLEAF_BROKEN") == nullptr ? "" : std::getenv("JOINLEAF_BROKEN");
    return named == fault;
}

// Upcalls.

void complete(jl_handle* handle, std::uint64_t op, const jl_outcome* outcome) {
    if (has("never-completes")) {
        return;
    }
    auto told = *outcome;
    if (has("loses-callee-data")) {
        told.callee_len = 0;
        told.callee_data = nullptr;
    }
    if (has("always-succeeds")) {
        told.code = 0;
    }
    host->complete(handle, op, &told);
    if (has("completes-twice")) {
        host->complete(handle, op, &told);
    }
}

void accepted(jl_handle* listener, const jl_request* request) {
    if (!has("announces-nobody")) {
        host->accepted(listener, request);
    }
}

void ready(jl_handle* handle, std::uint32_t directions) {
    if (!has("loses-edges")) {
        host->ready(handle, directions);
    }
}

void closed(jl_handle* handle) {
    if (has("never-closed")) {
        return;
    }
    host->closed(handle);
    if (has("closes-twice")) {
        host->closed(handle);
    }
}

// Functions.

void forget(void*) {}

void leak_for(jl_handle* handle) {
    if (has("leaks-descriptors")) {
        static_cast<void>(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    }
    if (has("leaks-threads")) {
        std::thread([] { ::pause(); }).detach();
    }
    if (has("leaks-timers")) {
        static_cast<void>(host->timer(host->loop_of(handle), UINT64_MAX, forget, nullptr));
    }
}

void use_a_wrong_thread(jl_handle* handle) {
    static std::atomic<bool> on_loop{false};
    jl_loop* const loop = host->loop_of(handle);
    host->post(
        loop, [](void*) { on_loop = true; }, nullptr);
    while (!on_loop) {
        std::this_thread::yield();
    }
    jl_timer* const timer = host->timer(loop, UINT64_MAX, forget, nullptr);
    host->timer_set(timer, 1000);
}

std::int32_t open(jl_instance* instance, jl_handle* handle, jl_open* open, jl_endpoint** out) {
    const auto code = base.ops->open(instance, handle, open, out);
    if (code == 0) {
        leak_for(handle);
        if (has("wrong-thread")) {
            use_a_wrong_thread(handle);
        }
    }
    return code;
}

std::int32_t join(jl_endpoint* endpoint, const jl_join* join) {
    if (has("crashes")) {
        std::raise(SIGSEGV);
    }
    if (has("hangs")) {
        ::pause();
    }
    if (has("answers-errno")) {
        return ECONNREFUSED;
    }
    auto changed = *join;
    if (has("ignores-direction")) {
        changed.direction = JL_BOTH;
    }
    if (has("loses-caller-data")) {
        changed.caller_data = nullptr;
        changed.caller_len = 0;
    }
    return base.ops->join(endpoint, &changed);
}

std::int32_t accept(jl_endpoint* listener, void* request, jl_endpoint* child, const jl_answer* answer) {
    return base.ops->accept(listener, request, has("refuses-everybody") ? nullptr : child, answer);
}

// What the base would have sent is forgotten, or sent once more, or cut.
std::int32_t tx(jl_endpoint* endpoint, jl_msg* messages, std::uint32_t count, std::uint32_t* done) {
    static std::atomic<unsigned> number{0};
    if (has("loses-messages") && ++number % 3 == 0) {
        messages[0].size = 0;
        for (std::uint32_t i = 0; i < messages[0].iov_count; ++i) {
            messages[0].size += messages[0].iov[i].iov_len;
        }
        *done = 1;
        return 0;
    }
    const auto code = base.ops->tx(endpoint, messages, count, done);
    if (code == 0 && has("repeats-messages")) {
        std::uint32_t again = 0;
        static_cast<void>(base.ops->tx(endpoint, messages, 1, &again));
    }
    return code;
}

std::int32_t rx(jl_endpoint* endpoint, jl_msg* messages, std::uint32_t count, std::uint32_t* done,
                std::uint32_t* left) {
    const auto code = base.ops->rx(endpoint, messages, count, done, left);
    if (code == WSAEDISCON && has("forgets-close")) {
        return WSAEWOULDBLOCK;
    }
    if (code == 0 && has("hides-cuts")) {
        for (std::uint32_t i = 0; i < *done; ++i) {
            messages[i].flags &= ~(JL_MSG_CUT | JL_MSG_REST);
        }
    }
    if (code == 0 && has("spoils-bytes") && messages[0].size > 0) {
        *static_cast<char*>(messages[0].iov[0].iov_base) ^= 1;
    }
    return code;
}

std::int32_t arm(jl_endpoint* endpoint, std::uint32_t direction, std::int32_t* code) {
    const auto answer = base.ops->arm(endpoint, direction, code);
    if (has("forgets-close") && answer == JL_ENDED) {
        return JL_ARMED;
    }
    return answer;
}

void close(jl_endpoint* endpoint, std::uint32_t how) {
    base.ops->close(endpoint, has("resets") ? JL_CLOSE_ABORT : how);
}

std::int32_t name(jl_endpoint* endpoint, std::uint32_t peer, sockaddr* name, std::uint32_t* length) {
    return has("hides-names") && peer == 1 ? WSAENOTCONN : base.ops->name(endpoint, peer, name, length);
}

// Bits that the base has no behaviour for, or behaviour that it does not own up to.
void show_rows() {
    rows.clear();
    row_pointers.clear();
    for (std::uint32_t i = 0; i < base.protocol_count; ++i) {
        auto row = *base.protocols[i];
        const bool multipoint = (row.service_flags & XP1_SUPPORT_MULTIPOINT) != 0;
        const bool rooted = (row.service_flags & XP1_MULTIPOINT_CONTROL_PLANE) != 0;
        row.service_flags |= has("claims-partial") ? XP1_PARTIAL_MESSAGE : 0;
        row.service_flags |= has("claims-expedited") ? XP1_EXPEDITED_DATA : 0;
        row.service_flags |= has("claims-broadcast") ? XP1_SUPPORT_BROADCAST : 0;
        row.service_flags |= has("claims-disconnect-data") ? XP1_DISCONNECT_DATA : 0;
        row.service_flags |= has("claims-handles") ? XP1_IFS_HANDLES : 0;
        row.abilities |= has("claims-ordinary") && multipoint ? JL_CAN_MIX_ORDINARY : 0;
        row.abilities &= has("hides-invitations") && rooted ? ~JL_CAN_INVITE : ~0U;
        if (has("hides-connect-data") && rooted) {
            row.service_flags &= ~std::uint32_t{XP1_CONNECT_DATA};
            row.caller_data_max = row.callee_data_max = 0;
        }
        row.abilities |= has("claims-side-chat") && rooted ? JL_CAN_SIDE_CHAT : 0;
        rows.push_back(row);
    }
    for (const auto& row : rows) {
        row_pointers.push_back(&row);
    }
}

void show_tables() {
    shown_ops = *base.ops;
    shown_ops.open = open;
    shown_ops.join = base.ops->join == nullptr ? nullptr : join;
    shown_ops.accept = base.ops->accept == nullptr ? nullptr : accept;
    shown_ops.tx = tx;
    shown_ops.rx = rx;
    shown_ops.arm = arm;
    shown_ops.close = close;
    shown_ops.name = name;
    show_rows();
}

void show_host(const jl_host& real) {
    host = &real;
    shown_host = real;
    shown_host.complete = complete;
    shown_host.accepted = accepted;
    shown_host.ready = ready;
    shown_host.closed = closed;
}

} // namespace

JL_PROVIDER_EXPORT int jl_provider_startup(std::uint32_t host_abi_min, std::uint32_t host_abi_max,
                                           const jl_host* real, jl_provider* out) {
    const char* const path = std::getenv("JOINLEAF_BROKEN_BASE");
    void* const library = path == nullptr ? nullptr : ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        real->explain("JOINLEAF_BROKEN_BASE names no library");
        return WSASYSNOTREADY;
    }
    show_host(*real);
    base = {};
    base.struct_size = sizeof base;
    const auto startup =
        reinterpret_cast<decltype(&jl_provider_startup)>(::dlsym(library, "jl_provider_startup"));
    const int code = startup(host_abi_min, host_abi_max, &shown_host, &base);
    const auto struct_size = out->struct_size;
    *out = base;
    out->struct_size = struct_size;
    if (code == 0) {
        show_tables();
        out->ops = &shown_ops;
        out->protocols = row_pointers.data();
        out->name = "broken";
    }
    return code;
}
