// SPDX-License-Identifier: Apache-2.0
#include "session.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace inbox {
namespace {

constexpr std::size_t file_size = session::capacity * sizeof(std::uint32_t);

// A last member holds all places for the instant in which it takes the file away. A newcomer who meets it looks again that many times.
constexpr int attempts = 100;

refusal refused(int error, const std::string& path, const char* what) {
    return {jl_wsa_error(error), path + ": " + what + ": " + std::strerror(error)};
}

// A lock of this open file, which ends with it; asks, never waits.
bool set_lock(int file, short type, std::size_t place, std::size_t count) noexcept {
    struct flock range {};
    range.l_type = type;
    range.l_whence = SEEK_SET;
    range.l_start = static_cast<off_t>(place);
    range.l_len = static_cast<off_t>(count);
    return ::fcntl(file, F_OFD_SETLK, &range) == 0;
}

bool held_as_a_whole(int file) noexcept {
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    range.l_len = static_cast<off_t>(session::capacity);
    return ::fcntl(file, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK && range.l_start == 0 &&
           range.l_len == static_cast<off_t>(session::capacity);
}

bool still_has_its_name(int file) noexcept {
    struct stat facts {};
    return ::fstat(file, &facts) == 0 && facts.st_nlink > 0;
}

std::atomic_ref<std::uint32_t> cell(std::uint32_t& place) noexcept {
    return std::atomic_ref<std::uint32_t>(place);
}

} // namespace

std::string session_path(const std::string& directory, const sockaddr_in& group) {
    struct stat network {};
    ::stat("/proc/self/ns/net", &network);
    char address[INET_ADDRSTRLEN]{};
    ::inet_ntop(AF_INET, &group.sin_addr, address, sizeof address);
    return directory + "/joinleaf-inbox-" + std::to_string(::geteuid()) + "-" +
           std::to_string(network.st_ino) + "-" + address + "-" + std::to_string(ntohs(group.sin_port));
}

session::session(std::string path) : path_(std::move(path)) {
    for (int attempt = 0; attempt < attempts; ++attempt) {
        map_file();
        if (take_place()) {
            return;
        }
        if (still_has_its_name(file_.get()) && !held_as_a_whole(file_.get())) {
            break;
        }
        ::sched_yield();
    }
    throw refusal{WSAENOBUFS,
                  path_ + ": all " + std::to_string(capacity) + " places of the session are taken"};
}

session::~session() {
    cell(places_[mine_]).store(0);
    // Holding every place is proof that nobody else is there and that nobody can come meanwhile.
    if (set_lock(file_.get(), F_WRLCK, 0, capacity) && still_has_its_name(file_.get())) {
        ::unlink(path_.c_str());
    }
}

void session::unmap::operator()(std::uint32_t* places) const noexcept {
    ::munmap(places, file_size);
}

void session::map_file() {
    places_.reset();
    file_.reset(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    struct stat facts {};
    if (!file_ || ::fstat(file_.get(), &facts) != 0) {
        throw refused(errno, path_, "cannot be opened");
    }
    if (facts.st_uid != ::geteuid() || !S_ISREG(facts.st_mode)) {
        throw refusal{WSAEACCES, path_ + ": is not a file of this user"};
    }
    if (::ftruncate(file_.get(), static_cast<off_t>(file_size)) != 0) {
        throw refused(errno, path_, "cannot be given its size");
    }
    void* const memory = ::mmap(nullptr, file_size, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
    if (memory == MAP_FAILED) {
        throw refused(errno, path_, "cannot be mapped");
    }
    places_.reset(static_cast<std::uint32_t*>(memory));
}

bool session::take_place() {
    mine_ = capacity;
    for (std::size_t place = 0; place < capacity; ++place) {
        const bool found = mine_ < capacity;
        if ((found && port_at(place) == 0) || !set_lock(file_.get(), F_WRLCK, place, 1)) {
            continue;
        }
        // Nobody holds this place: what it says was left behind by a member that was killed.
        cell(places_[place]).store(0);
        if (found) {
            set_lock(file_.get(), F_UNLCK, place, 1);
        } else {
            mine_ = place;
        }
    }
    return mine_ < capacity && still_has_its_name(file_.get());
}

void session::hear_at(std::uint16_t port) noexcept {
    cell(places_[mine_]).store(port);
}

std::uint16_t session::port_at(std::size_t place) const noexcept {
    return static_cast<std::uint16_t>(cell(places_[place]).load(std::memory_order_relaxed));
}

} // namespace inbox
