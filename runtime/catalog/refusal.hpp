// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace joinleaf::catalog {

// Why a provider is not taken.
struct refusal {
    int code = 0;       // what socket creation answers when only this provider would have fitted (CT-48)
    std::string reason; // one sentence that names the file
    bool lacks_device = false; // it is in order, this machine has nothing for it (WSAENETDOWN from create)
};

} // namespace joinleaf::catalog
