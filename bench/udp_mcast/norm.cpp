// SPDX-License-Identifier: Apache-2.0
//
// NORM, as Debian's libnorm has it: a stream of messages of equal size.
#include "technique.hpp"

#ifdef BENCH_NORM
#include <normApi.h>

#include <algorithm>
#include <poll.h>
#endif

namespace bench {

#ifdef BENCH_NORM

namespace {

constexpr double rate = 8e9; // bit/s: more than is reached, so that it does not limit
constexpr unsigned buffer = 8U << 20;
constexpr std::uint16_t segment = 1400;

class session {
  public:
    session(const shape& how, NormNodeId node) : instance_(NormCreateInstance()) {
        session_ = NormCreateSession(instance_, how.group.c_str(), how.port, node);
        if (session_ == NORM_SESSION_INVALID) {
            throw failure("NormCreateSession failed");
        }
        NormSetMulticastInterface(session_, how.interface.c_str());
        NormSetMulticastLoopback(session_, true);
        NormSetRxPortReuse(session_, true);
    }
    session(const session&) = delete;
    session& operator=(const session&) = delete;
    ~session() {
        NormDestroySession(session_);
        NormDestroyInstance(instance_);
    }
    [[nodiscard]] NormInstanceHandle instance() const { return instance_; }
    [[nodiscard]] NormSessionHandle get() const { return session_; }

    // Takes the next event; false when none came within 50 ms.
    bool next(NormEvent& event) const {
        pollfd ready{NormGetDescriptor(instance_), POLLIN, 0};
        return ::poll(&ready, 1, 50) > 0 && NormGetNextEvent(instance_, &event);
    }

  private:
    NormInstanceHandle instance_;
    NormSessionHandle session_;
};

// Writes all of it, waiting for room.
bool write(const session& from, NormObjectHandle stream, const char* bytes, std::size_t size, window& shared) {
    while (size > 0) {
        const auto done = NormStreamWrite(stream, bytes, static_cast<unsigned>(size));
        bytes += done;
        size -= done;
        NormEvent event;
        if (size > 0 && !from.next(event) && now_ns() - shared.start_ns > 4 * shared.duration_ns) {
            return false;
        }
    }
    return true;
}

void send(const shape& how, window& shared) {
    const session to(how, 1);
    NormSetTxRate(to.get(), rate);
    NormSetFlowControl(to.get(), 0.0);
    NormSetGrttEstimate(to.get(), 0.001);
    if (!NormStartSender(to.get(), 1, buffer, segment, 64, 0)) {
        throw failure("NormStartSender failed");
    }
    NormSetTxSocketBuffer(to.get(), 4U << 20);
    const auto stream = NormStreamOpen(to.get(), buffer / 2);
    const std::vector<char> message(how.size, 'x');
    warm_up(shared, [&] {
        NormStreamWrite(stream, "w", 1);
        NormStreamFlush(stream);
    });
    NormStreamWrite(stream, "s", 1); // the messages start behind it
    std::uint64_t sent = 0;
    pace sending(shared);
    while (sending.admits(sent, 1) && write(to, stream, message.data(), message.size(), shared)) {
        // What waits in a part of a segment would never fill the window.
        if (++sent % 64 == 0) {
            NormStreamFlush(stream);
        }
    }
    NormStreamFlush(stream);
    shared.sent = sent;
    shared.finished = true;
    linger(shared);
}

void receive(const shape& how, window& shared, int lane) {
    const session from(how, static_cast<NormNodeId>(lane + 2));
    if (!NormStartReceiver(from.get(), buffer)) {
        throw failure("NormStartReceiver failed");
    }
    NormSetRxSocketBuffer(from.get(), 16U << 20);
    std::vector<char> room(65536);
    auto& mine = shared.lanes[static_cast<std::size_t>(lane)];
    tally* counted = nullptr;
    std::optional<tally> made;
    std::size_t bytes = 0;
    while (counted == nullptr || counted->expects_more()) {
        NormEvent event;
        if (!from.next(event) || event.type != NORM_RX_OBJECT_UPDATED) {
            if (shared.failed || (counted == nullptr && shared.finished)) {
                return;
            }
            continue;
        }
        for (;;) {
            auto got = static_cast<unsigned>(room.size());
            if (!NormStreamRead(event.object, room.data(), &got) || got == 0) {
                break;
            }
            const char* at = room.data();
            const char* const end = at + got;
            if (counted == nullptr) {
                mine.listening = true;
                at = std::find(at, end, 's');
                if (at == end) {
                    continue;
                }
                ++at;
                counted = &made.emplace(shared, lane);
            }
            bytes += static_cast<std::size_t>(end - at);
            if (bytes >= how.size) {
                counted->add(bytes / how.size);
                bytes %= how.size;
            }
        }
    }
}

} // namespace

std::vector<technique> norm_techniques() {
    return {{"NORM", send, receive, true, true}};
}

#else

std::vector<technique> norm_techniques() {
    return {};
}

#endif

} // namespace bench
