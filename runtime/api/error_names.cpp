// SPDX-License-Identifier: Apache-2.0
//
// Name and sentence of every Winsock code.
#include <joinleaf/ext.h>

#include <algorithm>
#include <array>

namespace {

struct known_error {
    int code;
    const char* name;
    const char* text;
};

// In order of the codes, for the search.
constexpr auto known = std::to_array<known_error>({
    {0, "0", "No error."},
    {WSA_INVALID_HANDLE, "WSA_INVALID_HANDLE", "The handle is not an event object."},
    {WSA_NOT_ENOUGH_MEMORY, "WSA_NOT_ENOUGH_MEMORY", "There is not enough memory."},
    {WSA_INVALID_PARAMETER, "WSA_INVALID_PARAMETER", "An argument is outside its range."},
    {WSA_OPERATION_ABORTED, "WSA_OPERATION_ABORTED", "The operation was cancelled, or its socket was closed."},
    {WSA_IO_INCOMPLETE, "WSA_IO_INCOMPLETE", "The overlapped operation is not complete yet."},
    {WSA_IO_PENDING, "WSA_IO_PENDING", "The operation was started and completes later."},
    {WSAEINTR, "WSAEINTR", "The blocking call was ended from elsewhere."},
    {WSAEBADF, "WSAEBADF", "The descriptor is not valid."},
    {WSAEACCES, "WSAEACCES", "Access is not permitted, or the request was withdrawn."},
    {WSAEFAULT, "WSAEFAULT", "A pointer cannot be read or written, or a buffer is too small."},
    {WSAEINVAL, "WSAEINVAL", "An argument is wrong, or the socket is in the wrong state."},
    {WSAEMFILE, "WSAEMFILE", "The process has no descriptor left."},
    {WSAEWOULDBLOCK, "WSAEWOULDBLOCK", "Nothing can be done now without waiting."},
    {WSAEINPROGRESS, "WSAEINPROGRESS",
     "A callback is running on this thread; blocking calls are not allowed in it."},
    {WSAEALREADY, "WSAEALREADY", "An attempt on this socket has not completed yet."},
    {WSAENOTSOCK, "WSAENOTSOCK", "The descriptor is not a socket."},
    {WSAEDESTADDRREQ, "WSAEDESTADDRREQ", "A destination address is needed."},
    {WSAEMSGSIZE, "WSAEMSGSIZE", "The message is longer than the buffer or the transport allows."},
    {WSAEPROTOTYPE, "WSAEPROTOTYPE", "The protocol does not fit the socket type."},
    {WSAENOPROTOOPT, "WSAENOPROTOOPT", "The option is not known, or the transport does not have it."},
    {WSAEPROTONOSUPPORT, "WSAEPROTONOSUPPORT",
     "No entry offers this protocol, or the transport cannot carry the data."},
    {WSAESOCKTNOSUPPORT, "WSAESOCKTNOSUPPORT", "No entry offers this socket type."},
    {WSAEOPNOTSUPP, "WSAEOPNOTSUPP", "This kind of socket or transport does not support the operation."},
    {WSAEPFNOSUPPORT, "WSAEPFNOSUPPORT", "The protocol family is not supported."},
    {WSAEAFNOSUPPORT, "WSAEAFNOSUPPORT", "The address family does not fit."},
    {WSAEADDRINUSE, "WSAEADDRINUSE", "The local address is in use."},
    {WSAEADDRNOTAVAIL, "WSAEADDRNOTAVAIL", "The address is not valid here."},
    {WSAENETDOWN, "WSAENETDOWN", "The network, the device or the provider does not work."},
    {WSAENETUNREACH, "WSAENETUNREACH", "The network cannot be reached."},
    {WSAENETRESET, "WSAENETRESET", "The connection was dropped by the network."},
    {WSAECONNABORTED, "WSAECONNABORTED", "The connection failed and was ended on this side."},
    {WSAECONNRESET, "WSAECONNRESET", "The peer reset the connection."},
    {WSAENOBUFS, "WSAENOBUFS", "There is not enough buffer space."},
    {WSAEISCONN, "WSAEISCONN", "The socket is connected or joined already."},
    {WSAENOTCONN, "WSAENOTCONN", "The socket is not connected or joined."},
    {WSAESHUTDOWN, "WSAESHUTDOWN", "This direction of the socket was shut down."},
    {WSAETOOMANYREFS, "WSAETOOMANYREFS", "Too many references."},
    {WSAETIMEDOUT, "WSAETIMEDOUT", "There was no answer in time."},
    {WSAECONNREFUSED, "WSAECONNREFUSED", "The peer refused, or nobody listens there."},
    {WSAELOOP, "WSAELOOP", "The name cannot be translated."},
    {WSAENAMETOOLONG, "WSAENAMETOOLONG", "The name is too long."},
    {WSAEHOSTDOWN, "WSAEHOSTDOWN", "The host is down."},
    {WSAEHOSTUNREACH, "WSAEHOSTUNREACH", "The host cannot be reached."},
    {WSAENOTEMPTY, "WSAENOTEMPTY", "The directory is not empty."},
    {WSAEPROCLIM, "WSAEPROCLIM", "Too many processes use the transport."},
    {WSAEUSERS, "WSAEUSERS", "The user quota is used up."},
    {WSAEDQUOT, "WSAEDQUOT", "The disk quota is used up."},
    {WSAESTALE, "WSAESTALE", "The handle is stale."},
    {WSAEREMOTE, "WSAEREMOTE", "The item is not local."},
    {WSASYSNOTREADY, "WSASYSNOTREADY", "The runtime cannot start; its explanation says why."},
    {WSAVERNOTSUPPORTED, "WSAVERNOTSUPPORTED", "The version is not supported."},
    {WSANOTINITIALISED, "WSANOTINITIALISED", "WSAStartup has not succeeded yet."},
    {WSAEDISCON, "WSAEDISCON", "The peer has ended the session in order."},
    {WSAENOMORE, "WSAENOMORE", "There is nothing more."},
    {WSAECANCELLED, "WSAECANCELLED", "The call was cancelled."},
    {WSAEINVALIDPROCTABLE, "WSAEINVALIDPROCTABLE", "The provider's table lacks a function."},
    {WSAEINVALIDPROVIDER, "WSAEINVALIDPROVIDER", "The provider speaks another version."},
    {WSAEPROVIDERFAILEDINIT, "WSAEPROVIDERFAILEDINIT", "The provider could not be loaded or started."},
    {WSASYSCALLFAILURE, "WSASYSCALLFAILURE", "A system call failed that should not fail."},
    {WSASERVICE_NOT_FOUND, "WSASERVICE_NOT_FOUND", "The service is not known."},
    {WSATYPE_NOT_FOUND, "WSATYPE_NOT_FOUND", "The class is not known."},
    {WSA_E_NO_MORE, "WSA_E_NO_MORE", "There is nothing more."},
    {WSA_E_CANCELLED, "WSA_E_CANCELLED", "The call was cancelled."},
    {WSAEREFUSED, "WSAEREFUSED", "The query was refused."},
    {WSAHOST_NOT_FOUND, "WSAHOST_NOT_FOUND", "The host is not known."},
    {WSATRY_AGAIN, "WSATRY_AGAIN", "Not now: try again later, or the condition function deferred."},
    {WSANO_RECOVERY, "WSANO_RECOVERY", "The catalog or the name service failed for good."},
    {WSANO_DATA, "WSANO_DATA", "The name has no data of this kind."},
    {WSA_QOS_RECEIVERS, "WSA_QOS_RECEIVERS", "At least one reservation has arrived."},
    {WSA_QOS_SENDERS, "WSA_QOS_SENDERS", "At least one path message has arrived."},
    {WSA_QOS_NO_SENDERS, "WSA_QOS_NO_SENDERS", "There are no senders."},
    {WSA_QOS_NO_RECEIVERS, "WSA_QOS_NO_RECEIVERS", "There are no receivers."},
    {WSA_QOS_REQUEST_CONFIRMED, "WSA_QOS_REQUEST_CONFIRMED", "The reservation was confirmed."},
    {WSA_QOS_ADMISSION_FAILURE, "WSA_QOS_ADMISSION_FAILURE", "There are not enough resources."},
    {WSA_QOS_POLICY_FAILURE, "WSA_QOS_POLICY_FAILURE", "Policy forbids the reservation."},
    {WSA_QOS_BAD_STYLE, "WSA_QOS_BAD_STYLE", "The style is unknown or in conflict."},
    {WSA_QOS_BAD_OBJECT, "WSA_QOS_BAD_OBJECT", "Part of the filter or provider-specific data is wrong."},
    {WSA_QOS_TRAFFIC_CTRL_ERROR, "WSA_QOS_TRAFFIC_CTRL_ERROR", "Traffic control failed."},
    {WSA_QOS_GENERIC_ERROR, "WSA_QOS_GENERIC_ERROR", "Quality of service failed."},
    {WSA_QOS_ESERVICETYPE, "WSA_QOS_ESERVICETYPE", "The service type is wrong."},
    {WSA_QOS_EFLOWSPEC, "WSA_QOS_EFLOWSPEC", "The flow specification is wrong."},
    {WSA_QOS_EPROVSPECBUF, "WSA_QOS_EPROVSPECBUF", "The provider-specific buffer is wrong."},
    {WSA_QOS_EFILTERSTYLE, "WSA_QOS_EFILTERSTYLE", "The filter style is wrong."},
    {WSA_QOS_EFILTERTYPE, "WSA_QOS_EFILTERTYPE", "The filter type is wrong."},
    {WSA_QOS_EFILTERCOUNT, "WSA_QOS_EFILTERCOUNT", "The number of filters is wrong."},
    {WSA_QOS_EOBJLENGTH, "WSA_QOS_EOBJLENGTH", "The length of an object is wrong."},
    {WSA_QOS_EFLOWCOUNT, "WSA_QOS_EFLOWCOUNT", "The number of flow descriptors is wrong."},
    {WSA_QOS_EUNKOWNPSOBJ, "WSA_QOS_EUNKOWNPSOBJ", "A provider-specific object is unknown."},
    {WSA_QOS_EPOLICYOBJ, "WSA_QOS_EPOLICYOBJ", "The policy object is wrong."},
    {WSA_QOS_EFLOWDESC, "WSA_QOS_EFLOWDESC", "The flow descriptor is wrong."},
    {WSA_QOS_EPSFLOWSPEC, "WSA_QOS_EPSFLOWSPEC", "A provider-specific flow specification is wrong."},
    {WSA_QOS_EPSFILTERSPEC, "WSA_QOS_EPSFILTERSPEC", "A provider-specific filter is wrong."},
    {WSA_QOS_ESDMODEOBJ, "WSA_QOS_ESDMODEOBJ", "The shape-discard mode object is wrong."},
    {WSA_QOS_ESHAPERATEOBJ, "WSA_QOS_ESHAPERATEOBJ", "The shaping-rate object is wrong."},
    {WSA_QOS_RESERVED_PETYPE, "WSA_QOS_RESERVED_PETYPE",
     "A reserved policy element is in the provider-specific data."},
});

static_assert(std::is_sorted(known.begin(), known.end(),
                             [](const auto& a, const auto& b) { return a.code < b.code; }));

const known_error* find(int code) noexcept {
    const auto* const at = std::lower_bound(known.begin(), known.end(), code,
                                            [](const auto& one, int c) { return one.code < c; });
    return at != known.end() && at->code == code ? at : nullptr;
}

} // namespace

const char* jl_error_name(int code) {
    const auto* const one = find(code);
    return one == nullptr ? "unknown" : one->name;
}

const char* jl_error_text(int code) {
    const auto* const one = find(code);
    return one == nullptr ? "This is no Winsock error code." : one->text;
}
