// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <joinleaf/provider.h>

namespace joinleaf::qos {

// Whether what is asked can be honoured by this entry: 0, WSAEOPNOTSUPP (QS-04 ... QS-13, QS-25) or WSAEFAULT
// (provider-specific objects that are cut short, QS-23); the sentence goes to the thread's explanation.
// direction (JL_SENDER_ONLY, JL_RECEIVER_ONLY, JL_BOTH): the FLOWSPEC of a direction that does not exist is
// ignored (QS-05). Without XP1_QOS_SUPPORTED only best effort and no traffic are honourable (QS-08). The
// provider-specific bytes must be readable.
std::int32_t check(const QOS& asked, const jl_protocol& entry, DWORD direction);

// What holds while nobody has asked for anything: best effort, nothing else specified.
QOS unspecified() noexcept;

// What is in force after this request: a direction that does not exist, or asks for no change, keeps what it
// had (QS-05, QS-14). Provider-specific bytes are not kept.
QOS merged(const QOS& former, const QOS& asked, DWORD direction) noexcept;

// The same flows as the other end sees them.
QOS turned(const QOS& seen_here) noexcept;

bool same(const QOS& one, const QOS& other) noexcept;

// The service type without SERVICE_NO_TRAFFIC_CONTROL and SERVICE_NO_QOS_SIGNALING (QS-12).
ULONG type_of(const FLOWSPEC& flow) noexcept;

// The flow as it goes on without a reservation.
FLOWSPEC best_effort(FLOWSPEC flow) noexcept;

// SERVICE_NO_QOS_SIGNALING is set in either direction: the peer is told nothing.
bool is_silent(const QOS& qos) noexcept;

} // namespace joinleaf::qos
