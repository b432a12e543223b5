// SPDX-License-Identifier: Apache-2.0
//
// The C++ sockets over the transports of the behaviour tests.
#pragma once

#include "tests/support/footprint.hpp"
#include "tests/support/session_fixture.hpp"

#include <joinleaf/joinleaf.hpp>

namespace joinleaf::test {

inline joinleaf::address cpp_address(address from) {
    return {from.get(), from.length};
}

inline std::span<char> room_of(std::string& text) {
    return {text.data(), text.size()};
}

inline join_options with_data(const std::string& data, std::size_t answer_room = 0) {
    join_options options;
    options.data = data;
    options.answer_room = answer_room;
    return options;
}

// What the tests of the C++ sockets share: sockets of the entry under test.
class cpp_guard : protected session_guard {
  protected:
    [[nodiscard]] socket made(DWORD flags) {
        auto one = socket::create(entry(), flags);
        EXPECT_TRUE(one) << one.error().message();
        return std::move(one).value_or(socket());
    }
    [[nodiscard]] socket leaf_socket() { return made(leaf_flags); }
    [[nodiscard]] socket root_socket() { return made(root_flags | root_data_flag()); }
    [[nodiscard]] socket ordinary_socket() { return made(WSA_FLAG_OVERLAPPED); }
    // Bound to the loopback address, listening.
    [[nodiscard]] socket listening(socket one) {
        EXPECT_EQ(0, one.bind(joinleaf::address::loopback(family())).code());
        EXPECT_EQ(0, one.listen(16).code());
        return one;
    }
    [[nodiscard]] static joinleaf::address name_of(const socket& one) {
        return one.local().value_or(joinleaf::address());
    }
    [[nodiscard]] joinleaf::address fresh_session() { return cpp_address(fresh_group(family())); }
};

template <class Base> class cpp_test_of : public Base, protected cpp_guard {
  protected:
    void SetUp() override {
        if (const auto lacking = prepare(this->GetParam()); !lacking.empty()) {
            GTEST_SKIP() << lacking;
        }
    }
    void TearDown() override { end(); }
};

using cpp_transport_test = cpp_test_of<::testing::TestWithParam<transport>>;

} // namespace joinleaf::test
