// SPDX-License-Identifier: Apache-2.0
#include "content.hpp"

#include "sha256.hpp"

#include <algorithm>
#include <stdexcept>
#include <string_view>

namespace distribute {

namespace {

std::ifstream open(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in || in.peek() == std::ifstream::traits_type::eof()) {
        throw std::runtime_error("'" + path + "' cannot be read or is empty");
    }
    return in;
}

class file final : public content {
  public:
    file(const std::string& path, std::size_t room) : path_(path), in_(open(path)), buffer_(room) {
        distribute::sha256 digest;
        while (const std::size_t count = read()) {
            digest.add(std::as_bytes(std::span(buffer_).first(count)));
            bytes_ += count;
        }
        sha256_ = digest.text();
        in_.clear();
        in_.seekg(0);
    }

    std::uint64_t messages() const override { return (bytes_ + buffer_.size() - 1) / buffer_.size(); }
    std::uint64_t bytes() const override { return bytes_; }
    std::string sha256() const override { return sha256_; }

    piece get(std::uint64_t number) override {
        const std::uint64_t position = number * buffer_.size();
        const std::size_t count = read();
        if (count != std::min<std::uint64_t>(buffer_.size(), bytes_ - position)) {
            throw std::runtime_error("'" + path_ + "' changes while it is being sent");
        }
        return {position, std::as_bytes(std::span(buffer_).first(count))};
    }

  private:
    std::size_t read() {
        in_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
        return static_cast<std::size_t>(in_.gcount());
    }

    std::string path_;
    std::ifstream in_;
    std::vector<char> buffer_;
    std::uint64_t bytes_ = 0;
    std::string sha256_;
};

class feed final : public content {
  public:
    feed(const std::string& path, std::size_t room, std::uint64_t count) {
        std::ifstream in = open(path);
        for (std::string line; std::getline(in, line);) {
            add(line, room);
        }
        count_ = count == 0 ? lines_.size() : count;
        distribute::sha256 digest;
        for (std::uint64_t i = 0; i < count_; ++i) {
            bytes_ += line(i).size();
            digest.add(std::as_bytes(line(i)));
        }
        sha256_ = digest.text();
    }

    std::uint64_t messages() const override { return count_; }
    std::uint64_t bytes() const override { return bytes_; }
    std::string sha256() const override { return sha256_; }
    piece get(std::uint64_t number) override { return {0, std::as_bytes(line(number))}; }

  private:
    // A line longer than a message goes as several.
    void add(std::string_view line, std::size_t room) {
        do {
            lines_.emplace_back(line.substr(0, room));
            line.remove_prefix(lines_.back().size());
        } while (!line.empty());
    }

    std::span<const char> line(std::uint64_t number) const { return lines_[number % lines_.size()]; }

    std::vector<std::string> lines_;
    std::uint64_t count_ = 0;
    std::uint64_t bytes_ = 0;
    std::string sha256_;
};

} // namespace

std::unique_ptr<content> file_content(const std::string& path, std::size_t room) {
    return std::make_unique<file>(path, room);
}

std::unique_ptr<content> feed_content(const std::string& path, std::size_t room, std::uint64_t count) {
    return std::make_unique<feed>(path, room, count);
}

} // namespace distribute
