// SPDX-License-Identifier: Apache-2.0
// How a part of the command fails: with the exit status of the process and a sentence for its user.
#pragma once

#include <tl/expected.hpp>

#include <string>
#include <utility>

namespace joinleaf::cli {

/// Exit status of the command; documented in joinleaf(1).
enum class status : int {
    success = 0,
    negative = 1, ///< the question was answered with no: nothing fits, the file has problems, no such provider
    usage = 2,    ///< wrong arguments
    configuration = 3, ///< the runtime cannot start with this configuration
    session = 4,       ///< no session, or it broke: no leaf in time, refused, network
    damaged = 5,       ///< data was lost or differs from what was sent
};

struct failure {
    status code = status::session;
    std::string text; ///< without the program's name and without a closing line feed
};

template <class T> using result = tl::expected<T, failure>;

inline tl::unexpected<failure> fail(status code, std::string text) {
    return tl::unexpected<failure>(failure{code, std::move(text)});
}

} // namespace joinleaf::cli
