// SPDX-License-Identifier: Apache-2.0
//
// UCX's own measuring program, ucx_perftest, with the same sizes and counts over the same medium: for orientation. It
// knows one sender and one receiver.
#include "ucx.hpp"

#include "stage.hpp"

#include <cstdio>
#include <cstdlib>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {

constexpr int most_tries = 40;
constexpr std::chrono::milliseconds between_tries{25};

// A port that was free a moment ago.
int free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int port = ntohs(bind_to_loopback(fd).sin_port);
    ::close(fd);
    return port;
}

pid_t start_server(const std::string& port) {
    const pid_t made = ::fork();
    must(made >= 0, "fork");
    if (made == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
        ::dup2(nowhere, STDOUT_FILENO);
        ::dup2(nowhere, STDERR_FILENO);
        ::execlp("ucx_perftest", "ucx_perftest", "-p", port.c_str(), nullptr);
        std::_Exit(127);
    }
    return made;
}

// The last line that the program prints; empty when it fails.
std::string last_line(const std::string& command) {
    std::FILE* const out = ::popen(command.c_str(), "r");
    must(out != nullptr, "popen");
    std::string last;
    for (char line[256]; std::fgets(line, sizeof line, out) != nullptr;) {
        last = line;
    }
    return ::pclose(out) == 0 ? last : std::string();
}

// iterations, then latencies in us: of the middle, on average, overall; two bandwidths; messages a second: on average, overall
std::optional<double> seconds_of(const std::string& line, int messages, bool is_echoed) {
    int count = 0;
    double latency = 0;
    double rate = 0;
    if (std::sscanf(line.c_str(), "%d,%*f,%*f,%lf,%*f,%*f,%*f,%lf", &count, &latency, &rate) != 3 ||
        count != messages || latency <= 0 || rate <= 0) {
        return std::nullopt;
    }
    return is_echoed ? latency * 2 * messages / 1e6 : messages / rate;
}

} // namespace

bool has_ucx() {
    static const bool found = std::system("command -v ucx_perftest > /dev/null") == 0;
    return found;
}

std::optional<double> measure_ucx(const std::string& provider, std::size_t size, int messages,
                                  bool is_echoed) {
    ::setenv("UCX_TLS", provider == "shm" ? "posix,self,tcp" : "tcp", 1);
    ::setenv("UCX_NET_DEVICES", "lo", 1);
    ::setenv("UCX_LOG_LEVEL", "error", 1);
    const std::string port = std::to_string(free_port());
    const pid_t server = start_server(port);
    const std::string command =
        fmt::format("ucx_perftest 127.0.0.1 -p {} -f -v -t {} -s {} -n {} -w {} 2> /dev/null", port,
                    is_echoed ? "tag_lat" : "tag_bw", size, messages, messages / 10);
    std::optional<double> seconds;
    for (int i = 0; i < most_tries && !seconds; ++i) {
        std::this_thread::sleep_for(between_tries); // until the server listens
        seconds = seconds_of(last_line(command), messages, is_echoed);
    }
    if (!seconds) {
        ::kill(server, SIGKILL);
    }
    int status = 0;
    ::waitpid(server, &status, 0);
    return seconds;
}

} // namespace bench
