// SPDX-License-Identifier: Apache-2.0
//
// select and WSAPoll over sockets of any mix of providers.
#include <algorithm>
#include <vector>

#include "runtime/api/call.hpp"
#include "runtime/api/user_memory.hpp"
#include "runtime/socket/alert.hpp"

using namespace joinleaf;

namespace {

// One socket that is asked about, and what was found.
struct asked {
    socket::socket_reference socket;
    std::uint32_t wants = 0; // JL_IN, JL_OUT, JL_OOB
    std::uint32_t found = 0;
    bool failed = false; // a connect that came to nothing
};

using question = std::vector<asked>;

bool look(question& all) {
    bool any = false;
    for (auto& one : all) {
        if (one.socket) {
            one.found = one.socket->readiness(one.wants);
            one.failed = one.socket->connect_failed() ||
                         one.socket->closing(); // another thread closes it: the wait must end
            any = any || (one.found & one.wants) != 0 || one.failed;
        }
    }
    return any;
}

// Puts the calling thread among those each socket wakes; takes it out again at the end.
class waiting_on_all {
  public:
    explicit waiting_on_all(question& all) : all_(all) {
        for (auto& one : all_) {
            if (one.socket) {
                one.socket->add_waiter(self_, ~0U);
            }
        }
    }
    waiting_on_all(const waiting_on_all&) = delete;
    waiting_on_all& operator=(const waiting_on_all&) = delete;
    ~waiting_on_all() {
        for (auto& one : all_) {
            if (one.socket) {
                one.socket->remove_waiter(self_);
            }
        }
    }
    bool wait(const dispatch::deadline& until) {
        std::vector<pollfd> descriptors;
        std::vector<socket::socket_object*> sockets;
        for (auto& one : all_) {
            if (one.socket) {
                one.socket->poll_descriptors(one.wants, descriptors);
                sockets.push_back(one.socket.get());
            }
        }
        if (socket::run_queued_calls(sockets)) {
            return true; // they may have done what is waited for
        }
        return self_.wait(descriptors, until);
    }

  private:
    question& all_;
    dispatch::waiter& self_ = dispatch::waiter::of_thread();
};

// True when one has something to say before the deadline.
bool wait_for_one(question& all, const dispatch::deadline& until) {
    if (look(all)) {
        return true;
    }
    if (until && *until <= std::chrono::steady_clock::now()) {
        return false;
    }
    waiting_on_all waiting(all);
    for (bool in_time = true; in_time;) {
        if (look(all)) {
            return true;
        }
        in_time = waiting.wait(until);
    }
    return look(all);
}

// Adds the members of a set; WSAENOTSOCK where one is no socket.
int add_set(const jl_fd_set* set, std::uint32_t wants, question& all) {
    if (set == nullptr) {
        return 0;
    }
    u_int count = 0;
    if (!api::get(&set->fd_count, count) || !api::readable(set->fd_array, count * sizeof(SOCKET))) {
        return WSAEFAULT;
    }
    for (u_int i = 0; i < count; ++i) {
        asked one;
        one.socket = socket::open_sockets().acquire(set->fd_array[i]);
        if (!one.socket) {
            return WSAENOTSOCK;
        }
        one.wants = wants;
        all.push_back(std::move(one));
    }
    return 0;
}

// Leaves in the set what is ready, in the set's order; how many that are. `at` runs through the question as
// add_set filled it.
int keep_ready(jl_fd_set* set, const question& all, std::size_t& at, bool exceptional) {
    if (set == nullptr) {
        return 0;
    }
    u_int kept = 0;
    const u_int count = set->fd_count;
    for (u_int i = 0; i < count; ++i, ++at) {
        if ((all[at].found & all[at].wants) != 0 || (exceptional && all[at].failed)) {
            set->fd_array[kept++] = set->fd_array[i];
        }
    }
    set->fd_count = kept;
    return static_cast<int>(kept);
}

short poll_events(const asked& one) noexcept {
    unsigned events = 0;
    events |= (one.found & JL_IN) != 0 ? static_cast<unsigned>(POLLIN) : 0U;
    events |= (one.found & JL_OUT) != 0 ? static_cast<unsigned>(POLLOUT) : 0U;
    events |= (one.found & JL_OOB) != 0 ? static_cast<unsigned>(POLLPRI) : 0U;
    events |= one.failed ? static_cast<unsigned>(POLLERR | POLLHUP) : 0U;
    return static_cast<short>(events);
}

std::uint32_t directions_of(short events) noexcept {
    const auto bits = static_cast<unsigned>(events);
    return ((bits & (POLLIN | POLLRDNORM)) != 0 ? JL_IN : 0U) |
           ((bits & (POLLOUT | POLLWRNORM)) != 0 ? JL_OUT : 0U) |
           ((bits & (POLLPRI | POLLRDBAND)) != 0 ? JL_OOB : 0U);
}

} // namespace

int jl_select(int /*nfds*/, jl_fd_set* readable, jl_fd_set* writable, jl_fd_set* exceptional,
              const timeval* timeout) {
    int ready = 0;
    const int code = api::started_call([&] {
        question all;
        int wrong = add_set(readable, JL_IN, all);
        wrong = wrong != 0 ? wrong : add_set(writable, JL_OUT, all);
        wrong = wrong != 0 ? wrong : add_set(exceptional, JL_OOB, all);
        if (wrong != 0) {
            return wrong;
        }
        if (all.empty()) {
            return WSAEINVAL; // Winsock's select is no sleep
        }
        dispatch::deadline until;
        timeval limit{};
        if (timeout != nullptr) {
            if (!api::get(timeout, limit)) {
                return WSAEFAULT;
            }
            if (limit.tv_sec < 0 || limit.tv_usec < 0) {
                return WSAEINVAL;
            }
            until = std::chrono::steady_clock::now() + std::chrono::seconds(limit.tv_sec) +
                    std::chrono::microseconds(limit.tv_usec);
        }
        wait_for_one(all, until);
        std::size_t at = 0;
        ready += keep_ready(readable, all, at, false);
        ready += keep_ready(writable, all, at, false);
        ready += keep_ready(exceptional, all, at, true);
        return 0;
    });
    return code == 0 ? ready : SOCKET_ERROR;
}

int WSAPoll(LPWSAPOLLFD entries, ULONG count, INT timeout) {
    int ready = 0;
    const int code = api::started_call([&] {
        if (!api::writable(entries, count * sizeof *entries)) {
            return WSAEFAULT;
        }
        if (count == 0) {
            return WSAEINVAL;
        }
        question all;
        bool stale = false;
        for (ULONG i = 0; i < count; ++i) {
            asked one;
            one.socket = socket::open_sockets().acquire(entries[i].fd);
            one.wants = directions_of(entries[i].events);
            stale = stale || (!one.socket && entries[i].fd != INVALID_SOCKET);
            all.push_back(std::move(one));
        }
        dispatch::deadline until;
        if (timeout >= 0) {
            until = std::chrono::steady_clock::now() + std::chrono::milliseconds(stale ? 0 : timeout);
        } else if (stale) {
            until = std::chrono::steady_clock::now();
        }
        wait_for_one(all, until);
        for (ULONG i = 0; i < count; ++i) {
            const bool invalid =
                !all[i].socket && entries[i].fd != INVALID_SOCKET; // a negative descriptor is passed over
            entries[i].revents = invalid ? static_cast<short>(POLLNVAL) : poll_events(all[i]);
            ready += entries[i].revents != 0 ? 1 : 0;
        }
        return 0;
    });
    return code == 0 ? ready : SOCKET_ERROR;
}
