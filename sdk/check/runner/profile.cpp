// SPDX-License-Identifier: Apache-2.0
#include "profile.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <stdexcept>
#include <string_view>

namespace joinleaf::check {
namespace {

[[noreturn]] void refuse(const std::string& file, const YAML::Mark& mark, std::string_view reason) {
    throw std::runtime_error(fmt::format("{}:{}:{}: {}", file, mark.line + 1, mark.column + 1, reason));
}

// A mapping of text to text.
nlohmann::json texts(const std::string& file, const YAML::Node& node) {
    if (!node.IsMap()) {
        refuse(file, node.Mark(), "a mapping is expected here");
    }
    nlohmann::json made = nlohmann::json::object();
    for (const auto& item : node) {
        if (!item.second.IsScalar()) {
            refuse(file, item.second.Mark(), "a plain value is expected here");
        }
        made[item.first.as<std::string>()] = item.second.as<std::string>();
    }
    return made;
}

} // namespace

nlohmann::json read_profile(const std::string& file) {
    try {
        const YAML::Node root = YAML::LoadFile(file);
        if (!root.IsMap()) {
            refuse(file, root.Mark(), "a profile is a mapping with the keys options and tuning");
        }
        nlohmann::json made = nlohmann::json::object();
        for (const auto& item : root) {
            const auto key = item.first.as<std::string>();
            if (key != "options" && key != "tuning") {
                refuse(file, item.first.Mark(),
                       fmt::format("'{}' is no key of a profile; there are options and tuning", key));
            }
            made[key] = texts(file, item.second);
        }
        return made;
    } catch (const YAML::BadFile&) {
        throw std::runtime_error(fmt::format("{}: the profile cannot be read", file));
    } catch (const YAML::Exception& error) {
        refuse(file, error.mark, error.msg);
    }
}

} // namespace joinleaf::check
