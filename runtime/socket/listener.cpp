// SPDX-License-Identifier: Apache-2.0
//
// Local names, listening, and the accept queue with its condition function (clauses AC).
#include <algorithm>
#include <cstring>

#include "runtime/catalog/provider.hpp"
#include "runtime/socket/socket_object.hpp"

namespace joinleaf::socket {

std::int32_t socket_object::bind(const sockaddr* name, std::uint32_t len) {
    const std::lock_guard guard(guard_out_);
    {
        const std::lock_guard hold(lock_);
        if (bound_ || operation_->pending || connection_ == connection::established ||
            seating_->awaited_at != nullptr) {
            return WSAEINVAL;
        }
    }
    if (const auto code = ops().bind(endpoint_, name, len); code != 0) {
        return code;
    }
    mark_bound();
    return 0;
}

void socket_object::mark_bound() {
    const std::lock_guard hold(lock_);
    if (!bound_) {
        bound_ = true;
        update_gates();
        if (connectionless() && (role_ == role::ordinary || connection_ == connection::established)) {
            record(FD_WRITE, 0); // a datagram socket is writable from bind on (EV-39)
        }
    }
}

std::int32_t socket_object::listen(int backlog) {
    const std::lock_guard guard(guard_out_);
    {
        const std::lock_guard hold(lock_);
        if (connectionless() || ops().listen == nullptr || role_ == role::root_leaf) {
            return WSAEOPNOTSUPP;
        }
        if (connection_ == connection::established || (operation_->pending && role_ != role::root)) {
            return WSAEISCONN;
        }
        if (!bound_ || seating_->awaited_at != nullptr) {
            return WSAEINVAL;
        }
        if (listening_) {
            return 0;
        }
        listening_ = true; // before the call: requests may arrive inside it
        update_gates();
    }
    const auto code = ops().listen(endpoint_, backlog);
    if (code != 0) {
        const std::lock_guard hold(lock_);
        listening_ = false;
        update_gates();
        return code;
    }
    {
        const std::lock_guard hold(lock_); // what it holds is for the sockets that it will make
        give_capacity_back();
    }
    if (selected_ != 0) {
        schedule_pump();
    }
    return 0;
}

std::int32_t socket_object::name(bool peer, sockaddr* name, std::uint32_t* len) {
    {
        const std::lock_guard hold(lock_);
        if (!peer && !bound_) {
            return WSAEINVAL;
        }
        if (peer && (role_ == role::root || connection_ != connection::established)) {
            return WSAENOTCONN;
        }
    }
    const std::lock_guard guard(guard_out_);
    return ops().name(endpoint_, peer ? 1 : 0, name, len);
}

std::shared_ptr<request> socket_object::take_request() {
    const std::lock_guard hold(lock_);
    if (admissions_->queue.empty() || has_queued(JL_ACCEPT)) { // AcceptEx that wait come first
        return nullptr;
    }
    auto& all = admissions_.edit();
    auto first = std::move(all.queue.front());
    all.queue.pop_front();
    all.deciding.push_back(first);
    return first;
}

result<std::shared_ptr<request>> socket_object::wait_for_request() {
    for (;;) {
        if (auto first = take_request()) {
            return first;
        }
        std::int32_t code = 0;
        {
            const std::lock_guard guard(guard_in_);
            if (arm(JL_ACCEPT, code) == JL_ENDED) {
                return tl::unexpected(code != 0 ? code : WSAEINVAL);
            }
        }
        if (auto first = take_request()) {
            return first;
        }
        if (nonblocking()) {
            return tl::unexpected(WSAEWOULDBLOCK);
        }
        if (code = wait_for(JL_ACCEPT, {}); code != 0) {
            return tl::unexpected(code);
        }
    }
}

std::int32_t socket_object::answer(const request& who, jl_endpoint* child, const jl_answer* given) {
    const std::lock_guard guard(guard_in_);
    return ops().accept(endpoint_, who.provider_request, child, given);
}

std::int32_t socket_object::decline(const request& who, std::int32_t code) {
    jl_answer refusal{};
    refusal.struct_size = sizeof refusal;
    refusal.code = code;
    return answer(who, nullptr, &refusal);
}

void socket_object::put_back(std::shared_ptr<request> who) {
    const std::lock_guard hold(lock_);
    auto& all = admissions_.edit();
    std::erase(all.deciding, who);
    all.queue.push_front(std::move(who));
}

// Re-arms FD_ACCEPT (EV-33) and keeps the descriptor as readable as the queue says.
void socket_object::after_accept_call(bool try_again) {
    const std::lock_guard guard(guard_in_);
    {
        const std::lock_guard hold(lock_);
        if (!try_again) {
            record_.reenable(FD_ACCEPT);
        }
    }
    settle_signal(false);
    pump_accept();
}

// Runs the application's condition function (AC-05); callee_len is the data it left in callee.
int socket_object::decide(const condition& decide, request& who, std::vector<char>& callee,
                          std::uint32_t& callee_len, QOS& qos) {
    sockaddr_storage local{};
    std::uint32_t local_len = sizeof local;
    if (name(false, reinterpret_cast<sockaddr*>(&local), &local_len) != 0) {
        local_len = 0;
    }
    const auto room = std::min(who.callee_room, entry_.protocol->callee_data_max);
    callee.resize(std::max<std::size_t>(room, 1));
    WSABUF caller_id{who.peer_len, reinterpret_cast<char*>(&who.peer)};
    WSABUF caller_data{static_cast<ULONG>(who.caller_data.size()),
                       reinterpret_cast<char*>(who.caller_data.data())};
    WSABUF callee_id{local_len, reinterpret_cast<char*>(&local)};
    WSABUF callee_data{room, callee.data()};
    GROUP group = 0;
    if (who.qos) {
        qos = *who.qos;
    }
    const condition_scope inside;
    const int verdict =
        decide.function(&caller_id, who.caller_data.empty() ? nullptr : &caller_data,
                        who.qos ? &qos : nullptr, nullptr, &callee_id, &callee_data, &group, decide.context);
    // The function must set len (AC-12); more than the room it was given cannot have been written.
    callee_len = callee_data.buf == callee.data() ? std::min<std::uint32_t>(callee_data.len, room) : 0;
    return verdict;
}

result<SOCKET> socket_object::admit(const std::shared_ptr<request>& who, const jl_answer& given) {
    catalog::query asked{entry_.protocol->family, entry_.protocol->socket_type, entry_.protocol->protocol,
                         flags_};
    if (role_ == role::root) { // the root's socket for a leaf is a c_leaf/d_leaf one (AC-26)
        asked.flags = (flags_ & WSA_FLAG_OVERLAPPED) | WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF;
    }
    auto child = create(loops_, entry_, asked, this, who->provider_request);
    if (!child) {
        put_back(who);
        return tl::unexpected(child.error());
    }
    auto code = (*child)->admit_quality(*who, given);
    const bool honoured = code == 0;
    jl_answer granted = given;
    const QOS in_force = qos::turned((*child)->flow_now().qos); // as the joiner sees it (QS-18)
    granted.qos = who->qos && service(XP1_QOS_SUPPORTED) ? &in_force : given.qos;
    if (honoured) {
        code = answer(*who, (*child)->endpoint_, &granted);
    } else {
        decline(*who, WSAEOPNOTSUPP); // ER-16, at the joiner
    }
    {
        const std::lock_guard hold(lock_);
        std::erase(admissions_.edit().deciding, who);
        if (code == 0 && role_ == role::root && !has_had_leaf_) {
            has_had_leaf_ = true;
            update_gates();
            record(FD_WRITE, 0); // the first leaf makes the root able to send (EV-40)
        }
    }
    if (code != 0) {
        discard(std::move(*child));
        return tl::unexpected(code);
    }
    {
        const std::lock_guard hold((*child)->lock_);
        (*child)->establish();
    }
    if ((*child)->flow_now().given) {
        (*child)->tell_provider(JL_QOS_LOCAL);
    }
    return (*child)->number();
}

result<SOCKET> socket_object::accept(const condition& decide_by, sockaddr* peer, int* peer_len) {
    if (connectionless()) {
        return tl::unexpected(WSAEOPNOTSUPP);
    }
    {
        const std::lock_guard hold(lock_);
        if (!listening_) {
            return tl::unexpected(WSAEINVAL);
        }
    }
    const auto got = wait_for_request();
    if (!got) {
        after_accept_call(false);
        return tl::unexpected(got.error());
    }
    const auto& who = *got;
    if (peer != nullptr && peer_len != nullptr && *peer_len < static_cast<int>(who->peer_len)) {
        put_back(who);
        after_accept_call(false);
        return tl::unexpected(WSAEFAULT);
    }
    if (peer != nullptr && peer_len != nullptr) { // stored whatever the condition says (D-20)
        std::memcpy(peer, &who->peer, who->peer_len);
        *peer_len = static_cast<int>(who->peer_len);
    }
    std::vector<char> callee;
    QOS qos{};
    jl_answer given{};
    given.struct_size = sizeof given;
    int verdict = CF_ACCEPT;
    if (decide_by.function != nullptr) {
        verdict = decide(decide_by, *who, callee, given.callee_len, qos);
        given.callee_data = given.callee_len == 0 ? nullptr : callee.data();
        given.qos = who->qos ? &qos : nullptr;
    }
    auto outcome = conclude(verdict, who, given);
    after_accept_call(!outcome && outcome.error() == WSATRY_AGAIN);
    return outcome;
}

// Turns the condition function's verdict into the call's answer (AC-07 ... AC-11).
result<SOCKET> socket_object::conclude(int verdict, const std::shared_ptr<request>& who,
                                       const jl_answer& given) {
    bool gone = false;
    {
        const std::lock_guard hold(lock_);
        gone = who->withdrawn;
    }
    if (!gone && verdict == CF_ACCEPT) {
        return admit(who, given);
    }
    if (!gone && verdict != CF_REJECT) {
        who->deferred = verdict == CF_DEFER;
        put_back(who);
        return tl::unexpected(verdict == CF_DEFER ? WSATRY_AGAIN : WSAEINVAL);
    }
    answer(*who, nullptr, nullptr);
    const std::lock_guard hold(lock_);
    std::erase(admissions_.edit().deciding, who);
    return tl::unexpected(gone ? WSAEACCES : WSAECONNREFUSED);
}

} // namespace joinleaf::socket
