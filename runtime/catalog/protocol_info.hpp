// SPDX-License-Identifier: Apache-2.0
//
// WSAPROTOCOL_INFO: the public face of an entry. All functions are [any].
#pragma once

#include "config/config.hpp"

#include "joinleaf/provider.h"

#include <string>
#include <string_view>

namespace joinleaf::catalog {

// The ProviderId of a configured name: a name-based UUID, so that it is the same in every process.
GUID provider_guid(std::string_view name);

// The ProviderId of an item: its `id`, or that of its name.
GUID provider_id(const config::provider& item);

// 36 characters in lower case, and back. The text must be such a one.
std::string guid_text(const GUID& id);
GUID guid_of(std::string_view text);

// Where in the space of entry ids (1 ... 0x7FFFFFFF) "provider/entry" wants to be, and the next place if that
// is taken.
DWORD wanted_id(std::string_view provider, std::string_view entry);
DWORD next_id(DWORD id);

// Everything but the id. label becomes szProtocol, cut at a character's end where it is too long (CT-16).
WSAPROTOCOL_INFOW make_info(const jl_protocol& row, const GUID& provider, std::string_view label);

// The two forms from each other; szProtocol is UTF-8 in the narrow one.
WSAPROTOCOL_INFOA to_narrow(const WSAPROTOCOL_INFOW& info);
WSAPROTOCOL_INFOW to_wide(const WSAPROTOCOL_INFOA& info);

} // namespace joinleaf::catalog
