// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>

#include "config/config.hpp"
#include "runtime/catalog/catalog.hpp"
#include "runtime/catalog/installation.hpp"
#include "runtime/dispatch/loop_pool.hpp"
#include "runtime/statistics/publisher.hpp"

namespace joinleaf {

// The composition root: what exists between the first WSAStartup and the last WSACleanup.
class runtime {
  public:
    // Where the configuration comes from.
    struct origin {
        enum class kind { search_order, file, text } from = kind::search_order;
        std::string name; // of the file, or standing for the text
        std::string text;
        bool operator==(const origin&) const = default;
    };

    // Counts a start (ST-09); the first one reads the configuration and loads the providers.
    // 0; WSAEINVAL: the configuration is refused, or another one is in force. explanation() has the sentence.
    static int start(const origin& where);

    // Takes one start back; the last one closes every socket and ends the threads (ST-11). WSANOTINITIALISED
    // when none is left.
    static int stop();

    // Whether a start is in force: one atomic load, for the data path. [any]
    static bool started() noexcept { return started_.load(std::memory_order_acquire); }

    // The configuration that changes go to: that of the runtime in force, or the one a start would find. [any]
    static catalog::configuration_place place();

    // The catalog as a process that starts now would have it: that of the runtime in force where its files are
    // unchanged, or cannot be read any more. Needs a start. [any]
    static std::shared_ptr<const catalog::catalog> fresh_catalog();
    static std::shared_ptr<const catalog::catalog> fresh_catalog(const config::configuration& wanted);

    // Held while a socket is made from the catalog: the last WSACleanup waits for it and closes what was made.
    // False once the end has begun. [any]
    class making {
      public:
        making();
        explicit operator bool() const noexcept { return started(); }

      private:
        std::shared_lock<std::shared_mutex> held_;
    };

    // The runtime in force, null when there is none. Holding it does not keep its sockets open. [any]
    static std::shared_ptr<runtime> current();

    explicit runtime(const config::configuration& configuration, origin where);
    runtime(const runtime&) = delete;
    runtime& operator=(const runtime&) = delete;
    ~runtime();

    [[nodiscard]] const catalog::catalog& catalog() const noexcept { return catalog_; }
    [[nodiscard]] dispatch::loop_pool& loops() noexcept { return loops_; }
    [[nodiscard]] const origin& where() const noexcept { return where_; }

  private:
    static inline std::atomic<bool> started_{false};

    const origin where_;
    dispatch::loop_pool loops_; // before the catalog: instances may use loops until they are destroyed
    catalog::catalog catalog_;
    std::optional<statistics::publisher> publisher_; // of `statistics.publish`; ends before what it asks
};

} // namespace joinleaf
