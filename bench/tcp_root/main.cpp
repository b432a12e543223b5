// SPDX-License-Identifier: Apache-2.0
//
// One root, many leaves: deliveries a second and CPU seconds of the root per million of them, for joinleaf and
// its peers in interleaved rounds; the memory that an idle leaf costs the root. Prints tables with ratios to
// the raw case of the same run; with --json FILE also writes the figures.
#include "joins.hpp"
#include "stage.hpp"

#define JOINLEAF_NO_BSD_NAMES
#include <joinleaf/ext.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <malloc.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

namespace {

using namespace bench;
using namespace std::chrono_literals;

struct cell {
    std::size_t message;
    std::size_t leaves;
};

constexpr cell cells[] = {{64, 10}, {64, 100}, {64, 1000}, {1024, 100}, {65536, 100}};

const std::vector<library>& libraries() {
    static const std::vector<library> all{
        {"raw, one log", open_raw_batch},
        {"raw, a send each", open_raw_single},
        {"joinleaf", open_joinleaf},
#ifdef BENCH_ZEROMQ
        {"ZeroMQ", open_zeromq},
#endif
#ifdef BENCH_NATS
        {"NATS", open_nats},
#endif
#ifdef BENCH_NNG
        {"nng", open_nng},
#endif
    };
    return all;
}

// --cell: this one alone.
cell wanted{0, 0};
// --library: this one alone, beside the raw one log that the ratio is to.
std::string wanted_library;

bool is_wanted(const cell& at) {
    return wanted.message == 0 || (wanted.message == at.message && wanted.leaves == at.leaves);
}

bool is_wanted(const library& which) {
    return wanted_library.empty() || wanted_library == which.name || &which == libraries().data();
}

struct figures {
    std::vector<double> rate; // deliveries a second
    std::vector<double> cpu;  // seconds a million deliveries
};

double median(std::vector<double> of) {
    std::sort(of.begin(), of.end());
    return of.empty() ? 0 : of[of.size() / 2];
}

// A case that delivers nothing for this long has failed.
constexpr auto patience = 20s;

void measure(const library& which, const cell& at, std::chrono::milliseconds length, figures& out) {
    const auto root = which.open(at.message);
    const leaves crowd(root->speaks(), root->port(), at.leaves);
    root->gather(at.leaves, crowd);
    while (crowd.now().joined < at.leaves && crowd.alive()) {
        std::this_thread::yield();
    }
    const std::uint64_t frame = wire_size(root->speaks(), at.message);
    const auto least = [&] { return crowd.now().least.load() / frame; };
    const double cpu = root->cpu();
    const auto start = clock::now();
    const std::uint64_t sent = root->flood(std::string(at.message, 'm'), start + length, least);
    for (const auto limit = clock::now() + patience; least() < sent; std::this_thread::sleep_for(200us)) {
        if (clock::now() > limit || !crowd.alive()) {
            fmt::print(stderr, "tcp_root: {} delivered {} of {} messages of {} B to {} leaves\n", which.name,
                       least(), sent, at.message, at.leaves);
            return;
        }
    }
    const std::chrono::duration<double> took = clock::now() - start;
    const double deliveries = static_cast<double>(sent) * static_cast<double>(at.leaves);
    out.rate.push_back(deliveries / took.count());
    out.cpu.push_back((root->cpu() - cpu) / deliveries * 1e6);
}

nlohmann::json flood_table(int rounds, std::chrono::milliseconds length) {
    nlohmann::json out = nlohmann::json::array();
    for (const cell& at : cells) {
        if (!is_wanted(at)) {
            continue;
        }
        std::vector<figures> all(libraries().size());
        for (int round = 0; round < rounds; ++round) {
            for (std::size_t i = 0; i < all.size(); ++i) {
                if (is_wanted(libraries()[i])) {
                    measure(libraries()[i], at, length, all[i]);
                }
            }
        }
        fmt::print("{} B to {} leaves, median of {} rounds\n", at.message, at.leaves, rounds);
        fmt::print("  {:<18}{:>14}{:>10}{:>16}\n", "", "deliveries/s", "ratio", "CPU s a million");
        const double raw = median(all[0].rate);
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (all[i].rate.empty()) {
                continue;
            }
            const double rate = median(all[i].rate);
            const double cpu = median(all[i].cpu);
            fmt::print("  {:<18}{:>14.0f}{:>10.3f}{:>16.4f}\n", libraries()[i].name, rate, rate / raw, cpu);
            out.push_back({{"library", libraries()[i].name},
                           {"message", at.message},
                           {"leaves", at.leaves},
                           {"deliveries_per_second", rate},
                           {"ratio_to_raw", rate / raw},
                           {"cpu_seconds_per_million", cpu},
                           {"rounds", all[i].rate}});
        }
        std::fflush(stdout);
    }
    return out;
}

nlohmann::json join_table(int rounds) {
    constexpr std::size_t count = 2000;
    constexpr std::size_t at_once = 100;
    const auto all = measure_joins(count, at_once, rounds);
    fmt::print("joins, {} at once, median of {} rounds of {}\n", at_once, rounds, count);
    fmt::print("  {:<24}{:>10}{:>10}{:>18}\n", "", "joins/s", "ratio", "server CPU us");
    nlohmann::json out = nlohmann::json::array();
    const double raw = median(all.front().rate);
    for (const join_rate& each : all) {
        const double rate = median(each.rate);
        fmt::print("  {:<24}{:>10.0f}{:>10.3f}{:>18.1f}\n", each.name, rate, rate / raw, median(each.cpu));
        out.push_back({{"library", each.name},
                       {"at_once", at_once},
                       {"joins_per_second", rate},
                       {"ratio_to_raw", rate / raw},
                       {"cpu_microseconds", median(each.cpu)},
                       {"rounds", each.rate}});
    }
    std::fflush(stdout);
    return out;
}

std::size_t heap_bytes() {
    const auto now = ::mallinfo2();
    return now.uordblks + now.hblkhd;
}

// What an idle leaf costs the root in user memory, and how soon all have a message.
nlohmann::json memory_of_idle_leaves(std::size_t count) {
    const auto root = open_joinleaf(64);
    const std::size_t before = heap_bytes();
    const leaves crowd(root->speaks(), root->port(), count);
    const auto begun = clock::now();
    root->gather(count, crowd);
    while (crowd.now().joined < count && crowd.alive()) {
        std::this_thread::yield();
    }
    const std::chrono::duration<double> joining = clock::now() - begun;
    const double each = static_cast<double>(heap_bytes() - before) / static_cast<double>(count);
    const auto start = clock::now();
    root->flood(std::string(64, 'm'), start, [] { return std::uint64_t{0}; });
    while (crowd.now().least < wire_size(root->speaks(), 64) && crowd.alive() &&
           clock::now() < start + patience) {
        std::this_thread::yield();
    }
    const std::chrono::duration<double> reaching = clock::now() - start;
    const double rate = static_cast<double>(count) / joining.count();
    fmt::print(
        "{} idle leaves: {:.0f} bytes of the root's heap each, {:.0f} joins/s one after another, a message "
        "to all in {:.3f} s\n",
        count, each, rate, reaching.count());
    return {{"leaves", count},
            {"bytes_each", each},
            {"joins_per_second", rate},
            {"seconds_to_reach_all", reaching.count()}};
}

std::size_t raise_descriptor_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

constexpr const char* configuration = "version: 1\n"
                                      "providers:\n"
                                      "  - {name: tcp, library: tcp-root}\n";

struct choice {
    int rounds = 3;
    int milliseconds = 400;
    std::string json;
};

void declare(CLI::App& app, choice& asked, std::vector<std::size_t>& cell) {
    app.add_option("--rounds", asked.rounds, "Rounds of each cell")->check(CLI::Range(1, 10000));
    app.add_option("--length", asked.milliseconds, "Milliseconds of each flood")->check(CLI::Range(1, 60000));
    app.add_option("--cell", cell, "BYTESxLEAVES: this cell alone")->delimiter('x')->expected(2);
    app.add_option("--library", wanted_library, "This one alone, beside the raw one");
    app.add_option("--json", asked.json, "File for the figures");
}

int compare(const choice& asked) {
    std::signal(SIGPIPE, SIG_IGN); // the libraries of others may write to a process that is going
    const std::size_t descriptors = raise_descriptor_limit();
    stay_off_the_leaves_processor();
    must(jl_start_text(configuration, "tcp_root") == 0, "jl_start_text");
#ifndef BENCH_ZEROMQ
    fmt::print("without ZeroMQ: libzmq3-dev was not there at build time\n");
#endif
#ifndef BENCH_NATS
    fmt::print("without NATS: nats-server or libnats-dev was not there at build time\n");
#endif
#ifndef BENCH_NNG
    fmt::print("without nng: libnng-dev was not there at build time\n");
#endif
    nlohmann::json out;
    out["flood"] = flood_table(asked.rounds, std::chrono::milliseconds(asked.milliseconds));
    if (wanted.message != 0) {
        return WSACleanup();
    }
    out["joins"] = join_table(asked.rounds);
    out["idle"] = memory_of_idle_leaves(std::min<std::size_t>(10'000, descriptors / 2 - 200));
    if (!asked.json.empty()) {
        std::ofstream(asked.json) << out.dump(2) << '\n';
    }
    return WSACleanup();
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("joinleaf's provider tcp-root beside raw TCP and other messaging libraries");
    choice asked;
    std::vector<std::size_t> cell;
    try {
        declare(app, asked, cell);
        app.parse(argc, argv);
        if (!cell.empty()) {
            wanted = {cell[0], cell[1]};
        }
        return compare(asked);
    } catch (const CLI::ParseError& wrong) {
        return app.exit(wrong);
    } catch (const std::exception& wrong) {
        fmt::print(stderr, "tcp_root: {}\n", wrong.what());
        return 1;
    }
}
