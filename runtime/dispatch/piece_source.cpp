// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/piece_source.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>

#include <fcntl.h>
#include <joinleaf/provider.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/explanation.hpp"

namespace joinleaf::dispatch {
namespace {

// As much as a stream's send buffer usually takes at once; a larger piece would be read before it can go.
constexpr std::size_t chunk_size = std::size_t{256} * 1024;

} // namespace

void piece_source::add_memory(void* start, std::size_t size) {
    if (size > 0) {
        parts_.push_back({{}, start, 0, size});
    }
}

std::int32_t piece_source::add_file(int file, std::optional<std::uint64_t> from,
                                    std::optional<std::uint64_t> size) {
    struct stat about {};
    if (::fstat(file, &about) != 0) {
        return WSA_INVALID_HANDLE;
    }
    if (!S_ISREG(about.st_mode) && !S_ISBLK(about.st_mode)) {
        set_explanation("only a file that can be read from any place is sent; this descriptor is none");
        return WSAEINVAL;
    }
    const auto position = from ? static_cast<off_t>(*from) : ::lseek(file, 0, SEEK_CUR);
    descriptor own(::fcntl(file, F_DUPFD_CLOEXEC, 0)); // the program may close its own meanwhile
    if (position < 0 || !own) {
        return jl_wsa_error(errno);
    }
    const auto most = size.value_or(std::numeric_limits<std::uint64_t>::max());
    parts_.push_back({std::move(own), nullptr, static_cast<std::uint64_t>(position), most});
    return 0;
}

std::int32_t piece_source::next(iovec& piece) {
    piece = {};
    while (!parts_.empty()) {
        auto& first = parts_.front();
        if (!first.file) {
            piece = {first.memory, first.left};
            parts_.pop_front();
            return 0;
        }
        chunk_.resize(chunk_size);
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(first.left, chunk_.size()));
        const auto got = ::pread(first.file.get(), chunk_.data(), wanted, static_cast<off_t>(first.offset));
        if (got < 0) {
            return jl_wsa_error(errno);
        }
        if (got == 0) { // the end of the file, or of what was asked for
            parts_.pop_front();
            continue;
        }
        first.offset += static_cast<std::uint64_t>(got);
        first.left -= static_cast<std::uint64_t>(got);
        piece = {chunk_.data(), static_cast<std::size_t>(got)};
        return 0;
    }
    return 0;
}

} // namespace joinleaf::dispatch
