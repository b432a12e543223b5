# SPDX-License-Identifier: Apache-2.0
# Read by ctest when it starts: one test for each suite of cases that the kit has for the provider `name`.
set(run env --unset=JOINLEAF_PROVIDERS "JOINLEAF_PROVIDER_PATH=${providers}"
    "${joinleaf}" conformance ${name} --config "${configuration}")
if(EXISTS "${joinleaf}")
    execute_process(COMMAND ${run} --list OUTPUT_VARIABLE cases ERROR_VARIABLE refusal RESULT_VARIABLE status)
else()
    set(status "not built")
endif()
if(NOT status EQUAL 0)
    # The run of this test shows what is wrong.
    add_test(conformance.${name} ${run})
    set_tests_properties(conformance.${name} PROPERTIES LABELS "${labels}")
    return()
endif()
string(REGEX MATCHALL "[^\n.]+\\.[^\n]*" cases "${cases}")
list(TRANSFORM cases REPLACE "\\..*" "")
list(REMOVE_DUPLICATES cases)
foreach(suite IN LISTS cases)
    set(test conformance.${name}.${suite})
    add_test(${test} ${run} --filter "${suite}.*" --jobs 1 --group 50 --verbose --json "${reports}/${name}.${suite}.json")
    set_tests_properties(${test} PROPERTIES LABELS "${labels}" TIMEOUT 600)
endforeach()
