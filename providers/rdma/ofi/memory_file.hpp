// SPDX-License-Identifier: Apache-2.0
//
// Memory of one process that others of the same host may read.
#pragma once

#include "tcp.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace joinleaf::rdma::ofi {

// Where another process of the host finds a memory file.
struct file_name {
    std::uint64_t inode = 0;
    std::uint32_t process = 0;
    std::uint32_t descriptor = 0;

    friend bool operator==(const file_name&, const file_name&) = default;
};

// A memory file that lies behind a range of memory, as long as that is mapped. It cannot shrink any more, so that readers
// never fault.
class memory_file {
  public:
    // A file without memory, to be put behind some later. None: the kernel has no descriptor left.
    static tcp::descriptor empty() noexcept;

    // Puts a file behind whole pages, whose contents are gone: an empty one, or one made for it. Nothing: the kernel has none
    // to give (descriptors, memory), and the memory is what it was.
    static std::optional<memory_file> behind(std::span<std::byte> memory, tcp::descriptor fd = {}) noexcept;

    [[nodiscard]] file_name name() const noexcept { return name_; }

  private:
    memory_file(tcp::descriptor fd, file_name name) : fd_(std::move(fd)), name_(name) {}

    tcp::descriptor fd_; // readers find the file by it
    file_name name_;
};

// A memory file of another process, mapped for reading. It stays readable when that process has gone.
class memory_view {
  public:
    // Null: the process does not let this one look, there is no such file, or it may shrink; or the kernel has no
    // descriptor or address space left.
    static std::unique_ptr<const memory_view> of(const file_name& which) noexcept;
    memory_view(const memory_view&) = delete;
    memory_view& operator=(const memory_view&) = delete;
    ~memory_view();

    [[nodiscard]] const file_name& name() const noexcept { return name_; }
    // The owner may write there at any time.
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

  private:
    memory_view(const file_name& name, std::span<const std::byte> bytes) : name_(name), bytes_(bytes) {}

    file_name name_;
    std::span<const std::byte> bytes_;
};

} // namespace joinleaf::rdma::ofi
