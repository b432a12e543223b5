// SPDX-License-Identifier: Apache-2.0
// A one-to-many session over whatever transport the configuration offers first. This file and session.cpp hold every
// multipoint call of the program; nothing in them names a transport.
#pragma once

#include <joinleaf/winsock2.h>

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace distribute {

using seconds = std::chrono::duration<double>;

/// A call that failed: its name, the Winsock code and, where joinleaf has one, the sentence behind it.
class winsock_error : public std::runtime_error {
  public:
    explicit winsock_error(const std::string& call);
};

/// Keeps the library started.
class library {
  public:
    library();
    library(const library&) = delete;
    library& operator=(const library&) = delete;
    ~library() { WSACleanup(); }
};

/// Owns a SOCKET.
class unique_socket {
  public:
    explicit unique_socket(SOCKET s) : socket_(s) {}
    unique_socket(unique_socket&& other) noexcept : socket_(std::exchange(other.socket_, INVALID_SOCKET)) {}
    unique_socket& operator=(unique_socket&&) = delete;
    ~unique_socket();
    SOCKET get() const { return socket_; }

  private:
    SOCKET socket_;
};

/// The transport: the first entry of the catalog that supports multipoint, and what its bits say.
class transport {
  public:
    transport();

    const WSAPROTOCOL_INFOA& entry() const { return entry_; }
    /// PROVIDER/ENTRY, without the sentence that follows it.
    std::string name() const {
        const std::string label = entry_.szProtocol;
        return label.substr(0, label.find(' '));
    }

    /// Rooted control: the root listens and admits leaves one by one. Nonrooted: everyone joins a group address.
    bool rooted_control() const { return has(XP1_MULTIPOINT_CONTROL_PLANE); }
    /// Rooted data: between the root and the leaves only. Nonrooted: everyone to everyone.
    bool rooted_data() const { return has(XP1_MULTIPOINT_DATA_PLANE); }
    bool reliable() const { return has(XP1_GUARANTEED_DELIVERY); }
    bool connect_data() const { return has(XP1_CONNECT_DATA); }

    /// Bytes of one message that are sensible to send.
    std::size_t message_room() const;

  private:
    bool has(DWORD bit) const { return (entry_.dwServiceFlags1 & bit) != 0; }
    WSAPROTOCOL_INFOA entry_{};
};

/// The sending end of a session.
class root {
  public:
    /// Rooted control: listens on the address. Nonrooted: joins the group as a sender. An empty address is 127.0.0.1,
    /// or a group drawn by lot; port 0 is chosen by the kernel. description: handed to each leaf as it joins.
    root(const transport& over, const std::string& address, std::string description);

    /// What leaves have to be told, "ADDR:PORT".
    const std::string& address() const { return address_; }

    /// Rooted control: admits one leaf more and returns true; false when none asked within the time.
    bool admit(seconds time);

    std::size_t leaves() const { return leaves_.size(); }
    /// Leaves that have gone.
    std::size_t gone() const;
    SOCKET data() const { return socket_.get(); }

  private:
    void listen_for_leaves(const std::string& address);
    void join_as_sender(const std::string& address);

    const transport& over_;
    unique_socket socket_;
    std::string description_;
    std::string address_;
    std::vector<unique_socket> leaves_; // for the events of one leaf each; data goes through socket_
};

/// A receiving end of a session.
class leaf {
  public:
    /// Asks the root, or joins the group as a receiver. Tries again while nobody listens there, up to the time.
    leaf(const transport& over, const std::string& address, std::string name, seconds patience);

    /// What the root said as it admitted this leaf; empty where the transport has no connect data.
    const std::string& description() const { return description_; }
    /// How long the join that succeeded took.
    seconds join_time() const { return join_time_; }
    SOCKET data() const { return socket_.get(); }

  private:
    unique_socket socket_;
    std::string description_;
    seconds join_time_{};
};

} // namespace distribute
