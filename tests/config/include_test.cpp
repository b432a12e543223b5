// SPDX-License-Identifier: Apache-2.0
#include "config/limits.hpp"
#include "support.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

using namespace joinleaf::config;
using namespace joinleaf::config::test;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> names(const configuration& all) {
    std::vector<std::string> out;
    for (const auto& each : all.providers)
        out.push_back(each.name);
    return out;
}

std::string one_provider(const std::string& name) {
    return "version: 1\nproviders: [{name: " + name + ", library: x}]\n";
}

TEST(Include, ProvidersFollow_InTheOrderOfItemsAndFileNames) {
    const auto loaded = load_file(fixture("tree/joinleaf.yaml"));
    ASSERT_THAT(texts(loaded), IsEmpty());
    EXPECT_THAT(names(*loaded), ElementsAre("first", "extra", "hundred", "twenty", "thirty", "nested"));
    EXPECT_THAT(loaded->files,
                ElementsAre(fixture("tree/joinleaf.yaml"), fixture("tree/extra.yaml"),
                            fixture("tree/providers.d/100-c.yaml"), fixture("tree/providers.d/20-b.yaml"),
                            fixture("tree/providers.d/30-nested.yaml"),
                            fixture("tree/providers.d/more/nested.yml")));
}

TEST(Include, RelativePaths_StartInTheIncludedFilesFolder) {
    const auto loaded = load_file(fixture("tree/joinleaf.yaml"));
    ASSERT_THAT(texts(loaded), IsEmpty());
    EXPECT_EQ(loaded->providers.at(1).library, fixture("tree/extra.so"));
    EXPECT_EQ(loaded->providers.at(3).library, fixture("tree/providers.d/twenty.so"));
    EXPECT_EQ(loaded->providers.at(5).library, fixture("tree/providers.d/more/../nested.so"));
    EXPECT_EQ(loaded->providers.at(5).where.text(), fixture("tree/providers.d/more/nested.yml") + ":3:5");
}

TEST(Include, OfAText_StartsInTheFolderOfItsName) {
    const auto loaded = parse_text("version: 1\ninclude: [extra.yaml]", fixture("tree/not-there.yaml"));
    ASSERT_THAT(texts(loaded), IsEmpty());
    EXPECT_THAT(names(*loaded), ElementsAre("extra"));
}

TEST(Include, FileNameWithoutFolder_MeansTheWorkingFolder) {
    const folder here;
    here.write("main.yaml", "version: 1\ninclude: [a.yaml, '?.yaml', d/*.yaml]\n");
    here.write("a.yaml", one_provider("a"));
    here.write("d/b.yaml", one_provider("b"));
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(here.path(""));
    const auto loaded = load_file("main.yaml");
    std::filesystem::current_path(before);
    EXPECT_THAT(texts(loaded), ElementsAre(says("main.yaml:2:19", {"the file \"a.yaml\" a second time",
                                                                   "it was included at main.yaml:2:11"})));
}

TEST(Include, LiteralThatDoesNotExist_IsAnError) {
    const folder here;
    const auto file = here.write("main.yaml", "version: 1\ninclude:\n  - gone/x.yaml\n");
    EXPECT_THAT(texts(load_file(file)), ElementsAre(file + ":3:5: include: the file \"" +
                                                    here.path("gone/x.yaml") + "\" does not exist"));
}

TEST(Include, PatternThatMatchesNothing_IsNoError) {
    const folder here;
    here.write("empty/readme", "");
    const auto file =
        here.write("main.yaml", "version: 1\ninclude: [gone/*.yaml, empty/*.yaml, 'empty/[ab]?.yaml']\n");
    const auto loaded = load_file(file);
    EXPECT_THAT(texts(loaded), IsEmpty());
    EXPECT_THAT(loaded->files, ElementsAre(file));
}

TEST(Include, PatternInAFileInsteadOfAFolder_IsAnError) {
    const folder here;
    here.write("plain", "");
    const auto file = here.write("main.yaml", "version: 1\ninclude: [plain/*.yaml]\n");
    EXPECT_THAT(texts(load_file(file)),
                ElementsAre(says(file + ":2:11", {"plain\" of the pattern \"plain/*.yaml\" "
                                                  "cannot be searched: Not a directory"})));
}

TEST(Include, Cycle_IsOneErrorThatNamesTheChain) {
    const auto a = fixture("cycle/a.yaml");
    const auto b = fixture("cycle/b.yaml");
    EXPECT_THAT(texts(load_file(a)),
                ElementsAre(says(fixture("cycle/c.yaml") + ":2:11",
                                 {"include: found a cyclic include: " + b + " -> " + fixture("cycle/c.yaml") +
                                  " -> " + fixture("cycle/../cycle/b.yaml")})));
}

TEST(Include, Itself_IsACycle) {
    const folder here;
    const auto file = here.write("main.yaml", "version: 1\ninclude: ['*.yaml']\n");
    EXPECT_THAT(texts(load_file(file)),
                ElementsAre(file + ":2:11: include: found a cyclic include: " + file + " -> " + file));
}

TEST(Include, ThroughALink_IsStillACycle) {
    const folder here;
    const auto file = here.write("main.yaml", "version: 1\ninclude: [link.yaml]\n");
    std::filesystem::create_symlink("main.yaml", here.path("link.yaml"));
    EXPECT_THAT(texts(load_file(file)), ElementsAre(HasSubstr(file + " -> " + here.path("link.yaml"))));
}

TEST(Include, TheSameFileTwice_IsAnError) {
    const folder here;
    here.write("a.yaml", one_provider("a"));
    const auto file = here.write("main.yaml", "version: 1\ninclude: [a.yaml,\n  ./a.yaml]\n");
    EXPECT_THAT(texts(load_file(file)),
                ElementsAre(says(file + ":3:3", {"a second time", "it was included at " + file + ":2:11"})));
}

TEST(Include, NameTwiceInTwoFiles_NamesBothPlaces) {
    const folder here;
    const auto drop_in = here.write("d/a.yaml", one_provider("lan"));
    const auto file = here.write("main.yaml", one_provider("lan") + "include: [d/a.yaml]\n");
    EXPECT_THAT(texts(load_file(file)),
                ElementsAre(drop_in +
                            ":2:20: provider.name: found the name \"lan\" a second time; the first is at " +
                            file + ":2:20"));
}

TEST(Include, ReactorInADropIn_IsRefusedByName) {
    const folder here;
    const auto drop_in = here.write("d.yaml", "version: 1\nreactor: {threads: 2}\n");
    const auto file = here.write("main.yaml", "version: 1\ninclude: [d.yaml]\n");
    EXPECT_THAT(texts(load_file(file)),
                ElementsAre(drop_in +
                            ":2:1: reactor: found in an included file; only the file that is read first may "
                            "set it"));
}

TEST(Include, UnknownKeyInADropIn_IsNotOfferedReactor) {
    const folder here;
    const auto drop_in = here.write("d.yaml", "version: 1\nreacter: {threads: 2}\n");
    const auto file = here.write("main.yaml", "version: 1\ninclude: [d.yaml]\n");
    EXPECT_THAT(
        texts(load_file(file)),
        ElementsAre(drop_in +
                    ":2:1: top level: unknown key \"reacter\"; allowed: version, providers, order, include"));
}

TEST(Include, VersionIsRequiredInADropIn) {
    const folder here;
    const auto drop_in = here.write("d.yaml", "providers: []\n");
    const auto file = here.write("main.yaml", "version: 1\ninclude: [d.yaml]\n");
    EXPECT_THAT(texts(load_file(file)),
                ElementsAre(says(drop_in + ":1:1", {"the key \"version\" is missing"})));
}

TEST(Include, BrokenDropIn_DoesNotHideTheProblemsOfOthers) {
    const folder here;
    const auto broken = here.write("d/1.yaml", "version: 1\nproviders: [\n");
    const auto wrong = here.write("d/2.yaml", "version: 1\nproviders: [{name: a}]\n");
    const auto file =
        here.write("main.yaml", "include: [gone.yaml, d/*.yaml]\nversion: 1\nreactor: {threads: 0}\n");
    EXPECT_THAT(texts(load_file(file)),
                ElementsAre(says(file + ":1:11", {"gone.yaml\" does not exist"}),
                            says(file + ":3:20", {"reactor.threads"}),
                            says(broken + ":3:1", {"the list that begins at " + broken + ":2:12"}),
                            says(wrong + ":2:13", {"\"library\" is missing"})));
}

TEST(Include, Folder_Fifo_Socket_Device_AreRefusedAtOnce) {
    const folder here;
    std::filesystem::create_directory(here.path("folder.yaml"));
    ASSERT_EQ(::mkfifo(here.path("fifo.yaml").c_str(), 0600), 0);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_GE(fd, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    here.path("socket.yaml").copy(&address.sun_path[0], sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(fd);
    const auto file =
        here.write("main.yaml", "version: 1\n"
                                "include:\n  - folder.yaml\n  - fifo.yaml\n  - socket.yaml\n  - /dev/zero\n");
    EXPECT_THAT(texts(load_file(file)),
                ElementsAre(says(file + ":3:5", {"folder.yaml\" is a folder, not a regular file"}),
                            says(file + ":4:5", {"fifo.yaml\" is a FIFO, not a regular file"}),
                            says(file + ":5:5", {"socket.yaml\" is a socket, not a regular file"}),
                            says(file + ":6:5", {"/dev/zero\" is a character device, not a regular file"})));
}

TEST(Include, LinkToItself_IsAnError) {
    const folder here;
    std::filesystem::create_symlink("loop.yaml", here.path("loop.yaml"));
    const auto file = here.write("main.yaml", "version: 1\ninclude: [loop.yaml]\n");
    EXPECT_THAT(texts(load_file(file)),
                ElementsAre(says(file + ":2:11", {"loop.yaml\" cannot be opened: Too many "
                                                  "levels of symbolic links"})));
}

TEST(Include, MoreFilesThanAllowed_IsOneError) {
    const folder here;
    for (std::size_t i = 0; i < limits::files; ++i)
        here.write(fmt::format("d/{:03}.yaml", i), "version: 1\n");
    const auto file = here.write("main.yaml", "version: 1\ninclude: [d/*.yaml]\n");
    EXPECT_THAT(texts(load_file(file)), ElementsAre(says(file + ":2:11", {"more than 256 files"})));
    std::filesystem::remove(here.path("d/000.yaml"));
    const auto loaded = load_file(file);
    ASSERT_THAT(texts(loaded), IsEmpty());
    EXPECT_THAT(loaded->files, SizeIs(limits::files));
    here.write("d/000.yaml", "version: 1\n");
    here.write("d/more.yaml", "version: 1\n");
    EXPECT_THAT(texts(load_file(file)), ElementsAre(says(file + ":2:11", {"more than 256 files match"})));
}

TEST(Include, MoreBytesThanAllowed_IsOneError) {
    const folder here;
    const std::string big = "version: 1\n" + repeat("# filler\n", (limits::file_bytes - 20) / 9);
    for (const auto* name : {"d/1.yaml", "d/2.yaml", "d/3.yaml", "d/4.yaml"})
        here.write(name, big);
    const auto file = here.write("main.yaml", "version: 1\ninclude: [d/*.yaml]\n");
    EXPECT_THAT(texts(load_file(file)),
                ElementsAre(says(file + ":2:11", {"more than 2097152 bytes in all files"})));
}

TEST(Include, MoreProvidersThanAllowed_IsOneError) {
    const folder here;
    const auto providers = [](std::size_t count) {
        std::string text = "version: 1\nproviders:\n";
        for (std::size_t i = 0; i < count; ++i)
            text += fmt::format("- {{name: p{}, library: x}}\n", i);
        return text;
    };
    const auto most = here.write("most.yaml", providers(limits::providers));
    EXPECT_THAT(texts(load_file(most)), IsEmpty());
    const auto more = here.write("more.yaml", providers(limits::providers + 1));
    EXPECT_THAT(texts(load_file(more)),
                ElementsAre(says(more + ":1027:3", {"found 1025; a configuration has at most 1024"})));
    const auto drop_in = here.write("z.yaml", one_provider("z"));
    const auto both = here.write("both.yaml", providers(limits::providers) + "include: [z.yaml]\n");
    EXPECT_THAT(texts(load_file(both)), ElementsAre(says(drop_in + ":2:13", {"one more than the 1024"})));
}

TEST(Include, MoreNodesThanAllowed_CountsAllFilesTogether) {
    const folder here;
    const std::string half = "version: 1\nproviders: [{name: NAME, library: x, options: {k: [" +
                             repeat("a,", limits::total_nodes / 2) + "]}}]\n";
    const auto file_with = [&half](const std::string& name) { return std::string(half).replace(30, 4, name); };
    const auto first = here.write("1.yaml", file_with("a"));
    EXPECT_THAT(texts(load_file(first)), IsEmpty());
    const auto second = here.write("2.yaml", file_with("b"));
    here.write("3.yaml", one_provider("c"));
    const auto file = here.write("main.yaml", "version: 1\ninclude: [1.yaml, 2.yaml, 3.yaml]\n");
    EXPECT_THAT(texts(load_file(file)),
                ElementsAre(AllOf(testing::StartsWith(second + ":2:"), HasSubstr("at most 65536 words"))));
}

TEST(File, ThatDoesNotExist_IsAnError) {
    EXPECT_THAT(texts(load_file("/nonexistent/joinleaf.yaml")),
                ElementsAre("/nonexistent/joinleaf.yaml:1:1: the file does not exist"));
    EXPECT_THAT(texts(load_file("")), ElementsAre(":1:1: the file does not exist"));
}

TEST(File, ThatIsAFolder_IsAnError) {
    const folder here;
    EXPECT_THAT(texts(load_file(here.path("."))),
                ElementsAre(HasSubstr(":1:1: the file is a folder, not a regular file")));
}

TEST(File, ThatMayNotBeRead_IsAnError) {
    const folder here;
    const auto file = here.write("main.yaml", "version: 1\n");
    std::filesystem::permissions(file, std::filesystem::perms::none);
    // Root may read every file, so it is somebody else for a moment.
    constexpr uid_t nobody = 65534;
    const auto self = ::geteuid();
    ASSERT_EQ(::seteuid(self == 0 ? nobody : self), 0);
    const auto found = texts(load_file(file));
    ASSERT_EQ(::seteuid(self), 0);
    EXPECT_THAT(found, ElementsAre(file + ":1:1: the file cannot be opened: Permission denied"));
}

TEST(File, LargerThanAllowed_IsAnError) {
    const folder here;
    const std::string most = "version: 1\n" + std::string(limits::file_bytes - 11, '\n');
    EXPECT_THAT(texts(load_file(here.write("most.yaml", most))), IsEmpty());
    const auto file = here.write("more.yaml", most + "\n");
    EXPECT_THAT(
        texts(load_file(file)),
        ElementsAre(file +
                    ":1:1: the file is larger than 1048576 bytes, the limit for a configuration file"));
    EXPECT_THAT(texts(parse_text(most + "\n", "f.yaml")),
                ElementsAre(says("f.yaml:1:1", {"larger than 1048576 bytes"})));
}

TEST(Include, TheOrderReadLast_IsInForce) {
    const folder here;
    const auto file = here.write("a.yaml", "version: 1\norder: [a, b/c]\ninclude: [d/*.yaml]\n");
    ASSERT_THAT(texts(load_file(file)), IsEmpty());
    EXPECT_THAT(load_file(file)->order,
                ElementsAre(order_item{"a", "", {file, 2, 9}}, order_item{"b", "c", {file, 2, 12}}));
    here.write("d/1.yaml", "version: 1\norder: []\n");
    EXPECT_THAT(load_file(file)->order, IsEmpty());
    here.write("d/2.yaml", "version: 1\norder: [z]\n");
    EXPECT_THAT(load_file(file)->order, SizeIs(1));
}

TEST(Include, PatternsAreKept_AsFoldersForDropIns) {
    const folder here;
    here.write("d/1.yaml", "version: 1\ninclude: [more/*.yml]\n");
    const auto file = here.write("a.yaml", "version: 1\ninclude: [d/1.yaml, e/*.yaml]\n");
    const auto loaded = load_file(file);
    ASSERT_THAT(texts(loaded), IsEmpty());
    EXPECT_THAT(loaded->drop_ins, ElementsAre(drop_in_pattern{here.path("d/more"), "*.yml"},
                                              drop_in_pattern{here.path("e"), "*.yaml"}));
}

TEST(Include, TheSameIdTwice_IsAProblem_AlsoInOtherLettersAndBraces) {
    const folder here;
    here.write(
        "d/1.yaml",
        "version: 1\nproviders: [{name: b, library: x, id: '{ABCDEFAB-0000-0000-0000-000000000000}'}]\n");
    const auto file = here.write(
        "a.yaml", "version: 1\nproviders: [{name: a, library: x, id: abcdefab-0000-0000-0000-000000000000}]\n"
                  "include: [d/*.yaml]\n");
    EXPECT_THAT(texts(load_file(file)),
                ElementsAre(says(here.path("d/1.yaml") + ":2:13", {"provider.id", "a second time"})));
}

} // namespace
