// SPDX-License-Identifier: Apache-2.0
//
// What the session layer of provider rdma costs on top of libfabric: the same traffic over the same provider of
// libfabric, bare and through joinleaf, in interleaved rounds; UCX and kernel TCP for orientation. Prints one table;
// --json FILE also writes the figures.
#include "stage.hpp"
#include "ucx.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace bench;
using clock_type = std::chrono::steady_clock;

struct traffic {
    const char* name; // of the table's line

    std::size_t leaves;
    std::size_t size;
    int messages;
    bool is_echoed; // each message is answered before the next goes
};

constexpr traffic cases[] = {
    {"64 B there and back, us one way", 1, 64, 20000, true},
    {"64 KiB to 1 leaf, MB/s", 1, 64u << 10, 6000, false},
    {"64 KiB to 8 leaves, MB/s in all", 8, 64u << 10, 600, false},
};

struct choice {
    int rounds = 15;
    std::vector<std::string> providers{"shm", "tcp;ofi_rxm"};
    std::string library; // this one only
    std::string json;
};

void run_leaf(const library& which, board& shared, std::size_t number, const traffic& what,
              const std::string& provider) {
    const auto self = which.open_leaf(shared, number, provider);
    std::vector<char> room(what.size + 1024);
    const int warm_up = what.messages / 10;
    for (int i = 0; i < warm_up + what.messages; ++i) {
        const std::size_t size = await(*self, room);
        must(size == what.size, "a message of another size");
        if (what.is_echoed || i + 1 == warm_up || i + 1 == warm_up + what.messages) {
            self->send(std::span(room).first(what.is_echoed ? size : 1));
        }
    }
    // The last answer is taken before this end goes.
    wait_until("the end", [&] { return shared.result.load() > 0; });
}

// Seconds for all messages, to the last answer.
double drive(party& self, const traffic& what, int messages) {
    std::vector<char> message(what.size, 'm');
    std::vector<char> room(what.size + 1024);
    const auto start = clock_type::now();
    for (int i = 0; i < messages; ++i) {
        self.send(message);
        if (what.is_echoed) {
            await(self, room);
        }
    }
    for (std::size_t i = 0; !what.is_echoed && i < what.leaves; ++i) {
        await(self, room);
    }
    return std::chrono::duration<double>(clock_type::now() - start).count();
}

void run_root(const library& which, board& shared, const traffic& what, const std::string& provider) {
    const auto self = which.open_root(shared, what.leaves, provider);
    wait_until("the leaves", [&] { return shared.joined == what.leaves; });
    drive(*self, what, what.messages / 10);
    shared.result = drive(*self, what, what.messages);
}

template <class Body> pid_t in_a_process(const Body& body) {
    const pid_t made = ::fork();
    must(made >= 0, "fork");
    if (made == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        body();
        std::_Exit(0);
    }
    return made;
}

std::optional<double> measure(const library& which, const traffic& what, const std::string& provider) {
    void* const memory =
        ::mmap(nullptr, sizeof(board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(memory != MAP_FAILED, "mmap");
    board& shared = *new (memory) board;
    std::vector<pid_t> all{in_a_process([&] { run_root(which, shared, what, provider); })};
    for (std::size_t i = 0; i < what.leaves; ++i) {
        all.push_back(in_a_process([&] { run_leaf(which, shared, i, what, provider); }));
    }
    bool right = true;
    for (const pid_t each : all) {
        int status = 0;
        right = ::waitpid(each, &status, 0) == each && status == 0 && right;
    }
    const double seconds = shared.result;
    ::munmap(memory, sizeof(board));
    return right && seconds > 0 ? std::optional(seconds) : std::nullopt;
}

double median(std::vector<double> of) {
    std::sort(of.begin(), of.end());
    return of.empty() ? 0 : of[of.size() / 2];
}

// Microseconds one way, or MB/s that the leaves got in all.
double figure(const traffic& what, double seconds) {
    const double messages = what.messages;
    return what.is_echoed
               ? seconds / messages / 2 * 1e6
               : messages * static_cast<double>(what.size) * static_cast<double>(what.leaves) / seconds / 1e6;
}

// Something that the traffic goes through.
struct contender {
    std::string name;
    std::function<std::optional<double>(const traffic&, const std::string& provider)> seconds;
    std::vector<double> figures; // of a case, one for each round; NaN where it failed or does not know the case
};

std::vector<contender> contenders(const choice& asked) {
    std::vector<contender> all;
    for (const library& each : {libfabric(), joinleaf(), polled_joinleaf(), copying_libfabric(), raw_tcp()}) {
        all.push_back({each.name,
                       [each](const traffic& what, const std::string& provider) {
                           return measure(each, what, provider);
                       },
                       {}});
    }
    all.push_back({"UCX",
                   [](const traffic& what, const std::string& provider) {
                       return what.leaves == 1 && has_ucx()
                                  ? measure_ucx(provider, what.size, what.messages, what.is_echoed)
                                  : std::nullopt;
                   },
                   {}});
    std::erase_if(
        all, [&](const contender& each) { return !asked.library.empty() && each.name != asked.library; });
    return all;
}

// Every round goes through all of them, every second one backwards: what else the machine does falls on all alike.
void play(std::vector<contender>& all, const traffic& what, const std::string& provider, int rounds) {
    for (contender& each : all) {
        each.figures.clear();
    }
    for (int round = 0; round < rounds; ++round) {
        for (std::size_t i = 0; i < all.size(); ++i) {
            contender& each = all[round % 2 == 0 ? i : all.size() - 1 - i];
            const auto seconds = each.seconds(what, provider);
            each.figures.push_back(seconds ? figure(what, *seconds) : std::nan(""));
        }
    }
}

std::vector<double> known(const std::vector<double>& all) {
    std::vector<double> out;
    std::ranges::copy_if(all, std::back_inserter(out), [](double each) { return !std::isnan(each); });
    return out;
}

std::string cell(const contender& which) {
    const auto all = known(which.figures);
    return all.empty() ? "-" : fmt::format("{:.{}f}", median(all), median(all) < 100 ? 2 : 0);
}

// Round by round: how much longer than bare libfabric, or which part of its bandwidth.
std::string comparison(const contender& base, const contender& ours, bool is_echoed) {
    std::vector<double> all;
    for (std::size_t i = 0; i < ours.figures.size(); ++i) {
        const double a = base.figures[i];
        const double b = ours.figures[i];
        all.push_back(is_echoed ? b - a : b / a);
    }
    all = known(all);
    return all.empty() ? "-" : fmt::format(fmt::runtime(is_echoed ? "{:+.2f} us" : "{:.2f}"), median(all));
}

bool is_ours(const contender& which) {
    return which.name.starts_with("joinleaf");
}

void print_head(const std::vector<contender>& all) {
    fmt::print("| over | traffic |");
    for (const contender& each : all) {
        fmt::print(" {} |{}", each.name, is_ours(each) && all.size() > 1 ? " against libfabric |" : "");
    }
    fmt::print("\n|---|---|");
    const auto ours = all.size() > 1 ? std::ranges::count_if(all, is_ours) : 0;
    for (std::size_t i = 0; i < all.size() + static_cast<std::size_t>(ours); ++i) {
        fmt::print("---|");
    }
    fmt::print("\n");
}

void print_line(const std::vector<contender>& all, const traffic& what, const std::string& provider) {
    fmt::print("| {} | {} |", provider, what.name);
    for (const contender& each : all) {
        fmt::print(" {} |", cell(each));
        if (is_ours(each) && all.size() > 1) {
            fmt::print(" {} |", comparison(all.front(), each, what.is_echoed));
        }
    }
    fmt::print("\n");
    std::fflush(stdout);
}

nlohmann::json record(const contender& which, const traffic& what, const std::string& provider) {
    const auto all = known(which.figures);
    return {{"provider", provider},  {"case", what.name},
            {"library", which.name}, {"unit", what.is_echoed ? "us" : "MB/s"},
            {"median", median(all)}, {"rounds", all}};
}

void declare(CLI::App& app, choice& asked) {
    app.add_option("--rounds", asked.rounds, "Rounds of each case")->check(CLI::Range(1, 10000));
    app.add_option("--provider", asked.providers, "Provider of libfabric, instead of shm and tcp;ofi_rxm")
        ->expected(1);
    app.add_option("--library", asked.library,
                   "This one only: libfabric, joinleaf, 'joinleaf, polled', 'raw TCP' or UCX");
    app.add_option("--json", asked.json, "File for the figures");
}

int compare(const choice& asked) {
    auto all = contenders(asked);
    if (all.empty()) {
        fmt::print(stderr, "rdma: nothing is called '{}'\n", asked.library);
        return 2;
    }
    if (!has_ucx()) {
        fmt::print(stderr, "rdma: UCX is left out, ucx_perftest (package ucx-utils) is not there\n");
    }
    nlohmann::json out = nlohmann::json::array();
    fmt::print("Medians of {} rounds.\n\n", asked.rounds);
    print_head(all);
    for (const std::string& provider : asked.providers) {
        for (const traffic& what : cases) {
            play(all, what, provider, asked.rounds);
            print_line(all, what, provider);
            for (const contender& each : all) {
                out.push_back(record(each, what, provider));
            }
        }
    }
    if (!asked.json.empty()) {
        std::ofstream(asked.json) << out.dump(2) << '\n';
    }
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("joinleaf's provider rdma beside bare libfabric, kernel TCP and UCX");
    choice asked;
    try {
        declare(app, asked);
        app.parse(argc, argv);
        return compare(asked);
    } catch (const CLI::ParseError& wrong) {
        return app.exit(wrong);
    } catch (const std::exception& wrong) {
        fmt::print(stderr, "rdma: {}\n", wrong.what());
        return 1;
    }
}
