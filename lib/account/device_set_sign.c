/* SPDX-License-Identifier: Apache-2.0 */
/* What device sets and endorsements sign and what fingerprints hash: one builder for each byte string. */
#include <kt/device_set.h>

#include "account/device_set_body.h"
#include "crypto/hash.h"

static const char set_context[] = "kt-device-set/1";
static const char endorsement_context[] = "kt-endorse/1";

#define CONTEXT_LEN(context) (sizeof(context) - 1)
#define ENDORSEMENT_MESSAGE_MAX \
  (CONTEXT_LEN(endorsement_context) + KT_HASH_LEN + 1 + KT_LABEL_MAX + 4 + (size_t)2 * KT_ACCOUNT_KEY_LEN)

/* "kt-device-set/1" and everything above the signature. */
static void signed_bytes_write(struct kt_writer *w, const struct kt_device_set *set)
{
  kt_writer_init(w, CONTEXT_LEN(set_context) + KT_DEVICE_SET_MAX);
  kt_write_bytes(w, set_context, CONTEXT_LEN(set_context));
  kt_device_set_body_write(w, set);
}

enum kt_err kt_device_set_sign(struct kt_device_set *set, const uint8_t seed[static KT_ACCOUNT_SEED_LEN])
{
  struct kt_device_set signed_set = *set;
  signed_set.is_signed = true;
  enum kt_err err = kt_account_key_from_seed(seed, &signed_set.account_key);
  if (err != KT_OK) {
    return err;
  }
  struct kt_writer w;
  signed_bytes_write(&w, &signed_set);
  err = w.err;
  if (err == KT_OK) {
    err = kt_account_key_sign(seed, (struct kt_bytes){ w.buf, w.len }, signed_set.signature);
  }
  kt_writer_release(&w);
  if (err == KT_OK) {
    *set = signed_set;
  }
  return err;
}

enum kt_err kt_device_set_verify(const struct kt_device_set *set)
{
  if (!set->is_signed) {
    return KT_ERR_PROOF;
  }
  struct kt_writer w;
  signed_bytes_write(&w, set);
  enum kt_err err = w.err;
  if (err == KT_OK) {
    err = kt_account_key_verify(&set->account_key, (struct kt_bytes){ w.buf, w.len }, set->signature);
  }
  kt_writer_release(&w);
  return err;
}

void kt_device_set_value_hash(struct kt_bytes value, struct kt_hash *ret_hash)
{
  kt_sha256(value.data, value.len, ret_hash);
}

const uint8_t *kt_device_set_operator_key(const struct kt_device_set *set)
{
  for (size_t i = 0; i < set->n_extensions; i++) {
    if (set->extensions[i].type == KT_SET_EXTENSION_OPERATOR_KEY) {
      return set->extensions[i].data.data;
    }
  }
  return NULL;
}

static void endorsement_message_write(struct kt_writer *w, const struct kt_hash *log_id, struct kt_bytes label,
                                      uint32_t seq, const struct kt_account_key *predecessor,
                                      const struct kt_account_key *successor)
{
  kt_write_bytes(w, endorsement_context, CONTEXT_LEN(endorsement_context));
  kt_write_bytes(w, log_id->b, sizeof log_id->b);
  kt_write_opaque8(w, label);
  kt_write_u32(w, seq);
  kt_write_bytes(w, predecessor->b, sizeof predecessor->b);
  kt_write_bytes(w, successor->b, sizeof successor->b);
}

enum kt_err kt_endorsement_make(const struct kt_hash *log_id, struct kt_bytes label, uint32_t seq,
                                const struct kt_account_key *predecessor, const struct kt_account_key *successor,
                                const uint8_t seed[static KT_ACCOUNT_SEED_LEN], struct kt_endorsement *ret_endorsement)
{
  uint8_t buf[ENDORSEMENT_MESSAGE_MAX];
  struct kt_writer w;
  struct kt_endorsement endorsement;
  kt_writer_init_fixed(&w, buf, sizeof buf);
  endorsement_message_write(&w, log_id, label, seq, predecessor, successor);
  enum kt_err err = w.err;
  if (err == KT_OK) {
    err = kt_account_key_from_seed(seed, &endorsement.key);
  }
  if (err == KT_OK) {
    err = kt_account_key_sign(seed, (struct kt_bytes){ buf, w.len }, endorsement.signature);
  }
  if (err == KT_OK) {
    *ret_endorsement = endorsement;
  }
  return err;
}

enum kt_err kt_endorsement_verify(const struct kt_device_set *set, const struct kt_account_key *predecessor)
{
  if (!set->has_endorsement) {
    return KT_ERR_PROOF;
  }
  uint8_t buf[ENDORSEMENT_MESSAGE_MAX];
  struct kt_writer w;
  kt_writer_init_fixed(&w, buf, sizeof buf);
  endorsement_message_write(&w, &set->log_id, set->label, set->seq, predecessor, &set->account_key);
  if (w.err != KT_OK) {
    return w.err;
  }
  return kt_account_key_verify(&set->endorsement.key, (struct kt_bytes){ buf, w.len }, set->endorsement.signature);
}

/* Hash what was written and release it. */
static enum kt_err writer_hash(struct kt_writer *w, struct kt_hash *ret_hash)
{
  enum kt_err err = w->err;
  if (err == KT_OK) {
    kt_sha256(w->buf, w->len, ret_hash);
  }
  kt_writer_release(w);
  return err;
}

enum kt_err kt_device_key_fingerprint(const struct kt_device_key *key, struct kt_hash *ret_fingerprint)
{
  struct kt_writer w;
  kt_writer_init(&w, KT_DEVICE_SET_MAX);
  kt_write_u16(&w, key->algorithm);
  kt_write_bytes(&w, key->key.data, key->key.len);
  return writer_hash(&w, ret_fingerprint);
}

enum kt_err kt_device_keys_hash(const struct kt_device *device, struct kt_hash *ret_hash)
{
  struct kt_writer w;
  kt_writer_init(&w, KT_DEVICE_SET_MAX);
  kt_device_keys_write(&w, device);
  return writer_hash(&w, ret_hash);
}
