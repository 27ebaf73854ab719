/* SPDX-License-Identifier: Apache-2.0 */
#include "account/sas_bytes.h"

#include <kt/writer.h>
#include "crypto/hash.h"
#include "crypto/hkdf.h"

#define PROTOCOL "kt-sas/1"
#define PROTOCOL_LEN (sizeof PROTOCOL - 1)
#define PURPOSE_MAX 16
#define PARTY_MAX (1 + KT_LABEL_MAX + 1 + KT_ACCOUNT_KEY_LEN + 1 + KT_HASH_LEN)
/* Every field with its length: protocol, log id, transaction, both parties, purpose. */
#define INFO_MAX (1 + PROTOCOL_LEN + 1 + KT_HASH_LEN + 1 + KT_SAS_TRANSACTION_LEN + 2 * PARTY_MAX + 1 + PURPOSE_MAX)

static void write_head(struct kt_writer *w, const struct kt_hash *log_id, const uint8_t *transaction)
{
  kt_write_opaque8(w, (struct kt_bytes){ (const uint8_t *)PROTOCOL, PROTOCOL_LEN });
  kt_write_opaque8(w, (struct kt_bytes){ log_id->b, sizeof log_id->b });
  kt_write_opaque8(w, (struct kt_bytes){ transaction, KT_SAS_TRANSACTION_LEN });
}

static void write_party(struct kt_writer *w, const struct kt_sas_party *party)
{
  kt_write_opaque8(w, party->label);
  kt_write_opaque8(w, (struct kt_bytes){ party->key.b, sizeof party->key.b });
}

void kt_sas_commitment(const struct kt_sas_message *start, const struct kt_hash *joiner_public,
                       struct kt_hash *ret_commitment)
{
  uint8_t buf[INFO_MAX];
  struct kt_hash start_hash;
  struct kt_writer w;
  kt_writer_init_fixed(&w, buf, sizeof buf);
  write_head(&w, &start->log_id, start->transaction);
  write_party(&w, &start->starter);
  write_party(&w, &start->joiner);
  kt_sha256(buf, w.len, &start_hash);
  kt_writer_init_fixed(&w, buf, sizeof buf);
  kt_write_bytes(&w, PROTOCOL, PROTOCOL_LEN);
  kt_write_bytes(&w, joiner_public->b, sizeof joiner_public->b);
  kt_write_bytes(&w, start_hash.b, sizeof start_hash.b);
  kt_sha256(buf, w.len, ret_commitment);
}

static enum kt_err derive(const uint8_t *prk, const struct kt_sas_context *context, struct kt_bytes purpose, size_t len,
                          uint8_t *ret_output)
{
  uint8_t info[INFO_MAX];
  struct kt_writer w;
  kt_writer_init_fixed(&w, info, sizeof info);
  write_head(&w, context->log_id, context->transaction);
  write_party(&w, context->starter);
  kt_write_opaque8(&w, (struct kt_bytes){ context->starter_public->b, KT_HASH_LEN });
  write_party(&w, context->joiner);
  kt_write_opaque8(&w, (struct kt_bytes){ context->joiner_public->b, KT_HASH_LEN });
  kt_write_opaque8(&w, purpose);
  if (w.err != KT_OK) {
    return w.err;
  }
  return kt_hkdf_expand(prk, (struct kt_bytes){ info, w.len }, len, ret_output);
}

enum kt_err kt_sas_code_bytes(const uint8_t prk[static KT_HASH_LEN], const struct kt_sas_context *context,
                              uint8_t ret_bytes[static KT_SAS_CODE_LEN])
{
  return derive(prk, context, (struct kt_bytes){ (const uint8_t *)"sas", 3 }, KT_SAS_CODE_LEN, ret_bytes);
}

/* Over both account keys, the sender's first, under a key of the sender's own: no side can be sent its own MAC back. */
enum kt_err kt_sas_mac(const uint8_t prk[static KT_HASH_LEN], const struct kt_sas_context *context, bool by_starter,
                       struct kt_hash *ret_mac)
{
  uint8_t key[KT_HASH_LEN];
  uint8_t keys[2 * KT_ACCOUNT_KEY_LEN];
  struct kt_writer w;
  const struct kt_sas_party *first = by_starter ? context->starter : context->joiner;
  const struct kt_sas_party *second = by_starter ? context->joiner : context->starter;
  const struct kt_bytes purpose = { (const uint8_t *)(by_starter ? "mac-starter" : "mac-joiner"),
                                    by_starter ? 11 : 10 };
  enum kt_err err = derive(prk, context, purpose, sizeof key, key);
  if (err == KT_OK) {
    kt_writer_init_fixed(&w, keys, sizeof keys);
    kt_write_bytes(&w, first->key.b, KT_ACCOUNT_KEY_LEN);
    kt_write_bytes(&w, second->key.b, KT_ACCOUNT_KEY_LEN);
    kt_hmac_sha256((struct kt_bytes){ key, sizeof key }, (struct kt_bytes){ keys, w.len }, ret_mac);
  }
  kt_wipe(key, sizeof key);
  return err;
}
