// SPDX-License-Identifier: Apache-2.0
//
// The same through joinleaf: provider rdma, engine ofi, the provider of libfabric by option.
#include "stage.hpp"

#define JOINLEAF_NO_BSD_NAMES
#include <joinleaf/ext.h>

#include <cstring>
#include <vector>

#include <fmt/format.h>

namespace bench {
namespace {

void start(const std::string& provider, bool polled) {
    const std::string text = fmt::format(
        "version: 1\n"
        "providers:\n"
        "  - {{name: rdma, library: rdma, options: {{engine: ofi, fabric: \"{}\", polled: {}}}}}\n",
        provider, polled);
    must(jl_start_text(text.c_str(), "bench") == 0, "jl_start_text");
}

SOCKET open(DWORD role) {
    const SOCKET made = WSASocketA(AF_INET, SOCK_SEQPACKET, 0, nullptr, 0, role);
    must(made != INVALID_SOCKET, "WSASocket");
    return made;
}

class joined : public party {
  public:
    joined(SOCKET data, std::vector<SOCKET> all) : data_(data), all_(std::move(all)) {
        jl_u_long on = 1;
        must(jl_ioctlsocket(data_, static_cast<LONG>(FIONBIO), &on) == 0, "FIONBIO");
    }
    ~joined() override {
        for (const SOCKET each : all_) {
            jl_closesocket(each);
        }
        WSACleanup();
    }
    joined(const joined&) = delete;
    joined& operator=(const joined&) = delete;

    void send(std::span<const char> message) override {
        for (patience left("room to send");;) {
            if (jl_send(data_, message.data(), static_cast<int>(message.size()), 0) >= 0) {
                return;
            }
            must(WSAGetLastError() == WSAEWOULDBLOCK, "send");
            left.pause();
        }
    }
    std::size_t receive(std::span<char> room) override {
        const int got = jl_recv(data_, room.data(), static_cast<int>(room.size()), 0);
        must(got >= 0 || WSAGetLastError() == WSAEWOULDBLOCK, "recv");
        return got > 0 ? static_cast<std::size_t>(got) : 0;
    }

  private:
    SOCKET data_;
    std::vector<SOCKET> all_;
};

template <bool Polled>
std::unique_ptr<party> open_root(board& shared, std::size_t leaves, const std::string& provider) {
    start(provider, Polled);
    const SOCKET root = open(WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_ROOT);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int size = sizeof at;
    auto* const name = reinterpret_cast<sockaddr*>(&at);
    must(jl_bind(root, name, size) == 0 && jl_listen(root, 64) == 0, "listen");
    jl_getsockname(root, name, &size);
    shared.root.write({reinterpret_cast<const char*>(&at), sizeof at});
    std::vector<SOCKET> all;
    while (all.size() < leaves) {
        all.push_back(jl_accept(root, nullptr, nullptr));
        must(all.back() != INVALID_SOCKET, "accept");
    }
    all.push_back(root);
    return std::make_unique<joined>(root, all);
}

template <bool Polled>
std::unique_ptr<party> open_leaf(board& shared, std::size_t, const std::string& provider) {
    start(provider, Polled);
    const SOCKET leaf = open(WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF);
    sockaddr_in at{};
    std::memcpy(&at, shared.root.read().data(), sizeof at);
    must(WSAJoinLeaf(leaf, reinterpret_cast<const sockaddr*>(&at), sizeof at, nullptr, nullptr, nullptr,
                     nullptr, JL_BOTH) == leaf,
         "WSAJoinLeaf");
    ++shared.joined;
    return std::make_unique<joined>(leaf, std::vector<SOCKET>{leaf});
}

} // namespace

library joinleaf() {
    return {"joinleaf", open_root<false>, open_leaf<false>};
}

library polled_joinleaf() {
    return {"joinleaf, polled", open_root<true>, open_leaf<true>};
}

} // namespace bench
