// SPDX-License-Identifier: Apache-2.0
#include "catalog_fixture.hpp"

#include "runtime/catalog/library.hpp"

#include <gmock/gmock.h>

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace joinleaf::catalog_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using state = enum catalog::provider::state;

struct Loading : catalog_fixture {
    // Refused, with a reason that names the file and holds these words, and this code for socket creation.
    void expect_refusal(const std::string& library, const std::string& words, int code) {
        const auto& made = load_one(library);
        EXPECT_EQ(made.state, state::refused);
        EXPECT_THAT(made.reason, StartsWith(plugin(library) + ": "));
        EXPECT_THAT(made.reason, HasSubstr(words));
        EXPECT_EQ(made.refusal_code, code);
        EXPECT_EQ(made.instance, nullptr);
        EXPECT_TRUE(load_one(library).reason.find('\n') == std::string::npos);
    }
};

TEST_F(Loading, GoodLibrary_IsLoadedWithAllItSaysOfItself) {
    const auto& made = load_one("mcast");
    EXPECT_EQ(made.state, state::loaded);
    EXPECT_EQ(made.reason, "");
    EXPECT_EQ(made.library_name, "mcast");
    EXPECT_EQ(made.library_path, plugin("mcast"));
    EXPECT_EQ(made.version, "1.2.3");
    EXPECT_EQ(made.summary, "moves no bytes");
    EXPECT_EQ(made.where.text(), "/etc/test.yaml:3:5");
    ASSERT_NE(made.table, nullptr);
    EXPECT_NE(made.table->ops->open, nullptr);
    EXPECT_EQ(made.table->ops->listen, nullptr);
    EXPECT_NE(made.instance, nullptr);
}

TEST_F(Loading, LibraryStaysMappedWithItsSymbolsToItself) {
    load_one("mcast");
    unload();
    void* const mapped = ::dlopen(plugin("mcast").c_str(), RTLD_NOW | RTLD_NOLOAD);
    EXPECT_NE(mapped, nullptr);
    EXPECT_EQ(::dlsym(RTLD_DEFAULT, "jl_provider_startup"), nullptr);
    if (mapped != nullptr) {
        ::dlclose(mapped);
    }
}

TEST_F(Loading, PathInsteadOfName_IsLoaded) {
    EXPECT_EQ(load_one(plugin("mcast")).state, state::loaded);
}

TEST_F(Loading, OneFileForTwoItems_IsStartedOnceAndCreatedTwice) {
    load("providers:\n  - {name: a, library: mcast}\n  - {name: b, library: mcast}\n");
    EXPECT_THAT(notes(), ElementsAre("startup mcast", "create a", "create b"));
}

TEST_F(Loading, CT_82_CatalogGoes_InstancesAreDestroyedLatestFirst) {
    load("providers:\n  - {name: a, library: mcast}\n  - {name: b, library: rooted}\n");
    notes().clear();
    unload();
    EXPECT_THAT(notes(), ElementsAre("destroy b", "destroy a"));
}

TEST_F(Loading, CT_83_SecondCatalog_StartsTheMappedLibraryAgain) {
    load_one("mcast");
    const auto first = catalog::open_library(plugin("mcast"));
    notes().clear();
    load_one("mcast");
    EXPECT_EQ(notes().front(), "startup mcast");
    EXPECT_EQ(catalog::open_library(plugin("mcast")).value(), first.value());
}

TEST_F(Loading, JLP_1_WrongAbiVersion_NamesFileAndBothVersions) {
    expect_refusal("abi", "is built for ABI version 7, this runtime has ABI version 1", WSAEINVALIDPROVIDER);
}

TEST_F(Loading, JLP_1_WrongAbiVersionWithoutAnError_IsRefusedAsWell) {
    expect_refusal("abi-silent", "is built for ABI version 7, this runtime has ABI version 1",
                   WSAEINVALIDPROVIDER);
}

TEST_F(Loading, NoEntrySymbol_IsNamed) {
    expect_refusal("no-entry", "has no entry symbol jl_provider_startup", WSAEPROVIDERFAILEDINIT);
}

TEST_F(Loading, EntrySymbolOfADependency_NamesTheOtherFile) {
    expect_refusal("borrowed-entry", "comes from another file", WSAEPROVIDERFAILEDINIT);
    EXPECT_THAT(load_one("borrowed-entry").reason, HasSubstr("libcatalog-entry-owner.so"));
}

TEST_F(Loading, CT_48_ShortProviderTable_IsRefused) {
    expect_refusal("short-table", "its provider table is too short: struct_size is", WSAEINVALIDPROCTABLE);
}

TEST_F(Loading, CT_48_ShortFunctionTable_IsRefused) {
    expect_refusal("short-ops", "its function table is too short", WSAEINVALIDPROCTABLE);
}

TEST_F(Loading, LongerTableOfALaterLibrary_IsTaken) {
    EXPECT_EQ(load_one("long-table").state, state::loaded);
}

TEST_F(Loading, CT_48_RequiredFunctionIsNull_IsNamed) {
    expect_refusal("null-op", "the required function rx is NULL", WSAEINVALIDPROCTABLE);
}

TEST_F(Loading, CT_48_NoFunctionTable_IsRefused) {
    expect_refusal("no-ops", "gives no table of functions", WSAEINVALIDPROCTABLE);
}

TEST_F(Loading, CT_48_StartupError_IsNamedWithItsExplanation) {
    expect_refusal("startup", "startup fails with WSASYSNOTREADY: the licence has expired",
                   WSAEPROVIDERFAILEDINIT);
}

TEST_F(Loading, CreateError_IsNamedWithItsExplanationAndTheTableStays) {
    expect_refusal("no-device", "create fails with WSAENETDOWN: there is no such device",
                   WSAEPROVIDERFAILEDINIT);
    EXPECT_NE(load_one("no-device").table, nullptr);
}

TEST_F(Loading, UnresolvedSymbol_IsNamedAtLoadTime) {
    expect_refusal("unresolved", "unresolved symbol jl_nobody_defines_this", WSAEPROVIDERFAILEDINIT);
}

TEST_F(Loading, ExceptionOutOfStartup_IsRefused) {
    expect_refusal("throws", "startup throws an exception", WSAEPROVIDERFAILEDINIT);
}

TEST_F(Loading, ExceptionOutOfCreate_IsRefusedWithItsText) {
    expect_refusal("throws-later", "create throws an exception (the disk is on fire)", WSAEPROVIDERFAILEDINIT);
}

TEST_F(Loading, TextFile_IsNoLibrary) {
    expect_refusal("text", "is not a library (not an ELF file)", WSAEPROVIDERFAILEDINIT);
}

TEST_F(Loading, Folder_IsNoLibrary) {
    expect_refusal("folder", "is a folder, not a library", WSAEPROVIDERFAILEDINIT);
}

TEST_F(Loading, DoubleProtocolRow_IsRefused) {
    expect_refusal("double-name", "two protocol rows have the name \"ordinary\"", WSAEINVALIDPROVIDER);
}

TEST_F(Loading, BadDefaultOfAnOption_IsRefused) {
    expect_refusal("bad-default", "option row \"ttl\": its default: \"many\" is not a whole number",
                   WSAEINVALIDPROVIDER);
}

TEST_F(Loading, NamedPipe_IsRefusedWithoutWaiting) {
    const auto folder =
        std::filesystem::temp_directory_path() / fmt::format("joinleaf-catalog-{}", ::getpid());
    std::filesystem::create_directory(folder);
    const auto pipe = folder / "pipe.so";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    EXPECT_THAT(load_one(pipe.string()).reason, HasSubstr("is no regular file"));
    std::filesystem::remove_all(folder);
}

TEST_F(Loading, TruncatedLibrary_GivesTheLoadersReason) {
    const auto file =
        std::filesystem::temp_directory_path() / fmt::format("joinleaf-catalog-{}.so", ::getpid());
    std::ofstream{file, std::ios::binary} << "\x7f"
                                             "ELF and then nothing of use";
    EXPECT_THAT(load_one(file.string()).reason, HasSubstr("the loader refuses it: "));
    std::filesystem::remove(file);
}

TEST_F(Loading, MissingName_ListsEveryPathTried) {
    ::setenv("JOINLEAF_PROVIDER_PATH", "/nowhere::" CATALOG_PLUGIN_FOLDER, 1);
    const auto& reason = load_one("absent").reason;
    EXPECT_THAT(reason, StartsWith("no library \"absent\"; tried "));
    EXPECT_THAT(reason,
                HasSubstr("/nowhere/joinleaf-absent.so (JOINLEAF_PROVIDER_PATH), " CATALOG_PLUGIN_FOLDER
                          "/joinleaf-absent.so (JOINLEAF_PROVIDER_PATH), "));
    EXPECT_THAT(reason, HasSubstr("/joinleaf-absent.so (built in)"));
}

TEST_F(Loading, MissingPath_IsNamed) {
    EXPECT_EQ(load_one("/nowhere/p.so").reason, "/nowhere/p.so: No such file or directory");
}

TEST_F(Loading, FirstFolderOfThePath_Wins) {
    ::setenv("JOINLEAF_PROVIDER_PATH", "/nowhere:" CATALOG_PLUGIN_FOLDER ":/elsewhere", 1);
    EXPECT_EQ(load_one("mcast").library_path, plugin("mcast"));
}

TEST_F(Loading, FaultyProviders_DoNotHideTheOthersAndAreLoggedOnce) {
    testing::internal::CaptureStderr();
    const auto& made = load("providers:\n"
                            "  - {name: one, library: abi}\n"
                            "  - {name: two, library: mcast}\n"
                            "  - {name: three, library: text}\n"
                            "  - {name: four, library: rooted}\n");
    const auto logged = testing::internal::GetCapturedStderr();
    EXPECT_EQ(made.providers()[0].state, state::refused);
    EXPECT_EQ(made.providers()[1].state, state::loaded);
    EXPECT_EQ(made.providers()[2].state, state::refused);
    EXPECT_EQ(made.providers()[3].state, state::loaded);
    EXPECT_EQ(made.entries().size(), 6U);
    const auto line =
        "warning: config /etc/test.yaml:3:5: provider \"one\": " + plugin("abi") + ": is built for";
    EXPECT_THAT(logged, HasSubstr(line));
    EXPECT_EQ(logged.find(line), logged.rfind(line));
    EXPECT_THAT(logged, HasSubstr("provider \"three\""));
    EXPECT_THAT(logged, testing::Not(HasSubstr("provider \"two\"")));
}

TEST_F(Loading, DisabledProvider_IsNotTouched) {
    const auto& made = load_one("abi", "    enabled: false\n");
    EXPECT_EQ(made.state, state::disabled);
    EXPECT_EQ(made.reason, "disabled at " + made.disabled_where.text());
    EXPECT_EQ(made.table, nullptr);
    EXPECT_TRUE(notes().empty());
}

} // namespace
} // namespace joinleaf::catalog_test
