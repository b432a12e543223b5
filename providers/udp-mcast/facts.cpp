// SPDX-License-Identifier: Apache-2.0
//
// What sockets of an entry meet with on this host, for `joinleaf explain`: how messages leave and come, and who
// spaces them.
#include "device_queue.hpp"
#include "instance.hpp"

#include <fmt/format.h>

#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <cerrno>

namespace joinleaf::udp_mcast {

namespace {

bool takes(int fd, int option, int value) noexcept {
    return ::setsockopt(fd, SOL_UDP, option, &value, sizeof value) == 0;
}

bool takes_arrays(int fd) noexcept {
    return ::sendmmsg(fd, nullptr, 0, MSG_DONTWAIT) == 0;
}

std::string sending(int fd, bool offload) {
    if (!takes_arrays(fd)) {
        return "a system call for each message: sendmmsg is not allowed here";
    }
    const char* const why = !offload                        ? "the option 'offload' is off"
                            : !takes(fd, UDP_SEGMENT, 1000) ? "this kernel does not know UDP_SEGMENT"
                                                            : nullptr;
    return why == nullptr ? "equal messages of a batch as one packet (UDP_SEGMENT)"
                          : fmt::format("arrays of messages by one system call (sendmmsg): {}", why);
}

std::string receiving(int fd, bool offload) {
    const char* const why = !offload                 ? "the option 'offload' is off"
                            : !takes(fd, UDP_GRO, 1) ? "this kernel does not know UDP_GRO"
                                                     : nullptr;
    return why == nullptr ? "packets of several messages once messages pile up (UDP_GRO)"
                          : fmt::format("message by message: {}", why);
}

std::string pacing(const std::string& interface, unsigned link) {
    const auto queueing = queueing_of(link);
    return spaces_packets(queueing)
               ? fmt::format("the runtime, and the queue of '{}' spaces bursts (fq)", interface)
               : fmt::format("the runtime alone: the queue of '{}' is {}, not fq", interface,
                             queueing.empty() ? "none" : queueing);
}

} // namespace

void instance::facts(std::uint32_t protocol_index, void (*fact)(void*, const char*, const char*),
                     void* context) const {
    const int family = protocol_index == 0 ? AF_INET : AF_INET6;
    const provider::descriptor probe(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP));
    if (!probe) {
        return;
    }
    fact(context, "sending", sending(probe.get(), options_.offload).c_str());
    fact(context, "receiving", receiving(probe.get(), options_.offload).c_str());
    if (const auto index = link(); index && *index != 0) {
        fact(context, "pacing", pacing(options_.interface, *index).c_str());
    }
    const std::lock_guard hold(learned_lock_);
    if (!learned_.empty()) {
        fact(context, "fell_back", learned_.c_str());
    }
}

void instance::learn(const std::string& what) const {
    const std::lock_guard hold(learned_lock_);
    learned_ = what;
}

} // namespace joinleaf::udp_mcast
