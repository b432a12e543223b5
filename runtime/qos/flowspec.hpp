// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <joinleaf/provider.h>

namespace joinleaf::qos {

// Whether what is asked can be honoured by an entry with these XP1_* flags: 0 or WSAEOPNOTSUPP (QS-04 ...
// QS-12). direction (JL_SENDER_ONLY, JL_RECEIVER_ONLY, JL_BOTH): the flow spec of a direction that does not
// exist is ignored (QS-05). Without XP1_QOS_SUPPORTED only best effort and no traffic are honourable (QS-08).
std::int32_t check(const QOS& asked, DWORD service_flags, DWORD direction) noexcept;

} // namespace joinleaf::qos
