// SPDX-License-Identifier: Apache-2.0
#include "meeting.hpp"

#include <fstream>
#include <thread>

namespace distribute {

// A file appears whole or not at all: it is written under another name first.
void meeting::put(const std::string& file, const std::string& text) const {
    if (!is_held()) {
        return;
    }
    const std::filesystem::path draft = folder_ / (file + ".draft");
    std::ofstream out(draft, std::ios::binary);
    out << text;
    out.close();
    if (!out) {
        throw std::runtime_error("cannot write " + draft.string());
    }
    std::filesystem::rename(draft, folder_ / file);
}

std::string meeting::wait_for_address(seconds patience) const {
    using clock = std::chrono::steady_clock;
    const auto give_up = clock::now() + std::chrono::duration_cast<clock::duration>(patience);
    while (true) {
        std::ifstream in(folder_ / "address");
        std::string address;
        if (std::getline(in, address)) {
            return address;
        }
        if (clock::now() >= give_up) {
            throw std::runtime_error("no root came to " + folder_.string());
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

std::size_t meeting::joined() const {
    std::size_t count = 0;
    for (const auto& file : std::filesystem::directory_iterator(folder_)) {
        if (file.path().extension() == ".joined") {
            ++count;
        }
    }
    return count;
}

void meeting::tell_status(std::uint64_t done, std::uint64_t all) const {
    put(name_ + ".status", std::to_string(done) + " " + std::to_string(all) + "\n");
}

} // namespace distribute
