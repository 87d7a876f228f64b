# crossdock_embed(OUT var NAMESPACE ns NAME function FILES …): a .cpp whose function returns the files as a table of
# {name, content}, so that the one binary carries them.
function(crossdock_embed)
  cmake_parse_arguments(ARG "" "OUT;NAMESPACE;NAME;HEADER" "FILES" ${ARGN})
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${ARG_NAME}.embedded.cpp)
  add_custom_command(
    OUTPUT ${output}
    COMMAND python3 ${CMAKE_SOURCE_DIR}/tools/embed.py --output ${output} --namespace ${ARG_NAMESPACE}
            --function ${ARG_NAME} --header ${ARG_HEADER} ${ARG_FILES}
    DEPENDS ${ARG_FILES} ${CMAKE_SOURCE_DIR}/tools/embed.py
    VERBATIM)
  set(${ARG_OUT} ${output} PARENT_SCOPE)
endfunction()
