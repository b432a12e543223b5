// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tl/expected.hpp>

#include <cstddef>
#include <string>

#include <sys/types.h>

namespace joinleaf::config {

/// What makes two names the same file.
struct file_identity {
    dev_t device = 0;
    ino_t inode = 0;

    auto operator<=>(const file_identity&) const = default;
};

struct text_file {
    std::string text;
    file_identity identity;
};

/// Reads a regular file of at most `most` bytes. Never waits for a writer (a FIFO is refused, not read). The error is
/// the end of a sentence that began with the file's name: `does not exist`, `is a folder, not a regular file`. [any]
tl::expected<text_file, std::string> read_text_file(const std::string& path, std::size_t most);

/// Who the file is, when there is one of that name. [any]
tl::expected<file_identity, std::string> identify(const std::string& path);

} // namespace joinleaf::config
