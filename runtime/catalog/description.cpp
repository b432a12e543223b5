// SPDX-License-Identifier: Apache-2.0
#include "runtime/catalog/description.hpp"

#include "runtime/catalog/description_check.hpp"
#include "runtime/catalog/guarded_call.hpp"
#include "runtime/explanation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace joinleaf::catalog {
namespace {

// The tables of the first version end with these fields; a shorter one was never published.
constexpr std::uint32_t first_provider_size = offsetof(jl_provider, destroy) + sizeof(jl_provider::destroy);
constexpr std::uint32_t first_ops_size = offsetof(jl_ops, stats) + sizeof(jl_ops::stats);
constexpr std::uint32_t first_protocol_size =
    offsetof(jl_protocol, abilities) + sizeof(jl_protocol::abilities);
constexpr std::uint32_t first_option_size = offsetof(jl_option, maximum) + sizeof(jl_option::maximum);

// Far above what any provider has, far below what a wrong count would make the loops below walk through.
constexpr std::uint32_t most_rows = 4096;

// A library that was built for a later, longer table may fill that one: it gets the room.
struct roomy_table {
    jl_provider table{};
    std::byte room[4096]{};
};

template <class Table> Table copy_of(const Table& given) {
    Table copy{};
    std::memcpy(&copy, &given, std::min<std::size_t>(given.struct_size, sizeof copy));
    copy.struct_size = sizeof copy;
    return copy;
}

std::unique_ptr<refusal> wrong(int code, std::string reason) {
    return std::make_unique<refusal>(refusal{code, std::move(reason)});
}

std::unique_ptr<refusal> too_short(std::string_view table, std::uint32_t size, std::uint32_t least) {
    return wrong(WSAEINVALIDPROCTABLE,
                 fmt::format("its {} table is too short: struct_size is {}, at least {} is needed", table,
                             size, least));
}

// Copies the rows behind `given`; the pointers of `rows` point into `copies`.
template <class Row>
std::unique_ptr<refusal> copy_rows(const Row* const* given, std::uint32_t count, std::uint32_t least,
                                   std::string_view what, std::vector<Row>& copies,
                                   std::vector<const Row*>& rows) {
    if (count > most_rows) {
        return wrong(WSAEINVALIDPROVIDER,
                     fmt::format("says it has {} {} rows, more than {}", count, what, most_rows));
    }
    if (count > 0 && given == nullptr) {
        return wrong(WSAEINVALIDPROVIDER,
                     fmt::format("says it has {} {} rows, but gives no table", count, what));
    }
    copies.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        if (given[i] == nullptr) {
            return wrong(WSAEINVALIDPROVIDER, fmt::format("its {} row {} is NULL", what, i));
        }
        if (given[i]->struct_size < least) {
            return too_short(fmt::format("{} row {}", what, i), given[i]->struct_size, least);
        }
        rows.push_back(&copies.emplace_back(copy_of(*given[i])));
    }
    return nullptr;
}

std::string abi_range(std::uint32_t low, std::uint32_t high) {
    if (low == 0 && high == 0) {
        return "an ABI version it does not tell";
    }
    return low == high ? fmt::format("ABI version {}", low) : fmt::format("ABI versions {} to {}", low, high);
}

std::string with_sentence(std::string what) {
    const auto sentence = take_explanation();
    return sentence.empty() ? what : fmt::format("{}: {}", what, sentence);
}

// The answer of the entry function, and whether the version ranges meet.
std::unique_ptr<refusal> judge_startup(int answer, const jl_provider& table) {
    const bool meet =
        table.abi_min <= highest_abi && table.abi_max >= lowest_abi && table.abi_min <= table.abi_max;
    if (answer == WSAVERNOTSUPPORTED || (answer == 0 && !meet)) {
        return wrong(WSAEINVALIDPROVIDER, with_sentence(fmt::format("is built for {}, this runtime has {}",
                                                                    abi_range(table.abi_min, table.abi_max),
                                                                    abi_range(lowest_abi, highest_abi))));
    }
    if (answer != 0) {
        return wrong(WSAEPROVIDERFAILEDINIT,
                     with_sentence(fmt::format("startup fails with {}", code_text(answer))));
    }
    return nullptr;
}

} // namespace

std::unique_ptr<refusal> description::take(const jl_provider& given) {
    if (given.struct_size < first_provider_size) {
        return too_short("provider", given.struct_size, first_provider_size);
    }
    table_ = copy_of(given);
    if (given.ops == nullptr) {
        return wrong(WSAEINVALIDPROCTABLE, "gives no table of functions (ops is NULL)");
    }
    if (given.ops->struct_size < first_ops_size) {
        return too_short("function", given.ops->struct_size, first_ops_size);
    }
    ops_ = copy_of(*given.ops);
    table_.ops = &ops_;
    if (auto bad = copy_rows(table_.protocols, table_.protocol_count, first_protocol_size, "protocol",
                             protocols_, protocol_rows_)) {
        return bad;
    }
    if (auto bad = copy_rows(table_.options, table_.option_count, first_option_size, "option", options_,
                             option_rows_)) {
        return bad;
    }
    table_.protocols = protocol_rows_.data();
    table_.options = option_rows_.data();
    table_.version = table_.version == nullptr ? "" : table_.version;
    table_.summary = table_.summary == nullptr ? "" : table_.summary;
    if (auto missing = missing_function(table_)) {
        return wrong(WSAEINVALIDPROCTABLE, fmt::format("the required function {} is NULL", *missing));
    }
    if (auto bad = bad_rows(table_)) {
        return wrong(WSAEINVALIDPROVIDER, std::move(*bad));
    }
    return nullptr;
}

tl::expected<std::shared_ptr<const description>, refusal> start_library(const library& from,
                                                                        const jl_host& host) {
    roomy_table given;
    given.table.struct_size = sizeof given.table;
    clear_explanation();
    const auto answer = guarded([&] { return from.startup(lowest_abi, highest_abi, &host, &given.table); });
    std::unique_ptr<refusal> bad;
    auto taken = std::make_shared<description>();
    if (!answer) {
        bad = wrong(WSAEPROVIDERFAILEDINIT, fmt::format("startup {}", answer.error()));
    } else if (bad = judge_startup(*answer, given.table); bad == nullptr) {
        bad = taken->take(given.table);
    }
    if (bad != nullptr) {
        return tl::unexpected{refusal{bad->code, fmt::format("{}: {}", from.path, bad->reason)}};
    }
    return taken;
}

} // namespace joinleaf::catalog
