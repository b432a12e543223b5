// SPDX-License-Identifier: Apache-2.0
//
// Where the configuration comes from, and what JOINLEAF_PROVIDERS makes of it.
#include "config/source.hpp"

#include "config/selection.hpp"
#include "support.hpp"

#include <array>
#include <cstdio>
#include <memory>

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace {

using namespace joinleaf::config;
using namespace joinleaf::config::test;
using testing::ElementsAre;
using testing::IsEmpty;

// The four places in one folder, all of them there.
class Source : public testing::Test {
  protected:
    Source() {
        around.joinleaf_config = here.write("own.yaml", "");
        around.xdg_config_home = here.path("xdg");
        around.home = here.path("home");
        around.system_file = here.write("etc/joinleaf.yaml", "");
        here.write("xdg/joinleaf/joinleaf.yaml", "");
        here.write("home/.config/joinleaf/joinleaf.yaml", "");
    }

    void expect(enum source::kind kind, const std::string& path) const {
        const auto found = find_source_in(around);
        EXPECT_EQ(found.kind, kind);
        EXPECT_EQ(found.path, path);
    }

    folder here;
    surroundings around;
};

TEST_F(Source, TheVariableComesFirst) {
    expect(source::kind::environment, here.path("own.yaml"));
}

TEST_F(Source, TheVariablesFileIsTaken_EvenIfItIsNotThere) {
    around.joinleaf_config = here.path("gone.yaml");
    expect(source::kind::environment, here.path("gone.yaml"));
}

TEST_F(Source, ThenTheUsersFolder) {
    around.joinleaf_config.reset();
    expect(source::kind::user, here.path("xdg/joinleaf/joinleaf.yaml"));
}

TEST_F(Source, WithoutXdgConfigHome_TheUsersFolderIsInHome) {
    around.joinleaf_config.reset();
    around.xdg_config_home.reset();
    expect(source::kind::user, here.path("home/.config/joinleaf/joinleaf.yaml"));
    around.xdg_config_home = "relative/is/ignored";
    expect(source::kind::user, here.path("home/.config/joinleaf/joinleaf.yaml"));
}

TEST_F(Source, XdgConfigHomeReplacesHome_EvenIfNothingIsThere) {
    around.joinleaf_config.reset();
    around.xdg_config_home = here.path("elsewhere");
    expect(source::kind::system, here.path("etc/joinleaf.yaml"));
}

TEST_F(Source, ThenTheSystemsFile_AlsoWithoutAnyVariable) {
    around.joinleaf_config.reset();
    around.xdg_config_home.reset();
    around.home.reset();
    expect(source::kind::system, here.path("etc/joinleaf.yaml"));
}

TEST_F(Source, LastTheBuiltInText) {
    around = {};
    around.system_file = here.path("gone.yaml");
    expect(source::kind::built_in, "built-in");
}

TEST_F(Source, LinkToNowhere_IsTakenAndNotPassedOver) {
    around.joinleaf_config.reset();
    std::filesystem::remove(here.path("xdg/joinleaf/joinleaf.yaml"));
    std::filesystem::create_symlink("gone", here.path("xdg/joinleaf/joinleaf.yaml"));
    expect(source::kind::user, here.path("xdg/joinleaf/joinleaf.yaml"));
}

class Load : public testing::Test {
  protected:
    folder here;
    environment_variable config{"JOINLEAF_CONFIG", std::nullopt};
    environment_variable providers{"JOINLEAF_PROVIDERS", std::nullopt};
    environment_variable xdg{"XDG_CONFIG_HOME", here.path("xdg")};
};

const std::string abc =
    "version: 1\nproviders:\n- {name: a, library: x}\n- {name: b, library: x, enabled: false}\n"
    "- {name: c, library: x}\n";

std::string enabled(const result<configuration>& loaded) {
    std::string out;
    for (const auto& each : loaded->providers)
        out += (each.enabled ? "+" : "-") + each.name;
    return out;
}

TEST_F(Load, ReadsTheFileOfTheVariable) {
    const auto file = here.write("own.yaml", abc);
    const environment_variable set("JOINLEAF_CONFIG", file);
    EXPECT_EQ(find_source().path, file);
    const auto loaded = load();
    ASSERT_THAT(texts(loaded), IsEmpty());
    EXPECT_EQ(enabled(loaded), "+a-b+c");
}

TEST_F(Load, AFileThatIsNotThere_IsSaidToComeFromTheVariable) {
    const environment_variable set("JOINLEAF_CONFIG", here.path("gone.yaml"));
    EXPECT_THAT(texts(load()), ElementsAre(says(here.path("gone.yaml") + ":1:1",
                                                {"does not exist", "JOINLEAF_CONFIG names this file"})));
}

TEST_F(Load, AnEmptyVariable_IsAsGoodAsNone) {
    const auto file = here.write("xdg/joinleaf/joinleaf.yaml", abc);
    const environment_variable set("JOINLEAF_CONFIG", "");
    const environment_variable none("JOINLEAF_PROVIDERS", "");
    EXPECT_EQ(find_source().kind, source::kind::user);
    const auto loaded = load();
    ASSERT_THAT(texts(loaded), IsEmpty());
    EXPECT_THAT(loaded->files, ElementsAre(file));
}

TEST_F(Load, ProvidersVariable_LeavesOnlyTheNamedEnabled_InFileOrder) {
    const environment_variable set("JOINLEAF_CONFIG", here.write("own.yaml", abc));
    const environment_variable only("JOINLEAF_PROVIDERS", "c,b");
    const auto loaded = load();
    ASSERT_THAT(texts(loaded), IsEmpty());
    EXPECT_EQ(enabled(loaded), "-a-b+c");
    EXPECT_EQ(loaded->providers.at(0).enabled_where, (position{"JOINLEAF_PROVIDERS", 1, 1}));
    EXPECT_EQ(loaded->providers.at(1).enabled_where, (position{here.path("own.yaml"), 4, 34}));
    EXPECT_EQ(loaded->providers.at(2).enabled_where, position{});
}

TEST_F(Load, ProvidersVariable_WithACaret_LeavesAllOthersEnabled) {
    const environment_variable set("JOINLEAF_CONFIG", here.write("own.yaml", abc));
    const environment_variable all_but("JOINLEAF_PROVIDERS", "^b, a");
    const auto loaded = load();
    ASSERT_THAT(texts(loaded), IsEmpty());
    EXPECT_EQ(enabled(loaded), "-a-b+c");
    EXPECT_EQ(loaded->providers.at(0).enabled_where, (position{"JOINLEAF_PROVIDERS", 1, 5}));
}

TEST_F(Load, ProvidersVariable_UnknownNames_AreProblemsOfTheVariable) {
    const environment_variable set("JOINLEAF_CONFIG", here.write("own.yaml", "version: 1\nproviders:\n"
                                                                             "- {name: udp, library: x}\n"
                                                                             "- {name: tcp, library: x}\n"));
    const environment_variable only("JOINLEAF_PROVIDERS", " upd ,tcp,, ^tcp");
    EXPECT_THAT(
        texts(load()),
        ElementsAre("JOINLEAF_PROVIDERS:1:2: found the unknown provider \"upd\"; the configuration has: udp, "
                    "tcp; did you mean \"udp\"?",
                    says("JOINLEAF_PROVIDERS:1:11", {"found nothing where a provider's name belongs"}),
                    says("JOINLEAF_PROVIDERS:1:13", {"unknown provider \"^tcp\"", "did you mean \"tcp\"?"})));
}

TEST_F(Load, ProvidersVariable_ACaretAlone_IsAProblem) {
    configuration all;
    EXPECT_EQ(select_providers(all, "^").at(0).where, (position{"JOINLEAF_PROVIDERS", 1, 2}));
    EXPECT_EQ(select_providers(all, "  ").at(0).where, (position{"JOINLEAF_PROVIDERS", 1, 3}));
    EXPECT_EQ(select_providers(all, "x").at(0).message,
              "found the unknown provider \"x\"; the configuration has: none");
}

// Runs the probe, which prints what it finds: `KIND PATH`.
std::string run(const std::string& program) {
    // The path is the test's own and needs no quoting.
    const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(program.c_str(), "r"), &::pclose);
    std::array<char, 1024> line{};
    if (!output || std::fgets(line.data(), static_cast<int>(line.size()), output.get()) == nullptr)
        return "nothing";
    return line.data();
}

TEST_F(Load, SetUserIdProcess_ReadsNoVariable) {
    struct statvfs mount {};
    ASSERT_EQ(::statvfs(here.path("").c_str(), &mount), 0);
    if (::geteuid() != 0 || (mount.f_flag & ST_NOSUID) != 0)
        GTEST_SKIP() << "needs root and a temporary folder that honours set-user-id programs";
    const auto file = here.write("own.yaml", abc);
    const environment_variable set("JOINLEAF_CONFIG", file);
    const auto probe = here.path("probe");
    std::filesystem::copy_file(JOINLEAF_CONFIG_PROBE, probe);
    EXPECT_EQ(run(probe), "environment " + file + "\n");
    std::filesystem::permissions(here.path(""), std::filesystem::perms{0755});
    constexpr uid_t nobody = 65534;
    ASSERT_EQ(::chown(probe.c_str(), nobody, nobody), 0);
    ASSERT_EQ(::chmod(probe.c_str(), 04755), 0);
    // A set-user-id process cannot be looked into by the leak detector.
    const auto unchecked = "ASAN_OPTIONS=detect_leaks=0 " + probe;
    EXPECT_THAT(run(unchecked), testing::Not(testing::HasSubstr("environment")));
    EXPECT_THAT(run(unchecked),
                testing::AnyOf("system /etc/joinleaf/joinleaf.yaml\n", "built-in built-in\n"));
}

} // namespace
