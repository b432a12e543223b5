// SPDX-License-Identifier: Apache-2.0
//
// Bare libfabric: reliable datagram endpoints, messages, buffers posted beforehand; no more than that. It sends from the
// caller's memory, which the caller must leave alone for a while; or, copying, from its own, as whoever lets the caller
// go on at once has to.
#include "stage.hpp"

#include <cstdlib>
#include <cstring>
#include <vector>

#include <fmt/format.h>
#include <netinet/in.h>
#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>

namespace bench {
namespace {

constexpr std::size_t buffers = 64;
constexpr std::size_t buffer_size = 66u << 10;
constexpr std::size_t sends_at_once = 16;
constexpr std::size_t copies_at_once = 2 * sends_at_once; // more than are under way

void check(int code, const char* what) {
    if (code != 0) {
        fail(fmt::format("{}: {}", what, fi_strerror(code < 0 ? -code : code)));
    }
}

class bare final : public party {
  public:
    bare(const std::string& provider, bool copies)
        : memory_(buffers * buffer_size),
          contexts_(buffers),
          copies_(copies ? copies_at_once * buffer_size : 0) {
        fi_info* const hints = fi_allocinfo();
        hints->caps = FI_MSG;
        hints->mode = FI_CONTEXT | FI_CONTEXT2;
        hints->ep_attr->type = FI_EP_RDM;
        hints->domain_attr->threading = FI_THREAD_DOMAIN;
        hints->domain_attr->mr_mode = FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY;
        hints->addr_format = provider == "shm" ? FI_FORMAT_UNSPEC : FI_SOCKADDR_IN;
        hints->fabric_attr->prov_name = ::strdup(provider.c_str());
        const char* const node = provider == "shm" ? nullptr : "127.0.0.1";
        check(fi_getinfo(FI_VERSION(1, 11), node, nullptr, node != nullptr ? FI_SOURCE : 0, hints, &info_),
              "fi_getinfo");
        fi_freeinfo(hints);
        check(fi_fabric(info_->fabric_attr, &fabric_, nullptr), "fi_fabric");
        check(fi_domain(fabric_, info_, &domain_, nullptr), "fi_domain");
        fi_cq_attr queue{};
        queue.format = FI_CQ_FORMAT_MSG;
        queue.size = 1024;
        check(fi_cq_open(domain_, &queue, &queue_, nullptr), "fi_cq_open");
        fi_av_attr table{};
        table.type = FI_AV_TABLE;
        check(fi_av_open(domain_, &table, &addresses_, nullptr), "fi_av_open");
        check(fi_endpoint(domain_, info_, &endpoint_, nullptr), "fi_endpoint");
        check(fi_ep_bind(endpoint_, &queue_->fid, FI_TRANSMIT | FI_RECV), "fi_ep_bind");
        check(fi_ep_bind(endpoint_, &addresses_->fid, 0), "fi_ep_bind");
        check(fi_enable(endpoint_), "fi_enable");
        for (std::size_t i = 0; i < buffers; ++i) {
            post(i);
        }
    }
    ~bare() override {
        fi_close(&endpoint_->fid);
        fi_close(&addresses_->fid);
        fi_close(&queue_->fid);
        fi_close(&domain_->fid);
        fi_close(&fabric_->fid);
        fi_freeinfo(info_);
    }
    bare(const bare&) = delete;
    bare& operator=(const bare&) = delete;

    void tell_name(card& where) {
        std::array<char, most_name> name{};
        std::size_t size = name.size();
        check(fi_getname(&endpoint_->fid, name.data(), &size), "fi_getname");
        where.write(std::span(name).first(size));
    }
    void add_peer(const card& where) {
        fi_addr_t address = 0;
        must(fi_av_insert(addresses_, where.read().data(), 1, &address, 0, nullptr) == 1, "fi_av_insert");
        peers_.push_back(address);
    }

    void send(std::span<const char> message) override {
        message = kept(message);
        for (const fi_addr_t each : peers_) {
            patience left("room to send");
            while (!try_send(message, each)) {
                progress();
                left.pause();
            }
        }
        // The buffer belongs to libfabric until then.
        for (patience left("sends to be done"); under_way_ >= sends_at_once; left.pause()) {
            progress();
        }
    }
    std::size_t receive(std::span<char> room) override {
        if (come_.empty()) {
            progress();
        }
        if (come_.empty()) {
            return 0;
        }
        const auto [index, size] = come_.front();
        come_.erase(come_.begin());
        std::memcpy(room.data(), memory_.data() + index * buffer_size, size);
        post(index);
        return size;
    }

  private:
    struct arrival {
        std::size_t index;
        std::size_t size;
    };

    std::span<const char> kept(std::span<const char> message) {
        if (copies_.empty() || message.size() <= info_->tx_attr->inject_size) {
            return message;
        }
        char* const at = copies_.data() + next_copy_++ % copies_at_once * buffer_size;
        std::memcpy(at, message.data(), message.size());
        return {at, message.size()};
    }
    bool try_send(std::span<const char> message, fi_addr_t to) {
        if (message.size() <= info_->tx_attr->inject_size) {
            return fi_inject(endpoint_, message.data(), message.size(), to) == 0;
        }
        fi_context2& context = sending_[next_send_++ % sending_.size()];
        const bool sent = fi_send(endpoint_, message.data(), message.size(), nullptr, to, &context) == 0;
        under_way_ += sent ? 1 : 0;
        return sent;
    }
    void post(std::size_t index) {
        check(static_cast<int>(fi_recv(endpoint_, memory_.data() + index * buffer_size, buffer_size, nullptr,
                                       FI_ADDR_UNSPEC, &contexts_[index])),
              "fi_recv");
    }
    void progress() {
        std::array<fi_cq_msg_entry, 16> entries;
        const ssize_t count = fi_cq_read(queue_, entries.data(), entries.size());
        must(count >= 0 || count == -FI_EAGAIN, "fi_cq_read");
        for (ssize_t i = 0; i < count; ++i) {
            const fi_cq_msg_entry& entry = entries[static_cast<std::size_t>(i)];
            const auto* const context = static_cast<const fi_context2*>(entry.op_context);
            if (context >= contexts_.data() && context < contexts_.data() + contexts_.size()) {
                come_.push_back({static_cast<std::size_t>(context - contexts_.data()), entry.len});
            } else {
                --under_way_;
            }
        }
    }

    std::vector<char> memory_;
    std::vector<fi_context2> contexts_;
    std::vector<char> copies_;
    std::size_t next_copy_ = 0;
    std::array<fi_context2, 256> sending_{};
    std::size_t next_send_ = 0;
    std::size_t under_way_ = 0;
    std::vector<arrival> come_;
    std::vector<fi_addr_t> peers_;
    fi_info* info_ = nullptr;
    fid_fabric* fabric_ = nullptr;
    fid_domain* domain_ = nullptr;
    fid_cq* queue_ = nullptr;
    fid_av* addresses_ = nullptr;
    fid_ep* endpoint_ = nullptr;
};

template <bool Copies>
std::unique_ptr<party> open_root(board& shared, std::size_t leaves, const std::string& provider) {
    auto made = std::make_unique<bare>(provider, Copies);
    made->tell_name(shared.root);
    for (std::size_t i = 0; i < leaves; ++i) {
        made->add_peer(shared.leaves[i]);
    }
    return made;
}

std::unique_ptr<party> open_leaf(board& shared, std::size_t number, const std::string& provider) {
    auto made = std::make_unique<bare>(provider, false);
    made->tell_name(shared.leaves[number]);
    made->add_peer(shared.root);
    ++shared.joined;
    return made;
}

} // namespace

library libfabric() {
    return {"libfabric", open_root<false>, open_leaf};
}

library copying_libfabric() {
    return {"libfabric, copying", open_root<true>, open_leaf};
}

} // namespace bench
