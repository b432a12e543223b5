// SPDX-License-Identifier: Apache-2.0
//
// The entry of engine verbs' module.
#include "engine_module.hpp"
#include "verbs/estate.hpp"
#include "verbs/station.hpp"

#include <cerrno>

#include <fmt/format.h>

namespace joinleaf::rdma::verbs {
namespace {

class engine final : public rdma::engine {
  public:
    engine(settings limits, std::string description)
        : limits_(std::move(limits)), description_(std::move(description)) {}

    tl::expected<std::unique_ptr<rdma::station>, failure> open(int family, station_owner& owner) override {
        auto made = std::make_unique<station>(executor_, limits_, family, owner);
        if (auto opened = made->open(); !opened) {
            return tl::unexpected(opened.error());
        }
        return made;
    }
    [[nodiscard]] std::string description() const override { return description_; }

  private:
    const settings limits_;
    const std::string description_;
    executor executor_;
};

// The devices that rdma_cm can use and that are up, by name; what is wrong with the others.
struct finding {
    std::string usable;
    std::string trouble;
};

bool has_active_port(ibv_context& device) {
    ibv_device_attr facts{};
    if (ibv_query_device(&device, &facts) != 0) {
        return false;
    }
    for (std::uint8_t number = 1; number <= facts.phys_port_cnt; ++number) {
        ibv_port_attr port{};
        if (ibv_query_port(&device, number, &port) == 0 && port.state == IBV_PORT_ACTIVE) {
            return true;
        }
    }
    return false;
}

finding look() {
    int count = 0;
    ibv_context** const all = rdma_get_devices(&count);
    if (all == nullptr) {
        return {{}, sentence("rdma_get_devices", errno)};
    }
    finding out;
    for (int i = 0; i < count; ++i) {
        const char* const name = ibv_get_device_name(all[i]->device);
        std::string& list = has_active_port(*all[i]) ? out.usable : out.trouble;
        list += (list.empty() ? "" : ", ") + std::string(name);
    }
    rdma_free_devices(all);
    out.trouble = out.trouble.empty() ? "no RDMA device" : "no port is active: " + out.trouble;
    return out;
}

} // namespace
} // namespace joinleaf::rdma::verbs

JOINLEAF_RDMA_ENGINE bool joinleaf_rdma_engine(const joinleaf::rdma::settings& limits,
                                               std::unique_ptr<joinleaf::rdma::engine>& out,
                                               joinleaf::rdma::failure& why) {
    namespace verbs = joinleaf::rdma::verbs;
    // A program may fork after it has opened sockets; what the device writes has to stay the parent's.
    ibv_fork_init();
    const auto found = verbs::look();
    if (found.usable.empty()) {
        why = {WSAENETDOWN, found.trouble};
        return false;
    }
    out = std::make_unique<verbs::engine>(limits,
                                          fmt::format("librdmacm and libibverbs, devices {}", found.usable));
    return true;
}
