// SPDX-License-Identifier: Apache-2.0
#include "config/change_watch.hpp"

#include "config/writable_folder.hpp"
#include "support.hpp"

#include <filesystem>

#include <poll.h>

namespace {

using namespace joinleaf::config;
using namespace joinleaf::config::test;

// Whether anything is noted at all; what a change leaves behind is noted when the call that made it is over.
bool changed(change_watch& watch) {
    pollfd one{watch.descriptor(), POLLIN, 0};
    return ::poll(&one, 1, 0) == 1 && watch.take();
}

class ChangeWatch : public testing::Test {
  protected:
    std::unique_ptr<change_watch> look_out() {
        const auto file = here.write("a.yaml", "version: 1\ninclude: [d/*.yaml]\n");
        const auto loaded = load_file(file);
        return change_watch::begin(loaded.value(), "");
    }
    void write_drop_in(const std::string& name) const {
        const auto folder = writable_folder::lock(here.path("d"));
        ASSERT_TRUE(folder.has_value());
        ASSERT_TRUE(folder->write(name, "version: 1\n").has_value());
    }

    folder here;
};

TEST_F(ChangeWatch, CT_31_ADropInThatComesChangesOrGoes_IsAChange) {
    std::filesystem::create_directory(here.path("d"));
    const auto watch = look_out();
    ASSERT_NE(watch, nullptr);
    EXPECT_FALSE(changed(*watch));
    write_drop_in("10-x.yaml");
    EXPECT_TRUE(changed(*watch));
    EXPECT_FALSE(changed(*watch)) << "told once";
    write_drop_in("10-x.yaml");
    EXPECT_TRUE(changed(*watch));
    std::filesystem::remove(here.path("d/10-x.yaml"));
    EXPECT_TRUE(changed(*watch));
}

TEST_F(ChangeWatch, CT_31_OtherFilesAndTheLock_AreNone) {
    std::filesystem::create_directory(here.path("d"));
    const auto watch = look_out();
    here.write("d/README", "x");
    here.write("b.yaml", "x");
    { const auto locked = writable_folder::lock(here.path("d")); }
    EXPECT_FALSE(changed(*watch));
    here.write("a.yaml", "version: 1\n");
    EXPECT_TRUE(changed(*watch)) << "the file itself";
}

TEST_F(ChangeWatch, CT_31_AFolderThatIsNotThereYet_IsWaitedFor) {
    const auto watch = look_out();
    write_drop_in("10-x.yaml");
    EXPECT_TRUE(changed(*watch));
    write_drop_in("11-y.yaml");
    EXPECT_TRUE(changed(*watch)) << "it is looked into from now on";
}

} // namespace
