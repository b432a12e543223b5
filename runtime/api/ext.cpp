// SPDX-License-Identifier: Apache-2.0
//
// What Winsock lacks: starting with a configuration, reasons, statistics.
#include <joinleaf/ext.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "runtime/api/call.hpp"
#include "runtime/api/user_memory.hpp"
#include "runtime/catalog/report.hpp"

using namespace joinleaf;

namespace {

int start_with(runtime::origin where) {
    clear_explanation();
    return api::code_of([&] { return runtime::start(where); });
}

// The numbers of all sockets by the names that providers have for them: a socket that a provider has just
// named may be gone by now.
std::unordered_map<const jl_handle*, SOCKET> numbers_of_sockets() {
    std::unordered_map<const jl_handle*, SOCKET> found;
    auto& table = socket::open_sockets();
    table.each_number([&](std::uintptr_t number) {
        if (const auto held = table.acquire(number)) {
            found.emplace(held->handle(), number);
        }
    });
    return found;
}

jl_leaf leaf_of(const jl_leaf_stats& from, SOCKET socket) noexcept {
    jl_leaf out{};
    out.address = from.peer;
    out.address_length = static_cast<int>(from.peer_len);
    out.last_error = from.last_error;
    out.handle = socket;
    out.sent_messages = from.sent_messages;
    out.sent_bytes = from.sent_bytes;
    out.received_messages = from.received_messages;
    out.received_bytes = from.received_bytes;
    out.queued_bytes = from.queued_bytes;
    out.dropped_messages = from.dropped_messages;
    out.gaps = from.gaps;
    out.rtt_ns = from.rtt_ns;
    out.age_ns = from.age_ns;
    return out;
}

// A text for jl_free; null with the last error.
template <class Make> char* give(Make make) noexcept {
    char* text = nullptr;
    const int code = api::code_of([&] {
        const std::string made = make();
        text = ::strdup(made.c_str());
        return text == nullptr ? WSAENOBUFS : 0;
    });
    api::answer(code);
    return text;
}

template <class Make> char* give_from_catalog(Make make) noexcept {
    const auto running = runtime::current();
    if (!running) {
        api::set_last_error(WSANOTINITIALISED);
        return nullptr;
    }
    return give([&] { return make(running->catalog()); });
}

} // namespace

int jl_start(const char* file) {
    if (file == nullptr) {
        return start_with({});
    }
    return api::readable(file, 1) ? start_with({runtime::origin::kind::file, file, {}}) : WSAEFAULT;
}

int jl_start_text(const char* text, const char* name) {
    if (!api::readable(text, 1) || !api::readable(name, 1)) {
        return WSAEFAULT;
    }
    return start_with({runtime::origin::kind::text, name, text});
}

char* jl_catalog_json(void) {
    return give_from_catalog([](const catalog::catalog& all) { return all.json(); });
}

char* jl_explain_json(int af, int type, int protocol, DWORD flags) {
    return give_from_catalog([&](const catalog::catalog& all) {
        return catalog::explain_json(all.explain({af, type, protocol, flags}));
    });
}

char* jl_check_json(const char* file) {
    return give([&] { return catalog::check_json(file); });
}

void jl_free(char* text) {
    std::free(text);
}

size_t jl_last_explanation(char* buffer, size_t room) {
    const auto& sentence = explanation();
    if (buffer != nullptr && room > 0) {
        const auto part = std::min(sentence.size(), room - 1);
        std::memcpy(buffer, sentence.data(), part);
        buffer[part] = '\0';
    }
    return sentence.size();
}

int jl_socket_statistics(SOCKET s, jl_statistics* statistics) {
    return api::socket_call(s, [&](socket::socket_object& object) {
        std::uint32_t size = 0;
        if (!api::copy_in(&size, statistics, sizeof size) || !api::writable(statistics, size)) {
            return WSAEFAULT;
        }
        if (size < sizeof(std::uint32_t)) {
            return WSAEINVAL;
        }
        jl_stats from{};
        from.struct_size = sizeof from;
        if (const auto code = object.statistics(from); code != 0) {
            return code;
        }
        jl_statistics out{};
        out.struct_size = size;
        out.leaves = from.leaves;
        out.sent_messages = from.sent_messages;
        out.sent_bytes = from.sent_bytes;
        out.received_messages = from.received_messages;
        out.received_bytes = from.received_bytes;
        out.queued_bytes = from.queued_bytes;
        out.dropped_messages = from.dropped_messages;
        out.gaps = from.gaps;
        out.joins = from.joins;
        out.rtt_ns = from.rtt_ns;
        out.send_calls = from.send_calls;
        out.receive_calls = from.receive_calls;
        out.send_path = from.send_path;
        out.last_error = from.last_error;
        out.send_limit = from.send_limit;
        out.send_limit_bytes = from.send_limit_bytes;
        out.receive_path = from.receive_path;
        out.paced = from.paced;
        return api::copy_out(statistics, &out, std::min<std::size_t>(size, sizeof out)) ? 0 : WSAEFAULT;
    });
}

int jl_leaf_statistics(SOCKET s, jl_leaf* leaves, uint32_t leaf_size, int room) {
    int count = 0;
    const int code = api::socket_call(s, [&](socket::socket_object& object) {
        if (leaf_size < sizeof(jl_leaf::address) || room < 0) {
            return WSAEINVAL;
        }
        const auto rows = static_cast<std::size_t>(room);
        if (rows != 0 && !api::writable(leaves, rows * leaf_size)) {
            return WSAEFAULT;
        }
        std::vector<jl_leaf_stats> found(rows);
        const auto there = object.leaf_statistics(found);
        if (!there) {
            return there.error();
        }
        const auto numbers = numbers_of_sockets();
        auto* to = reinterpret_cast<std::byte*>(leaves);
        for (std::size_t i = 0; i < std::min<std::size_t>(rows, *there); ++i, to += leaf_size) {
            const auto socket = numbers.find(found[i].socket);
            const auto leaf = leaf_of(found[i], socket == numbers.end() ? INVALID_SOCKET : socket->second);
            if (leaf_size > sizeof leaf) {
                std::memset(to + sizeof leaf, 0, leaf_size - sizeof leaf);
            }
            std::memcpy(to, &leaf, std::min<std::size_t>(leaf_size, sizeof leaf));
        }
        count = static_cast<int>(*there);
        return 0;
    });
    return code == 0 ? count : SOCKET_ERROR;
}
