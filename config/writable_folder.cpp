// SPDX-License-Identifier: Apache-2.0
#include "config/writable_folder.hpp"

#include "config/quote.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

namespace joinleaf::config {
namespace {

constexpr const char* lock_name = ".joinleaf.lock";
constexpr std::string_view unfinished = ".joinleaf-unfinished-";
constexpr std::chrono::milliseconds pause{5};

tl::unexpected<write_failure> failed(std::string_view attempt, const std::string& path, int error) {
    const bool memory = error == ENOMEM;
    return tl::unexpected(write_failure{
        memory ? write_failure::kind::no_memory : write_failure::kind::refused,
        fmt::format("{} cannot be {}: {}", quote(path), attempt, std::generic_category().message(error))});
}

// flock has no deadline of its own.
bool wait_for_lock(int file, std::chrono::milliseconds limit, int& error) {
    const auto end = std::chrono::steady_clock::now() + limit;
    for (;;) {
        if (::flock(file, LOCK_EX | LOCK_NB) == 0)
            return true;
        error = errno;
        if ((error != EWOULDBLOCK && error != EINTR) || std::chrono::steady_clock::now() >= end)
            return false;
        const timespec rest{0, std::chrono::nanoseconds(pause).count()};
        ::nanosleep(&rest, nullptr);
    }
}

bool write_all(int file, std::string_view text) {
    while (!text.empty()) {
        const auto put = ::write(file, text.data(), text.size());
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        text.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
}

// 0, or the error with which the content did not reach the disk.
int fill(int folder, const std::string& name, std::string_view text) {
    const int file =
        ::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (file < 0)
        return errno;
    int error = write_all(file, text) && ::fsync(file) == 0 ? 0 : errno;
    if (::close(file) != 0 && error == 0)
        error = errno;
    return error;
}

} // namespace

writable_folder::writable_folder(std::string path, int folder, int lock)
    : path_(std::move(path)), folder_(folder), lock_(lock) {}

writable_folder::writable_folder(writable_folder&& other) noexcept
    : path_(std::move(other.path_)),
      folder_(std::exchange(other.folder_, -1)),
      lock_(std::exchange(other.lock_, -1)) {}

writable_folder::~writable_folder() {
    if (lock_ >= 0)
        ::close(lock_); // which unlocks: nobody else has a copy
    if (folder_ >= 0)
        ::close(folder_);
}

tl::expected<writable_folder, write_failure> writable_folder::lock(const std::string& folder,
                                                                   std::chrono::milliseconds limit) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error)
        return failed("made", folder, error.value());
    const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0)
        return failed("opened", folder, errno);
    writable_folder made(folder, opened, -1);
    made.lock_ = ::openat(opened, lock_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (made.lock_ < 0)
        return failed("written to", folder, errno);
    int refused = 0;
    if (!wait_for_lock(made.lock_, limit, refused)) {
        if (refused != EWOULDBLOCK && refused != EINTR)
            return failed("locked", folder, refused);
        return tl::unexpected(write_failure{
            write_failure::kind::busy,
            fmt::format("another process has been writing to {} for {} ms", quote(folder), limit.count())});
    }
    made.clear_leftovers();
    return made;
}

// Only the holder of the lock writes such files, so that any that is there now belongs to nobody.
void writable_folder::clear_leftovers() const {
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(path_.c_str()), &::closedir);
    if (!listing)
        return;
    while (const auto* const entry = ::readdir(listing.get())) { // NOLINT(concurrency-mt-unsafe)
        if (std::string_view(&entry->d_name[0]).starts_with(unfinished))
            ::unlinkat(folder_, &entry->d_name[0], 0);
    }
}

tl::expected<void, write_failure> writable_folder::write(const std::string& name,
                                                         std::string_view text) const {
    const auto whole = path_ + "/" + name;
    const auto draft = std::string(unfinished) + name;
    int error = fill(folder_, draft, text);
    if (error == 0 && ::renameat(folder_, draft.c_str(), folder_, name.c_str()) != 0)
        error = errno;
    if (error != 0) {
        ::unlinkat(folder_, draft.c_str(), 0);
        return failed("written", whole, error);
    }
    return ::fsync(folder_) == 0 ? tl::expected<void, write_failure>() : failed("written", whole, errno);
}

tl::expected<void, write_failure> writable_folder::remove(const std::string& name) const {
    const auto whole = path_ + "/" + name;
    if (::unlinkat(folder_, name.c_str(), 0) != 0)
        return failed("removed", whole, errno);
    return ::fsync(folder_) == 0 ? tl::expected<void, write_failure>() : failed("removed", whole, errno);
}

} // namespace joinleaf::config
