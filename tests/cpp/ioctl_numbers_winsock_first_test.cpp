// SPDX-License-Identifier: Apache-2.0
//
// A program that wants Winsock's numbers, and includes winsock2.h itself, keeps them; Asio has the host's all the same.
#include <joinleaf/winsock2.h>

#include <joinleaf/asio.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include <gtest/gtest.h>

namespace joinleaf::test {
namespace {

static_assert(FIONBIO == 0x8004667eU && FIONREAD == 0x4004667fU);

TEST(IoctlNumbers, AreWinsocksWhereTheProgramTookThem) {
    boost::asio::io_context context;
    boost::asio::ip::udp::socket own(context, boost::asio::ip::udp::v4());
    own.non_blocking(true);
    EXPECT_TRUE(own.non_blocking());
    EXPECT_EQ(0U, own.available());
}

} // namespace
} // namespace joinleaf::test
