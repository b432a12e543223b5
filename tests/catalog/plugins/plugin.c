/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A provider that moves no bytes: what the catalog looks at is all there, and one thing can be wrong with it.
 *
 *   ROWS_ROOTED       offers rooted, relayed, ordinary and hidden entries; without it two datagram entries
 *   ABI=n             is built for ABI version n only, and says so by WSAVERNOTSUPPORTED
 *   ABI_SILENT=n      the same, but answers 0
 *   SHORT_TABLE       its provider table ends before `create`
 *   SHORT_OPS         its function table ends before `stats`
 *   LONG_TABLE        its provider table is longer than the runtime's
 *   NULL_OP           has no function `rx`
 *   NO_OPS            has no function table
 *   STARTUP_CODE=n    answers n, with a sentence
 *   CREATE_CODE=n     create answers n, with a sentence
 *   UNRESOLVED        calls a function that nobody defines
 *   DOUBLE_NAME       two rows have the same name
 *   BAD_DEFAULT       an option's default is no value of its type
 *   OTHER_ENTRY       the entry function has another name
 */
#include <joinleaf/provider.h>

#include <stdio.h>
#include <string.h>

#ifndef NAME
#define NAME "testing"
#endif

static const jl_host* host_table;

static void note(const char* what, const char* name) {
    char line[200];
    snprintf(line, sizeof line, "%s %s", what, name);
    host_table->log(JL_LOG_DEBUG, line);
}

static int32_t no_open(jl_instance* instance, jl_handle* handle, jl_open* open, jl_endpoint** out) {
    (void)instance, (void)handle, (void)open, (void)out;
#ifdef PASSES_ON
    host_table->explain(NAME " has no multicast here");
    return WSAEINPROGRESS;
#else
    return WSAENOBUFS;
#endif
}

static int32_t no_bind(jl_endpoint* endpoint, const struct sockaddr* name, uint32_t length) {
    (void)endpoint, (void)name, (void)length;
    return WSAENOTSOCK;
}

static int32_t no_join(jl_endpoint* endpoint, const jl_join* join) {
    (void)endpoint, (void)join;
    return WSAENOTSOCK;
}

static int32_t no_tx(jl_endpoint* endpoint, jl_msg* messages, uint32_t count, uint32_t* done) {
    (void)endpoint, (void)messages, (void)count, (void)done;
    return WSAENOTSOCK;
}

#ifndef NULL_OP
static int32_t no_rx(jl_endpoint* endpoint, jl_msg* messages, uint32_t count, uint32_t* done, uint32_t* left) {
    (void)endpoint, (void)messages, (void)count, (void)done, (void)left;
    return WSAENOTSOCK;
}
#endif

static int32_t no_arm(jl_endpoint* endpoint, uint32_t direction, int32_t* code) {
    (void)endpoint, (void)direction, (void)code;
    return JL_ENDED;
}

static int32_t no_shutdown(jl_endpoint* endpoint, int32_t how) {
    (void)endpoint, (void)how;
    return WSAENOTSOCK;
}

static void no_close(jl_endpoint* endpoint, uint32_t how) {
    (void)endpoint, (void)how;
}

static int32_t no_name(jl_endpoint* endpoint, uint32_t peer, struct sockaddr* name, uint32_t* length) {
    (void)endpoint, (void)peer, (void)name, (void)length;
    return WSAENOTSOCK;
}

#ifndef SHORT_OPS
static void facts(jl_instance* instance, uint32_t protocol_index,
                  void (*fact)(void*, const char*, const char*), void* context) {
    const jl_create* arguments;
    memcpy(&arguments, &instance, sizeof arguments);
    fact(context, "instance", arguments->name);
    fact(context, "row", protocol_index == 0 ? "the first" : "another");
}
#endif

static const jl_ops functions = {
#ifdef SHORT_OPS
    .struct_size = offsetof(jl_ops, qos),
#else
    .struct_size = sizeof(jl_ops),
#endif
    .open = no_open,
    .bind = no_bind,
    .join = no_join,
    .tx = no_tx,
#ifndef NULL_OP
    .rx = no_rx,
#endif
    .arm = no_arm,
    .shutdown = no_shutdown,
    .close = no_close,
    .name = no_name,
#ifndef SHORT_OPS
    .facts = facts,
#endif
};

#ifdef ROWS_ROOTED
#define STREAM_FLAGS (XP1_GUARANTEED_DELIVERY | XP1_GUARANTEED_ORDER | XP1_GRACEFUL_CLOSE)
static const jl_protocol rows[] = {
    {.struct_size = sizeof(jl_protocol),
     .name = "rooted",
     .service_flags = STREAM_FLAGS | XP1_CONNECT_DATA | XP1_SUPPORT_MULTIPOINT |
                      XP1_MULTIPOINT_CONTROL_PLANE | XP1_MULTIPOINT_DATA_PLANE,
     .provider_flags = PFL_MULTIPLE_PROTO_ENTRIES,
     .family = AF_INET,
     .socket_type = SOCK_STREAM,
     .protocol = IPPROTO_TCP,
     .max_sockaddr = 16,
     .min_sockaddr = 16,
     .caller_data_max = 1024,
     .callee_data_max = 512,
     .abilities = JL_CAN_INVITE | JL_CAN_ASK},
    {.struct_size = sizeof(jl_protocol),
     .name = "relayed",
     .service_flags = STREAM_FLAGS | XP1_SUPPORT_MULTIPOINT | XP1_MULTIPOINT_CONTROL_PLANE,
     .provider_flags = PFL_MULTIPLE_PROTO_ENTRIES,
     .family = AF_INET,
     .socket_type = SOCK_STREAM,
     .protocol = IPPROTO_TCP,
     .max_sockaddr = 16,
     .min_sockaddr = 16,
     .abilities = JL_CAN_INVITE},
    {.struct_size = sizeof(jl_protocol),
     .name = "ordinary",
     .service_flags = STREAM_FLAGS,
     .provider_flags = PFL_MATCHES_PROTOCOL_ZERO,
     .family = AF_INET,
     .socket_type = SOCK_STREAM,
     .protocol = IPPROTO_TCP,
     .max_sockaddr = 16,
     .min_sockaddr = 16,
     .abilities = JL_CAN_MIX_ORDINARY},
    {.struct_size = sizeof(jl_protocol),
#ifdef DOUBLE_NAME
     .name = "ordinary",
#else
     .name = "hidden",
#endif
     .service_flags = XP1_SUPPORT_MULTIPOINT | XP1_MESSAGE_ORIENTED,
     .provider_flags = PFL_HIDDEN,
     .family = AF_INET6,
     .socket_type = SOCK_RDM,
     .protocol = 200,
     .protocol_max_offset = 5,
     .max_sockaddr = 28,
     .min_sockaddr = 28,
     .message_size = 0xFFFFFFFFu,
     .abilities = JL_CAN_MIX_ORDINARY},
};
#define ROW_COUNT 4
static const jl_protocol* const row_table[] = {&rows[0], &rows[1], &rows[2], &rows[3]};
#else
#define DATAGRAM_FLAGS                                                                                       \
    (XP1_CONNECTIONLESS | XP1_MESSAGE_ORIENTED | XP1_SUPPORT_BROADCAST | XP1_SUPPORT_MULTIPOINT)
static const jl_protocol rows[] = {
    {.struct_size = sizeof(jl_protocol),
     .name = "ipv4",
     .service_flags = DATAGRAM_FLAGS,
     .provider_flags = PFL_MATCHES_PROTOCOL_ZERO,
     .family = AF_INET,
     .socket_type = SOCK_DGRAM,
     .protocol = IPPROTO_UDP,
     .max_sockaddr = 16,
     .min_sockaddr = 16,
     .message_size = 65507,
     .abilities = JL_CAN_MIX_ORDINARY},
    {.struct_size = sizeof(jl_protocol),
     .name = "ipv6",
     .service_flags = DATAGRAM_FLAGS,
     .provider_flags = PFL_MATCHES_PROTOCOL_ZERO,
     .family = AF_INET6,
     .socket_type = SOCK_DGRAM,
     .protocol = IPPROTO_UDP,
     .max_sockaddr = 28,
     .min_sockaddr = 28,
     .message_size = 65507,
     .abilities = JL_CAN_MIX_ORDINARY},
};
#define ROW_COUNT 2
static const jl_protocol* const row_table[] = {&rows[0], &rows[1]};
#endif

#define OPTION(TYPE, KEY, DEFAULT, ...)                                                                      \
    {                                                                                                        \
        .struct_size = sizeof(jl_option), .type = (TYPE), .key = (KEY), .default_value = (DEFAULT),          \
        .help = "For tests.", __VA_ARGS__                                                                    \
    }

static const jl_option option_rows[] = {
    OPTION(JL_OPTION_BOOL, "loop", "true", .choices = NULL),
#ifdef BAD_DEFAULT
    OPTION(JL_OPTION_INTEGER, "ttl", "many", .minimum = 1, .maximum = 255),
#else
    OPTION(JL_OPTION_INTEGER, "ttl", "1", .minimum = 1, .maximum = 255),
#endif
    OPTION(JL_OPTION_SIZE, "rcvbuf", "4MiB", .minimum = 4096, .maximum = INT64_MAX),
    OPTION(JL_OPTION_DURATION, "timeout", "5s", .minimum = 1000000, .maximum = 3600000000000),
    OPTION(JL_OPTION_RATE, "rate", NULL, .choices = NULL),
    OPTION(JL_OPTION_TEXT, "interface", NULL, .choices = NULL),
    OPTION(JL_OPTION_CHOICE, "engine", "auto", .choices = "auto|verbs|ofi"),
    OPTION(JL_OPTION_LIST, "sources", "[a, b]", .choices = NULL),
};
#define OPTION_COUNT 8
static const jl_option* const option_table[] = {&option_rows[0], &option_rows[1], &option_rows[2],
                                                &option_rows[3], &option_rows[4], &option_rows[5],
                                                &option_rows[6], &option_rows[7]};

static int32_t create(const jl_create* arguments, jl_instance** out) {
#ifdef UNRESOLVED
    extern void jl_nobody_defines_this(void);
    jl_nobody_defines_this();
#endif
#ifdef CREATE_CODE
    (void)out;
    host_table->explain("there is no such device");
    note("refuse", arguments->name);
    return CREATE_CODE;
#else
    note("create", arguments->name);
    memcpy(out, &arguments, sizeof *out);
    return 0;
#endif
}

static void destroy(jl_instance* instance) {
    const jl_create* arguments;
    memcpy(&arguments, &instance, sizeof arguments);
    note("destroy", arguments->name);
}

#ifdef OTHER_ENTRY
#define jl_provider_startup jl_provider_begin
#endif

JL_PROVIDER_EXPORT int jl_provider_startup(uint32_t host_abi_min, uint32_t host_abi_max, const jl_host* host,
                                           jl_provider* out);

int jl_provider_startup(uint32_t host_abi_min, uint32_t host_abi_max, const jl_host* host, jl_provider* out) {
    host_table = host;
    out->abi_min = JL_ABI_VERSION;
    out->abi_max = JL_ABI_VERSION;
#if defined(ABI)
    out->abi_min = ABI;
    out->abi_max = ABI;
#elif defined(ABI_SILENT)
    out->abi_min = ABI_SILENT;
    out->abi_max = ABI_SILENT;
    host_abi_max = ABI_SILENT;
#endif
    if (host_abi_min > out->abi_max || host_abi_max < out->abi_min) {
        return WSAVERNOTSUPPORTED;
    }
    out->name = NAME;
    out->version = "1.2.3";
    out->summary = "moves no bytes";
    out->protocols = row_table;
    out->protocol_count = ROW_COUNT;
    out->options = option_table;
    out->option_count = OPTION_COUNT;
#ifndef NO_OPS
    out->ops = &functions;
#endif
    out->create = create;
    out->destroy = destroy;
#if defined(SHORT_TABLE)
    out->struct_size = offsetof(jl_provider, create);
#elif defined(LONG_TABLE)
    out->struct_size = sizeof(jl_provider) + 64;
    memset((char*)out + sizeof(jl_provider), 0x5A, 64);
#else
    out->struct_size = sizeof(jl_provider);
#endif
    (void)functions;
#ifdef STARTUP_CODE
    host->explain("the licence has expired");
    return STARTUP_CODE;
#else
    note("startup", NAME);
    return 0;
#endif
}
