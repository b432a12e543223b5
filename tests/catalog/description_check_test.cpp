// SPDX-License-Identifier: Apache-2.0
#include "runtime/catalog/description_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace joinleaf::catalog_test {
namespace {

using testing::HasSubstr;

// Tables without a fault; each test spoils one thing.
struct tables {
    jl_protocol row{};
    jl_option option{};
    jl_ops ops{};
    jl_provider provider{};
    const jl_protocol* rows[1] = {&row};
    const jl_option* options[1] = {&option};

    tables() {
        row.name = "one";
        row.service_flags = XP1_MESSAGE_ORIENTED | XP1_SUPPORT_MULTIPOINT | XP1_MULTIPOINT_CONTROL_PLANE;
        row.family = AF_INET;
        row.socket_type = SOCK_DGRAM;
        row.protocol = IPPROTO_UDP;
        row.min_sockaddr = row.max_sockaddr = 16;
        row.message_size = 1;
        option.type = JL_OPTION_INTEGER;
        option.key = "key";
        ops.open = [](jl_instance*, jl_handle*, jl_open*, jl_endpoint**) -> std::int32_t { return 0; };
        ops.bind = [](jl_endpoint*, const sockaddr*, std::uint32_t) -> std::int32_t { return 0; };
        ops.join = [](jl_endpoint*, const jl_join*) -> std::int32_t { return 0; };
        ops.tx = [](jl_endpoint*, jl_msg*, std::uint32_t, std::uint32_t*) -> std::int32_t { return 0; };
        ops.rx = [](jl_endpoint*, jl_msg*, std::uint32_t, std::uint32_t*, std::uint32_t*) -> std::int32_t {
            return 0;
        };
        ops.arm = [](jl_endpoint*, std::uint32_t, std::int32_t*) -> std::int32_t { return 0; };
        ops.shutdown = [](jl_endpoint*, std::int32_t) -> std::int32_t { return 0; };
        ops.close = [](jl_endpoint*, std::uint32_t) {};
        ops.name = [](jl_endpoint*, std::uint32_t, sockaddr*, std::uint32_t*) -> std::int32_t { return 0; };
        provider.name = "p";
        provider.ops = &ops;
        provider.protocols = rows;
        provider.protocol_count = 1;
        provider.options = options;
        provider.option_count = 1;
        provider.create = [](const jl_create*, jl_instance**) -> std::int32_t { return 0; };
        provider.destroy = [](jl_instance*) {};
    }
    tables(const tables&) = delete;
    tables& operator=(const tables&) = delete;
};

struct fault {
    const char* name;
    std::function<void(tables&)> spoil;
    const char* sentence;
};

std::string name_of(const testing::TestParamInfo<fault>& info) {
    return info.param.name;
}

TEST(Description, GoodTables_HaveNoProblem) {
    tables good;
    EXPECT_EQ(catalog::missing_function(good.provider), std::nullopt);
    EXPECT_EQ(catalog::bad_rows(good.provider), std::nullopt);
}

struct BadRow : testing::TestWithParam<fault> {};

TEST_P(BadRow, IsNamed) {
    tables bad;
    GetParam().spoil(bad);
    EXPECT_THAT(catalog::bad_rows(bad.provider).value_or("no problem"), HasSubstr(GetParam().sentence));
}

const fault protocol_faults[] = {
    fault{"None", [](tables& t) { t.provider.protocol_count = 0; }, "offers no protocol entry"},
    fault{"NoName", [](tables& t) { t.row.name = nullptr; }, "row 0: its name must consist of"},
    fault{"WrongName", [](tables& t) { t.row.name = "A b"; }, "row 0: its name must consist of"},
    fault{"NoFamily", [](tables& t) { t.row.family = 0; }, "\"one\": family must be greater than 0"},
    fault{"NoType", [](tables& t) { t.row.socket_type = 0; }, "socket_type must be greater than 0"},
    fault{"NegativeProtocol", [](tables& t) { t.row.protocol = -1; }, "protocol is negative"},
    fault{"NegativeOffset", [](tables& t) { t.row.protocol_max_offset = -1; },
          "protocol_max_offset is negative"},
    fault{"CT_14_BothDirectionsOnly", [](tables& t) { t.row.service_flags |= XP1_UNI_SEND | XP1_UNI_RECV; },
          "XP1_UNI_SEND and XP1_UNI_RECV exclude each other"},
    fault{"CT_10_PlaneWithoutMultipoint", [](tables& t) { t.row.service_flags &= ~XP1_SUPPORT_MULTIPOINT; },
          "a multipoint plane bit is set, but XP1_SUPPORT_MULTIPOINT is clear"},
    fault{"MultipointWithoutJoin", [](tables& t) { t.ops.join = nullptr; }, "there is no function join"},
    fault{"InviteWithoutRoot",
          [](tables& t) {
              t.row.service_flags &= ~XP1_MULTIPOINT_CONTROL_PLANE;
              t.row.abilities = JL_CAN_INVITE;
          },
          "need XP1_MULTIPOINT_CONTROL_PLANE"},
    fault{"ServesNothing", [](tables& t) { t.row.service_flags = 0; }, "serves no socket at all"},
    fault{"QosWithoutFunction", [](tables& t) { t.row.service_flags |= XP1_QOS_SUPPORTED; },
          "there is no function qos"},
    fault{"CT_16_MinimumAboveMaximum", [](tables& t) { t.row.min_sockaddr = 17; },
          "min_sockaddr is greater than max_sockaddr"},
    fault{"CT_16_NoMinimum", [](tables& t) { t.row.min_sockaddr = 0; }, "min_sockaddr must be greater than 0"},
    fault{"CT_16_HugeMaximum", [](tables& t) { t.row.max_sockaddr = 4096; },
          "greater than a sockaddr_storage"},
    fault{"ConnectDataWithoutRoom", [](tables& t) { t.row.service_flags |= XP1_CONNECT_DATA; },
          "caller_data_max and callee_data_max are both 0"},
    fault{"RoomWithoutConnectData", [](tables& t) { t.row.callee_data_max = 1; }, "XP1_CONNECT_DATA is clear"},
    fault{"MessagesOfAStream", [](tables& t) { t.row.message_size = 0; }, "which means a byte stream"},
};

INSTANTIATE_TEST_SUITE_P(Protocols, BadRow, testing::ValuesIn(protocol_faults), name_of);

const fault option_faults[] = {
    fault{"NoProviderName", [](tables& t) { t.provider.name = ""; }, "does not tell its name"},
    fault{"NoKey", [](tables& t) { t.option.key = ""; }, "row 0: its key must consist of"},
    fault{"WrongKey", [](tables& t) { t.option.key = "a key"; }, "row 0: its key must consist of"},
    fault{"UnknownType", [](tables& t) { t.option.type = 9; }, "\"key\": its type is unknown"},
    fault{"ChoiceWithoutWords", [](tables& t) { t.option.type = JL_OPTION_CHOICE; },
          "without words to choose"},
    fault{"WordsWithoutChoice", [](tables& t) { t.option.choices = "a|b"; }, "is no choice"},
    fault{"MinimumAboveMaximum", [](tables& t) { t.option.minimum = 1; },
          "minimum is greater than its maximum"},
    fault{"DefaultOutOfRange",
          [](tables& t) {
              t.option.minimum = 1;
              t.option.maximum = 2;
              t.option.default_value = "3";
          },
          "its default: \"3\" is out of range; allowed: 1 to 2"},
};

INSTANTIATE_TEST_SUITE_P(Options, BadRow, testing::ValuesIn(option_faults), name_of);

struct MissingFunction : testing::TestWithParam<fault> {};

TEST_P(MissingFunction, CT_48_IsNamed) {
    tables bad;
    GetParam().spoil(bad);
    EXPECT_EQ(catalog::missing_function(bad.provider), GetParam().sentence);
}

const fault function_faults[] = {
    fault{"create", [](tables& t) { t.provider.create = nullptr; }, "create"},
    fault{"destroy", [](tables& t) { t.provider.destroy = nullptr; }, "destroy"},
    fault{"open", [](tables& t) { t.ops.open = nullptr; }, "open"},
    fault{"bind", [](tables& t) { t.ops.bind = nullptr; }, "bind"},
    fault{"tx", [](tables& t) { t.ops.tx = nullptr; }, "tx"},
    fault{"rx", [](tables& t) { t.ops.rx = nullptr; }, "rx"},
    fault{"arm", [](tables& t) { t.ops.arm = nullptr; }, "arm"},
    fault{"shutdown", [](tables& t) { t.ops.shutdown = nullptr; }, "shutdown"},
    fault{"close", [](tables& t) { t.ops.close = nullptr; }, "close"},
    fault{"name", [](tables& t) { t.ops.name = nullptr; }, "name"},
    fault{"listen_without_accept",
          [](tables& t) { t.ops.listen = [](jl_endpoint*, std::int32_t) -> std::int32_t { return 0; }; },
          "accept"},
};

INSTANTIATE_TEST_SUITE_P(Functions, MissingFunction, testing::ValuesIn(function_faults), name_of);

} // namespace
} // namespace joinleaf::catalog_test
