// SPDX-License-Identifier: Apache-2.0
//
// TransmitFile and TransmitPackets over ordinary streams.
#include "tests/support/bad_memory.hpp"
#include "tests/support/completion_port.hpp"
#include "tests/support/overlapped_call.hpp"
#include "tests/support/stream_fixture.hpp"

#include <cstdio>
#include <memory>

namespace joinleaf::test {
namespace {

HANDLE file_handle(int descriptor) {
    return reinterpret_cast<HANDLE>(static_cast<ULONG_PTR>(descriptor)); // NOLINT(performance-no-int-to-ptr)
}

std::string counted_bytes(std::size_t size) {
    std::string text;
    while (text.size() < size) {
        text += std::to_string(text.size()) + ' ';
    }
    text.resize(size);
    return text;
}

struct close_file {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

class Transmit : public stream_test {
  protected:
    void SetUp() override {
        stream_test::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        listener_ = make_listener();
        client_ = connect_to(listener_.get());
        server_ = admit(listener_.get());
    }
    void TearDown() override {
        client_.close();
        server_.close();
        listener_.close();
        stream_test::TearDown();
    }
    // A file with this content, whose position is its start; its descriptor.
    int file_with(const std::string& content) {
        file_.reset(std::tmpfile());
        EXPECT_EQ(content.size(), std::fwrite(content.data(), 1, content.size(), file_.get()));
        std::rewind(file_.get());
        return ::fileno(file_.get());
    }
    [[nodiscard]] std::string receive(std::size_t size) const {
        std::string text(size, '\0');
        const int got = jl_recv(server_.get(), text.data(), static_cast<int>(size), MSG_WAITALL);
        text.resize(static_cast<std::size_t>(std::max(got, 0)));
        return text;
    }
    // The rest up to the end of the stream.
    [[nodiscard]] std::string receive_to_the_end() const {
        std::string all;
        for (std::string piece = receive(65536); !piece.empty(); piece = receive(65536)) {
            all += piece;
        }
        return all;
    }

    owned_socket listener_, client_, server_;
    std::unique_ptr<std::FILE, close_file> file_;
};

TEST_P(Transmit, AFileBetweenItsHeadAndItsTail) {
    const int file = file_with("content");
    char head[] = "head ";
    char tail[] = " tail";
    TRANSMIT_FILE_BUFFERS around{head, 5, tail, 5};
    ASSERT_TRUE(jl_transmit_file(client_.get(), file_handle(file), 0, 0, nullptr, &around, 0))
        << last_failure();
    EXPECT_EQ("head content tail", receive(17));
}

TEST_P(Transmit, IO_43_ALongFileGoesWhole_AndItsBytesAreTold) {
    const auto content = counted_bytes(3U << 20U); // several chunks, more than the kernel takes at once
    const int file = file_with(content);
    overlapped_call call;
    const bool at_once = jl_transmit_file(client_.get(), file_handle(file), 0, 0, call.state(), nullptr,
                                          TF_DISCONNECT) != FALSE;
    EXPECT_TRUE(at_once || WSAGetLastError() == WSA_IO_PENDING) << last_failure();
    file_.reset(); // the operation has a descriptor of its own
    EXPECT_TRUE(content == receive_to_the_end()) << "and then the end";
    EXPECT_EQ((overlapped_end{0, static_cast<DWORD>(content.size()), 0}), call.wait(client_.get()));
}

TEST_P(Transmit, IO_46_WhatIsSentLaterComesBehindIt) {
    const auto content = counted_bytes(2U << 20U);
    const int file = file_with(content);
    overlapped_call first;
    overlapped_call second("behind");
    static_cast<void>(jl_transmit_file(client_.get(), file_handle(file), 0, 0, first.state(), nullptr, 0));
    const int begun = second.send(client_.get());
    EXPECT_TRUE(begun == 0 || begun == WSA_IO_PENDING) << code_name(begun);
    EXPECT_TRUE(content == receive(content.size()));
    EXPECT_EQ("behind", receive(6));
    EXPECT_EQ(0, first.wait(client_.get()).code);
    EXPECT_EQ(0, second.wait(client_.get()).code);
}

TEST_P(Transmit, FromAnOffsetAndOnlySoMuch) {
    const int file = file_with("0123456789");
    overlapped_call call;
    call.state()->Offset = 3;
    static_cast<void>(jl_transmit_file(client_.get(), file_handle(file), 4, 0, call.state(), nullptr, 0));
    EXPECT_EQ((overlapped_end{0, 4, 0}), call.wait(client_.get()));
    EXPECT_EQ("3456", receive(4));
    ASSERT_EQ(7, std::fseek(file_.get(), 7, SEEK_SET) == 0 ? 7 : 0);
    ASSERT_TRUE(jl_transmit_file(client_.get(), file_handle(file), 100, 0, nullptr, nullptr, 0))
        << last_failure();
    EXPECT_EQ("789", receive(3)) << "from the descriptor's position, as much as there is";
}

TEST_P(Transmit, NothingToSendEndsAtOnce) {
    overlapped_call call;
    EXPECT_TRUE(jl_transmit_file(client_.get(), nullptr, 0, 0, call.state(), nullptr, 0)) << last_failure();
    EXPECT_EQ((overlapped_end{0, 0, 0}), call.wait(client_.get()));
}

TEST_P(Transmit, IO_50_ClosingAbortsIt) {
    const auto content = counted_bytes(16U << 20U);
    const int file = file_with(content);
    overlapped_call call;
    ASSERT_FALSE(jl_transmit_file(client_.get(), file_handle(file), 0, 0, call.state(), nullptr, 0));
    ASSERT_EQ(WSA_IO_PENDING, WSAGetLastError());
    ASSERT_EQ(0, client_.close());
    EXPECT_TRUE(call.is_set());
    EXPECT_EQ(WSA_OPERATION_ABORTED, call.code());
}

TEST_P(Transmit, LC_17_ClosingEndsOneThatBlocks) {
    const int file = file_with(counted_bytes(16U << 20U));
    auto sending = in_background([s = client_.get(), file] {
        return jl_transmit_file(s, file_handle(file), 0, 0, nullptr, nullptr, 0) != FALSE ? 0
                                                                                          : WSAGetLastError();
    });
    EXPECT_FALSE(is_done(sending, vigilance));
    ASSERT_EQ(0, client_.close());
    EXPECT_EQ(WSAEINTR, result_of(sending, "TransmitFile on a closed socket"));
}

TEST_P(Transmit, PiecesOfMemoryAndFilesInOneCall) {
    const owned_port port;
    ASSERT_TRUE(port.take_in(client_.get(), 3));
    const int file = file_with("0123456789");
    char first[] = "first ";
    char last[] = " last";
    TRANSMIT_PACKETS_ELEMENT pieces[4]{};
    pieces[0].dwElFlags = TP_ELEMENT_MEMORY | TP_ELEMENT_EOP;
    pieces[0].cLength = 6;
    pieces[0].pBuffer = first;
    for (int i = 1; i < 3; ++i) {
        pieces[i].dwElFlags = TP_ELEMENT_FILE;
        pieces[i].cLength = i == 1 ? 2 : 0;
        pieces[i].nFileOffset.QuadPart = i == 1 ? 5 : 8;
        pieces[i].hFile = file_handle(file);
    }
    pieces[3].dwElFlags = TP_ELEMENT_MEMORY;
    pieces[3].cLength = 5;
    pieces[3].pBuffer = last;
    WSAOVERLAPPED state{};
    static_cast<void>(jl_transmit_packets(client_.get(), pieces, 4, 0, &state, 0));
    const auto got = next_packet(port.get());
    EXPECT_TRUE(got.good) << code_name(got.code);
    EXPECT_EQ(15U, got.bytes);
    EXPECT_EQ(&state, got.state);
    EXPECT_EQ("first 5689 last", receive(15));
}

TEST_P(Transmit, BadArgumentsAreTold) {
    const int file = file_with("x");
    const unreadable_memory nowhere;
    const auto send = [&](SOCKET s, HANDLE what, LPTRANSMIT_FILE_BUFFERS around, DWORD flags) {
        return jl_transmit_file(s, what, 0, 0, nullptr, around, flags) != FALSE ? 0 : SOCKET_ERROR;
    };
    EXPECT_TRUE(refused(send(INVALID_SOCKET, file_handle(file), nullptr, 0), WSAENOTSOCK));
    EXPECT_TRUE(refused(send(listener_.get(), file_handle(file), nullptr, 0), WSAENOTCONN));
    EXPECT_TRUE(refused(send(client_.get(), file_handle(99999), nullptr, 0), WSA_INVALID_HANDLE));
    EXPECT_TRUE(refused(send(client_.get(), file_handle(client_.fd()), nullptr, 0), WSAEINVAL)) << "no file";
    EXPECT_TRUE(
        refused(send(client_.get(), file_handle(file), nowhere.as<TRANSMIT_FILE_BUFFERS>(), 0), WSAEFAULT));
    EXPECT_TRUE(refused(send(client_.get(), file_handle(file), nullptr, TF_REUSE_SOCKET), WSAEOPNOTSUPP));
    EXPECT_TRUE(refused(send(client_.get(), file_handle(file), nullptr, 0x8000), WSAEINVAL));
    TRANSMIT_PACKETS_ELEMENT odd{};
    EXPECT_FALSE(jl_transmit_packets(client_.get(), &odd, 1, 0, nullptr, 0));
    EXPECT_EQ(WSAEINVAL, WSAGetLastError());
    EXPECT_FALSE(readable_now(server_.fd())) << "nothing was sent";
}

INSTANTIATE_TEST_SUITE_P(Transports, Transmit, ::testing::ValuesIn(transports_of({plan::stream})),
                         transport_name());

// WSARecvMsg and WSASendMsg over whatever carries data.
class MessageCall : public stream_test {};

TEST_P(MessageCall, IO_47_WhatWSASendMsgSendsWSARecvMsgBrings) {
    const auto group = fresh_group(family());
    const auto receiver = make_leaf();
    ASSERT_EQ(receiver.get(), plain_join(receiver.get(), group)) << last_failure();
    const auto sender = make_leaf();
    ASSERT_EQ(sender.get(), plain_join(sender.get(), group, JL_SENDER_ONLY)) << last_failure();
    char first[] = "one ";
    char second[] = "two";
    WSABUF out[]{{4, first}, {3, second}};
    WSAMSG message{};
    message.lpBuffers = out;
    message.dwBufferCount = 2;
    DWORD bytes = 0;
    ASSERT_TRUE(worked(WSASendMsg(sender.get(), &message, 0, &bytes, nullptr, nullptr))) << last_failure();
    EXPECT_EQ(7U, bytes);
    char room[16] = "";
    WSABUF in{sizeof room, room};
    address source;
    WSAMSG got{};
    got.name = source.get();
    got.namelen = sizeof source.storage;
    got.lpBuffers = &in;
    got.dwBufferCount = 1;
    char control[64];
    got.Control = {sizeof control, control};
    got.dwFlags = 0;
    ASSERT_TRUE(readable(receiver.fd()));
    ASSERT_TRUE(worked(jl_recv_msg(receiver.get(), &got, &bytes, nullptr, nullptr)));
    EXPECT_EQ("one two", std::string(room, bytes));
    EXPECT_EQ(0U, got.Control.len);
    EXPECT_EQ(0U, got.dwFlags & static_cast<DWORD>(MSG_TRUNC | MSG_PARTIAL));
    source.length = got.namelen;
    EXPECT_EQ(local_name(sender.get()).port(), source.port());
}

TEST_P(MessageCall, IO_10_IO_44_ACutMessageIsToldByItsFlags) {
    const auto group = fresh_group(family());
    const auto receiver = make_leaf();
    ASSERT_EQ(receiver.get(), plain_join(receiver.get(), group)) << last_failure();
    const auto sender = make_leaf();
    ASSERT_EQ(sender.get(), plain_join(sender.get(), group, JL_SENDER_ONLY)) << last_failure();
    const owned_event event;
    WSAOVERLAPPED state{};
    state.hEvent = event.get();
    char room[4] = "";
    WSABUF in{sizeof room, room};
    WSAMSG got{};
    got.lpBuffers = &in;
    got.dwBufferCount = 1;
    DWORD bytes = 0;
    DWORD flags = 0;
    ASSERT_TRUE(refused(jl_recv_msg(receiver.get(), &got, nullptr, &state, nullptr), WSA_IO_PENDING));
    ASSERT_EQ(8, send_text(sender.get(), "too long"));
    EXPECT_FALSE(WSAGetOverlappedResult(receiver.get(), &state, &bytes, TRUE, &flags));
    EXPECT_EQ(WSAEMSGSIZE, WSAGetLastError());
    EXPECT_NE(0U, got.dwFlags & static_cast<DWORD>(MSG_TRUNC));
    EXPECT_EQ("too ", std::string(room, 4));
}

TEST_P(MessageCall, BadArgumentsAreTold) {
    const auto s = make_leaf();
    const unreadable_memory nowhere;
    DWORD bytes = 0;
    WSAMSG message{};
    char control[8] = "";
    message.Control = {sizeof control, control};
    EXPECT_TRUE(refused(WSASendMsg(s.get(), &message, 0, &bytes, nullptr, nullptr), WSAEOPNOTSUPP));
    EXPECT_TRUE(refused(WSASendMsg(s.get(), nowhere.as<WSAMSG>(), 0, &bytes, nullptr, nullptr), WSAEFAULT));
    EXPECT_TRUE(refused(jl_recv_msg(s.get(), nullptr, &bytes, nullptr, nullptr), WSAEFAULT));
    EXPECT_TRUE(refused(jl_recv_msg(INVALID_SOCKET, &message, &bytes, nullptr, nullptr), WSAENOTSOCK));
}

INSTANTIATE_TEST_SUITE_P(Transports, MessageCall, ::testing::ValuesIn(transports_of({plan::nonrooted})),
                         transport_name());

} // namespace
} // namespace joinleaf::test
