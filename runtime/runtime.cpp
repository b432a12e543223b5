// SPDX-License-Identifier: Apache-2.0
#include "runtime/runtime.hpp"
#include "runtime/catalog/change_notice.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>

#include <unistd.h>

#include "config/nearest.hpp"
#include "runtime/dispatch/operation.hpp"
#include "runtime/explanation.hpp"
#include "runtime/host/host_table.hpp"
#include "runtime/log.hpp"
#include "runtime/socket/socket_object.hpp"

namespace joinleaf {
namespace {

// The count of WSAStartup and what it keeps alive.
struct process_state {
    std::mutex mutex;
    std::shared_mutex makers; // after mutex; shared by those who make sockets
    unsigned starts = 0;
    std::shared_ptr<runtime> running;
};

process_state& process() {
    static auto& one = *new process_state; // calls may come from destructors that run after main()
    return one;
}

config::result<config::configuration> read(const runtime::origin& where) {
    switch (where.from) {
    case runtime::origin::kind::file: return config::load_file(where.name);
    case runtime::origin::kind::text: return config::parse_text(where.text, where.name);
    case runtime::origin::kind::search_order: break;
    }
    return config::load();
}

constexpr auto known_variables = std::to_array<std::string_view>(
    {"JOINLEAF_CONFIG", "JOINLEAF_PROVIDER_PATH", "JOINLEAF_PROVIDERS", "JOINLEAF_LOG"});

// A misspelt variable is silent otherwise. One that resembles none of ours belongs to somebody else.
void warn_of_misspelt_variables() {
    for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
        const std::string_view setting(*at);
        const auto name = setting.substr(0, setting.find('='));
        if (!name.starts_with("JOINLEAF_") ||
            std::ranges::find(known_variables, name) != known_variables.end()) {
            continue;
        }
        if (const auto meant = config::nearest(name, known_variables); !meant.empty()) {
            log(severity::warning, "environment: {} means nothing; did you mean {}?", name, meant);
        }
    }
}

std::string sentence_of(const std::vector<config::problem>& problems) {
    std::string all;
    for (const auto& one : problems) {
        all += all.empty() ? "" : "\n";
        all += one.text();
    }
    return all;
}

// How long the last WSACleanup waits for providers to let go of their sockets; an aborted socket takes a turn
// of its loop.
constexpr std::chrono::seconds closing_limit{10};

// Closes what is open now; false when nothing was.
bool close_open_sockets() {
    auto& table = socket::open_sockets();
    std::vector<std::uintptr_t> numbers;
    table.each_number([&](std::uintptr_t number) { numbers.push_back(number); });
    std::vector<socket::socket_object*> mine;
    for (const auto number : numbers) {
        const auto held = table.acquire(number);
        if (held && table.shut(number) && held->give_up_number(number)) {
            held->interrupt();
            mine.push_back(held.get());
        }
    }
    for (auto* const one : mine) { // before the end of one socket becomes another one's outcome
        one->drain_numbers();
        one->forget_operations();
    }
    for (auto* const one : mine) {
        one->abort();
    }
    return !numbers.empty();
}

void close_every_socket() {
    while (close_open_sockets()) {
        // A call that was under way may have made a socket meanwhile.
    }
    if (!socket::wait_until_all_gone(closing_limit)) {
        log(severity::error, "a provider has not let go of its sockets within {} s; its memory stays in use",
            closing_limit.count());
    }
}

} // namespace

runtime::runtime(const config::configuration& configuration, origin where)
    : where_(std::move(where)),
      loops_(configuration.reactor.threads, configuration.reactor.spin, configuration.reactor.cpus),
      catalog_((host::serve_loops_of(&loops_), configuration), host::table()) {
    if (const auto& asked = configuration.statistics; asked.publish) {
        publisher_.emplace(asked.folder.empty() ? config::statistics_folder() : asked.folder);
    }
}

runtime::~runtime() {
    host::serve_loops_of(nullptr);
}

runtime::making::making() : held_(process().makers) {}

int runtime::start(const origin& where) {
    auto& state = process();
    const std::lock_guard hold(state.mutex);
    if (state.starts > 0 && where.from != origin::kind::search_order && !(state.running->where() == where)) {
        set_explanation("the runtime already runs with another configuration: " +
                        (state.running->where().name.empty() ? std::string("the search order's")
                                                             : state.running->where().name));
        return WSAEINVAL;
    }
    if (state.starts == 0) {
        warn_of_misspelt_variables();
        auto configuration = read(where);
        if (!configuration) {
            set_explanation(sentence_of(configuration.error()));
            return WSAEINVAL;
        }
        state.running = std::make_shared<runtime>(*configuration, where);
        started_.store(true, std::memory_order_release);
    }
    ++state.starts;
    return 0;
}

int runtime::stop() {
    auto& state = process();
    const std::lock_guard hold(state.mutex);
    if (state.starts == 0) {
        return WSANOTINITIALISED;
    }
    if (--state.starts > 0) {
        return 0;
    }
    started_.store(false, std::memory_order_release);
    state.makers.lock(); // those who found the runtime started have made their sockets
    state.makers.unlock();
    dispatch::end_era_of_operations();
    catalog::change_notice::end_all();
    close_every_socket();
    state.running.reset();
    return 0;
}

catalog::configuration_place runtime::place() {
    const auto running = current();
    const auto where = running ? running->where() : origin{};
    return {[where] { return read(where); },
            where.from == origin::kind::search_order ? config::first_file() : std::string()};
}

std::shared_ptr<const catalog::catalog> runtime::fresh_catalog() {
    const auto running = current();
    if (!running) {
        return nullptr;
    }
    const auto wanted = read(running->where());
    return fresh_catalog(wanted ? *wanted : running->catalog().configuration());
}

std::shared_ptr<const catalog::catalog> runtime::fresh_catalog(const config::configuration& wanted) {
    const auto running = current();
    if (!running) {
        return nullptr;
    }
    if (running->catalog().configuration() == wanted) {
        return {running, &running->catalog()};
    }
    return std::make_shared<catalog::catalog>(wanted, host::table());
}

std::shared_ptr<runtime> runtime::current() {
    auto& state = process();
    const std::lock_guard hold(state.mutex);
    return started() ? state.running : nullptr;
}

} // namespace joinleaf
