// SPDX-License-Identifier: Apache-2.0
//
// The same through joinleaf.
#define JOINLEAF_NO_BSD_NAMES
#include <joinleaf/ext.h>

#include "technique.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>

namespace bench {

namespace {

constexpr int send_burst = 256; // messages of one call
constexpr int receive_burst = 64;

[[noreturn]] void refuse(const char* what) {
    std::array<char, 256> sentence{};
    const int code = WSAGetLastError();
    jl_last_explanation(sentence.data(), sentence.size());
    throw failure(fmt::format("{}: {} {}", what, jl_error_name(code), sentence.data()));
}

void must(bool right, const char* what) {
    if (!right) {
        refuse(what);
    }
}

// A member of the session in a runtime of its own.
class member {
  public:
    member(const shape& how, DWORD direction, const std::string& options = "", const char* spin = "0us") {
        const auto yaml = fmt::format(
            "version: 1\nreactor: {{spin: {}}}\nproviders:\n  - name: lan\n    library: udp-mcast\n"
            "    options: {{interface: {}, rcvbuf: 16MiB{}}}\n",
            spin, how.interface, options);
        must(jl_start_text(yaml.c_str(), "bench.yaml") == 0, "jl_start_text");
        join(how, direction);
    }
    // Another member in the same runtime.
    member(const member&, const shape& how, DWORD direction) { join(how, direction); }
    member& operator=(const member&) = delete;
    ~member() { jl_closesocket(s_); }
    [[nodiscard]] SOCKET get() const { return s_; }

  private:
    void join(const shape& how, DWORD direction) {
        s_ = WSASocketA(AF_INET, SOCK_DGRAM, IPPROTO_UDP, nullptr, 0,
                        WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF);
        must(s_ != INVALID_SOCKET, "WSASocket");
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(how.port);
        ::inet_pton(AF_INET, how.group.c_str(), &to.sin_addr);
        must(WSAJoinLeaf(s_, reinterpret_cast<sockaddr*>(&to), sizeof to, nullptr, nullptr, nullptr, nullptr,
                         direction) == s_,
             "WSAJoinLeaf");
        const timeval patience{0, 50'000};
        jl_setsockopt(s_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    SOCKET s_ = INVALID_SOCKET;
};

void send_singly(const shape& how, window& shared, const std::string& options) {
    const member to(how, JL_SENDER_ONLY, options);
    const std::vector<char> message(how.size, 'x');
    const auto length = static_cast<int>(message.size());
    std::uint64_t sent = 0;
    pace sending(shared);
    for (; sending.admits(sent, 1); ++sent) {
        must(jl_send(to.get(), message.data(), length, 0) == length, "send");
    }
    shared.sent = sent;
}

// Messages as jl_send_batch and jl_recv_batch take them: all of one buffer, as the raw senders have it too, or
// each of its own.
template <std::size_t count> struct messages {
    messages(std::size_t size, bool shared) : room(size * (shared ? 1 : count)) {
        for (std::size_t i = 0; i < count; ++i) {
            buffers[i] = {static_cast<ULONG>(size), room.data() + (shared ? 0 : i * size)};
            all[i].buffers = &buffers[i];
            all[i].buffer_count = 1;
        }
    }
    std::vector<char> room;
    std::array<WSABUF, count> buffers{};
    std::array<jl_message, count> all{};
};

void send_many(const shape& how, window& shared, const std::string& options) {
    const member to(how, JL_SENDER_ONLY, options);
    messages<send_burst> out(how.size, true);
    std::uint64_t sent = 0;
    pace sending(shared);
    while (sending.admits(sent, send_burst)) {
        const int done = jl_send_batch(to.get(), out.all.data(), send_burst);
        must(done > 0, "jl_send_batch");
        sent += static_cast<std::uint64_t>(done);
    }
    shared.sent = sent;
}

void receive_singly(const shape& how, window& shared, int lane, const std::string& options) {
    const member from(how, JL_RECEIVER_ONLY, options);
    std::vector<char> room(how.size);
    tally counted(shared, lane);
    while (counted.expects_more()) {
        if (jl_recv(from.get(), room.data(), static_cast<int>(room.size()), 0) >= 0) {
            counted.add(1);
        }
    }
}

void receive_many(const shape& how, window& shared, int lane, const std::string& options) {
    const member from(how, JL_RECEIVER_ONLY, options);
    messages<receive_burst> in(how.size, false);
    tally counted(shared, lane);
    while (counted.expects_more()) {
        const int got = jl_recv_batch(from.get(), in.all.data(), receive_burst);
        if (got > 0) {
            counted.add(static_cast<std::uint64_t>(got));
        }
    }
}

shape returning(shape how) {
    ++how.port;
    return how;
}

void receive_one(const member& from, char* room, int size) {
    while (jl_recv(from.get(), room, size, 0) < 0) {
        must(WSAGetLastError() == WSAETIMEDOUT, "recv");
    }
}

void ask(const shape& how, window& shared, const char* spin) {
    const member to(how, JL_SENDER_ONLY, "", spin);
    const member from(to, returning(how), JL_RECEIVER_ONLY);
    std::vector<char> message(how.size, 'x');
    const auto length = static_cast<int>(message.size());
    std::vector<std::int64_t> trips;
    for (int i = 0; i < trips_to_warm_up + trips_of_a_round; ++i) {
        const auto start = now_ns();
        must(jl_send(to.get(), message.data(), length, 0) == length, "send");
        receive_one(from, message.data(), length);
        if (i >= trips_to_warm_up) {
            trips.push_back(now_ns() - start);
        }
    }
    store_trips(shared, std::move(trips));
}

void answer(const shape& how, window& shared, const char* spin) {
    const member from(how, JL_RECEIVER_ONLY, "", spin);
    const member to(from, returning(how), JL_SENDER_ONLY);
    std::vector<char> message(how.size, 'x');
    const auto length = static_cast<int>(message.size());
    shared.lanes[0].listening = true;
    for (int i = 0; i < trips_to_warm_up + trips_of_a_round; ++i) {
        receive_one(from, message.data(), length);
        must(jl_send(to.get(), message.data(), length, 0) == length, "send");
    }
}

} // namespace

constexpr const char* packing = ", coalesce: 1452B";
constexpr const char* one_by_one = ", gather: 0us";

std::vector<technique> joined_techniques() {
    return {{"joinleaf ungathered/recv", [](const shape& h, window& w) { send_singly(h, w, one_by_one); },
             [](const shape& h, window& w, int lane) { receive_singly(h, w, lane, ""); }},
            {"joinleaf send/batch", [](const shape& h, window& w) { send_singly(h, w, ""); },
             [](const shape& h, window& w, int lane) { receive_many(h, w, lane, ""); }},
            {"joinleaf batch/recv", [](const shape& h, window& w) { send_many(h, w, ""); },
             [](const shape& h, window& w, int lane) { receive_singly(h, w, lane, ""); }},
            {"joinleaf batch/batch", [](const shape& h, window& w) { send_many(h, w, ""); },
             [](const shape& h, window& w, int lane) { receive_many(h, w, lane, ""); }},
            {"joinleaf coalesced send", [](const shape& h, window& w) { send_singly(h, w, packing); },
             [](const shape& h, window& w, int lane) { receive_many(h, w, lane, packing); }, true},
            {"joinleaf coalesced batch", [](const shape& h, window& w) { send_many(h, w, packing); },
             [](const shape& h, window& w, int lane) { receive_many(h, w, lane, packing); }, true}};
}

std::vector<round_trip> joined_round_trips() {
    return {{"joinleaf blocking", [](const shape& h, window& w) { ask(h, w, "0us"); },
             [](const shape& h, window& w) { answer(h, w, "0us"); }, "raw blocking"},
            {"joinleaf spin", [](const shape& h, window& w) { ask(h, w, "1s"); },
             [](const shape& h, window& w) { answer(h, w, "1s"); }, "raw busy"}};
}

} // namespace bench
