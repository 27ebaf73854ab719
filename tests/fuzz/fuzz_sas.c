/* SPDX-License-Identifier: Apache-2.0 */
/* What a relay delivers in a comparison by short code: lines of JSON, received by the joiner ('j') or the starter
 * ('s'), whose person confirms as soon as there is a code ('J', 'S'). Secrets are fixed, so that the corpus has
 * exchanges that succeed; everything else ends the exchange, which never succeeds against a person's will. */
#include "fuzz.h"

#include <kt/suite.h>

#include "json/sas.h"

#define NOW_MS 1000

static const uint8_t transaction[KT_SAS_TRANSACTION_LEN] = "fuzz: exchange";
static const uint8_t starter_secret[KT_SAS_SECRET_LEN] = "fuzz: starter";
static const uint8_t joiner_secret[KT_SAS_SECRET_LEN] = "fuzz: joiner";
static const struct kt_sas_party alice = { { (const uint8_t *)"alice", 5 }, { { KT_ACCOUNT_KEY_TYPE, 1 } } };
static const struct kt_sas_party bob = { { (const uint8_t *)"bob", 3 }, { { KT_ACCOUNT_KEY_TYPE, 2 } } };

/* A message is written so that it reads the same. */
static void check_message(const struct kt_sas_message *message, struct kt_arena *arena)
{
  struct kt_sas_message again;
  struct kt_reason reason = { 0 };
  json_t *first = kt_json_sas_message(message);
  char *text = json_dumps(first, JSON_COMPACT);
  FUZZ_CHECK(text != NULL);
  FUZZ_CHECK(kt_json_sas_read((struct kt_bytes){ (const uint8_t *)text, strlen(text) }, arena, &again, &reason) ==
             KT_OK);
  json_t *second = kt_json_sas_message(&again);
  FUZZ_CHECK(json_equal(first, second) == 1);
  json_decref(first);
  json_decref(second);
  free(text);
}

static void check_code(const struct kt_sas *sas)
{
  struct kt_sas_code code;
  FUZZ_CHECK(kt_sas_show(sas, &code) == KT_OK);
  for (size_t i = 0; i < KT_SAS_EMOJI; i++) {
    FUZZ_CHECK(code.emoji[i] < KT_SAS_EMOJI_TABLE && kt_sas_emoji(code.emoji[i]) != NULL);
  }
  for (size_t i = 0; i < KT_SAS_DECIMALS; i++) {
    FUZZ_CHECK(code.decimals[i] >= 1000 && code.decimals[i] <= 9191);
  }
}

static void receive(struct kt_sas *sas, struct kt_bytes line, struct kt_arena *arena)
{
  struct kt_sas_message message;
  struct kt_sas_message reply = { .type = KT_SAS_NONE };
  struct kt_reason reason = { 0 };
  enum kt_err err = kt_json_sas_read(line, arena, &message, &reason);
  if (err != KT_OK) {
    FUZZ_CHECK(err == KT_ERR_MEMORY || reason.code != NULL);
    kt_sas_cancel(sas, KT_SAS_MALFORMED);
    return;
  }
  check_message(&message, arena);
  err = kt_sas_receive(sas, &message, NOW_MS, &reply, &reason);
  if (err == KT_OK && reply.type != KT_SAS_NONE) {
    check_message(&reply, arena);
  }
  FUZZ_CHECK(err == KT_OK || err == KT_ERR_MEMORY || reason.code != NULL);
}

static void run(struct kt_sas *sas, struct kt_bytes lines, bool confirms, struct kt_arena *arena)
{
  struct kt_sas_message message;
  struct kt_reason reason = { 0 };
  for (size_t at = 0; at < lines.len;) {
    const uint8_t *end = memchr(lines.data + at, '\n', lines.len - at);
    size_t len = end != NULL ? (size_t)(end - (lines.data + at)) : lines.len - at;
    receive(sas, (struct kt_bytes){ lines.data + at, len }, arena);
    at += len + 1;
    if (sas->state == KT_SAS_COMPARE) {
      check_code(sas);
      if (confirms && !sas->own_confirmed) {
        FUZZ_CHECK(kt_sas_confirm(sas, NOW_MS, &message, &reason) == KT_OK);
      }
    }
  }
  FUZZ_CHECK(sas->state != KT_SAS_DONE || (confirms && sas->own_confirmed && sas->other_confirmed));
  if (kt_sas_cancellation(sas, &message)) {
    check_message(&message, arena);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static bool ready;
  struct fuzz_input input;
  struct kt_arena arena;
  struct kt_sas sas;
  struct kt_sas_message message;
  if (!ready) {
    FUZZ_CHECK(kt_crypto_init() == KT_OK);
    ready = true;
  }
  if (!fuzz_split(data, size, &input) || memchr("jJsS", input.selector, 4) == NULL) {
    return 0;
  }
  const bool starts = input.selector == 's' || input.selector == 'S';
  const struct kt_sas_config config = { .log_id = { { 1 } },
                                        .own = starts ? alice : bob,
                                        .other = starts ? bob : alice };
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  if (starts) {
    FUZZ_CHECK(kt_sas_start(&sas, &config, transaction, starter_secret, NOW_MS, &message) == KT_OK);
    check_message(&message, &arena);
  } else {
    FUZZ_CHECK(kt_sas_join(&sas, &config, joiner_secret, NOW_MS) == KT_OK);
  }
  run(&sas, input.rest, input.selector == 'J' || input.selector == 'S', &arena);
  kt_sas_release(&sas);
  kt_arena_release(&arena);
  return 0;
}
