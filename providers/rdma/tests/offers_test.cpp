// SPDX-License-Identifier: Apache-2.0
//
// Slices that stay in their sender's memory until the receiver has copied them, between two ports without libfabric.
#include "ofi/offers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace joinleaf::rdma::ofi {
namespace {

constexpr std::size_t log_size = 64u << 10;
constexpr std::size_t slice_size = 16u << 10;

// A log that others may read, as a port makes of what is lent to it.
class shared_log {
  public:
    shared_log()
        : memory_(static_cast<std::byte*>(
              ::mmap(nullptr, log_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))),
          file_(memory_file::behind({memory_, log_size})) {}
    ~shared_log() { ::munmap(memory_, log_size); }
    shared_log(const shared_log&) = delete;
    shared_log& operator=(const shared_log&) = delete;

    void fill(char with) { std::memset(memory_, with, log_size); }
    [[nodiscard]] file_name name() const { return file_->name(); }

  private:
    std::byte* memory_;
    std::optional<memory_file> file_;
};

// A port that keeps what it is told to send until somebody delivers it.
class desk final : offer_port, station_owner {
  public:
    desk() : open(offers::open(*this)) {}

    struct letter {
        notice what;
        std::vector<std::byte> bytes;
    };

    bool tell(std::uint64_t, notice what, std::span<const std::byte> bytes) override {
        if (!has_room) {
            return false;
        }
        EXPECT_LE(bytes.size(), offers::notice_max);
        out.push_back({what, {bytes.begin(), bytes.end()}});
        return true;
    }
    landing room() override {
        if (rooms == 0) {
            return {};
        }
        --rooms;
        buffers[next].resize(slice_size);
        return {next, buffers[next++]};
    }
    void give_back(std::uint32_t slot) override {
        buffers.erase(slot);
        ++rooms;
    }
    void offer_taken(std::uint32_t number) override { taken.push_back(number); }
    void offer_refused(std::uint32_t number) override { refused.push_back(number); }
    link_owner* on_incoming(link&) override { return nullptr; }
    void on_parcel(const parcel& got) override {
        const auto* const text = reinterpret_cast<const char*>(got.bytes.data());
        come.emplace_back(text + wire::head_size, got.bytes.size() - wire::head_size);
        give_back(got.slot);
    }
    void on_trouble(const address&, const failure&) override {}

    bool land() { return open->land(*this); }
    void land_all() {
        while (land()) {}
    }

    std::unique_ptr<offers> open;
    bool has_room = true;
    std::size_t rooms = 8;
    std::uint32_t next = 0;
    std::map<std::uint32_t, std::vector<std::byte>> buffers;
    std::deque<letter> out;
    std::vector<std::string> come;
    std::vector<std::uint32_t> taken;
    std::vector<std::uint32_t> refused;
};

// A sender and a receiver who have met.
class Offers : public testing::Test {
  protected:
    Offers() : to_receiver(sender.open->open_pair()), to_sender(receiver.open->open_pair()) {
        meet();
        log.fill('a');
    }

    void meet() {
        sender.open->meet(to_receiver, receiver.open->introduction(to_sender), 0);
        receiver.open->meet(to_sender, sender.open->introduction(to_receiver), 0);
        deliver();
    }
    // Over another line.
    void meet_again() {
        sender.open->close_pair(to_receiver);
        receiver.open->close_pair(to_sender);
        to_receiver = sender.open->open_pair();
        to_sender = receiver.open->open_pair();
        meet();
    }

    static void pass(desk& from, desk& to) {
        while (!from.out.empty()) {
            const auto next = std::move(from.out.front());
            from.out.pop_front();
            to.open->on_notice(next.what, next.bytes);
        }
    }
    void deliver() {
        pass(sender, receiver);
        pass(receiver, sender);
    }
    bool offer(std::uint32_t number, std::size_t size = 5000, std::uint64_t offset = 100) {
        const wire::head_bytes head{};
        return sender.open->may_offer(to_receiver) &&
               sender.open->offer(to_receiver, head, log.name(), offset, size, number);
    }
    // All that is under way comes, and is copied.
    void run() {
        deliver();
        receiver.land_all();
        deliver();
    }

    shared_log log;
    desk sender;
    desk receiver;
    std::uint32_t to_receiver;
    std::uint32_t to_sender;
};

TEST_F(Offers, AreCopiedOneByOneAndTheirMemoryComesBack) {
    ASSERT_TRUE(offer(7));
    ASSERT_TRUE(offer(9));
    deliver();
    EXPECT_TRUE(receiver.land());
    EXPECT_EQ(1U, receiver.come.size());
    EXPECT_FALSE(receiver.open->is_idle());
    receiver.land_all();
    EXPECT_TRUE(receiver.open->is_idle());
    EXPECT_EQ((std::vector<std::string>(2, std::string(5000, 'a'))), receiver.come);
    deliver();
    EXPECT_EQ((std::vector<std::uint32_t>{7, 9}), sender.taken);
}

TEST_F(Offers, AreTheCopyOfWhatLayThereWhateverIsWrittenLater) {
    ASSERT_TRUE(offer(1));
    run();
    ASSERT_EQ(1U, sender.taken.size());
    log.fill('b');
    EXPECT_EQ(std::string(5000, 'a'), receiver.come.at(0));
}

// A leaf that stood still while its root dropped it, and wrote on.
TEST_F(Offers, OfALineThatHasEndedAreNeverHandedOn) {
    ASSERT_TRUE(offer(1));
    deliver();
    sender.open->close_pair(to_receiver);
    log.fill('x');
    receiver.land_all();
    EXPECT_TRUE(receiver.come.empty());
    EXPECT_EQ(8U, receiver.rooms);
}

TEST_F(Offers, OfALineThatHasEndedAreNotTakenForThoseOfTheNext) {
    ASSERT_TRUE(offer(1));
    pass(sender, receiver);
    sender.open->close_pair(to_receiver);
    const auto again = sender.open->open_pair();
    EXPECT_EQ(to_receiver, again) << "its place is free";
    EXPECT_FALSE(sender.open->may_offer(again)) << "nobody has met it";
    receiver.land_all();
    pass(receiver, sender);
    EXPECT_TRUE(receiver.come.empty());
    EXPECT_TRUE(sender.taken.empty());
}

TEST_F(Offers, AreNoMoreWhenTheReceiversLineHasEnded) {
    ASSERT_TRUE(offer(1));
    deliver();
    receiver.open->close_pair(to_sender);
    receiver.land_all();
    EXPECT_TRUE(receiver.come.empty());
    EXPECT_TRUE(receiver.open->is_idle());
    EXPECT_EQ(8U, receiver.rooms);
}

TEST_F(Offers, OfMemoryThatCannotBeReadGoAsMessages) {
    const file_name nowhere{log.name().inode + 1, log.name().process, log.name().descriptor};
    const wire::head_bytes head{};
    ASSERT_TRUE(sender.open->offer(to_receiver, head, nowhere, 0, 5000, 3));
    ASSERT_TRUE(offer(4));
    run();
    EXPECT_EQ(std::vector<std::uint32_t>{3}, sender.refused);
    EXPECT_EQ(std::vector<std::uint32_t>{4}, sender.taken) << "which had been offered before";
    EXPECT_FALSE(sender.open->may_offer(to_receiver));
}

TEST_F(Offers, BeyondTheFileOrTheBufferAreRefused) {
    for (const auto& [size, offset] : std::vector<std::pair<std::size_t, std::uint64_t>>{
             {5000, log_size - 4999},
             {5000, ~std::uint64_t{0} - 10},
             {slice_size - wire::head_size + 1, 0},
         }) {
        const wire::head_bytes head{};
        sender.refused.clear();
        ASSERT_TRUE(sender.open->offer(to_receiver, head, log.name(), offset, size, 3));
        run();
        EXPECT_EQ(std::vector<std::uint32_t>{3}, sender.refused) << size << " at " << offset;
        EXPECT_TRUE(receiver.come.empty());
        EXPECT_EQ(8U, receiver.rooms);
    }
}

TEST_F(Offers, MoreThanAreEverUnderWayAreLeftOut) {
    std::uint32_t number = 0;
    while (offer(number)) {
        ++number;
    }
    EXPECT_EQ(offers::notices_at_once - 2, number);
    const wire::head_bytes head{};
    for (int i = 0; i < 100; ++i) {
        sender.open->offer(to_receiver, head, log.name(), 0, 5000, 1000);
    }
    run();
    EXPECT_EQ(number, receiver.come.size());
}

TEST_F(Offers, WaitUntilThereIsABuffer) {
    receiver.rooms = 0;
    ASSERT_TRUE(offer(1));
    deliver();
    EXPECT_FALSE(receiver.land());
    EXPECT_FALSE(receiver.open->is_idle());
    receiver.rooms = 1;
    EXPECT_TRUE(receiver.land());
    EXPECT_EQ(1U, receiver.come.size());
}

TEST_F(Offers, AreToldOfLaterWhereThereIsNoRoomForANotice) {
    receiver.has_room = false;
    for (std::uint32_t i = 0; i < 6; ++i) {
        ASSERT_TRUE(offer(i));
    }
    run();
    EXPECT_EQ(6U, receiver.come.size());
    EXPECT_FALSE(receiver.open->is_idle());
    EXPECT_TRUE(sender.taken.empty());
    receiver.has_room = true;
    receiver.land_all();
    deliver();
    EXPECT_EQ((std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5}), sender.taken);
    EXPECT_TRUE(receiver.open->is_idle());
}

// Without the key, which only the other side of the line has, a stranger frees nobody's memory.
TEST_F(Offers, OfOthersCannotBeAnswered) {
    desk stranger;
    const auto line = stranger.open->open_pair();
    const auto to_stranger = sender.open->open_pair();
    stranger.open->meet(line, sender.open->introduction(to_stranger), 0);
    sender.open->meet(to_stranger, stranger.open->introduction(line), 0);
    ASSERT_TRUE(offer(5));
    ASSERT_EQ(notice::offer, sender.out.back().what);
    pass(stranger, sender);
    pass(sender, stranger); // the offer comes to the wrong one
    stranger.land_all();
    EXPECT_TRUE(stranger.come.empty());
    pass(stranger, sender);
    EXPECT_TRUE(sender.taken.empty());
    EXPECT_TRUE(sender.refused.empty());
}

TEST_F(Offers, NoticesThatAreNoneChangeNothing) {
    ASSERT_TRUE(offer(1));
    for (std::size_t size = 0; size <= offers::notice_max; ++size) {
        const std::vector<std::byte> bytes(size, std::byte{0xFF});
        for (std::uint64_t what = 0; what < 6; ++what) {
            sender.open->on_notice(static_cast<notice>(what), bytes);
            receiver.open->on_notice(static_cast<notice>(what), bytes);
        }
    }
    EXPECT_TRUE(sender.taken.empty());
    EXPECT_TRUE(sender.refused.empty());
    run();
    EXPECT_EQ(1U, receiver.come.size());
}

// Whatever becomes of notices on their way: what is handed on lay in the log, and no more comes back than was offered.
TEST_F(Offers, NoticesThatArriveDamagedReachNothingBeyondTheLog) {
    std::mt19937 lot(7);
    constexpr std::size_t lines = 500;
    constexpr std::size_t offers_a_line = 6;
    for (std::size_t line = 0; line < lines; ++line) {
        for (std::uint32_t i = 0; i < offers_a_line && offer(i); ++i) {
            auto& bytes = sender.out.back().bytes;
            bytes[lot() % bytes.size()] ^= std::byte{static_cast<std::uint8_t>(1U << lot() % 8)};
        }
        pass(sender, receiver);
        receiver.land_all();
        for (auto& each : receiver.out) {
            each.bytes[lot() % each.bytes.size()] ^= std::byte{static_cast<std::uint8_t>(1U << lot() % 8)};
        }
        run();
        meet_again();
    }
    EXPECT_LT(lines, receiver.come.size()) << "some damage leaves an offer what it is";
    EXPECT_LE(sender.taken.size() + sender.refused.size(), lines * offers_a_line);
    for (const std::string& each : receiver.come) {
        ASSERT_EQ(each.size(), static_cast<std::size_t>(std::ranges::count(each, 'a')));
    }
    EXPECT_EQ(8U, receiver.rooms);
}

TEST_F(Offers, ToWhoSaysNothingOfItselfDoNotExist) {
    const auto line = sender.open->open_pair();
    for (const std::size_t size : {std::size_t{0}, offers::introduction_size - 1, offers::introduction_size}) {
        sender.open->meet(line, std::vector<std::byte>(size), 0);
        EXPECT_FALSE(sender.open->may_offer(line));
    }
    EXPECT_TRUE(sender.out.empty()) << "it can read nobody's memory";
}

TEST(MemoryFile, IsReadableAfterItsOwnerHasGone) {
    auto log = std::make_unique<shared_log>();
    log->fill('z');
    const auto view = memory_view::of(log->name());
    ASSERT_TRUE(view);
    log = nullptr;
    ASSERT_EQ(log_size, view->bytes().size());
    EXPECT_EQ(std::byte{'z'}, view->bytes().back());
}

TEST(MemoryFile, ThatCouldShrinkIsNotRead) {
    const tcp::descriptor fd(::memfd_create("joinleaf-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_EQ(0, ::ftruncate(fd.get(), 4096));
    struct stat what {};
    ASSERT_EQ(0, ::fstat(fd.get(), &what));
    const file_name name{what.st_ino, static_cast<std::uint32_t>(::getpid()),
                         static_cast<std::uint32_t>(fd.get())};
    EXPECT_FALSE(memory_view::of(name));
    ASSERT_EQ(0, ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
    EXPECT_TRUE(memory_view::of(name));
}

// Whoever names a pipe would make the reader wait for it.
TEST(MemoryFile, ThatIsAnythingElseIsNotOpened) {
    std::array<int, 2> ends{};
    ASSERT_EQ(0, ::pipe2(ends.data(), O_CLOEXEC));
    const tcp::descriptor reading(ends[0]);
    const tcp::descriptor writing(ends[1]);
    const tcp::descriptor device(::open("/dev/zero", O_RDWR | O_CLOEXEC));
    const tcp::descriptor plain(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    for (const int fd : {reading.get(), writing.get(), device.get(), plain.get(), 1000000}) {
        struct stat what {};
        ::fstat(fd, &what);
        EXPECT_FALSE(memory_view::of(
            {what.st_ino, static_cast<std::uint32_t>(::getpid()), static_cast<std::uint32_t>(fd)}))
            << fd;
    }
}

} // namespace
} // namespace joinleaf::rdma::ofi
