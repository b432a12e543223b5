// SPDX-License-Identifier: Apache-2.0
#include "config/change_watch.hpp"

#include "config/include.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include <sys/inotify.h>
#include <unistd.h>

namespace joinleaf::config {
namespace {

namespace fs = std::filesystem;

// Written, renamed, linked, removed; made counts for folders and links only: a file that is made is still empty.
constexpr unsigned noted = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ONLYDIR;

fs::path folder_of(const fs::path& file) {
    const auto folder = file.parent_path();
    return folder.empty() ? fs::path(".") : folder;
}

bool is_plain_file(const std::string& path) {
    std::error_code error;
    return fs::symlink_status(path, error).type() == fs::file_type::regular;
}

} // namespace

change_watch::change_watch(int notifier, std::vector<interest> interests)
    : notifier_(notifier), interests_(std::move(interests)) {
    look_out();
}

change_watch::~change_watch() {
    ::close(notifier_);
}

std::unique_ptr<change_watch> change_watch::begin(const configuration& watched, const std::string& first) {
    std::vector<interest> interests;
    const auto add_file = [&interests](const std::string& file) {
        interests.push_back({folder_of(file).string(), fs::path(file).filename().string(), true});
    };
    std::ranges::for_each(watched.files, add_file);
    for (const auto& each : watched.drop_ins)
        interests.push_back({each.folder, each.pattern, false});
    if (!first.empty())
        add_file(first);
    const int notifier = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (notifier < 0)
        return nullptr;
    return std::unique_ptr<change_watch>(new change_watch(notifier, std::move(interests)));
}

void change_watch::look_out() {
    watches_.clear();
    for (const auto& each : interests_)
        look_out_for(each);
}

void change_watch::look_out_for(const interest& wanted) {
    fs::path folder = wanted.folder;
    interest here = wanted;
    for (;;) {
        const int watch = ::inotify_add_watch(notifier_, folder.c_str(), noted);
        std::error_code error;
        if (watch >= 0) {
            watches_.emplace(watch, interest{folder.string(), here.pattern, here.literal});
            const bool appeared = here.pattern != wanted.pattern && fs::exists(folder / here.pattern, error);
            if (!appeared)
                return;
            folder = wanted.folder; // it came before this watch did
            here = wanted;
            continue;
        }
        const auto above = folder_of(folder);
        if (above == folder)
            return;
        here = {above.string(), folder.filename().string(), true};
        folder = above;
    }
}

bool change_watch::concerns(int watch, const std::string& name, unsigned mask) {
    const auto [first, last] = watches_.equal_range(watch);
    return std::any_of(first, last, [&](const auto& each) {
        const interest& wanted = each.second;
        if (!(wanted.literal ? wanted.pattern == name : fits(name, wanted.pattern)))
            return false;
        return (mask & IN_CREATE) == 0 || (mask & IN_ISDIR) != 0 || !is_plain_file(wanted.folder + "/" + name);
    });
}

bool change_watch::take() {
    bool changed = false;
    bool moved = false;
    alignas(inotify_event) std::array<char, 8192> buffer{};
    for (ssize_t got = 0; (got = ::read(notifier_, buffer.data(), buffer.size())) > 0;) {
        for (ssize_t at = 0; at < got;) {
            const auto* const each = reinterpret_cast<const inotify_event*>(buffer.data() + at);
            at += static_cast<ssize_t>(sizeof *each + each->len);
            const bool lost = (each->mask & IN_Q_OVERFLOW) != 0; // then anything may have happened
            const std::string name = each->len == 0 ? "" : &each->name[0];
            changed = changed || lost || concerns(each->wd, name, each->mask);
            moved = moved || lost || (each->mask & (IN_ISDIR | IN_IGNORED)) != 0;
        }
    }
    if (moved)
        look_out(); // a folder came or went: the nearest one may be another now
    return changed;
}

} // namespace joinleaf::config
