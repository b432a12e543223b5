// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"

#include <cstdint>
#include <memory>
#include <string>

#include <rdma/fabric.h>
#include <rdma/fi_domain.h>
#include <tl/expected.hpp>

namespace joinleaf::rdma::ofi {

// An object of libfabric with its owner.
struct closer {
    template <class Object> void operator()(Object* which) const noexcept { fi_close(&which->fid); }
};
template <class Object> using owned = std::unique_ptr<Object, closer>;

struct info_closer {
    void operator()(fi_info* which) const noexcept { fi_freeinfo(which); }
};
using owned_info = std::unique_ptr<fi_info, info_closer>;

// "function: what libfabric says".
std::string sentence(const char* function, int code);

// The provider of libfabric that is used, chosen by what it can do. Safe from any thread.
class fabric {
  public:
    // name: only this provider; empty: the best there is.
    static tl::expected<std::shared_ptr<fabric>, failure> choose(const std::string& name);

    // An entry for endpoints that serve a session of this address family. Null: none.
    [[nodiscard]] const fi_info* info_for(int family) const noexcept;
    [[nodiscard]] std::string description() const;

  private:
    explicit fabric(owned_info all);

    const owned_info all_;
    const fi_info* four_ = nullptr;
    const fi_info* six_ = nullptr;
};

} // namespace joinleaf::rdma::ofi
