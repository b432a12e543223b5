// SPDX-License-Identifier: Apache-2.0
#include "config/statistics_reader.hpp"

#include "config/file_path.hpp"
#include "config/keywords.hpp"
#include "config/limits.hpp"
#include "config/value_reader.hpp"

#include <fmt/format.h>

namespace joinleaf::config {
namespace {

std::string read_folder(const yaml_node& value, report& out) {
    const auto path = read_text(value, "statistics.folder", "an absolute path such as /run/joinleaf", out);
    if (!path)
        return {};
    std::string complaint;
    if (const auto unfit = path_complaint(*path))
        complaint = *unfit;
    else if (path->front() != '/')
        complaint = "found " + describe(value);
    else if (path->size() > limits::statistics_folder)
        complaint = fmt::format("found one of {} bytes; the address of a socket in it has room for {}",
                                path->size(), limits::statistics_folder);
    if (complaint.empty())
        return *path;
    out.add(value, "statistics.folder: expected an absolute path such as /run/joinleaf, " + complaint);
    return {};
}

} // namespace

statistics read_statistics(const yaml_node& value, report& out) {
    const map_reader keys(value, "statistics", keywords::statistics, out);
    statistics result;
    if (const auto* const publish = keys.find("publish"))
        result.publish = read_truth(*publish, "statistics.publish", out).value_or(false);
    if (const auto* const folder = keys.find("folder"))
        result.folder = read_folder(*folder, out);
    return result;
}

} // namespace joinleaf::config
