/* SPDX-License-Identifier: Apache-2.0 */
/* Building JSON objects with a sticky failure, and the project's forms of numbers and bytes.
 *
 * A builder that ran out of memory, or was given text that is not UTF-8, swallows everything that follows and ends as
 * NULL. kt_json_set takes the reference of the value, which may be NULL (a failed constructor). */
#ifndef KT_JSON_BUILDER_H
#define KT_JSON_BUILDER_H

#include <jansson.h>

#include <kt/bytes.h>
#include <kt/err.h>

struct kt_json_builder {
  json_t *object;
  bool failed;
};

void kt_json_begin(struct kt_json_builder *b);
void kt_json_set(struct kt_json_builder *b, const char *key, json_t *value);
/* A new reference for the caller, or NULL. */
json_t *kt_json_end(struct kt_json_builder *b);

/* Integers above 2^63-1, which JSON readers do not agree about, become strings of decimal digits. */
json_t *kt_json_u64(uint64_t value);
/* Lower-case hex. */
json_t *kt_json_hex(struct kt_bytes bytes);
json_t *kt_json_hash(const struct kt_hash *hash);
json_t *kt_json_base64(struct kt_bytes bytes);
/* Text: NULL (and so a failed builder) when it is not UTF-8. */
json_t *kt_json_text(struct kt_bytes text);
/* A message that may quote anything: where it is not UTF-8, every byte that is not ASCII becomes '?'. */
json_t *kt_json_lossy(const char *text);

/* The text of a value, with Jansson's flags; free() it. NULL: no memory, or no value. Not by json_dumps, which leaves
 * the name of a member out when there is no memory for it and says that all is well. */
char *kt_json_dump(const json_t *value, size_t flags);

/* An array of n values, item(ctx, i) each. NULL as soon as one of them is. */
json_t *kt_json_array(const void *ctx, size_t n, json_t *(*item)(const void *ctx, size_t i));

#endif
