// SPDX-License-Identifier: Apache-2.0
#include "verbs/line.hpp"

#include "verbs/station.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <endian.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

namespace joinleaf::rdma::verbs {
namespace {

// Control messages that a peer does not take any more: it has stopped to read.
constexpr std::size_t backlog_max = 256u << 10;
constexpr std::size_t chunk_size = 1024;
constexpr std::uint32_t chunks_at_once = 4;
constexpr std::size_t length_size = 4;
// Buffers of a connection that is not admitted yet: its hello comes in one or a few.
constexpr std::size_t slots_at_first = 2;

} // namespace

bell::bell() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

void bell::ring(line& which) {
    if (std::ranges::find(waiting_, &which) == waiting_.end()) {
        waiting_.push_back(&which);
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(fd_.get(), &one, sizeof one);
}

line* bell::next() noexcept {
    if (waiting_.empty()) {
        std::uint64_t count = 0;
        [[maybe_unused]] const auto n = ::read(fd_.get(), &count, sizeof count);
        return nullptr;
    }
    line* const out = waiting_.front();
    waiting_.erase(waiting_.begin());
    return out;
}

line::line(station& where, bell& ringer, owned<rdma_cm_id> id, phase first, bool keeps_port,
           const address& target)
    : station_(where),
      bell_(ringer),
      state_(first),
      keeps_port_(keeps_port),
      target_(target),
      id_(std::move(id)) {
    id_->context = this;
}

line::~line() {
    bell_.forget(*this);
    hang_up();
    registration_.reset();
    if (memory_ != nullptr) {
        ::munmap(memory_, memory_size_);
    }
}

address line::local() const {
    const sockaddr* const name = rdma_get_local_addr(id_.get());
    return address::of(name, name->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
}

tl::expected<void, failure> line::equip(device& which) {
    memory_size_ = chunks_at_once * chunk_size + which.send_room() * wire::head_size;
    void* const got =
        ::mmap(nullptr, memory_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (got == MAP_FAILED) {
        return tl::unexpected(failure{WSAENOBUFS, "no memory for another connection"});
    }
    memory_ = static_cast<std::byte*>(got);
    registration_.reset(ibv_reg_mr(which.domain(), memory_, memory_size_, IBV_ACCESS_LOCAL_WRITE));
    if (!registration_) {
        return failed("ibv_reg_mr", errno);
    }
    if (auto equipped = which.equip(*this, *id_); !equipped) {
        return equipped;
    }
    device_ = &which;
    return device_->add_slots(*this, slots_at_first);
}

void line::establish() {
    state_ = phase::open;
    ask_again_soon(*id_->qp);
    send_chunks();
}

void line::control(std::span<const std::byte> message) {
    if (broken_) {
        return;
    }
    if (out_.size() > backlog_max) {
        break_off({WSAECONNABORTED, "it takes no control messages"});
        return;
    }
    const std::uint32_t size = htobe32(static_cast<std::uint32_t>(message.size()));
    const auto* const bytes = reinterpret_cast<const std::byte*>(&size);
    out_.insert(out_.end(), bytes, bytes + sizeof size);
    out_.insert(out_.end(), message.begin(), message.end());
    send_chunks();
}

line::request& line::add_request(const flight& with) {
    request& made = chain_.emplace_back();
    const auto number = static_cast<std::uint32_t>(first_send_ + flying_.size());
    made.what.wr_id = (std::uint64_t{number_} << 32U) | number;
    flying_.push(with);
    return made;
}

void line::send_chunks() {
    if (state_ != phase::open || broken_) {
        return;
    }
    std::size_t at = 0;
    while (at < out_.size() && chunks_under_way_ < chunks_at_once && has_send_room()) {
        const std::size_t size = std::min({chunk_size, out_.size() - at, std::size_t{peer_buffer_}});
        std::byte* const place = memory_ + (next_chunk_++ % chunks_at_once) * chunk_size;
        std::memcpy(place, out_.data() + at, size);
        at += size;
        ++chunks_under_way_;
        request& made = add_request({0, nullptr, true, false});
        made.what.opcode = IBV_WR_SEND_WITH_IMM;
        made.what.send_flags = IBV_SEND_SIGNALED;
        made.what.num_sge = 1;
        made.parts[0] = {reinterpret_cast<std::uintptr_t>(place), static_cast<std::uint32_t>(size),
                         registration_->lkey};
    }
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(at));
    flush();
}

posted line::post(std::span<const std::byte> head, std::span<const std::byte> body, std::uint64_t cookie) {
    // A device may swallow what is longer than the peer's buffer; the peer's queue pair would not survive it.
    if (broken_ || state_ != phase::open || head.size() > wire::head_size ||
        head.size() + body.size() > peer_buffer_) {
        return posted::broken;
    }
    if (!has_send_room()) {
        return posted::full;
    }
    const std::size_t index = (first_send_ + flying_.size()) % device_->send_room();
    std::byte* const place = memory_ + chunks_at_once * chunk_size + index * wire::head_size;
    std::memcpy(place, head.data(), head.size());
    const bool goes_inline = head.size() + body.size() <= inline_room_;
    region* const from = goes_inline || body.empty() ? nullptr : device_->region_of(body);
    if (!goes_inline && !body.empty() && from == nullptr) {
        return posted::broken;
    }
    request& made = add_request({cookie, from, false, !goes_inline});
    made.what.opcode = IBV_WR_SEND;
    made.what.send_flags = goes_inline ? static_cast<unsigned>(IBV_SEND_INLINE) : 0U;
    made.what.num_sge = body.empty() ? 1 : 2;
    made.parts[0] = {reinterpret_cast<std::uintptr_t>(place), static_cast<std::uint32_t>(head.size()),
                     registration_->lkey};
    made.parts[1] = {reinterpret_cast<std::uintptr_t>(body.data()), static_cast<std::uint32_t>(body.size()),
                     from != nullptr ? from->registration->lkey : 0};
    if (from != nullptr) {
        ++from->in_flight;
    }
    return goes_inline ? posted::copied : posted::taken;
}

// One doorbell for all. The last send that somebody waits for is told of, and with it all before; those that nobody
// waits for, only so often that the queue gets room again.
void line::flush() {
    if (chain_.empty()) {
        return;
    }
    device_->repost();
    bool waited_for = false;
    for (std::size_t i = 0; i < chain_.size(); ++i) {
        chain_[i].what.sg_list = chain_[i].parts.data();
        chain_[i].what.next = i + 1 < chain_.size() ? &chain_[i + 1].what : nullptr;
        waited_for = waited_for || (chain_[i].what.send_flags & IBV_SEND_INLINE) == 0;
    }
    since_signal_ += static_cast<std::uint32_t>(chain_.size());
    if (waited_for || since_signal_ >= device_->send_room() / 2) {
        chain_.back().what.send_flags |= IBV_SEND_SIGNALED;
        since_signal_ = 0;
    }
    ibv_send_wr* refused = nullptr;
    if (const int error = ibv_post_send(id_->qp, &chain_.front().what, &refused); error != 0) {
        break_off({WSAECONNABORTED, sentence("ibv_post_send", error)});
    }
    chain_.clear();
}

void line::sent(std::uint32_t last) {
    while (!flying_.empty() && static_cast<std::int32_t>(last - first_send_) >= 0) {
        const flight done = flying_.front();
        flying_.pop();
        ++first_send_;
        if (done.from != nullptr) {
            device_->landed(*done.from);
        }
        if (done.is_chunk) {
            --chunks_under_way_;
        } else if (done.tells && owner_ != nullptr) {
            owner_->on_sent(done.cookie);
        }
    }
    if (!out_.empty()) {
        send_chunks();
    }
}

// Kept until the loop looks: a peer that floods this side with control messages soon finds no buffer.
void line::take_chunk(const parcel& chunk) {
    chunks_.push_back(chunk);
    bell_.ring(*this);
}

void line::break_off(const failure& why) {
    if (!broken_) {
        broken_ = why;
        bell_.ring(*this);
    }
}

void line::serve() {
    deliver();
    if (owner_ != nullptr && broken_) {
        go_down(*broken_);
    }
}

void line::deliver() {
    if (owner_ == nullptr) {
        return; // its owner comes with the connection
    }
    for (const parcel& each : std::exchange(chunks_, {})) {
        in_.insert(in_.end(), each.bytes.begin(), each.bytes.end());
        device_->give_back(each.slot);
    }
    while (owner_ != nullptr && deliver_message()) {}
}

bool line::deliver_message() {
    if (in_.size() < length_size) {
        return false;
    }
    std::uint32_t size = 0;
    std::memcpy(&size, in_.data(), sizeof size);
    size = be32toh(size);
    if (size > wire::control_max) {
        break_off({WSAECONNABORTED, "it does not speak the protocol of rdma"});
        return false;
    }
    if (in_.size() < length_size + size) {
        return false;
    }
    const std::vector<std::byte> message(in_.begin() + length_size, in_.begin() + length_size + size);
    in_.erase(in_.begin(), in_.begin() + length_size + size);
    owner_->on_control(message);
    return true;
}

void line::go_down(const failure& why) {
    link_owner* const told = std::exchange(owner_, nullptr);
    station_.bury(*this);
    if (told != nullptr) {
        told->on_down(why);
    }
}

// The port stays this id's for as long as the connection lasts, but from now on another may have it too.
void line::retire() {
    int yes = 1;
    rdma_set_option(id_.get(), RDMA_OPTION_ID, RDMA_OPTION_ID_REUSEADDR, &yes, sizeof yes);
}

void line::close(bool abort) {
    owner_ = nullptr;
    if (abort || !is_draining()) {
        station_.bury(*this);
    } else {
        station_.linger(*this);
    }
}

void line::hang_up() noexcept {
    if (!id_) {
        return;
    }
    if (device_ != nullptr) {
        for (const parcel& each : std::exchange(chunks_, {})) {
            device_->give_back(each.slot);
        }
        const std::uint32_t queue_pair = id_->qp->qp_num;
        if (state_ == phase::open) {
            rdma_disconnect(id_.get());
        }
        rdma_destroy_qp(id_.get());
        device_->retire(*this, queue_pair);
        while (!flying_.empty()) {
            if (region* const from = flying_.front().from) {
                device_->landed(*from);
            }
            flying_.pop();
        }
        chain_.clear();
        out_.clear();
        device_ = nullptr;
    }
    state_ = phase::down;
    id_.reset();
}

} // namespace joinleaf::rdma::verbs
