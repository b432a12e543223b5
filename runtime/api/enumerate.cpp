// SPDX-License-Identifier: Apache-2.0
//
// Listing the catalog (clauses CT-01 ... CT-19).
#include <optional>
#include <vector>

#include "runtime/api/call.hpp"
#include "runtime/api/catalog_call.hpp"
#include "runtime/api/user_memory.hpp"
#include "runtime/catalog/enumeration.hpp"

using namespace joinleaf;
using catalog::listing_kind;

namespace {

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

} // namespace

int WSAEnumProtocolsA(LPINT protocols, LPWSAPROTOCOL_INFOA infos, LPDWORD length) {
    return enumerate(protocols, infos, length);
}

int WSAEnumProtocolsW(LPINT protocols, LPWSAPROTOCOL_INFOW infos, LPDWORD length) {
    return enumerate(protocols, infos, length);
}

int WSCEnumProtocols(LPINT protocols, LPWSAPROTOCOL_INFOW infos, LPDWORD length, LPINT error) {
    int count = 0;
    const int code = api::with_catalog([&](const catalog::catalog& from) {
        return list_entries(from.entries(), listing_kind::all, protocols, infos, length, count);
    });
    return code == 0 ? count : api::catalog_answer(code, error);
}
