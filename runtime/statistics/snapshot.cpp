// SPDX-License-Identifier: Apache-2.0
#include "runtime/statistics/snapshot.hpp"

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>
#include <netdb.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <joinleaf/ext.h>

#include "runtime/catalog/provider.hpp"
#include "runtime/socket/socket_object.hpp"

namespace joinleaf::statistics {
namespace {

using json = nlohmann::ordered_json;
using numbers = std::unordered_map<const jl_handle*, std::uintptr_t>;

const char* word_of(socket::role role) noexcept {
    switch (role) {
    case socket::role::root: return "root";
    case socket::role::member: return "leaf";
    case socket::role::root_leaf: return "branch";
    case socket::role::ordinary: break;
    }
    return "ordinary";
}

json address_text(const sockaddr_storage& address, std::uint32_t length) {
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    if (length == 0 || ::getnameinfo(reinterpret_cast<const sockaddr*>(&address), length, host, sizeof host,
                                     port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return nullptr;
    }
    return address.ss_family == AF_INET6 ? fmt::format("[{}]:{}", host, port)
                                         : fmt::format("{}:{}", host, port);
}

json name_of(socket::socket_object& object, bool peer) {
    sockaddr_storage name{};
    std::uint32_t length = sizeof name;
    return object.name(peer, reinterpret_cast<sockaddr*>(&name), &length) == 0 ? address_text(name, length)
                                                                               : json{};
}

// The counters that a socket and a leaf share.
template <class Stats> void add_counters(json& to, const Stats& from) {
    to["sent_messages"] = from.sent_messages;
    to["sent_bytes"] = from.sent_bytes;
    to["received_messages"] = from.received_messages;
    to["received_bytes"] = from.received_bytes;
    to["queued_bytes"] = from.queued_bytes;
    to["dropped_messages"] = from.dropped_messages;
    to["gaps"] = from.gaps;
    to["rtt_ns"] = from.rtt_ns;
    to["last_error"] = from.last_error == 0 ? json{} : json(jl_error_name(from.last_error));
}

json leaf_json(const jl_leaf_stats& leaf, const numbers& sockets) {
    const auto socket = sockets.find(leaf.socket);
    json made{{"address", address_text(leaf.peer, leaf.peer_len)},
              {"socket", socket == sockets.end() ? json{} : json(socket->second)},
              {"age_ns", leaf.age_ns}};
    add_counters(made, leaf);
    return made;
}

// Those that join while this asks are in the next answer.
json leaves_json(socket::socket_object& object, const numbers& sockets) {
    const auto count = object.leaf_statistics({});
    if (!count) {
        return nullptr;
    }
    std::vector<jl_leaf_stats> leaves(*count);
    const auto there = object.leaf_statistics(leaves);
    auto made = json::array();
    for (std::size_t i = 0; there && i < std::min<std::size_t>(*there, leaves.size()); ++i) {
        made.push_back(leaf_json(leaves[i], sockets));
    }
    return made;
}

json socket_json(socket::socket_object& object, const numbers& sockets) {
    json made{{"socket", object.number()},
              {"provider", object.entry().owner->name},
              {"entry", object.entry().protocol->name},
              {"role", word_of(object.part())},
              {"local", name_of(object, false)},
              {"peer", name_of(object, true)}};
    jl_stats counters{};
    counters.struct_size = sizeof counters;
    if (object.statistics(counters) == 0) {
        made["members"] = counters.leaves;
        made["joins"] = counters.joins;
        add_counters(made, counters);
    }
    made["leaves"] = leaves_json(object, sockets);
    return made;
}

numbers open_numbers() {
    numbers found;
    auto& table = socket::open_sockets();
    table.each_number([&](std::uintptr_t number) {
        if (const auto held = table.acquire(number)) {
            found.emplace(held->handle(), number);
        }
    });
    return found;
}

} // namespace

std::string snapshot() {
    const auto sockets = open_numbers();
    std::vector<std::uintptr_t> in_order;
    for (const auto& [handle, number] : sockets) {
        in_order.push_back(number);
    }
    std::ranges::sort(in_order);
    json all{{"pid", ::getpid()}, {"program", program_invocation_short_name}, {"sockets", json::array()}};
    for (const auto number : in_order) {
        if (const auto held = socket::open_sockets().acquire(number)) {
            all["sockets"].push_back(socket_json(*held, sockets));
        }
    }
    return all.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace joinleaf::statistics
