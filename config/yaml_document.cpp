// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_document.hpp"

#include "config/limits.hpp"
#include "config/quote.hpp"
#include "config/yaml_check.hpp"
#include "config/yaml_marks.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <optional>
#include <sstream>
#include <unordered_map>
#include <utility>

namespace joinleaf::config {
namespace {

constexpr std::string_view alias_found =
    "found an alias; anchors and aliases are not allowed here, and a text that begins with * needs quotes";
constexpr std::string_view quote_missing =
    "not valid YAML: the file ends inside a quoted text; its closing quote is missing";
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

// Carries the first unbearable problem out through yaml-cpp's parser.
struct broken_off : std::exception {
    explicit broken_off(problem what_it_is) : found(std::move(what_it_is)) {}
    problem found;
};

// Builds the tree from the parser's events and stops it at the first event that no configuration has.
class tree_builder : public YAML::EventHandler {
  public:
    tree_builder(const mark_reader& marks, std::size_t most_nodes, yaml_document& out)
        : marks_(marks), most_nodes_(most_nodes), out_(out) {}

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (documents_++ > 0)
            fail(mark, "found the beginning of a second document; a configuration file holds exactly one");
    }

    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
        add(make(mark, yaml_node::kind::nothing));
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { fail(mark, std::string(alias_found)); }

    void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
        fail(mark,
             fmt::format(
                 "found the anchor {}; anchors and aliases are not allowed here, and a text that begins "
                 "with & needs quotes",
                 quote("&" + name)));
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  const std::string& value) override {
        refuse_tag(mark, tag);
        auto node = make(mark, yaml_node::kind::text);
        if (!marks_.is_closed(mark))
            fail(mark, std::string(quote_missing));
        if (value.find('\0') != std::string::npos)
            fail(mark, "found a NUL character in a text");
        node.text = value;
        node.quoted = tag == "!";
        add(std::move(node));
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        open(mark, tag, yaml_node::kind::list);
    }

    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {
        open(mark, tag, yaml_node::kind::map);
    }

    void OnMapEnd() override { close(); }

    // Where the innermost list or map that is still open begins.
    std::optional<position> innermost(yaml_node::kind what) const {
        for (auto each = stack_.rbegin(); each != stack_.rend(); ++each) {
            if (each->node.what == what)
                return position_of(each->node);
        }
        return std::nullopt;
    }

  private:
    // A list or map whose end is still to come.
    struct open_node {
        yaml_node node;
        std::optional<yaml_node> key;                         // of a map: read, its value still to come
        std::unordered_map<std::string, position> known_keys; // of a map
    };

    [[noreturn]] void fail(const YAML::Mark& mark, std::string message) const {
        throw broken_off({marks_.at(mark), std::move(message)});
    }

    // Without a tag yaml-cpp says "?" for what is plain, and "!" for quoted text; but "!" may also stand in the file.
    void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
        if ((tag == "?" || tag == "!" || tag.empty()) && !marks_.stands_at(mark, '!'))
            return;
        fail(mark, "found a tag; tags are not allowed here, and a text that begins with ! needs quotes");
    }

    yaml_node make(const YAML::Mark& mark, yaml_node::kind what) {
        if (++out_.nodes > most_nodes_)
            fail(mark,
                 fmt::format(
                     "too much: a configuration holds at most {} words, lists and maps in all its files",
                     limits::total_nodes));
        const auto where = marks_.at(mark);
        yaml_node node;
        node.what = what;
        node.line = where.line;
        node.column = where.column;
        return node;
    }

    void open(const YAML::Mark& mark, const std::string& tag, yaml_node::kind what) {
        refuse_tag(mark, tag);
        if (stack_.size() >= limits::depth)
            fail(mark,
                 fmt::format("nested too deeply: lists and maps may stand inside each other {} deep at most",
                             limits::depth));
        stack_.push_back({make(mark, what), std::nullopt, {}});
    }

    void close() {
        auto done = std::move(stack_.back().node);
        stack_.pop_back();
        add(std::move(done));
    }

    void add(yaml_node node) {
        if (stack_.empty()) {
            out_.root = std::move(node);
            return;
        }
        auto& parent = stack_.back();
        if (parent.node.what == yaml_node::kind::list)
            parent.node.items.push_back(std::move(node));
        else if (!parent.key)
            parent.key = std::move(node);
        else
            add_entry(parent, std::move(node));
    }

    // A bad entry is reported and left out; the rest of the map is still worth reading.
    void add_entry(open_node& map, yaml_node value) {
        auto key = *std::exchange(map.key, std::nullopt);
        if (value.what == yaml_node::kind::nothing) {
            // yaml-cpp marks an absent value where it notices: often on the next line.
            value.line = key.line;
            value.column = key.column;
        }
        const auto where = position_of(key);
        if (key.what != yaml_node::kind::text) {
            report({where, "found a key that is not a text; every key of a map is one word"});
            return;
        }
        const auto [known, is_new] = map.known_keys.try_emplace(key.text, where);
        if (!is_new) {
            report({where, fmt::format("found the key {} a second time in one map; the first is at {}",
                                       quote(key.text), known->second.text())});
            return;
        }
        map.node.entries.push_back({std::move(key), std::move(value)});
    }

    position position_of(const yaml_node& node) const { return {marks_.file(), node.line, node.column}; }

    void report(problem what) { out_.problems.push_back(std::move(what)); }

    const mark_reader& marks_;
    std::size_t most_nodes_;
    yaml_document& out_;
    int documents_ = 0;
    std::vector<open_node> stack_;
};

// The end of a list or map in brackets is missed far from where it belongs; the beginning is the place to look.
std::string missing_end(std::string_view what, const std::optional<position>& begin,
                        std::string_view expected) {
    return fmt::format("not valid YAML: the end of {}{} is missing; expected {}", what,
                       begin ? " that begins at " + begin->text() : "", expected);
}

// yaml-cpp's own words, which may end in a piece of the text: half a character, or all of a long line.
std::string own_words(std::string_view message) {
    constexpr std::size_t longest = 120;
    const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
    std::string out(message.substr(0, longest));
    std::ranges::replace_if(out, std::not_fn(printable), '?');
    return out;
}

std::string explain(const std::string& message, const tree_builder& builder) {
    using namespace YAML::ErrorMsg;
    if (message.starts_with(UNKNOWN_ANCHOR))
        return std::string(alias_found);
    if (message == UNKNOWN_TOKEN)
        return "not valid YAML: a text cannot begin with this character; put the text into quotes";
    if (message == EOF_IN_SCALAR)
        return std::string(quote_missing);
    if (message == END_OF_SEQ_FLOW)
        return missing_end("the list", builder.innermost(yaml_node::kind::list), ", or ]");
    if (message == END_OF_MAP_FLOW)
        return missing_end("the map", builder.innermost(yaml_node::kind::map), ", or }");
    if (message == MAP_VALUE)
        return "not valid YAML: no value can begin here; a text that holds \": \" needs quotes";
    if (message == END_OF_MAP || message == END_OF_SEQ)
        return "not valid YAML: the indentation fits nothing above; the entries of one list or map begin in "
               "one column";
    if (message.starts_with(INVALID_ESCAPE))
        return "not valid YAML: nothing is known by this name after a \\; between single quotes a \\ is only "
               "itself";
    return "not valid YAML: " + own_words(message);
}

problem as_problem(const YAML::Exception& error, const mark_reader& marks, const tree_builder& builder) {
    if (const auto tab = marks.indenting_tab(error.mark))
        return {*tab, "not valid YAML: the line is indented with a tab; only spaces indent"};
    return {marks.at(error.mark), explain(error.msg, builder)};
}

void parse_with(tree_builder& builder, std::string_view text) {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    // The second round finds the end, or makes the builder complain about a second document.
    while (parser.HandleNextDocument(builder)) {}
}

} // namespace

yaml_document parse_yaml(std::string_view text, const std::string& file, std::size_t most_nodes) {
    if (text.starts_with(byte_order_mark))
        text.remove_prefix(byte_order_mark.size());
    yaml_document out;
    const mark_reader marks(text, file);
    if (auto unfit = check_yaml(text, marks)) {
        out.problems.push_back(*std::move(unfit));
        return out;
    }
    tree_builder builder(marks, most_nodes, out);
    try {
        parse_with(builder, text);
        out.complete = true;
    } catch (const broken_off& stop) {
        out.problems.push_back(stop.found);
    } catch (const YAML::Exception& error) {
        out.problems.push_back(as_problem(error, marks, builder));
    } catch (const std::exception& error) {
        out.problems.push_back({{file, 1, 1}, fmt::format("cannot be read as YAML: {}", error.what())});
    }
    return out;
}

} // namespace joinleaf::config
