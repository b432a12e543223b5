// SPDX-License-Identifier: Apache-2.0
#include "runtime/host/host_table.hpp"

#include <atomic>
#include <cstdlib>

#include "runtime/explanation.hpp"
#include "runtime/log.hpp"
#include "runtime/socket/socket_object.hpp"

namespace joinleaf::host {
namespace {

using socket::socket_object;

std::atomic<dispatch::loop_pool*> pool_in_service{nullptr};

dispatch::loop& loop_from(jl_loop* loop) noexcept {
    return *reinterpret_cast<dispatch::loop*>(loop);
}
jl_loop* to_loop(dispatch::loop& loop) noexcept {
    return reinterpret_cast<jl_loop*>(&loop);
}
dispatch::watch* watch_from(jl_watch* watch) noexcept {
    return reinterpret_cast<dispatch::watch*>(watch);
}
dispatch::timer* timer_from(jl_timer* timer) noexcept {
    return reinterpret_cast<dispatch::timer*>(timer);
}

// An out-of-memory error inside an upcall has no one to go to: the provider is plain C.
template <class Body> void guarded(const char* what, Body body) noexcept {
    try {
        body();
    } catch (const std::exception& error) {
        log_text(severity::error, std::string("upcall ") + what + ": " + error.what());
    }
}

void complete(jl_handle* handle, std::uint64_t op, const jl_outcome* outcome) {
    guarded("complete", [&] { socket_object::from(handle).on_complete(op, *outcome); });
}

void accepted(jl_handle* listener, const jl_request* request) {
    guarded("accepted", [&] { socket_object::from(listener).on_accepted(*request); });
}

void withdrawn(jl_handle* listener, void* request) {
    guarded("withdrawn", [&] { socket_object::from(listener).on_withdrawn(request); });
}

void ready(jl_handle* handle, std::uint32_t directions) {
    guarded("ready", [&] { socket_object::from(handle).on_ready(directions); });
}

void closed(jl_handle* handle) {
    socket_object::from(handle).on_closed();
}

std::int32_t expose(jl_handle* handle, std::int32_t fd, std::uint32_t conditions) {
    return socket_object::from(handle).on_expose(fd, conditions);
}

jl_loop* loop_of(jl_handle* handle) {
    return to_loop(socket_object::from(handle).loop());
}

jl_loop* loop_at(std::uint32_t index) {
    auto* const pool = pool_in_service.load();
    return pool == nullptr ? nullptr : to_loop(pool->at(index));
}

std::uint32_t loop_count() {
    auto* const pool = pool_in_service.load();
    return pool == nullptr ? 0 : static_cast<std::uint32_t>(pool->size());
}

jl_watch* watch(jl_loop* loop, std::int32_t fd, std::uint32_t conditions, jl_watch_callback callback,
                void* context) {
    jl_watch* made = nullptr;
    guarded("watch", [&] {
        made = reinterpret_cast<jl_watch*>(loop_from(loop).add(fd, conditions, callback, context));
    });
    return made;
}

void rewatch(jl_watch* watch, std::uint32_t conditions) {
    auto* const which = watch_from(watch);
    which->owner->modify(which, conditions);
}

void unwatch(jl_watch* watch, jl_callback done, void* context) {
    auto* const which = watch_from(watch);
    guarded("unwatch", [&] { which->owner->remove(which, done, context); });
}

jl_timer* start_timer(jl_loop* loop, std::uint64_t after_ns, jl_callback callback, void* context) {
    jl_timer* made = nullptr;
    guarded("timer", [&] {
        made = reinterpret_cast<jl_timer*>(loop_from(loop).start(
            std::chrono::nanoseconds(static_cast<std::int64_t>(after_ns)), callback, context));
    });
    return made;
}

// A provider that breaks a thread tag is told so; a checked build ends, so that its author finds the place.
void must_be_on_loop(const dispatch::timer& timer, const char* what) noexcept {
    if (timer.owner->on_thread()) {
        return;
    }
    log_text(severity::error, std::string("a provider called ") + what +
                                  ", which is [reactor], on a thread that is not its timer's loop");
#ifdef JOINLEAF_CHECKED
    std::abort();
#endif
}

void timer_set(jl_timer* timer, std::uint64_t after_ns) {
    auto* const which = timer_from(timer);
    must_be_on_loop(*which, "timer_set");
    guarded("timer_set", [&] {
        which->owner->set(which,
                          after_ns == UINT64_MAX
                              ? std::nullopt
                              : std::optional(std::chrono::nanoseconds(static_cast<std::int64_t>(after_ns))));
    });
}

void timer_free(jl_timer* timer) {
    auto* const which = timer_from(timer);
    must_be_on_loop(*which, "timer_free");
    guarded("timer_free", [&] { which->owner->drop(which); });
}

void post(jl_loop* loop, jl_callback callback, void* context) {
    guarded("post", [&] { loop_from(loop).post(callback, context); });
}

void log_line(std::uint32_t level, const char* text) {
    const auto known = std::min<std::uint32_t>(std::max<std::uint32_t>(level, JL_LOG_ERROR), JL_LOG_DEBUG);
    if (shows(static_cast<severity>(known))) {
        log_text(static_cast<severity>(known), text);
    }
}

void explain(const char* sentence) {
    guarded("explain", [&] { set_explanation(sentence); });
}

constexpr jl_host make_table() noexcept {
    jl_host made{};
    made.struct_size = sizeof made;
    made.abi = JL_ABI_VERSION;
    made.complete = complete;
    made.accepted = accepted;
    made.withdrawn = withdrawn;
    made.ready = ready;
    made.closed = closed;
    made.qos_changed = [](jl_handle* handle, const QOS* qos, std::uint32_t how) {
        guarded("qos_changed", [&] { socket_object::from(handle).on_qos_changed(*qos, how); });
    };
    made.expose = expose;
    made.loop_of = loop_of;
    made.loop_at = loop_at;
    made.loop_count = loop_count;
    made.watch = watch;
    made.rewatch = rewatch;
    made.unwatch = unwatch;
    made.timer = start_timer;
    made.timer_set = timer_set;
    made.timer_free = timer_free;
    made.post = post;
    made.log = log_line;
    made.explain = explain;
    return made;
}

} // namespace

const jl_host& table() noexcept {
    static constexpr jl_host host = make_table();
    return host;
}

void serve_loops_of(dispatch::loop_pool* pool) noexcept {
    pool_in_service = pool;
}

} // namespace joinleaf::host
