#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the build into a folder of its own and uses it as somebody else would, who has the package and not the tree.
#
#   package.sh plugin cpp|c   builds the SDK's template, loads it by a drop-in, sends a file with the example program
#   package.sh conformance cpp|c   builds the template and runs the installed conformance kit over it
#   package.sh programs       builds programs that know the CMake package only
#   package.sh pkgconfig      builds one that knows the pkg-config file only
#   package.sh prefix         the installed command finds its own providers, wherever the prefix is
#
# Takes CMAKE, CC, CXX, GENERATOR, NM, FLAGS (of a sanitizer), SOURCE, BUILD and CONFIG from the environment.
set -euo pipefail

: "${CMAKE:?}" "${CC:?}" "${CXX:?}" "${GENERATOR:?}" "${NM:?}" "${SOURCE:?}" "${BUILD:?}"
unset JOINLEAF_CONFIG JOINLEAF_PROVIDER_PATH JOINLEAF_PROVIDERS JOINLEAF_LOG
unset DESTDIR CPATH LD_LIBRARY_PATH CMAKE_PREFIX_PATH PKG_CONFIG_PATH

work=$(mktemp -d)
prefix=$work/prefix
children=()

tidy() {
    local child
    for child in "${children[@]}"; do
        kill "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap tidy EXIT
trap 'exit 1' INT TERM

fail() { printf 'package.sh: %s\n' "$*" >&2; exit 1; }

# Output of a step is of interest only if it fails.
quietly() {
    if ! timeout 200 "$@" >"$work/log" 2>&1; then
        tail -n 60 "$work/log" >&2
        fail "this failed: $*"
    fi
}

install_package() {
    quietly "$CMAKE" --install "$BUILD" --prefix "$prefix" --config "${CONFIG:-Release}"
}

# The path of a file of the package, whatever this system calls its library folder.
installed() { # name
    local path
    path=$(find "$prefix" -name "$1" | head -1)
    [ -n "$path" ] || fail "$1 is not installed"
    readlink -f "$path"
}

# Configures and builds a project outside the tree and makes sure that it saw nothing of it.
build_outside() { # source folder, build folder, arguments of cmake
    local from=$1 to=$2 leak
    shift 2
    quietly "$CMAKE" -S "$from" -B "$to" -G "$GENERATOR" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_C_FLAGS="${FLAGS:-}" -DCMAKE_CXX_FLAGS="${FLAGS:-}" \
        -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF -DCMAKE_EXPORT_COMPILE_COMMANDS=ON "$@"
    quietly "$CMAKE" --build "$to" -j 2
    grep -q "^joinleaf_DIR:PATH=$prefix/" "$to/CMakeCache.txt" || fail "$from: the package was not taken from $prefix"
    leak=$(grep -oE -m 1 "($SOURCE/include|$BUILD)[^ \"]*" "$to/compile_commands.json" || true)
    [ -z "$leak" ] || fail "$from: is compiled with $leak of the tree"
}

exports_only_its_entry() { # library
    local names
    names=$("$NM" -D --defined-only "$1" | awk '{ print $NF }' | grep -vE '^(_init|_fini|_edata|_end|__bss_start)$' || true)
    [ "$names" = jl_provider_startup ] || fail "$1 exports: ${names:-nothing}"
}

# A configuration of one include; the drop-in is the template's own with the library named by its path.
write_configuration() { # template folder, library
    mkdir -p "$work/etc/providers.d" "$work/sessions"
    printf 'version: 1\ninclude: [providers.d/*.yaml]\n' >"$work/etc/joinleaf.yaml"
    sed -e "s|^    library: .*|    library: $2|" -e "s|directory: .*|directory: $work/sessions|" \
        "$1/inbox.yaml" >"$work/etc/providers.d/inbox.yaml"
}

# The example, copied out of the tree and built against the package.
build_example() {
    mkdir -p "$work/example"
    cp "$SOURCE"/examples/distribute/*.[ch]pp "$work/example/"
    cat >"$work/example/CMakeLists.txt" <<'TEXT'
cmake_minimum_required(VERSION 3.25)
project(example LANGUAGES CXX)
find_package(joinleaf REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(Threads REQUIRED)
file(GLOB sources CONFIGURE_DEPENDS *.cpp)
add_executable(distribute ${sources})
target_compile_features(distribute PRIVATE cxx_std_20)
target_link_libraries(distribute PRIVATE joinleaf::joinleaf OpenSSL::Crypto Threads::Threads)
TEXT
    build_outside "$work/example" "$work/example-build"
}

finish() { # name, pid
    local status=0
    wait "$2" || status=$?
    if [ "$status" -ne 0 ]; then
        cat "$work/$1.out" >&2
        fail "$1 ends with status $status"
    fi
}

# Few enough bytes to fit whole into the smallest receive buffer that Linux gives by default, so that none can get lost.
carry_a_file() {
    local run=("$work/example-build/distribute") name
    head -c 150000 "$(installed 'libjoinleaf.so')" >"$work/sent"
    mkdir "$work/meeting"
    for name in one two; do
        timeout 60 "${run[@]}" leaf file "$work/$name" --name "$name" --meet "$work/meeting" >"$work/$name.out" 2>&1 &
        children+=($!)
    done
    timeout 60 "${run[@]}" root file "$work/sent" --leaves 2 --meet "$work/meeting" >"$work/root.out" 2>&1 &
    children+=($!)
    finish root "${children[2]}"
    finish one "${children[0]}"
    finish two "${children[1]}"
    children=()
    for name in one two; do
        cmp "$work/sent" "$work/$name" || fail "what came to $name is not what was sent"
    done
    [ -z "$(ls -A "$work/sessions")" ] || fail "a session was left behind: $(ls "$work/sessions")"
}

plugin() { # language
    local template=$prefix/share/joinleaf/template/$1 name=inbox library
    [ "$1" = cpp ] || name=inbox-$1
    cp -r "$template" "$work/plugin"
    build_outside "$work/plugin" "$work/plugin-build"
    library=$work/plugin-build/providers/joinleaf-$name.so
    exports_only_its_entry "$library"
    write_configuration "$template" "$library"
    export JOINLEAF_CONFIG=$work/etc/joinleaf.yaml
    build_example
    carry_a_file
    grep -q "^transport=.*$name" "$work/one.out" || fail "another transport carried it: $(cat "$work/one.out")"
    echo "joinleaf-$name.so, $(cat "$template"/*.[ch]* | wc -l) lines with its headers, carried $(stat -c %s "$work/sent") bytes to two"
}

# The kit as an author of a provider uses it: nothing but what is installed.
conformance() { # language
    local library=$work/plugin-build/providers/joinleaf-inbox.so
    [ "$1" = cpp ] || library=$work/plugin-build/providers/joinleaf-inbox-c.so
    cp -r "$prefix/share/joinleaf/template/$1" "$work/plugin"
    build_outside "$work/plugin" "$work/plugin-build"
    printf 'version: 1\nproviders: []\n' >"$work/none.yaml"
    quietly "$prefix/bin/joinleaf" conformance "$library" --config "$work/none.yaml" --group 50 --jobs 2 --json "$work/report.json"
    grep -q '"crash": 0' "$work/report.json" || fail "the report is not whole: $(head -40 "$work/report.json")"
    tail -1 "$work/log"
}

# Where loopback carries multicast; says so where that is not permitted.
in_own_network() { # command
    unshare -rn bash -c 'ip link set lo up multicast on && ip route add 224.0.0.0/4 dev lo src 127.0.0.1' 2>/dev/null ||
        { echo 'no private network'; return; }
    unshare -rn bash -c 'ip link set lo up multicast on && ip route add 224.0.0.0/4 dev lo src 127.0.0.1 && "$@"' _ "$@"
}

configure_udp() {
    printf 'version: 1\nproviders:\n  - name: lan\n    library: %s\n' "$1" >"$work/lan.yaml"
    export JOINLEAF_CONFIG=$work/lan.yaml
}

programs() {
    cp -r "$SOURCE/tests/install/programs" "$work/programs"
    build_outside "$work/programs" "$work/programs-build"
    configure_udp "$(installed 'joinleaf-udp-mcast.so')"
    timeout 60 "$work/programs-build/catalog" | tee "$work/entries" | grep -q '^lan' || fail "no entry of lan: $(cat "$work/entries")"
    timeout 60 "$work/programs-build/windows_source" | grep -qE '^port [1-9][0-9]*$' || fail "the Windows source got no port"
    printf 'version: 1\nproviders:\n  - {name: tree, library: tcp-root}\n' >"$work/tree.yaml"
    JOINLEAF_CONFIG=$work/tree.yaml timeout 60 "$work/programs-build/asio_program" | grep -qx heard || fail "asio.hpp: nothing was heard"
    in_own_network timeout 60 "$work/programs-build/cpp_program" >"$work/heard" || fail "joinleaf.hpp: $(cat "$work/heard")"
    grep -qxE 'heard|no private network' "$work/heard" || fail "joinleaf.hpp: nothing was heard: $(cat "$work/heard")"
}

pkgconfig() {
    local flags description
    description=$(installed joinleaf.pc)
    export PKG_CONFIG_PATH=${description%/*}
    read -ra flags <<<"$(pkg-config --cflags --libs joinleaf) ${FLAGS:-}"
    [ "$(pkg-config --modversion joinleaf)" = "$(sed -nE 's/^#define JOINLEAF_VERSION_STRING "(.*)"/\1/p' "$SOURCE/include/joinleaf/winsock2.h")" ] ||
        fail "joinleaf.pc has version $(pkg-config --modversion joinleaf)"
    cp "$SOURCE/tests/install/programs/catalog.c" "$work/"
    quietly "$CC" -std=c11 -o "$work/catalog" "$work/catalog.c" "${flags[@]}" \
        "-Wl,-rpath,$(pkg-config --variable=libdir joinleaf)"
    configure_udp "$(pkg-config --variable=providerdir joinleaf)/joinleaf-udp-mcast.so"
    timeout 60 "$work/catalog" | tee "$work/entries" | grep -q '^lan' || fail "no entry of lan: $(cat "$work/entries")"
}

prefix() {
    configure_udp udp-mcast
    mv "$prefix" "$work/moved"
    timeout 60 "$work/moved/bin/joinleaf" providers --json >"$work/providers" || fail "joinleaf providers ends with status $?"
    grep -q "\"path\": \"$(readlink -f "$work/moved")/.*joinleaf-udp-mcast.so\"" "$work/providers" || {
        cat "$work/providers" >&2
        fail "the installed command does not use the provider that was installed with it"
    }
}

[ $# -ge 1 ] || fail "which part?"
install_package
"$@"
