// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string_view>

namespace distribute {

namespace {

constexpr const char* help = R"(usage: distribute root file FILE [OPTION...]    send FILE to every leaf
       distribute root feed TEXT [OPTION...]    send the lines of TEXT one by one, as they would come in
       distribute leaf file OUT [OPTION...]     receive a file
       distribute leaf feed [OUT] [OPTION...]   receive a feed, write its lines to OUT

The transport is the first multipoint entry of joinleaf's configuration (JOINLEAF_CONFIG).

  --meet DIR        find one another through this folder, and leave results there (one machine)
  --address A:P     root: where to listen, or the group; leaf: what the root has shown
  --leaves N        root: wait for N leaves (1)
  --name NAME       of this process (root, leaf)
  --rate N          root: bytes a second of a file, messages a second of a feed (2000)
  --messages N      root: length of the feed (every line once)
  --lead-in S       root of a group without --meet: seconds to announce before sending (2)
  --timeout S       longest wait for one another, longest silence (30)

Exit status: 0 complete, 1 failed, 2 wrong arguments, 3 something was lost.
)";

[[noreturn]] void refuse(const std::string& why) {
    std::fprintf(stderr, "distribute: %s; see 'distribute --help'\n", why.c_str());
    std::exit(usage);
}

template <class Number> void read(Number& into, const std::string& option, std::string_view text) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    if (error != std::errc() || end != text.data() + text.size() || into < Number{0}) {
        refuse(option + " needs a number, not '" + std::string(text) + "'");
    }
}

void parse_option(options& into, const std::string& option, const std::string& value) {
    const std::map<std::string, std::function<void()>> known{
        {"--meet", [&] { into.meeting = value; }},
        {"--address", [&] { into.address = value; }},
        {"--name", [&] { into.name = value; }},
        {"--leaves", [&] { read(into.leaves, option, value); }},
        {"--messages", [&] { read(into.messages, option, value); }},
        {"--rate", [&] { read(into.rate, option, value); }},
        {"--lead-in", [&] { read(into.lead_in, option, value); }},
        {"--timeout", [&] { read(into.timeout, option, value); }},
    };
    const auto found = known.find(option);
    if (found == known.end()) {
        refuse("unknown option " + option);
    }
    found->second();
}

void parse_role_and_mode(options& into, const std::string& role, const std::string& mode) {
    if ((role != "root" && role != "leaf") || (mode != "file" && mode != "feed")) {
        refuse("the first words are root or leaf, then file or feed");
    }
    into.role = role == "root" ? role::root : role::leaf;
    into.mode = mode == "file" ? mode::file : mode::feed;
    into.name = role;
}

void check(const options& given) {
    const bool needs_file = given.role == role::root || given.mode == mode::file;
    if (needs_file && given.file.empty()) {
        refuse("a file is missing");
    }
    if (given.role == role::leaf && given.address.empty() && given.meeting.empty()) {
        refuse("a leaf needs --address or --meet");
    }
    if (given.name.empty() || given.name.find('/') != std::string::npos) {
        refuse("--name must be good for a file name");
    }
}

} // namespace

options parse(int count, char** words) {
    for (int i = 1; i < count; ++i) {
        if (std::string_view(words[i]) == "--help" || std::string_view(words[i]) == "-h") {
            std::fputs(help, stdout);
            std::exit(complete);
        }
    }
    if (count < 3) {
        refuse("too few arguments");
    }
    options parsed;
    parse_role_and_mode(parsed, words[1], words[2]);
    for (int i = 3; i < count; ++i) {
        const std::string word = words[i];
        if (!word.starts_with("--")) {
            parsed.file = parsed.file.empty() ? word : (refuse("one file too many: " + word), word);
        } else if (i + 1 < count) {
            parse_option(parsed, word, words[++i]);
        } else {
            refuse(word + " needs a value");
        }
    }
    check(parsed);
    return parsed;
}

} // namespace distribute
