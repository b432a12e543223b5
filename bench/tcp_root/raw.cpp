// SPDX-License-Identifier: Apache-2.0
//
// The ceiling: one log, a cursor a leaf, epoll for those that take no more; and what a plain loop over send
// reaches.
#include "stage.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {
namespace {

constexpr std::size_t log_size = 8u << 20;

class raw final : public root {
  public:
    raw(std::size_t message, std::size_t batch)
        : frame_(wire_size(protocol::bare, message)),
          batch_(batch),
          log_(log_size / frame_ * frame_),
          listener_(listen_on_loopback(port_)),
          poller_(::epoll_create1(EPOLL_CLOEXEC)) {}
    ~raw() override {
        for (const leaf& each : leaves_) {
            ::close(each.fd);
        }
        ::close(listener_);
        ::close(poller_);
    }
    raw(const raw&) = delete;
    raw& operator=(const raw&) = delete;

    [[nodiscard]] protocol speaks() const override { return protocol::bare; }
    [[nodiscard]] std::uint16_t port() const override { return port_; }

    void gather(std::size_t count, const leaves&) override {
        while (leaves_.size() < count) {
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            must(fd >= 0, "accept");
            const int on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            epoll_event event{};
            event.data.u64 = leaves_.size();
            event.events = EPOLLOUT | EPOLLET;
            ::epoll_ctl(poller_, EPOLL_CTL_ADD, fd, &event);
            leaves_.push_back({fd, 0, false});
        }
    }

    std::uint64_t flood(const std::string& message, clock::time_point until,
                        const std::function<std::uint64_t()>&) override {
        std::uint64_t sent = 0;
        while (clock::now() < until) {
            const std::uint64_t tail = lowest();
            for (std::size_t i = 0; i < batch_ && head_ + frame_ - tail <= log_.size(); ++i, ++sent) {
                append(message);
            }
            serve();
        }
        while (lowest() < head_) {
            serve();
        }
        return sent;
    }

  private:
    struct leaf {
        int fd;
        std::uint64_t cursor;
        bool blocked;
    };

    std::uint64_t lowest() const {
        std::uint64_t least = head_;
        for (const leaf& each : leaves_) {
            least = std::min(least, each.cursor);
        }
        return least;
    }

    void append(const std::string& message) {
        char* const at = log_.data() + head_ % log_.size();
        const std::uint32_t size = htonl(static_cast<std::uint32_t>(message.size()));
        std::memcpy(at, &size, sizeof size);
        std::memcpy(at + 8, message.data(), message.size());
        head_ += frame_;
    }

    void serve() {
        std::size_t blocked = 0;
        for (leaf& each : leaves_) {
            send_to(each);
            blocked += each.blocked ? 1 : 0;
        }
        if (blocked == 0) {
            return;
        }
        std::array<epoll_event, 256> events;
        const int ready = ::epoll_wait(poller_, events.data(), static_cast<int>(events.size()),
                                       blocked == leaves_.size() ? 100 : 0);
        for (int i = 0; i < ready; ++i) {
            leaves_[events[static_cast<std::size_t>(i)].data.u64].blocked = false;
        }
    }

    void send_to(leaf& each) const {
        while (!each.blocked && each.cursor < head_) {
            const std::size_t at = each.cursor % log_.size();
            const std::size_t size = std::min<std::size_t>(head_ - each.cursor, log_.size() - at);
            const ssize_t n = ::send(each.fd, log_.data() + at, size, MSG_NOSIGNAL);
            each.cursor += n > 0 ? static_cast<std::uint64_t>(n) : 0;
            each.blocked = n < 0 || static_cast<std::size_t>(n) < size;
            must(n >= 0 || errno == EAGAIN, "send");
        }
    }

    std::size_t frame_;
    std::size_t batch_;
    std::vector<char> log_;
    std::uint16_t port_ = 0;
    int listener_;
    int poller_;
    std::vector<leaf> leaves_;
    std::uint64_t head_ = 0;
};

} // namespace

// Batches that were found best for these sizes.
std::unique_ptr<root> open_raw_batch(std::size_t message) {
    return std::make_unique<raw>(message, message <= 64 ? 1024 : message <= 1024 ? 512 : 8);
}

std::unique_ptr<root> open_raw_single(std::size_t message) {
    return std::make_unique<raw>(message, 1);
}

} // namespace bench
