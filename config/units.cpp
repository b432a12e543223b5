// SPDX-License-Identifier: Apache-2.0
#include "config/units.hpp"

#include "config/quote.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>
#include <vector>

namespace joinleaf::config {
namespace {

struct unit {
    std::string_view name;
    std::uint64_t factor;
};

struct quantity {
    std::string_view noun;
    std::span<const unit> units;
    std::uint64_t largest;
    std::string_view example;
};

constexpr std::uint64_t kilo = 1000;
constexpr std::uint64_t mega = kilo * kilo;
constexpr std::uint64_t giga = mega * kilo;
constexpr std::uint64_t tera = giga * kilo;

constexpr std::array<unit, 6> time_units{
    {{"ns", 1}, {"us", kilo}, {"ms", mega}, {"s", giga}, {"min", 60 * giga}, {"h", 3600 * giga}}};

constexpr std::array<unit, 9> size_units{{{"B", 1},
                                          {"KiB", 1ULL << 10U},
                                          {"MiB", 1ULL << 20U},
                                          {"GiB", 1ULL << 30U},
                                          {"TiB", 1ULL << 40U},
                                          {"kB", kilo},
                                          {"MB", mega},
                                          {"GB", giga},
                                          {"TB", tera}}};

constexpr std::array<unit, 5> rate_units{
    {{"bit", 1}, {"kbit", kilo}, {"Mbit", mega}, {"Gbit", giga}, {"Tbit", tera}}};

constexpr quantity durations{"a duration", time_units, std::numeric_limits<std::int64_t>::max(), "250ms"};
constexpr quantity sizes{"a size", size_units, std::numeric_limits<std::uint64_t>::max(), "4MiB"};
constexpr quantity rates{"a rate", rate_units, std::numeric_limits<std::uint64_t>::max(), "100Mbit"};

std::vector<std::string_view> names(const quantity& what) {
    std::vector<std::string_view> out;
    for (const auto& each : what.units)
        out.push_back(each.name);
    return out;
}

std::string expectation(const quantity& what) {
    return fmt::format("expected {}, a whole number followed by one of {}, such as {}", what.noun,
                       listing(names(what)), what.example);
}

tl::unexpected<std::string> wrong_unit(const quantity& what, std::string_view text, std::string_view found) {
    if (found.empty())
        return tl::unexpected(fmt::format("{} has no unit; {}", quote(text), expectation(what)));
    return tl::unexpected(fmt::format("{} has the unknown unit {}; {}{}", quote(text), quote(found),
                                      expectation(what), suggestion(found, names(what))));
}

tl::expected<std::uint64_t, std::string> parse(const quantity& what, std::string_view text) {
    std::uint64_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const auto digits = static_cast<std::size_t>(rest - text.data());
    if (digits == 0)
        return tl::unexpected(
            fmt::format("{} is not a number with a unit; {}", quote(text), expectation(what)));

    const auto found = text.substr(digits);
    if (found.starts_with('.') || found.starts_with(','))
        return tl::unexpected(fmt::format("{} is not a whole number; {}", quote(text), expectation(what)));
    if (found.starts_with(' '))
        return tl::unexpected(
            fmt::format("{} has a space before its unit; {}", quote(text), expectation(what)));
    const auto chosen = std::ranges::find(what.units, found, &unit::name);
    if (chosen == what.units.end())
        return wrong_unit(what, text, found);
    if (error == std::errc::result_out_of_range || number > what.largest / chosen->factor)
        return tl::unexpected(fmt::format("{} is too large; the largest here is {}{}", quote(text),
                                          what.largest / chosen->factor, chosen->name));
    return number * chosen->factor;
}

} // namespace

tl::expected<std::chrono::nanoseconds, std::string> parse_duration(std::string_view text) {
    return parse(durations, text).map([](std::uint64_t nanoseconds) {
        return std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds));
    });
}

tl::expected<std::uint64_t, std::string> parse_size(std::string_view text) {
    return parse(sizes, text);
}

tl::expected<std::uint64_t, std::string> parse_rate(std::string_view text) {
    return parse(rates, text);
}

} // namespace joinleaf::config
