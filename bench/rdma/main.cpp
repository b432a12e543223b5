// SPDX-License-Identifier: Apache-2.0
//
// What the session layer of provider rdma costs on top of libfabric: the same traffic over the same provider of
// libfabric, bare and through joinleaf, in interleaved rounds; kernel TCP for orientation. Prints a table for each
// provider with ratios to bare libfabric; --json FILE also writes the figures.
#include "stage.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <vector>

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
    const char* name;
    std::size_t leaves;
    std::size_t size;
    int messages;
    bool is_echoed; // each message is answered before the next goes
};

constexpr traffic cases[] = {
    {"64 B there and back", 1, 64, 4000, true},
    {"64 KiB to 1 leaf", 1, 64u << 10, 3000, false},
    {"64 KiB to 8 leaves", 8, 64u << 10, 400, false},
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

nlohmann::json table(const std::string& provider, int rounds) {
    const std::vector<library> libraries{libfabric(), joinleaf(), raw_tcp()};
    nlohmann::json out = nlohmann::json::array();
    for (const traffic& what : cases) {
        std::vector<std::vector<double>> all(libraries.size());
        for (int round = 0; round < rounds; ++round) {
            for (std::size_t i = 0; i < libraries.size(); ++i) {
                if (const auto seconds = measure(libraries[i], what, provider)) {
                    all[i].push_back(figure(what, *seconds));
                } else {
                    fmt::print(stderr, "rdma: {} failed at {}\n", libraries[i].name, what.name);
                }
            }
        }
        fmt::print("{}, {}, median of {} rounds\n", provider, what.name, rounds);
        fmt::print("  {:<12}{:>14}{:>10}\n", "", what.is_echoed ? "us one way" : "MB/s in all", "ratio");
        const double base = median(all[0]);
        for (std::size_t i = 0; i < libraries.size(); ++i) {
            const double value = median(all[i]);
            fmt::print("  {:<12}{:>14.2f}{:>10.3f}\n", libraries[i].name, value, value / base);
            out.push_back({{"provider", provider},
                           {"case", what.name},
                           {"library", libraries[i].name},
                           {"unit", what.is_echoed ? "us" : "MB/s"},
                           {"median", value},
                           {"ratio_to_libfabric", value / base},
                           {"rounds", all[i]}});
        }
        std::fflush(stdout);
    }
    return out;
}

} // namespace

int main(int argc, char** argv) {
    int rounds = 5;
    std::vector<std::string> providers{"shm", "tcp;ofi_rxm"};
    const char* json = nullptr;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string option = argv[i];
        if (option == "--rounds") {
            rounds = std::atoi(argv[i + 1]);
        } else if (option == "--provider") {
            providers = {argv[i + 1]};
        } else if (option == "--json") {
            json = argv[i + 1];
        } else {
            fmt::print(stderr, "rdma: unknown option {}; there are --rounds N, --provider NAME, --json FILE\n",
                       option);
            return 2;
        }
    }
    nlohmann::json out = nlohmann::json::array();
    for (const std::string& provider : providers) {
        for (auto& row : table(provider, rounds)) {
            out.push_back(std::move(row));
        }
    }
    if (json != nullptr) {
        std::ofstream(json) << out.dump(2) << '\n';
    }
    return 0;
}
