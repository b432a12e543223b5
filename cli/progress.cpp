// SPDX-License-Identifier: Apache-2.0
#include "progress.hpp"

#include "units.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>

namespace joinleaf::cli {

namespace {

constexpr std::chrono::milliseconds bar_interval{100};
constexpr std::chrono::seconds line_interval{1};
constexpr std::size_t bar_cells = 30;

int percent_of(std::uint64_t bytes, std::uint64_t total) {
    return total == 0 ? 100
                      : static_cast<int>(100.0 * static_cast<double>(bytes) / static_cast<double>(total));
}

std::size_t terminal_columns() {
    winsize size{};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

} // namespace

progress::form progress::form_for_stderr() {
    return isatty(STDERR_FILENO) == 1 ? form::bar : form::lines;
}

void progress::advance(std::uint64_t bytes, std::uint64_t messages) {
    const clock::time_point now = clock::now();
    if (messages_ == 0) {
        start_ = last_draw_ = now;
    }
    bytes_ += bytes;
    messages_ += messages;
    last_change_ = now;
    if (form_ != form::silent && now - last_draw_ >= (form_ == form::bar ? bar_interval : line_interval)) {
        draw(now);
    }
}

void progress::finish() {
    if (form_ == form::silent || messages_ == 0) {
        return;
    }
    draw(last_change_);
    if (form_ == form::bar) {
        std::fputc('\n', stderr);
    }
}

std::chrono::duration<double> progress::elapsed() const {
    return last_change_ - start_;
}

void progress::draw(clock::time_point now) {
    const std::string text = form_ == form::bar ? bar(now) : line(now);
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
    last_draw_ = now;
    bytes_at_line_ = bytes_;
}

std::string progress::bar(clock::time_point now) const {
    const std::chrono::duration<double> time = now - start_;
    std::string text = fmt::format("{}  ", label_);
    if (total_) {
        const int percent = std::min(100, percent_of(bytes_, *total_));
        const std::size_t full = bar_cells * static_cast<std::size_t>(percent) / 100;
        text += fmt::format("[{}{}] {:3} %  ", std::string(full, '#'), std::string(bar_cells - full, '.'),
                            percent);
    }
    text += fmt::format("{}  {} messages  {}", bytes_text(static_cast<double>(bytes_)), messages_,
                        rate_text(bytes_, time));
    if (total_ && bytes_ > 0 && bytes_ < *total_) {
        const double left = time.count() * static_cast<double>(*total_ - bytes_) / static_cast<double>(bytes_);
        text += "  " + time_text(std::chrono::seconds(static_cast<long>(left))) + " left";
    }
    // A line that wraps could not be drawn over; \033[K clears what a longer former one left.
    return "\r" + text.substr(0, terminal_columns() - 1) + "\033[K";
}

std::string progress::line(clock::time_point now) const {
    const std::chrono::duration<double> since = now - last_draw_;
    const bool last = now == last_change_ && since < line_interval;
    const std::string rate = last ? rate_text(bytes_, elapsed()) : rate_text(bytes_ - bytes_at_line_, since);
    const std::string part = total_ ? fmt::format(" ({} %)", percent_of(bytes_, *total_)) : std::string();
    return fmt::format("{}: {}{}, {} messages, {}\n", label_, bytes_text(static_cast<double>(bytes_)), part,
                       messages_, rate);
}

} // namespace joinleaf::cli
