// SPDX-License-Identifier: Apache-2.0
#include "schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <regex>
#include <stdexcept>

namespace joinleaf::config::test {
namespace {

using nlohmann::json;

class validator {
  public:
    explicit validator(const json& root) : root_(root) {}

    void check(const json& schema, const json& value, const std::string& path) {
        // In draft 7 whatever stands beside $ref does not count.
        if (schema.contains("$ref")) {
            const auto& target = schema["$ref"].get_ref<const std::string&>();
            check(root_.at(json::json_pointer(target.substr(1))), value, path);
            return;
        }
        for (const auto& [keyword, argument] : schema.items())
            check_keyword(keyword, argument, schema, value, path);
    }

    std::vector<std::string> take() { return std::move(complaints_); }

  private:
    void check_keyword(const std::string& keyword, const json& argument, const json& schema,
                       const json& value, const std::string& path) {
        static const std::vector<std::string> annotations{"$schema", "title",    "description",
                                                          "default", "examples", "definitions"};
        if (std::ranges::find(annotations, keyword) != annotations.end())
            return;
        if (keyword == "oneOf" || keyword == "anyOf")
            check_choice(keyword, argument, value, path);
        else if (keyword == "properties" || keyword == "additionalProperties" || keyword == "propertyNames" ||
                 keyword == "required")
            check_object(keyword, argument, schema, value, path);
        else if (keyword == "items" || keyword == "minItems" || keyword == "maxItems" ||
                 keyword == "uniqueItems")
            check_array(keyword, argument, value, path);
        else
            require(holds(keyword, argument, value), path, keyword);
    }

    static bool holds(const std::string& keyword, const json& argument, const json& value) {
        if (keyword == "const")
            return value == argument;
        if (keyword == "enum")
            return std::ranges::find(argument, value) != argument.end();
        if (keyword == "minimum")
            return !value.is_number() || value >= argument;
        if (keyword == "maximum")
            return !value.is_number() || value <= argument;
        if (keyword == "pattern")
            return !value.is_string() ||
                   std::regex_search(value.get<std::string>(), std::regex(argument.get<std::string>()));
        if (keyword != "type")
            throw std::runtime_error("the schema uses the unknown keyword " + keyword);
        if (argument.is_string())
            return is_of_type(argument, value);
        return std::ranges::any_of(argument, [&value](const json& each) { return is_of_type(each, value); });
    }

    static bool is_of_type(const std::string& type, const json& value) {
        static const std::map<std::string, std::function<bool(const json&)>> types{
            {"object", [](const json& v) { return v.is_object(); }},
            {"array", [](const json& v) { return v.is_array(); }},
            {"string", [](const json& v) { return v.is_string(); }},
            {"boolean", [](const json& v) { return v.is_boolean(); }},
            {"number", [](const json& v) { return v.is_number(); }},
            {"integer", [](const json& v) { return v.is_number_integer(); }}};
        return types.at(type)(value);
    }

    void check_choice(const std::string& keyword, const json& choices, const json& value,
                      const std::string& path) {
        const auto fits = std::ranges::count_if(choices, [this, &value](const json& choice) {
            validator one(root_);
            one.check(choice, value, "");
            return one.complaints_.empty();
        });
        require(keyword == "anyOf" ? fits > 0 : fits == 1, path, keyword);
    }

    void check_object(const std::string& keyword, const json& argument, const json& schema, const json& value,
                      const std::string& path) {
        if (!value.is_object())
            return;
        if (keyword == "required") {
            for (const auto& key : argument)
                require(value.contains(key.get<std::string>()), path, "required " + key.get<std::string>());
            return;
        }
        for (const auto& [key, content] : value.items()) {
            const auto inner = fmt::format("{}/{}", path, key);
            const bool is_known = schema.contains("properties") && schema["properties"].contains(key);
            if (keyword == "propertyNames")
                check(argument, key, inner);
            else if (keyword == "properties" && is_known)
                check(argument[key], content, inner);
            else if (keyword == "additionalProperties" && !is_known && argument.is_boolean())
                require(argument.get<bool>(), inner, "unknown key");
            else if (keyword == "additionalProperties" && !is_known)
                check(argument, content, inner);
        }
    }

    void check_array(const std::string& keyword, const json& argument, const json& value,
                     const std::string& path) {
        if (!value.is_array())
            return;
        if (keyword == "minItems")
            require(value.size() >= argument, path, keyword);
        else if (keyword == "maxItems")
            require(value.size() <= argument, path, keyword);
        else if (keyword == "items") {
            for (std::size_t i = 0; i < value.size(); ++i)
                check(argument, value[i], path + "/" + std::to_string(i));
        } else if (argument.get<bool>()) {
            for (auto each = value.begin(); each != value.end(); ++each)
                require(std::find(value.begin(), each, *each) == each, path, keyword);
        }
    }

    void require(bool fine, const std::string& path, const std::string& reason) {
        if (!fine)
            complaints_.push_back(path + ": " + reason);
    }

    const json& root_;
    std::vector<std::string> complaints_;
};

} // namespace

std::vector<std::string> schema_complaints(const json& schema, const json& value) {
    validator all(schema);
    all.check(schema, value, "");
    return all.take();
}

} // namespace joinleaf::config::test
