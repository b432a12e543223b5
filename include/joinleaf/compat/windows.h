// SPDX-License-Identifier: Apache-2.0
/*
 * The few parts of windows.h that a console socket program needs, on this host: basic types, time, the last
 * error, memory, critical sections, atomic counters. Every name here works as on Windows, or its comment says
 * how it differs; what is not here is not offered.
 *
 * WCHAR is a UTF-16 unit and TEXT("...") a u"..." literal under UNICODE; L"..." literals are the host's
 * 32-bit wchar_t.
 */
#ifndef JOINLEAF_COMPAT_WINDOWS_H
#define JOINLEAF_COMPAT_WINDOWS_H

/* A strict C11 compiler hides POSIX names unless they are asked for before the first host header. */
#if !defined(_FEATURES_H) && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE 1
#endif

#include <joinleaf/winsock2.h>

#if !defined(__USE_MISC)
#error "windows.h of joinleaf needs POSIX names: compile with -std=gnu11 or with -D_DEFAULT_SOURCE"
#endif

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define VOID void
#define CONST const
#define IN
#define OUT
#define OPTIONAL

#ifndef WINAPI
#define WINAPI
#endif
#ifndef APIENTRY
#define APIENTRY
#endif
/* clang knows these as keywords; both compilers have one calling convention here. */
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wkeyword-macro"
#endif
#define __cdecl
#define _cdecl
#define __stdcall
#define _stdcall
#define __fastcall
#ifdef __clang__
#pragma clang diagnostic pop
#endif
#define __int64 long long

typedef unsigned char BOOLEAN;
typedef long long INT64, LONG64, LONGLONG;
typedef unsigned long long UINT64, ULONG64, DWORD64, ULONGLONG;
typedef int32_t INT32, LONG32;
typedef uint32_t UINT32, ULONG32, DWORD32;
typedef int16_t INT16;
typedef uint16_t UINT16;
typedef int8_t INT8;
typedef uint8_t UINT8;
typedef float FLOAT;
typedef double DOUBLE;
typedef size_t SIZE_T, *PSIZE_T;
typedef intptr_t SSIZE_T;
typedef short* PSHORT;
typedef USHORT* PUSHORT;
typedef UCHAR* PUCHAR;
typedef BOOLEAN* PBOOLEAN;
typedef ULONGLONG* PULONGLONG;
typedef LONG_PTR LRESULT;

/* A 64-bit count; u gives its halves. */
typedef union LARGE_INTEGER {
    struct {
        DWORD LowPart;
        LONG HighPart;
    } u;
    LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

#ifdef UNICODE
typedef WCHAR TCHAR, *PTCHAR, *LPTSTR;
typedef const WCHAR* LPCTSTR;
#define JL_UTF16_TEXT(literal) u##literal
#define TEXT(literal) JL_UTF16_TEXT(literal)
#else
typedef CHAR TCHAR, *PTCHAR, *LPTSTR;
typedef const CHAR* LPCTSTR;
#define TEXT(literal) literal
#endif

#define MAX_PATH 260
#define INFINITE 0xffffffffu
#define INVALID_HANDLE_VALUE ((HANDLE)(LONG_PTR)-1)

/* System error codes that the socket calls and the functions below use. */
#define NO_ERROR 0
#define ERROR_SUCCESS 0
#define ERROR_INVALID_HANDLE 6
#define ERROR_NOT_ENOUGH_MEMORY 8
#define ERROR_INVALID_PARAMETER 87
#define ERROR_OPERATION_ABORTED 995
#define ERROR_IO_INCOMPLETE 996
#define ERROR_IO_PENDING 997

#define WAIT_OBJECT_0 0x0u
#define WAIT_IO_COMPLETION 0xc0u
#define WAIT_TIMEOUT 0x102u
#define WAIT_FAILED 0xffffffffu

#define ZeroMemory(target, size) memset((target), 0, (size))
#define FillMemory(target, size, byte) memset((target), (byte), (size))
#define CopyMemory(target, source, size) memcpy((target), (source), (size))
#define MoveMemory(target, source, size) memmove((target), (source), (size))

#if !defined(__cplusplus) && !defined(NOMINMAX)
#ifndef max
#define max(a, b) (((a) > (b)) ? (a) : (b))
#endif
#ifndef min
#define min(a, b) (((a) < (b)) ? (a) : (b))
#endif
#endif

#define _stricmp strcasecmp
#define _strnicmp strncasecmp
#define stricmp strcasecmp
#define strnicmp strncasecmp
#define _strdup strdup

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The calling thread's last error, the same as WSAGetLastError's.
 * [any]
 */
static inline DWORD GetLastError(void) {
    return JL_CAST(DWORD, WSAGetLastError());
}

/*
 * Sets the calling thread's last error.
 * [any]
 */
static inline void SetLastError(DWORD error) {
    WSASetLastError(JL_CAST(int, error));
}

/*
 * Sleeps for so many milliseconds, at least; signals do not shorten it. INFINITE never returns.
 * [any]
 */
static inline void Sleep(DWORD milliseconds) {
    do {
        struct timespec left = {JL_CAST(time_t, milliseconds / 1000u),
                                JL_CAST(long, milliseconds % 1000u) * 1000000L};
        while (nanosleep(&left, &left) != 0) {}
    } while (milliseconds == INFINITE);
}

/*
 * Milliseconds of a clock that only goes forward.
 * [any]
 */
static inline ULONGLONG GetTickCount64(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return JL_CAST(ULONGLONG, now.tv_sec) * 1000u + JL_CAST(ULONGLONG, now.tv_nsec) / 1000000u;
}

/*
 * GetTickCount64 in 32 bits; wraps after 49.7 days.
 * [any]
 */
static inline DWORD GetTickCount(void) {
    return JL_CAST(DWORD, GetTickCount64() & 0xffffffffu);
}

/*
 * The same clock in nanoseconds.
 * [any]
 */
static inline BOOL QueryPerformanceCounter(LARGE_INTEGER* count) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    count->QuadPart = JL_CAST(LONGLONG, now.tv_sec) * 1000000000 + JL_CAST(LONGLONG, now.tv_nsec);
    return TRUE;
}

/*
 * Counts per second of QueryPerformanceCounter.
 * [any]
 */
static inline BOOL QueryPerformanceFrequency(LARGE_INTEGER* frequency) {
    frequency->QuadPart = 1000000000;
    return TRUE;
}

/*
 * Ends the process as exit does.
 * [any]
 */
__attribute__((noreturn)) static inline void ExitProcess(UINT code) {
    exit(JL_CAST(int, code));
}

#define HEAP_NO_SERIALIZE 0x1u
#define HEAP_ZERO_MEMORY 0x8u

/* Stands before each block of HeapAlloc, to know its size; as long as the strictest alignment. */
typedef union jl_heap_block {
    size_t size;
    max_align_t alignment;
} jl_heap_block;

/*
 * The one heap of the process; never fails and is not to be freed.
 * [any]
 */
static inline HANDLE GetProcessHeap(void) {
    static char heap;
    return &heap;
}

/*
 * size bytes that belong to the caller until HeapFree; zeroed with HEAP_ZERO_MEMORY. NULL: no memory.
 * [any]
 */
static inline LPVOID HeapAlloc(HANDLE heap, DWORD flags, SIZE_T size) {
    (void)heap;
    if (size > JL_CAST(size_t, -1) - sizeof(jl_heap_block)) {
        return NULL;
    }
    const size_t whole = sizeof(jl_heap_block) + size;
    jl_heap_block* const block =
        JL_CAST(jl_heap_block*, (flags & HEAP_ZERO_MEMORY) != 0 ? calloc(1, whole) : malloc(whole));
    if (block == NULL) {
        return NULL;
    }
    block->size = size;
    return block + 1;
}

/*
 * The size a block of HeapAlloc was asked with, in bytes.
 * [any]
 */
static inline SIZE_T HeapSize(HANDLE heap, DWORD flags, LPCVOID memory) {
    (void)heap;
    (void)flags;
    return (JL_CAST(const jl_heap_block*, memory) - 1)->size;
}

/*
 * Frees a block of HeapAlloc; NULL is fine.
 * [any]
 */
static inline BOOL HeapFree(HANDLE heap, DWORD flags, LPVOID memory) {
    (void)heap;
    (void)flags;
    if (memory != NULL) {
        free(JL_CAST(jl_heap_block*, memory) - 1);
    }
    return TRUE;
}

/*
 * Moves a block of HeapAlloc to one of size bytes; HEAP_ZERO_MEMORY zeroes what it grows by. NULL: no
 * memory, the block stays.
 * [any]
 */
static inline LPVOID HeapReAlloc(HANDLE heap, DWORD flags, LPVOID memory, SIZE_T size) {
    LPVOID const moved = memory == NULL ? NULL : HeapAlloc(heap, flags, size);
    if (moved != NULL) {
        const size_t former = HeapSize(heap, 0, memory);
        memcpy(moved, memory, former < size ? former : size);
        HeapFree(heap, 0, memory);
    }
    return moved;
}

/* A lock that its owner may take again. */
typedef struct CRITICAL_SECTION {
    pthread_mutex_t mutex;
} CRITICAL_SECTION, *PCRITICAL_SECTION, *LPCRITICAL_SECTION;

/*
 * Makes the lock ready; DeleteCriticalSection ends it.
 * [any]
 */
static inline void InitializeCriticalSection(LPCRITICAL_SECTION section) {
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&section->mutex, &kind);
    pthread_mutexattr_destroy(&kind);
}

/*
 * InitializeCriticalSection; the spin count is a hint that is not needed here.
 * [any]
 */
static inline BOOL InitializeCriticalSectionAndSpinCount(LPCRITICAL_SECTION section, DWORD spin_count) {
    (void)spin_count;
    InitializeCriticalSection(section);
    return TRUE;
}

/*
 * Takes the lock; waits while another thread has it.
 * [any]
 */
static inline void EnterCriticalSection(LPCRITICAL_SECTION section) {
    pthread_mutex_lock(&section->mutex);
}

/*
 * Takes the lock if no other thread has it.
 * [any]
 */
static inline BOOL TryEnterCriticalSection(LPCRITICAL_SECTION section) {
    return pthread_mutex_trylock(&section->mutex) == 0 ? TRUE : FALSE;
}

/*
 * Gives the lock back, once for each time it was taken.
 * [any]
 */
static inline void LeaveCriticalSection(LPCRITICAL_SECTION section) {
    pthread_mutex_unlock(&section->mutex);
}

/*
 * Ends a lock that nobody has.
 * [any]
 */
static inline void DeleteCriticalSection(LPCRITICAL_SECTION section) {
    pthread_mutex_destroy(&section->mutex);
}

/*
 * Adds one, atomically and as a full barrier like the others; returns the new value.
 * [any]
 */
static inline LONG InterlockedIncrement(LONG volatile* value) {
    return __atomic_add_fetch(value, 1, __ATOMIC_SEQ_CST);
}

/*
 * Takes one off; returns the new value.
 * [any]
 */
static inline LONG InterlockedDecrement(LONG volatile* value) {
    return __atomic_sub_fetch(value, 1, __ATOMIC_SEQ_CST);
}

/*
 * Adds; returns the former value.
 * [any]
 */
static inline LONG InterlockedExchangeAdd(LONG volatile* value, LONG added) {
    return __atomic_fetch_add(value, added, __ATOMIC_SEQ_CST);
}

/*
 * Stores; returns the former value.
 * [any]
 */
static inline LONG InterlockedExchange(LONG volatile* value, LONG stored) {
    return __atomic_exchange_n(value, stored, __ATOMIC_SEQ_CST);
}

/*
 * Stores if the value is the expected one; returns the former value.
 * [any]
 */
static inline LONG InterlockedCompareExchange(LONG volatile* value, LONG stored, LONG expected) {
    __atomic_compare_exchange_n(value, &expected, stored, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return expected;
}

/*
 * vsnprintf with Windows' answer to a text that does not fit: -1. The buffer is always ended by a zero.
 * [any]
 */
static inline int _vsnprintf(char* buffer, size_t size, const char* format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
static inline int _vsnprintf(char* buffer, size_t size, const char* format, va_list arguments) {
    const int length = vsnprintf(buffer, size, format, arguments);
    return length < 0 || JL_CAST(size_t, length) >= size ? -1 : length;
}

/*
 * _vsnprintf of its further arguments.
 * [any]
 */
static inline int _snprintf(char* buffer, size_t size, const char* format, ...)
    __attribute__((format(printf, 3, 4)));
static inline int _snprintf(char* buffer, size_t size, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = _vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

#ifdef __cplusplus
}
#endif

#endif /* JOINLEAF_COMPAT_WINDOWS_H */
