// SPDX-License-Identifier: Apache-2.0
#include "neighbours.hpp"

#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace joinleaf::rdma::ofi {
namespace {

struct registry {
    std::mutex mutex;
    std::map<std::vector<std::byte>, std::weak_ptr<void>> all;

    static registry& of_process() {
        static registry one;
        return one;
    }
};

} // namespace

void neighbours::add(std::span<const std::byte> name, std::weak_ptr<void> which) {
    registry& known = registry::of_process();
    const std::lock_guard hold(known.mutex);
    std::erase_if(known.all, [](const auto& each) { return each.second.expired(); });
    known.all.insert_or_assign({name.begin(), name.end()}, std::move(which));
}

std::shared_ptr<void> neighbours::find(std::span<const std::byte> name) {
    registry& known = registry::of_process();
    const std::lock_guard hold(known.mutex);
    const auto found = known.all.find({name.begin(), name.end()});
    return found != known.all.end() ? found->second.lock() : nullptr;
}

} // namespace joinleaf::rdma::ofi
