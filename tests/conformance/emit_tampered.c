/* SPDX-License-Identifier: Apache-2.0 */
/* kt-conformance --emit-tampered: what depends on the cipher suite (VRF proofs, commitments, heads of the tree), in the form
 * of the `tampered` files. That form has no honest cases; each honest original is verified here before it is broken. */
#include "emit.h"

#include <string.h>

#include "wire/leaf.h"
#include "wire/tree_head.h"

static const uint8_t sign_seed[KT_SEED_LEN] = "kt-conformance --emit: signing";
static const uint8_t other_seed[KT_SEED_LEN] = "kt-conformance --emit: another";

static struct kt_bytes label(void)
{
  return (struct kt_bytes){ (const uint8_t *)EMIT_LABEL, sizeof EMIT_LABEL - 1 };
}

/* The original, broken in no way, verifies. */
static void verify_original(struct emit *e, const json_t *input)
{
  json_t *entry = json_deep_copy(input);
  struct conf_case judged = { .suite = e->c.suite };
  emit_set(e, entry, "name", json_string("original"));
  emit_set(e, entry, "expect", json_string("accept"));
  bool passed = conf_run_case(&judged, conf_from_kt, entry);
  json_decref(entry);
  conf_require(&e->c, passed, judged.why);
}

/* The original with one field exchanged; value is taken over. */
static void tamper(struct emit *e, const json_t *original, const char *rule, const char *how, const char *key,
                   json_t *value)
{
  json_t *input = json_deep_copy(original);
  json_t *expect = json_object();
  json_t *entry = json_object();
  struct conf_case judged = { .suite = e->c.suite };
  const char *kind = json_string_value(json_object_get(original, "kind"));
  const char *name = emit_text(e, "%s-%s-%s", kind, rule, how);
  emit_set(e, input, key, value);
  emit_set(e, expect, "error", json_true());
  emit_set(e, expect, "tamper", json_string(how));
  emit_set(e, entry, "name", json_string(name));
  emit_set(e, entry, "input", input);
  emit_set(e, entry, "expect", expect);
  conf_require(&e->c, json_array_append_new(e->cases, entry) == 0, "out of memory");
  if (!conf_run_case(&judged, conf_tampered, entry)) {
    conf_fail(&e->c, "%s: %s", name, judged.why);
  }
}

static json_t *flipped_hex(struct emit *e, struct kt_bytes bytes, size_t at)
{
  uint8_t *copy = kt_arena_copy(&e->c.arena, bytes.data, bytes.len);
  conf_require(&e->c, copy != NULL, "out of memory");
  copy[at] ^= 1;
  return emit_hex(e, (struct kt_bytes){ copy, bytes.len });
}

static json_t *vrf_public(struct emit *e, const uint8_t seed[static KT_SEED_LEN])
{
  uint8_t public_key[KT_PUBLIC_KEY_MAX];
  conf_err(&e->c, e->c.suite->vrf_public(seed, public_key), KT_OK, "VRF key");
  return emit_hex(e, (struct kt_bytes){ public_key, e->c.suite->vrf_public_len });
}

static json_t *sign_public(struct emit *e, const uint8_t seed[static KT_SEED_LEN], uint8_t *ret_public)
{
  conf_err(&e->c, e->c.suite->sign_public(seed, ret_public), KT_OK, "signing key");
  return emit_hex(e, (struct kt_bytes){ ret_public, e->c.suite->sign_public_len });
}

/* --- kinds ------------------------------------------------------------------------------------------------------------ */

/* A proof is Gamma, a challenge of 16 bytes and a scalar of 32. */
static void tamper_vrf(struct emit *e)
{
  const struct kt_suite *suite = e->c.suite;
  uint8_t input[KT_VRF_INPUT_MAX];
  uint8_t proof[KT_VRF_PROOF_MAX];
  struct kt_vrf_key key;
  struct kt_hash output;
  size_t len = kt_vrf_input(label(), 3, input);
  const size_t scalar = suite->vrf_proof_len - 32;
  conf_err(&e->c, suite->vrf_key_init(&key, emit_vrf_seed), KT_OK, "VRF key");
  conf_err(&e->c, suite->vrf_prove(&key, (struct kt_bytes){ input, len }, proof, &output), KT_OK, "VRF");
  const struct kt_bytes whole = { proof, suite->vrf_proof_len };
  json_t *original = json_object();
  emit_set(e, original, "kind", json_string("vrf"));
  emit_set(e, original, "label", emit_hex(e, label()));
  emit_set(e, original, "version", json_integer(3));
  emit_set(e, original, "public_key", vrf_public(e, emit_vrf_seed));
  emit_set(e, original, "proof", emit_hex(e, whole));
  verify_original(e, original);
  tamper(e, original, "R45", "gamma-flipped", "proof", flipped_hex(e, whole, 1));
  tamper(e, original, "R45", "challenge-flipped", "proof", flipped_hex(e, whole, scalar - 1));
  tamper(e, original, "R45", "scalar-flipped", "proof", flipped_hex(e, whole, scalar + 1));
  tamper(e, original, "R45", "version-of-another", "version", json_integer(4));
  tamper(e, original, "R45", "label-of-another", "label", flipped_hex(e, label(), 0));
  tamper(e, original, "R45", "key-of-another", "public_key", vrf_public(e, other_seed));
  memset(&proof[scalar], 0xff, 32);
  tamper(e, original, "R45", "scalar-over-the-order", "proof", emit_hex(e, whole));
  memset(proof, 0xff, scalar - 16);
  tamper(e, original, "R45", "gamma-no-point", "proof", emit_hex(e, whole));
  json_decref(original);
}

static void tamper_commitment(struct emit *e)
{
  const struct kt_config config = { .suite = e->c.suite, .mode = KT_MODE_CONTACT_MONITORING };
  const struct kt_hash random = emit_hash("opening", e->random, 0);
  const struct kt_bytes opening = { random.b, KT_OPENING_LEN };
  const struct kt_bytes value = { (const uint8_t *)"a device key", 12 };
  const struct kt_update_value update = { .value = value };
  struct kt_hash commitment;
  json_t *original = json_object();
  conf_err(&e->c, kt_commitment(&config, opening.data, label(), 3, &update, &commitment), KT_OK, "commitment");
  emit_set(e, original, "kind", json_string("commitment"));
  emit_set(e, original, "label", emit_hex(e, label()));
  emit_set(e, original, "version", json_integer(3));
  emit_set(e, original, "opening", emit_hex(e, opening));
  emit_set(e, original, "update", json_pack("{s:o}", "value", emit_hex(e, value)));
  emit_set(e, original, "commitment", emit_hex_hash(e, &commitment));
  verify_original(e, original);
  tamper(e, original, "R42", "label-of-another", "label", flipped_hex(e, label(), 0));
  tamper(e, original, "R42", "version-of-another", "version", json_integer(2));
  tamper(e, original, "R42", "opening-flipped", "opening", flipped_hex(e, opening, 0));
  tamper(e, original, "R42", "value-flipped", "update", json_pack("{s:o}", "value", flipped_hex(e, value, 0)));
  tamper(e, original, "R42", "value-empty", "update", json_pack("{s:s}", "value", ""));
  commitment = emit_flipped(commitment);
  tamper(e, original, "R42", "commitment-flipped", "commitment", emit_hex_hash(e, &commitment));
  json_decref(original);
}

static struct kt_bytes sign_head(struct emit *e, const struct kt_config *config, const uint8_t seed[static KT_SEED_LEN],
                                 const struct kt_hash *root)
{
  struct kt_sign_key key;
  uint8_t *signature = conf_alloc(&e->c, KT_SIGNATURE_MAX, 1);
  conf_err(&e->c, e->c.suite->sign_key_init(&key, seed), KT_OK, "signing key");
  conf_err(&e->c, kt_tree_head_sign(config, &key, 13, root, signature), KT_OK, "signature");
  return (struct kt_bytes){ signature, e->c.suite->signature_len };
}

/* Third-party auditing, where there is a second key to sign with. */
static void tamper_tree_head(struct emit *e)
{
  json_t *original = json_object();
  uint8_t sign_key[KT_PUBLIC_KEY_MAX];
  uint8_t auditor_key[KT_PUBLIC_KEY_MAX];
  const struct kt_hash root = emit_hash("root", e->random, 0);
  const struct kt_hash other = emit_flipped(root);
  emit_set(e, original, "kind", json_string("tree-head"));
  emit_set(e, original, "mode", json_integer(KT_MODE_THIRD_PARTY_AUDITING));
  emit_set(e, original, "signature_public_key", sign_public(e, sign_seed, sign_key));
  emit_set(e, original, "vrf_public_key", vrf_public(e, emit_vrf_seed));
  emit_set(e, original, "auditor_public_key", sign_public(e, other_seed, auditor_key));
  emit_set(e, original, "max_ahead", json_integer(10000));
  emit_set(e, original, "max_behind", json_integer(10000));
  emit_set(e, original, "reasonable_monitoring_window", json_integer(604800000));
  emit_set(e, original, "max_auditor_lag", json_integer(86400000));
  emit_set(e, original, "auditor_start_pos", json_integer(0));
  emit_set(e, original, "tree_size", json_integer(13));
  emit_set(e, original, "root", emit_hex_hash(e, &root));
  const struct kt_config config = conf_config(&e->c, original);
  const struct kt_bytes signature = sign_head(e, &config, sign_seed, &root);
  emit_set(e, original, "signature", emit_hex(e, signature));
  verify_original(e, original);
  tamper(e, original, "R10", "signature-flipped", "signature", flipped_hex(e, signature, 0));
  tamper(e, original, "R10", "signature-of-another-root", "signature",
         emit_hex(e, sign_head(e, &config, sign_seed, &other)));
  tamper(e, original, "R10", "root-flipped", "root", emit_hex_hash(e, &other));
  tamper(e, original, "R10", "another-size", "tree_size", json_integer(14));
  tamper(e, original, "R10", "another-window", "reasonable_monitoring_window", json_integer(604800001));
  tamper(e, original, "R10", "another-lag", "max_auditor_lag", json_integer(86400001));
  tamper(e, original, "R11", "signed-by-the-auditor", "signature",
         emit_hex(e, sign_head(e, &config, other_seed, &root)));
  json_decref(original);
}

void emit_tampered(struct emit *e)
{
  tamper_vrf(e);
  tamper_commitment(e);
  tamper_tree_head(e);
}
