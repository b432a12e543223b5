// SPDX-License-Identifier: Apache-2.0
#include "output.hpp"

#include <stdexcept>
#include <vector>

namespace distribute {

namespace {

void check(const std::ios& stream, const std::string& path) {
    if (!stream) {
        throw std::runtime_error("cannot write '" + path + "'");
    }
}

void write(std::ostream& to, std::span<const std::byte> bytes) {
    to.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

class file final : public output {
  public:
    explicit file(const std::string& path)
        : path_(path), out_(path, std::ios::binary | std::ios::trunc | std::ios::in | std::ios::out) {
        check(out_, path_);
    }

    void put(std::uint64_t position, std::span<const std::byte> bytes) override {
        if (position != next_) { // a seek empties the stream's buffer
            out_.seekp(static_cast<std::streamoff>(position));
        }
        write(out_, bytes);
        next_ = position + bytes.size();
        check(out_, path_);
    }

    std::string sha256() override {
        out_.flush();
        check(out_, path_);
        out_.seekg(0);
        distribute::sha256 digest;
        std::vector<char> buffer(1024 * 1024);
        while (out_.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || out_.gcount() > 0) {
            digest.add(std::as_bytes(std::span(buffer).first(static_cast<std::size_t>(out_.gcount()))));
        }
        return digest.text();
    }

  private:
    std::string path_;
    std::fstream out_;
    std::uint64_t next_ = 0;
};

class feed final : public output {
  public:
    explicit feed(const std::string& path) : path_(path) {
        if (!path.empty()) {
            out_.open(path, std::ios::binary | std::ios::trunc);
            check(out_, path_);
        }
    }

    void put(std::uint64_t, std::span<const std::byte> bytes) override {
        digest_.add(bytes);
        if (out_.is_open()) {
            write(out_, bytes);
            out_.put('\n');
            check(out_, path_);
        }
    }

    std::string sha256() override { return digest_.text(); }

  private:
    std::string path_;
    std::ofstream out_;
    distribute::sha256 digest_;
};

} // namespace

std::unique_ptr<output> file_output(const std::string& path) {
    return std::make_unique<file>(path);
}

std::unique_ptr<output> feed_output(const std::string& path) {
    return std::make_unique<feed>(path);
}

} // namespace distribute
