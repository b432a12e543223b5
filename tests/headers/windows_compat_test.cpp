// SPDX-License-Identifier: Apache-2.0
// What compat/windows.h offers works as on Windows.
#include <winsock2.h>
#include <ws2tcpip.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

// GetLastError and SetLastError forward to these two; the library itself is not needed to see that.
namespace {
thread_local int last_error;
}
extern "C" int WSAGetLastError(void) {
    return last_error;
}
extern "C" void WSASetLastError(int error) {
    last_error = error;
}

namespace {

static_assert(std::is_same_v<socklen_t, int>);
static_assert(sizeof(LARGE_INTEGER) == 8 && sizeof(ULONGLONG) == 8 && sizeof(TCHAR) == 1);

TEST(WindowsCompat, ST_13_LastErrorIsWinsocks) {
    SetLastError(WSAECONNREFUSED);
    EXPECT_EQ(WSAGetLastError(), WSAECONNREFUSED);
    WSASetLastError(WSAETIMEDOUT);
    EXPECT_EQ(GetLastError(), static_cast<DWORD>(WSAETIMEDOUT));
}

TEST(WindowsCompat, Sleep_LastsAtLeastAsLongAsAsked) {
    const ULONGLONG before = GetTickCount64();
    Sleep(30);
    EXPECT_GE(GetTickCount64() - before, 29u);
    EXPECT_NEAR(static_cast<double>(GetTickCount()),
                static_cast<double>(static_cast<DWORD>(GetTickCount64())), 5000.0);
}

TEST(WindowsCompat, PerformanceCounter_GoesForwardAtItsFrequency) {
    LARGE_INTEGER frequency;
    LARGE_INTEGER first;
    LARGE_INTEGER second;
    ASSERT_TRUE(QueryPerformanceFrequency(&frequency));
    ASSERT_TRUE(QueryPerformanceCounter(&first));
    Sleep(5);
    ASSERT_TRUE(QueryPerformanceCounter(&second));
    EXPECT_GE((second.QuadPart - first.QuadPart) * 1000 / frequency.QuadPart, 5);
}

TEST(WindowsCompat, Heap_ZeroesGrowsAndKnowsSizes) {
    HANDLE heap = GetProcessHeap();
    ASSERT_NE(heap, nullptr);
    char* block = static_cast<char*>(HeapAlloc(heap, HEAP_ZERO_MEMORY, 100));
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t), 0u);
    EXPECT_EQ(HeapSize(heap, 0, block), 100u);
    EXPECT_TRUE(std::all_of(block, block + 100, [](char c) { return c == 0; }));
    FillMemory(block, 100, 'x');
    block = static_cast<char*>(HeapReAlloc(heap, HEAP_ZERO_MEMORY, block, 5000));
    ASSERT_NE(block, nullptr);
    EXPECT_TRUE(std::all_of(block, block + 100, [](char c) { return c == 'x'; }));
    EXPECT_TRUE(std::all_of(block + 100, block + 5000, [](char c) { return c == 0; }));
    block = static_cast<char*>(HeapReAlloc(heap, 0, block, 10));
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(HeapSize(heap, 0, block), 10u);
    EXPECT_EQ(block[9], 'x');
    EXPECT_TRUE(HeapFree(heap, 0, block));
}

TEST(WindowsCompat, Heap_RefusesSizesThatOverflow) {
    EXPECT_EQ(HeapAlloc(GetProcessHeap(), 0, static_cast<SIZE_T>(-1)), nullptr);
    EXPECT_EQ(HeapReAlloc(GetProcessHeap(), 0, nullptr, 10), nullptr);
    EXPECT_TRUE(HeapFree(GetProcessHeap(), 0, nullptr));
}

TEST(WindowsCompat, CriticalSection_ExcludesOthersAndAdmitsItsOwnerAgain) {
    CRITICAL_SECTION section;
    ASSERT_TRUE(InitializeCriticalSectionAndSpinCount(&section, 100));
    EnterCriticalSection(&section);
    EXPECT_TRUE(TryEnterCriticalSection(&section));
    const auto another_gets_it = [&section] {
        BOOL got = FALSE;
        std::thread([&] {
            got = TryEnterCriticalSection(&section);
            if (got) {
                LeaveCriticalSection(&section);
            }
        }).join();
        return got != FALSE;
    };
    EXPECT_FALSE(another_gets_it());
    LeaveCriticalSection(&section);
    EXPECT_FALSE(another_gets_it());
    LeaveCriticalSection(&section);
    EXPECT_TRUE(another_gets_it());
    DeleteCriticalSection(&section);
}

TEST(WindowsCompat, Interlocked_CountsOverThreads) {
    LONG volatile value = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&value] {
            for (int i = 0; i < 10000; ++i) {
                InterlockedIncrement(&value);
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(value, 40000);
    EXPECT_EQ(InterlockedDecrement(&value), 39999);
    EXPECT_EQ(InterlockedExchangeAdd(&value, 2), 39999);
    EXPECT_EQ(InterlockedExchange(&value, 7), 40001);
    EXPECT_EQ(InterlockedCompareExchange(&value, 8, 6), 7);
    EXPECT_EQ(InterlockedCompareExchange(&value, 8, 7), 7);
    EXPECT_EQ(value, 8);
}

TEST(WindowsCompat, Snprintf_AnswersMinusOneToATextThatDoesNotFit) {
    std::array<char, 6> buffer;
    EXPECT_EQ(_snprintf(buffer.data(), buffer.size(), "%d", 12345), 5);
    EXPECT_STREQ(buffer.data(), "12345");
    EXPECT_EQ(_snprintf(buffer.data(), buffer.size(), "%d", 123456), -1);
    EXPECT_STREQ(buffer.data(), "12345");
}

TEST(WindowsCompat, Strings_CompareWithoutCase) {
    EXPECT_EQ(_stricmp("Leaf", "lEAF"), 0);
    EXPECT_LT(_stricmp("leaf", "ROOT"), 0);
    EXPECT_EQ(_strnicmp("leaf-1", "LEAF-2", 5), 0);
}

TEST(WindowsCompat, Memory_MovesAndZeroes) {
    std::string text = "abcdef";
    MoveMemory(text.data() + 2, text.data(), 4);
    EXPECT_EQ(text, "ababcd");
    CopyMemory(text.data(), "xy", 2);
    ZeroMemory(text.data() + 5, 1);
    EXPECT_STREQ(text.c_str(), "xyabc");
}

TEST(WindowsCompatDeathTest, ExitProcess_EndsWithItsCode) {
    EXPECT_EXIT(ExitProcess(3), testing::ExitedWithCode(3), "");
}

TEST(WindowsCompat, HostName_IsLibcs) {
    std::array<char, 256> name = {};
    EXPECT_EQ(gethostname(name.data(), name.size()), 0);
    EXPECT_GT(std::strlen(name.data()), 0u);
}

TEST(WindowsCompat, AddressText_IsLibcs) {
    IN_ADDR address;
    ASSERT_EQ(InetPton(AF_INET, "239.1.2.3", &address), 1);
    std::array<char, INET_ADDRSTRLEN> text = {};
    EXPECT_STREQ(InetNtop(AF_INET, &address, text.data(), text.size()), "239.1.2.3");
}

} // namespace
