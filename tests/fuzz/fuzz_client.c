/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that kt-verify reads again: what an auditor's key signed last, in both suites, and a room that somebody typed. The
 * first byte selects. What reads is written again as it was, and never lets the key sign a second tree of one size. */
#include "fuzz.h"

#include "auditor_signed.h"
#include "sas_channel.h"

static const uint8_t key[KT_PUBLIC_KEY_MAX] = { 4, 1, 2, 3 };

static void check_signed(const struct kt_suite *suite, struct kt_bytes line)
{
  const struct kt_bytes public_key = { key, suite->sign_public_len };
  const struct kt_hash other_root = { { 0xee } };
  struct kt_auditor_signed last;
  char again[KT_AUDITOR_SIGNED_LINE_MAX];
  enum kt_err err = kt_auditor_signed_parse(line, suite, public_key, &last);
  if (err != KT_OK) {
    FUZZ_CHECK(err == KT_ERR_FORMAT || err == KT_ERR_CONFLICT);
    return;
  }
  const size_t len = kt_auditor_signed_text(suite, public_key, &last, again);
  FUZZ_CHECK(fuzz_equal(line, (struct kt_bytes){ (uint8_t *)again, len }));
  if (last.size > 0) {
    FUZZ_CHECK(kt_auditor_signed_allows(&last, &last.log_id, last.size, &last.root));
    FUZZ_CHECK(!kt_auditor_signed_allows(&last, &last.log_id, last.size - 1, &last.root));
    FUZZ_CHECK(!kt_auditor_signed_allows(&last, &last.log_id, last.size, &other_root) ||
               memcmp(&last.root, &other_root, sizeof other_root) == 0);
  }
}

static void check_room(struct kt_bytes text)
{
  char copy[64];
  char room[KT_SAS_ROOM_SIZE];
  char again[KT_SAS_ROOM_SIZE];
  if (text.len >= sizeof copy) {
    return;
  }
  memcpy(copy, text.data, text.len);
  copy[text.len] = '\0';
  if (kt_sas_room_parse(copy, room)) {
    FUZZ_CHECK(strspn(room, "0123456789") == KT_SAS_ROOM_DIGITS && room[KT_SAS_ROOM_DIGITS] == '\0');
    FUZZ_CHECK(kt_sas_room_parse(room, again) && strcmp(room, again) == 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct fuzz_input input;
  if (fuzz_split(data, size, &input)) {
    switch (input.selector) {
    case 'e': check_signed(fuzz_suite(false), input.rest); break;
    case 'p': check_signed(fuzz_suite(true), input.rest); break;
    case 'r': check_room(input.rest); break;
    default: break;
    }
  }
  return 0;
}
