/* SPDX-License-Identifier: Apache-2.0 */
/* Seeds of what people make: device sets, comparisons, codes, keys on paper, configurations. */
#include "corpus.h"

#include <kt/account_policy.h>
#include <kt/device_set.h>
#include <kt/in_person.h>
#include <kt/public_code.h>

#include "account/contact_book_body.h"
#include "json/sas.h"

#define FILE_LIMIT ((size_t)1 << 20)
#define NAME_SIZE 64

static void put_set(const char *name, int selector, const struct kt_device_set *set, struct kt_arena *arena)
{
  struct kt_bytes value;
  FUZZ_CHECK(kt_device_set_encode(set, arena, &value) == KT_OK);
  corpus_put("device_set", name, selector, value);
  corpus_put("json", name, 'v', value);
}

void corpus_put_device_sets(struct kt_arena *arena)
{
  static const uint8_t owner_seed[KT_ACCOUNT_SEED_LEN] = "fuzz: the owner";
  static const uint8_t stranger_seed[KT_ACCOUNT_SEED_LEN] = "fuzz: a stranger";
  struct kt_account_key stranger_key;
  struct kt_account_key owner_key;
  struct kt_bytes state;
  FUZZ_CHECK(kt_account_key_from_seed(stranger_seed, &stranger_key) == KT_OK);
  FUZZ_CHECK(kt_account_key_from_seed(owner_seed, &owner_key) == KT_OK);
  const struct kt_device_key keys[] = { { KT_KEY_X25519, { owner_key.b + 1, 32 } }, { KT_KEY_RAW, toy_label("k") } };
  const struct kt_device devices[] = {
    { .id = { { 1 } }, .name = toy_label("Alice's phone"), .added_ms = 1000, .keys = keys, .n_keys = 2 },
    { .id = { { 2 } }, .name = toy_label("laptop"), .added_ms = 2000, .keys = keys, .n_keys = 1 },
  };
  const struct kt_set_extension named = { KT_SET_EXTENSION_OPERATOR_KEY, { owner_key.b, KT_ACCOUNT_KEY_LEN } };
  const struct kt_set_extension other = { 77, toy_label("kept") };
  struct kt_device_set set = {
    .log_id = { { 1, 2, 3 } }, .label = toy_label("alice"), .devices = devices, .n_devices = 2
  };
  put_set("unsigned", 0, &set, arena);
  set.extensions = &named;
  set.n_extensions = 1;
  put_set("operator-key", 8, &set, arena);
  set.extensions = &other;
  set.recovery_keys = &stranger_key;
  set.n_recovery_keys = 1;
  for (int selector = 0; selector < 32; selector++) {
    char name[32];
    (void)snprintf(name, sizeof name, "signed-%d", selector);
    FUZZ_CHECK(kt_device_set_sign(&set, owner_seed) == KT_OK);
    put_set(name, selector, &set, arena);
  }
  /* The owner's key gives way to the stranger's: for the judgements of a set that fuzz_device_set.c signs anew. */
  set.seq = 1;
  FUZZ_CHECK(kt_endorsement_make(&set.log_id, set.label, set.seq, &owner_key, &stranger_key, owner_seed,
                                 &set.endorsement) == KT_OK);
  set.has_endorsement = true;
  FUZZ_CHECK(kt_device_set_sign(&set, stranger_seed) == KT_OK);
  put_set("endorsed", 15, &set, arena);
  const struct kt_account_state account = { .has_key = true,
                                            .key = owner_key,
                                            .has_operator_key = true,
                                            .operator_key = stranger_key,
                                            .n_sets = 3,
                                            .recovery_keys = &stranger_key,
                                            .n_recovery_keys = 1 };
  FUZZ_CHECK(kt_account_state_encode(&account, arena, &state) == KT_OK);
  corpus_put("state", "account", 4, state);
  const struct kt_contact contact = { .has_key = true,
                                      .key = owner_key,
                                      .state = KT_CONTACT_CHANGED,
                                      .since_ms = 7,
                                      .method = KT_METHOD_SAS,
                                      .verified_ms = 5,
                                      .changed_key = stranger_key,
                                      .policy = KT_CONTACT_STRICT };
  struct kt_writer w;
  kt_writer_init(&w, FILE_LIMIT);
  kt_contact_write(&w, &contact);
  corpus_put_written("state", "contact", 7, &w);
}

/* --- a comparison by short code ----------------------------------------------------------------------------------- */

/* What one side received, a line each. */
struct transcript {
  struct kt_sas sas;
  struct kt_writer lines;
};

/* Hand a message over; what comes back goes the other way. */
static void deliver(struct transcript *to, struct transcript *from, const struct kt_sas_message *message)
{
  struct kt_sas_message reply = { .type = KT_SAS_NONE };
  struct kt_reason reason = { 0 };
  json_t *object = kt_json_sas_message(message);
  char *text = json_dumps(object, JSON_COMPACT);
  FUZZ_CHECK(text != NULL);
  kt_write_bytes(&to->lines, text, strlen(text));
  kt_write_u8(&to->lines, '\n');
  free(text);
  json_decref(object);
  FUZZ_CHECK(kt_sas_receive(&to->sas, message, 1000, &reply, &reason) == KT_OK);
  if (reply.type != KT_SAS_NONE) {
    deliver(from, to, &reply);
  }
}

/* The secrets of fuzz_sas.c. */
void corpus_put_sas(void)
{
  static const uint8_t transaction[KT_SAS_TRANSACTION_LEN] = "fuzz: exchange";
  static const uint8_t starter_secret[KT_SAS_SECRET_LEN] = "fuzz: starter";
  static const uint8_t joiner_secret[KT_SAS_SECRET_LEN] = "fuzz: joiner";
  const struct kt_sas_party alice = { toy_label("alice"), { { KT_ACCOUNT_KEY_TYPE, 1 } } };
  const struct kt_sas_party bob = { toy_label("bob"), { { KT_ACCOUNT_KEY_TYPE, 2 } } };
  const struct kt_sas_config at_alice = { .log_id = { { 1 } }, .own = alice, .other = bob };
  const struct kt_sas_config at_bob = { .log_id = { { 1 } }, .own = bob, .other = alice };
  struct transcript starter;
  struct transcript joiner;
  struct kt_sas_message message;
  struct kt_reason reason = { 0 };
  kt_writer_init(&starter.lines, FILE_LIMIT);
  kt_writer_init(&joiner.lines, FILE_LIMIT);
  FUZZ_CHECK(kt_sas_start(&starter.sas, &at_alice, transaction, starter_secret, 1000, &message) == KT_OK);
  FUZZ_CHECK(kt_sas_join(&joiner.sas, &at_bob, joiner_secret, 1000) == KT_OK);
  deliver(&joiner, &starter, &message);
  FUZZ_CHECK(kt_sas_confirm(&starter.sas, 1000, &message, &reason) == KT_OK);
  deliver(&joiner, &starter, &message);
  FUZZ_CHECK(kt_sas_confirm(&joiner.sas, 1000, &message, &reason) == KT_OK);
  deliver(&starter, &joiner, &message);
  FUZZ_CHECK(starter.sas.state == KT_SAS_DONE && joiner.sas.state == KT_SAS_DONE);
  corpus_put("sas", "joiner", 'j', (struct kt_bytes){ joiner.lines.buf, joiner.lines.len });
  corpus_put("sas", "starter", 's', (struct kt_bytes){ starter.lines.buf, starter.lines.len });
  corpus_put_written("sas", "joiner-confirms", 'J', &joiner.lines);
  corpus_put_written("sas", "starter-confirms", 'S', &starter.lines);
  corpus_put_text("sas", "cancel", 'j',
                  "{\"protocol\":\"kt-sas/1\",\"type\":\"cancel\",\"transaction\":\"00112233445566778899aabbccddeeff\","
                  "\"reason\":\"mismatch\"}\n");
  kt_sas_release(&starter.sas);
  kt_sas_release(&joiner.sas);
}

/* --- codes -------------------------------------------------------------------------------------------------------- */

/* The text, and the body in it; docs/formats.md. */
static void put_payload(const char *name, const struct kt_in_person *payload, struct kt_arena *arena)
{
  const char *text = NULL;
  struct kt_writer w;
  FUZZ_CHECK(kt_in_person_format(payload, arena, &text) == KT_OK);
  corpus_put_text("in_person", name, 't', text);
  kt_writer_init(&w, FILE_LIMIT);
  kt_write_bytes(&w, payload->log_id.b, KT_HASH_LEN);
  kt_write_opaque8(&w, payload->sender.label);
  kt_write_bytes(&w, payload->sender.key.b, KT_HASH_LEN);
  kt_write_opaque8(&w, payload->recipient.label);
  kt_write_bytes(&w, payload->recipient.key.b, KT_HASH_LEN);
  kt_write_u8(&w, (uint8_t)payload->n_heads);
  for (size_t i = 0; i < payload->n_heads; i++) {
    kt_write_u64(&w, payload->heads[i].size);
    kt_write_bytes(&w, payload->heads[i].root.b, KT_HASH_LEN);
  }
  char body[NAME_SIZE];
  FUZZ_CHECK(snprintf(body, sizeof body, "%s-body", name) < NAME_SIZE);
  corpus_put_written("in_person", body, 'b', &w);
}

void corpus_put_codes(struct kt_arena *arena)
{
  static const struct kt_in_person_head heads[] = { { 7, { { 1 } } }, { 4096, { { 2 } } } };
  struct kt_in_person payload = { .log_id = { { 1 } },
                                  .sender = { toy_label("alice"), { { 10 } } },
                                  .recipient = { toy_label("b\xc3\xb8"
                                                           "b"),
                                                 { { 11 } } },
                                  .heads = heads,
                                  .n_heads = 2 };
  const struct kt_account_key key = { { KT_ACCOUNT_KEY_TYPE, 1 } };
  struct kt_public_code code;
  char text[KT_PUBLIC_CODE_SIZE];
  put_payload("heads", &payload, arena);
  payload.n_heads = 0;
  put_payload("no-heads", &payload, arena);
  corpus_put_text("in_person", "newer", 't', "KTQ2:AAAA");
  corpus_put_text("in_person", "damaged", 't', " KTQ1:AAAQEAYEAUDAOCAJ\r\n");
  FUZZ_CHECK(kt_public_code_compute(&payload.log_id, toy_label("alice"), &key, &code) == KT_OK);
  kt_public_code_format(&code, text);
  corpus_put_text("public_code", "code", 'c', text);
  corpus_put_text("public_code", "bech32m", 'm', text);
  corpus_put_text("public_code", "capitals", 'm', "A1LQFN3A");
  corpus_put_text("public_code", "base32", 'b', "AEBAGBAF");
  corpus_put_text("public_code", "base64", 'b', "AQIDBA==");
  corpus_put_text("public_code", "hex", 'b', "0123456789abcdefABCDEF");
  corpus_put("public_code", "groups", 'g', (struct kt_bytes){ (const uint8_t *)"ktp\0\1\37\7", 7 });
}

/* --- texts -------------------------------------------------------------------------------------------------------- */

/* Two contacts of an exported file, as they are once it is open, and before. Owner and nonce of fuzz_paper.c. */
static void put_book(struct kt_arena *arena)
{
  static const uint8_t seed[KT_ACCOUNT_SEED_LEN] = "fuzz: the owner";
  static const uint8_t nonce[KT_BOOK_NONCE_LEN] = "fuzz: nonce";
  const struct kt_book_owner owner = { .label = toy_label("alice"), .seed = seed };
  struct kt_bytes sealed;
  const struct kt_book_entry entries[] = {
    { .label = toy_label("alice"), .key = { { KT_ACCOUNT_KEY_TYPE, 1 } }, .method = KT_METHOD_QR, .verified_ms = 7 },
    { .label = toy_label("bob"),
      .key = { { KT_ACCOUNT_KEY_TYPE, 2 } },
      .method = KT_METHOD_SAS,
      .policy = KT_CONTACT_STRICT },
  };
  struct kt_writer w;
  kt_writer_init(&w, FILE_LIMIT);
  kt_contact_book_write(&w, entries, 2);
  corpus_put_written("paper", "book", 'b', &w);
  FUZZ_CHECK(kt_contact_book_seal(&owner, entries, 2, nonce, arena, &sealed) == KT_OK);
  corpus_put("paper", "book-sealed", 's', sealed);
}

void corpus_put_texts(struct kt_arena *arena)
{
#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
  corpus_put_text("json", "search", 's', "{\"label\":\"alice\",\"version\":3,\"last\":17}");
  corpus_put_text("json", "search-greatest", 's', "{\"label\":\"\\u00e9l\\u00e8ve\",\"version\":null}");
  corpus_put_text("json", "import", 'i',
                  "{\"label\":\"alice\",\"account_key\":\"45" HASH "\",\"devices\":[{\"name\":\"phone\",\"keys\":["
                  "{\"alg\":\"raw\",\"key\":\"AQID\"},{\"alg\":\"ssh\",\"key\":\"c3NoLWVkMjU1MTk=\"}]}]}");
  corpus_put_text("json", "line", 'l',
                  "{\"label\":\"alice\", \"devices\":[{\"name\":\"phone\",\"keys\":[{\"alg\":\"raw\",\"key\":\"AQID\"},"
                  "{\"alg\":\"ssh\",\"key\":\"c3NoLWVkMjU1MTk=\"}]},{\"name\":\"\",\"keys\":[{\"alg\":\"raw\",\"key\":"
                  "\"AA==\"}]}]}");
  corpus_put_text(
      "json", "line-unusual", 'l',
      "{\"devices\":[{\"keys\":[{\"key\":\"AA==\",\"alg\":\"raw\"}],\"name\":\"\\u00e9\"}],\"label\":\"a\"}");
  corpus_put_text("json", "provision", 'p',
                  "{\"devices\":[{\"name\":\"a\",\"keys\":[{\"alg\":\"raw\",\"key\":\"AA==\"}]}]}");
  corpus_put_text("safety", "groups", -1,
                  "01234 56789 01234 56789\n01234 56789 01234 56789\n01234 56789 01234 56789\n");
  corpus_put_text("safety", "dashes", -1, "01234-56789-01234-56789-01234-56789-01234-56789-01234-56789-01234-56789");
  corpus_put_text("safety", "short", -1, "01234 5678");
  corpus_put_text("paper", "recovery-key", 'r',
                  "ktr1 qqqs yqcy q5rq\nwzqf pg9s crgw pugp\nzysn zs23 v9cc rydp\nk8qa rc0s zkcd ry\n");
  corpus_put_text("paper", "recovery-slip", 'r',
                  "KTR1-QQQS-YQCY-Q5RQ-WZQF-PG9S-CRGW-PUGP-ZYSN-ZS23-V9CC-RYDP-K8QA-RC0S-ZKCD-RX");
  put_book(arena);
  corpus_put_text("heads", "text", -1,
                  "kt-heads/1\n# from bob\nlog " HASH "\nhead 7 " HASH " 1700000000123\nsigned 9 " HASH
                  " abcd 010203\n");
  corpus_put_text(
      "heads", "json", -1,
      "{\"schema\":\"kt.log-distinguished/1\",\"verdict\":\"verified\",\"log\":{\"id\":\"" HASH "\"},\"heads\":"
      "[{\"size\":7,\"root\":\"" HASH "\",\"timestamp_ms\":1700000000123}],\"signed\":[{\"size\":9,\"root\":"
      "\"" HASH "\",\"signature\":\"abcd\",\"config\":\"010203\"}]}");
  corpus_put_text(
      "yaml", "everything", -1,
      "listen: 127.0.0.1:8080\nadmin-listen: off\nhead-guard: /mnt/other/guard\nheartbeat: 10m\ncadence: 250ms\n"
      "drain: 5s\ncache: 64MiB\nthreads: 4\nregistration: token\naccess-log: errors\nlimits:\n  body: 1MiB\n"
      "  value: 64KiB\n  response: 8MiB\n  timeout: 30s\n  values-per-update: 128\n  queue: 1024\n"
      "  audit-page: 256\n  connections: 1000\n");
  corpus_put_text("yaml", "comments", -1, "# nothing but this\n");
  corpus_put_text("yaml", "unknown-option", -1, "listen: a:1\nlisten-too: b\n");
  corpus_put_text("yaml", "out-of-range", -1, "limits: { queue: 0, timeout: 24 }\n");
  corpus_put_text("yaml", "not-yaml", -1, "listen: [a\n");
  corpus_put_text("prefix", "tree", 't', "\x02\x10\x02\x18\x04\x13\x01\x20\x06\x21\x08\x40\x0d\x41\x12\x77\x15\x78");
#undef HASH
}
