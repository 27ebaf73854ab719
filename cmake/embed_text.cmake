# SPDX-License-Identifier: Apache-2.0
# cmake -DINPUT=FILE -DOUTPUT=FILE.c -DNAME=kt_x -P embed_text.cmake: the bytes of INPUT as the array NAME, and NAME_len.
file(READ ${INPUT} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "  \\1\n"
  bytes "${bytes}")
file(WRITE ${OUTPUT} "#include \"http_openapi.h\"\n\nconst uint8_t ${NAME}[] = {\n${bytes}\n};\nconst size_t ${NAME}_len = sizeof ${NAME};\n")
