// SPDX-License-Identifier: Apache-2.0
//
// Listing the catalog, and the calls that would change it (clauses CT-01 ... CT-32). The catalog is made of
// the configuration: a call cannot write it.
#include <cstring>
#include <optional>
#include <vector>

#include "runtime/api/call.hpp"
#include "runtime/api/user_memory.hpp"
#include "runtime/catalog/enumeration.hpp"
#include "runtime/catalog/utf16.hpp"

using namespace joinleaf;
using catalog::listing_kind;

namespace {

constexpr std::size_t longest_path = 260; // MAX_PATH, in UTF-16 units with the closing zero

// The catalog calls (WSC*) need no WSAStartup (CT-08): each counts as a user of the runtime while it lasts.
class counted_start {
  public:
    counted_start() : code_(runtime::start({}) == 0 ? 0 : WSASYSNOTREADY) {}
    counted_start(const counted_start&) = delete;
    counted_start& operator=(const counted_start&) = delete;
    ~counted_start() {
        if (code_ == 0) {
            runtime::stop();
        }
    }
    int code() const { return code_; }

  private:
    int code_;
};

// A list of the application up to its closing zero, without it; nothing where it cannot be read.
std::optional<std::vector<int>> read_list(const int* list) {
    std::vector<int> numbers;
    for (int number = 0;; numbers.push_back(number)) {
        if (!api::get(list + numbers.size(), number)) {
            return std::nullopt;
        }
        if (number == 0) {
            return numbers;
        }
    }
}

// What WSAEnumProtocols and WSCEnumProtocols do alike; 0 with the number of infos in `count`, or the code.
template <class Info>
int list_entries(std::span<const catalog::entry> entries, listing_kind kind, LPINT protocols, Info* infos,
                 LPDWORD length, int& count) {
    DWORD room = 0;
    const auto numbers = protocols == nullptr ? std::vector<int>{} : read_list(protocols);
    if (!api::get(length, room) || !numbers) {
        return WSAEFAULT;
    }
    const auto found = catalog::listed(
        entries, protocols == nullptr ? std::nullopt : std::optional{std::span<const int>{*numbers}}, kind);
    const DWORD needed = catalog::bytes_needed(found.size(), sizeof(Info));
    if (room < needed) {
        return api::put(length, needed) ? WSAENOBUFS : WSAEFAULT;
    }
    const auto made = catalog::infos_of<Info>(found);
    if (needed > 0 && !api::copy_out(infos, made.data(), needed)) {
        return WSAEFAULT;
    }
    count = static_cast<int>(found.size());
    return 0;
}

template <class Info> int enumerate(LPINT protocols, Info* infos, LPDWORD length) {
    int count = 0;
    const auto body = [&] {
        const auto running = runtime::current();
        return running == nullptr ? WSANOTINITIALISED
                                  : list_entries(running->catalog().entries(), listing_kind::visible,
                                                 protocols, infos, length, count);
    };
    const int failed = api::answer(api::code_of(body));
    return failed == 0 ? count : failed;
}

// The end of a WSC call: its code is told through *error. Where that cannot be written the last error says so
// (CT-28).
int catalog_answer(int code, LPINT error) {
    if (code == 0) {
        return 0;
    }
    return api::put(error, code) ? SOCKET_ERROR : api::answer(WSAEFAULT);
}

// A WSC call that looks at the catalog: body(const catalog&) answers a code.
template <class Body> int with_catalog(Body body) {
    return api::code_of([&] {
        const counted_start start;
        if (start.code() != 0) {
            return start.code();
        }
        const auto running = runtime::current();
        return running == nullptr ? WSASYSNOTREADY : body(running->catalog());
    });
}

// The provider with this ProviderId; null where none that is loaded has it.
const catalog::provider* installed(const catalog::catalog& from, const GUID& id) {
    for (const auto& each : from.providers()) {
        if (each.state == catalog::provider::state::loaded && std::memcmp(&each.id, &id, sizeof id) == 0) {
            return &each;
        }
    }
    return nullptr;
}

// 0 for a readable text that fits, with its closing zero, into a path.
int check_path(const WCHAR* path) {
    for (std::size_t i = 0; i < longest_path; ++i) {
        WCHAR unit = 0;
        if (!api::get(path + i, unit)) {
            return WSAEFAULT;
        }
        if (unit == 0) {
            return i == 0 ? WSAEINVAL : 0;
        }
    }
    return WSAEINVAL;
}

// What WSCInstallProvider and WSCUpdateProvider ask of their arguments alike (CT-23).
int check_installation(const GUID* provider, const WCHAR* path, const WSAPROTOCOL_INFOW* infos, DWORD count) {
    GUID id{};
    if (!api::get(provider, id) || infos == nullptr ||
        !api::readable(infos, sizeof *infos * std::size_t{count})) {
        return WSAEFAULT;
    }
    if (const int wrong = check_path(path); wrong != 0) {
        return wrong;
    }
    return count == 0 ? WSAEINVAL : 0;
}

// What an installer without the right to write the catalog is told (CT-24).
int read_only() {
    set_explanation("the catalog is made of the configuration files: a provider is added by a file in their "
                    "include folder, not by a call");
    return WSANO_RECOVERY;
}

int copy_path(const std::string& path, WCHAR* to, LPINT length) {
    const auto text = catalog::to_utf16(path);
    const int needed = static_cast<int>(text.size()) + 1;
    int room = 0;
    if (!api::get(length, room) || !api::put(length, needed) || room < needed) {
        return WSAEFAULT;
    }
    return api::copy_out(to, text.c_str(), sizeof(WCHAR) * static_cast<std::size_t>(needed)) ? 0 : WSAEFAULT;
}

} // namespace

int WSAEnumProtocolsA(LPINT protocols, LPWSAPROTOCOL_INFOA infos, LPDWORD length) {
    return enumerate(protocols, infos, length);
}

int WSAEnumProtocolsW(LPINT protocols, LPWSAPROTOCOL_INFOW infos, LPDWORD length) {
    return enumerate(protocols, infos, length);
}

int WSCEnumProtocols(LPINT protocols, LPWSAPROTOCOL_INFOW infos, LPDWORD length, LPINT error) {
    int count = 0;
    const int code = with_catalog([&](const catalog::catalog& from) {
        return list_entries(from.entries(), listing_kind::all, protocols, infos, length, count);
    });
    return code == 0 ? count : catalog_answer(code, error);
}

int WSCGetProviderPath(LPGUID provider, WCHAR* path, LPINT length, LPINT error) {
    GUID id{};
    if (!api::get(provider, id)) {
        return catalog_answer(WSAEFAULT, error);
    }
    const int code = with_catalog([&](const catalog::catalog& from) {
        const auto* found = installed(from, id);
        return found == nullptr ? WSAEINVAL : copy_path(found->library_path, path, length);
    });
    return catalog_answer(code, error);
}

int WSCInstallProvider(LPGUID provider, const WCHAR* path, const WSAPROTOCOL_INFOW* infos, DWORD count,
                       LPINT error) {
    const int wrong = check_installation(provider, path, infos, count);
    return catalog_answer(wrong != 0 ? wrong : api::code_of(read_only), error);
}

int WSCInstallProviderAndChains(LPGUID provider, LPWSTR path, LPWSTR layer_name, DWORD,
                                LPWSAPROTOCOL_INFOW infos, DWORD count, LPDWORD entry, LPINT error) {
    GUID id{};
    const bool pointers = api::get(provider, id) && api::writable(entry, sizeof *entry) &&
                          (infos == nullptr || api::readable(infos, sizeof *infos * std::size_t{count}));
    int wrong = pointers ? check_path(path) : WSAEFAULT;
    if (wrong == 0) {
        wrong = check_path(layer_name);
    }
    if (wrong == 0 && infos != nullptr && count == 0) {
        wrong = WSAEINVAL;
    }
    if (wrong == 0) {
        wrong = with_catalog([&](const catalog::catalog& from) {
            return installed(from, id) != nullptr ? WSAEINVAL : read_only(); // a GUID that is in use (CT-27)
        });
    }
    return catalog_answer(wrong, error);
}

int WSCDeinstallProvider(LPGUID provider, LPINT error) {
    GUID id{};
    if (!api::get(provider, id)) {
        return catalog_answer(WSAEFAULT, error);
    }
    const int code = with_catalog([&](const catalog::catalog& from) {
        return installed(from, id) == nullptr ? WSAEINVAL : read_only();
    });
    return catalog_answer(code, error);
}

int WSCWriteProviderOrder(LPDWORD entries, DWORD count) {
    if (entries == nullptr || !api::readable(entries, sizeof *entries * std::size_t{count})) {
        return WSAEFAULT;
    }
    return with_catalog([&](const catalog::catalog& from) {
        return catalog::is_whole_order(from.entries(), {entries, count}) ? read_only() : WSAEINVAL;
    });
}

int WSCUpdateProvider(LPGUID provider, const WCHAR* path, const WSAPROTOCOL_INFOW* infos, DWORD count,
                      LPINT error) {
    if (const int wrong = check_installation(provider, path, infos, count); wrong != 0) {
        return catalog_answer(wrong, error);
    }
    GUID id{};
    const int code = with_catalog([&](const catalog::catalog& from) {
        return !api::get(provider, id) ? WSAEFAULT : installed(from, id) == nullptr ? WSAEINVAL : read_only();
    });
    return catalog_answer(code, error);
}

int WSAProviderConfigChange(LPHANDLE notification, LPWSAOVERLAPPED, LPWSAOVERLAPPED_COMPLETION_ROUTINE) {
    return api::started_call([notification] {
        return api::writable(notification, sizeof *notification) ? WSAEOPNOTSUPP : WSAEFAULT;
    });
}
