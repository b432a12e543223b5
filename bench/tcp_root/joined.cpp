// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

#define JOINLEAF_NO_BSD_NAMES
#include <joinleaf/ext.h>

#include <vector>

#include <arpa/inet.h>

namespace bench {
namespace {

class joined final : public root {
  public:
    joined()
        : socket_(WSASocketA(AF_INET, 0, IPPROTO_TCP, nullptr, 0,
                             WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_ROOT)) {
        must(socket_ != INVALID_SOCKET, "WSASocket");
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int size = sizeof at;
        auto* const name = reinterpret_cast<sockaddr*>(&at);
        must(jl_bind(socket_, name, size) == 0 && jl_listen(socket_, 4096) == 0, "jl_listen");
        jl_getsockname(socket_, name, &size);
        port_ = ntohs(at.sin_port);
    }
    ~joined() override {
        for (const SOCKET s : leaves_) {
            jl_closesocket(s);
        }
        jl_closesocket(socket_);
    }
    joined(const joined&) = delete;
    joined& operator=(const joined&) = delete;

    [[nodiscard]] protocol speaks() const override { return protocol::joinleaf; }
    [[nodiscard]] std::uint16_t port() const override { return port_; }

    void gather(std::size_t count, const leaves&) override {
        while (leaves_.size() < count) {
            leaves_.push_back(jl_accept(socket_, nullptr, nullptr));
            must(leaves_.back() != INVALID_SOCKET, "jl_accept");
        }
    }

    std::uint64_t flood(const std::string& message, clock::time_point until,
                        const std::function<std::uint64_t()>&) override {
        std::uint64_t sent = 0;
        do {
            must(jl_send(socket_, message.data(), static_cast<int>(message.size()), 0) >= 0, "jl_send");
            ++sent;
        } while ((sent % 64 != 0 && sent != 1) || clock::now() < until);
        return sent;
    }

  private:
    SOCKET socket_;
    std::uint16_t port_ = 0;
    std::vector<SOCKET> leaves_;
};

} // namespace

std::unique_ptr<root> open_joinleaf(std::size_t) {
    return std::make_unique<joined>();
}

} // namespace bench
