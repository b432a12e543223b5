// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

#include "technique.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {

namespace {

void run(const std::string& command) {
    if (std::system(command.c_str()) != 0) {
        throw failure("this failed: " + command);
    }
}

// A process that holds a new namespace until it is waited for.
class holder {
  public:
    holder() {
        std::array<int, 2> told{};
        if (::pipe(told.data()) != 0) {
            throw failure("no pipe");
        }
        process_ = ::fork();
        if (process_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            const char made = ::unshare(CLONE_NEWNET) == 0 ? 1 : 0;
            std::ignore = ::write(told[1], &made, 1);
            ::pause();
            ::_exit(0);
        }
        char made = 0;
        std::ignore = ::read(told[0], &made, 1);
        ::close(told[0]);
        ::close(told[1]);
        if (made == 0) {
            end();
            throw failure("a network namespace needs root");
        }
        fd_ = ::open(fmt::format("/proc/{}/ns/net", process_).c_str(), O_RDONLY | O_CLOEXEC);
    }
    holder(const holder&) = delete;
    holder& operator=(const holder&) = delete;
    ~holder() { end(); }
    [[nodiscard]] pid_t process() const { return process_; }
    [[nodiscard]] int descriptor() const { return fd_; } // outlives the process
    void in_it(const std::string& command) const {
        run(fmt::format("nsenter -t {} -n {}", process_, command));
    }

  private:
    void end() const {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }
    pid_t process_ = -1;
    int fd_ = -1;
};

void prepare(const holder& space, const char* link) {
    space.in_it("ip link set lo up multicast on");
    space.in_it(fmt::format("ip route add 224.0.0.0/4 dev {}", link));
}

} // namespace

stage stage::loopback() {
    const holder space;
    prepare(space, "lo");
    stage made;
    made.namespaces_ = {space.descriptor()};
    return made;
}

stage stage::bridge(int ends, bool whole) {
    const holder hub;
    hub.in_it("ip link add br0 type bridge mcast_snooping 0");
    hub.in_it("ip link set br0 up");
    stage made;
    made.wire_ = true;
    for (int end = 0; end < ends; ++end) {
        const holder space;
        hub.in_it(fmt::format("ip link add h{} mtu 1500 type veth peer name eth0 mtu 1500 netns {}", end,
                              space.process()));
        hub.in_it(fmt::format("ip link set h{} master br0 up", end));
        space.in_it(fmt::format("ip address add {}/24 dev eth0", made.address_of(end)));
        space.in_it("ip link set eth0 up");
        prepare(space, "eth0");
        if (!whole) {
            space.in_it("ethtool -K eth0 tx-udp-segmentation off");
        }
        made.namespaces_.push_back(space.descriptor());
    }
    made.namespaces_.push_back(hub.descriptor()); // the bridge lives as long as its namespace
    return made;
}

stage::~stage() {
    for (const int one : namespaces_) {
        ::close(one);
    }
}

pid_t stage::start(int end, const std::function<void()>& what,
                   const std::function<void(const char*)>& failed) const {
    const pid_t process = ::fork();
    if (process != 0) {
        return process;
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int space = wire_ ? namespaces_[static_cast<std::size_t>(end)] : namespaces_.front();
    int code = 0;
    try {
        if (::setns(space, CLONE_NEWNET) != 0) {
            throw failure(std::string("setns: ") + std::strerror(errno));
        }
        what();
    } catch (const std::exception& wrong) {
        failed(wrong.what());
        code = 1;
    }
    ::_exit(code);
}

std::string stage::interface_of(int /*end*/) const {
    return wire_ ? "eth0" : "lo";
}

std::string stage::address_of(int end) const {
    return wire_ ? fmt::format("10.77.0.{}", end + 1) : "127.0.0.1";
}

void wait_for(pid_t process) {
    // A run is bounded; what still hangs then does so for ever.
    for (int i = 0; i < 2000; ++i) {
        if (::waitpid(process, nullptr, WNOHANG) == process) {
            return;
        }
        ::usleep(10'000);
    }
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
}

} // namespace bench
