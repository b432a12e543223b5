// SPDX-License-Identifier: Apache-2.0
//
// The three kinds of sessions, each begun with one call. Every one is a socket with nothing added to it.
#pragma once

#include "runtime.hpp"
#include "socket.hpp"

namespace joinleaf {

// Which entry of the catalog a session asks for besides its family, which is that of the address.
struct session_options {
    int type =
        0; // SOCK_*; 0: as usual for the kind of session, SOCK_DGRAM for groups, SOCK_SEQPACKET with a root
    int protocol = 0;
    int backlog = SOMAXCONN; // of who listens
};

namespace detail {

[[nodiscard]] inline result<socket> open_member(const address& name, const session_options& options, int type,
                                                DWORD role) {
    return socket::create(name.family(), options.type == 0 ? type : options.type, options.protocol,
                          role | WSA_FLAG_OVERLAPPED);
}
[[nodiscard]] inline result<socket> listening(result<socket> made, const address& at, int backlog) {
    if (!made) {
        return made;
    }
    if (auto bound = made->bind(at); !bound) {
        return bound.error();
    }
    if (auto listens = made->listen(backlog); !listens) {
        return listens.error();
    }
    return made;
}
[[nodiscard]] inline result<socket> joined_to(result<socket> made, const address& session,
                                              join_options asked) {
    if (!made) {
        return made;
    }
    auto in = made->join(session, std::move(asked));
    return in ? std::move(made) : result<socket>(std::move(in).error());
}
template <class Kind> [[nodiscard]] result<Kind> as(result<socket> made) {
    return made ? result<Kind>(Kind(std::move(*made))) : result<Kind>(std::move(made).error());
}

inline constexpr DWORD leaf_role = WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF;

} // namespace detail

// A member of a session without a root: what one sends reaches all others.
class group : public socket {
  public:
    explicit group(socket&& made) noexcept : socket(std::move(made)) {}

    // Joins the session at a group's address. way: send joins nothing and hears nothing.
    [[nodiscard]] static result<group> join(const address& session, direction way = direction::both,
                                            const session_options& options = {}) {
        return join(session, join_options(way), options);
    }
    [[nodiscard]] static result<group> join(const address& session, join_options asked,
                                            const session_options& options = {}) {
        return detail::as<group>(detail::joined_to(open(session, options), session, std::move(asked)));
    }
    // Not joined yet: for options before the join, for its answer, and for asynchronous joins.
    [[nodiscard]] static result<socket> open(const address& session, const session_options& options = {}) {
        return detail::open_member(session, options, SOCK_DGRAM, detail::leaf_role);
    }
};

// The root of a session: what it sends reaches every leaf, what leaves send reaches it.
class root : public socket {
  public:
    explicit root(socket&& made) noexcept : socket(std::move(made)) {}

    // Waits for leaves that ask, at this address. Each accept() admits one and returns the root's socket for it:
    // closed, it puts that leaf out. Data goes through the root itself.
    [[nodiscard]] static result<root> listen(const address& at, const session_options& options = {}) {
        return detail::as<root>(detail::listening(open_root(at, options), at, options.backlog));
    }
    // For a root that only invites. like: an address of the family wanted.
    [[nodiscard]] static result<root> open(const address& like, const session_options& options = {}) {
        return detail::as<root>(open_root(like, options));
    }
    // Adds the leaf that listens at this address; joined.branch is the root's socket for it.
    result<joined> invite(const address& leaf, join_options options = {}) {
        return join(leaf, std::move(options));
    }

  private:
    [[nodiscard]] static result<socket> open_root(const address& like, const session_options& options) {
        auto rooted = detail::open_member(like, options, SOCK_SEQPACKET,
                                          WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_ROOT);
        return rooted || rooted.code() != WSAEINVAL
                   ? std::move(rooted) // else perhaps the data plane has no root
                   : detail::open_member(like, options, SOCK_SEQPACKET,
                                         WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_LEAF);
    }
};

// A leaf of a session with a root.
class leaf : public socket {
  public:
    explicit leaf(socket&& made) noexcept : socket(std::move(made)) {}

    // Asks the root at this address, and waits for its answer.
    [[nodiscard]] static result<leaf> join(const address& root, join_options asked = {},
                                           const session_options& options = {}) {
        return detail::as<leaf>(detail::joined_to(open(root, options), root, std::move(asked)));
    }
    // Not joined yet, as group::open.
    [[nodiscard]] static result<socket> open(const address& root, const session_options& options = {}) {
        return detail::open_member(root, options, SOCK_SEQPACKET, detail::leaf_role);
    }
    // Waits for invitations at this address; accept() agrees to one and returns the member's socket.
    [[nodiscard]] static result<leaf> listen(const address& at, const session_options& options = {}) {
        return detail::as<leaf>(detail::listening(
            detail::open_member(at, options, SOCK_SEQPACKET, detail::leaf_role), at, options.backlog));
    }
};

} // namespace joinleaf
