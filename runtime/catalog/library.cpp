// SPDX-License-Identifier: Apache-2.0
// std::filesystem in Boost.DLL's interface: the runtime then needs no Boost library, only headers.
#ifndef BOOST_DLL_USE_STD_FS
#define BOOST_DLL_USE_STD_FS
#endif

#include "runtime/catalog/library.hpp"

#include <boost/dll/runtime_symbol_info.hpp>
#include <boost/dll/shared_library.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <dlfcn.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <system_error>

#ifndef JOINLEAF_DEFAULT_PROVIDER_PATH
#error "JOINLEAF_DEFAULT_PROVIDER_PATH must name the folders, separated by ':', where providers are installed"
#endif

namespace joinleaf::catalog {
namespace {

namespace fs = std::filesystem;

constexpr const char* entry_symbol = "jl_provider_startup";

struct mapped_library {
    boost::dll::shared_library handle;
    library facts;
};

// Code of a provider may run until the process ends (threads, atexit handlers), so that nothing here is ever
// given back. The map itself stays reachable, which leak checkers respect.
struct library_store {
    std::mutex guard;
    std::map<std::string, std::unique_ptr<mapped_library>> mapped;
};

library_store& store() {
    static auto* const the_store = new library_store;
    return *the_store;
}

tl::unexpected<refusal> refused(std::string reason) {
    return tl::unexpected{refusal{WSAEPROVIDERFAILEDINIT, std::move(reason)}};
}

void append_folders(std::vector<search_folder>& folders, std::string_view list, std::string_view origin) {
    while (!list.empty()) {
        const auto end = std::min(list.find(':'), list.size());
        if (end > 0) {
            folders.push_back({std::string{list.substr(0, end)}, std::string{origin}});
        }
        list.remove_prefix(std::min(end + 1, list.size()));
    }
}

// Where the package lies now, which need not be where it was built for (`cmake --install --prefix`, a moved prefix).
void append_own_folder(std::vector<search_folder>& folders) {
    Dl_info self{};
    std::error_code error;
    if (::dladdr(reinterpret_cast<const void*>(&search_folders), &self) == 0 || self.dli_fname == nullptr) {
        return;
    }
    const auto image = fs::weakly_canonical(self.dli_fname, error);
    if (!error) {
        folders.push_back({(image.parent_path() / "joinleaf").string(), "beside libjoinleaf.so"});
    }
}

tl::expected<std::string, refusal> canonical_path(const fs::path& path) {
    std::error_code error;
    const auto canonical = fs::canonical(path, error);
    if (error) {
        return refused(fmt::format("{}: {}", path.string(), error.message()));
    }
    return canonical.string();
}

// The name of the variable at the front of `path` and what follows it: %NAME%... or ${NAME}...
std::pair<std::string, std::string> split_variable(const std::string& path) {
    const std::size_t begin = path.front() == '%' ? 1 : 2;
    const auto end = path.find(path.front() == '%' ? '%' : '}', begin);
    return end == std::string::npos ? std::pair{std::string{}, path}
                                    : std::pair{path.substr(begin, end - begin), path.substr(end + 1)};
}

// The path with its variables' values, looked up now (CT-25); in a set-user-id process no variable is read.
tl::expected<std::string, refusal> expanded(std::string path) {
    std::string front;
    while (path.starts_with('%') || path.starts_with("${")) {
        auto [name, rest] = split_variable(path);
        const char* const value = name.empty() ? nullptr : ::secure_getenv(name.c_str());
        if (value == nullptr) {
            return refused(fmt::format("{}: the environment variable {} is not set", path, name));
        }
        front += value;
        const auto next = std::min(rest.find('%'), rest.find("${"));
        front += rest.substr(0, next);
        path = next == std::string::npos ? std::string{} : rest.substr(next);
    }
    if (!front.starts_with('/')) {
        return refused(fmt::format("{}: a path with variables must be absolute", front + path));
    }
    return front + path;
}

// The loader's words about a text file are hard to understand, and on a pipe it would wait for ever.
tl::expected<void, refusal> check_file(const std::string& path) {
    std::error_code error;
    const auto status = fs::status(path, error);
    if (error) {
        return refused(fmt::format("{}: {}", path, error.message()));
    }
    if (!fs::is_regular_file(status)) {
        return refused(fmt::format(
            "{}: {}", path, fs::is_directory(status) ? "is a folder, not a library" : "is no regular file"));
    }
    std::ifstream file{path, std::ios::binary};
    if (!file) {
        return refused(fmt::format("{}: {}", path, std::generic_category().message(errno)));
    }
    constexpr std::array<char, 4> elf{'\x7f', 'E', 'L', 'F'};
    std::array<char, 4> magic{};
    if (!file.read(magic.data(), magic.size()) || magic != elf) {
        return refused(fmt::format("{}: is not a library (not an ELF file)", path));
    }
    return {};
}

// The loader begins its sentence with the file's name, which every refusal has already.
std::string loader_reason(const std::string& path) {
    const char* said = ::dlerror();
    std::string_view reason = said == nullptr ? "no reason given" : said;
    if (reason.starts_with(path + ": ")) {
        reason.remove_prefix(path.size() + 2);
    }
    constexpr std::string_view undefined = "undefined symbol: ";
    if (reason.starts_with(undefined)) {
        return fmt::format("unresolved symbol {}", reason.substr(undefined.size()));
    }
    return fmt::format("the loader refuses it: {}", reason);
}

tl::expected<std::unique_ptr<mapped_library>, refusal> map_file(const std::string& path) {
    namespace load_mode = boost::dll::load_mode;
    const auto mode =
        load_mode::rtld_now | load_mode::rtld_local | static_cast<load_mode::type>(RTLD_NODELETE);
    auto mapped = std::make_unique<mapped_library>();
    ::dlerror();
    boost::dll::fs::error_code error;
    mapped->handle.load(path, error, mode);
    if (error || !mapped->handle.is_loaded()) {
        return refused(fmt::format("{}: {}", path, loader_reason(path)));
    }
    mapped->facts.path = path;
    return mapped;
}

// dlsym would also find the symbol of another provider that this file is linked with.
tl::expected<void, refusal> take_entry(mapped_library& mapped) {
    const auto& path = mapped.facts.path;
    if (!mapped.handle.has(entry_symbol)) {
        return refused(fmt::format("{}: has no entry symbol {}", path, entry_symbol));
    }
    auto* const entry = &mapped.handle.get<decltype(jl_provider_startup)>(entry_symbol);
    boost::dll::fs::error_code error;
    const fs::path origin = boost::dll::symbol_location_ptr(entry, error);
    if (error || !fs::equivalent(origin, path, error)) {
        return refused(fmt::format("{}: its entry symbol {} comes from another file, {}", path, entry_symbol,
                                   origin.string()));
    }
    mapped.facts.startup = entry;
    return {};
}

} // namespace

std::vector<search_folder> search_folders() {
    std::vector<search_folder> folders;
    if (const char* list = ::secure_getenv("JOINLEAF_PROVIDER_PATH")) {
        append_folders(folders, list, "JOINLEAF_PROVIDER_PATH");
    }
    append_own_folder(folders);
    append_folders(folders, JOINLEAF_DEFAULT_PROVIDER_PATH, "built in");
    return folders;
}

tl::expected<std::string, refusal> find_library(const std::string& name) {
    if (name.starts_with('%') || name.starts_with("${")) {
        return expanded(name).and_then([](const fs::path& path) { return canonical_path(path); });
    }
    if (name.find('/') != std::string::npos) {
        return canonical_path(name);
    }
    const auto file = fmt::format("joinleaf-{}.so", name);
    std::vector<std::string> tried;
    for (const auto& folder : search_folders()) {
        const auto path = fs::path{folder.path} / file;
        std::error_code error;
        if (fs::exists(path, error)) {
            return canonical_path(path);
        }
        tried.push_back(fmt::format("{} ({})", path.string(), folder.origin));
    }
    return refused(fmt::format("no library \"{}\"; tried {}", name, fmt::join(tried, ", ")));
}

tl::expected<const library*, refusal> open_library(const std::string& path) {
    auto& libraries = store();
    const std::lock_guard lock{libraries.guard};
    if (const auto known = libraries.mapped.find(path); known != libraries.mapped.end()) {
        return &known->second->facts;
    }
    if (auto good = check_file(path); !good) {
        return tl::unexpected{std::move(good).error()};
    }
    auto mapped = map_file(path);
    if (!mapped) {
        return tl::unexpected{std::move(mapped).error()};
    }
    if (auto good = take_entry(**mapped); !good) {
        return tl::unexpected{std::move(good).error()};
    }
    return &libraries.mapped.emplace(path, std::move(*mapped)).first->second->facts;
}

} // namespace joinleaf::catalog
