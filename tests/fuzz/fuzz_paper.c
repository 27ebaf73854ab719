/* SPDX-License-Identifier: Apache-2.0 */
/* What owners carry from one place to another: 'r' a recovery key as typed off the paper, 'b' the contacts of an
 * exported file that did open; 's' a file as it came. */
#include "fuzz.h"

#include <kt/arena.h>
#include <kt/contact_book.h>
#include <kt/recovery_key.h>

#include "account/contact_book_body.h"

#define BOOK_LIMIT ((size_t)1 << 24)

static void recovery_key(struct kt_bytes typed)
{
  uint8_t seed[KT_ACCOUNT_SEED_LEN];
  uint8_t again[KT_ACCOUNT_SEED_LEN];
  char text[KT_RECOVERY_TEXT_SIZE];
  size_t group_at = 0;
  struct kt_reason reason = { 0 };
  enum kt_err err = kt_recovery_key_parse(typed, seed, &group_at, &reason);
  FUZZ_CHECK(group_at <= KT_RECOVERY_GROUPS);
  if (err != KT_OK) {
    FUZZ_CHECK(err == KT_ERR_USAGE && reason.code != NULL);
    return;
  }
  FUZZ_CHECK(group_at == 0);
  kt_recovery_key_format(seed, text);
  FUZZ_CHECK(strlen(text) + 1 == sizeof text);
  const struct kt_bytes shown = { (const uint8_t *)text, strlen(text) };
  FUZZ_CHECK(kt_recovery_key_parse(shown, again, &group_at, &reason) == KT_OK);
  FUZZ_CHECK(memcmp(seed, again, sizeof seed) == 0);
}

static void book(struct kt_bytes plain)
{
  struct kt_arena arena;
  struct kt_book_entry *entries = NULL;
  size_t n = 0;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = kt_contact_book_read(plain, &arena, &entries, &n);
  if (err == KT_OK) {
    struct kt_writer w;
    kt_writer_init(&w, BOOK_LIMIT);
    kt_contact_book_write(&w, entries, n);
    FUZZ_CHECK(fuzz_wrote(&w, plain));
    kt_writer_release(&w);
  } else {
    FUZZ_CHECK(fuzz_is_refusal(err));
  }
  kt_arena_release(&arena);
}

static void sealed(struct kt_bytes input)
{
  static const uint8_t seed[KT_ACCOUNT_SEED_LEN] = "fuzz: the owner";
  static const uint8_t nonce[KT_BOOK_NONCE_LEN] = "fuzz: nonce";
  const struct kt_book_owner owner = { .label = { (const uint8_t *)"alice", 5 }, .seed = seed };
  struct kt_arena arena;
  struct kt_book_entry *entries = NULL;
  struct kt_bytes again;
  size_t n = 0;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = kt_contact_book_open(&owner, input, &arena, &entries, &n);
  if (err == KT_OK) {
    FUZZ_CHECK(kt_contact_book_seal(&owner, entries, n, nonce, &arena, &again) == KT_OK);
    FUZZ_CHECK(fuzz_equal(input, again)); /* nobody else has the seed, and no seed of the corpus another nonce */
  } else {
    FUZZ_CHECK(err == KT_ERR_PROOF || fuzz_is_refusal(err));
  }
  kt_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct fuzz_input input;
  if (!fuzz_split(data, size, &input)) {
    return 0;
  }
  if (input.selector == 'r') {
    recovery_key(input.rest);
  } else if (input.selector == 'b') {
    book(input.rest);
  } else if (input.selector == 's') {
    sealed(input.rest);
  }
  return 0;
}
