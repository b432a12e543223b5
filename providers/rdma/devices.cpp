// SPDX-License-Identifier: Apache-2.0
#include "devices.hpp"

#include <algorithm>
#include <fstream>
#include <system_error>

namespace joinleaf::rdma {
namespace {

namespace fs = std::filesystem;

// The names in a folder, sorted; error says why there are none.
std::vector<std::string> names_in(const fs::path& folder, std::error_code& error) {
    std::vector<std::string> names;
    fs::directory_iterator each(folder, error);
    while (!error && each != fs::directory_iterator()) {
        names.push_back(each->path().filename().string());
        each.increment(error);
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string first_line(const fs::path& file) {
    std::ifstream stream(file);
    std::string line;
    std::getline(stream, line);
    return line;
}

// The kernel writes "4: ACTIVE".
std::string state_word(const std::string& line) {
    const auto colon = line.find(": ");
    return colon == std::string::npos ? line : line.substr(colon + 2);
}

device read_device(const fs::path& folder) {
    device found{folder.filename().string(), {}};
    std::error_code ignored; // a device without a readable port list is a device all the same
    for (const auto& number : names_in(folder / "ports", ignored)) {
        const auto port = folder / "ports" / number;
        found.ports.push_back(
            {number, state_word(first_line(port / "state")), first_line(port / "link_layer")});
    }
    return found;
}

std::string words(const port& one) {
    std::string text = "port " + one.number;
    for (const auto* word : {&one.state, &one.link_layer}) {
        text += word->empty() ? "" : " " + *word;
    }
    return text;
}

std::string words(const device& one) {
    std::string text = one.name + " (";
    for (const auto& port : one.ports) {
        text += (&port == &one.ports.front() ? "" : ", ") + words(port);
    }
    return text + (one.ports.empty() ? "no port)" : ")");
}

} // namespace

survey look(const places& where) {
    survey found;
    std::error_code error;
    for (const auto& name : names_in(where.devices, error)) {
        found.devices.push_back(read_device(where.devices / name));
    }
    found.supported = error != std::errc::no_such_file_or_directory;
    if (error && found.supported) {
        found.trouble = error.message();
    }
    for (const auto& name : names_in(where.nodes, error)) {
        found.reachable = found.reachable || name.starts_with("uverbs");
    }
    return found;
}

std::string sentence(const survey& found, const places& where) {
    if (!found.trouble.empty()) {
        return "no RDMA device: " + where.devices.string() + " cannot be read: " + found.trouble;
    }
    if (!found.supported) {
        return "no RDMA device: " + where.devices.string() +
               " does not exist (kernel without InfiniBand support)";
    }
    if (found.devices.empty()) {
        return "no RDMA device: " + where.devices.string() +
               " is empty (kernel with InfiniBand support, no device)";
    }
    std::string text = "RDMA devices found: ";
    for (const auto& device : found.devices) {
        text += (&device == &found.devices.front() ? "" : ", ") + words(device);
    }
    if (!found.reachable) {
        text += "; no uverbs node in " + where.nodes.string() + ", so that programs cannot reach them";
    }
    return text;
}

} // namespace joinleaf::rdma
