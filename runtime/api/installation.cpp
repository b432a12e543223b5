// SPDX-License-Identifier: Apache-2.0
//
// Changing the catalog (clauses CT-20 ... CT-32): by files among the configuration's drop-ins.
#include <joinleaf/ext.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "runtime/api/catalog_call.hpp"
#include "runtime/api/handle.hpp"
#include "runtime/api/overlapped.hpp"
#include "runtime/catalog/change_notice.hpp"
#include "runtime/catalog/enumeration.hpp"
#include "runtime/catalog/utf16.hpp"

using namespace joinleaf;

namespace {

constexpr std::size_t longest_path = 260; // MAX_PATH, in UTF-16 units with the closing zero

// What a call that changes the catalog answers: body() is a code, its sentence the explanation.
template <class Body> int changing(Body body) {
    clear_explanation();
    return api::code_of(body);
}

// 0 for a readable text that fits, with its closing zero, into a path.
int read_path(const WCHAR* path, std::u16string& text) {
    for (std::size_t i = 0; i < longest_path; ++i) {
        WCHAR unit = 0;
        if (!api::get(path + i, unit)) {
            return WSAEFAULT;
        }
        if (unit == 0) {
            return i == 0 ? WSAEINVAL : 0;
        }
        text.push_back(unit);
    }
    return WSAEINVAL;
}

// An installer's arguments, read once.
struct installer {
    std::vector<WSAPROTOCOL_INFOW> infos;
    catalog::installation asked;

    // 0, or what is wrong with them (CT-23).
    int read(const GUID* provider, const WCHAR* path, const WSAPROTOCOL_INFOW* list, DWORD count) {
        std::u16string text;
        if (!api::get(provider, asked.id) || list == nullptr ||
            !api::readable(list, sizeof *list * std::size_t{count})) {
            return WSAEFAULT;
        }
        if (const int wrong = read_path(path, text); wrong != 0) {
            return wrong;
        }
        if (count == 0) {
            return WSAEINVAL;
        }
        infos.resize(count);
        if (!api::copy_in(infos.data(), list, sizeof *list * infos.size())) {
            return WSAEFAULT;
        }
        asked.path = catalog::to_utf8(text);
        asked.infos = infos;
        return catalog::check(asked);
    }
};

int copy_path(const std::string& path, WCHAR* to, LPINT length) {
    const auto text = catalog::to_utf16(path);
    const int needed = static_cast<int>(text.size()) + 1;
    int room = 0;
    if (!api::get(length, room) || !api::put(length, needed) || room < needed) {
        return WSAEFAULT;
    }
    return api::copy_out(to, text.c_str(), sizeof(WCHAR) * static_cast<std::size_t>(needed)) ? 0 : WSAEFAULT;
}

// A path as it was installed, with its variables; of a bare name what it stands for now, where that is known.
const std::string& path_of(const catalog::provider& installed) {
    const bool bare = installed.library.find('/') == std::string::npos && !installed.library.starts_with('%');
    return bare && !installed.library_path.empty() ? installed.library_path : installed.library;
}

const catalog::provider* provider_with(const catalog::catalog& from, const GUID& id) {
    for (const auto& each : from.providers()) {
        if (std::memcmp(&each.id, &id, sizeof id) == 0) {
            return &each;
        }
    }
    return nullptr;
}

bool same_triple(const WSAPROTOCOL_INFOW& a, const WSAPROTOCOL_INFOW& b) {
    return a.iAddressFamily == b.iAddressFamily && a.iSocketType == b.iSocketType &&
           a.iProtocol == b.iProtocol;
}

// The end of an installation of a layer: the catalog has base providers only (CT-26, CT-27).
int no_layers(const catalog::catalog& from, const GUID& id, const std::vector<WSAPROTOCOL_INFOW>& below) {
    if (provider_with(from, id) != nullptr) {
        set_explanation("the id is installed already");
        return WSAEINVAL;
    }
    for (const auto& each : below) {
        if (std::ranges::none_of(from.entries(),
                                 [&](const catalog::entry& base) { return same_triple(base.info, each); })) {
            set_explanation("no base entry has this family, type and protocol");
            return WSAEINVAL;
        }
    }
    set_explanation("providers are transports and the catalog has no layers: a chain cannot be installed");
    return WSANO_RECOVERY;
}

// A list of "key=value"; a key that comes again makes a list. Nothing where a text is none of that kind.
std::optional<std::vector<config::option>> read_options(const char* const* options, int& wrong) {
    std::vector<config::option> read;
    for (std::size_t i = 0; options != nullptr; ++i) {
        const char* text = nullptr;
        if (!api::get(options + i, text) || (text != nullptr && !api::readable(text, 1))) {
            wrong = WSAEFAULT;
            return std::nullopt;
        }
        if (text == nullptr) {
            break;
        }
        const std::string setting(text);
        const auto equals = setting.find('=');
        if (equals == std::string::npos || equals == 0) {
            set_explanation("\"" + setting + "\" is no KEY=VALUE");
            wrong = WSAEINVAL;
            return std::nullopt;
        }
        const auto key = setting.substr(0, equals);
        auto known = std::ranges::find(read, key, &config::option::key);
        const bool again = known != read.end();
        auto& option = again ? *known : read.emplace_back();
        option.is_list = again;
        option.key = key;
        option.values.push_back(setting.substr(equals + 1));
    }
    return read;
}

} // namespace

int WSCGetProviderPath(LPGUID provider, WCHAR* path, LPINT length, LPINT error) {
    GUID id{};
    if (!api::get(provider, id)) {
        return api::catalog_answer(WSAEFAULT, error);
    }
    const int code = api::with_catalog([&](const catalog::catalog& from) {
        const auto* found = provider_with(from, id);
        return found == nullptr ? WSAEINVAL : copy_path(path_of(*found), path, length);
    });
    return api::catalog_answer(code, error);
}

int WSCInstallProvider(LPGUID provider, const WCHAR* path, const WSAPROTOCOL_INFOW* infos, DWORD count,
                       LPINT error) {
    const int code = changing([&] {
        installer given;
        const int wrong = given.read(provider, path, infos, count);
        return wrong != 0 ? wrong : catalog::install(runtime::place(), given.asked);
    });
    return api::catalog_answer(code, error);
}

int WSCUpdateProvider(LPGUID provider, const WCHAR* path, const WSAPROTOCOL_INFOW* infos, DWORD count,
                      LPINT error) {
    const int code = changing([&] {
        installer given;
        const int wrong = given.read(provider, path, infos, count);
        return wrong != 0 ? wrong : catalog::update(runtime::place(), given.asked);
    });
    return api::catalog_answer(code, error);
}

int WSCInstallProviderAndChains(LPGUID provider, LPWSTR path, LPWSTR layer_name, DWORD,
                                LPWSAPROTOCOL_INFOW infos, DWORD count, LPDWORD entry, LPINT error) {
    const int code = changing([&] {
        GUID id{};
        std::u16string text;
        if (!api::get(provider, id) || !api::writable(entry, sizeof *entry) ||
            (infos != nullptr && !api::readable(infos, sizeof *infos * std::size_t{count}))) {
            return WSAEFAULT;
        }
        for (const WCHAR* each : {static_cast<const WCHAR*>(path), static_cast<const WCHAR*>(layer_name)}) {
            if (const int wrong = read_path(each, text); wrong != 0) {
                return wrong;
            }
        }
        if (infos != nullptr && count == 0) {
            return WSAEINVAL;
        }
        std::vector<WSAPROTOCOL_INFOW> below(infos == nullptr ? 0 : count);
        if (!api::copy_in(below.data(), infos, sizeof *infos * below.size())) {
            return WSAEFAULT;
        }
        return api::with_catalog([&](const catalog::catalog& from) { return no_layers(from, id, below); });
    });
    return api::catalog_answer(code, error);
}

int WSCDeinstallProvider(LPGUID provider, LPINT error) {
    if (!api::writable(error, sizeof *error)) {
        return api::answer(WSAEFAULT); // and nothing is changed (CT-28)
    }
    const int code = changing([&] {
        GUID id{};
        return api::get(provider, id) ? catalog::deinstall(runtime::place(), id) : WSAEFAULT;
    });
    return api::catalog_answer(code, error);
}

int WSCWriteProviderOrder(LPDWORD entries, DWORD count) {
    return changing([&] {
        if (entries == nullptr || !api::readable(entries, sizeof *entries * std::size_t{count})) {
            return WSAEFAULT;
        }
        std::vector<DWORD> ids(count);
        if (!api::copy_in(ids.data(), entries, sizeof *entries * ids.size())) {
            return WSAEFAULT;
        }
        const api::counted_start start;
        if (start.code() != 0) {
            return start.code();
        }
        return catalog::write_order(runtime::place(), ids, [](const config::configuration& now) {
            return runtime::fresh_catalog(now);
        });
    });
}

int jl_install_provider(const char* name, const char* library, const char* const* options) {
    return changing([&] {
        if (!api::readable(library, 1) || (name != nullptr && !api::readable(name, 1))) {
            return WSAEFAULT;
        }
        int wrong = 0;
        auto settings = read_options(options, wrong);
        if (!settings) {
            return wrong;
        }
        return catalog::install(runtime::place(),
                                {name == nullptr ? "" : name, library, *std::move(settings)});
    });
}

int jl_remove_provider(const char* name) {
    return changing([&] {
        return api::readable(name, 1) ? catalog::deinstall(runtime::place(), std::string(name)) : WSAEFAULT;
    });
}

int jl_order_providers(const char* const* items, int count) {
    return changing([&] {
        if (count < 0) {
            return WSAEINVAL;
        }
        std::vector<std::string> words;
        for (int i = 0; i < count; ++i) {
            const char* word = nullptr;
            if (!api::get(items + i, word) || !api::readable(word, 1)) {
                return WSAEFAULT;
            }
            words.emplace_back(word);
        }
        return catalog::write_order(runtime::place(), words);
    });
}

namespace {

tl::expected<std::shared_ptr<catalog::change_notice>, int> begin_notice() {
    const auto running = runtime::current();
    if (!running) {
        return tl::unexpected(WSANOTINITIALISED);
    }
    return catalog::change_notice::begin(running->loops().next(), running->catalog().configuration(),
                                         runtime::place().first);
}

} // namespace

int WSAProviderConfigChange(LPHANDLE notification, LPWSAOVERLAPPED overlapped,
                            LPWSAOVERLAPPED_COMPLETION_ROUTINE routine) {
    return api::started_call([&] {
        HANDLE handle = nullptr;
        if (!api::get(notification, handle) || !api::writable(notification, sizeof *notification)) {
            return WSAEFAULT;
        }
        const bool asks = overlapped != nullptr || routine != nullptr;
        auto notice =
            dispatch::find_handle_of<catalog::change_notice>(api::number_of(handle));
        if (handle == nullptr) {
            auto begun = begin_notice();
            if (!begun) {
                return begun.error();
            }
            notice = *std::move(begun);
            *notification = reinterpret_cast<HANDLE>(notice->handle()); // NOLINT(performance-no-int-to-ptr)
            if (!asks) {
                return 0;
            }
        }
        if (!notice) {
            return WSA_INVALID_HANDLE;
        }
        if (!asks) {
            return notice->wait();
        }
        return api::start_on({overlapped, routine}, [&](auto& one) { return notice->start(one); });
    });
}
