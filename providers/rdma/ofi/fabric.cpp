// SPDX-License-Identifier: Apache-2.0
#include "fabric.hpp"

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include <fmt/format.h>
#include <rdma/fi_errno.h>
#include <sys/socket.h>

namespace joinleaf::rdma::ofi {
namespace {

constexpr std::uint32_t api = FI_VERSION(1, 11);

// What rxm knows by no other way, unless the user has said otherwise: the microseconds between two looks at new connections,
// on which a join waits several times; that messages go to the TCP provider as they are, where it would otherwise cut
// larger ones into pieces and copy each at both ends; and how many buffers an endpoint has where they do not, which it
// writes once at its beginning, by default 64 MiB of them.
void tune_rxm() {
    ::setenv("FI_OFI_RXM_CM_PROGRESS_INTERVAL", "100", 0);
    ::setenv("FI_OFI_RXM_ENABLE_PASSTHRU", "1", 0);
    ::setenv("FI_OFI_RXM_MSG_RX_SIZE", "128", 0);
}

owned_info ask(const std::string& name, int& code) {
    const owned_info hints(fi_allocinfo());
    if (!hints) {
        code = -FI_ENOMEM;
        return nullptr;
    }
    hints->caps = FI_MSG;
    hints->mode = FI_CONTEXT | FI_CONTEXT2;
    hints->ep_attr->type = FI_EP_RDM;
    hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY;
    hints->domain_attr->threading = FI_THREAD_DOMAIN;
    // The engine makes progress; a thread of libfabric's would wake up for each slice, and everything would need locks.
    hints->domain_attr->data_progress = FI_PROGRESS_MANUAL;
    hints->tx_attr->iov_limit = 2;
    if (!name.empty()) {
        hints->fabric_attr->prov_name = ::strdup(name.c_str());
    }
    tune_rxm();
    fi_info* found = nullptr;
    code = fi_getinfo(api, nullptr, nullptr, 0, hints.get(), &found);
    return owned_info(found);
}

bool is_ip(const fi_info& one) noexcept {
    return one.addr_format == FI_SOCKADDR || one.addr_format == FI_SOCKADDR_IN ||
           one.addr_format == FI_SOCKADDR_IN6;
}

bool is_hardware(const fi_info& one) noexcept {
    return one.nic != nullptr && one.nic->bus_attr != nullptr && one.nic->bus_attr->bus_type == FI_BUS_PCI;
}

// What a provider is worth: a device; then a network, which reaches other machines too. Of equals the first is taken:
// libfabric lists them by its own preference.
int worth(const fi_info& one) noexcept {
    return (is_hardware(one) ? 2 : 0) + (is_ip(one) ? 1 : 0);
}

bool serves(const fi_info& one, int family) noexcept {
    switch (one.addr_format) {
    case FI_SOCKADDR_IN: return family == AF_INET;
    case FI_SOCKADDR_IN6: return family == AF_INET6;
    default: return true;
    }
}

bool same_provider(const fi_info& a, const fi_info& b) noexcept {
    return std::strcmp(a.fabric_attr->prov_name, b.fabric_attr->prov_name) == 0;
}

} // namespace

std::string sentence(const char* function, int code) {
    return fmt::format("libfabric: {}: {}", function, fi_strerror(code < 0 ? -code : code));
}

tl::expected<std::shared_ptr<fabric>, failure> fabric::choose(const std::string& name) {
    // Looking at all providers takes libfabric a good part of a second, and the machine stays the same.
    static std::mutex guard;
    static std::map<std::string, std::shared_ptr<fabric>> known;
    const std::lock_guard hold(guard);
    if (const auto found = known.find(name); found != known.end()) {
        return found->second;
    }
    int code = 0;
    owned_info all = ask(name, code);
    if (code != 0 || !all) {
        const std::string which = name.empty() ? "no provider" : "the provider " + name + " does not exist or";
        return tl::unexpected(failure{
            WSAENETDOWN,
            fmt::format("libfabric: {} offers reliable datagram messages here ({}); `fi_info` lists what "
                        "there is",
                        which, fi_strerror(-code))});
    }
    std::shared_ptr<fabric> made(new fabric(std::move(all)));
    known.emplace(name, made);
    return made;
}

fabric::fabric(owned_info all) : all_(std::move(all)) {
    const fi_info* best = all_.get();
    for (const fi_info* each = all_.get(); each != nullptr; each = each->next) {
        best = worth(*each) > worth(*best) ? each : best;
    }
    for (const fi_info* each = best; each != nullptr; each = each->next) {
        if (same_provider(*each, *best) && four_ == nullptr && serves(*each, AF_INET)) {
            four_ = each;
        }
        if (same_provider(*each, *best) && six_ == nullptr && serves(*each, AF_INET6)) {
            six_ = each;
        }
    }
}

const fi_info* fabric::info_for(int family) const noexcept {
    return family == AF_INET6 ? six_ : four_;
}

std::string fabric::description() const {
    const fi_info& any = four_ != nullptr ? *four_ : *six_;
    const std::uint32_t version = fi_version();
    return fmt::format("libfabric {}.{}, provider {}{}", FI_MAJOR(version), FI_MINOR(version),
                       any.fabric_attr->prov_name,
                       is_hardware(any) ? fmt::format(", device {}", any.domain_attr->name) : ", in software");
}

} // namespace joinleaf::rdma::ofi
