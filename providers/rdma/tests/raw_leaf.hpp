// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "memory_engine.hpp"
#include "wire.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

namespace joinleaf::rdma::test {

// A leaf that speaks the wire format by hand, and thus says what it likes. Its owner polls.
class raw_leaf final : link_owner, station_owner, group_owner {
  public:
    explicit raw_leaf(memory_network& network) : engine_(network) {
        station_ = std::move(*engine_.open(AF_INET, *this));
        station_->bind(any_of(AF_INET));
    }

    void ask(const address& root) { line_ = station_->connect(root, false, *this); }
    void poll() {
        station_->poll_control();
        station_->poll_data();
    }
    void say(wire::kind what, std::uint64_t value) { say(wire::encode(wire::note{what, value})); }
    void say(std::span<const std::byte> message) {
        if (line_ != nullptr) {
            line_->control(message);
        }
    }
    void ask_for(std::vector<wire::range> missing) { say(wire::encode(missing)); }
    void join() { membership_ = std::move(*station_->join_group(call->where, group_use::both, *this)); }
    // As if it were the root.
    void forge(std::uint64_t channel, std::uint64_t position, std::span<const std::byte> bytes) {
        const auto head =
            wire::encode(wire::datagram_head{channel, position, static_cast<std::uint32_t>(bytes.size())});
        membership_->post(head, bytes, 0);
    }

    [[nodiscard]] bool is_down() const { return line_ == nullptr; }

    std::optional<wire::greeting> answer;
    std::optional<wire::group_call> call;
    std::optional<wire::turn> turn;
    std::vector<wire::note> notes;
    std::vector<wire::datagram_head> heard;
    std::size_t slices = 0; // with data

  private:
    void on_up() override {
        static_cast<void>(station_->add_slots(*line_, 64));
        wire::greeting hello;
        hello.role = wire::control_role::leaf;
        hello.data = wire::data_role::leaf;
        hello.channel = 42;
        hello.window = 32;
        hello.slice = 1056;
        hello.data_address = line_->data_address();
        say(wire::encode(hello));
    }
    void on_control(std::span<const std::byte> message) override {
        const auto kind = wire::kind_of(message);
        if (kind == wire::kind::answer) {
            answer = *wire::decode_greeting(message);
            line_->attach(answer->data_address);
        } else if (kind == wire::kind::group) {
            call = wire::decode_group_call(message);
        } else if (kind == wire::kind::switched) {
            turn = wire::decode_turn(message);
        } else if (const auto note = wire::decode_note(message)) {
            notes.push_back(*note);
        }
    }
    void on_sent(std::uint64_t) override {}
    void on_down(const failure&) override { line_ = nullptr; }
    link_owner* on_incoming(link&) override { return nullptr; }
    void on_parcel(const parcel& got) override {
        const auto head = wire::decode_head(got.bytes);
        slices += head && (head->flags & wire::flag_data) != 0 ? 1U : 0U;
        station_->give_back(got.slot);
    }
    void on_trouble(const address&, const failure&) override {}
    void on_joined() override {}
    void on_datagram(std::span<const std::byte> bytes) override {
        if (const auto head = wire::decode_datagram(bytes); head->size != 0) {
            heard.push_back(*head);
        }
    }
    void on_posted(std::uint64_t) override {}
    void on_lost(const failure&) override {}

    memory_engine engine_;
    std::unique_ptr<station> station_;
    std::unique_ptr<group> membership_;
    link* line_ = nullptr;
};

} // namespace joinleaf::rdma::test
