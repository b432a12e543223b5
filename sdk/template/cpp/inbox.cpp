// SPDX-License-Identifier: Apache-2.0
//
// The provider `inbox`: messages between the processes of one user on one host. This file is what every provider has: its
// facts, its options, its start-up.
#include "member.hpp"

#include <sys/socket.h>
#include <unistd.h>

namespace inbox {
namespace {

enum row : std::size_t { directory, rcvbuf };

constexpr jl_option directory_option{
    sizeof(jl_option),
    JL_OPTION_TEXT,
    "directory",
    "/dev/shm",
    "Folder for the list of a session's members; processes that shall meet need the same one.",
    nullptr,
    0,
    0};
constexpr jl_option rcvbuf_option{
    sizeof(jl_option), JL_OPTION_SIZE, "rcvbuf", "4MiB", "Room for messages that wait in a socket's inbox.",
    nullptr,           4096,           1 << 30};
constexpr const jl_option* option_table[] = {&directory_option, &rcvbuf_option};

constexpr jl_protocol messages{
    .struct_size = sizeof(jl_protocol),
    .name = "messages",
    .service_flags = XP1_CONNECTIONLESS | XP1_MESSAGE_ORIENTED | XP1_SUPPORT_MULTIPOINT,
    .provider_flags = PFL_MATCHES_PROTOCOL_ZERO,
    .family = AF_INET,
    .socket_type = SOCK_DGRAM,
    .protocol = IPPROTO_UDP,
    .protocol_max_offset = 0,
    .max_sockaddr = sizeof(sockaddr_in),
    .min_sockaddr = sizeof(sockaddr_in),
    .message_size = message_size,
    .caller_data_max = 0,
    .callee_data_max = 0,
    .abilities = 0,
};
constexpr const jl_protocol* protocol_table[] = {&messages};

// One per item of the configuration.
class instance {
  public:
    explicit instance(const jl_create& create);
    std::int32_t open(jl_handle* handle, jl_open& open, member*& out);

  private:
    std::string directory_;
    int rcvbuf_;
};

using lifecycle = joinleaf::provider::lifecycle<instance>;

instance::instance(const jl_create& create) {
    const joinleaf::provider::options values(create);
    directory_ = values.text(directory);
    rcvbuf_ = values.number<int>(rcvbuf);
    if (::access(directory_.c_str(), R_OK | W_OK | X_OK) != 0) {
        throw std::system_error(errno, std::generic_category(),
                                std::string(values.at(directory).where) + ": " + directory_);
    }
}

void set_room(int fd, int bytes) noexcept {
    // The first needs a privilege, the second stops at net.core.rmem_max without an error.
    if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0) {
        ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    }
}

std::int32_t instance::open(jl_handle* handle, jl_open& open, member*& out) {
    joinleaf::provider::descriptor fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof address;
    auto* name = reinterpret_cast<sockaddr*>(&address);
    if (!fd || ::bind(fd.get(), name, len) != 0 || ::getsockname(fd.get(), name, &len) != 0) {
        return jl_wsa_error(errno);
    }
    set_room(fd.get(), rcvbuf_);
    out = new member(lifecycle::host, handle, directory_, fd.get(), address);
    open.fd_kind = JL_FD_OWN;
    open.fd = fd.release();
    return 0;
}

constexpr jl_ops ops = joinleaf::provider::make_ops<instance, member>();

} // namespace
} // namespace inbox

JL_PROVIDER_EXPORT int jl_provider_startup(std::uint32_t host_abi_min, std::uint32_t host_abi_max,
                                           const jl_host* host, jl_provider* out) {
    if (const auto code = joinleaf::provider::negotiate(host_abi_min, host_abi_max, *out); code != 0) {
        return code;
    }
    inbox::lifecycle::host = host;
    out->name = "inbox";
    out->version = "1.0.0";
    out->summary = "Messages between the processes of one user on one host.";
    out->protocols = inbox::protocol_table;
    out->protocol_count = std::size(inbox::protocol_table);
    out->options = inbox::option_table;
    out->option_count = std::size(inbox::option_table);
    out->ops = &inbox::ops;
    out->create = inbox::lifecycle::create;
    out->destroy = inbox::lifecycle::destroy;
    return 0;
}
