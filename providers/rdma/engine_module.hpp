// SPDX-License-Identifier: Apache-2.0
//
// Engines are libraries of their own, beside the provider's: a machine without libfabric or rdma-core loads the provider
// all the same. Engine and provider are of the same build, so that C++ may cross between them.
#pragma once

#include "engine.hpp"
#include "settings.hpp"

#include <filesystem>
#include <memory>
#include <string>

// Before the one function that an engine's library exports.
#define JOINLEAF_RDMA_ENGINE extern "C" __attribute__((visibility("default")))

// Opens the engine. False: `why` says what is lacking.
JOINLEAF_RDMA_ENGINE bool joinleaf_rdma_engine(const joinleaf::rdma::settings& limits,
                                               std::unique_ptr<joinleaf::rdma::engine>& out,
                                               joinleaf::rdma::failure& why);

namespace joinleaf::rdma {

// The file of an engine's library, whether it exists or not.
std::filesystem::path engine_file(const std::string& name);

// Loads the library of an engine and opens it. WSAENETDOWN: it was not built, one of its libraries is missing, or it
// finds nothing that it could use.
tl::expected<std::unique_ptr<engine>, failure> load_engine(const std::string& name, const settings& limits);
tl::expected<std::unique_ptr<engine>, failure> load_engine(const std::string& name, const settings& limits,
                                                           const std::filesystem::path& file);

// An engine, and the sentence that says which it is and why it was taken.
struct choice {
    std::unique_ptr<engine> made;
    std::string reason;
};

// The engine that the setting `engine` asks for; auto: verbs where a device answers, else ofi. A failure tells of every
// engine that was tried.
tl::expected<choice, failure> choose_engine(const settings& limits);

// What stands in the way of the setting `engine` in this build; empty: nothing.
std::string missing_engine(const settings& limits);

} // namespace joinleaf::rdma
