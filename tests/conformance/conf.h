/* SPDX-License-Identifier: Apache-2.0 */
/* kt-conformance: one function per `primitive` of the vector files, and what they share.
 *
 * A case that does not come out as told ends at once: conf_fail notes why and jumps back to the main loop, which releases
 * the case's arena. So getters give a value or do not return, and a case function reads like a list of claims. */
#ifndef KT_CONFORMANCE_CONF_H
#define KT_CONFORMANCE_CONF_H

#include <jansson.h>
#include <setjmp.h>
#include <stdnoreturn.h>

#include <kt/config.h>

#include <kt/arena.h>
#include <kt/writer.h>

struct conf_case {
  const char *name;
  const json_t *input; /* the case itself where its fields stand directly in it */
  const json_t *expect;
  const struct kt_suite *suite;
  struct kt_arena arena;   /* everything a case allocates */
  struct kt_reason reason; /* for the code under test */
  jmp_buf failed;
  char why[400];
};

typedef void (*conf_run)(struct conf_case *c);

void conf_ibst(struct conf_case *c);
void conf_binary_ladder(struct conf_case *c);
void conf_ladder_interpretation(struct conf_case *c);
void conf_log_math(struct conf_case *c);
void conf_log_tree(struct conf_case *c);
void conf_log_append(struct conf_case *c);
void conf_prefix_tree(struct conf_case *c);
void conf_prefix_mutation(struct conf_case *c);
void conf_auditor_update(struct conf_case *c);
void conf_commitment(struct conf_case *c);
void conf_vrf(struct conf_case *c);
void conf_tree_head(struct conf_case *c);
void conf_requests(struct conf_case *c);
void conf_distinguished(struct conf_case *c);
void conf_update_view(struct conf_case *c);
void conf_search(struct conf_case *c);
void conf_monitor(struct conf_case *c);
void conf_update(struct conf_case *c);
void conf_tampered(struct conf_case *c);
void conf_from_kt(struct conf_case *c);

/* One case in either form, `input` and `expect` or fields beside a verdict, under c->suite; false: c->why says why. */
bool conf_run_case(struct conf_case *c, conf_run run, const json_t *entry);

/* --- claims (check.c) ---------------------------------------------------------------------------------------------- */

noreturn void conf_fail(struct conf_case *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void conf_require(struct conf_case *c, bool claim, const char *what);
/* The code under test returned `wanted`; its reason is told otherwise. */
void conf_err(struct conf_case *c, enum kt_err got, enum kt_err wanted, const char *what);
void conf_same_u64(struct conf_case *c, uint64_t got, uint64_t wanted, const char *what);
void conf_same_bytes(struct conf_case *c, struct kt_bytes got, struct kt_bytes wanted, const char *what);
void conf_same_hash(struct conf_case *c, const struct kt_hash *got, const struct kt_hash *wanted, const char *what);
void conf_same_hashes(struct conf_case *c, const struct kt_hash *got, size_t n, const json_t *object, const char *key);
/* The case is the one of this name. */
bool conf_is(const struct conf_case *c, const char *name);

void *conf_alloc(struct conf_case *c, size_t count, size_t size);
/* A writer for one encoding, and what was written. */
struct kt_writer conf_writer(struct conf_case *c);
struct kt_bytes conf_written(struct conf_case *c, const struct kt_writer *w);

/* --- fields (field.c): present and of the right form, or the case fails --------------------------------------------- */

bool conf_has(const json_t *object, const char *key); /* present and not null */
const json_t *conf_object(struct conf_case *c, const json_t *object, const char *key);
const json_t *conf_array(struct conf_case *c, const json_t *object, const char *key);
const char *conf_text(struct conf_case *c, const json_t *object, const char *key);
bool conf_flag(struct conf_case *c, const json_t *object, const char *key);
bool conf_flag_or_false(struct conf_case *c, const json_t *object, const char *key);
int64_t conf_int(struct conf_case *c, const json_t *object, const char *key);
uint64_t conf_u64(struct conf_case *c, const json_t *object, const char *key);
uint64_t conf_u64_or_zero(struct conf_case *c, const json_t *object, const char *key);
uint32_t conf_u32(struct conf_case *c, const json_t *object, const char *key);
struct kt_bytes conf_hex(struct conf_case *c, const json_t *object, const char *key);
struct kt_bytes conf_hex_len(struct conf_case *c, const json_t *object, const char *key, size_t len);
struct kt_bytes conf_hex_value(struct conf_case *c, const json_t *value, const char *key);
struct kt_hash conf_hash(struct conf_case *c, const json_t *object, const char *key);
uint64_t conf_u64_value(struct conf_case *c, const json_t *value, const char *key);
uint64_t *conf_u64s(struct conf_case *c, const json_t *object, const char *key, size_t *ret_n);
uint32_t *conf_u32s(struct conf_case *c, const json_t *object, const char *key, size_t *ret_n);
struct kt_hash *conf_hashes(struct conf_case *c, const json_t *object, const char *key, size_t *ret_n);
/* The Configuration whose fields stand in object. */
struct kt_config conf_config(struct conf_case *c, const json_t *object);

/* --- files (load.c) --------------------------------------------------------------------------------------------------- */

/* Integers of 64 bits, duplicate keys refused. NULL: *ret_error says where. Integers that do not fit Jansson's signed
 * ones become strings of digits, which the getters take for integers too. */
json_t *conf_load(const char *path, json_error_t *ret_error);

#endif
