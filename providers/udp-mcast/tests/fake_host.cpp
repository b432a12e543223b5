// SPDX-License-Identifier: Apache-2.0
#include "fake_host.hpp"

#include <cstdlib>
#include <stdexcept>

namespace joinleaf::udp_mcast::test {

namespace {

// What the runtime's parser makes of the defaults in this provider's table.
std::int64_t default_number(const jl_option& option) {
    if (option.default_value == nullptr) {
        return 0;
    }
    const std::string text = option.default_value;
    return option.type == JL_OPTION_BOOL ? (text == "true" ? 1 : 0) : std::strtoll(text.c_str(), nullptr, 10);
}

} // namespace

told& heard() {
    static told all;
    return all;
}

void forget() {
    heard() = {};
}

const jl_host& fake_host() {
    static const jl_host table = [] {
        jl_host made{};
        made.struct_size = sizeof made;
        made.abi = JL_ABI_VERSION;
        made.complete = [](jl_handle*, std::uint64_t op, const jl_outcome* outcome) {
            heard().outcomes[op].push_back(outcome->code);
        };
        made.closed = [](jl_handle*) { ++heard().closed; };
        made.explain = [](const char* sentence) { heard().explanations.emplace_back(sentence); };
        made.log = [](std::uint32_t, const char* text) { heard().logs.emplace_back(text); };
        return made;
    }();
    return table;
}

const jl_provider& provider_table() {
    static const jl_provider table = [] {
        jl_provider made{};
        made.struct_size = sizeof made;
        if (jl_provider_startup(JL_ABI_VERSION, JL_ABI_VERSION, &fake_host(), &made) != 0) {
            throw std::runtime_error("the provider does not start");
        }
        return made;
    }();
    return table;
}

yaml_entry::yaml_entry(std::map<std::string, option_value> options) : options_(std::move(options)) {
    const auto& table = provider_table();
    rows_.resize(table.option_count);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        const auto& option = *table.options[i];
        auto& made = rows_[i];
        made.value = {sizeof(jl_value), 0, default_number(option), option.default_value, nullptr, 0,
                      "default"};
        if (const auto given = options_.find(option.key); given != options_.end()) {
            made.where = "lan.yaml:" + std::to_string(i + 1) + ":7";
            for (const auto& item : given->second.list) {
                made.list.push_back(item.c_str());
            }
            made.value.given = 1;
            made.value.number = given->second.number;
            made.value.text = given->second.text.c_str();
            made.value.list = made.list.data();
            made.value.list_count = static_cast<std::uint32_t>(made.list.size());
            made.value.where = made.where.c_str();
        }
        values_.push_back(&made.value);
    }
    create_ = {sizeof(jl_create), table.option_count, "lan", values_.data()};
    code_ = table.create(&create_, &instance_);
}

yaml_entry::~yaml_entry() {
    if (instance_ != nullptr) {
        provider_table().destroy(instance_);
    }
}

} // namespace joinleaf::udp_mcast::test
