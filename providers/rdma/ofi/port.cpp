// SPDX-License-Identifier: Apache-2.0
#include "port.hpp"

#include "line.hpp"
#include "locked_memory.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include <netinet/in.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_errno.h>
#include <sys/mman.h>
#include <unistd.h>

namespace joinleaf::rdma::ofi {
namespace {

constexpr std::size_t completions_a_read = 16;
constexpr int reads_a_poll = 16;

// Slices up to here go by a copy where the provider injects so much: a copy of that size costs less than a completion.
constexpr std::size_t copied_max = 512;

constexpr std::size_t landings_at_once = 8;

bool is_ip(const fi_info& info) noexcept {
    return info.addr_format == FI_SOCKADDR || info.addr_format == FI_SOCKADDR_IN ||
           info.addr_format == FI_SOCKADDR_IN6;
}

// How endpoints of IP providers talk: rxm knows two ways, by its settings, that do not understand each other.
std::byte protocol_of(const fi_info& info) noexcept {
    return std::byte{static_cast<std::uint8_t>(info.ep_attr->protocol)};
}

// Endpoints on every address of the machine, as the listener may be.
void bind_to_any(fi_info& info, int family) noexcept {
    if (!is_ip(info)) {
        return;
    }
    const address any = any_of(family);
    std::free(info.src_addr);
    info.src_addr = std::malloc(any.size);
    if (info.src_addr != nullptr) {
        std::memcpy(info.src_addr, any.raw(), any.size);
    }
    info.src_addrlen = info.src_addr != nullptr ? any.size : 0;
}

std::int32_t code_of(int error) noexcept {
    return error == -FI_ENOMEM ? WSAENOBUFS : error == -FI_EMFILE ? WSAEMFILE : WSAENETDOWN;
}

tl::unexpected<failure> failed(const char* what, int code) {
    return tl::unexpected(failure{code_of(code), sentence(what, code)});
}

// How long an endpoint waits, when it is closed, for a connection that a peer has announced: about 20 ms, where the peer was
// admitted in the last second. Longer than the connection takes, unless the peer has gone, too.
constexpr int last_looks = 128;
constexpr std::chrono::microseconds between_looks{150};
constexpr std::chrono::seconds opening_takes{1};

} // namespace

tl::expected<std::shared_ptr<port>, failure> port::open(const fabric& way, int family, std::size_t slice_size,
                                                        bool polled) {
    std::shared_ptr<port> made(new port(family, slice_size, polled));
    if (auto started = made->start(way); !started) {
        return tl::unexpected(started.error());
    }
    if (!is_ip(*made->info_)) {
        neighbours::add(made->endpoint_name({}), made);
    }
    return made;
}

port::~port() {
    await_openings();
    endpoint_.reset();
    for (block& each : blocks_) {
        each.registration.reset();
        ::munmap(each.at, each.size);
    }
}

void port::await_openings() noexcept {
    if (!needs_opening() || std::chrono::steady_clock::now() - expected_ > opening_takes) {
        return;
    }
    for (int i = 0; unopened_ != 0 && i < last_looks; ++i) {
        fi_cq_data_entry entry;
        if (fi_cq_read(queue_.get(), &entry, 1) != 1) {
            std::this_thread::sleep_for(between_looks);
        } else if (!static_cast<ticket*>(entry.op_context)->is_send) {
            --unopened_;
        }
    }
}

bool port::needs_opening() const noexcept {
    return endpoint_ && is_ip(*info_);
}

tl::expected<void, failure> port::start(const fabric& way) {
    info_.reset(fi_dupinfo(way.info_for(family_)));
    if (!info_) {
        return tl::unexpected(failure{WSAENOBUFS, "no memory for an endpoint"});
    }
    bind_to_any(*info_, family_);
    inject_size_ = info_->tx_attr->inject_size;
    needs_registration_ = (info_->domain_attr->mr_mode & FI_MR_LOCAL) != 0;
    fid_fabric* made_fabric = nullptr;
    if (const int code = fi_fabric(info_->fabric_attr, &made_fabric, nullptr); code != 0) {
        return failed("fi_fabric", code);
    }
    fabric_.reset(made_fabric);
    fid_domain* made_domain = nullptr;
    if (const int code = fi_domain(fabric_.get(), info_.get(), &made_domain, nullptr); code != 0) {
        return failed("fi_domain", code);
    }
    domain_.reset(made_domain);
    // Who has no IP address may be a process of this host.
    if (!is_ip(*info_) && info_->domain_attr->cq_data_size != 0 && inject_size_ >= offers::notice_max) {
        offers_ = offers::open(*this);
        next_file_ = memory_file::empty();
    }
    auto queue = open_queue();
    return queue ? open_endpoint() : queue;
}

tl::expected<void, failure> port::open_queue() {
    fi_cq_attr wanted{};
    wanted.size = info_->tx_attr->size + info_->rx_attr->size;
    wanted.format = FI_CQ_FORMAT_DATA;
    // A queue with a descriptor rings it for every completion, asked or not.
    wanted.wait_obj = polled_ ? FI_WAIT_NONE : FI_WAIT_FD;
    fid_cq* made = nullptr;
    int code = fi_cq_open(domain_.get(), &wanted, &made, nullptr);
    if (code != 0 && !polled_) {
        // Some have no descriptor to wait on; peers knock instead.
        wanted.wait_obj = FI_WAIT_NONE;
        code = fi_cq_open(domain_.get(), &wanted, &made, nullptr);
    }
    if (code != 0) {
        return failed("fi_cq_open", code);
    }
    queue_.reset(made);
    if (wanted.wait_obj == FI_WAIT_FD && fi_control(&queue_->fid, FI_GETWAIT, &fd_) != 0) {
        fd_ = -1;
    }
    return {};
}

tl::expected<void, failure> port::open_endpoint() {
    fi_av_attr table{};
    table.type = FI_AV_TABLE;
    fid_av* made_table = nullptr;
    if (const int code = fi_av_open(domain_.get(), &table, &made_table, nullptr); code != 0) {
        return failed("fi_av_open", code);
    }
    addresses_.reset(made_table);
    fid_ep* made = nullptr;
    if (const int code = fi_endpoint(domain_.get(), info_.get(), &made, nullptr); code != 0) {
        return failed("fi_endpoint", code);
    }
    endpoint_.reset(made);
    int code = fi_ep_bind(endpoint_.get(), &queue_->fid, FI_TRANSMIT | FI_RECV);
    code = code != 0 ? code : fi_ep_bind(endpoint_.get(), &addresses_->fid, 0);
    if (code != 0) {
        return failed("fi_ep_bind", code);
    }
    code = fi_enable(endpoint_.get());
    return code == 0 ? tl::expected<void, failure>{} : failed("fi_enable", code);
}

// Where no network lies between, an introduction follows the name, and a byte that says how long it is.
std::vector<std::byte> port::address_for(line& whose) {
    auto out = endpoint_name(whose.local());
    if (is_ip(*info_) || out.empty()) {
        return out;
    }
    const auto rest = open_pair(whose) ? offers_->introduction(whose.pair()) : std::vector<std::byte>();
    out.insert(out.end(), rest.begin(), rest.end());
    out.push_back(static_cast<std::byte>(rest.size()));
    return out;
}

tl::expected<fi_addr_t, std::int32_t> port::attach(line& whose, std::span<const std::byte> address) {
    if (is_ip(*info_)) {
        return insert(address);
    }
    const std::size_t rest = address.empty() ? 0 : std::to_integer<std::size_t>(address.back()) + 1;
    if (rest > address.size()) {
        return tl::unexpected(WSAEINVAL);
    }
    const auto name = address.first(address.size() - rest);
    const auto introduction = address.last(rest).first(rest - 1);
    auto neighbour = neighbours::find(name);
    if (!neighbour && offers::process_of(introduction) == static_cast<std::uint32_t>(::getpid())) {
        return tl::unexpected(WSAECONNRESET); // it has gone meanwhile
    }
    const auto out = insert(name);
    if (out) {
        met_.resize(std::max<std::size_t>(met_.size(), *out + 1));
        met_[*out] = std::move(neighbour);
    }
    if (out && open_pair(whose)) {
        offers_->meet(whose.pair(), introduction, *out);
    }
    return out;
}

bool port::open_pair(line& whose) {
    if (offers_ && whose.pair() == offers::no_pair) {
        whose.set_pair(offers_->open_pair());
    }
    return whose.pair() != offers::no_pair;
}

std::vector<std::byte> port::endpoint_name(const address& local) const {
    std::vector<std::byte> out(wire::address_max);
    std::size_t size = out.size();
    if (fi_getname(&endpoint_->fid, out.data(), &size) != 0) {
        return {};
    }
    out.resize(size);
    if (is_ip(*info_)) {
        const address mine =
            address::of(reinterpret_cast<const sockaddr*>(out.data()), static_cast<std::uint32_t>(size));
        if (mine.is_any()) {
            const address reachable = local.with_port(mine.port());
            const auto* const bytes = reinterpret_cast<const std::byte*>(reachable.raw());
            out.assign(bytes, bytes + reachable.size);
        }
        out.push_back(protocol_of(*info_));
    }
    return out;
}

tl::expected<fi_addr_t, std::int32_t> port::insert(std::span<const std::byte> name) {
    if (name.empty()) {
        return tl::unexpected(WSAEINVAL);
    }
    // libfabric reads as much as an address of its format has, whatever it is given.
    std::vector<std::byte> padded(name.begin(), name.end());
    padded.resize(wire::address_max);
    if (is_ip(*info_)) {
        const std::size_t whole = family_ == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
        if (name.size() != whole + 1 || name.back() != protocol_of(*info_)) {
            return tl::unexpected(WSAEINVAL);
        }
        const address given =
            address::of(reinterpret_cast<const sockaddr*>(name.data()), static_cast<std::uint32_t>(whole));
        if (given.family() != family_ || !given.is_one_peer()) {
            return tl::unexpected(WSAEINVAL);
        }
    }
    fi_addr_t out = FI_ADDR_UNSPEC;
    const int count = fi_av_insert(addresses_.get(), padded.data(), 1, &out, 0, nullptr);
    if (count != 1 || out == FI_ADDR_NOTAVAIL) {
        return tl::unexpected(WSAEINVAL);
    }
    return out;
}

tl::expected<owned<fid_mr>, failure> port::enroll(std::span<std::byte> memory, std::uint64_t access) {
    if (!needs_registration_) {
        return owned<fid_mr>();
    }
    fid_mr* made = nullptr;
    if (const int code =
            fi_mr_reg(domain_.get(), memory.data(), memory.size(), access, 0, 0, 0, &made, nullptr);
        code != 0) {
        return tl::unexpected(failure{WSAENOBUFS, sentence("fi_mr_reg", code) + locked_memory_hint()});
    }
    return owned<fid_mr>(made);
}

tl::expected<void, failure> port::lend(std::span<std::byte> memory) {
    auto made = std::make_unique<memory_region>();
    made->file = offers_ ? memory_file::behind(memory, std::exchange(next_file_, {})) : std::nullopt;
    auto registration = enroll(memory, FI_SEND);
    if (!registration) {
        return tl::unexpected(registration.error());
    }
    made->memory = memory;
    made->registration = std::move(*registration);
    regions_.push_back(std::move(made));
    return {};
}

void port::take_back(std::span<std::byte> memory, std::shared_ptr<void> owner) {
    const auto found = std::ranges::find_if(
        regions_, [&](const auto& each) { return each->memory.data() == memory.data() && !each->keep; });
    if (found == regions_.end()) {
        return;
    }
    if ((*found)->in_flight == 0) {
        regions_.erase(found);
    } else {
        (*found)->keep = std::move(owner);
    }
}

port::memory_region* port::region_of(std::span<const std::byte> body) noexcept {
    for (const auto& each : regions_) {
        if (body.data() >= each->memory.data() && body.data() < each->memory.data() + each->memory.size()) {
            return each.get();
        }
    }
    return nullptr;
}

tl::expected<void, failure> port::add_slots(std::size_t count) {
    auto added = post_more(count + (offers_ ? offers::notices_at_once : 0));
    granted_ += added ? count : 0;
    return added;
}

void port::drop_slots(std::size_t count) noexcept {
    granted_ -= count;
    surplus_ += count + (offers_ ? offers::notices_at_once : 0);
}

tl::expected<void, failure> port::post_more(std::size_t count) {
    const std::size_t saved = std::min(count, surplus_);
    surplus_ -= saved;
    count -= saved;
    while (count != 0 && !idle_.empty()) {
        post_slot(*slots_[idle_.back()]);
        idle_.pop_back();
        --count;
    }
    if (count == 0) {
        return {};
    }
    auto added = add_block(count);
    if (!added) {
        surplus_ += saved;
        return added;
    }
    for (std::size_t i = slots_.size() - count; i < slots_.size(); ++i) {
        post_slot(*slots_[i]);
    }
    return {};
}

tl::expected<void, failure> port::add_block(std::size_t count) {
    const std::size_t size = count * slice_size_;
    void* const got =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED) {
        return tl::unexpected(failure{WSAENOBUFS, "no memory for receive buffers"});
    }
    auto* const at = static_cast<std::byte*>(got);
    auto registration = enroll({at, size}, FI_RECV);
    if (!registration) {
        ::munmap(got, size);
        return tl::unexpected(registration.error());
    }
    blocks_.push_back({at, size, std::move(*registration)});
    void* const descriptor =
        blocks_.back().registration ? fi_mr_desc(blocks_.back().registration.get()) : nullptr;
    for (std::size_t i = 0; i < count; ++i) {
        auto made = std::make_unique<slot>();
        made->at = at + i * slice_size_;
        made->descriptor = descriptor;
        made->number = static_cast<std::uint32_t>(slots_.size());
        slots_.push_back(std::move(made));
    }
    return {};
}

void port::post_slot(slot& which) {
    const ssize_t code =
        fi_recv(endpoint_.get(), which.at, slice_size_, which.descriptor, FI_ADDR_UNSPEC, &which.own);
    if (code != 0) {
        waiting_.push_back(which.number);
    }
}

void port::post_waiting() {
    for (const std::uint32_t each : std::exchange(waiting_, {})) {
        post_slot(*slots_[each]);
    }
}

void port::give_back(std::uint32_t number) {
    if (slots_[number]->lands) {
        landings_.push_back(number);
    } else if (surplus_ != 0) {
        --surplus_;
        idle_.push_back(number);
    } else {
        post_slot(*slots_[number]);
    }
}

// The one that was used last, whose memory is near: what is copied there is copied on at once.
landing port::room() {
    if (landings_.empty()) {
        const std::size_t some =
            std::min<std::size_t>(landings_at_once, granted_ - std::min(granted_, landings_made_));
        if (some == 0 || !add_block(some)) {
            return {};
        }
        landings_made_ += some;
        for (std::size_t i = slots_.size() - some; i < slots_.size(); ++i) {
            slots_[i]->lands = true;
            landings_.push_back(slots_[i]->number);
        }
    }
    const std::uint32_t number = landings_.back();
    landings_.pop_back();
    return {number, {slots_[number]->at, slice_size_}};
}

port::sending* port::take_sending() {
    if (free_.empty()) {
        sendings_.push_back(std::make_unique<sending>());
        sendings_.back()->is_send = true;
        sendings_.back()->number = static_cast<std::uint32_t>(sendings_.size() - 1);
        if (needs_registration_) {
            // The heads are few and stay for the life of the port.
            auto* const memory = &sendings_.back()->head;
            if (auto made = enroll(std::as_writable_bytes(std::span(*memory)), FI_SEND)) {
                sendings_.back()->head_descriptor = fi_mr_desc(made->get());
                head_registrations_.push_back(std::move(*made));
            } else {
                sendings_.pop_back();
                return nullptr;
            }
        }
        free_.push_back(sendings_.back().get());
    }
    sending* const out = free_.back();
    free_.pop_back();
    return out;
}

posted port::post(line& from, fi_addr_t destination, std::span<const std::byte> head,
                  std::span<const std::byte> body, std::uint64_t cookie) {
    const std::size_t size = head.size() + body.size();
    if (size <= inject_size_ && size <= copied_max) {
        std::array<std::byte, copied_max> whole;
        std::copy(head.begin(), head.end(), whole.begin());
        std::copy(body.begin(), body.end(), whole.begin() + static_cast<std::ptrdiff_t>(head.size()));
        const ssize_t code = fi_inject(endpoint_.get(), whole.data(), size, destination);
        return code == 0 ? posted::copied : code == -FI_EAGAIN ? posted::full : posted::broken;
    }
    sending* const what = take_sending();
    if (what == nullptr) {
        return posted::full;
    }
    std::copy(head.begin(), head.end(), what->head.begin());
    what->from = &from;
    what->cookie = cookie;
    what->body = body;
    what->region = body.empty() ? nullptr : region_of(body);
    const posted outcome = may_offer(*what) ? offer(*what) : send_message(*what, destination);
    if (outcome != posted::taken) {
        free_.push_back(what);
    } else if (what->region != nullptr) {
        ++what->region->in_flight;
    }
    return outcome;
}

posted port::send_message(sending& what, fi_addr_t destination) {
    std::array<iovec, 2> parts{iovec{what.head.data(), what.head.size()},
                               iovec{const_cast<std::byte*>(what.body.data()), what.body.size()}};
    fid_mr* const registered = what.region != nullptr ? what.region->registration.get() : nullptr;
    std::array<void*, 2> descriptors{what.head_descriptor,
                                     registered != nullptr ? fi_mr_desc(registered) : nullptr};
    const ssize_t code = fi_sendv(endpoint_.get(), parts.data(), descriptors.data(),
                                  what.body.empty() ? 1 : 2, destination, &what.own);
    return code == 0 ? posted::taken : code == -FI_EAGAIN ? posted::full : posted::broken;
}

bool port::may_offer(const sending& what) const noexcept {
    return offers_ && what.body.size() >= offers::least && what.region != nullptr && what.region->file &&
           offers_->may_offer(what.from->pair());
}

posted port::offer(sending& what) {
    const auto offset = static_cast<std::uint64_t>(what.body.data() - what.region->memory.data());
    what.offered = offers_->offer(what.from->pair(), what.head, what.region->file->name(), offset,
                                  what.body.size(), what.number);
    return what.offered ? posted::taken : posted::full;
}

bool port::tell(std::uint64_t destination, notice what, std::span<const std::byte> bytes) {
    return fi_injectdata(endpoint_.get(), bytes.data(), bytes.size(), static_cast<std::uint64_t>(what),
                         destination) == 0;
}

void port::offer_taken(std::uint32_t number) {
    sendings_[number]->offered = false;
    complete_send(*sendings_[number]);
}

void port::offer_refused(std::uint32_t number) {
    sendings_[number]->offered = false;
    refused_.push_back(number);
    send_refused();
}

bool port::send_refused() {
    bool any = false;
    while (!refused_.empty()) {
        sending& what = *sendings_[refused_.back()];
        const posted outcome = send_message(what, *what.from->destination());
        if (outcome == posted::full) {
            break;
        }
        refused_.pop_back();
        any = true;
        if (outcome == posted::broken) {
            what.from->break_off(WSAECONNRESET);
            complete_send(what);
        }
    }
    return any;
}

void port::part(line& which) noexcept {
    std::erase_if(refused_, [&](std::uint32_t each) {
        sendings_[each]->offered = sendings_[each]->from == &which; // libfabric has not got it yet
        return sendings_[each]->offered;
    });
    if (which.pair() != offers::no_pair) {
        offers_->close_pair(which.pair());
        which.set_pair(offers::no_pair);
    }
    for (const auto& each : sendings_) {
        if (each->from == &which) {
            each->from = nullptr;
            if (std::exchange(each->offered, false)) {
                complete_send(*each);
            }
        }
    }
    if (which.destination()) {
        fi_addr_t destination = *which.destination();
        fi_av_remove(addresses_.get(), &destination, 1, 0);
        if (destination < met_.size()) {
            met_[destination] = nullptr;
        }
    }
}

bool port::poll(station_owner& owner) {
    bool any = false;
    if (!waiting_.empty()) {
        post_waiting();
    }
    if (!refused_.empty()) {
        any = send_refused();
    }
    std::array<fi_cq_data_entry, completions_a_read> entries;
    for (int i = 0; i < reads_a_poll; ++i) {
        const ssize_t count = fi_cq_read(queue_.get(), entries.data(), entries.size());
        if (count == -FI_EAVAIL) {
            take_error();
            any = true;
            continue;
        }
        if (count <= 0) {
            break;
        }
        any = true;
        for (ssize_t each = 0; each < count; ++each) {
            complete(entries[static_cast<std::size_t>(each)], owner);
        }
        if (static_cast<std::size_t>(count) < entries.size()) {
            break;
        }
    }
    // One at a time, so that the application has taken it before the next one is copied to the same place.
    return (offers_ && offers_->land(owner)) || any;
}

void port::complete(const fi_cq_data_entry& entry, station_owner& owner) {
    auto& what = *static_cast<ticket*>(entry.op_context);
    if (what.is_send) {
        complete_send(static_cast<sending&>(what));
        return;
    }
    const auto& come = static_cast<slot&>(what);
    const std::span<const std::byte> bytes(come.at, std::min(entry.len, slice_size_));
    if (offers_ && (entry.flags & FI_REMOTE_CQ_DATA) != 0) {
        offers_->on_notice(static_cast<notice>(entry.data), bytes);
        give_back(come.number);
    } else {
        owner.on_parcel({come.number, bytes});
    }
}

void port::complete_send(sending& what) {
    if (memory_region* const region = std::exchange(what.region, nullptr)) {
        --region->in_flight;
        if (region->in_flight == 0 && region->keep) {
            std::erase_if(regions_, [&](const auto& each) { return each.get() == region; });
        }
    }
    line* const from = std::exchange(what.from, nullptr);
    free_.push_back(&what);
    if (from != nullptr && from->owner() != nullptr) {
        from->owner()->on_sent(what.cookie);
    }
}

void port::take_error() {
    fi_cq_err_entry entry{};
    if (fi_cq_readerr(queue_.get(), &entry, 0) != 1 || entry.op_context == nullptr) {
        return;
    }
    auto& what = *static_cast<ticket*>(entry.op_context);
    if (what.is_send) {
        auto& failed = static_cast<sending&>(what);
        if (failed.from != nullptr) {
            failed.from->break_off(WSAECONNRESET);
        }
        complete_send(failed);
    } else if (entry.err != FI_ECANCELED) {
        // A slice that is longer than its buffer, or damaged, is none.
        give_back(static_cast<slot&>(what).number);
    }
}

bool port::arm() noexcept {
    if (fd_ < 0) {
        return !offers_ || offers_->is_idle();
    }
    fid* which = &queue_->fid;
    return fi_trywait(fabric_.get(), &which, 1) == 0;
}

} // namespace joinleaf::rdma::ofi
