/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "session.h"

#include <joinleaf/provider.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_SIZE (SESSION_PLACES * sizeof(uint32_t))

/* A last member holds all places for the instant in which it takes the file away. A newcomer who meets it looks again that many times. */
#define ATTEMPTS 100

static int32_t refused(int error, const session* self, const char* what, char* sentence) {
    snprintf(sentence, SESSION_SENTENCE_ROOM, "%s: %s: %s", self->path, what, strerror(error));
    return jl_wsa_error(error);
}

/* A lock of this open file, which ends with it; asks, never waits. */
static int set_lock(const session* self, short type, size_t place, size_t count) {
    struct flock range = {0};
    range.l_type = type;
    range.l_whence = SEEK_SET;
    range.l_start = (off_t)place;
    range.l_len = (off_t)count;
    return fcntl(self->file, F_OFD_SETLK, &range) == 0;
}

static int held_as_a_whole(const session* self) {
    struct flock range = {0};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    range.l_len = (off_t)SESSION_PLACES;
    return fcntl(self->file, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK && range.l_start == 0 &&
           range.l_len == (off_t)SESSION_PLACES;
}

static int still_has_its_name(const session* self) {
    struct stat facts;
    return fstat(self->file, &facts) == 0 && facts.st_nlink > 0;
}

/* Per user and per network namespace, because 127.0.0.1 is per namespace as well. */
static char* session_path(const char* directory, const struct sockaddr_in* group) {
    struct stat network = {0};
    char address[INET_ADDRSTRLEN] = "";
    const size_t room = strlen(directory) + 128;
    char* const path = malloc(room);
    if (path == NULL) {
        return NULL;
    }
    (void)stat("/proc/self/ns/net", &network);
    (void)inet_ntop(AF_INET, &group->sin_addr, address, sizeof address);
    snprintf(path, room, "%s/joinleaf-inbox-%u-%llu-%s-%u", directory, (unsigned)geteuid(),
             (unsigned long long)network.st_ino, address, (unsigned)ntohs(group->sin_port));
    return path;
}

static void let_go(session* self) {
    if (self->places != NULL) {
        munmap((void*)self->places, FILE_SIZE);
        self->places = NULL;
    }
    if (self->file >= 0) {
        close(self->file);
        self->file = -1;
    }
}

static int32_t map_file(session* self, char* sentence) {
    struct stat facts;
    void* memory;
    self->file = open(self->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (self->file < 0 || fstat(self->file, &facts) != 0) {
        return refused(errno, self, "cannot be opened", sentence);
    }
    if (facts.st_uid != geteuid() || !S_ISREG(facts.st_mode)) {
        snprintf(sentence, SESSION_SENTENCE_ROOM, "%s: is not a file of this user", self->path);
        return WSAEACCES;
    }
    if (ftruncate(self->file, (off_t)FILE_SIZE) != 0) {
        return refused(errno, self, "cannot be given its size", sentence);
    }
    memory = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, self->file, 0);
    if (memory == MAP_FAILED) {
        return refused(errno, self, "cannot be mapped", sentence);
    }
    self->places = memory;
    return 0;
}

static int take_place(session* self) {
    self->mine = SESSION_PLACES;
    for (size_t place = 0; place < SESSION_PLACES; ++place) {
        const int found = self->mine < SESSION_PLACES;
        if ((found && session_port_at(self, place) == 0) || !set_lock(self, F_WRLCK, place, 1)) {
            continue;
        }
        /* Nobody holds this place: what it says was left behind by a member that was killed. */
        atomic_store(&self->places[place], 0);
        if (found) {
            set_lock(self, F_UNLCK, place, 1);
        } else {
            self->mine = place;
        }
    }
    return self->mine < SESSION_PLACES && still_has_its_name(self);
}

/* 1: in; 0: look again; -1: full. */
static int try_once(session* self, char* sentence, int32_t* code) {
    *code = map_file(self, sentence);
    if (*code != 0) {
        return -1;
    }
    if (take_place(self)) {
        return 1;
    }
    if (still_has_its_name(self) && !held_as_a_whole(self)) {
        return -1;
    }
    let_go(self);
    sched_yield();
    return 0;
}

int32_t session_enter(session* self, const char* directory, const struct sockaddr_in* group,
                      char sentence[SESSION_SENTENCE_ROOM]) {
    int32_t code = WSAENOBUFS;
    int result = 0;
    *self = (session){.path = session_path(directory, group), .file = -1};
    sentence[0] = '\0';
    for (int attempt = 0; self->path != NULL && attempt < ATTEMPTS && result == 0; ++attempt) {
        result = try_once(self, sentence, &code);
    }
    if (result == 1) {
        return 0;
    }
    if (code == 0) {
        snprintf(sentence, SESSION_SENTENCE_ROOM, "%s: all %u places of the session are taken", self->path,
                 SESSION_PLACES);
        code = WSAENOBUFS;
    }
    let_go(self);
    free(self->path);
    return code;
}

void session_leave(session* self) {
    atomic_store(&self->places[self->mine], 0);
    /* Holding every place is proof that nobody else is there and that nobody can come meanwhile. */
    if (set_lock(self, F_WRLCK, 0, SESSION_PLACES) && still_has_its_name(self)) {
        unlink(self->path);
    }
    let_go(self);
    free(self->path);
}

void session_hear_at(session* self, uint16_t port) {
    atomic_store(&self->places[self->mine], port);
}

uint16_t session_port_at(const session* self, size_t place) {
    return (uint16_t)atomic_load_explicit(&self->places[place], memory_order_relaxed);
}
