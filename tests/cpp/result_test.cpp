// SPDX-License-Identifier: Apache-2.0
//
// What calls return: values, errors, exceptions, error codes.
#include <joinleaf/joinleaf.hpp>

#include "tests/support/runtime_fixture.hpp"

#include <boost/system/error_code.hpp>

#include <memory>
#include <thread>

namespace joinleaf::test {
namespace {

TEST(Result, HoldsAValue) {
    result<std::unique_ptr<int>> got(std::make_unique<int>(7));
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(0, got.code());
    EXPECT_EQ(7, **got);
    EXPECT_EQ(7, *got->get());
    const std::unique_ptr<int> taken = std::move(got).value();
    EXPECT_EQ(7, *taken);
}

TEST(Result, HoldsAnError_WhichValueThrows) {
    result<int> got(error(WSAECONNREFUSED, "join with nobody"));
    ASSERT_FALSE(got);
    EXPECT_EQ(WSAECONNREFUSED, got.code());
    EXPECT_EQ(5, result<int>(got).value_or(5));
    try {
        got.value();
        FAIL() << "no exception";
    } catch (const failure& thrown) {
        EXPECT_TRUE(thrown.reason() == WSAECONNREFUSED);
        EXPECT_EQ("join with nobody", thrown.reason().explanation());
        EXPECT_TRUE(thrown.code() == std::errc::connection_refused);
        EXPECT_NE(std::string(thrown.what()).find("WSAECONNREFUSED"), std::string::npos) << thrown.what();
        EXPECT_NE(std::string(thrown.what()).find("join with nobody"), std::string::npos) << thrown.what();
    }
}

TEST(Result, OfNothing_IsSuccessOrAnError) {
    EXPECT_NO_THROW(result<void>().value());
    EXPECT_EQ(0, result<void>().code());
    const result<void> failed(error(WSAEINVAL));
    EXPECT_FALSE(failed);
    EXPECT_EQ(WSAEINVAL, failed.code());
    EXPECT_THROW(failed.value(), failure);
    EXPECT_EQ(error(WSAEINVAL).message(), failure(error(WSAEINVAL)).what());
}

TEST(Error, HasNameSentenceAndExplanation) {
    const error one(WSAEADDRINUSE, "port 7");
    EXPECT_STREQ("WSAEADDRINUSE", one.name());
    EXPECT_STREQ(jl_error_text(WSAEADDRINUSE), one.text());
    EXPECT_EQ(std::string("WSAEADDRINUSE: ") + one.text() + " (port 7)", one.message());
    EXPECT_EQ(std::string("WSAEADDRINUSE: ") + one.text(), error(WSAEADDRINUSE).message());
    EXPECT_TRUE(error(WSAEDISCON).is_end());
    EXPECT_TRUE(error(WSAEWOULDBLOCK).would_block());
    EXPECT_TRUE(error(WSA_OPERATION_ABORTED).is_cancelled());
    EXPECT_FALSE(one.is_end() || one.would_block() || one.is_cancelled());
}

// Every code that has a meaning in <system_error> has it here, and no other one.
TEST(Error, IsAnErrorCode_OfTheSameMeaning) {
    const std::pair<int, std::errc> same[] = {{WSAETIMEDOUT, std::errc::timed_out},
                                              {WSAENETUNREACH, std::errc::network_unreachable},
                                              {WSAEWOULDBLOCK, std::errc::operation_would_block},
                                              {WSAENOTCONN, std::errc::not_connected},
                                              {WSA_OPERATION_ABORTED, std::errc::operation_canceled}};
    for (const auto& [code, meaning] : same) {
        EXPECT_TRUE(error(code).as_error_code() == meaning) << code;
    }
    const auto own = error(WSAEDISCON).as_error_code();
    EXPECT_EQ(WSAEDISCON, own.value());
    EXPECT_STREQ("winsock", own.category().name());
    EXPECT_FALSE(own == std::errc::connection_reset);
}

TEST(Runtime, IsCountedByObjects) { // ST-09
    use_providers_of_this_build();
    const std::string yaml = configuration();
    auto first = runtime::start_text(yaml, "a.yaml");
    ASSERT_TRUE(first) << first.error().message();
    {
        auto second = runtime::start_text(yaml, "a.yaml");
        ASSERT_TRUE(second) << second.error().message();
        const runtime moved = std::move(*second);
        EXPECT_TRUE(group::open(address("239.1.2.3", 5000)));
    }
    EXPECT_TRUE(group::open(address("239.1.2.3", 5000)));
    { const runtime last = std::move(*first); }
    EXPECT_EQ(WSANOTINITIALISED, group::open(address("239.1.2.3", 5000)).code()); // ST-12
    EXPECT_EQ(0, end_runtime());
}

TEST(Runtime, ABadConfiguration_IsExplainedWithItsPlace) {
    const auto refused = runtime::start_text("version: 1\nprovider: []\n", "bad.yaml");
    ASSERT_FALSE(refused);
    EXPECT_EQ(WSAEINVAL, refused.code());
    EXPECT_NE(refused.error().explanation().find("bad.yaml:2:1"), std::string::npos)
        << refused.error().message();
}

} // namespace
} // namespace joinleaf::test
