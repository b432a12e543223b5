// SPDX-License-Identifier: Apache-2.0
#include "runtime/qos/ledger.hpp"

#include <utility>

#include <fmt/format.h>

#include "runtime/qos/flowspec.hpp"

namespace joinleaf::qos {
namespace {

std::uint64_t reserved_rate(const FLOWSPEC& flow) noexcept {
    const auto type = type_of(flow);
    const bool reserves = type == SERVICETYPE_GUARANTEED || type == SERVICETYPE_CONTROLLEDLOAD;
    return reserves && flow.TokenRate != QOS_NOT_SPECIFIED ? flow.TokenRate : 0;
}

} // namespace

reservation reservation_of(const QOS& qos) noexcept {
    return {reserved_rate(qos.SendingFlowspec), reserved_rate(qos.ReceivingFlowspec)};
}

ledger::ledger(std::optional<std::uint64_t> bits_per_second, std::string where)
    : capacity_(bits_per_second), where_(std::move(where)) {}

bool ledger::fits(std::uint64_t given, std::uint64_t held, std::uint64_t asked) const noexcept {
    return !capacity_ || asked <= held || (given - held + asked) * 8 <= *capacity_;
}

std::string ledger::refusal(const char* what, std::uint64_t others, std::uint64_t asked) const {
    return fmt::format(
        "{} bit/s do not fit into what may be {}: {} of {} bit/s are reserved (qos.capacity at {})",
        asked * 8, what, others * 8, *capacity_, where_);
}

admission ledger::ask(const reservation& held, const reservation& asked, bool partly) {
    const std::lock_guard hold(mutex_);
    admission out;
    out.held = asked;
    out.sending_fits = fits(given_.sending, held.sending, asked.sending);
    out.receiving_fits = fits(given_.receiving, held.receiving, asked.receiving);
    if (!out.sending_fits) {
        out.held.sending = 0;
        out.refusal = refusal("sent", given_.sending - held.sending, asked.sending);
    }
    if (!out.receiving_fits) {
        out.held.receiving = 0;
        out.refusal = refusal("received", given_.receiving - held.receiving, asked.receiving);
    }
    if (!out.refusal.empty() && !partly) {
        out.held = held;
        return out;
    }
    given_.sending = given_.sending - held.sending + out.held.sending;
    given_.receiving = given_.receiving - held.receiving + out.held.receiving;
    return out;
}

void ledger::release(const reservation& held) {
    const std::lock_guard hold(mutex_);
    given_.sending -= held.sending;
    given_.receiving -= held.receiving;
}

reservation ledger::given() const {
    const std::lock_guard hold(mutex_);
    return given_;
}

} // namespace joinleaf::qos
