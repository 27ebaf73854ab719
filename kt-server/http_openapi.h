/* SPDX-License-Identifier: Apache-2.0 */
/* GET /openapi.yaml: kt-server/openapi.yaml as it was when the program was built. */
#ifndef KT_SERVER_HTTP_OPENAPI_H
#define KT_SERVER_HTTP_OPENAPI_H

#include <stddef.h>
#include <stdint.h>

#define KT_OPENAPI_TYPE "application/yaml"

/* Made by cmake/embed_text.cmake. */
extern const uint8_t kt_openapi[];
extern const size_t kt_openapi_len;

#endif
