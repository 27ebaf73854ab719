/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept between runs or handed from person to person: retained states, the state of an account and of a contact,
 * evidence files, migration statements.
 * What decodes is encoded to the same bytes again, unless they are of an older format. The first byte selects. */
#include "fuzz.h"

#include <kt/account_policy.h>
#include <kt/audit.h>
#include <kt/client.h>
#include <kt/contact.h>
#include <kt/evidence.h>

#include "base/reader.h"
#include "crypto/hash.h"
#include "support/toy_log.h"
#include "support/toy_migration.h"

#define WRITER_LIMIT ((size_t)64 << 20)

/* --- retained states: also asked with ----------------------------------------------------------------------------- */

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

/* Of the format before: written in today's, which says the same. */
static void check_contact_again(const struct kt_contact *contact)
{
  struct kt_contact decoded;
  struct kt_writer first;
  struct kt_writer second;
  kt_writer_init(&first, WRITER_LIMIT);
  kt_writer_init(&second, WRITER_LIMIT);
  kt_contact_write(&first, contact);
  FUZZ_CHECK(kt_contact_decode((struct kt_bytes){ first.buf, first.len }, &decoded) == KT_OK);
  FUZZ_CHECK(decoded.is_contradicted == contact->is_contradicted);
  kt_contact_write(&second, &decoded);
  FUZZ_CHECK(fuzz_wrote(&second, (struct kt_bytes){ first.buf, first.len }));
  kt_writer_release(&second);
  kt_writer_release(&first);
}

static enum kt_err contact(struct kt_bytes input, struct kt_arena *arena, struct kt_writer *w)
{
  struct kt_contact decoded;
  (void)arena;
  enum kt_err err = kt_contact_decode(input, &decoded);
  if (err == KT_OK && input.data[0] == 1) {
    check_contact_again(&decoded);
    kt_write_bytes(w, input.data, input.len);
  } else if (err == KT_OK) {
    kt_contact_write(w, &decoded);
  }
  return err;
}

/* --- evidence ----------------------------------------------------------------------------------------------------- */

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

/* --- migration statements ----------------------------------------------------------------------------------------- */

static struct toy_migration *the_migration(void)
{
  static struct toy_migration migration;
  if (migration.old_log.len == 0) {
    toy_migration_init(&migration, fuzz_suite(false));
  }
  return &migration;
}

/* Nobody but the two logs can sign: what is accepted is what they would sign. */
static enum kt_err migration_statement(struct kt_bytes input, struct kt_arena *arena, struct kt_writer *w)
{
  const struct toy_migration *logs = the_migration();
  struct kt_migration_checked checked;
  struct kt_reason reason = { .code = NULL };
  (void)arena;
  enum kt_err err = kt_migration_read(input, &checked, &reason);
  FUZZ_CHECK((err == KT_OK) == (reason.code == NULL));
  if (err == KT_OK) {
    const bool has_old_key = checked.statement.old_signature.len > 0;
    FUZZ_CHECK(!kt_hash_equal(&checked.old_log_id, &checked.new_log_id));
    FUZZ_CHECK(kt_migration_write(&checked.statement, &checked.old_config, has_old_key ? &logs->old_log.key : NULL,
                                  &checked.new_config, &logs->new_log.key, w) == KT_OK);
  }
  return err == KT_ERR_PROOF ? KT_ERR_FORMAT : err;
}

/* Signed anew, with sizes of the input's: read just where they make sense. One bit of it flipped: refused. */
static enum kt_err migration_signed(struct kt_bytes input, struct kt_arena *arena, struct kt_writer *w)
{
  struct toy_migration *logs = the_migration();
  struct kt_migration *statement = &logs->statement;
  struct kt_writer written;
  struct kt_reader r;
  kt_reader_init(&r, input.data, input.len);
  statement->size = kt_read_u64(&r);
  statement->lost_size = kt_read_u64(&r);
  const uint8_t flags = kt_read_u8(&r);
  const uint16_t flip_at = kt_read_u16(&r);
  const uint8_t flip = kt_read_u8(&r);
  if (kt_reader_end(&r) != KT_OK) {
    return KT_ERR_FORMAT;
  }
  statement->has_lost = (flags & 1) != 0;
  toy_migration_sign_head(logs);
  toy_migration_write(logs, (flags & 2) != 0, &written);
  /* The roots differ. */
  const bool makes_sense = statement->size > 0 && (!statement->has_lost || statement->lost_size > 0);
  FUZZ_CHECK((migration_statement((struct kt_bytes){ written.buf, written.len }, arena, w) == KT_OK) == makes_sense);
  FUZZ_CHECK(!makes_sense || fuzz_wrote(w, (struct kt_bytes){ written.buf, written.len }));
  written.buf[flip_at % written.len] ^= (uint8_t)(1U << flip % 8);
  w->len = 0;
  FUZZ_CHECK(migration_statement((struct kt_bytes){ written.buf, written.len }, arena, w) != KT_OK);
  kt_writer_release(&written);
  kt_write_bytes(w, input.data, input.len);
  return w->err;
}

/* Numbers are part of the corpus. */
static enum kt_err (*const kinds[])(struct kt_bytes input, struct kt_arena *arena, struct kt_writer *w) = {
  log_state,     contact_state, owner_state, audit_state,         account_state,
  evidence_file, evidence_body, contact,     migration_statement, migration_signed,
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
