// SPDX-License-Identifier: Apache-2.0
#include "subject_reader.hpp"

#include "tests/support/runtime_fixture.hpp"
#include "tests/support/transport.hpp"

#include <joinleaf/ext.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <memory>
#include <set>

namespace joinleaf::check {
namespace {

using nlohmann::json;
using test::plan;
using test::subject;
using test::transport;

std::string yaml_text(const json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

void read_description(const json& from, subject& into) {
    into.name = from.at("name").get<std::string>();
    into.library = from.at("library").get<std::string>();
    into.observed = ::getenv("JOINLEAF_CHECK_OBSERVED") != nullptr;
    const auto options = from.value("options", json::object());
    for (const auto& [key, value] : options.items()) {
        into.options.emplace_back(key, yaml_text(value));
    }
    const auto tuning = from.value("tuning", json::object());
    for (const auto& [wanted, stands_for] : tuning.items()) {
        into.tuning[wanted] = yaml_text(stands_for);
    }
}

json catalog() {
    const std::unique_ptr<char, decltype(&jl_free)> text(jl_catalog_json(), &jl_free);
    return text ? json::parse(text.get()) : json::object();
}

// A name as GoogleTest allows it in a parameter.
std::string parameter_name(const json& provider, const json& entry) {
    auto name = provider.value("library_name", "") + "_" + entry.value("name", "");
    std::replace_if(
        name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
    return name;
}

// Bytes without connections and without groups are no transport of a case.
bool is_datagram_only(const WSAPROTOCOL_INFOW& info) {
    return (info.dwServiceFlags1 & XP1_SUPPORT_MULTIPOINT) == 0 &&
           (info.dwServiceFlags1 & XP1_CONNECTIONLESS) != 0;
}

// Why the entry opens no socket here, whatever it could do elsewhere; empty: it does.
std::string reason_not_to_open(WSAPROTOCOL_INFOW info) {
    const test::owned_socket probe(
        WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, test::leaf_flags));
    if (probe.get() != INVALID_SOCKET || WSAGetLastError() != WSAEOPNOTSUPP) {
        return "";
    }
    std::array<char, 512> why{};
    return jl_last_explanation(why.data(), why.size()) == 0 ? "the entry opens no socket here" : why.data();
}

void add_transports(const json& provider, subject& into) {
    const auto infos = test::catalog_entries();
    for (const auto& entry : provider.at("entries")) {
        const auto id = entry.at("id").get<DWORD>();
        const auto info = std::find_if(infos.begin(), infos.end(), [id](const WSAPROTOCOL_INFOW& one) {
            return one.dwCatalogEntryId == id;
        });
        if (info == infos.end() || is_datagram_only(*info)) {
            continue;
        }
        const auto words = entry.value("abilities", std::set<std::string>{});
        const bool asks_first = test::plan_of(*info) == plan::nonrooted;
        into.transports.push_back({parameter_name(provider, entry), test::plan_of(*info),
                                   info->iAddressFamily, id, words.contains("invite"), words.contains("ask"),
                                   entry.value("ordinary", false), words.contains("side_chat"),
                                   asks_first ? reason_not_to_open(*info) : ""});
    }
}

std::string read_entries(subject& into) {
    into.transports.clear();
    for (const auto& provider : catalog().value("providers", json::array())) {
        const auto name = provider.value("name", "");
        if (!into.name.empty() && name != into.name) {
            continue;
        }
        if (provider.value("state", "") != "loaded") {
            return name + ": " +
                   (provider["reason"].is_string() ? provider["reason"].get<std::string>() : "not loaded");
        }
        into.library_name = provider.value("library_name", "");
        add_transports(provider, into);
    }
    return into.transports.empty() ? into.name + ": it has no entry that a case could use" : "";
}

// The first wait of a thread makes it a descriptor that stays; later cases would be blamed for it.
void own_waiting_descriptor() {
    WSAEVENT event = WSACreateEvent();
    WSAWaitForMultipleEvents(1, &event, FALSE, 1, FALSE);
    WSACloseEvent(event);
}

// Nothing beside it: what the cases have there may be the subject's own library, which would keep the host that it was
// started with last, and report to that one past the observer.
std::string subject_alone() {
    const auto& one = test::the_subject();
    return "version: 1\nproviders:\n" +
           test::configuration_item(one.name, one.library, test::subject_options(""));
}

} // namespace

std::string find_subject() {
    const char* const text = std::getenv("JOINLEAF_CHECK_SUBJECT");
    if (text == nullptr) {
        return "";
    }
    auto& one = test::the_subject();
    read_description(json::parse(text), one);
    if (const auto started = test::start_runtime(subject_alone()); !started) {
        return started.message();
    }
    auto refusal = read_entries(one);
    own_waiting_descriptor();
    test::end_runtime();
    return refusal;
}

} // namespace joinleaf::check
