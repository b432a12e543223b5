// SPDX-License-Identifier: Apache-2.0
//
// What the command says to wrong arguments: status 2 and what is allowed.
#include "command.hpp"

#include <joinleaf/ext.h>

#include <gtest/gtest.h>

namespace joinleaf::test {
namespace {

struct wrong {
    const char* name;
    std::vector<std::string> words;
    const char* said;
};

void PrintTo(const wrong& words, std::ostream* out) {
    *out << words.name;
}

class WrongArguments : public ::testing::TestWithParam<wrong> {};

TEST_P(WrongArguments, EndWithStatus2AndSayWhatIsAllowed) {
    const scratch folder;
    command run(folder, joinleaf(GetParam().words));
    EXPECT_EQ(run.wait(), 2);
    EXPECT_NE(run.messages().find(GetParam().said), std::string::npos) << run.messages();
    EXPECT_EQ(run.output(), "");
}

INSTANTIATE_TEST_SUITE_P(
    Cli, WrongArguments,
    ::testing::Values(
        wrong{"NoCommand", {}, "a command is required"}, wrong{"UnknownCommand", {"provider"}, "provider"},
        wrong{"UnknownOption", {"providers", "--yaml"}, "--yaml"},
        wrong{"OptionsOfNobody", {"options"}, "PROVIDER is required"},
        wrong{"UnknownFamily",
              {"explain", "--family", "ipx"},
              "'ipx' is neither a number nor one of any, inet, inet6"},
        wrong{"UnknownType", {"explain", "--type", "datagram"}, "one of any, stream, dgram"},
        wrong{"UnknownProtocol",
              {"explain", "--protocol", "17x"},
              "'17x' is neither a number nor one of any, tcp, udp, rm"},
        wrong{"UnknownFlag",
              {"explain", "--flags", "c_root,root"},
              "'root' is none of none, c_root, c_leaf, d_root, d_leaf"},
        wrong{"RecvWithoutAddress", {"recv"}, "--address is required"},
        wrong{"AddressWithoutPort", {"recv", "--address", "127.0.0.1"}, "needs a port"},
        wrong{"PortTooLarge", {"recv", "--address", "127.0.0.1:65536"}, "a number from 0 to 65535"},
        wrong{"PortWithLetters", {"send", "--address", "127.0.0.1:80a"}, "'80a'"},
        wrong{"HostName", {"recv", "--address", "localhost:80"}, "'localhost:80' is no address"},
        wrong{"Inet6WithoutBrackets", {"recv", "--address", "::1:80"}, "IPv6 address in brackets"},
        wrong{"UnknownScope", {"recv", "--address", "[ff02::1%nosuchlink]:80"}, "is no address"},
        wrong{"NegativeLeaves", {"send", "--leaves", "-1"}, "--leaves"},
        wrong{"TimeoutZero", {"send", "--timeout", "0"}, "--timeout"},
        wrong{"RateWithoutNumber", {"send", "--rate", "fast"}, "--rate"},
        wrong{"TwoFiles", {"send", "a", "b"}, "b"}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(Arguments, HelpHasExamplesAndTheExitStatus) {
    const scratch folder;
    command run(folder, joinleaf({"--help"}));
    EXPECT_EQ(run.wait(), 0);
    EXPECT_NE(run.output().find("Examples:"), std::string::npos);
    EXPECT_NE(run.output().find("Exit status:"), std::string::npos);
    for (const char* name : {"providers", "options", "check", "explain", "send", "recv"}) {
        EXPECT_NE(run.output().find(std::string("  ") + name), std::string::npos) << name;
        command of_one(folder, joinleaf({name, "--help"}));
        EXPECT_EQ(of_one.wait(), 0) << name;
    }
}

TEST(Arguments, VersionIsTheHeaders) {
    const scratch folder;
    command run(folder, joinleaf({"--version"}));
    EXPECT_EQ(run.wait(), 0);
    EXPECT_EQ(run.output(), "joinleaf " JOINLEAF_VERSION_STRING "\n");
}

TEST(Arguments, ExampleRefusesThemTheSameWay) {
    const scratch folder;
    const std::vector<std::vector<std::string>> all{{},
                                                    {"root"},
                                                    {"root", "file"},
                                                    {"leaf", "files", "x"},
                                                    {"leaf", "feed"},
                                                    {"root", "feed", "x", "--rate"},
                                                    {"root", "feed", "x", "--rate", "fast"},
                                                    {"root", "feed", "x", "--speed", "1"},
                                                    {"root", "file", "x", "y"}};
    for (const auto& words : all) {
        command run(folder, distribute(words));
        EXPECT_EQ(run.wait(), 2) << run.messages();
        EXPECT_NE(run.messages().find("distribute --help"), std::string::npos) << run.messages();
    }
}

TEST(Environment, AMisspeltVariableIsNamedWithTheOneThatWasMeant) {
    const scratch folder;
    command run(folder, joinleaf({"providers"}), "",
                {{"JOINLEAF_PROVIDER", "udp"}, {"JOINLEAF_LOG", "warning"}});
    EXPECT_EQ(run.wait(), 0);
    EXPECT_NE(run.messages().find("JOINLEAF_PROVIDER means nothing; did you mean JOINLEAF_PROVIDERS?"),
              std::string::npos)
        << run.messages();
}

} // namespace
} // namespace joinleaf::test
