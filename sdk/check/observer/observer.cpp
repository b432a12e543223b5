// SPDX-License-Identifier: Apache-2.0
//
// A provider that is another one seen through glass: it loads the library that JOINLEAF_CHECK_OBSERVED names, hands everything on, and
// tells the conformance kit what at the border of the two is against the SDK's obligations. The data path is the provider's own,
// untouched, so that what a sanitizer finds there stays to be found.
#include "ledger.hpp"
#include "violations.h"

#include <joinleaf/provider.h>

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace joinleaf::check {
namespace {

using startup_function = int (*)(std::uint32_t, std::uint32_t, const jl_host*, jl_provider*);

const jl_host* host = nullptr; // the runtime's
jl_provider provider{};        // the provider's own table
jl_host shown_host{};          // what the provider sees of the runtime
jl_ops shown_ops{};            // what the runtime sees of the provider
std::vector<jl_protocol> rows; // the entries with the bits that a case claims
std::vector<const jl_protocol*> row_pointers;

// Upcalls, as the provider makes them.

void complete(jl_handle* handle, std::uint64_t op, const jl_outcome* outcome) {
    if (the_ledger().completes(handle, op, outcome == nullptr ? 0 : outcome->code)) {
        host->complete(handle, op, outcome);
    }
}

void accepted(jl_handle* listener, const jl_request* request) {
    if (the_ledger().may_call(listener, "accepted")) {
        host->accepted(listener, request);
    }
}

void ready(jl_handle* handle, std::uint32_t directions) {
    if (the_ledger().may_call(handle, "ready")) {
        host->ready(handle, directions);
    }
}

void closed(jl_handle* handle) {
    if (the_ledger().closes(handle)) {
        host->closed(handle);
    }
}

jl_loop* loop_of(jl_handle* handle) {
    return the_ledger().meets(host->loop_of(handle), *host);
}

jl_loop* loop_at(std::uint32_t index) {
    return the_ledger().meets(host->loop_at(index), *host);
}

jl_watch* watch(jl_loop* loop, std::int32_t fd, std::uint32_t conditions, jl_watch_callback callback,
                void* context) {
    jl_watch* const made = host->watch(loop, fd, conditions, callback, context);
    the_ledger().holds(made);
    return made;
}

void unwatch(jl_watch* watch, jl_callback done, void* context) {
    the_ledger().gives_back(watch, "unwatch");
    host->unwatch(watch, done, context);
}

jl_timer* timer(jl_loop* loop, std::uint64_t after_ns, jl_callback callback, void* context) {
    the_ledger().meets(loop, *host);
    jl_timer* const made = host->timer(loop, after_ns, callback, context);
    the_ledger().holds(made, loop);
    return made;
}

// A checked runtime ends the process for what these two report; the sentence is out before.
void timer_set(jl_timer* timer, std::uint64_t after_ns) {
    if (the_ledger().is_on_loop(timer, "timer_set")) {
        host->timer_set(timer, after_ns);
    }
}

void timer_free(jl_timer* timer) {
    if (the_ledger().is_on_loop(timer, "timer_free")) {
        the_ledger().gives_back(timer, "timer_free");
        host->timer_free(timer);
    }
}

// Functions, as the runtime calls them.

std::int32_t open(jl_instance* instance, jl_handle* handle, jl_open* open, jl_endpoint** out) {
    the_ledger().opens(handle);
    const auto code = provider.ops->open(instance, handle, open, out);
    the_ledger().opened(handle, code, code == 0 ? *out : nullptr);
    return the_ledger().checked("open", code);
}

template <auto Function> std::int32_t start(const char* name, jl_endpoint* endpoint, const jl_join* join) {
    const auto op = join->op;
    the_ledger().starts(endpoint, op);
    const auto code = (provider.ops->*Function)(endpoint, join);
    the_ledger().started(endpoint, op, code);
    return the_ledger().checked(name, code);
}

std::int32_t connect(jl_endpoint* endpoint, const jl_join* arguments) {
    return start<&jl_ops::connect>("connect", endpoint, arguments);
}

std::int32_t join(jl_endpoint* endpoint, const jl_join* arguments) {
    return start<&jl_ops::join>("join", endpoint, arguments);
}

std::int32_t bind(jl_endpoint* endpoint, const sockaddr* name, std::uint32_t length) {
    return the_ledger().checked("bind", provider.ops->bind(endpoint, name, length));
}

std::int32_t listen(jl_endpoint* endpoint, std::int32_t backlog) {
    return the_ledger().checked("listen", provider.ops->listen(endpoint, backlog));
}

std::int32_t accept(jl_endpoint* listener, void* request, jl_endpoint* child, const jl_answer* answer) {
    return the_ledger().checked("accept", provider.ops->accept(listener, request, child, answer));
}

void close(jl_endpoint* endpoint, std::uint32_t how) {
    the_ledger().is_closing(endpoint);
    provider.ops->close(endpoint, how);
}

void destroy(jl_instance* instance) {
    provider.destroy(instance);
    the_ledger().settles();
}

template <class Table> Table copy_of(const Table& table) {
    Table made{};
    std::memcpy(&made, &table, std::min<std::size_t>(table.struct_size, sizeof made));
    return made;
}

void show_host(const jl_host& real) {
    host = &real;
    shown_host = copy_of(real);
    shown_host.complete = complete;
    shown_host.accepted = accepted;
    shown_host.ready = ready;
    shown_host.closed = closed;
    shown_host.loop_of = loop_of;
    shown_host.loop_at = loop_at;
    shown_host.watch = watch;
    shown_host.unwatch = unwatch;
    shown_host.timer = timer;
    shown_host.timer_set = timer_set;
    shown_host.timer_free = timer_free;
}

void show_ops(const jl_ops& real) {
    shown_ops = copy_of(real);
    shown_ops.open = open;
    shown_ops.bind = bind;
    shown_ops.listen = real.listen == nullptr ? nullptr : listen;
    shown_ops.accept = real.accept == nullptr ? nullptr : accept;
    shown_ops.connect = real.connect == nullptr ? nullptr : connect;
    shown_ops.join = real.join == nullptr ? nullptr : join;
    shown_ops.close = close;
}

// A claim never makes a table that the runtime would have to refuse.
jl_protocol claimed(const jl_protocol& own, std::uint32_t bits, std::uint32_t abilities) {
    constexpr std::uint32_t rooted = JL_CAN_INVITE | JL_CAN_ASK | JL_CAN_SIDE_CHAT;
    constexpr std::uint32_t room = 256; // bytes of connect data that a claim offers
    auto row = copy_of(own);
    if ((bits & XP1_QOS_SUPPORTED) != 0 && provider.ops->qos == nullptr) {
        bits &= ~std::uint32_t{XP1_QOS_SUPPORTED};
    }
    if ((bits & ~row.service_flags & XP1_CONNECT_DATA) != 0) {
        row.caller_data_max = room;
        row.callee_data_max = room;
    }
    row.service_flags |= bits;
    if ((row.service_flags & XP1_MULTIPOINT_CONTROL_PLANE) == 0) {
        abilities &= ~rooted;
    }
    row.abilities |= abilities;
    return row;
}

void show_rows() {
    const auto bits = joinleaf_check_claimed_services == nullptr ? 0 : joinleaf_check_claimed_services();
    const auto abilities =
        joinleaf_check_claimed_abilities == nullptr ? 0 : joinleaf_check_claimed_abilities();
    rows.clear();
    row_pointers.clear();
    for (std::uint32_t i = 0; i < provider.protocol_count; ++i) {
        rows.push_back(claimed(*provider.protocols[i], bits, abilities));
    }
    for (const auto& row : rows) {
        row_pointers.push_back(&row);
    }
}

startup_function find_startup(const jl_host& real) {
    const char* const path = std::getenv("JOINLEAF_CHECK_OBSERVED");
    void* const library = path == nullptr ? nullptr : ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void* const symbol = library == nullptr ? nullptr : ::dlsym(library, "jl_provider_startup");
    if (symbol == nullptr) {
        const char* const reason = path == nullptr ? "JOINLEAF_CHECK_OBSERVED names no library" : ::dlerror();
        real.explain(reason == nullptr ? "it has no entry jl_provider_startup" : reason);
    }
    return reinterpret_cast<startup_function>(symbol);
}

int start_up(std::uint32_t abi_min, std::uint32_t abi_max, const jl_host& real, jl_provider& out) {
    static const startup_function startup = find_startup(real);
    if (startup == nullptr) {
        return WSASYSNOTREADY;
    }
    show_host(real);
    provider = {};
    provider.struct_size = sizeof provider;
    const int code = startup(abi_min, abi_max, &shown_host, &provider);
    const auto struct_size = out.struct_size;
    out = provider;
    out.struct_size = std::min(struct_size, provider.struct_size);
    if (code != 0 || provider.ops == nullptr || provider.protocols == nullptr) {
        return code;
    }
    show_ops(*provider.ops);
    show_rows();
    out.ops = &shown_ops;
    out.protocols = row_pointers.data();
    out.destroy = destroy;
    return 0;
}

} // namespace
} // namespace joinleaf::check

JL_PROVIDER_EXPORT int jl_provider_startup(std::uint32_t host_abi_min, std::uint32_t host_abi_max,
                                           const jl_host* host, jl_provider* out) {
    return joinleaf::check::start_up(host_abi_min, host_abi_max, *host, *out);
}
