// SPDX-License-Identifier: Apache-2.0
//
// A folder that several processes write to, one at a time: a lock, and files that are there whole or not at all.
#pragma once

#include <tl/expected.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace joinleaf::config {

/// Why a file was not written. The message is a whole sentence part: what was tried, and the system's word.
struct write_failure {
    enum class kind { busy, refused, no_memory } what = kind::refused;
    std::string message;
};

/// Holds the lock of a folder. The lock is on the hidden file `.joinleaf.lock` in it, which stays: it ends with the
/// process, however that ends.
class writable_folder {
  public:
    /// How long to wait for another process: far longer than any of them holds the lock.
    static constexpr std::chrono::seconds patience{5};

    /// Makes the folder where it is missing, and takes its lock. busy: another process kept it all that time. What a
    /// process that was killed left half written is taken away. [any]
    static tl::expected<writable_folder, write_failure> lock(const std::string& folder,
                                                             std::chrono::milliseconds limit = patience);

    writable_folder(writable_folder&& other) noexcept;
    writable_folder& operator=(writable_folder&&) = delete;
    writable_folder(const writable_folder&) = delete;
    writable_folder& operator=(const writable_folder&) = delete;
    ~writable_folder();

    /// Gives the file `name` this content: readers see what was there before or the whole text, also after a crash.
    tl::expected<void, write_failure> write(const std::string& name, std::string_view text) const;

    tl::expected<void, write_failure> remove(const std::string& name) const;

    const std::string& path() const { return path_; }

  private:
    writable_folder(std::string path, int folder, int lock);
    void clear_leftovers() const;

    std::string path_;
    int folder_ = -1; // of the folder, by which its files are named
    int lock_ = -1;
};

} // namespace joinleaf::config
