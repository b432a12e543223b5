// SPDX-License-Identifier: Apache-2.0
#include "engine_module.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

namespace joinleaf::rdma {
namespace {

namespace fs = std::filesystem;

// Where this very library lies.
fs::path own_folder() {
    Dl_info facts{};
    const auto* const here = reinterpret_cast<const void*>(&load_engine);
    return ::dladdr(here, &facts) != 0 && facts.dli_fname != nullptr ? fs::path(facts.dli_fname).parent_path()
                                                                     : fs::path();
}

failure absent(const std::string& name, const std::string& why) {
    return {WSAENETDOWN, fmt::format("engine {}: {}", name, why)};
}

} // namespace

fs::path engine_file(const std::string& name) {
    return own_folder() / fmt::format("joinleaf-rdma-{}.engine", name);
}

tl::expected<std::unique_ptr<engine>, failure> load_engine(const std::string& name, const settings& limits) {
    const fs::path file = engine_file(name);
    std::error_code ignored;
    if (!fs::exists(file, ignored)) {
        return tl::unexpected(
            absent(name, fmt::format("this build does not have it ({} does not exist)", file.string())));
    }
    // It stays mapped, as the provider does.
    void* const library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == nullptr) {
        return tl::unexpected(absent(name, fmt::format("its library cannot be loaded: {}", ::dlerror())));
    }
    const auto open =
        reinterpret_cast<decltype(&joinleaf_rdma_engine)>(::dlsym(library, "joinleaf_rdma_engine"));
    if (open == nullptr) {
        return tl::unexpected(absent(name, fmt::format("{} is not an engine of this build", file.string())));
    }
    std::unique_ptr<engine> made;
    failure why;
    if (!open(limits, made, why)) {
        return tl::unexpected(absent(name, why.sentence));
    }
    return made;
}

} // namespace joinleaf::rdma
