// SPDX-License-Identifier: Apache-2.0
#include "words.hpp"

#include <joinleaf/ext.h>

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <span>
#include <string_view>

namespace joinleaf::cli {

namespace {

struct word {
    std::string_view text;
    unsigned number;
};

constexpr unsigned pragmatic_multicast = 113; // IPPROTO_RM of Windows

constexpr word families[] = {{"any", AF_UNSPEC}, {"inet", AF_INET}, {"inet6", AF_INET6}};
constexpr word types[] = {{"any", 0},        {"stream", SOCK_STREAM}, {"dgram", SOCK_DGRAM},
                          {"raw", SOCK_RAW}, {"rdm", SOCK_RDM},       {"seqpacket", SOCK_SEQPACKET}};
constexpr word protocols[] = {
    {"any", 0}, {"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"rm", pragmatic_multicast}};
constexpr word flags[] = {{"none", 0},
                          {"c_root", WSA_FLAG_MULTIPOINT_C_ROOT},
                          {"c_leaf", WSA_FLAG_MULTIPOINT_C_LEAF},
                          {"d_root", WSA_FLAG_MULTIPOINT_D_ROOT},
                          {"d_leaf", WSA_FLAG_MULTIPOINT_D_LEAF},
                          {"overlapped", WSA_FLAG_OVERLAPPED}};

std::optional<unsigned> find(std::span<const word> words, std::string_view text) {
    for (const word& candidate : words) {
        if (candidate.text == text) {
            return candidate.number;
        }
    }
    return std::nullopt;
}

std::string allowed(std::span<const word> words) {
    std::string text;
    for (const word& candidate : words) {
        text += fmt::format("{}{}", text.empty() ? "" : ", ", candidate.text);
    }
    return text;
}

result<int> parse(const char* option, std::span<const word> words, const std::string& text) {
    if (const auto found = find(words, text)) {
        return static_cast<int>(*found);
    }
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
        return fail(status::usage,
                    fmt::format("{}: '{}' is neither a number nor one of {}", option, text, allowed(words)));
    }
    return number;
}

} // namespace

result<int> parse_family(const std::string& word) {
    return parse("--family", families, word);
}

result<int> parse_type(const std::string& word) {
    return parse("--type", types, word);
}

result<int> parse_protocol(const std::string& word) {
    return parse("--protocol", protocols, word);
}

result<unsigned> parse_flags(const std::string& words) {
    unsigned sum = 0;
    std::string_view rest = words;
    while (!rest.empty()) {
        const std::string_view text = rest.substr(0, rest.find(','));
        const auto found = find(flags, text);
        if (!found) {
            return fail(status::usage, fmt::format("--flags: '{}' is none of {}", text, allowed(flags)));
        }
        sum |= *found;
        rest.remove_prefix(text.size() == rest.size() ? rest.size() : text.size() + 1);
    }
    return sum;
}

} // namespace joinleaf::cli
