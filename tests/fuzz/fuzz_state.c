/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept between runs or handed from person to person: retained states, the state of an account, evidence files.
 * What decodes is encoded to the same bytes again. The first byte selects. */
#include "fuzz.h"

#include <kt/account_policy.h>
#include <kt/audit.h>
#include <kt/client.h>
#include <kt/evidence.h>

#include "crypto/hash.h"
#include "support/toy_log.h"

#define WRITER_LIMIT ((size_t)64 << 20)

/* --- retained states: also asked with ------------------------------------------------------------------------------- */

static enum kt_err log_state(struct kt_bytes input, struct kt_arena *arena, struct kt_writer *w)
{
  static struct kt_log_state log;
  struct kt_writer request;
  (void)arena;
  enum kt_err err = kt_log_state_decode(input, &log);
  if (err == KT_OK) {
    kt_log_state_write(w, &log);
    kt_writer_init(&request, KT_REQUEST_MAX);
    kt_request_distinguished(&request, &log, NULL);
    FUZZ_CHECK(request.err == KT_OK);
    kt_writer_release(&request);
  }
  return err;
}

static enum kt_err contact_state(struct kt_bytes input, struct kt_arena *arena, struct kt_writer *w)
{
  static const struct kt_log_state nothing;
  struct kt_contact_state contact;
  struct kt_writer request;
  enum kt_err err = kt_contact_state_decode(input, arena, &contact);
  if (err == KT_OK) {
    kt_contact_state_write(w, &contact);
    kt_writer_init(&request, KT_REQUEST_MAX);
    kt_request_contact(&request, &nothing, toy_label("alice"), &contact);
    FUZZ_CHECK(request.err == (contact.n_map > UINT8_MAX ? KT_ERR_LIMIT : KT_OK));
    kt_writer_release(&request);
  }
  return err;
}

static enum kt_err owner_state(struct kt_bytes input, struct kt_arena *arena, struct kt_writer *w)
{
  static const struct kt_log_state nothing;
  struct kt_owner_state owner;
  struct kt_writer request;
  uint32_t greatest;
  enum kt_err err = kt_owner_state_decode(input, arena, &owner);
  if (err == KT_OK) {
    kt_owner_state_write(w, &owner);
    kt_writer_init(&request, KT_REQUEST_MAX);
    kt_request_owner_monitor(&request, &nothing, toy_label("alice"), &owner);
    FUZZ_CHECK(request.err == (owner.contact.n_map > UINT8_MAX ? KT_ERR_LIMIT : KT_OK));
    FUZZ_CHECK(kt_owner_greatest(&owner, &greatest) || owner.n_upcoming == 0);
    kt_writer_release(&request);
  }
  return err;
}

static enum kt_err audit_state(struct kt_bytes input, struct kt_arena *arena, struct kt_writer *w)
{
  static struct kt_audit_state audit;
  struct kt_hash root;
  (void)arena;
  enum kt_err err = kt_audit_state_decode(input, &audit);
  if (err == KT_OK) {
    kt_audit_state_write(w, &audit);
    kt_audit_root(&audit, &root);
  }
  return err;
}

static enum kt_err account_state(struct kt_bytes input, struct kt_arena *arena, struct kt_writer *w)
{
  struct kt_account_state account;
  struct kt_bytes encoded = { .len = 0 };
  enum kt_err err = kt_account_state_decode(input, arena, &account);
  if (err == KT_OK) {
    FUZZ_CHECK(kt_account_state_encode(&account, arena, &encoded) == KT_OK);
    kt_write_bytes(w, encoded.data, encoded.len);
  }
  return err;
}

/* --- evidence --------------------------------------------------------------------------------------------------------- */

static const struct toy_log *honest_log(void)
{
  static struct toy_log log;
  if (log.size == 0) {
    toy_log_init(&log, &(struct toy_params){ .window = 25, .max_ahead = 10, .max_behind = 10 });
    log.size = 1; /* only its configuration is needed; the corpus has heads that it signed */
  }
  return &log;
}

/* No file shows that an honest log lied. */
static void check_honest(const struct kt_evidence *evidence, struct kt_arena *arena)
{
  enum kt_evidence_verdict verdict = KT_EVIDENCE_CONSISTENT;
  struct kt_reason reason = { 0 };
  uint8_t id[KT_EVIDENCE_ID_LEN];
  enum kt_err err = kt_evidence_verify(&honest_log()->config, evidence, arena, &verdict, &reason);
  FUZZ_CHECK(verdict == KT_EVIDENCE_CONSISTENT);
  FUZZ_CHECK(err == KT_OK || err == KT_ERR_MEMORY || reason.code != NULL);
  kt_evidence_id(evidence, id);
}

static enum kt_err evidence_file(struct kt_bytes input, struct kt_arena *arena, struct kt_writer *w)
{
  struct kt_evidence evidence;
  enum kt_err err = kt_evidence_decode(input, &evidence);
  if (err == KT_OK) {
    kt_evidence_write(w, &evidence);
    check_honest(&evidence, arena);
  }
  return err;
}

/* The input is what stands before the checksum. */
static enum kt_err evidence_body(struct kt_bytes input, struct kt_arena *arena, struct kt_writer *w)
{
  struct kt_writer file;
  struct kt_hash checksum;
  kt_writer_init(&file, WRITER_LIMIT);
  kt_write_bytes(&file, input.data, input.len);
  kt_sha256(input.data, input.len, &checksum);
  kt_write_bytes(&file, checksum.b, KT_HASH_LEN);
  FUZZ_CHECK(file.err == KT_OK);
  enum kt_err err = evidence_file((struct kt_bytes){ file.buf, file.len }, arena, w);
  if (err == KT_OK) {
    FUZZ_CHECK(fuzz_wrote(w, (struct kt_bytes){ file.buf, file.len }));
    w->len = input.len;
  }
  kt_writer_release(&file);
  return err;
}

/* Numbers are part of the corpus. */
static enum kt_err (*const kinds[])(struct kt_bytes input, struct kt_arena *arena, struct kt_writer *w) = {
  log_state, contact_state, owner_state, audit_state, account_state, evidence_file, evidence_body,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct fuzz_input input;
  struct kt_arena arena;
  struct kt_writer w;
  (void)honest_log();
  if (!fuzz_split(data, size, &input) || input.selector >= sizeof kinds / sizeof kinds[0]) {
    return 0;
  }
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_writer_init(&w, WRITER_LIMIT);
  enum kt_err err = kinds[input.selector](input.rest, &arena, &w);
  FUZZ_CHECK(err == KT_OK ? fuzz_wrote(&w, input.rest) : fuzz_is_refusal(err));
  kt_writer_release(&w);
  kt_arena_release(&arena);
  return 0;
}
