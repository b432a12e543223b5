// SPDX-License-Identifier: Apache-2.0
//
// The least host that a provider of datagram sockets can run in: it counts the upcalls and keeps their arguments.
#pragma once

#include <joinleaf/provider.hpp>

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include <dlfcn.h>

namespace fake {

struct record {
    std::map<std::uint64_t, std::vector<std::int32_t>> completions; // by op
    std::map<const void*, int> closed;                              // by handle
    std::string sentence;
};

inline std::mutex guard;
inline record heard;

inline const jl_host& host() {
    static const jl_host table = [] {
        jl_host made{};
        made.struct_size = sizeof made;
        made.abi = JL_ABI_VERSION;
        made.complete = [](jl_handle*, std::uint64_t op, const jl_outcome* outcome) {
            const std::lock_guard lock(guard);
            heard.completions[op].push_back(outcome->code);
        };
        made.closed = [](jl_handle* handle) {
            const std::lock_guard lock(guard);
            ++heard.closed[handle];
        };
        made.explain = [](const char* sentence) {
            const std::lock_guard lock(guard);
            heard.sentence = sentence;
        };
        made.log = [](std::uint32_t, const char*) {};
        return made;
    }();
    return table;
}

// A library that is loaded as the runtime loads it, and stays.
class library {
  public:
    explicit library(const char* file) : image_(::dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)) {
        if (image_ == nullptr) {
            throw std::runtime_error(::dlerror());
        }
        startup = reinterpret_cast<decltype(startup)>(::dlsym(image_, "jl_provider_startup"));
        provider.struct_size = sizeof provider;
    }
    ~library() { ::dlclose(image_); }
    library(const library&) = delete;
    library& operator=(const library&) = delete;

    int (*startup)(std::uint32_t, std::uint32_t, const jl_host*, jl_provider*) = nullptr;
    jl_provider provider{};

  private:
    void* image_;
};

// The values of the two options of `inbox`, as the runtime would hand them over.
struct values {
    explicit values(std::string folder, std::int64_t room = 1 << 20) : folder_(std::move(folder)) {
        directory = {sizeof(jl_value), 1, 0, folder_.c_str(), nullptr, 0, "test.yaml:4:16"};
        rcvbuf = {sizeof(jl_value), 0, room, nullptr, nullptr, 0, "default"};
        create = {sizeof(jl_create), 2, "inbox", rows};
    }
    values(const values&) = delete;
    values& operator=(const values&) = delete;

    std::string folder_;
    jl_value directory{}, rcvbuf{};
    const jl_value* rows[2] = {&directory, &rcvbuf};
    jl_create create{};
};

} // namespace fake
