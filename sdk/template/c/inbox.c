/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The provider `inbox`: messages between the processes of one user on one host. This file is what every provider has: its
 * facts, its options, its start-up.
 */
#define _GNU_SOURCE
#include "member.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <unistd.h>

const jl_host* inbox_host;

enum { ROW_DIRECTORY, ROW_RCVBUF, ROWS };

static const jl_option directory_option = {
    .struct_size = sizeof(jl_option),
    .type = JL_OPTION_TEXT,
    .key = "directory",
    .default_value = "/dev/shm",
    .help = "Folder for the list of a session's members; processes that shall meet need the same one.",
};
static const jl_option rcvbuf_option = {
    .struct_size = sizeof(jl_option),
    .type = JL_OPTION_SIZE,
    .key = "rcvbuf",
    .default_value = "4MiB",
    .help = "Room for messages that wait in a socket's inbox.",
    .minimum = 4096,
    .maximum = 1 << 30,
};
static const jl_option* const options[ROWS] = {
    [ROW_DIRECTORY] = &directory_option, [ROW_RCVBUF] = &rcvbuf_option};

static const jl_protocol messages = {
    .struct_size = sizeof(jl_protocol),
    .name = "messages",
    .service_flags = XP1_CONNECTIONLESS | XP1_MESSAGE_ORIENTED | XP1_SUPPORT_MULTIPOINT,
    .provider_flags = PFL_MATCHES_PROTOCOL_ZERO,
    .family = AF_INET,
    .socket_type = SOCK_DGRAM,
    .protocol = IPPROTO_UDP,
    .max_sockaddr = sizeof(struct sockaddr_in),
    .min_sockaddr = sizeof(struct sockaddr_in),
    .message_size = MESSAGE_SIZE,
};
static const jl_protocol* const protocols[] = {&messages};

static int32_t create(const jl_create* create, jl_instance** out) {
    const jl_value* const directory = create->values[ROW_DIRECTORY];
    jl_instance* instance;
    if (access(directory->text, R_OK | W_OK | X_OK) != 0) {
        const int32_t code = jl_wsa_error(errno);
        char sentence[512];
        snprintf(sentence, sizeof sentence, "%s: %s: %s", directory->where, directory->text, strerror(errno));
        inbox_host->explain(sentence);
        return code;
    }
    instance = calloc(1, sizeof *instance);
    if (instance == NULL || (instance->directory = strdup(directory->text)) == NULL) {
        free(instance);
        return WSAENOBUFS;
    }
    instance->rcvbuf = (int)create->values[ROW_RCVBUF]->number;
    *out = instance;
    return 0;
}

static void destroy(jl_instance* instance) {
    free(instance->directory);
    free(instance);
}

JL_PROVIDER_EXPORT int jl_provider_startup(uint32_t host_abi_min, uint32_t host_abi_max, const jl_host* host,
                                           jl_provider* out) {
    out->abi_min = JL_ABI_VERSION;
    out->abi_max = JL_ABI_VERSION;
    if (host_abi_min > JL_ABI_VERSION || JL_ABI_VERSION > host_abi_max) {
        return WSAVERNOTSUPPORTED;
    }
    inbox_host = host;
    out->name = "inbox-c";
    out->version = "1.0.0";
    out->summary = "Messages between the processes of one user on one host.";
    out->protocols = protocols;
    out->protocol_count = sizeof protocols / sizeof protocols[0];
    out->options = options;
    out->option_count = ROWS;
    out->ops = &inbox_ops;
    out->create = create;
    out->destroy = destroy;
    return 0;
}
