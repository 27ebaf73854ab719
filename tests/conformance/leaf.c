/* SPDX-License-Identifier: Apache-2.0 */
/* commitment, vrf. */
#include "leaf.h"

#include "crypto/hash.h"
#include "wire/leaf.h"

struct kt_hash conf_commitment_of(struct conf_case *c, const json_t *object)
{
  /* Outside third-party management an UpdateValue is the value alone. */
  const struct kt_config config = { .suite = c->suite, .mode = KT_MODE_CONTACT_MONITORING };
  const struct kt_update_value update = { .value = conf_hex(c, conf_object(c, object, "update"), "value") };
  const struct kt_bytes opening = conf_hex_len(c, object, "opening", KT_OPENING_LEN);
  struct kt_hash commitment;
  conf_err(c,
           kt_commitment(&config, opening.data, conf_hex(c, object, "label"), conf_u32(c, object, "version"), &update,
                         &commitment),
           KT_OK, "commitment");
  return commitment;
}

void conf_commitment(struct conf_case *c)
{
  const struct kt_hash commitment = conf_commitment_of(c, c->input);
  if (conf_has(c->expect, "error")) {
    const struct kt_hash claimed = conf_hash(c, c->input, "commitment");
    conf_require(c, conf_flag(c, c->expect, "error"), "field \"error\" is not true");
    conf_require(c, !kt_hash_equal(&commitment, &claimed), "the commitment verifies");
    return;
  }
  const struct kt_hash wanted = conf_hash(c, c->expect, "commitment");
  conf_same_hash(c, &commitment, &wanted, "commitment");

  /* The bytes under the HMAC, by the draft's struct. */
  const struct kt_bytes value = conf_hex(c, conf_object(c, c->input, "update"), "value");
  const struct kt_bytes opening = conf_hex(c, c->input, "opening");
  struct kt_writer w = conf_writer(c);
  kt_write_bytes(&w, opening.data, opening.len);
  kt_write_opaque8(&w, conf_hex(c, c->input, "label"));
  kt_write_u32(&w, conf_u32(c, c->input, "version"));
  kt_write_opaque32(&w, value);
  const struct kt_bytes committed = conf_hex(c, c->expect, "commitment_value");
  conf_same_bytes(c, conf_written(c, &w), committed, "commitment_value");
  struct kt_hash hmac;
  kt_commitment_hmac(committed.data, committed.len, &hmac);
  conf_same_hash(c, &hmac, &wanted, "HMAC of commitment_value");
}

static struct kt_bytes read_vrf_input(struct conf_case *c, const json_t *object)
{
  const struct kt_bytes label = conf_hex(c, object, "label");
  uint8_t *input = conf_alloc(c, KT_VRF_INPUT_MAX, 1);
  conf_require(c, label.len <= KT_LABEL_MAX, "the label is too long");
  return (struct kt_bytes){ input, kt_vrf_input(label, conf_u32(c, object, "version"), input) };
}

bool conf_vrf_verifies(struct conf_case *c, const json_t *object, struct kt_hash *ret_output)
{
  const struct kt_bytes proof = conf_hex_len(c, object, "proof", c->suite->vrf_proof_len);
  const struct kt_bytes key = conf_hex_len(c, object, "public_key", c->suite->vrf_public_len);
  return c->suite->vrf_verify(key, read_vrf_input(c, object), proof.data, ret_output) == KT_OK;
}

void conf_vrf(struct conf_case *c)
{
  const struct kt_suite *suite = c->suite;
  const struct kt_bytes seed = conf_hex_len(c, c->input, "private_key", KT_SEED_LEN);
  const struct kt_bytes input = read_vrf_input(c, c->input);
  uint8_t public_key[KT_PUBLIC_KEY_MAX];
  conf_err(c, suite->vrf_public(seed.data, public_key), KT_OK, "public key");
  conf_same_bytes(c, (struct kt_bytes){ public_key, suite->vrf_public_len }, conf_hex(c, c->input, "public_key"),
                  "public_key");
  struct kt_hash output;
  if (conf_has(c->expect, "error")) {
    conf_require(c, conf_flag(c, c->expect, "error"), "field \"error\" is not true");
    conf_require(c, !conf_vrf_verifies(c, c->input, &output), "the proof verifies");
    return;
  }
  conf_same_bytes(c, input, conf_hex(c, c->expect, "vrf_input"), "vrf_input");
  const struct kt_hash wanted = conf_hash(c, c->expect, "output");
  const struct kt_bytes proof = conf_hex_len(c, c->expect, "proof", suite->vrf_proof_len);
  uint8_t got[KT_VRF_PROOF_MAX];
  struct kt_vrf_key key;
  conf_err(c, suite->vrf_key_init(&key, seed.data), KT_OK, "secret key");
  conf_err(c, suite->vrf_prove(&key, input, got, &output), KT_OK, "proving");
  conf_same_bytes(c, (struct kt_bytes){ got, suite->vrf_proof_len }, proof, "proof");
  conf_same_hash(c, &output, &wanted, "output");
  conf_err(c, suite->vrf_output(&key, input, &output), KT_OK, "output");
  conf_same_hash(c, &output, &wanted, "output without a proof");
  conf_err(c, suite->vrf_verify(conf_hex(c, c->input, "public_key"), input, proof.data, &output), KT_OK, "verifying");
  conf_same_hash(c, &output, &wanted, "output of the proof");
}
