// SPDX-License-Identifier: Apache-2.0
#include "config/drop_in_editor.hpp"

#include "config/drop_in_text.hpp"
#include "config/file_reader.hpp"
#include "config/include.hpp"
#include "config/limits.hpp"
#include "config/quote.hpp"
#include "config/text_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace joinleaf::config {
namespace {

using kind = write_failure::kind;

constexpr const char* built_in = "built-in";

tl::unexpected<write_failure> refused(std::string message) {
    return tl::unexpected(write_failure{kind::refused, std::move(message)});
}

tl::unexpected<write_failure> unreadable(const std::vector<problem>& problems) {
    return refused("the configuration cannot be changed while it cannot be read: " + problems.front().text());
}

std::string folder_of(const std::string& file) {
    const auto folder = std::filesystem::path(file).parent_path();
    return folder.empty() ? "." : folder.string();
}

std::string name_of(const std::string& file) {
    return std::filesystem::path(file).filename().string();
}

// Where new files go: the first folder whose pattern takes names like theirs.
const drop_in_pattern* place_in(const configuration& now) {
    const auto found = std::ranges::find_if(
        now.drop_ins, [](const drop_in_pattern& each) { return fits("10-name.yaml", each.pattern); });
    return found == now.drop_ins.end() ? nullptr : &*found;
}

bool is_managed(const std::string& text) {
    return text.starts_with(managed_mark);
}

// The text of a file, or nothing where there is none that can be read.
std::string text_in(const std::string& file) {
    auto read = read_text_file(file, limits::file_bytes);
    return read ? std::move(read->text) : std::string();
}

// The built-in text in a file of its own, with a folder for what is added.
edit_result begin_file(const std::string& file) {
    auto folder = writable_folder::lock(folder_of(file));
    if (!folder)
        return tl::unexpected(std::move(folder).error());
    std::error_code error;
    if (std::filesystem::exists(file, error))
        return {}; // another process was first
    return folder->write(name_of(file), std::string(default_text()) + "include: [providers.d/*.yaml]\n");
}

bool same_places(const std::vector<order_item>& a, const std::vector<order_item>& b) {
    return std::ranges::equal(a, b, [](const order_item& x, const order_item& y) {
        return x.provider == y.provider && x.entry == y.entry;
    });
}

} // namespace

drop_in_editor::drop_in_editor(reader read, configuration now, std::optional<writable_folder> folder)
    : read_(std::move(read)), now_(std::move(now)), folder_(std::move(folder)) {}

tl::expected<drop_in_editor, write_failure> drop_in_editor::open(reader read, const std::string& begin) {
    auto now = read();
    if (now && now->files == std::vector<std::string>{built_in} && !begin.empty()) {
        if (auto begun = begin_file(begin); !begun)
            return tl::unexpected(std::move(begun).error());
        now = read();
    }
    if (!now)
        return unreadable(now.error());
    const auto* const place = place_in(*now);
    if (place == nullptr)
        return drop_in_editor(std::move(read), *std::move(now), std::nullopt);
    auto folder = writable_folder::lock(place->folder);
    if (!folder)
        return tl::unexpected(std::move(folder).error());
    now = read(); // what it was before somebody else let go of the lock is no longer true
    if (!now)
        return unreadable(now.error());
    return drop_in_editor(std::move(read), *std::move(now), std::optional(*std::move(folder)));
}

std::string drop_in_editor::free_name(const std::string& wanted) const {
    const auto taken = [this](const std::string& name) {
        return std::ranges::find(now_.providers, name, &provider::name) != now_.providers.end();
    };
    auto name = wanted.substr(0, limits::name_length);
    for (int number = 2; taken(name); ++number) {
        const auto tail = fmt::format("-{}", number);
        name = wanted.substr(0, limits::name_length - tail.size()) + tail;
    }
    return name;
}

// A name behind all that the folder's pattern takes, so that what it holds comes last: 10-x.yaml, 11-y.yaml ..., and
// behind names that begin with a letter z10-x.yaml, and so on.
tl::expected<std::string, write_failure> drop_in_editor::new_file(const std::string& ending) const {
    if (!folder_)
        return refused(fmt::format("{} has no folder for further files; write the line `include: "
                                   "[providers.d/*.yaml]` into it",
                                   now_.files.empty() ? "the configuration" : quote(now_.files.front())));
    std::string last;
    for (const auto& file : now_.files) {
        if (folder_of(file) == folder_->path())
            last = std::max(last, name_of(file));
    }
    for (std::string front; front.size() < 64; front += 'z') {
        for (int number = 10; number < 100; ++number) {
            auto name = fmt::format("{}{}-{}.yaml", front, number, ending);
            if (name > last && fits(name, place_in(now_)->pattern))
                return name;
        }
    }
    return refused(
        fmt::format("no name for a file in {} comes after {}", quote(folder_->path()), quote(last)));
}

// After a file was written: whether the configuration is as good as before, with this order where one is given. Where it
// is not, the file gets back what it had before.
edit_result drop_in_editor::check(const std::string& name, const std::string& before,
                                  const std::vector<order_item>* order) {
    auto after = read_();
    if (after && (order == nullptr || same_places(after->order, *order))) {
        now_ = *std::move(after);
        return {};
    }
    const auto back = before.empty() ? folder_->remove(name) : folder_->write(name, before);
    auto message =
        after ? fmt::format("another order, at {}, is read after that of {}",
                            after->order.empty() ? "an unknown place" : after->order.front().where.text(),
                            quote(folder_->path() + "/" + name))
              : after.error().front().text();
    return refused(back ? std::move(message) : message + "; " + back.error().message);
}

edit_result drop_in_editor::write(const std::string& name, const std::string& text) {
    const auto path = folder_->path() + "/" + name;
    const auto read = read_file_text(text, path, file_role::drop_in, limits::total_nodes);
    if (!read.problems.empty()) // what was asked for is nothing that a file can say
        return refused(read.problems.front().text());
    return folder_->write(name, text);
}

edit_result drop_in_editor::add(const provider& item) {
    const auto name = new_file(item.name);
    if (!name)
        return tl::unexpected(name.error());
    return write(*name, provider_text(item)).and_then([&] { return check(*name, "", nullptr); });
}

edit_result drop_in_editor::replace(const provider& current, const provider& item) {
    const auto& file = current.where.file;
    const auto before = text_in(file);
    if (!folder_ || folder_of(file) != folder_->path() || !is_managed(before))
        return refused(fmt::format("the provider {} was written by hand, at {}; change it there",
                                   quote(current.name), current.where.text()));
    return write(name_of(file), provider_text(item)).and_then([&] {
        return check(name_of(file), before, nullptr);
    });
}

edit_result drop_in_editor::remove(const provider& current) {
    const auto& file = current.where.file;
    const auto is_drop_in = [&file](const drop_in_pattern& each) {
        return each.folder == folder_of(file) && fits(name_of(file), each.pattern);
    };
    const auto content = read_file_text(text_in(file), file, file_role::drop_in, limits::total_nodes);
    const bool alone = content.providers.size() == 1 && content.includes.empty() && !content.order;
    if (std::ranges::none_of(now_.drop_ins, is_drop_in) || !alone)
        return refused(
            fmt::format("the provider {} is one part of a file, at {}; take it out there, or write "
                        "`enabled: false`",
                        quote(current.name), current.where.text()));
    const auto name = current.name; // `current` may be part of what is read anew
    auto gone = folder_ && folder_->path() == folder_of(file)
                    ? folder_->remove(name_of(file))
                    : writable_folder::lock(folder_of(file)).and_then([&](const writable_folder& other) {
                          return other.remove(name_of(file));
                      });
    if (gone)
        forget_in_order(name);
    return gone;
}

// A place in the order that nobody takes any more is harmless: that it cannot be taken out fails nothing.
void drop_in_editor::forget_in_order(const std::string& name) {
    const auto file = order_file();
    if (file.empty())
        return;
    auto kept = now_.order;
    if (std::erase_if(kept, [&name](const order_item& each) { return each.provider == name; }) == 0)
        return;
    const auto done = kept.empty() ? folder_->remove(file) : folder_->write(file, order_text(kept));
    static_cast<void>(done);
}

// The name of the file with the order in force, where an editor wrote it.
std::string drop_in_editor::order_file() const {
    if (!folder_ || now_.order.empty())
        return {};
    const auto& file = now_.order.front().where.file;
    return folder_of(file) == folder_->path() && is_managed(text_in(file)) ? name_of(file) : std::string();
}

edit_result drop_in_editor::set_order(const std::vector<order_item>& order) {
    auto name = order_file();
    if (name.empty()) {
        auto made = new_file("order");
        if (!made)
            return tl::unexpected(std::move(made).error());
        name = *std::move(made);
    }
    const auto before = text_in(folder_->path() + "/" + name);
    return write(name, order_text(order)).and_then([&] { return check(name, before, &order); });
}

} // namespace joinleaf::config
