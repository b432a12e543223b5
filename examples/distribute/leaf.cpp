// SPDX-License-Identifier: Apache-2.0
#include "meeting.hpp"
#include "options.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "session.hpp"
#include "tally.hpp"
#include "wire.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>

namespace distribute {

namespace {

class receiving {
  public:
    receiving(const options& given, const transport& over, output& into)
        : given_(given),
          over_(over),
          into_(into),
          meeting_(given.meeting, given.name),
          leaf_(over,
                given.address.empty() ? meeting_.wait_for_address(seconds(given.timeout)) : given.address,
                given.name, seconds(given.timeout)),
          progress_(meeting_, given.name) {}

    int run() {
        meeting_.tell_joined();
        learn(leaf_.description());
        receive();
        progress_.finish();
        const facts result = judge();
        if (over_.rooted_control()) {
            report(result);
        }
        meeting_.tell_result(to_text(result));
        std::fputs(to_text(result).c_str(), stdout);
        return result.at("status") == "complete" ? complete : incomplete;
    }

  private:
    void receive() {
        receiver from(leaf_.data());
        const int patience = static_cast<int>(given_.timeout * 1000);
        while (!ended_ && from.next(patience) == receiver::outcome::message) {
            take(from.get());
        }
    }

    void take(const message& came) {
        if (came.header.kind == kind::report) {
            return; // of another leaf: where data is nonrooted everyone hears everything
        }
        if (!session_) {
            session_ = came.header.session;
        }
        if (came.header.session != *session_) {
            return; // somebody else uses the same group
        }
        if (came.header.kind != kind::data) {
            learn(text_of(came.payload));
            ended_ = came.header.kind == kind::end;
            if (ended_) {
                progress_.stop();
            }
        } else if (tally_.add(came.header.sequence)) {
            into_.put(came.header.position, came.payload);
            progress_.add(came.payload.size());
        }
    }

    // Callee data may be cut, the announcement has everything: the last word counts.
    void learn(std::string_view description) {
        for (auto& [key, value] : to_facts(description)) {
            known_.insert_or_assign(key, value);
        }
        progress_.expect(number(known_, "messages").value_or(0));
    }

    facts judge() {
        const std::optional<std::uint64_t> sent = number(known_, "messages");
        const auto digest = known_.find("sha256");
        const bool equal = digest != known_.end() && into_.sha256() == digest->second;
        const std::uint64_t received = tally_.received();
        return {{"role", "leaf"},
                {"name", given_.name},
                {"transport", over_.name()},
                {"status", equal && sent == received ? "complete" : "incomplete"},
                {"end", ended_ ? "seen" : "missed"},
                {"sha256", digest == known_.end() ? "unknown"
                           : equal                ? "equal"
                                                  : "differs"},
                {"bytes", std::to_string(progress_.bytes())},
                {"sent", sent ? std::to_string(*sent) : "unknown"},
                {"messages", std::to_string(received)},
                {"lost", sent ? std::to_string(*sent - std::min(*sent, received)) : "unknown"},
                {"out_of_order", std::to_string(tally_.out_of_order())},
                {"duplicates", std::to_string(tally_.duplicates())},
                {"join_ms", std::to_string(leaf_.join_time().count() * 1000)},
                {"seconds", std::to_string(progress_.time().count())}};
    }

    // Rooted data: a leaf's send reaches the root alone.
    void report(const facts& result) {
        try {
            send_message(leaf_.data(), {kind::report, session_.value_or(0), 0, 0}, bytes_of(to_text(result)));
        } catch (const winsock_error& error) {
            std::fprintf(stderr, "%s: the root does not hear the result: %s\n", given_.name.c_str(),
                         error.what());
        }
    }

    const options& given_;
    const transport& over_;
    output& into_;
    meeting meeting_;
    leaf leaf_;
    progress progress_;
    tally tally_;
    facts known_;
    std::optional<std::uint64_t> session_;
    bool ended_ = false;
};

} // namespace

int run_leaf(const options& given) {
    const library started;
    const transport over;
    const std::unique_ptr<output> into =
        given.mode == mode::file ? file_output(given.file) : feed_output(given.file);
    return receiving(given, over, *into).run();
}

} // namespace distribute
