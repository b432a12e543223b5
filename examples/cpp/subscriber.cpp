// SPDX-License-Identifier: Apache-2.0
// cpp-subscriber group ADDRESS: prints each message that the group gets, until it is stopped.
// cpp-subscriber leaf ADDRESS [NAME]: asks the root at ADDRESS, and prints what it sends until the session ends.
#include <joinleaf/joinleaf.hpp>

#include <iostream>
#include <string>

namespace {

joinleaf::socket enter(const std::string& kind, const joinleaf::address& at, const std::string& name) {
    if (kind == "group") {
        return joinleaf::group::join(at, joinleaf::direction::receive).value();
    }
    joinleaf::join_options options;
    options.data = name;
    return joinleaf::leaf::join(at, options).value();
}

} // namespace

int main(int count, char** words) try {
    const std::string kind = count >= 3 ? words[1] : "";
    if ((kind != "group" || count != 3) && (kind != "leaf" || count > 4)) {
        std::cerr << "usage: cpp-subscriber group ADDRESS\n       cpp-subscriber leaf ADDRESS [NAME]\n";
        return 2;
    }
    const joinleaf::runtime runtime;
    const auto session = enter(kind, joinleaf::address::parse(words[2]).value(), count == 4 ? words[3] : "");
    std::cerr << "joined " << session.peer().value().text() << std::endl;
    for (;;) {
        const auto message = session.receive_text();
        if (!message && message.error().is_end()) {
            return 0;
        }
        std::cout << message.value() << std::endl;
    }
} catch (const joinleaf::failure& failed) {
    std::cerr << "cpp-subscriber: " << failed.reason().message() << "\n";
    return 1;
}
