// SPDX-License-Identifier: Apache-2.0
#include "engine_module.hpp"

#include <vector>

#include <dlfcn.h>
#include <fmt/format.h>

namespace joinleaf::rdma {
namespace {

namespace fs = std::filesystem;

// Where this very library lies.
fs::path own_folder() {
    Dl_info facts{};
    const auto* const here = reinterpret_cast<const void*>(&engine_file);
    return ::dladdr(here, &facts) != 0 && facts.dli_fname != nullptr ? fs::path(facts.dli_fname).parent_path()
                                                                     : fs::path();
}

failure absent(const std::string& name, const std::string& why) {
    return {WSAENETDOWN, fmt::format("engine {}: {}", name, why)};
}

failure not_built(const std::string& name) {
    return absent(name,
                  fmt::format("this build does not have it ({} does not exist)", engine_file(name).string()));
}

// In the order in which they are tried.
std::vector<std::string> candidates(const settings& limits) {
    return limits.engine == "auto" ? std::vector<std::string>{"verbs", "ofi"}
                                   : std::vector<std::string>{limits.engine};
}

} // namespace

fs::path engine_file(const std::string& name) {
    return own_folder() / fmt::format("joinleaf-rdma-{}.engine", name);
}

tl::expected<std::unique_ptr<engine>, failure> load_engine(const std::string& name, const settings& limits) {
    return load_engine(name, limits, engine_file(name));
}

tl::expected<std::unique_ptr<engine>, failure> load_engine(const std::string& name, const settings& limits,
                                                           const fs::path& file) {
    std::error_code ignored;
    if (!fs::exists(file, ignored)) {
        return tl::unexpected(not_built(name));
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

tl::expected<choice, failure> choose_engine(const settings& limits) {
    std::string before;
    for (const auto& name : candidates(limits)) {
        auto made = load_engine(name, limits);
        if (made) {
            const std::string why = before.empty() ? "" : fmt::format(" (auto: {})", before);
            const std::string reason = fmt::format("engine {}: {}{}", name, (*made)->description(), why);
            return choice{std::move(*made), reason};
        }
        before += (before.empty() ? "" : "; ") + made.error().sentence;
    }
    return tl::unexpected(failure{WSAENETDOWN, before});
}

std::string missing_engine(const settings& limits) {
    std::string missing;
    std::error_code ignored;
    for (const auto& name : candidates(limits)) {
        if (fs::exists(engine_file(name), ignored)) {
            return {};
        }
        missing += (missing.empty() ? "" : "; ") + not_built(name).sentence;
    }
    return missing;
}

} // namespace joinleaf::rdma
