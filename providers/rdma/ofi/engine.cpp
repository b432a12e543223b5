// SPDX-License-Identifier: Apache-2.0
//
// The entry of engine ofi's module.
#include "engine_module.hpp"
#include "fabric.hpp"
#include "station.hpp"

namespace joinleaf::rdma::ofi {
namespace {

class engine final : public rdma::engine {
  public:
    engine(std::shared_ptr<fabric> way, std::size_t slice_size, bool polled)
        : fabric_(std::move(way)), slice_size_(slice_size), polled_(polled) {}

    tl::expected<std::unique_ptr<rdma::station>, failure> open(int family, station_owner& owner) override {
        if (fabric_->info_for(family) == nullptr) {
            return tl::unexpected(
                failure{WSAEAFNOSUPPORT, "libfabric's provider has no address of this family"});
        }
        auto made = std::make_unique<station>(fabric_, family, slice_size_, polled_, owner);
        if (auto opened = made->open(); !opened) {
            return tl::unexpected(opened.error());
        }
        return made;
    }
    [[nodiscard]] std::string lacks_multicast() const override { return no_multicast; }
    [[nodiscard]] std::string description() const override { return fabric_->description(); }

  private:
    const std::shared_ptr<fabric> fabric_;
    const std::size_t slice_size_;
    const bool polled_;
};

} // namespace
} // namespace joinleaf::rdma::ofi

JOINLEAF_RDMA_ENGINE bool joinleaf_rdma_engine(const joinleaf::rdma::settings& limits,
                                               std::unique_ptr<joinleaf::rdma::engine>& out,
                                               joinleaf::rdma::failure& why) {
    auto way = joinleaf::rdma::ofi::fabric::choose(limits.fabric);
    if (!way) {
        why = way.error();
        return false;
    }
    out = std::make_unique<joinleaf::rdma::ofi::engine>(std::move(*way), limits.slice, limits.polled);
    return true;
}
