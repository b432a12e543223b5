// SPDX-License-Identifier: Apache-2.0
#include "runtime/catalog/installation.hpp"

#include "config/drop_in_editor.hpp"
#include "config/provider_reader.hpp"
#include "config/quote.hpp"
#include "runtime/catalog/enumeration.hpp"
#include "runtime/catalog/protocol_info.hpp"
#include "runtime/catalog/words.hpp"
#include "runtime/explanation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace joinleaf::catalog {
namespace {

using config::drop_in_editor;

int fail(int code, std::string sentence) {
    set_explanation(std::move(sentence));
    return code;
}

// CT-24 and CT-32.
int code_of(const config::write_failure& failure) {
    using kind = config::write_failure::kind;
    return fail(failure.what == kind::busy        ? WSAEINPROGRESS
                : failure.what == kind::no_memory ? WSA_NOT_ENOUGH_MEMORY
                                                  : WSANO_RECOVERY,
                failure.message);
}

int code_of(const config::edit_result& done) {
    return done ? 0 : code_of(done.error());
}

// Opens an editor and answers what body(editor) does.
template <class Body> int edit(const configuration_place& place, bool may_begin, Body body) {
    auto editor = drop_in_editor::open(place.read, may_begin ? place.first : std::string());
    return editor ? body(*editor) : code_of(editor.error());
}

bool is_usable(char c) {
    return config::is_provider_name(std::string_view(&c, 1));
}

// courier for /opt/courier/joinleaf-courier.so.
std::string short_name(const std::string& path) {
    auto name = std::filesystem::path(path).filename().string();
    if (const auto end = name.find(".so"); end != std::string::npos && end > 0) {
        name.resize(end);
    }
    if (constexpr std::string_view front = "joinleaf-"; name.starts_with(front)) {
        name.erase(0, front.size());
    }
    std::ranges::replace_if(
        name, [](char c) { return !is_usable(c); }, '_');
    return name.empty() ? "provider" : name;
}

// A library as the configuration names it: joinleaf-NAME.so without a folder is the bare NAME.
std::string library_of(const std::string& path) {
    const bool file_alone = path.find('/') == std::string::npos && path.starts_with("joinleaf-") &&
                            path.ends_with(".so") && path.size() > 12;
    return file_alone ? short_name(path) : path;
}

int check_path(const std::string& path) {
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; };
    if (path.empty() || path.ends_with('/') || std::ranges::any_of(path, control)) {
        return fail(WSAEINVAL, fmt::format("{} is no path of a library", config::quote(path)));
    }
    const bool anchored = path.starts_with('/') || config::begins_with_variable(path);
    const bool bare = path.find('/') == std::string::npos && std::ranges::all_of(path, is_usable);
    if (!anchored && !bare) {
        return fail(WSAEINVAL, fmt::format("{} is neither an absolute path nor the name of a library on the "
                                           "provider path",
                                           config::quote(path)));
    }
    return 0;
}

int check_info(const WSAPROTOCOL_INFOW& info) {
    if (info.ProtocolChain.ChainLen != BASE_PROTOCOL) {
        return fail(WSAEINVAL,
                    "the catalog has base providers only: no layers, and so nothing for a chain to "
                    "stand on");
    }
    const auto sane = [](int number) { return number >= 0 && number <= 99999; };
    if (!sane(info.iAddressFamily) || !sane(info.iSocketType) || !sane(info.iProtocol)) {
        return fail(WSAEINVAL, fmt::format("no entry has family {}, type {}, protocol {}",
                                           info.iAddressFamily, info.iSocketType, info.iProtocol));
    }
    return 0;
}

std::string part(int number, std::string (*word)(int)) {
    return number == 0 ? "0" : word(number); // 0 stands for itself here, not for any
}

// The entries that an installer describes; two that differ only in what a library says of them are one.
std::vector<config::entry_name> names_of(std::span<const WSAPROTOCOL_INFOW> infos) {
    std::vector<config::entry_name> names;
    for (const auto& each : infos) {
        config::entry_name name{part(each.iAddressFamily, family_word), part(each.iSocketType, type_word),
                                part(each.iProtocol, protocol_word)};
        if (std::ranges::find(names, name) == names.end()) {
            names.push_back(std::move(name));
        }
    }
    return names;
}

int not_installed(const std::string& what) {
    return fail(WSAEINVAL, fmt::format("no provider {} is installed", what));
}

const config::provider* find_provider(const config::configuration& all, const std::string& name) {
    const auto found = std::ranges::find(all.providers, name, &config::provider::name);
    return found == all.providers.end() ? nullptr : &*found;
}

config::order_item item_of(const std::string& text) {
    const auto slash = text.find('/');
    return {text.substr(0, slash), slash == std::string::npos ? "" : text.substr(slash + 1), {}};
}

int check_order(const config::configuration& all, const std::vector<std::string>& items) {
    for (auto at = items.begin(); at != items.end(); ++at) {
        if (std::find(items.begin(), at, *at) != at) {
            return fail(WSAEINVAL, fmt::format("{} stands twice in the order", config::quote(*at)));
        }
        const auto item = item_of(*at);
        if (find_provider(all, item.provider) == nullptr) {
            return not_installed(config::quote(item.provider));
        }
        if (at->find('/') != std::string::npos && !config::is_provider_name(item.entry)) {
            return fail(WSAEINVAL, fmt::format("{} is no PROVIDER/ENTRY", config::quote(*at)));
        }
    }
    return 0;
}

} // namespace

const config::provider* find_provider(const config::configuration& all, const GUID& id) {
    const auto wanted = guid_text(id);
    const auto found = std::ranges::find_if(
        all.providers, [&](const config::provider& each) { return guid_text(provider_id(each)) == wanted; });
    return found == all.providers.end() ? nullptr : &*found;
}

int check(const installation& asked) {
    int wrong = check_path(asked.path);
    for (auto at = asked.infos.begin(); wrong == 0 && at != asked.infos.end(); ++at) {
        wrong = check_info(*at);
    }
    return wrong;
}

int install(const configuration_place& place, const installation& asked) {
    return edit(place, true, [&](drop_in_editor& editor) {
        if (const auto* const there = find_provider(editor.now(), asked.id)) {
            return fail(WSANO_RECOVERY,
                        fmt::format("the id {} is installed already, as the provider {} at {}",
                                    guid_text(asked.id), config::quote(there->name), there->where.text()));
        }
        config::provider made;
        made.name = editor.free_name(short_name(asked.path));
        made.id = guid_text(asked.id);
        made.library = library_of(asked.path);
        made.entries = names_of(asked.infos);
        return code_of(editor.add(made));
    });
}

int install(const configuration_place& place, const named_installation& asked) {
    if (const int wrong = check_path(asked.path); wrong != 0) {
        return wrong;
    }
    if (!asked.name.empty() && !config::is_provider_name(asked.name)) {
        return fail(WSAEINVAL, fmt::format("{} is no name of 1 to 64 letters, digits, _ . and -",
                                           config::quote(asked.name)));
    }
    return edit(place, true, [&](drop_in_editor& editor) {
        config::provider made;
        made.name = asked.name.empty() ? editor.free_name(short_name(asked.path)) : asked.name;
        if (const auto* const there = find_provider(editor.now(), made.name)) {
            return fail(WSANO_RECOVERY, fmt::format("the provider {} is installed already, at {}",
                                                    config::quote(made.name), there->where.text()));
        }
        made.library = library_of(asked.path);
        made.options = asked.options;
        return code_of(editor.add(made));
    });
}

int update(const configuration_place& place, const installation& asked) {
    return edit(place, false, [&](drop_in_editor& editor) {
        const auto* const there = find_provider(editor.now(), asked.id);
        if (there == nullptr) {
            return not_installed(guid_text(asked.id));
        }
        const auto current = *there;
        auto made = current;
        made.enabled = current.enabled || current.enabled_where.file == "JOINLEAF_PROVIDERS";
        made.library = library_of(asked.path);
        made.entries = names_of(asked.infos);
        return code_of(editor.replace(current, made));
    });
}

int deinstall(const configuration_place& place, const GUID& id) {
    return edit(place, false, [&](drop_in_editor& editor) {
        const auto* const there = find_provider(editor.now(), id);
        return there == nullptr ? not_installed(guid_text(id)) : code_of(editor.remove(*there));
    });
}

int deinstall(const configuration_place& place, const std::string& name) {
    return edit(place, false, [&](drop_in_editor& editor) {
        const auto* const there = find_provider(editor.now(), name);
        return there == nullptr ? not_installed(config::quote(name)) : code_of(editor.remove(*there));
    });
}

int write_order(const configuration_place& place, std::span<const DWORD> ids, const catalog_maker& fresh) {
    return edit(place, true, [&](drop_in_editor& editor) {
        const auto all = fresh(editor.now());
        if (!is_whole_order(all->entries(), ids)) {
            return fail(WSAEINVAL, fmt::format("an order names each of the {} entries of the catalog once",
                                               all->entries().size()));
        }
        std::vector<config::order_item> order;
        for (const auto id : ids) {
            const auto& each = *all->find(id);
            order.push_back({each.owner->name, each.protocol->name, {}});
        }
        return code_of(editor.set_order(order));
    });
}

int write_order(const configuration_place& place, const std::vector<std::string>& items) {
    return edit(place, true, [&](drop_in_editor& editor) {
        if (const int wrong = check_order(editor.now(), items); wrong != 0) {
            return wrong;
        }
        std::vector<config::order_item> order;
        order.reserve(items.size());
        for (const auto& each : items) {
            order.push_back(item_of(each));
        }
        return code_of(editor.set_order(order));
    });
}

} // namespace joinleaf::catalog
