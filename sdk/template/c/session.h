/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One member's place in a session. A session is a small file that every member maps: a row of places, each with the port of its
 * member's inbox. A member holds a lock on its place, so that the kernel itself gives the place back when a process is killed.
 */
#ifndef INBOX_SESSION_H
#define INBOX_SESSION_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>

/* Chosen: a send costs one system call per place that is taken. */
#define SESSION_PLACES 64u

#define SESSION_SENTENCE_ROOM 512u

typedef struct session {
    char* path;
    int file;
    _Atomic uint32_t* places; /* shared memory: the port of each member who hears, else 0 */
    size_t mine;
} session;

/*
 * Takes a place in the session of that group, whose file is below directory. Returns 0 or a Winsock code: WSAENOBUFS when all places are
 * taken, WSAEACCES for another user's file, or the code of the errno; sentence then holds the reason.
 */
int32_t session_enter(session* self, const char* directory, const struct sockaddr_in* group,
                      char sentence[SESSION_SENTENCE_ROOM]);

/* Gives the place back; the last member takes the file away. */
void session_leave(session* self);

/* From now on the others send to this port; 0: they send nothing. */
void session_hear_at(session* self, uint16_t port);

/* The port of the member at that place; 0: nobody who hears. Safe from any thread and while members come and go. */
uint16_t session_port_at(const session* self, size_t place);

#endif
