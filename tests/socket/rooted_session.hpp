// SPDX-License-Identifier: Apache-2.0
//
// A rooted session over tcp-root without a fixture, for tests that bring a runtime of their own.
#pragma once

#include "tests/support/session.hpp"

namespace joinleaf::test {

constexpr DWORD as_root = WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_ROOT;
constexpr DWORD as_leaf = WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF;

inline owned_socket make(DWORD flags) {
    return owned_socket(WSASocketA(AF_INET, 0, IPPROTO_TCP, nullptr, 0, flags));
}

inline owned_socket listening_root() {
    owned_socket root = make(as_root);
    EXPECT_TRUE(listen_on_loopback(root.get(), AF_INET, 64));
    return root;
}

inline member add_leaf(SOCKET root) {
    member made;
    made.leaf = make(as_leaf);
    auto joining = join_in_background(made.leaf.get(), {.name = local_name(root)});
    made.branch = owned_socket(jl_accept(root, nullptr, nullptr));
    EXPECT_EQ(0, joining.get().error);
    return made;
}

} // namespace joinleaf::test
