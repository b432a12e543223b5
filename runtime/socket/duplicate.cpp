// SPDX-License-Identifier: Apache-2.0
//
// Several numbers for one socket, as WSADuplicateSocket makes them: all name the same object, so that mode, options and
// event registration are shared, and the socket lives until the last is closed (LC-18).
#include "runtime/socket/duplicate.hpp"

#include <cerrno>
#include <map>
#include <mutex>

#include <fcntl.h>

#include "runtime/socket/socket_object.hpp"

namespace joinleaf::socket {
namespace {

struct ticket_office {
    std::mutex mutex;
    std::map<DWORD, claim> open;
    DWORD last = 0;
};

ticket_office& office() {
    // SOCKETs may be used in destructors that run after main().
    static auto& one = *new ticket_office;
    return one;
}

} // namespace

DWORD make_ticket(const claim& of) {
    auto& all = office();
    const std::lock_guard hold(all.mutex);
    do {
        ++all.last;
    } while (all.last == 0 || all.open.contains(all.last));
    all.open.emplace(all.last, of);
    return all.last;
}

std::optional<claim> use_ticket(DWORD ticket) {
    auto& all = office();
    const std::lock_guard hold(all.mutex);
    auto node = all.open.extract(ticket);
    return node.empty() ? std::nullopt : std::optional(node.mapped());
}

void forget_tickets(std::uint64_t identity) {
    auto& all = office();
    const std::lock_guard hold(all.mutex);
    std::erase_if(all.open, [identity](const auto& one) { return one.second.identity == identity; });
}

DWORD socket_object::offer_duplicate(SOCKET by) {
    has_tickets_ = true;
    return make_ticket({by, identity_});
}

result<SOCKET> socket_object::duplicate() {
    auto copy = dispatch::above_standard_streams(dispatch::descriptor(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0)));
    if (!copy) {
        return tl::unexpected(errno == EMFILE ? WSAEMFILE : jl_wsa_error(errno));
    }
    const auto number = static_cast<SOCKET>(copy.get());
    const std::lock_guard hold(lock_);
    drop_unused_copies();
    // The last number may be given up at this moment: nobody comes back from there.
    if (numbers_ == 0) {
        return tl::unexpected(WSAENOTSOCK);
    }
    if (!open_sockets().publish(number, this)) {
        return tl::unexpected(WSAEMFILE);
    }
    ++numbers_;
    copies_.edit().push_back(std::move(copy));
    return number;
}

bool socket_object::give_up_number(SOCKET which) {
    const std::lock_guard hold(lock_);
    if (--numbers_ == 0) {
        return true;
    }
    const auto told = record_.told_number() == 0 ? number() : record_.told_number();
    if (told == which) { // messages name a number that is open
        record_.tell_number(open_number());
    }
    return false;
}

// One of the numbers that are open still; lock_ held.
SOCKET socket_object::open_number() {
    if (open_sockets().acquire(number()).get() == this) {
        return number();
    }
    for (const auto& copy : *copies_) {
        if (open_sockets().acquire(static_cast<std::uintptr_t>(copy.get())).get() == this) {
            return static_cast<SOCKET>(copy.get());
        }
    }
    return number();
}

socket_reference socket_object::enter() {
    const std::lock_guard hold(lock_);
    auto held = open_sockets().acquire(open_number());
    return held.get() == this ? std::move(held) : socket_reference();
}

// A number that was closed stays taken while a call uses it; lock_ held.
void socket_object::drop_unused_copies() {
    std::erase_if(copies_.edit(), [](const dispatch::descriptor& copy) {
        return open_sockets().is_unused(static_cast<std::uintptr_t>(copy.get()));
    });
}

void socket_object::drain_numbers() {
    std::vector<std::uintptr_t> all{number()};
    {
        const std::lock_guard hold(lock_);
        for (const auto& copy : *copies_) {
            all.push_back(static_cast<std::uintptr_t>(copy.get()));
        }
    }
    for (const auto one : all) {
        open_sockets().drain(one);
    }
}

// The numbers are the kernel's again.
void socket_object::give_back_descriptors() {
    if (has_tickets_) {
        forget_tickets(identity_);
    }
    if (copies_) {
        copies_.edit().clear();
    }
    flag_ = {};
    fd_ = {};
    provider_fd_ = {};
}

} // namespace joinleaf::socket
