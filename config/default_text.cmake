# SPDX-License-Identifier: Apache-2.0
# Writes OUTPUT, a C++ source that defines joinleaf::config::default_text() as the content of the file INPUT.
foreach(variable IN ITEMS INPUT OUTPUT)
    if(NOT DEFINED ${variable})
        message(FATAL_ERROR "default_text.cmake: ${variable} is not given")
    endif()
endforeach()

# Through hexadecimal: CMake's strings give ; and [ a meaning, and a raw string literal would need an end that the text
# does not have.
file(READ "${INPUT}" hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
string(REGEX REPLACE "(.......,.......,.......,.......,.......,.......,.......,.......,.......,.......,.......,.......,)"
    "\\1\n" bytes "${bytes}")
file(WRITE "${OUTPUT}" "// Made from default.yaml.
#include \"config/config.hpp\"

namespace joinleaf::config {
namespace {
constexpr char text[] = {
${bytes}
};
}  // namespace

std::string_view default_text() {
    return {text, sizeof text};
}

}  // namespace joinleaf::config
")
