// SPDX-License-Identifier: Apache-2.0
#include "memory_file.hpp"

#include <new>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace joinleaf::rdma::ofi {
namespace {

constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

// A name that says anything leads to no device and no pipe: the file is looked at before it is opened for reading.
tcp::descriptor open_file(const file_name& which, std::size_t& size) {
    const tcp::descriptor found(
        ::open(fmt::format("/proc/{}/fd/{}", which.process, which.descriptor).c_str(), O_PATH | O_CLOEXEC));
    struct stat what {};
    if (!found || ::fstat(found.get(), &what) != 0 || !S_ISREG(what.st_mode) || what.st_ino != which.inode) {
        return {};
    }
    tcp::descriptor out(
        ::open(fmt::format("/proc/self/fd/{}", found.get()).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    const int have = out ? ::fcntl(out.get(), F_GET_SEALS) : -1; // files that are no memory have none
    if (have < 0 || (have & seals) != seals) {
        return {};
    }
    size = static_cast<std::size_t>(what.st_size);
    return out;
}

} // namespace

tcp::descriptor memory_file::empty() noexcept {
    return tcp::descriptor(::memfd_create("joinleaf-rdma", MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

std::optional<memory_file> memory_file::behind(std::span<std::byte> memory, tcp::descriptor fd) noexcept {
    if (!fd) {
        fd = empty();
    }
    struct stat what {};
    if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(memory.size())) != 0 ||
        ::fcntl(fd.get(), F_ADD_SEALS, seals) != 0 || ::fstat(fd.get(), &what) != 0 ||
        ::mmap(memory.data(), memory.size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE,
               fd.get(), 0) == MAP_FAILED) {
        return std::nullopt;
    }
    const file_name name{what.st_ino, static_cast<std::uint32_t>(::getpid()),
                         static_cast<std::uint32_t>(fd.get())};
    return memory_file(std::move(fd), name);
}

std::unique_ptr<const memory_view> memory_view::of(const file_name& which) noexcept {
    std::size_t size = 0;
    const tcp::descriptor fd = open_file(which, size);
    if (!fd || size == 0) {
        return nullptr;
    }
    void* const got = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (got == MAP_FAILED) {
        return nullptr;
    }
    std::unique_ptr<const memory_view> out(
        new (std::nothrow) memory_view(which, {static_cast<const std::byte*>(got), size}));
    if (!out) {
        ::munmap(got, size);
    }
    return out;
}

memory_view::~memory_view() {
    ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

} // namespace joinleaf::rdma::ofi
