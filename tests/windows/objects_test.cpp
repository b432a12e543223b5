// SPDX-License-Identifier: Apache-2.0
//
// Threads and waitable objects of compat/windows.h: each does what it does on Windows, without WSAStartup.
#include <winsock2.h>

#include <process.h>
#include <windows.h>

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

namespace {

constexpr DWORD patience = 20'000;

DWORD exit_code(HANDLE thread) {
    DWORD code = 0;
    EXPECT_NE(GetExitCodeThread(thread, &code), FALSE);
    return code;
}

DWORD double_it(void* number) {
    return 2 * *static_cast<DWORD*>(number);
}

TEST(Threads, TheHandleIsSignaledAtTheEnd_AndKnowsTheExitCode) {
    DWORD number = 21;
    DWORD id = 0;
    const HANDLE thread = CreateThread(nullptr, 0, double_it, &number, 0, &id);
    ASSERT_NE(thread, nullptr);
    EXPECT_NE(id, 0U);
    EXPECT_NE(id, GetCurrentThreadId());
    EXPECT_EQ(WaitForSingleObject(thread, patience), WAIT_OBJECT_0);
    EXPECT_EQ(WaitForSingleObject(thread, 0), WAIT_OBJECT_0) << "it stays signaled";
    EXPECT_EQ(exit_code(thread), 42U);
    EXPECT_NE(CloseHandle(thread), FALSE);
    EXPECT_EQ(WaitForSingleObject(thread, 0), WAIT_FAILED);
    EXPECT_EQ(GetLastError(), static_cast<DWORD>(ERROR_INVALID_HANDLE));
}

TEST(Threads, Suspended_BeginsWithResume) {
    DWORD number = 4;
    const HANDLE thread = CreateThread(nullptr, 0, double_it, &number, CREATE_SUSPENDED, nullptr);
    EXPECT_EQ(WaitForSingleObject(thread, 50), WAIT_TIMEOUT);
    EXPECT_EQ(exit_code(thread), STILL_ACTIVE);
    number = 5;
    EXPECT_EQ(ResumeThread(thread), 1U);
    EXPECT_EQ(WaitForSingleObject(thread, patience), WAIT_OBJECT_0);
    EXPECT_EQ(exit_code(thread), 10U);
    EXPECT_EQ(ResumeThread(thread), 0U);
    CloseHandle(thread);
}

unsigned end_early(void* /*unused*/) {
    _endthreadex(7);
}

TEST(Threads, BeginthreadexAndEndthreadex) {
    const auto number = _beginthreadex(nullptr, 0, end_early, nullptr, 0, nullptr);
    ASSERT_NE(number, 0U);
    const auto thread = reinterpret_cast<HANDLE>(number); // NOLINT(performance-no-int-to-ptr): as sources do
    EXPECT_EQ(WaitForSingleObject(thread, patience), WAIT_OBJECT_0);
    EXPECT_EQ(exit_code(thread), 7U);
    CloseHandle(thread);
    EXPECT_EQ(CreateThread(nullptr, 0, nullptr, nullptr, 0, nullptr), nullptr);
    EXPECT_EQ(GetLastError(), static_cast<DWORD>(ERROR_INVALID_PARAMETER));
}

struct turnstile {
    HANDLE gate;
    std::atomic<int> through{0};
};

DWORD pass(void* where) {
    auto& here = *static_cast<turnstile*>(where);
    const DWORD answer = WaitForSingleObject(here.gate, patience);
    ++here.through;
    return answer;
}

TEST(Events, AnAutomaticEvent_LetsOneThroughForEachTimeItIsSet) {
    turnstile one{CreateEvent(nullptr, FALSE, FALSE, nullptr)};
    std::vector<HANDLE> threads;
    for (int i = 0; i < 3; ++i) {
        threads.push_back(CreateThread(nullptr, 0, pass, &one, 0, nullptr));
    }
    for (int passed = 1; passed <= 3; ++passed) {
        SetEvent(one.gate);
        const auto end = GetTickCount64() + patience;
        while (one.through < passed && GetTickCount64() < end) {
            Sleep(1);
        }
        EXPECT_EQ(one.through, passed);
    }
    EXPECT_EQ(WaitForMultipleObjects(3, threads.data(), TRUE, patience), WAIT_OBJECT_0);
    EXPECT_EQ(WaitForSingleObject(one.gate, 0), WAIT_TIMEOUT);
    for (const HANDLE each : threads) {
        CloseHandle(each);
    }
    CloseHandle(one.gate);
}

TEST(Events, AManualEvent_StaysSet_AndIsAWsaevent) {
    const HANDLE event = CreateEvent(nullptr, TRUE, TRUE, nullptr);
    EXPECT_EQ(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
    EXPECT_EQ(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
    EXPECT_NE(WSAResetEvent(event), FALSE);
    EXPECT_EQ(WaitForSingleObject(event, 0), WAIT_TIMEOUT);
    EXPECT_NE(SetEvent(event), FALSE);
    EXPECT_NE(WSACloseEvent(event), FALSE);
    EXPECT_EQ(CloseHandle(event), FALSE);
    EXPECT_EQ(CreateEvent(nullptr, TRUE, TRUE, "a name"), nullptr);
}

TEST(Events, TheNumberOfAClosedObject_IsANewObject) {
    const HANDLE automatic = CreateEvent(nullptr, FALSE, TRUE, nullptr);
    CloseHandle(automatic);
    const HANDLE manual = WSACreateEvent(); // the kernel gives the lowest free number
    EXPECT_EQ(manual, automatic);
    WSASetEvent(manual);
    EXPECT_EQ(WaitForSingleObject(manual, 0), WAIT_OBJECT_0);
    EXPECT_EQ(WaitForSingleObject(manual, 0), WAIT_OBJECT_0) << "it is no automatic event any more";
    EXPECT_EQ(ReleaseSemaphore(manual, 1, nullptr), FALSE);
    WSACloseEvent(manual);
}

TEST(Semaphores, CountDownToZeroAndUpToTheirMaximum) {
    const HANDLE semaphore = CreateSemaphore(nullptr, 2, 3, nullptr);
    EXPECT_EQ(WaitForSingleObject(semaphore, 0), WAIT_OBJECT_0);
    EXPECT_EQ(WaitForSingleObject(semaphore, 0), WAIT_OBJECT_0);
    EXPECT_EQ(WaitForSingleObject(semaphore, 0), WAIT_TIMEOUT);
    LONG former = -1;
    EXPECT_NE(ReleaseSemaphore(semaphore, 3, &former), FALSE);
    EXPECT_EQ(former, 0);
    EXPECT_EQ(ReleaseSemaphore(semaphore, 1, nullptr), FALSE);
    EXPECT_EQ(ReleaseSemaphore(semaphore, 0, nullptr), FALSE);
    EXPECT_EQ(WaitForSingleObject(semaphore, 0), WAIT_OBJECT_0);
    CloseHandle(semaphore);
    EXPECT_EQ(CreateSemaphore(nullptr, 2, 1, nullptr), nullptr);
}

DWORD take_and_end(void* mutex) {
    return WaitForSingleObject(mutex, patience);
}

DWORD release_of_another(void* mutex) {
    return ReleaseMutex(mutex) == FALSE ? GetLastError() : 0;
}

DWORD run(LPTHREAD_START_ROUTINE what, HANDLE argument) {
    const HANDLE thread = CreateThread(nullptr, 0, what, argument, 0, nullptr);
    EXPECT_EQ(WaitForSingleObject(thread, patience), WAIT_OBJECT_0);
    const DWORD code = exit_code(thread);
    CloseHandle(thread);
    return code;
}

TEST(Mutexes, BelongToAThread_WhichMayTakeThemAgain) {
    const HANDLE mutex = CreateMutex(nullptr, TRUE, nullptr);
    EXPECT_EQ(WaitForSingleObject(mutex, 0), WAIT_OBJECT_0);
    EXPECT_EQ(run(release_of_another, mutex), static_cast<DWORD>(ERROR_NOT_OWNER));
    EXPECT_NE(ReleaseMutex(mutex), FALSE);
    EXPECT_NE(ReleaseMutex(mutex), FALSE);
    EXPECT_EQ(ReleaseMutex(mutex), FALSE);
    EXPECT_EQ(run(take_and_end, mutex), WAIT_OBJECT_0);
    EXPECT_EQ(WaitForSingleObject(mutex, patience), WAIT_ABANDONED) << "its owner has ended";
    EXPECT_NE(ReleaseMutex(mutex), FALSE);
    EXPECT_EQ(WaitForSingleObject(mutex, 0), WAIT_OBJECT_0) << "told once";
    ReleaseMutex(mutex);
    CloseHandle(mutex);
}

TEST(Waiting, ForAll_TakesAllAtOneMomentOrNone) {
    const HANDLE both[] = {CreateEvent(nullptr, FALSE, TRUE, nullptr),
                           CreateEvent(nullptr, FALSE, FALSE, nullptr)};
    EXPECT_EQ(WaitForMultipleObjects(2, both, TRUE, 30), WAIT_TIMEOUT);
    EXPECT_EQ(WaitForSingleObject(both[0], 0), WAIT_OBJECT_0) << "it was not taken";
    SetEvent(both[0]);
    SetEvent(both[1]);
    EXPECT_EQ(WaitForMultipleObjects(2, both, TRUE, patience), WAIT_OBJECT_0);
    EXPECT_EQ(WaitForMultipleObjects(2, both, FALSE, 0), WAIT_TIMEOUT);
    SetEvent(both[1]);
    EXPECT_EQ(WaitForMultipleObjects(2, both, FALSE, patience), WAIT_OBJECT_0 + 1);
    EXPECT_EQ(WaitForMultipleObjects(0, both, FALSE, 0), WAIT_FAILED);
    EXPECT_EQ(WaitForMultipleObjects(65, both, FALSE, 0), WAIT_FAILED);
    for (const HANDLE each : both) {
        CloseHandle(each);
    }
}

TEST(ErrorText, FormatMessageKnowsWinsockCodes) {
    LPSTR text = nullptr;
    const DWORD length = FormatMessageA(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM, nullptr,
                                        WSAECONNREFUSED, 0, reinterpret_cast<LPSTR>(&text), 0, nullptr);
    ASSERT_NE(text, nullptr);
    EXPECT_EQ(std::string(text), std::string(jl_error_text(WSAECONNREFUSED)) + "\r\n");
    EXPECT_EQ(length, std::string(text).size());
    EXPECT_EQ(LocalFree(text), nullptr);
    char small[4];
    EXPECT_EQ(
        FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, nullptr, WSAECONNREFUSED, 0, small, sizeof small, nullptr),
        0U);
    EXPECT_EQ(GetLastError(), static_cast<DWORD>(ERROR_NOT_ENOUGH_MEMORY));
}

TEST(Memory, LocalAllocZeroesWhereItIsAsked) {
    auto* const bytes = static_cast<char*>(LocalAlloc(LPTR, 64));
    ASSERT_NE(bytes, nullptr);
    for (int i = 0; i < 64; ++i) {
        EXPECT_EQ(bytes[i], 0);
    }
    LocalFree(bytes);
}

__declspec(noinline) int __stdcall decorated() {
    return 5;
}
__declspec(thread) int of_each_thread = 1;

TEST(Words, DeclspecAndCallingConventionsSayNothingHere) {
    EXPECT_EQ(decorated(), 5);
    EXPECT_EQ(of_each_thread, 1);
}

} // namespace
