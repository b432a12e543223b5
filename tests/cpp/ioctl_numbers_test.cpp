// SPDX-License-Identifier: Apache-2.0
//
// Winsock and the host have FIONBIO, FIONREAD and SIOCATMARK with other numbers. Other libraries' headers, Boost.Asio's
// among them, find the host's, in whatever order a program includes.
#include <joinleaf/joinleaf.hpp>

#include <boost/asio.hpp>

#include <joinleaf/asio.hpp>

#include <asm/ioctls.h>
#include <gtest/gtest.h>

namespace joinleaf::test {
namespace {

static_assert(FIONBIO == 0x5421 && FIONREAD == 0x541b && JL_HOST_FIONBIO == 0x5421);

TEST(IoctlNumbers, AreTheHostsBehindTheCppHeader) {
    boost::asio::io_context context;
    boost::asio::ip::udp::socket own(context, boost::asio::ip::udp::v4());
    own.non_blocking(true);
    EXPECT_TRUE(own.non_blocking());
    EXPECT_EQ(0U, own.available());
}

} // namespace
} // namespace joinleaf::test
