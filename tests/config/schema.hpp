// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace joinleaf::config::test {

/// What is wrong with `value` by a JSON Schema (draft 7), one `PATH: reason` each. Knows the keywords that
/// joinleaf.schema.json uses; throws std::runtime_error at any other, so that none is silently passed over.
std::vector<std::string> schema_complaints(const nlohmann::json& schema, const nlohmann::json& value);

} // namespace joinleaf::config::test
