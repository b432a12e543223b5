// SPDX-License-Identifier: Apache-2.0
#include "content.hpp"
#include "meeting.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "session.hpp"
#include "wire.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <random>
#include <set>
#include <thread>

namespace distribute {

namespace {

using clock = std::chrono::steady_clock;

constexpr double unreliable_rate = 10 * 1024 * 1024; // bytes a second that 100 Mbit/s Ethernet carries
constexpr double feed_rate = 2000;                   // messages a second
constexpr std::chrono::milliseconds repeat{50};      // between copies of what must not get lost
constexpr int copies = 10;

/// Spreads `amount` a second evenly; 0: as fast as the transport takes it.
class pace {
  public:
    explicit pace(double per_second) : per_second_(per_second) {}

    void wait(double amount) {
        if (per_second_ > 0) {
            // Late by a little: catch up. Late by more: what a receive buffer does not hold would be lost.
            due_ = std::max(due_, clock::now() - std::chrono::milliseconds(5));
            due_ += std::chrono::duration_cast<clock::duration>(seconds(amount / per_second_));
            std::this_thread::sleep_until(due_);
        }
    }

  private:
    double per_second_;
    clock::time_point due_{};
};

class sending {
  public:
    sending(const options& given, const transport& over, content& what)
        : given_(given),
          over_(over),
          what_(what),
          meeting_(given.meeting, given.name),
          root_(over, given.address, to_text(description())),
          progress_(meeting_, "sent") {
        progress_.expect(what.messages());
    }

    int run() {
        meeting_.tell_address(root_.address());
        std::fprintf(stderr, "root: %s at %s, waiting for %zu leaves\n", over_.name().c_str(),
                     root_.address().c_str(), given_.leaves);
        gather();
        // A leaf without callee data learns only now what is coming.
        announce(kind::announce, to_text(description()));
        send_everything();
        announce(kind::end, to_text(description()));
        shutdown(root_.data(), SD_SEND);
        const std::size_t whole = over_.rooted_control() ? collect_reports() : given_.leaves;
        tell_result(whole);
        return whole >= given_.leaves ? complete : incomplete;
    }

  private:
    facts description() const {
        return {{"mode", given_.mode == mode::file ? "file" : "feed"},
                {"name", std::filesystem::path(given_.file).filename().string()},
                {"messages", std::to_string(what_.messages())},
                {"bytes", std::to_string(what_.bytes())},
                {"sha256", what_.sha256()}};
    }

    void deliver(kind which, std::uint64_t sequence, const piece& part) {
        send_message(root_.data(), {which, session_, sequence, part.position}, part.bytes);
    }

    // Once where nothing is lost, else in several copies.
    void announce(kind which, const std::string& text) {
        for (int i = 0; i < (over_.reliable() ? 1 : copies); ++i) {
            if (i > 0) {
                std::this_thread::sleep_for(repeat);
            }
            deliver(which, 0, {0, bytes_of(text)});
        }
    }

    void gather() {
        const auto give_up =
            clock::now() + std::chrono::duration_cast<clock::duration>(seconds(given_.timeout));
        if (over_.rooted_control()) {
            while (root_.leaves() < given_.leaves) {
                if (!root_.admit(give_up - clock::now())) {
                    throw std::runtime_error("only " + std::to_string(root_.leaves()) + " leaves came");
                }
            }
            return;
        }
        // Nobody tells the members of a group who else is there: announce until the meeting has seen them all, or for
        // a while.
        const auto begin = clock::now() + std::chrono::duration_cast<clock::duration>(seconds(given_.lead_in));
        const std::string text = to_text(description());
        while (meeting_.is_held() ? meeting_.joined() < given_.leaves : clock::now() < begin) {
            if (clock::now() >= give_up) {
                throw std::runtime_error("only " + std::to_string(meeting_.joined()) + " leaves came");
            }
            deliver(kind::announce, 0, {0, bytes_of(text)});
            std::this_thread::sleep_for(repeat);
        }
    }

    void send_everything() {
        const bool feed = given_.mode == mode::feed;
        pace steady(given_.rate > 0    ? given_.rate
                    : feed             ? feed_rate
                    : over_.reliable() ? 0
                                       : unreliable_rate);
        for (std::uint64_t number = 0; number < what_.messages(); ++number) {
            const piece part = what_.get(number);
            steady.wait(feed ? 1 : static_cast<double>(part.bytes.size()));
            deliver(kind::data, number, part);
            progress_.add(part.bytes.size());
        }
        progress_.stop();
        progress_.finish();
    }

    // Rooted control: each leaf says what it has and leaves. Returns how many have everything.
    std::size_t collect_reports() {
        const auto give_up =
            clock::now() + std::chrono::duration_cast<clock::duration>(seconds(given_.timeout));
        receiver from(root_.data());
        std::set<std::string> heard;
        std::size_t whole = 0;
        while (heard.size() < given_.leaves && clock::now() < give_up) {
            const bool all_gone = root_.gone() == root_.leaves();
            const auto outcome = from.next(100);
            if (outcome == receiver::outcome::closed || (outcome == receiver::outcome::silence && all_gone)) {
                break;
            }
            if (outcome != receiver::outcome::message || from.get().header.kind != kind::report) {
                continue;
            }
            const facts said = to_facts(text_of(from.get().payload));
            const auto name = said.find("name");
            const auto status = said.find("status");
            if (name != said.end() && status != said.end() && heard.insert(name->second).second &&
                status->second == "complete") {
                ++whole;
            }
        }
        return whole;
    }

    void tell_result(std::size_t whole) const {
        const double time = progress_.time().count();
        const facts result{{"role", "root"},
                           {"transport", over_.name()},
                           {"control", over_.rooted_control() ? "rooted" : "nonrooted"},
                           {"reliable", over_.reliable() ? "yes" : "no"},
                           {"leaves", std::to_string(given_.leaves)},
                           {"confirmed", over_.rooted_control() ? std::to_string(whole) : "unknown"},
                           {"messages", std::to_string(progress_.messages())},
                           {"bytes", std::to_string(progress_.bytes())},
                           {"sha256", what_.sha256()},
                           {"seconds", std::to_string(time)}};
        meeting_.tell_result(to_text(result));
        std::fputs(to_text(result).c_str(), stdout);
    }

    static std::uint64_t by_lot() {
        std::random_device lot;
        return std::uint64_t{lot()} << 32U | lot();
    }

    const options& given_;
    const transport& over_;
    content& what_;
    meeting meeting_;
    root root_;
    progress progress_;
    std::uint64_t session_ = by_lot();
};

} // namespace

int run_root(const options& given) {
    const library started;
    const transport over;
    const std::size_t room = over.message_room() - header_size;
    const std::unique_ptr<content> what = given.mode == mode::file
                                              ? file_content(given.file, room)
                                              : feed_content(given.file, room, given.messages);
    return sending(given, over, *what).run();
}

} // namespace distribute
