// SPDX-License-Identifier: Apache-2.0
//
// udp-mcast beside the bare system calls and beside others: messages a second, CPU a message, round trips.
// Rounds are interleaved within one run; the table has medians and their ratio to the raw case of the same
// cell.
#include "stage.hpp"
#include "technique.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

namespace {

using namespace bench;

struct figures {
    double rate = 0;   // messages a second, by the slowest receiver
    double cpu_us = 0; // a message sent, of all processes
    std::uint64_t sent = 0;
    std::uint64_t lost = 0; // of the receiver that lost most
    std::string error;
};

std::int64_t cpu_ns() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto ns = [](const timeval& of) { return of.tv_sec * 1'000'000'000LL + of.tv_usec * 1000LL; };
    return ns(used.ru_utime) + ns(used.ru_stime);
}

template <class Body> void counting_cpu(std::atomic<std::int64_t>& into, Body body) {
    const auto before = cpu_ns();
    body();
    into = cpu_ns() - before;
}

figures read_figures(const window& shared) {
    figures found;
    std::int64_t last = 0;
    std::int64_t cpu = shared.sender_cpu_ns;
    for (int i = 0; i < shared.receivers; ++i) {
        const auto& lane = shared.lanes[static_cast<std::size_t>(i)];
        last = std::max(last, lane.last_ns.load());
        cpu += lane.cpu_ns;
    }
    found.sent = shared.sent;
    found.lost = found.sent - std::min<std::uint64_t>(found.sent, shared.slowest());
    found.error = shared.error.data();
    const auto took = last - shared.start_ns;
    if (found.error.empty() && shared.slowest() > 0 && took > 0) {
        found.rate = static_cast<double>(shared.slowest()) * 1e9 / static_cast<double>(took);
        found.cpu_us = static_cast<double>(cpu) / 1000.0 / static_cast<double>(found.sent);
    }
    return found;
}

void wait_for_listeners(window& shared) {
    for (int i = 0; i < 5000 && !shared.all_listen() && !shared.failed; ++i) {
        ::usleep(1000);
    }
    if (!shared.all_listen()) {
        throw failure("the receivers do not listen");
    }
    shared.start_ns = now_ns();
}

// Runs one sender and its receivers to the end.
figures run(const stage& where, shape how, const technique& by) {
    auto* const shared = window::make();
    shared->receivers = how.receivers;
    // What a receiver's buffer takes of the smallest datagrams, with their notes.
    shared->limit = how.size <= 128 ? 8192 : 2048;
    const auto failed = [&](const char* what) {
        std::strncpy(shared->error.data(), what, shared->error.size() - 1);
        shared->failed = true;
        shared->finished = true;
    };
    std::vector<pid_t> processes;
    const auto start = [&](int end, auto body) {
        how.interface = where.interface_of(end);
        how.address = where.address_of(end);
        processes.push_back(where.start(end, body, failed));
    };
    for (int lane = 0; lane < how.receivers; ++lane) {
        start(lane + 1, [&, lane] {
            counting_cpu(shared->lanes[static_cast<std::size_t>(lane)].cpu_ns,
                         [&] { by.receive(how, *shared, lane); });
        });
    }
    start(0, [&] {
        counting_cpu(shared->sender_cpu_ns, [&] {
            if (!by.finds_peers) {
                wait_for_listeners(*shared);
            }
            by.send(how, *shared);
            shared->finished = true;
        });
    });
    for (const auto process : processes) {
        wait_for(process);
    }
    auto found = read_figures(*shared);
    shared->discard();
    return found;
}

std::array<double, 4> run_trips(const stage& where, shape how, const round_trip& by) {
    auto* const shared = window::make();
    const auto failed = [&](const char* what) {
        fmt::print(stderr, "{}: {}\n", by.name, what);
        shared->failed = true;
    };
    how.interface = where.interface_of(0);
    how.address = where.address_of(0);
    const auto answers = where.start(
        1, [&] { by.answer(how, *shared); }, failed);
    const auto asks = where.start(
        0,
        [&] {
            wait_for_listeners(*shared);
            by.ask(how, *shared);
        },
        failed);
    wait_for(asks);
    wait_for(answers);
    const auto found = shared->trip_us;
    shared->discard();
    return found;
}

double median(std::vector<double> of) {
    std::sort(of.begin(), of.end());
    return of.empty() ? 0 : of[of.size() / 2];
}

std::vector<technique> all_techniques() {
    std::vector<technique> all = raw_techniques();
    for (const auto& more : {joined_techniques(), zeromq_techniques(), norm_techniques()}) {
        all.insert(all.end(), more.begin(), more.end());
    }
    if (zeromq_techniques().empty()) {
        fmt::print(stderr, "udp_mcast: ZeroMQ is left out: libzmq3-dev was not there when this was built\n");
    }
    if (norm_techniques().empty()) {
        fmt::print(stderr, "udp_mcast: NORM is left out: libnorm-dev was not there when this was built\n");
    }
    return all;
}

struct measured {
    std::vector<double> rates, cpu;
    std::uint64_t sent = 0;
    std::uint64_t lost = 0;
    std::string error;
};

constexpr std::size_t largest_to_pack = 700; // bytes; beyond it a datagram takes one message

const char* yardstick(const shape& how, const technique& of) {
    if (of.coalesces && how.size <= largest_to_pack) {
        return "raw pack+GSO+GRO";
    }
    return how.over == network::wire ? "raw GSO/recvmmsg" : "raw GSO+GRO";
}

const char* name_of(network which) {
    switch (which) {
    case network::loopback: return "loopback";
    case network::bridge: return "bridge";
    case network::wire: return "wire";
    }
    return "";
}

const char* words_of(network which) {
    switch (which) {
    case network::loopback: return "loopback";
    case network::bridge: return "bridge of namespaces, MTU 1500, super-packets whole";
    case network::wire: return "bridge of namespaces, MTU 1500, super-packets cut at the sender";
    }
    return "";
}

// One cell of the table: every technique, rounds interleaved.
nlohmann::json run_cell(const stage& where, const shape& how, int rounds, const std::string& only) {
    const auto all = all_techniques();
    std::map<std::string, measured> found;
    for (int round = 0; round < rounds; ++round) {
        for (const auto& one : all) {
            const bool too_large_to_pack = one.coalesces && !one.finds_peers && how.size > largest_to_pack;
            if (too_large_to_pack || (!only.empty() && std::strstr(one.name, only.c_str()) == nullptr &&
                                      std::strncmp(one.name, "raw", 3) != 0)) {
                continue;
            }
            const auto got = run(where, how, one);
            auto& into = found[one.name];
            into.error = got.error.empty() ? into.error : got.error;
            into.rates.push_back(got.rate);
            into.cpu.push_back(got.cpu_us);
            into.sent += got.sent;
            into.lost += got.lost;
        }
    }
    const auto title = fmt::format("{} B, {} receiver{}, {}", how.size, how.receivers,
                                   how.receivers == 1 ? "" : "s", words_of(how.over));
    fmt::print("\n{}\n{:<26}{:>12}{:>9}{:>14}{:>10}\n", title, "", "msg/s each", "of raw", "CPU us/msg",
               "lost");
    nlohmann::json rows = nlohmann::json::array();
    for (const auto& one : all) {
        if (found.count(one.name) == 0) {
            continue;
        }
        const auto& mine = found[one.name];
        const auto* const raw = yardstick(how, one);
        const double ratio = median(mine.rates) / std::max(1.0, median(found[raw].rates));
        fmt::print("{:<26}{:>12.0f}{:>9.3f}{:>14.3f}{:>9.2f}%{}\n", one.name, median(mine.rates), ratio,
                   median(mine.cpu),
                   100.0 * static_cast<double>(mine.lost) /
                       static_cast<double>(std::max<std::uint64_t>(1, mine.sent)),
                   mine.error.empty() ? "" : "  " + mine.error);
        rows.push_back({{"technique", one.name},
                        {"raw", raw},
                        {"messages_per_second", median(mine.rates)},
                        {"ratio", ratio},
                        {"cpu_us_per_message", median(mine.cpu)},
                        {"sent", mine.sent},
                        {"lost", mine.lost},
                        {"rounds", mine.rates},
                        {"error", mine.error}});
    }
    std::fflush(stdout);
    return {{"size", how.size}, {"receivers", how.receivers}, {"network", name_of(how.over)}, {"rows", rows}};
}

nlohmann::json run_round_trips(const stage& where, int rounds) {
    shape how;
    how.group = "239.255.77.2";
    auto all = raw_round_trips();
    const auto more = joined_round_trips();
    all.insert(all.end(), more.begin(), more.end());
    std::map<std::string, std::array<std::vector<double>, 4>> found;
    for (int round = 0; round < rounds; ++round) {
        for (const auto& one : all) {
            const auto got = run_trips(where, how, one);
            for (std::size_t i = 0; i < got.size(); ++i) {
                found[one.name][i].push_back(got[i]);
            }
        }
    }
    fmt::print("\nround trip, 64 B, two processes, loopback, us\n{:<26}{:>9}{:>9}{:>9}{:>12}\n", "", "p50",
               "p90", "p99", "added p50");
    nlohmann::json rows = nlohmann::json::array();
    for (const auto& one : all) {
        const auto& mine = found[one.name];
        const double added = median(mine[0]) - median(found[one.raw][0]);
        fmt::print("{:<26}{:>9.2f}{:>9.2f}{:>9.2f}{:>12.2f}\n", one.name, median(mine[0]), median(mine[1]),
                   median(mine[2]), added);
        rows.push_back({{"technique", one.name},
                        {"raw", one.raw},
                        {"p50_us", median(mine[0])},
                        {"p90_us", median(mine[1])},
                        {"p99_us", median(mine[2])},
                        {"added_p50_us", added}});
    }
    std::fflush(stdout);
    return rows;
}

struct choice {
    int rounds = 5;
    std::string only;    // of the techniques besides the raw ones
    std::string network; // loopback, bridge, wire or trips; empty: all
    std::string file;
    std::size_t size = 0; // bytes of a message; 0: all
    int receivers = 0;    // 0: all
};

void declare(CLI::App& app, choice& asked) {
    app.add_option("--rounds", asked.rounds, "Rounds of each cell")->check(CLI::Range(1, 10000));
    app.add_option("--only", asked.only, "The techniques that this is part of, besides the raw ones");
    app.add_option("--network", asked.network, "This one only")
        ->check(CLI::IsMember({"loopback", "bridge", "wire", "trips"}));
    app.add_option("--size", asked.size, "Bytes of a message, this one only")->check(CLI::IsMember({64, 1400}));
    app.add_option("--receivers", asked.receivers, "So many only")->check(CLI::IsMember({1, most_receivers}));
    app.add_option("--json", asked.file, "File for the figures");
}

void bench_all(const choice& made) {
    nlohmann::json out{{"cells", nlohmann::json::array()}};
    const auto wanted = [&](const char* network) { return made.network.empty() || made.network == network; };
    const stage here = stage::loopback();
    if (wanted("trips")) {
        out["round_trips"] = run_round_trips(here, made.rounds);
    }
    for (const auto over : {network::loopback, network::bridge, network::wire}) {
        if (!wanted(name_of(over))) {
            continue;
        }
        const stage where = over == network::loopback
                                ? stage::loopback()
                                : stage::bridge(most_receivers + 1, over == network::bridge);
        for (const int receivers : {1, most_receivers}) {
            for (const std::size_t size : {std::size_t{64}, std::size_t{1400}}) {
                if ((made.size != 0 && made.size != size) ||
                    (made.receivers != 0 && made.receivers != receivers)) {
                    continue;
                }
                shape how;
                how.size = size;
                how.receivers = receivers;
                how.over = over;
                out["cells"].push_back(run_cell(where, how, made.rounds, made.only));
            }
        }
    }
    if (!made.file.empty()) {
        std::ofstream(made.file) << out.dump(2) << '\n';
    }
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("joinleaf's provider udp-mcast beside raw sockets and other messaging libraries");
    choice asked;
    try {
        declare(app, asked);
        app.parse(argc, argv);
        bench_all(asked);
        return 0;
    } catch (const CLI::ParseError& wrong) {
        return app.exit(wrong);
    } catch (const std::exception& wrong) {
        fmt::print(stderr, "udp_mcast: {}\n", wrong.what());
        return 1;
    }
}
