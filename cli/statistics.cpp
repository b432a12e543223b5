// SPDX-License-Identifier: Apache-2.0
#include "statistics.hpp"

#include "note.hpp"
#include "publication.hpp"
#include "runtime.hpp"
#include "table.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <utility>

namespace joinleaf::cli {
namespace {

using nlohmann::json;

std::uint64_t number_of(const json& from, const char* key) {
    const auto found = from.find(key);
    return found != from.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::string or_dash(std::string text) {
    return text.empty() ? "-" : std::move(text);
}

std::string time_text(std::uint64_t ns) {
    if (ns == 0) {
        return "-";
    }
    return ns < 1'000'000 ? fmt::format("{} us", ns / 1000) : fmt::format("{} ms", ns / 1'000'000);
}

std::string member_text(const json& socket) {
    const bool has_leaves = text_of(socket, "role") == "root" || number_of(socket, "members") != 0;
    return has_leaves ? fmt::format("{} of {}", number_of(socket, "members"), number_of(socket, "joins"))
                      : "-";
}

std::vector<std::string> counters_of(const json& from) {
    return {fmt::format("{}", number_of(from, "sent_messages")),
            fmt::format("{}", number_of(from, "received_messages")),
            fmt::format("{}", number_of(from, "queued_bytes")),
            fmt::format("{}", number_of(from, "dropped_messages")),
            fmt::format("{}", number_of(from, "gaps")),
            time_text(number_of(from, "rtt_ns")),
            or_dash(text_of(from, "last_error"))};
}

std::string socket_table(const json& process) {
    table text({"SOCKET", "ROLE", "ENTRY", "LOCAL", "PEER", "LEAVES", "SENT", "RECEIVED", "QUEUED", "DROPPED",
                "GAPS", "RTT", "LAST ERROR"});
    for (const json& socket : list_of(process, "sockets")) {
        std::vector<std::string> row{
            fmt::format("{}", number_of(socket, "socket")),
            text_of(socket, "role"),
            fmt::format("{}/{}", text_of(socket, "provider"), text_of(socket, "entry")),
            or_dash(text_of(socket, "local")),
            or_dash(text_of(socket, "peer")),
            member_text(socket)};
        for (auto& each : counters_of(socket)) {
            row.push_back(std::move(each));
        }
        text.add(std::move(row));
    }
    return text.text(0);
}

std::string leaf_table(const json& socket) {
    table text({"  LEAF", "SENT", "RECEIVED", "QUEUED", "DROPPED", "GAPS", "RTT", "LAST ERROR"});
    for (const json& leaf : list_of(socket, "leaves")) {
        std::vector<std::string> row{"  " + or_dash(text_of(leaf, "address"))};
        for (auto& each : counters_of(leaf)) {
            row.push_back(std::move(each));
        }
        text.add(std::move(row));
    }
    return fmt::format("\nleaves of socket {}\n{}", number_of(socket, "socket"), text.text(0));
}

void print_tables(const std::vector<json>& processes) {
    const char* between = "";
    for (const json& process : processes) {
        fmt::print("{}process {} ({})\n{}", std::exchange(between, "\n"), number_of(process, "pid"),
                   text_of(process, "program"), socket_table(process));
        for (const json& socket : list_of(process, "sockets")) {
            if (!list_of(socket, "leaves").empty()) {
                fmt::print("{}", leaf_table(socket));
            }
        }
    }
}

// ---- Prometheus' text format

struct metric {
    const char* key;
    const char* name;
    const char* type;
    const char* help;
};

constexpr std::array metrics{
    metric{"sent_messages", "sent_messages_total", "counter", "Messages sent."},
    metric{"sent_bytes", "sent_bytes_total", "counter", "Bytes of data sent."},
    metric{"received_messages", "received_messages_total", "counter", "Messages received."},
    metric{"received_bytes", "received_bytes_total", "counter", "Bytes of data received."},
    metric{"queued_bytes", "queued_bytes", "gauge", "Bytes not handed to the network yet."},
    metric{"dropped_messages", "dropped_messages_total", "counter", "Messages given up."},
    metric{"gaps", "gaps_total", "counter", "Losses that were told or noticed."},
    metric{"rtt_ns", "rtt_nanoseconds", "gauge", "Smoothed round trip; 0: unknown."},
};
constexpr std::array socket_metrics{
    metric{"members", "members", "gauge", "Leaves of a root now."},
    metric{"joins", "joins_total", "counter", "Leaves admitted so far."},
};

// A label's value, as the format wants it.
std::string quoted(const std::string& text) {
    std::string out;
    for (const char c : text) {
        out += c == '\n' ? "\\n" : c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    }
    return '"' + out + '"';
}

std::string labels_of(const json& process, const json& socket) {
    return fmt::format("pid=\"{}\",program={},socket=\"{}\",provider={},entry={},role={}",
                       number_of(process, "pid"), quoted(text_of(process, "program")),
                       number_of(socket, "socket"), quoted(text_of(socket, "provider")),
                       quoted(text_of(socket, "entry")), quoted(text_of(socket, "role")));
}

template <class Visit> void each_socket(const std::vector<json>& processes, Visit visit) {
    for (const json& process : processes) {
        for (const json& socket : list_of(process, "sockets")) {
            visit(labels_of(process, socket), socket);
        }
    }
}

void print_head(const char* kind, const metric& what) {
    fmt::print("# HELP joinleaf_{0}_{1} {2}\n# TYPE joinleaf_{0}_{1} {3}\n", kind, what.name, what.help,
               what.type);
}

void print_socket_metric(const std::vector<json>& processes, const metric& what) {
    print_head("socket", what);
    each_socket(processes, [&](const std::string& labels, const json& socket) {
        fmt::print("joinleaf_socket_{}{{{}}} {}\n", what.name, labels, number_of(socket, what.key));
    });
}

void print_prometheus(const std::vector<json>& processes) {
    for (const metric& what : metrics) {
        print_socket_metric(processes, what);
    }
    for (const metric& what : socket_metrics) {
        print_socket_metric(processes, what);
    }
    for (const metric& what : metrics) {
        print_head("leaf", what);
        each_socket(processes, [&](const std::string& labels, const json& socket) {
            for (const json& leaf : list_of(socket, "leaves")) {
                fmt::print("joinleaf_leaf_{}{{{},leaf={}}} {}\n", what.name, labels,
                           quoted(text_of(leaf, "address")), number_of(leaf, what.key));
            }
        });
    }
}

// ---- which processes

result<std::string> folder_of(const statistics_options& asked) {
    if (!asked.folder.empty()) {
        return asked.folder;
    }
    const auto checked = read_check(asked.config);
    if (!checked) {
        return tl::unexpected(checked.error());
    }
    for (const json& problem : list_of(*checked, "problems")) {
        return fail(status::configuration,
                    fmt::format("{}: {}", text_of(problem, "where"), text_of(problem, "message")));
    }
    const auto found = checked->find("statistics");
    return found == checked->end() ? std::string() : text_of(*found, "folder");
}

// One that ends meanwhile, or was killed and left its socket, is none of those that were not asked for by number.
result<std::vector<json>> read_all(const std::string& folder, const std::vector<int>& asked) {
    const auto there = asked.empty() ? publishing_processes(folder) : result<std::vector<int>>(asked);
    if (!there) {
        return tl::unexpected(there.error());
    }
    std::vector<json> found;
    for (const int process : *there) {
        auto answer = read_publication(folder, process);
        if (answer) {
            found.push_back(*std::move(answer));
        } else if (!asked.empty()) {
            return tl::unexpected(answer.error());
        } else if (answer.error().code != status::negative) {
            note(answer.error().text);
        }
    }
    return found;
}

} // namespace

result<void> show_statistics(const statistics_options& asked) {
    const auto folder = folder_of(asked);
    if (!folder) {
        return tl::unexpected(folder.error());
    }
    const auto found = read_all(*folder, asked.processes);
    if (!found) {
        return tl::unexpected(found.error());
    }
    if (asked.json) {
        fmt::print("{}\n", json{{"folder", *folder}, {"processes", *found}}.dump(2));
    } else if (asked.prometheus) {
        print_prometheus(*found);
    } else {
        print_tables(*found);
    }
    if (!found->empty()) {
        return {};
    }
    return fail(status::negative,
                fmt::format("no process publishes statistics in {}; a configuration with 'statistics: "
                            "{{publish: true}}' makes its processes do so",
                            *folder));
}

} // namespace joinleaf::cli
