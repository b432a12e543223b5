// SPDX-License-Identifier: Apache-2.0
// How the processes of one run find one another on one machine: a folder. The root leaves its address there, each
// leaf a note that it has joined, everyone its progress and its result. On several machines --address does instead.
#pragma once

#include "session.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace distribute {

class meeting {
  public:
    /// folder empty: no meeting; then every function does nothing.
    meeting(std::filesystem::path folder, std::string name)
        : folder_(std::move(folder)), name_(std::move(name)) {}

    bool is_held() const { return !folder_.empty(); }

    void tell_address(const std::string& address) const { put("address", address + "\n"); }
    /// Waits until the root has told it. std::runtime_error when the time is over.
    std::string wait_for_address(seconds patience) const;

    void tell_joined() const { put(name_ + ".joined", ""); }
    std::size_t joined() const;

    void tell_status(std::uint64_t done, std::uint64_t all) const;
    void tell_result(const std::string& text) const { put(name_ + ".result", text); }

  private:
    void put(const std::string& file, const std::string& text) const;

    std::filesystem::path folder_;
    std::string name_;
};

} // namespace distribute
