/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials and their updates, from a log that signs whatever it likes and finds any VRF proof; what is kept of them;
 * what is asked for them. The first byte selects.
 *
 * What decodes is encoded to the same bytes again. A credential on entry N says nothing else about an
 * honest log's label than what was true there, whoever signs; a provisional one can be kept; heads and
 * pending ones are as they were. */
#include "fuzz.h"

#include "support/toy_credential.h"
#include "support/toy_suite.h"

#define WRITER_LIMIT ((size_t)64 << 20)

struct scene {
  struct toy_log log;
  struct kt_arena arena;
  struct kt_recent_heads early;         /* when the pending credential was made */
  struct kt_recent_heads late;          /* when its update is */
  struct kt_credential_pending pending; /* waits for TOY_CREDENTIAL_NEXT */
};

static struct kt_client client_of(struct scene *scene, struct kt_arena *arena, struct kt_reason *reason)
{
  static const struct kt_log_state nothing;
  return (struct kt_client){
    .config = &scene->log.config, .log = &nothing, .now_ms = 1000000, .arena = arena, .reason = reason
  };
}

static struct scene *the_scene(void)
{
  static struct scene scene;
  if (scene.log.size == 0) {
    struct kt_credential credential;
    struct kt_credential_result result;
    toy_credential_log(&scene.log);
    kt_arena_init(&scene.arena, KT_ARENA_CAP_DEFAULT);
    toy_recent_heads(&scene.log, TOY_CREDENTIAL_SIZE, &scene.arena, &scene.early);
    toy_recent_heads(&scene.log, scene.log.size, &scene.arena, &scene.late);
    toy_credential_make(&scene.log, TOY_CREDENTIAL_SIZE, TOY_CREDENTIAL_LABEL, TOY_CREDENTIAL_POSITION, &scene.arena,
                        &credential);
    const struct kt_client client = client_of(&scene, &scene.arena, NULL);
    FUZZ_CHECK(kt_verify_credential(&client, &scene.early, toy_credential_encode(&scene.log, &credential, &scene.arena),
                                    &result) == KT_OK);
    scene.pending = result.pending;
    scene.log.config.suite = toy_suite_trusting();
  }
  return &scene;
}

static void check_pending(const struct kt_credential_pending *pending, struct kt_arena *arena)
{
  struct kt_credential_pending decoded;
  struct kt_writer w;
  struct kt_writer again;
  FUZZ_CHECK(pending->terminal > pending->position && pending->terminal < pending->tree->size);
  kt_writer_init(&w, WRITER_LIMIT);
  kt_writer_init(&again, WRITER_LIMIT);
  kt_credential_pending_write(&w, pending);
  FUZZ_CHECK(w.err == KT_OK &&
             kt_credential_pending_decode((struct kt_bytes){ w.buf, w.len }, arena, &decoded) == KT_OK);
  kt_credential_pending_write(&again, &decoded);
  FUZZ_CHECK(fuzz_wrote(&again, (struct kt_bytes){ w.buf, w.len }));
  kt_writer_release(&w);
  kt_writer_release(&again);
}

/* Nothing but the truth about the entry. */
static void check_standard(const struct scene *scene, const struct kt_credential_result *result)
{
  const struct kt_bytes alice = toy_label(TOY_CREDENTIAL_LABEL);
  uint32_t version;
  if (fuzz_equal(result->label, alice)) {
    FUZZ_CHECK(toy_greatest_at(&scene->log, TOY_CREDENTIAL_LABEL, result->position, &version));
    FUZZ_CHECK(result->version == version);
    const struct toy_version *known = toy_version_find(&scene->log, TOY_CREDENTIAL_LABEL, version);
    FUZZ_CHECK(fuzz_equal(result->value, toy_label(known->value)));
  }
}

static void verify_one(struct scene *scene, const struct kt_recent_heads *recent, struct kt_bytes input)
{
  struct kt_arena arena;
  struct kt_reason reason = { .code = NULL };
  struct kt_credential_result result;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  const struct kt_client client = client_of(scene, &arena, &reason);
  enum kt_err err = kt_verify_credential(&client, recent, input, &result);
  FUZZ_CHECK(err == KT_OK || reason.code != NULL || err == KT_ERR_MEMORY);
  if (err == KT_OK && result.is_provisional) {
    check_pending(&result.pending, &arena);
  } else if (err == KT_OK) {
    check_standard(scene, &result);
  }
  kt_arena_release(&arena);
}

static enum kt_err credential(struct scene *scene, struct kt_bytes input, struct kt_arena *arena, struct kt_writer *w)
{
  struct kt_credential decoded;
  enum kt_err err = kt_credential_decode(input, &scene->log.config, arena, &decoded);
  if (err == KT_OK) {
    kt_credential_write(w, &scene->log.config, &decoded);
  }
  verify_one(scene, &scene->early, input);
  verify_one(scene, &scene->late, input);
  return err;
}

static enum kt_err update(struct scene *scene, struct kt_bytes input, struct kt_arena *arena, struct kt_writer *w)
{
  struct kt_combined_proof decoded;
  struct kt_reason reason = { .code = NULL };
  const struct kt_client client = client_of(scene, arena, &reason);
  enum kt_err err = kt_credential_update_decode(input, arena, &decoded);
  if (err == KT_OK) {
    kt_credential_update_write(w, &decoded);
  }
  FUZZ_CHECK(kt_verify_credential_update(&client, &scene->pending, &scene->early, input) != KT_OK);
  reason.code = NULL;
  enum kt_err verified = kt_verify_credential_update(&client, &scene->pending, &scene->late, input);
  FUZZ_CHECK(verified == KT_OK || reason.code != NULL || verified == KT_ERR_MEMORY);
  return err;
}

static enum kt_err pending(struct scene *scene, struct kt_bytes input, struct kt_arena *arena, struct kt_writer *w)
{
  struct kt_credential_pending decoded;
  uint64_t distinguished;
  enum kt_err err = kt_credential_pending_decode(input, arena, &decoded);
  if (err == KT_OK) {
    kt_credential_pending_write(w, &decoded);
    (void)kt_credential_stage(&decoded, &scene->late, &distinguished);
    (void)kt_credential_is_expired(&decoded, &scene->late, &scene->log.config);
  }
  return err;
}

static enum kt_err heads(struct scene *scene, struct kt_bytes input, struct kt_arena *arena, struct kt_writer *w)
{
  struct kt_recent_heads decoded;
  enum kt_err err = kt_recent_heads_decode(input, arena, &decoded);
  if (err == KT_OK) {
    kt_recent_heads_write(w, &decoded);
    (void)kt_recent_settled(&decoded, &scene->log.config);
    enum kt_err age = kt_recent_check_age(&decoded, &scene->log.config, 1000000, NULL);
    FUZZ_CHECK(age == KT_OK || age == KT_ERR_STALE);
  }
  return err;
}

static enum kt_err request(struct scene *scene, struct kt_bytes input, struct kt_arena *arena, struct kt_writer *w)
{
  struct kt_credential_request decoded;
  (void)scene;
  (void)arena;
  enum kt_err err = kt_credential_request_decode(input, &decoded);
  if (err == KT_OK) {
    kt_credential_request_write(w, &decoded);
  }
  return err;
}

static enum kt_err update_request(struct scene *scene, struct kt_bytes input, struct kt_arena *arena,
                                  struct kt_writer *w)
{
  struct kt_credential_update_request decoded;
  (void)scene;
  (void)arena;
  enum kt_err err = kt_credential_update_request_decode(input, &decoded);
  if (err == KT_OK) {
    kt_credential_update_request_write(w, &decoded);
  }
  return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static enum kt_err (*const kinds[])(struct scene *, struct kt_bytes, struct kt_arena *, struct kt_writer *) = {
    credential, update, pending, heads, request, update_request,
  };
  struct fuzz_input input;
  struct kt_arena arena;
  struct kt_writer w;
  if (!fuzz_split(data, size, &input)) {
    return 0;
  }
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_writer_init(&w, WRITER_LIMIT);
  enum kt_err err = kinds[input.selector % (sizeof kinds / sizeof kinds[0])](the_scene(), input.rest, &arena, &w);
  FUZZ_CHECK(err == KT_OK ? fuzz_wrote(&w, input.rest) : fuzz_is_refusal(err));
  kt_writer_release(&w);
  kt_arena_release(&arena);
  return 0;
}
