// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch/operation.hpp"

#include <mutex>
#include <utility>

namespace joinleaf::dispatch {
namespace {

// Records that nobody uses, singly linked by apc::next.
struct stack {
    apc* first = nullptr;
    std::size_t count = 0;

    void push(apc& one) noexcept {
        one.next = first;
        first = &one;
        ++count;
    }
    apc* pop() noexcept {
        auto* const one = first;
        if (one != nullptr) {
            first = one->next;
            --count;
        }
        return one;
    }
};

// How many records move between a thread's own stack and the shared one at a time, so that a thread that only
// begins operations and one that only ends them take the shared lock once in so many operations.
constexpr std::size_t share = 64;

// What threads leave to each other. Never destroyed: records may come back after main().
struct shared_records {
    std::mutex lock;
    stack spare;
};

shared_records& shared() {
    static auto& one = *new shared_records;
    return one;
}

// Of one thread. Trivially destructible, for records come back while the thread's other objects end.
struct own_records {
    stack spare;
    bool ended;

    void fetch() noexcept {
        const std::lock_guard hold(shared().lock);
        for (std::size_t i = 0; i < share; ++i) {
            if (auto* const one = shared().spare.pop(); one != nullptr) {
                spare.push(*one);
            }
        }
    }
    void give(std::size_t count) noexcept {
        const std::lock_guard hold(shared().lock);
        for (; count > 0; --count) {
            shared().spare.push(*spare.pop());
        }
    }
};

constinit thread_local own_records own_of_thread{};

// Leaves the records of a thread that ends to the others.
struct legacy {
    legacy() = default;
    legacy(const legacy&) = delete;
    legacy& operator=(const legacy&) = delete;
    ~legacy() {
        own_of_thread.ended = true;
        own_of_thread.give(own_of_thread.spare.count);
    }
};

own_records& own() {
    thread_local const legacy at_end;
    static_cast<void>(at_end);
    return own_of_thread;
}

std::atomic<std::uint32_t> current_era{0};

void run_routine(apc& queued) {
    auto& one = static_cast<operation&>(queued);
    const auto routine = one.routine;
    auto* const overlapped = one.overlapped;
    const auto code = static_cast<DWORD>(one.code);
    const auto bytes = one.bytes;
    const auto flags = one.flags;
    const bool stale = one.era != current_era.load(std::memory_order_acquire);
    one.give_back(); // before the routine, which will want one for its next call
    if (!stale) {
        routine(code, bytes, overlapped, flags);
    }
}

void drop_routine(apc& queued) {
    static_cast<operation&>(queued).give_back();
}

} // namespace

operation* operation::take() {
    auto& mine = own();
    if (mine.spare.first == nullptr) {
        mine.fetch();
    }
    auto* const spare = mine.spare.pop();
    auto* const one = spare == nullptr ? new operation : static_cast<operation*>(spare);
    one->run = run_routine;
    one->discard = drop_routine;
    one->era = current_era.load(std::memory_order_acquire);
    return one;
}

void operation::give_back() noexcept {
    event.reset();
    thread.reset();
    buffers.clear();
    message = {};
    overlapped = nullptr;
    routine = nullptr;
    starter = nullptr;
    group = 0;
    from = nullptr;
    from_length = nullptr;
    collects = false;
    skips_port = false;
    always_told = false;
    told_at.reset();
    moved = 0;
    source.reset();
    message_flags = 0;
    told_flags = nullptr;
    code = 0;
    bytes = 0;
    flags = 0;
    auto& mine = own_of_thread.ended ? own_of_thread : own();
    mine.spare.push(*this);
    if (mine.spare.count >= 2 * share || mine.ended) {
        mine.give(mine.ended ? mine.spare.count : share);
    }
}

bool operation::refill() {
    iovec piece{};
    code = source ? source->next(piece) : 0;
    if (code != 0 || piece.iov_len == 0) {
        return false;
    }
    buffers.assign(1, piece);
    message.iov = buffers.data();
    message.iov_count = 1;
    return true;
}

void operation::begin() noexcept {
    overlapped->InternalHigh = 0;
    std::atomic_ref(overlapped->Internal).store(pending_mark, std::memory_order_release);
    if (event) {
        event->reset();
    }
}

void operation::refuse(std::int32_t reason) noexcept {
    std::atomic_ref(overlapped->Internal).store(static_cast<ULONG_PTR>(reason), std::memory_order_release);
    give_back();
}

void operation::deliver(const port_association* usual, bool quiet) noexcept {
    const auto elsewhere = std::move(told_at);
    const auto* const to = !elsewhere ? usual : elsewhere->port ? &*elsewhere : nullptr;
    const completion packet{to == nullptr ? 0 : to->key, overlapped, bytes, code};
    const bool packs = to != nullptr && routine == nullptr && !skips_port && !quiet;
    overlapped->InternalHigh = bytes;
    overlapped->Offset = flags;
    if (told_flags != nullptr) {
        *told_flags = message_flags;
    }
    // From here on the structure is the application's again.
    std::atomic_ref(overlapped->Internal).store(static_cast<ULONG_PTR>(code), std::memory_order_release);
    if (routine != nullptr && !quiet) {
        const auto runs_it = std::move(thread);
        runs_it->push(*this);
        return;
    }
    if (event && (!quiet || always_told)) {
        event->set();
    }
    give_back();
    if (packs) {
        to->port->post(packet);
    }
}

void end_era_of_operations() noexcept {
    current_era.fetch_add(1, std::memory_order_acq_rel);
}

void operation_list::push(operation& one) noexcept {
    one.next = nullptr;
    if (last_ == nullptr) {
        first_ = &one;
    } else {
        last_->next = &one;
    }
    last_ = &one;
}

operation* operation_list::pop() noexcept {
    auto* const one = first_;
    if (one != nullptr) {
        first_ = after(*one);
        last_ = first_ == nullptr ? nullptr : last_;
    }
    return one;
}

finished_operations::~finished_operations() {
    while (auto* const one = all_.pop()) {
        one->deliver(to_, quiet_);
    }
}

} // namespace joinleaf::dispatch
