// SPDX-License-Identifier: Apache-2.0
#include "progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace distribute {

void progress::add(std::size_t bytes) {
    last_ = clock::now();
    first_ = messages_ == 0 ? last_ : first_;
    bytes_ += bytes;
    ++messages_;
    if (last_ - told_ >= std::chrono::milliseconds(100)) {
        told_ = last_;
        tell();
    }
}

void progress::finish() {
    tell();
    if (!meeting_.is_held() && isatty(STDERR_FILENO) == 1) {
        std::fputc('\n', stderr);
    }
}

void progress::tell() const {
    if (meeting_.is_held()) {
        meeting_.tell_status(messages_, all_);
        return;
    }
    if (isatty(STDERR_FILENO) != 1) {
        return;
    }
    constexpr std::uint64_t cells = 40;
    const std::uint64_t full = all_ == 0 ? 0 : std::min(cells, cells * messages_ / all_);
    const std::string bar = std::string(full, '#') + std::string(cells - full, '.');
    const double mebibytes = static_cast<double>(bytes_) / (1024 * 1024);
    std::fprintf(stderr, "\r%s [%s] %llu messages, %.1f MiB, %.1f MiB/s ", label_.c_str(), bar.c_str(),
                 static_cast<unsigned long long>(messages_), mebibytes,
                 mebibytes / std::max(0.001, time().count()));
}

} // namespace distribute
