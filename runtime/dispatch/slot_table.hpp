// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace joinleaf::dispatch {

// Objects by descriptor number: finding one is two loads and an atomic add, without a lock or a hash.
//
// Slots live as long as the process, so a look-up of a stale number is harmless. A number's object stays
// alive while somebody holds a reference to it; `close` makes further look-ups fail at once and returns when
// the last reference is gone.
template <class T> class slot_table {
    static constexpr std::size_t chunk_slots = 1024;
    static constexpr std::size_t chunk_count = 4096; // 4 Mi descriptors: four times Linux' usual hard limit
    static constexpr std::uint32_t open_bit = 0x8000'0000U;

    struct slot {
        std::atomic<std::uint32_t> state{0}; // open_bit and the number of references
        T* object = nullptr;                 // written only while closed and unreferenced
    };
    using chunk = std::array<slot, chunk_slots>;

  public:
    // A held object; empty where the number has none.
    class reference {
      public:
        reference() = default;
        reference(reference&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
        reference& operator=(reference&& other) noexcept {
            reset();
            slot_ = std::exchange(other.slot_, nullptr);
            return *this;
        }
        ~reference() { reset(); }

        explicit operator bool() const noexcept { return slot_ != nullptr; }
        T* operator->() const noexcept { return slot_->object; }
        T& operator*() const noexcept { return *slot_->object; }
        T* get() const noexcept { return slot_ == nullptr ? nullptr : slot_->object; }

        void reset() noexcept {
            if (slot_ != nullptr) {
                release(*std::exchange(slot_, nullptr));
            }
        }

      private:
        friend class slot_table;
        explicit reference(slot* held) noexcept : slot_(held) {}
        slot* slot_ = nullptr;
    };

    // Makes object findable under number, which must have no object. False when the number is beyond the
    // table. [any]
    bool publish(std::uintptr_t number, T* object) { return static_cast<bool>(publish_held(number, object)); }

    // The same, held from the first moment on, so that nobody who guesses the number ends the object under its
    // maker. Empty when the number is beyond the table. [any]
    reference publish_held(std::uintptr_t number, T* object) {
        slot* const place = find_or_make(number);
        if (place == nullptr) {
            return {};
        }
        // The kernel hands a number on between threads that do not meet otherwise: those who used the slot
        // before come first.
        static_cast<void>(place->state.load(std::memory_order_acquire));
        place->object = object;
        place->state.fetch_add(open_bit + 1, std::memory_order_acq_rel);
        return reference(place);
    }

    // [any]
    reference acquire(std::uintptr_t number) noexcept {
        slot* const place = find(number);
        if (place == nullptr) {
            return {};
        }
        if ((place->state.fetch_add(1, std::memory_order_acquire) & open_bit) == 0) {
            release(*place);
            return {};
        }
        return reference(place);
    }

    // Ends look-ups of number; false when it is not open (of several callers one gets true). [any]
    bool shut(std::uintptr_t number) noexcept {
        slot* const place = find(number);
        return place != nullptr &&
               (place->state.fetch_and(~open_bit, std::memory_order_acq_rel) & open_bit) != 0;
    }

    // After shut: waits until nobody holds the object any more. [any]
    void drain(std::uintptr_t number) noexcept {
        slot* const place = find(number);
        for (auto state = place->state.load(std::memory_order_acquire); state != 0;
             state = place->state.load(std::memory_order_acquire)) {
            place->state.wait(state, std::memory_order_acquire);
        }
    }

    // Neither open nor held. [any]
    [[nodiscard]] bool is_unused(std::uintptr_t number) noexcept {
        slot* const place = find(number);
        return place == nullptr || place->state.load(std::memory_order_acquire) == 0;
    }

    // Calls visit(number) for each open number. [any]
    template <class Visitor> void each_number(Visitor visit) {
        for (std::size_t c = 0; c < chunk_count; ++c) {
            if (chunk* const part = chunks_[c].load(std::memory_order_acquire); part != nullptr) {
                for (std::size_t s = 0; s < chunk_slots; ++s) {
                    if (((*part)[s].state.load(std::memory_order_acquire) & open_bit) != 0) {
                        visit(c * chunk_slots + s);
                    }
                }
            }
        }
    }

    ~slot_table() {
        for (auto& part : chunks_) {
            delete part.load(std::memory_order_relaxed);
        }
    }

  private:
    static void release(slot& place) noexcept {
        const auto before = place.state.fetch_sub(1, std::memory_order_acq_rel);
        if ((before & open_bit) == 0) {
            place.state.notify_all();
        }
    }

    slot* find(std::uintptr_t number) noexcept {
        if (number >= chunk_slots * chunk_count) {
            return nullptr;
        }
        chunk* const part = chunks_[number / chunk_slots].load(std::memory_order_acquire);
        return part == nullptr ? nullptr : &(*part)[number % chunk_slots];
    }

    slot* find_or_make(std::uintptr_t number) {
        if (number >= chunk_slots * chunk_count) {
            return nullptr;
        }
        auto& place = chunks_[number / chunk_slots];
        if (place.load(std::memory_order_acquire) == nullptr) {
            auto made = std::make_unique<chunk>();
            chunk* expected = nullptr;
            if (place.compare_exchange_strong(expected, made.get(), std::memory_order_acq_rel)) {
                static_cast<void>(made.release());
            }
        }
        return find(number);
    }

    std::array<std::atomic<chunk*>, chunk_count> chunks_{};
};

} // namespace joinleaf::dispatch
