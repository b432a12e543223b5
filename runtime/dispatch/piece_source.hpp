// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include <sys/uio.h>

#include "runtime/dispatch/descriptor.hpp"

namespace joinleaf::dispatch {

// What TransmitFile and TransmitPackets send: pieces of memory and of files, one after the other. Files are read a chunk at a
// time, when the one before has gone. Not synchronised.
class piece_source {
  public:
    // Borrowed until the operation is over.
    void add_memory(void* start, std::size_t size);
    // Of a file from an offset on (none: from where the file stands now), as much as there is (none), or at most so many
    // bytes. 0; WSA_INVALID_HANDLE; WSAEINVAL: not a file that can be read from any place.
    std::int32_t add_file(int file, std::optional<std::uint64_t> from, std::optional<std::uint64_t> size);

    // The next bytes to be sent, valid until the next call; none: that was all. 0, or the code of a read that failed.
    std::int32_t next(iovec& piece);

  private:
    struct part {
        descriptor file; // none: memory
        void* memory = nullptr;
        std::uint64_t offset = 0;
        std::uint64_t left = 0;
    };
    std::deque<part> parts_;
    std::vector<char> chunk_;
};

} // namespace joinleaf::dispatch
