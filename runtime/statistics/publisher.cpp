// SPDX-License-Identifier: Apache-2.0
#include "runtime/statistics/publisher.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <exception>
#include <utility>

#include <fmt/format.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/log.hpp"
#include "runtime/statistics/snapshot.hpp"

namespace joinleaf::statistics {
namespace {

// A reader that takes nothing for so long is let go.
constexpr timeval reader_patience{2, 0};

// Why nobody could trust a socket in this folder; empty: one can.
std::string folder_complaint(const std::string& folder) {
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
        return fmt::format("the folder {} cannot be made: {}", folder, std::strerror(errno));
    }
    struct stat found {};
    if (::lstat(folder.c_str(), &found) != 0) {
        return fmt::format("the folder {} cannot be read: {}", folder, std::strerror(errno));
    }
    if (!S_ISDIR(found.st_mode)) {
        return folder + " is no folder";
    }
    const bool ours = found.st_uid == ::geteuid() || found.st_uid == 0;
    const bool others_rename = (found.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (found.st_mode & S_ISVTX) == 0;
    if (!ours || others_rename) {
        return fmt::format("the folder {} belongs to somebody else, or others may write into it", folder);
    }
    return {};
}

sockaddr_un name_of(const std::string& path) noexcept {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    return name;
}

// Nobody can connect before listen, by which time the mode is right.
dispatch::descriptor listen_at(const std::string& path) {
    ::unlink(path.c_str()); // left by a process that had this number and was killed
    dispatch::descriptor made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un name = name_of(path);
    const bool listens = made && path.size() < sizeof name.sun_path &&
                         ::bind(made.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 &&
                         ::chmod(path.c_str(), 0600) == 0 && ::listen(made.get(), 16) == 0;
    return listens ? std::move(made) : dispatch::descriptor();
}

} // namespace

publisher::publisher(const std::string& folder) : path_(fmt::format("{}/{}.sock", folder, ::getpid())) {
    if (const auto complaint = folder_complaint(folder); !complaint.empty()) {
        log(severity::warning, "statistics are not published: {}", complaint);
        return;
    }
    listener_ = listen_at(path_);
    if (!listener_) {
        log(severity::warning, "statistics are not published: {} cannot be listened at: {}", path_,
            std::strerror(errno));
        return;
    }
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before); // signals are for the program's threads
    thread_ = std::thread([this] { serve(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

publisher::~publisher() {
    if (!thread_.joinable()) {
        return;
    }
    ::unlink(path_.c_str());
    {
        const std::lock_guard hold(mutex_);
        stopping_ = true;
        if (reader_) {
            ::shutdown(reader_.get(), SHUT_RDWR);
        }
    }
    ::shutdown(listener_.get(), SHUT_RDWR); // ends accept
    thread_.join();
}

bool publisher::take(dispatch::descriptor reader) {
    const std::lock_guard hold(mutex_);
    reader_ = std::move(reader);
    return !stopping_;
}

void publisher::let_go() {
    const std::lock_guard hold(mutex_);
    reader_ = {};
}

void publisher::serve() {
    ::pthread_setname_np(::pthread_self(), "joinleaf-stats");
    for (;;) {
        dispatch::descriptor reader(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        const int error = errno;
        const int fd = reader.get();
        const bool got = static_cast<bool>(reader);
        if (!take(std::move(reader))) {
            return;
        }
        if (got) {
            answer(fd);
        } else if (error != EINTR && error != ECONNABORTED) {
            std::this_thread::sleep_for(std::chrono::milliseconds(100)); // no descriptors left, for a while
        }
        let_go();
    }
}

void publisher::answer(int reader) {
    ::setsockopt(reader, SOL_SOCKET, SO_SNDTIMEO, &reader_patience, sizeof reader_patience);
    try {
        const std::string text = snapshot() + "\n";
        for (std::size_t sent = 0; sent < text.size();) {
            const ssize_t n = ::send(reader, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
            if (n <= 0) {
                return;
            }
            sent += static_cast<std::size_t>(n);
        }
    } catch (const std::exception& error) {
        log(severity::warning, "statistics cannot be told: {}", error.what());
    }
}

} // namespace joinleaf::statistics
