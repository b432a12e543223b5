// SPDX-License-Identifier: Apache-2.0
#include "devices.hpp"
#include "settings.hpp"
#include "support/fake_host.hpp"

#include <joinleaf/provider.h>

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <dlfcn.h>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;
using joinleaf::rdma::look;
using joinleaf::rdma::places;
using joinleaf::rdma::sentence;

// A machine made of files.
class RdmaDevices : public testing::Test {
  protected:
    RdmaDevices() {
        std::string form = (fs::temp_directory_path() / "rdma-XXXXXX").string();
        root_ = ::mkdtemp(form.data());
        machine_ = {root_ / "sys", root_ / "dev"};
    }
    ~RdmaDevices() override {
        fs::permissions(root_, fs::perms::owner_all);
        fs::remove_all(root_);
    }

    static void write(const fs::path& file, const std::string& text) {
        fs::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }

    void add(const std::string& device, const std::string& state, const std::string& layer) {
        const auto port = machine_.devices / device / "ports/1";
        write(port / "state", state + "\n");
        write(port / "link_layer", layer + "\n");
    }

    std::string said() const { return sentence(look(machine_), machine_); }

    fs::path root_;
    places machine_;
};

TEST_F(RdmaDevices, KernelWithoutSupport_IsSaid) {
    EXPECT_EQ("no RDMA device: " + machine_.devices.string() +
                  " does not exist (kernel without InfiniBand support)",
              said());
}

TEST_F(RdmaDevices, SupportWithoutDevice_IsSaid) {
    fs::create_directories(machine_.devices);
    EXPECT_EQ("no RDMA device: " + machine_.devices.string() +
                  " is empty (kernel with InfiniBand support, no device)",
              said());
}

TEST_F(RdmaDevices, DevicesAreNamedInOrderWithTheirPorts) {
    add("rxe0", "1: DOWN", "Ethernet");
    add("mlx5_0", "4: ACTIVE", "InfiniBand");
    write(machine_.nodes / "uverbs0", "");
    EXPECT_EQ("RDMA devices found: mlx5_0 (port 1 ACTIVE InfiniBand), rxe0 (port 1 DOWN Ethernet)", said());
}

TEST_F(RdmaDevices, MissingNode_IsSaid) {
    add("mlx5_0", "4: ACTIVE", "InfiniBand");
    write(machine_.nodes / "rdma_cm", "");
    EXPECT_EQ("RDMA devices found: mlx5_0 (port 1 ACTIVE InfiniBand); no uverbs node in " +
                  machine_.nodes.string() + ", so that programs cannot reach them",
              said());
}

TEST_F(RdmaDevices, OddEntries_AreShownAsTheyAre) {
    fs::create_directories(machine_.devices / "bare");
    write(machine_.devices / "blank/ports/2/state", "");
    write(machine_.nodes / "uverbs0", "");
    EXPECT_EQ("RDMA devices found: bare (no port), blank (port 2)", said());
}

TEST_F(RdmaDevices, FolderThatIsNone_IsTroubleNotAbsence) {
    write(machine_.devices, "a file");
    EXPECT_EQ("no RDMA device: " + machine_.devices.string() + " cannot be read: Not a directory", said());
}

class RdmaProvider : public testing::Test {
  protected:
    RdmaProvider() : image_(::dlopen(RDMA_LIBRARY, RTLD_NOW | RTLD_LOCAL)) {
        table_.struct_size = sizeof table_;
    }
    ~RdmaProvider() override {
        if (image_ != nullptr) {
            ::dlclose(image_);
        }
    }

    int startup(std::uint32_t low, std::uint32_t high) {
        auto* const entry =
            reinterpret_cast<decltype(&jl_provider_startup)>(::dlsym(image_, "jl_provider_startup"));
        return entry == nullptr ? -1 : entry(low, high, &joinleaf::test::fake_host::table(), &table_);
    }

    void* image_;
    jl_provider table_{};
};

TEST_F(RdmaProvider, LoadsWithoutAnyRdmaLibrary) {
    ASSERT_NE(nullptr, image_) << ::dlerror();
    EXPECT_EQ(0, startup(JL_ABI_VERSION, JL_ABI_VERSION));
    EXPECT_STREQ("rdma", table_.name);
}

// The settings of a YAML entry in which nothing is written but one text.
joinleaf::rdma::settings settings_with(std::string_view key, const char* text) {
    const auto rows = joinleaf::rdma::option_table();
    std::vector<jl_value> values(rows.size());
    std::vector<const jl_value*> pointers;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        values[i].struct_size = sizeof(jl_value);
        values[i].number = rows[i]->minimum;
        values[i].text = rows[i]->key == key ? text : rows[i]->default_value;
        values[i].where = "lan.yaml:5:7";
        pointers.push_back(&values[i]);
    }
    return joinleaf::rdma::read_settings(
        {sizeof(jl_create), static_cast<std::uint32_t>(rows.size()), "fabric", pointers.data()});
}

TEST(RdmaSettings, AMulticastGroupOfEitherFamilyIsTaken) {
    EXPECT_EQ(0U, settings_with("multicast", nullptr).multicast.size);
    EXPECT_EQ("239.1.2.3:0", settings_with("multicast", "239.1.2.3").multicast.text());
    EXPECT_EQ("[ff15::77]:0", settings_with("multicast", "ff15::77").multicast.text());
    EXPECT_EQ("ff15::77", settings_with("multicast", "ff15::77").group);
}

TEST(RdmaSettings, MulticastThatIsNoGroup_IsRefusedWithItsPosition) {
    for (const std::string text : {"192.0.2.1", "239.1.2.3:80", "group", "2001:db8::1"}) {
        try {
            settings_with("multicast", text.c_str());
            ADD_FAILURE() << text;
        } catch (const std::system_error& why) {
            EXPECT_NE(std::string::npos, std::string(why.what())
                                             .find("option multicast: \"" + text +
                                                   "\" is no IPv4 or IPv6 multicast group (lan.yaml:5:7)"))
                << why.what();
        }
    }
}

TEST_F(RdmaProvider, JLP_1_ForeignVersion_IsRefused) {
    ASSERT_NE(nullptr, image_);
    EXPECT_EQ(WSAVERNOTSUPPORTED, startup(JL_ABI_VERSION + 1, JL_ABI_VERSION + 1));
    EXPECT_EQ(JL_ABI_VERSION, table_.abi_max);
}

} // namespace
