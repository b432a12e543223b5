// SPDX-License-Identifier: Apache-2.0
/*
 * The few parts of windows.h that a console socket program needs, on this host: basic types, time, the last
 * error and its text, memory, threads, waitable objects, critical sections, atomic counters. Every name here
 * works as on Windows, or its comment says how it differs; what is not here is not offered.
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

#include <joinleaf/ext.h>
#include <joinleaf/kernel_objects.h>
#include <joinleaf/mswsock.h> /* LARGE_INTEGER */
#include <joinleaf/winsock2.h>

#include <joinleaf/overlapped.h>

#include "ioapiset.h"

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
/* What a declaration's attribute is called here; dllimport and dllexport have nothing to say. */
#define __declspec(attribute) JL_DECLSPEC_##attribute
#define JL_DECLSPEC_dllexport
#define JL_DECLSPEC_dllimport
#define JL_DECLSPEC_noinline __attribute__((noinline))
#define JL_DECLSPEC_noreturn __attribute__((noreturn))
#define JL_DECLSPEC_selectany __attribute__((weak))
#define JL_DECLSPEC_thread __thread
#define JL_DECLSPEC_align(bytes) __attribute__((aligned(bytes)))

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

#define UNREFERENCED_PARAMETER(parameter) ((void)(parameter))
#define MAX_PATH 260
#define INFINITE 0xffffffffu

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
#define WAIT_ABANDONED 0x80u
#define WAIT_ABANDONED_0 0x80u
#define MAXIMUM_WAIT_OBJECTS WSA_MAXIMUM_WAIT_EVENTS
#define STILL_ACTIVE JL_STILL_ACTIVE
#define CREATE_SUSPENDED 0x4u
#define ERROR_NOT_OWNER 288

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
 * Sleep that completion routines and queued calls end with WAIT_IO_COMPLETION, if alertable.
 * [any]
 */
static inline DWORD SleepEx(DWORD milliseconds, BOOL alertable) {
    return jl_sleep_ex(milliseconds, alertable);
}

/*
 * Queues a call to a thread, which runs it in its next alertable wait. 0: ERROR_INVALID_PARAMETER,
 * ERROR_INVALID_HANDLE.
 * [any]
 */
static inline DWORD QueueUserAPC(PAPCFUNC function, HANDLE thread, ULONG_PTR argument) {
    return jl_queue_user_apc(function, thread, argument);
}

/*
 * Stands for whichever thread uses it; not to be closed.
 * [any]
 */
static inline HANDLE GetCurrentThread(void) {
    return jl_current_thread();
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

#define GMEM_FIXED 0x0u
#define GMEM_ZEROINIT 0x40u
#define GPTR GMEM_ZEROINIT
#define LMEM_FIXED 0x0u
#define LMEM_ZEROINIT 0x40u
#define LPTR LMEM_ZEROINIT
typedef HANDLE HLOCAL, HGLOBAL;

/*
 * size bytes that belong to the caller until LocalFree. NULL: no memory.
 * [any]
 */
static inline HLOCAL LocalAlloc(UINT flags, SIZE_T size) {
    return (flags & LMEM_ZEROINIT) != 0 ? calloc(1, size == 0 ? 1 : size) : malloc(size == 0 ? 1 : size);
}

/*
 * Frees memory of LocalAlloc, GlobalAlloc or FormatMessage; NULL is fine. Always NULL.
 * [any]
 */
static inline HLOCAL LocalFree(HLOCAL memory) {
    free(memory);
    return NULL;
}
#define GlobalAlloc LocalAlloc
#define GlobalFree LocalFree

/* Threads and waitable objects. Names of objects, which other processes could open, are not offered. */

/* Who may use an object; the functions below take NULL or one of these and look at nothing in it. */
typedef struct SECURITY_ATTRIBUTES {
    DWORD nLength;
    LPVOID lpSecurityDescriptor;
    BOOL bInheritHandle;
} SECURITY_ATTRIBUTES, *PSECURITY_ATTRIBUTES, *LPSECURITY_ATTRIBUTES;

typedef jl_thread_start LPTHREAD_START_ROUTINE, PTHREAD_START_ROUTINE;

/*
 * Starts a thread; flags: 0 or CREATE_SUSPENDED. The handle is signaled when the thread has ended; closing it
 * does not end the thread. NULL: ERROR_INVALID_PARAMETER, ERROR_NOT_ENOUGH_MEMORY.
 * [any]
 */
static inline HANDLE CreateThread(LPSECURITY_ATTRIBUTES attributes, SIZE_T stack,
                                  LPTHREAD_START_ROUTINE start, LPVOID argument, DWORD flags, LPDWORD id) {
    (void)attributes;
    return jl_create_thread(start, argument, stack, (flags & CREATE_SUSPENDED) != 0 ? TRUE : FALSE, id);
}
#define ResumeThread jl_resume_thread
#define GetExitCodeThread jl_get_exit_code_thread
#define ExitThread jl_exit_thread

#define GetCurrentThreadId jl_current_thread_id
#define GetCurrentProcessId jl_current_process_id

/* Answers NULL for an object with a name, for there is no place that other processes could find it in. */
static inline HANDLE jl_without_name(HANDLE made, LPCVOID name) {
    if (name == NULL || made == NULL) {
        return made;
    }
    WSACloseEvent(made);
    WSASetLastError(ERROR_INVALID_PARAMETER);
    return NULL;
}

/*
 * An event, which WSAEventSelect and an overlapped call take as well. manual FALSE: WaitForSingleObject and
 * WaitForMultipleObjects reset it, WSAWaitForMultipleEvents does not. name: NULL.
 * [any]
 */
static inline HANDLE CreateEventA(LPSECURITY_ATTRIBUTES attributes, BOOL manual, BOOL set, LPCSTR name) {
    (void)attributes;
    return jl_without_name(jl_create_event(manual, set), name);
}
static inline HANDLE CreateEventW(LPSECURITY_ATTRIBUTES attributes, BOOL manual, BOOL set, LPCWSTR name) {
    (void)attributes;
    return jl_without_name(jl_create_event(manual, set), name);
}
#define SetEvent WSASetEvent
#define ResetEvent WSAResetEvent

/*
 * A semaphore. name: NULL.
 * [any]
 */
static inline HANDLE CreateSemaphoreA(LPSECURITY_ATTRIBUTES attributes, LONG count, LONG maximum,
                                      LPCSTR name) {
    (void)attributes;
    return jl_without_name(jl_create_semaphore(count, maximum), name);
}
static inline HANDLE CreateSemaphoreW(LPSECURITY_ATTRIBUTES attributes, LONG count, LONG maximum,
                                      LPCWSTR name) {
    (void)attributes;
    return jl_without_name(jl_create_semaphore(count, maximum), name);
}
#define ReleaseSemaphore jl_release_semaphore

/*
 * A mutex. name: NULL.
 * [any]
 */
static inline HANDLE CreateMutexA(LPSECURITY_ATTRIBUTES attributes, BOOL owned, LPCSTR name) {
    (void)attributes;
    return jl_without_name(jl_create_mutex(owned), name);
}
static inline HANDLE CreateMutexW(LPSECURITY_ATTRIBUTES attributes, BOOL owned, LPCWSTR name) {
    (void)attributes;
    return jl_without_name(jl_create_mutex(owned), name);
}
#define ReleaseMutex jl_release_mutex

/*
 * Closes a handle of an event, a semaphore, a mutex, a thread or a completion port, or a SOCKET. FALSE:
 * ERROR_INVALID_HANDLE.
 * [any]
 */
static inline BOOL CloseHandle(HANDLE object) {
    return jl_close_handle(object);
}

#ifdef UNICODE
#define CreateEvent CreateEventW
#define CreateSemaphore CreateSemaphoreW
#define CreateMutex CreateMutexW
#else
#define CreateEvent CreateEventA
#define CreateSemaphore CreateSemaphoreA
#define CreateMutex CreateMutexA
#endif

#define WaitForMultipleObjects jl_wait_for_objects

/*
 * WaitForMultipleObjects for one.
 * [any]
 */
static inline DWORD WaitForSingleObject(HANDLE object, DWORD milliseconds) {
    return jl_wait_for_objects(1, &object, FALSE, milliseconds);
}

/* The text of an error code. */

#define FORMAT_MESSAGE_ALLOCATE_BUFFER 0x100u
#define FORMAT_MESSAGE_IGNORE_INSERTS 0x200u
#define FORMAT_MESSAGE_FROM_SYSTEM 0x1000u
#define FORMAT_MESSAGE_MAX_WIDTH_MASK 0xffu
#define LANG_NEUTRAL 0x0u
#define SUBLANG_DEFAULT 0x1u
#define MAKELANGID(primary, sub) ((((WORD)(sub)) << 10) | (WORD)(primary))

/*
 * One English sentence and a line feed for a Winsock code into buffer, of size characters; with
 * FORMAT_MESSAGE_ALLOCATE_BUFFER buffer is the address of a pointer, and the text goes to LocalFree. Returns its
 * length. 0: ERROR_INVALID_PARAMETER (not FORMAT_MESSAGE_FROM_SYSTEM), ERROR_NOT_ENOUGH_MEMORY (too little room).
 * [any]
 */
static inline DWORD FormatMessageA(DWORD flags, LPCVOID source, DWORD code, DWORD language, LPSTR buffer,
                                   DWORD size, va_list* arguments) {
    (void)source;
    (void)language;
    (void)arguments;
    if ((flags & FORMAT_MESSAGE_FROM_SYSTEM) == 0 || buffer == NULL) {
        WSASetLastError(ERROR_INVALID_PARAMETER);
        return 0;
    }
    const char* const sentence = jl_error_text(JL_CAST(int, code));
    const size_t length = strlen(sentence) + 2;
    LPSTR text = buffer;
    if ((flags & FORMAT_MESSAGE_ALLOCATE_BUFFER) != 0) {
        text = JL_CAST(LPSTR, malloc(length + 1));
        memcpy(JL_CAST(void*, buffer), &text, sizeof text);
    }
    if (text == NULL || (text == buffer && size <= length)) {
        WSASetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return 0;
    }
    memcpy(text, sentence, length - 2);
    memcpy(text + length - 2, "\r\n", 3);
    return JL_CAST(DWORD, length);
}
#ifndef UNICODE
#define FormatMessage FormatMessageA
#endif

/*
 * Writes a text to the standard error output, where a debugger would get it.
 * [any]
 */
static inline void OutputDebugStringA(LPCSTR text) {
    fputs(text, stderr);
}
#ifndef UNICODE
#define OutputDebugString OutputDebugStringA
#endif

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
