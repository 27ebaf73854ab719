/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Detecting Forks: "non-repudiable evidence of misbehavior". The format is ours. */
#include <kt/evidence.h>

#include <string.h>

#include "base/reader.h"
#include <kt/writer.h>
#include "base/unproven.h"
#include "client/check.h"
#include "crypto/hash.h"

#define SECTION "Detecting Forks"

/* Every file begins with it; the digit is the format. */
static const char magic[] = "kt-evidence/1";
#define MAGIC_LEN (sizeof magic - 1)
#define PART_MAX ((size_t)64 << 20)

/* --- encoding --------------------------------------------------------------------------------------------------- */

static bool is_well_formed(const struct kt_evidence *evidence)
{
  uint64_t first = evidence->first.size;
  uint64_t second = evidence->second.size;
  switch (evidence->kind) {
  case KT_EVIDENCE_FORK: return first > 0 && first == second;
  case KT_EVIDENCE_INCONSISTENT: return first > 0 && first < second;
  case KT_EVIDENCE_ROLLBACK: return second > 0 && second < first;
  case KT_EVIDENCE_FAILED: return !evidence->has_retained || first > 0;
  case KT_EVIDENCE_ANSWER: return evidence->answer.label.len <= UINT8_MAX;
  }
  return false;
}

/* FORK, INCONSISTENT and ROLLBACK are two signed heads. */
static bool is_pair(const struct kt_evidence *evidence)
{
  return evidence->kind != KT_EVIDENCE_FAILED && evidence->kind != KT_EVIDENCE_ANSWER;
}

static void head_write(struct kt_writer *w, const struct kt_signed_head *head)
{
  kt_write_opaque16(w, head->config);
  kt_write_u64(w, head->received_ms);
  kt_write_u64(w, head->size);
  kt_write_bytes(w, head->root.b, KT_HASH_LEN);
  kt_write_opaque16(w, head->signature);
}

static void hash_read(struct kt_reader *r, struct kt_hash *ret)
{
  const uint8_t *bytes = kt_read_bytes(r, KT_HASH_LEN);
  if (bytes != NULL) {
    memcpy(ret->b, bytes, KT_HASH_LEN);
  }
}

static void head_read(struct kt_reader *r, struct kt_signed_head *ret)
{
  ret->config = kt_read_opaque16(r, KT_CONFIG_MAX);
  ret->received_ms = kt_read_u64(r);
  ret->size = kt_read_u64(r);
  hash_read(r, &ret->root);
  ret->signature = kt_read_opaque16(r, KT_SIGNATURE_MAX);
}

static void failed_write(struct kt_writer *w, const struct kt_evidence *evidence)
{
  kt_write_u64(w, evidence->failed.received_ms);
  kt_write_opaque8(w, evidence->failed.code);
  kt_write_opaque32(w, evidence->failed.request);
  kt_write_opaque32(w, evidence->failed.response);
  kt_write_present(w, evidence->has_retained);
  if (evidence->has_retained) {
    head_write(w, &evidence->first);
  }
}

static void failed_read(struct kt_reader *r, struct kt_evidence *evidence)
{
  evidence->failed.received_ms = kt_read_u64(r);
  evidence->failed.code = kt_read_opaque8(r);
  evidence->failed.request = kt_read_opaque32(r, PART_MAX);
  evidence->failed.response = kt_read_opaque32(r, PART_MAX);
  evidence->has_retained = kt_read_present(r);
  if (evidence->has_retained) {
    head_read(r, &evidence->first);
  }
}

static void answer_write(struct kt_writer *w, const struct kt_signed_answer *answer)
{
  kt_write_opaque16(w, answer->config);
  kt_write_u64(w, answer->received_ms);
  kt_write_opaque8(w, answer->label);
  kt_write_opaque32(w, answer->response);
}

static void answer_read(struct kt_reader *r, struct kt_signed_answer *ret)
{
  ret->config = kt_read_opaque16(r, KT_CONFIG_MAX);
  ret->received_ms = kt_read_u64(r);
  ret->label = kt_read_opaque8(r);
  ret->response = kt_read_opaque32(r, PART_MAX);
}

void kt_evidence_write(struct kt_writer *w, const struct kt_evidence *evidence)
{
  if (!is_well_formed(evidence)) {
    kt_writer_fail(w, KT_ERR_USAGE);
    return;
  }
  size_t start = w->len;
  kt_write_bytes(w, magic, MAGIC_LEN);
  kt_write_u8(w, (uint8_t)evidence->kind);
  kt_write_bytes(w, evidence->log_id.b, KT_HASH_LEN);
  if (evidence->kind == KT_EVIDENCE_FAILED) {
    failed_write(w, evidence);
  } else if (evidence->kind == KT_EVIDENCE_ANSWER) {
    answer_write(w, &evidence->answer);
  } else {
    head_write(w, &evidence->first);
    head_write(w, &evidence->second);
  }
  if (evidence->kind == KT_EVIDENCE_INCONSISTENT) {
    kt_write_opaque32(w, evidence->consistency);
  }
  if (w->err == KT_OK) {
    struct kt_hash checksum;
    kt_sha256(w->buf + start, w->len - start, &checksum);
    kt_write_bytes(w, checksum.b, KT_HASH_LEN);
  }
}

/* The checksum tells a damaged file from a worthless one. It authenticates nothing: the signatures do. */
static bool checksum_fits(struct kt_bytes file)
{
  struct kt_hash checksum;
  kt_sha256(file.data, file.len - KT_HASH_LEN, &checksum);
  return memcmp(checksum.b, file.data + file.len - KT_HASH_LEN, KT_HASH_LEN) == 0;
}

enum kt_err kt_evidence_decode(struct kt_bytes file, struct kt_evidence *ret_evidence)
{
  if (file.len < MAGIC_LEN + KT_HASH_LEN || memcmp(file.data, magic, MAGIC_LEN - 1) != 0) {
    return KT_ERR_FORMAT;
  }
  if (file.data[MAGIC_LEN - 1] != (uint8_t)magic[MAGIC_LEN - 1]) {
    return KT_ERR_UNSUPPORTED;
  }
  struct kt_evidence evidence = { 0 };
  struct kt_reader r;
  kt_reader_init(&r, file.data + MAGIC_LEN, file.len - MAGIC_LEN - KT_HASH_LEN);
  uint8_t kind = kt_read_u8(&r);
  if (!checksum_fits(file) || kind < KT_EVIDENCE_FORK || kind > KT_EVIDENCE_ANSWER) {
    return KT_ERR_FORMAT;
  }
  evidence.kind = (enum kt_evidence_kind)kind;
  hash_read(&r, &evidence.log_id);
  if (evidence.kind == KT_EVIDENCE_FAILED) {
    failed_read(&r, &evidence);
  } else if (evidence.kind == KT_EVIDENCE_ANSWER) {
    answer_read(&r, &evidence.answer);
  } else {
    head_read(&r, &evidence.first);
    head_read(&r, &evidence.second);
  }
  if (evidence.kind == KT_EVIDENCE_INCONSISTENT) {
    evidence.consistency = kt_read_opaque32(&r, PART_MAX);
  }
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK && !is_well_formed(&evidence)) {
    err = KT_ERR_FORMAT;
  }
  if (err == KT_OK) {
    *ret_evidence = evidence;
  }
  return err;
}

/* The two heads of a fork have no order of their own. */
static bool second_goes_first(const struct kt_evidence *evidence)
{
  return evidence->kind == KT_EVIDENCE_FORK && memcmp(evidence->second.root.b, evidence->first.root.b, KT_HASH_LEN) < 0;
}

static void id_part(struct kt_writer *w, struct kt_bytes part)
{
  struct kt_hash digest;
  kt_sha256(part.data, part.len, &digest);
  kt_write_bytes(w, digest.b, KT_HASH_LEN);
}

void kt_evidence_id(const struct kt_evidence *evidence, uint8_t ret_id[static KT_EVIDENCE_ID_LEN])
{
  static const char domain[] = "kt-evidence-id/1";
  uint8_t buf[sizeof domain + 1 + KT_HASH_LEN + 2 * (8 + KT_HASH_LEN)];
  struct kt_writer w;
  struct kt_hash digest;
  kt_writer_init_fixed(&w, buf, sizeof buf);
  kt_write_bytes(&w, domain, sizeof domain - 1);
  kt_write_u8(&w, (uint8_t)evidence->kind);
  kt_write_bytes(&w, evidence->log_id.b, KT_HASH_LEN);
  if (evidence->kind == KT_EVIDENCE_FAILED) {
    id_part(&w, evidence->failed.request);
    id_part(&w, evidence->failed.response);
  } else if (evidence->kind == KT_EVIDENCE_ANSWER) {
    id_part(&w, evidence->answer.label);
    id_part(&w, evidence->answer.response);
  } else {
    bool swap = second_goes_first(evidence);
    const struct kt_signed_head *heads[2] = { swap ? &evidence->second : &evidence->first,
                                              swap ? &evidence->first : &evidence->second };
    for (size_t i = 0; i < 2; i++) {
      kt_write_u64(&w, heads[i]->size);
      kt_write_bytes(&w, heads[i]->root.b, KT_HASH_LEN);
    }
  }
  kt_sha256(buf, w.len, &digest);
  memcpy(ret_id, digest.b, KT_EVIDENCE_ID_LEN);
}

/* --- judging ------------------------------------------------------------------------------------------------------ */

/* The configuration that something in the file was signed under. */
static enum kt_err open_config(const struct kt_hash *log_id, struct kt_bytes encoded, struct kt_config *ret_config,
                               struct kt_reason *reason)
{
  struct kt_hash id;
  enum kt_err err = kt_config_decode(encoded, ret_config, reason);
  if (err != KT_OK) {
    return err;
  }
  kt_config_log_id(ret_config, &id);
  return kt_hash_equal(&id, log_id) ? KT_OK
                                    : kt_fail(reason, KT_ERR_PROOF, "evidence-config",
                                              "something in the file belongs to another log", SECTION);
}

static enum kt_err verify_signed_head(const struct kt_hash *log_id, const struct kt_signed_head *head,
                                      struct kt_reason *reason)
{
  struct kt_config config;
  enum kt_err err = open_config(log_id, head->config, &config, reason);
  if (err != KT_OK) {
    return err;
  }
  err = kt_verify_head(&config, head->size, &head->root, head->signature);
  if (err != KT_OK) {
    return kt_unproven(reason, err, "head-signature", "a head in the file does not carry the log's signature", SECTION);
  }
  return KT_OK;
}

/* Whether the larger head's log had another root at the smaller head's size. The proof's elements need no signature of
 * their own: they lead to the signed root, or they are refused. */
static enum kt_err judge_consistency(const struct kt_evidence *evidence, struct kt_arena *arena, bool *ret_contradicts,
                                     struct kt_reason *reason)
{
  struct kt_hash root;
  enum kt_err err = kt_verify_consistency(evidence->first.size, evidence->second.size, &evidence->second.root,
                                          evidence->consistency, arena, &root, reason);
  if (err == KT_OK) {
    *ret_contradicts = !kt_hash_equal(&root, &evidence->first.root);
  }
  return err;
}

/* The pinned log, and parts that make evidence of this kind. */
static enum kt_err check_form(const struct kt_config *pinned, const struct kt_evidence *evidence,
                              struct kt_reason *reason)
{
  struct kt_hash log_id;
  kt_config_log_id(pinned, &log_id);
  if (!kt_hash_equal(&log_id, &evidence->log_id)) {
    return kt_fail(reason, KT_ERR_PROOF, "evidence-log", "the file is about another log than the pinned one", SECTION);
  }
  if (!is_well_formed(evidence)) {
    return kt_fail(reason, KT_ERR_FORMAT, "evidence-form", "the parts do not make evidence of this kind", SECTION);
  }
  return KT_OK;
}

enum kt_err kt_evidence_open_answer(const struct kt_config *pinned, const struct kt_evidence *evidence,
                                    struct kt_arena *arena, struct kt_search_result *ret_result,
                                    struct kt_reason *reason)
{
  static const struct kt_log_state nothing;
  static const struct kt_contact_state nobody;
  const struct kt_signed_answer *answer = &evidence->answer;
  struct kt_config config;
  enum kt_err err = check_form(pinned, evidence, reason);
  if (err == KT_OK && evidence->kind != KT_EVIDENCE_ANSWER) {
    err = KT_ERR_USAGE;
  }
  if (err == KT_OK) {
    err = open_config(&evidence->log_id, answer->config, &config, reason);
  }
  if (err != KT_OK) {
    return err;
  }
  const struct kt_client client = {
    .config = &config, .log = &nothing, .now_ms = answer->received_ms, .arena = arena, .reason = reason
  };
  err = kt_verify_search(&client, answer->label, NULL, NULL, &nobody, answer->response, ret_result);
  if (err == KT_ERR_ABSENT) {
    return kt_fail(reason, KT_ERR_PROOF, "evidence-absent", "the answer says that the label does not exist", SECTION);
  }
  return err;
}

static enum kt_err judge_answer(const struct kt_config *pinned, const struct kt_evidence *evidence,
                                struct kt_arena *arena, struct kt_reason *reason)
{
  struct kt_search_result result;
  return kt_evidence_open_answer(pinned, evidence, arena, &result, reason);
}

static enum kt_err judge_heads(const struct kt_evidence *evidence, struct kt_arena *arena, bool *ret_contradicts,
                               struct kt_reason *reason)
{
  bool has_first = is_pair(evidence) || evidence->has_retained;
  enum kt_err err = has_first ? verify_signed_head(&evidence->log_id, &evidence->first, reason) : KT_OK;
  if (err == KT_OK && is_pair(evidence)) {
    err = verify_signed_head(&evidence->log_id, &evidence->second, reason);
  }
  if (err == KT_OK && evidence->kind == KT_EVIDENCE_FORK) {
    *ret_contradicts = !kt_hash_equal(&evidence->first.root, &evidence->second.root);
  }
  if (err == KT_OK && evidence->kind == KT_EVIDENCE_INCONSISTENT) {
    err = judge_consistency(evidence, arena, ret_contradicts, reason);
  }
  return err;
}

enum kt_err kt_evidence_verify(const struct kt_config *pinned, const struct kt_evidence *evidence,
                               struct kt_arena *arena, enum kt_evidence_verdict *ret_verdict, struct kt_reason *reason)
{
  bool contradicts = false;
  enum kt_err err = check_form(pinned, evidence, reason);
  if (err == KT_OK) {
    err = evidence->kind == KT_EVIDENCE_ANSWER ? judge_answer(pinned, evidence, arena, reason)
                                               : judge_heads(evidence, arena, &contradicts, reason);
  }
  if (err == KT_OK) {
    *ret_verdict = contradicts ? KT_EVIDENCE_CONTRADICTION : KT_EVIDENCE_CONSISTENT;
  }
  return err;
}

/* --- words -------------------------------------------------------------------------------------------------------- */

struct words {
  const char *name;
  const char *proves[2]; /* by verdict */
  const char *limits[2];
};

static const struct words *words_of(enum kt_evidence_kind kind)
{
  static const char who[] = "It does not say who was shown the false tree, whether anybody was deceived, or who holds "
                            "the log's signing key. The times of receipt are claims of whoever saved the file.";
  static const char whole[] = "It says nothing about anything else the log signed or answered.";
  static const struct words fork = {
    "fork",
    { "The log signed two different trees of the same size. Both cannot be its one append-only log.",
      "The log signed both heads, and they are the same tree: no contradiction." },
    { who, whole },
  };
  static const struct words inconsistent = {
    "inconsistent",
    { "The log signed a tree, and later a larger tree that does not contain the smaller one: entries were changed, "
      "removed, or shown to some and not to others.",
      "The log signed both heads, and the larger tree extends the smaller one: no contradiction." },
    { who, whole },
  };
  static const struct words rollback = {
    "rollback",
    { "", "The log signed both heads, the larger and the smaller one." },
    { "",
      "By itself this is no contradiction: the smaller head may be an old, genuine answer, delivered late or twice, "
      "and "
      "the order of receipt is only a claim of whoever saved the file. It becomes a contradiction when the larger tree "
      "does not contain the smaller one, which takes the consistency elements between the two." },
  };
  static const struct words failed = {
    "failed",
    { "", "Only that the retained head, if there is one, was signed by the log." },
    { "",
      "The response is not under the log's signature as a whole: anybody on the way, or whoever saved the file, could "
      "have made it. It helps to find out what went wrong, and it is no proof against the log. The request and the "
      "response may name a person." },
  };
  static const struct words answer = {
    "answer",
    { "", "The log signed this answer: at that size, this is the newest version that it has for the label." },
    { "",
      "Whether the account key in it is the person's own, only the person can say. It does not tell who put it there. "
      "The time of receipt is a claim of whoever saved the file. The file names a person." },
  };
  switch (kind) {
  case KT_EVIDENCE_FORK: return &fork;
  case KT_EVIDENCE_INCONSISTENT: return &inconsistent;
  case KT_EVIDENCE_ROLLBACK: return &rollback;
  case KT_EVIDENCE_ANSWER: return &answer;
  case KT_EVIDENCE_FAILED: break;
  }
  return &failed;
}

const char *kt_evidence_kind_name(enum kt_evidence_kind kind)
{
  return words_of(kind)->name;
}

const char *kt_evidence_proves(enum kt_evidence_kind kind, enum kt_evidence_verdict verdict)
{
  return words_of(kind)->proves[verdict];
}

const char *kt_evidence_limits(enum kt_evidence_kind kind, enum kt_evidence_verdict verdict)
{
  return words_of(kind)->limits[verdict];
}
