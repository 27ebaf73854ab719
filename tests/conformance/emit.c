/* SPDX-License-Identifier: Apache-2.0 */
#include "emit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "crypto/hash.h"

#define NODES_MAX 65536
#define NAME_MAX_LEN 200

const uint8_t emit_vrf_seed[KT_SEED_LEN] = "kt-conformance --emit: VRF key";

/* --- content ------------------------------------------------------------------------------------------------------------ */

uint64_t emit_random(struct emit *e, uint64_t below)
{
  e->random = e->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (e->random >> 33) % below;
}

struct kt_hash emit_hash(const char *name, uint64_t a, uint64_t b)
{
  char text[NAME_MAX_LEN];
  struct kt_hash hash;
  int len = snprintf(text, sizeof text, "%s %" PRIu64 " %" PRIu64, name, a, b);
  kt_sha256(text, (size_t)len, &hash);
  return hash;
}

const char *emit_text(struct emit *e, const char *format, ...)
{
  char *text = conf_alloc(&e->c, NAME_MAX_LEN, 1);
  va_list args;
  va_start(args, format);
  vsnprintf(text, NAME_MAX_LEN, format, args);
  va_end(args);
  return text;
}

struct kt_hash emit_flipped(struct kt_hash hash)
{
  hash.b[0] ^= 1;
  return hash;
}

/* --- JSON --------------------------------------------------------------------------------------------------------------- */

json_t *emit_hex(struct emit *e, struct kt_bytes bytes)
{
  char *text = conf_alloc(&e->c, KT_HEX_SIZE(bytes.len), 1);
  kt_hex_encode(bytes, text);
  return json_string(text);
}

json_t *emit_hex_hash(struct emit *e, const struct kt_hash *hash)
{
  return emit_hex(e, (struct kt_bytes){ hash->b, KT_HASH_LEN });
}

json_t *emit_hashes(struct emit *e, const struct kt_hash *hashes, size_t n)
{
  json_t *array = json_array();
  for (size_t i = 0; i < n; i++) {
    conf_require(&e->c, json_array_append_new(array, emit_hex_hash(e, &hashes[i])) == 0, "out of memory");
  }
  return array;
}

json_t *emit_numbers(const uint64_t *numbers, size_t n)
{
  json_t *array = json_array();
  for (size_t i = 0; i < n; i++) {
    json_array_append_new(array, json_integer((json_int_t)numbers[i]));
  }
  return array;
}

void emit_set(struct emit *e, json_t *object, const char *key, json_t *value)
{
  conf_require(&e->c, json_object_set_new(object, key, value) == 0, "out of memory");
}

/* --- rules ---------------------------------------------------------------------------------------------------------- */

/* Every number of must-reject that this form can break, and the reasons that our verifier gives for it; NULL where it is the
 * encoding or a comparison at the end that decides. */
static const struct {
  const char *rule;
  const char *reasons[3];
} rules[] = {
  { "A2", { "audit-order" } },
  { "A3", { "audit-added" } },
  { "A4", { "audit-removed" } },
  { "A6", { NULL } },
  { "A7", { "audit-results" } },
  { "R2", { NULL } },
  { "R3", { NULL } },
  { "R8", { "timestamp-order" } },
  { "R18", { "version-overflow" } },
  { "R19", { "ladder-short", "ladder-long" } },
  { "R20", { "greater-version" } },
  { "R21", { "greatest-missing" } },
  { "R22", { "version-absent" } },
  { "R26", { "version-absent" } },
  { "R27", { "ladder-short", "version-missing" } },
  { "R28", { "monitor-order" } },
  { "R29", { "prefix-proofs" } },
  { "R35", { NULL } },
  { "R36", { "version-overflow" } },
  { "R40", { "update-frontier" } },
  { "R41", { "update-missing" } },
  { "R47", { "log-elements" } },
  { "R48", { "log-retained" } },
  { "R49", { "log-leaf" } },
  { "R50", { "prefix-results" } },
  { "R51", { "prefix-depth" } },
  { "R52", { "prefix-commitment" } },
  { "R53", { "prefix-leaf" } },
  { "R54", { "prefix-elements" } },
  { "R55", { "prefix-duplicate" } },
  { "R56", { "timestamps", "prefix-proofs", "prefix-roots" } },
  { "R57", { "prefix-root-twice" } },
  { "other-root", { NULL } },
};
_Static_assert(sizeof rules / sizeof rules[0] == EMIT_RULES, "one count for each rule");

static bool is_reason(const char *const reasons[3], const char *code)
{
  bool same = reasons[0] == NULL && code == NULL;
  for (size_t i = 0; i < 3 && code != NULL; i++) {
    same = same || (reasons[i] != NULL && strcmp(reasons[i], code) == 0);
  }
  return same;
}

/* The case was refused for the rule that its name tells, and for nothing before it. */
static void count_rule(struct emit *e, const char *rule, const char *name, const char *code)
{
  for (size_t i = 0; i < EMIT_RULES; i++) {
    if (strcmp(rules[i].rule, rule) == 0) {
      e->n_rejects[i]++;
      if (!is_reason(rules[i].reasons, code)) {
        conf_fail(&e->c, "%s: refused for \"%s\"", name, code != NULL ? code : "no reason given");
      }
      return;
    }
  }
  conf_fail(&e->c, "%s: the rule is not listed", name);
}

static void require_all_rules(struct emit *e)
{
  for (size_t i = 0; i < EMIT_RULES; i++) {
    if (e->n_rejects[i] == 0) {
      conf_fail(&e->c, "no case breaks %s", rules[i].rule);
    }
  }
}

/* --- cases -------------------------------------------------------------------------------------------------------------- */

/* What is written is what our own verifier says of it. rule NULL: to be accepted. */
static void add_case(struct emit *e, const json_t *fields, const char *name, const char *rule)
{
  struct conf_case judged = { .suite = e->c.suite };
  json_t *entry = json_deep_copy(fields);
  conf_require(&e->c, entry != NULL, "out of memory");
  emit_set(e, entry, "name", json_string(name));
  emit_set(e, entry, "expect", json_string(rule == NULL ? "accept" : "reject"));
  conf_require(&e->c, json_array_append_new(e->cases, entry) == 0, "out of memory");
  if (!conf_run_case(&judged, conf_from_kt, entry)) {
    conf_fail(&e->c, "%s: %s", name, judged.why);
  }
  if (rule != NULL) {
    count_rule(e, rule, name, judged.reason.code);
  }
}

void emit_accept(struct emit *e, const json_t *fields, const char *name)
{
  add_case(e, fields, name, NULL);
}

void emit_reject(struct emit *e, const json_t *fields, const char *name, const char *rule, const char *how)
{
  add_case(e, fields, emit_text(e, "%s-%s-%s", name, rule, how), rule);
}

void emit_reject_field(struct emit *e, const json_t *fields, const char *name, const char *rule, const char *how,
                       const char *key, json_t *value)
{
  json_t *changed = json_copy((json_t *)(uintptr_t)fields);
  if (value == NULL) {
    json_object_del(changed, key);
  } else {
    emit_set(e, changed, key, value);
  }
  emit_reject(e, changed, name, rule, how);
  json_decref(changed);
}

void emit_reject_encodings(struct emit *e, const json_t *fields, const char *name, const char *key,
                           struct kt_bytes encoded, size_t at_type)
{
  uint8_t *bytes = conf_alloc(&e->c, encoded.len + 1, 1);
  memcpy(bytes, encoded.data, encoded.len);
  emit_reject_field(e, fields, name, "R3", "trailing-byte", key,
                    emit_hex(e, (struct kt_bytes){ bytes, encoded.len + 1 }));
  emit_reject_field(e, fields, name, "R3", "truncated", key, emit_hex(e, (struct kt_bytes){ bytes, encoded.len - 1 }));
  if (at_type > 0) {
    bytes[at_type] = 0;
    emit_reject_field(e, fields, name, "R2", "result-type-reserved", key,
                      emit_hex(e, (struct kt_bytes){ bytes, encoded.len }));
    bytes[at_type] = 4;
    emit_reject_field(e, fields, name, "R2", "result-type-unknown", key,
                      emit_hex(e, (struct kt_bytes){ bytes, encoded.len }));
  }
}

/* --- the file ------------------------------------------------------------------------------------------------------------ */

static enum kt_err node_get(void *ctx, uint64_t ref, struct kt_prefix_node *ret_node)
{
  const struct emit *e = ctx;
  *ret_node = e->nodes[ref - 1];
  return KT_OK;
}

static enum kt_err node_put(void *ctx, const struct kt_prefix_node *node, uint64_t *ret_ref)
{
  struct emit *e = ctx;
  if (e->n_nodes == NODES_MAX) {
    return KT_ERR_MEMORY;
  }
  e->nodes[e->n_nodes++] = *node;
  *ret_ref = e->n_nodes;
  return KT_OK;
}

static void write_file(struct emit *e, enum emit_form form, const char *path)
{
  json_t *document = json_object();
  emit_set(e, document, "primitive", json_string(form == EMIT_FROM_KT ? "from-kt" : "tampered"));
  emit_set(e, document, "draft", json_string("draft-ietf-keytrans-protocol"));
  emit_set(e, document, "generator", json_string("kt-conformance"));
  emit_set(e, document, "cipher_suite", json_integer(e->c.suite->id));
  if (form == EMIT_FROM_KT) {
    emit_set(
        e, document, "notes",
        json_string("Each case named ...-RULE-HOW is the honest one before it with that single change; the rules are "
                    "explained in docs/conformance.md. Reasonable monitoring window 604800000 ms, no lifetime."));
  }
  emit_set(e, document, "cases", json_incref(e->cases));
  int err = json_dump_file(document, path, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
  json_decref(document);
  conf_require(&e->c, err == 0, "the file cannot be written");
}

static void emit_form(struct emit *e, enum emit_form form)
{
  if (form == EMIT_TAMPERED) {
    emit_tampered(e);
    return;
  }
  emit_log_trees(e);
  emit_prefix_trees(e);
  emit_changes(e);
  emit_searches(e);
  emit_owner_updates(e);
  require_all_rules(e);
}

bool emit_file(const char *path, enum emit_form form, const struct kt_suite *suite, uint64_t seed,
               char ret_why[static 512])
{
  struct emit *e = calloc(1, sizeof *e);
  struct kt_prefix_node *nodes = calloc(NODES_MAX, sizeof *nodes);
  json_t *cases = json_array();
  bool written = false;
  snprintf(ret_why, 512, "out of memory");
  if (e != NULL && nodes != NULL && cases != NULL) {
    e->c.suite = suite;
    e->cases = cases;
    e->nodes = nodes;
    e->random = seed;
    e->store = (struct prefix_store){ .nodes = { .ctx = e, .get = node_get }, .put = node_put };
    kt_arena_init(&e->c.arena, 4 * KT_ARENA_CAP_DEFAULT);
    if (setjmp(e->c.failed) == 0) {
      emit_form(e, form);
      write_file(e, form, path);
      written = true;
    } else {
      snprintf(ret_why, 512, "%s", e->c.why);
    }
    kt_arena_release(&e->c.arena);
  }
  json_decref(cases);
  free(nodes);
  free(e);
  return written;
}
