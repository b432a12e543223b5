// SPDX-License-Identifier: Apache-2.0
//
// One member's place in a session. A session is a small file that every member maps: a row of places, each with the port of its
// member's inbox. A member holds a lock on its place, so that the kernel itself gives the place back when a process is killed.
#pragma once

#include <joinleaf/provider.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <netinet/in.h>

namespace inbox {

// Why something is not done: the code for the application and the sentence for whoever reads the log.
struct refusal {
    std::int32_t code;
    std::string sentence;
};

// Where the members of the group find each other: per user and per network namespace, because 127.0.0.1 is per namespace as well.
std::string session_path(const std::string& directory, const sockaddr_in& group);

class session {
  public:
    // Chosen: a send costs one system call per place that is taken.
    static constexpr std::size_t capacity = 64;

    // Takes a place; throws refusal: WSAENOBUFS when all are taken, WSAEACCES for another user's file, or the code of the errno.
    explicit session(std::string path);
    // Gives the place back; the last member takes the file away.
    ~session();
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    // From now on the others send to this port; 0: they send nothing.
    void hear_at(std::uint16_t port) noexcept;
    // The port of the member at that place; 0: nobody who hears. Safe from any thread and while members come and go.
    [[nodiscard]] std::uint16_t port_at(std::size_t place) const noexcept;

  private:
    struct unmap {
        void operator()(std::uint32_t* places) const noexcept;
    };

    void map_file();
    bool take_place();

    std::string path_;
    joinleaf::provider::descriptor file_;
    std::unique_ptr<std::uint32_t[], unmap> places_;
    std::size_t mine_ = capacity;
};

} // namespace inbox
