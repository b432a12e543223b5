// SPDX-License-Identifier: Apache-2.0
#include "config/reactor_reader.hpp"

#include "config/keywords.hpp"
#include "config/limits.hpp"
#include "config/value_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace joinleaf::config {
namespace {

// A thread that polls longer than this before it sleeps was never meant to sleep.
constexpr std::chrono::nanoseconds longest_spin = std::chrono::seconds(1);

std::chrono::nanoseconds read_spin(const yaml_node& value, report& out) {
    const auto text = read_text(value, "reactor.spin", "a duration such as 50us", out);
    if (!text)
        return {};
    const auto spin = parse_duration(*text);
    if (!spin)
        out.add(value, "reactor.spin: " + spin.error());
    else if (*spin > longest_spin)
        out.add(value,
                fmt::format("reactor.spin: expected a duration from 0us to 1s, found {}", describe(value)));
    return spin.value_or(std::chrono::nanoseconds{});
}

std::vector<int> read_cpus(const yaml_node& value, report& out) {
    const auto* const items =
        read_list(value, "reactor.cpus", "a list of processor numbers such as [2, 3]", out);
    std::vector<int> cpus;
    if (items == nullptr)
        return cpus;
    for (const auto& item : *items) {
        const auto number = read_number(item, "reactor.cpus", 0, limits::cpus - 1, out);
        if (!number)
            continue;
        const auto cpu = static_cast<int>(*number);
        if (std::ranges::find(cpus, cpu) != cpus.end())
            out.add(item, fmt::format("reactor.cpus: found the processor {} a second time", cpu));
        else
            cpus.push_back(cpu);
    }
    return cpus;
}

} // namespace

reactor read_reactor(const yaml_node& value, report& out) {
    const map_reader keys(value, "reactor", keywords::reactor, out);
    reactor result;
    if (const auto* const threads = keys.find("threads"))
        result.threads = static_cast<unsigned>(
            read_number(*threads, "reactor.threads", 1, limits::threads, out).value_or(result.threads));
    if (const auto* const spin = keys.find("spin"))
        result.spin = read_spin(*spin, out);
    if (const auto* const cpus = keys.find("cpus"))
        result.cpus = read_cpus(*cpus, out);
    return result;
}

} // namespace joinleaf::config
