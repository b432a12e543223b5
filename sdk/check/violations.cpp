// SPDX-License-Identifier: Apache-2.0
#include "violations.hpp"

#include "observer/violations.h"
#include "tests/support/subject.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

namespace joinleaf::check {
namespace {

struct notebook {
    std::mutex lock;
    std::vector<std::string> sentences;
};

notebook& the_notebook() {
    static notebook one;
    return one;
}

} // namespace

std::vector<std::string> take_violations() {
    auto& notes = the_notebook();
    const std::lock_guard held(notes.lock);
    return std::exchange(notes.sentences, {});
}

} // namespace joinleaf::check

void joinleaf_check_violation(const char* sentence) {
    auto& notes = joinleaf::check::the_notebook();
    const std::lock_guard held(notes.lock);
    if (std::ranges::find(notes.sentences, sentence) == notes.sentences.end()) {
        notes.sentences.emplace_back(sentence);
    }
}

std::uint32_t joinleaf_check_claimed_services() {
    return joinleaf::test::the_claim().services;
}

std::uint32_t joinleaf_check_claimed_abilities() {
    return joinleaf::test::the_claim().abilities;
}
