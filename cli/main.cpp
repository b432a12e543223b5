// SPDX-License-Identifier: Apache-2.0
#include "conformance.hpp"
#include "installation.hpp"
#include "note.hpp"
#include "questions.hpp"
#include "result.hpp"
#include "statistics.hpp"
#include "transfer.hpp"

#include <joinleaf/ext.h>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace joinleaf::cli {

namespace {

constexpr const char* about =
    "Looks into joinleaf's catalog of transports and moves data over its multipoint sessions.";

constexpr const char* after = R"(Examples:
  joinleaf providers
  joinleaf check /etc/joinleaf/joinleaf.yaml
  joinleaf options udp-mcast
  joinleaf explain --family inet --type dgram --flags c_root,d_root
  joinleaf install /opt/courier/joinleaf-courier.so --option rate=4MiB
  joinleaf order courier lan
  joinleaf send --address 0.0.0.0:5000 --leaves 4 disk.img
  joinleaf recv --address 192.0.2.7:5000 -o disk.img
  tail -f /var/log/syslog | joinleaf send --lines --provider lan --address 239.1.2.3:5000
  joinleaf recv --provider lan --address 239.1.2.3:5000
  joinleaf conformance ./joinleaf-courier.so
  joinleaf stats --json

Exit status: 0 success, 1 the answer is no, 2 wrong arguments, 3 the configuration is refused,
4 no session or it broke, 5 data was lost or differs.)";

constexpr const char* after_send =
    R"(Rooted transports: --address is where receivers find this sender (default: any address, a free port).
Nonrooted ones: it is the group. A port 0 is chosen freely and shown.

Examples:
  joinleaf send --address 127.0.0.1:0 --leaves 2 report.pdf
  date | joinleaf send --address 239.1.2.3:5000 --provider lan)";

constexpr const char* after_recv =
    R"(A file appears under its name only when it is whole and its SHA-256 is the sender's; until then it is FILE.part.

Examples:
  joinleaf recv --address 127.0.0.1:5000 -o report.pdf
  joinleaf recv --address 239.1.2.3:5000 --provider lan | less)";

constexpr const char* after_conformance =
    R"(Each case runs in a child process: pass, warn, skip (with the capability that is lacking), fail, crash or timeout.
The exit status is 0 where none failed, crashed or hung.

Examples:
  joinleaf conformance tcp-root
  joinleaf conformance ./build/providers/joinleaf-courier.so --json report.json
  joinleaf conformance tcp-root --filter '*JL_30*' --verbose
  joinleaf conformance courier --config courier.yaml --profile courier-profile.yaml)";

/// Everything that the command line can set.
struct arguments {
    std::string config;
    bool json = false;
    std::string provider;
    std::string file;
    question asked;
    installation installing;
    std::vector<std::string> order;
    send_options sending;
    transfer_options receiving;
    conformance_options conforming;
    statistics_options counting;
};

using command = std::function<result<void>()>;

void add_questions(CLI::App& app, arguments& given, command& chosen) {
    CLI::App* providers = app.add_subcommand(
        "providers", "Show every provider and protocol entry, refused ones with the reason");
    providers->add_flag("--json", given.json, "As JSON");
    providers->callback([&] { chosen = [&] { return show_providers(given.config, given.json); }; });

    CLI::App* options = app.add_subcommand(
        "options", "Show the options of a provider: key, type, unit, default, value, meaning");
    options
        ->add_option("PROVIDER", given.provider,
                     "A provider of the configuration, or a library by name or path")
        ->required();
    options->add_flag("--json", given.json, "As JSON");
    options->callback(
        [&] { chosen = [&] { return show_options(given.config, given.provider, given.json); }; });

    CLI::App* checked =
        app.add_subcommand("check", "Read a configuration and show each problem as FILE:LINE:COL: message");
    checked->add_option("FILE", given.file, "Default: the file of --config, else what the search order finds");
    checked->add_flag("--json", given.json, "As JSON");
    checked->callback(
        [&] { chosen = [&] { return check(given.file.empty() ? given.config : given.file, given.json); }; });

    CLI::App* explained = app.add_subcommand(
        "explain", "Show how socket creation decides: each candidate, what failed, the one chosen");
    explained->add_option("--family", given.asked.family, "inet, inet6, any or a number")->capture_default_str();
    explained->add_option("--type", given.asked.type, "stream, dgram, seqpacket, rdm, raw, any or a number")
        ->capture_default_str();
    explained->add_option("--protocol", given.asked.protocol, "tcp, udp, rm, any or a number")
        ->capture_default_str();
    explained->add_option("--flags", given.asked.flags, "c_root, c_leaf, d_root, d_leaf, separated by commas");
    explained->add_flag("--json", given.json, "As JSON");
    explained->callback([&] { chosen = [&] { return explain(given.config, given.asked, given.json); }; });
}

void add_changes(CLI::App& app, arguments& given, command& chosen) {
    CLI::App* installed = app.add_subcommand(
        "install", "Add a provider to the configuration, as a drop-in of its own behind all others");
    installed
        ->add_option("LIBRARY", given.installing.library,
                     "Its path, or the name of a library on the provider path")
        ->required();
    installed->add_option("--name", given.installing.name, "Default: made of the library's");
    installed->add_option("--option", given.installing.options, "KEY=VALUE; a key given again makes a list");
    installed->callback([&] { chosen = [&] { return install_provider(given.config, given.installing); }; });

    CLI::App* removed =
        app.add_subcommand("remove", "Take a provider out of the configuration, with its drop-in");
    removed->add_option("PROVIDER", given.provider, "Its name")->required();
    removed->callback([&] { chosen = [&] { return remove_provider(given.config, given.provider); }; });

    CLI::App* ordered = app.add_subcommand(
        "order", "Put providers or entries first in the order of choice; the rest follows");
    ordered->add_option("NAME", given.order,
                        "PROVIDER or PROVIDER/ENTRY; without any: back to the order of the files");
    ordered->callback([&] { chosen = [&] { return order_providers(given.config, given.order); }; });
}

void add_transfer_options(CLI::App& to, transfer_options& options, double& timeout) {
    to.add_option("--provider", options.provider,
                  "Provider of the configuration, or PROVIDER/ENTRY (default: the first that fits)");
    to.add_option("--timeout", timeout, "Seconds to wait for a leaf, for data, for an answer")
        ->check(CLI::Range(0.1, 86400.0))
        ->capture_default_str();
    to.add_flag("-q,--quiet", options.quiet, "No progress and no notes on standard error");
}

void add_transfers(CLI::App& app, arguments& given, double& timeout, command& chosen) {
    CLI::App* sending =
        app.add_subcommand("send", "Send a file or standard input to the leaves of a session");
    sending->add_option("FILE", given.sending.file, "Default, or -: standard input");
    sending->add_option("--address", given.sending.address, "ADDR:PORT to listen on, or GROUP:PORT");
    sending
        ->add_option("--leaves", given.sending.leaves,
                     "Leaves to wait for before sending; 0 only where the control plane is nonrooted")
        ->check(CLI::Range(0, 4096))
        ->capture_default_str();
    sending->add_flag("--lines", given.sending.lines, "One message per line, as soon as it is there");
    sending
        ->add_option("--rate", given.sending.rate,
                     "Bytes a second, e.g. 20MB or 4MiB (default on unreliable transports: 10MiB)")
        ->transform(CLI::AsSizeValue(false));
    add_transfer_options(*sending, given.sending, timeout);
    sending->footer(after_send);
    sending->callback([&] { chosen = [&] { return send(given.sending); }; });

    CLI::App* receiving = app.add_subcommand(
        "recv", "Join a session as a leaf and write what is sent to a file or standard output");
    receiving->add_option("--address", given.receiving.address, "ADDR:PORT of the sender, or GROUP:PORT")
        ->required();
    receiving->add_option("-o,--output", given.receiving.file,
                          "File to write (default, or -: standard output)");
    add_transfer_options(*receiving, given.receiving, timeout);
    receiving->footer(after_recv);
    receiving->callback([&] { chosen = [&] { return receive(given.receiving); }; });
}

void add_conformance(CLI::App& app, conformance_options& given, command& chosen) {
    CLI::App* asked = app.add_subcommand("conformance", "Run the conformance kit over a provider");
    asked
        ->add_option("PROVIDER", given.provider,
                     "A provider of the configuration, or a library by name or path")
        ->required();
    asked->add_option("--json", given.json, "Write the report to this file as JSON; -: instead of the text");
    asked->add_option("--filter", given.filters, "Only cases that this shell pattern fits; may be repeated")
        ->allow_extra_args(false);
    asked->add_option("--timeout", given.timeout, "Seconds for each case")
        ->check(CLI::Range(0.1, 3600.0))
        ->capture_default_str();
    asked->add_option("--jobs", given.jobs, "Cases that run at a time (default: one a processor)")
        ->check(CLI::Range(1, 256));
    asked
        ->add_option("--group", given.group,
                     "Cases of one suite that share a process until one fails; faster where it is above 1")
        ->check(CLI::Range(1, 500))
        ->capture_default_str();
    asked->add_option("--profile", given.profile,
                      "What the kit cannot know of the provider; see the SDK's page");
    asked->add_flag("--list", given.list, "Show the names of the cases and run none");
    asked->add_flag("--verbose", given.verbose, "Show each case, also where all is well");
    asked->footer(after_conformance);
    asked->callback([&] { chosen = [&] { return conformance(given); }; });
}

void add_statistics(CLI::App& app, statistics_options& given, command& chosen) {
    CLI::App* asked =
        app.add_subcommand("stats", "Show what running processes count: per socket, and per leaf of a root");
    asked->add_option("PID", given.processes, "Only these processes (default: all that publish)")
        ->check(CLI::PositiveNumber);
    asked->add_option("--folder", given.folder,
                      "Where they publish (default: statistics.folder of the configuration)");
    auto* const json = asked->add_flag("--json", given.json, "As JSON");
    asked->add_flag("--prometheus", given.prometheus, "In Prometheus' text format")->excludes(json);
    asked->callback([&] { chosen = [&] { return show_statistics(given); }; });
}

int run(const command& chosen) {
    const result<void> done = chosen();
    if (done) {
        return std::fflush(stdout) == 0 ? EXIT_SUCCESS : static_cast<int>(status::session);
    }
    if (!done.error().text.empty()) {
        std::fflush(stdout);
        note(done.error().text);
    }
    return static_cast<int>(done.error().code);
}

} // namespace

/// The exit status of the process.
int run_command_line(int count, char** words) {
    arguments given;
    double timeout = 30;
    command chosen;
    CLI::App app(about, "joinleaf");
    app.footer(after);
    app.set_version_flag("--version", "joinleaf " JOINLEAF_VERSION_STRING);
    app.add_option("--config", given.config,
                   "Configuration file (default: JOINLEAF_CONFIG, then the search order)");
    app.require_subcommand(0, 1); // else a mistyped command would only be told that one is missing
    app.fallthrough();
    add_questions(app, given, chosen);
    add_changes(app, given, chosen);
    add_transfers(app, given, timeout, chosen);
    add_conformance(app, given.conforming, chosen);
    add_statistics(app, given.counting, chosen);
    try {
        app.parse(count, words);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? EXIT_SUCCESS : static_cast<int>(status::usage);
    }
    if (!chosen) {
        note("a command is required; 'joinleaf --help' shows them");
        return static_cast<int>(status::usage);
    }
    given.conforming.config = given.config;
    given.counting.config = given.config;
    for (transfer_options* options : {static_cast<transfer_options*>(&given.sending), &given.receiving}) {
        options->config = given.config;
        options->timeout = std::chrono::duration<double>(timeout);
    }
    // Every refusal and problem is part of an answer or of a failure; the log would say it twice.
    setenv("JOINLEAF_LOG", "none", 0);
    return run(chosen);
}

} // namespace joinleaf::cli

int main(int count, char** words) {
    try {
        return joinleaf::cli::run_command_line(count, words);
    } catch (const std::exception& error) { // out of memory, or a limit of the machine
        std::fprintf(stderr, "joinleaf: %s\n", error.what());
        return static_cast<int>(joinleaf::cli::status::session);
    }
}
