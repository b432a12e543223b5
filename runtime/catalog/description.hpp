// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/catalog/library.hpp"
#include "runtime/catalog/refusal.hpp"

#include <tl/expected.hpp>

#include <memory>
#include <span>
#include <vector>

namespace joinleaf::catalog {

// The lowest and the highest ABI version of this runtime.
inline constexpr std::uint32_t lowest_abi = 1;
inline constexpr std::uint32_t highest_abi = JL_ABI_VERSION;

// What a library said of itself when it was started: checked, and copied into tables of this runtime's own
// size, so that a field which the library does not know reads as zero. The texts are the library's.
class description {
  public:
    description() = default;
    description(const description&) = delete;
    description& operator=(const description&) = delete;

    const jl_provider& table() const { return table_; }
    std::span<const jl_protocol* const> protocols() const { return protocol_rows_; }
    std::span<const jl_option* const> options() const { return option_rows_; }

  private:
    friend tl::expected<std::shared_ptr<const description>, refusal> start_library(const library&,
                                                                                   const jl_host&);

    // Null: taken. Else what is wrong with the tables, without the file's name.
    std::unique_ptr<refusal> take(const jl_provider& given);

    jl_provider table_{};
    jl_ops ops_{};
    std::vector<jl_protocol> protocols_;
    std::vector<jl_option> options_;
    std::vector<const jl_protocol*> protocol_rows_;
    std::vector<const jl_option*> option_rows_;
};

// Calls the library's entry with this host table and checks what it answers (JLP-1). An exception out of the
// library is one of the refusals. [any]
tl::expected<std::shared_ptr<const description>, refusal> start_library(const library& from,
                                                                        const jl_host& host);

} // namespace joinleaf::catalog
