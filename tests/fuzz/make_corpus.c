/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the seeds of all fuzz targets: make_corpus FOLDER, usually tests/fuzz/corpus. Requests, responses and proofs are
 * those of an honest log, verified before they are written. Nothing here is random: the same files come out every time. */
#include "fuzz.h"

#include <errno.h>
#include <sys/stat.h>

#include <kt/account_policy.h>
#include <kt/audit.h>
#include <kt/device_set.h>
#include <kt/evidence.h>
#include <kt/in_person.h>
#include <kt/public_code.h>

#include "account/contact_book_body.h"
#include "crypto/hash.h"
#include "json/sas.h"
#include "support/toy_naive.h"
#include "support/toy_credential.h"
#include "support/toy_scene.h"
#include "tree/ibst.h"
#include "tree/log_tree.h"
#include "wire/audit_head.h"
#include "wire/auditor.h"
#include "wire/tree_head.h"

#define PATH_SIZE 4096
#define FILE_LIMIT ((size_t)1 << 20)
#define CONSISTENCY_FROM 5

static const char *folder;

/* --- files ------------------------------------------------------------------------------------------------------------ */

static void make_folder(const char *path)
{
  FUZZ_CHECK(mkdir(path, 0777) == 0 || errno == EEXIST);
}

/* FOLDER/target/name: the selector byte, unless it is negative, and the content. */
static void put(const char *target, const char *name, int selector, struct kt_bytes content)
{
  char path[PATH_SIZE];
  FUZZ_CHECK(snprintf(path, sizeof path, "%s/%s", folder, target) < PATH_SIZE);
  make_folder(path);
  FUZZ_CHECK(snprintf(path, sizeof path, "%s/%s/%s", folder, target, name) < PATH_SIZE);
  FILE *file = fopen(path, "wb");
  FUZZ_CHECK(file != NULL);
  FUZZ_CHECK(selector < 0 || fputc(selector, file) == selector);
  FUZZ_CHECK(fwrite(content.data, 1, content.len, file) == content.len);
  FUZZ_CHECK(fclose(file) == 0);
}

static void put_text(const char *target, const char *name, int selector, const char *text)
{
  put(target, name, selector, toy_label(text));
}

static void put_written(const char *target, const char *name, int selector, struct kt_writer *w)
{
  FUZZ_CHECK(w->err == KT_OK);
  put(target, name, selector, (struct kt_bytes){ w->buf, w->len });
  kt_writer_release(w);
}

/* --- requests, responses, states ---------------------------------------------------------------------------------------- */

/* Numbers of fuzz_wire.c. */
static void wire_numbers(const struct toy_query *query, int *ret_request, int *ret_response)
{
  static const struct {
    int request;
    int response;
  } numbers[] = {
    [TOY_SEARCH] = { 0, 1 },        [TOY_CONTACT] = { 3, 6 }, [TOY_OWNER_INIT] = { 4, 7 },
    [TOY_OWNER_MONITOR] = { 5, 6 }, [TOY_UPDATE] = { 8, 9 },  [TOY_DISTINGUISHED] = { 10, 11 },
  };
  *ret_request = numbers[query->kind].request;
  *ret_response = numbers[query->kind].response + (query->kind == TOY_SEARCH && query->version != NULL);
}

static void put_states(const char *name, const struct toy_user *user)
{
  struct kt_writer w;
  char path[128];
  (void)snprintf(path, sizeof path, "log-after-%s", name);
  kt_writer_init(&w, FILE_LIMIT);
  kt_log_state_write(&w, &user->state);
  put_written("state", path, 0, &w);
  if (user->contact.n_map > 0) {
    (void)snprintf(path, sizeof path, "contact-after-%s", name);
    kt_writer_init(&w, FILE_LIMIT);
    kt_contact_state_write(&w, &user->contact);
    put_written("state", path, 1, &w);
  }
  if (user->owner.has_version_at_start || user->owner.n_upcoming > 0) {
    (void)snprintf(path, sizeof path, "owner-after-%s", name);
    kt_writer_init(&w, FILE_LIMIT);
    kt_owner_state_write(&w, &user->owner);
    put_written("state", path, 2, &w);
  }
}

/* An answer that refers to the head the user has, as one that claims a new head of the same size: further than mutations
 * get by themselves. */
static void put_as_updated(struct toy_log *log, size_t index, const struct toy_scene *scene)
{
  uint8_t signature[KT_SIGNATURE_MAX];
  struct kt_writer w;
  char name[128];
  toy_sign_head(log, log->size, signature);
  const struct kt_full_tree_head head = {
    .type = KT_HEAD_UPDATED,
    .tree_head = { .tree_size = log->size, .signature = { signature, log->config.suite->signature_len } }
  };
  kt_writer_init(&w, FILE_LIMIT);
  kt_full_tree_head_write(&w, &log->config, &head);
  kt_write_bytes(&w, scene->response.data + 1, scene->response.len - 1);
  (void)snprintf(name, sizeof name, "%s-as-updated", scene->name);
  put_written("verify", name, (int)index, &w);
}

static void put_scene(struct toy_log *log, size_t index)
{
  static struct toy_scene scene;
  char name[128];
  int request;
  int response;
  toy_scene_set(log, index, &scene);
  wire_numbers(&scene.query, &request, &response);
  put("verify", scene.name, (int)index, scene.response);
  if (scene.response.data[0] == KT_HEAD_SAME) {
    put_as_updated(log, index, &scene);
  }
  (void)snprintf(name, sizeof name, "%s-request", scene.name);
  put("wire", name, request, scene.request);
  (void)snprintf(name, sizeof name, "%s-response", scene.name);
  put("wire", name, response, scene.response);
  FUZZ_CHECK(toy_verify(&scene.user, &scene.query, scene.response, log->timestamps[log->size - 1]) == scene.verdict);
  put_states(scene.name, &scene.user);
  toy_user_release(&scene.user);
}

/* --- what is ours around the log tree ------------------------------------------------------------------------------------ */

static void write_nodes(struct kt_writer *w, const struct toy_log *log, const struct kt_log_node *nodes, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    struct kt_hash value;
    toy_naive_subtree(log, nodes[i].start, nodes[i].level, &value);
    kt_write_bytes(w, value.b, KT_HASH_LEN);
  }
}

static void write_copath(struct kt_writer *w, const struct toy_log *log, const struct kt_log_request *request,
                         struct kt_arena *arena)
{
  struct kt_log_node *nodes = NULL;
  size_t n = 0;
  FUZZ_CHECK(kt_log_copath(request, arena, &nodes, &n) == KT_OK);
  kt_write_count16(w, n);
  write_nodes(w, log, nodes, n);
}

static void write_consistency(struct kt_writer *w, const struct toy_log *log, struct kt_arena *arena)
{
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  size_t n = kt_log_full_subtrees(CONSISTENCY_FROM, nodes);
  const struct kt_log_request request = { .size = log->size, .retained_size = CONSISTENCY_FROM };
  kt_write_count8(w, n);
  write_nodes(w, log, nodes, n);
  write_copath(w, log, &request, arena);
}

static void write_audit_state(struct kt_writer *w, const struct toy_log *log, struct kt_arena *arena)
{
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  uint64_t frontier[KT_IBST_DEPTH_MAX];
  size_t n = kt_log_full_subtrees(log->size, nodes);
  size_t n_frontier = kt_ibst_frontier(log->size, frontier);
  const struct kt_log_request request = {
    .size = log->size, .leaves = frontier, .n_leaves = n_frontier, .retained_size = log->size
  };
  kt_write_u64(w, log->size);
  kt_write_count8(w, n);
  write_nodes(w, log, nodes, n);
  kt_write_count8(w, n_frontier);
  for (size_t i = 0; i < n_frontier; i++) {
    kt_write_u64(w, log->timestamps[frontier[i]]);
    kt_write_bytes(w, log->prefix_roots[frontier[i]].hash.b, KT_HASH_LEN);
  }
  write_copath(w, log, &request, arena);
}

static void put_log_answers(const struct toy_log *log, struct kt_arena *arena)
{
  struct kt_writer w;
  struct kt_reason reason = { 0 };
  struct kt_hash root;
  struct kt_hash old_root;
  struct kt_audit_state state;
  toy_naive_root(log, log->size, &root);
  kt_writer_init(&w, FILE_LIMIT);
  write_consistency(&w, log, arena);
  FUZZ_CHECK(kt_verify_consistency(CONSISTENCY_FROM, log->size, &root, (struct kt_bytes){ w.buf, w.len }, arena,
                                   &old_root, &reason) == KT_OK);
  put("json", "consistency", 'c', (struct kt_bytes){ w.buf, w.len });
  put_written("verify", "consistency", 0xf0, &w);
  kt_writer_init(&w, FILE_LIMIT);
  write_audit_state(&w, log, arena);
  FUZZ_CHECK(kt_audit_state_verify(log->size, &root, (struct kt_bytes){ w.buf, w.len }, arena, &state, &reason) ==
             KT_OK);
  put("json", "audit-state", 't', (struct kt_bytes){ w.buf, w.len });
  put_written("verify", "audit-state", 0xf1, &w);
  kt_writer_init(&w, FILE_LIMIT);
  kt_audit_state_write(&w, &state);
  put_written("state", "audit", 3, &w);
}

/* --- the auditor's feed ---------------------------------------------------------------------------------------------------- */

#define FEED_LEN 6
#define FEED_LEAVES 3

/* Entry i adds three leaves; the last one also removes one. */
static size_t feed_leaves(size_t i, struct kt_prefix_leaf ret_leaves[static FEED_LEAVES])
{
  for (size_t k = 0; k < FEED_LEAVES; k++) {
    memset(&ret_leaves[k], 0, sizeof ret_leaves[k]);
    ret_leaves[k].vrf_output.b[0] = (uint8_t)(0x50 * k + 0x11 * i);
    ret_leaves[k].commitment.b[0] = (uint8_t)(i + 1);
  }
  return FEED_LEAVES;
}

static void make_update(const struct kt_prefix_nodes *nodes, struct kt_prefix_child *root, size_t i,
                        struct kt_prefix_leaf leaves[static FEED_LEAVES + 1], struct kt_arena *arena,
                        struct kt_auditor_update *ret_update)
{
  struct kt_hash keys[FEED_LEAVES + 1];
  size_t n = feed_leaves(i, leaves);
  size_t n_removed = i == FEED_LEN - 1 ? 1 : 0;
  if (n_removed > 0) {
    struct kt_prefix_leaf first[FEED_LEAVES];
    (void)feed_leaves(0, first);
    leaves[n] = first[0];
  }
  for (size_t k = 0; k < n + n_removed; k++) {
    keys[k] = leaves[k].vrf_output;
  }
  *ret_update = (struct kt_auditor_update){
    .timestamp = 1000 + 10 * i, .added = leaves, .n_added = n, .removed = leaves + n, .n_removed = n_removed
  };
  FUZZ_CHECK(kt_prefix_prove(nodes, *root, keys, n + n_removed, arena, &ret_update->proof) == KT_OK);
  FUZZ_CHECK(kt_prefix_insert(nodes, *root, leaves, n, root) == KT_OK);
}

static void put_audit_head(struct toy_log *log)
{
  uint8_t signature[KT_SIGNATURE_MAX];
  struct kt_audit_head head = { .tree_head = { log->size, { signature, log->config.suite->signature_len } } };
  struct kt_writer w;
  toy_sign_head(log, log->size, signature);
  toy_naive_root(log, log->size, &head.root);
  kt_writer_init(&w, FILE_LIMIT);
  kt_audit_head_write(&w, &head);
  put_written("wire", "audit-head", 14, &w);
  kt_writer_init(&w, FILE_LIMIT);
  head.has_auditor = true;
  head.auditor = (struct kt_auditor_tree_head){ 1000, 1, head.tree_head.signature };
  kt_audit_head_write(&w, &head);
  put_written("wire", "audit-head-vouched", 14, &w);
}

static void put_audit_feed(struct toy_log *log, struct kt_arena *arena)
{
  struct kt_prefix_child root = { .ref = 0 };
  struct kt_audit_state state = { .size = 0 };
  struct kt_writer feed;
  struct kt_writer page;
  kt_writer_init(&feed, FILE_LIMIT);
  kt_writer_init(&page, FILE_LIMIT);
  kt_write_u32(&page, FEED_LEN);
  for (size_t i = 0; i < FEED_LEN; i++) {
    struct kt_prefix_leaf leaves[FEED_LEAVES + 1];
    struct kt_auditor_update update;
    struct kt_reason reason = { 0 };
    struct kt_writer one;
    char name[32];
    make_update(&log->source.prefix_nodes, &root, i, leaves, arena, &update);
    enum kt_err err = kt_audit_step(&log->config, &state, &update, NULL, &state, &reason);
    FUZZ_CHECK(err == KT_OK || (update.n_removed > 0 && err == KT_ERR_UNDETERMINED));
    kt_writer_init(&one, FILE_LIMIT);
    kt_auditor_update_write(&one, &update);
    kt_auditor_update_write(&feed, &update);
    kt_auditor_update_write(&page, &update);
    (void)snprintf(name, sizeof name, "auditor-update-%zu", i);
    put("prefix", name, 'p', (struct kt_bytes){ one.buf, one.len });
    put_written("wire", name, 12, &one);
  }
  put_audit_head(log);
  put_written("verify", "audit-feed", 0xf2, &feed);
  put_written("json", "audit-page", 'a', &page);
}

/* --- evidence, device sets --------------------------------------------------------------------------------------------------- */

static struct kt_signed_head signed_head(struct toy_log *log, uint64_t size, struct kt_bytes config,
                                         struct kt_arena *arena)
{
  uint8_t signature[KT_SIGNATURE_MAX];
  struct kt_signed_head head = { .config = config, .received_ms = 2000 + size, .size = size };
  toy_naive_root(log, size, &head.root);
  toy_sign_head(log, size, signature);
  const size_t len = log->config.suite->signature_len;
  head.signature = (struct kt_bytes){ kt_arena_copy(arena, signature, len), len };
  return head;
}

static void put_evidence_file(const char *name, const struct kt_evidence *evidence)
{
  struct kt_writer w;
  char body[64];
  kt_writer_init(&w, FILE_LIMIT);
  kt_evidence_write(&w, evidence);
  FUZZ_CHECK(w.err == KT_OK);
  (void)snprintf(body, sizeof body, "%s-body", name);
  put("state", body, 6, (struct kt_bytes){ w.buf, w.len - KT_HASH_LEN });
  put_written("state", name, 5, &w);
}

static void put_evidence(struct toy_log *log, struct kt_arena *arena)
{
  uint8_t encoded[KT_CONFIG_MAX];
  const struct kt_bytes config = { encoded, kt_config_encode(&log->config, encoded) };
  struct kt_writer w;
  struct kt_evidence evidence = { .first = signed_head(log, CONSISTENCY_FROM, config, arena),
                                  .second = signed_head(log, log->size, config, arena) };
  kt_config_log_id(&log->config, &evidence.log_id);
  kt_writer_init(&w, FILE_LIMIT);
  write_consistency(&w, log, arena);
  evidence.kind = KT_EVIDENCE_INCONSISTENT;
  evidence.consistency = (struct kt_bytes){ w.buf, w.len };
  put_evidence_file("evidence-inconsistent", &evidence);
  kt_writer_release(&w);
  struct kt_evidence fork = { .kind = KT_EVIDENCE_FORK, .log_id = evidence.log_id };
  fork.first = evidence.second;
  fork.second = evidence.second;
  put_evidence_file("evidence-fork", &fork);
  fork.kind = KT_EVIDENCE_ROLLBACK;
  fork.second = evidence.first;
  put_evidence_file("evidence-rollback", &fork);
  fork.kind = KT_EVIDENCE_FAILED;
  fork.has_retained = true;
  fork.failed = (struct kt_failed_response){ .received_ms = 3000,
                                             .code = toy_label("head-signature"),
                                             .request = toy_label("GET /v1/config"),
                                             .response = toy_label("nonsense") };
  put_evidence_file("evidence-failed", &fork);
  static struct toy_scene scene;
  toy_scene_set(log, 0, &scene);
  struct kt_evidence answer = { .kind = KT_EVIDENCE_ANSWER, .log_id = evidence.log_id };
  answer.answer = (struct kt_signed_answer){ .config = config,
                                             .received_ms = log->timestamps[log->size - 1],
                                             .label = toy_label(scene.query.label),
                                             .response = scene.response };
  put_evidence_file("evidence-answer", &answer);
  toy_user_release(&scene.user);
  put("wire", "configuration", 13, config);
}

static void put_set(const char *name, int selector, const struct kt_device_set *set, struct kt_arena *arena)
{
  struct kt_bytes value;
  FUZZ_CHECK(kt_device_set_encode(set, arena, &value) == KT_OK);
  put("device_set", name, selector, value);
  put("json", name, 'v', value);
}

static void put_device_sets(struct kt_arena *arena)
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
  put("state", "account", 4, state);
}

/* --- a comparison by short code ------------------------------------------------------------------------------------------ */

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
static void put_sas(void)
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
  put("sas", "joiner", 'j', (struct kt_bytes){ joiner.lines.buf, joiner.lines.len });
  put("sas", "starter", 's', (struct kt_bytes){ starter.lines.buf, starter.lines.len });
  put_written("sas", "joiner-confirms", 'J', &joiner.lines);
  put_written("sas", "starter-confirms", 'S', &starter.lines);
  put_text("sas", "cancel", 'j',
           "{\"protocol\":\"kt-sas/1\",\"type\":\"cancel\",\"transaction\":\"00112233445566778899aabbccddeeff\","
           "\"reason\":\"mismatch\"}\n");
  kt_sas_release(&starter.sas);
  kt_sas_release(&joiner.sas);
}

/* --- codes -------------------------------------------------------------------------------------------------------------- */

/* The text, and the body in it; docs/formats.md. */
static void put_payload(const char *name, const struct kt_in_person *payload, struct kt_arena *arena)
{
  const char *text = NULL;
  struct kt_writer w;
  FUZZ_CHECK(kt_in_person_format(payload, arena, &text) == KT_OK);
  put_text("in_person", name, 't', text);
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
  char body[PATH_SIZE];
  FUZZ_CHECK(snprintf(body, sizeof body, "%s-body", name) < PATH_SIZE);
  put_written("in_person", body, 'b', &w);
}

static void put_codes(struct kt_arena *arena)
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
  put_text("in_person", "newer", 't', "KTQ2:AAAA");
  put_text("in_person", "damaged", 't', " KTQ1:AAAQEAYEAUDAOCAJ\r\n");
  FUZZ_CHECK(kt_public_code_compute(&payload.log_id, toy_label("alice"), &key, &code) == KT_OK);
  kt_public_code_format(&code, text);
  put_text("public_code", "code", 'c', text);
  put_text("public_code", "bech32m", 'm', text);
  put_text("public_code", "capitals", 'm', "A1LQFN3A");
  put("public_code", "groups", 'g', (struct kt_bytes){ (const uint8_t *)"ktp\0\1\37\7", 7 });
}

/* --- texts ------------------------------------------------------------------------------------------------------------------- */

/* Two contacts of an exported file, as they are once it is open. */
static void put_book(void)
{
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
  put_written("paper", "book", 'b', &w);
}

static void put_texts(void)
{
#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
  put_text("json", "search", 's', "{\"label\":\"alice\",\"version\":3,\"last\":17}");
  put_text("json", "search-greatest", 's', "{\"label\":\"\\u00e9l\\u00e8ve\",\"version\":null}");
  put_text("json", "import", 'i',
           "{\"label\":\"alice\",\"account_key\":\"45" HASH "\",\"devices\":[{\"name\":\"phone\",\"keys\":["
           "{\"alg\":\"raw\",\"key\":\"AQID\"},{\"alg\":\"ssh\",\"key\":\"c3NoLWVkMjU1MTk=\"}]}]}");
  put_text("json", "provision", 'p', "{\"devices\":[{\"name\":\"a\",\"keys\":[{\"alg\":\"raw\",\"key\":\"AA==\"}]}]}");
  put_text("safety", "groups", -1, "01234 56789 01234 56789\n01234 56789 01234 56789\n01234 56789 01234 56789\n");
  put_text("safety", "dashes", -1, "01234-56789-01234-56789-01234-56789-01234-56789-01234-56789-01234-56789");
  put_text("safety", "short", -1, "01234 5678");
  put_text("paper", "recovery-key", 'r',
           "ktr1 qqqs yqcy q5rq\nwzqf pg9s crgw pugp\nzysn zs23 v9cc rydp\nk8qa rc0s zkcd ry\n");
  put_text("paper", "recovery-slip", 'r',
           "KTR1-QQQS-YQCY-Q5RQ-WZQF-PG9S-CRGW-PUGP-ZYSN-ZS23-V9CC-RYDP-K8QA-RC0S-ZKCD-RX");
  put_book();
  put_text("heads", "text", -1,
           "kt-heads/1\n# from bob\nlog " HASH "\nhead 7 " HASH " 1700000000123\nsigned 9 " HASH " abcd 010203\n");
  put_text("heads", "json", -1,
           "{\"schema\":\"kt.log-distinguished/1\",\"verdict\":\"verified\",\"log\":{\"id\":\"" HASH "\"},\"heads\":"
           "[{\"size\":7,\"root\":\"" HASH "\",\"timestamp_ms\":1700000000123}],\"signed\":[{\"size\":9,\"root\":"
           "\"" HASH "\",\"signature\":\"abcd\",\"config\":\"010203\"}]}");
  put_text("yaml", "everything", -1,
           "listen: 127.0.0.1:8080\nadmin-listen: off\nhead-guard: /mnt/other/guard\nheartbeat: 10m\ncadence: 250ms\n"
           "drain: 5s\ncache: 64MiB\nthreads: 4\nregistration: token\naccess-log: errors\nlimits:\n  body: 1MiB\n"
           "  value: 64KiB\n  response: 8MiB\n  timeout: 30s\n  values-per-update: 128\n  queue: 1024\n"
           "  audit-page: 256\n  connections: 1000\n");
  put_text("yaml", "comments", -1, "# nothing but this\n");
  put_text("yaml", "unknown-option", -1, "listen: a:1\nlisten-too: b\n");
  put_text("yaml", "out-of-range", -1, "limits: { queue: 0, timeout: 24 }\n");
  put_text("yaml", "not-yaml", -1, "listen: [a\n");
  put_text("prefix", "tree", 't', "\x02\x10\x02\x18\x04\x13\x01\x20\x06\x21\x08\x40\x0d\x41\x12\x77\x15\x78");
#undef HASH
}

/* --- credentials -------------------------------------------------------------------------------------------------------- */

static void put_credential(struct toy_log *log, uint64_t size, const char *name, uint64_t position,
                           struct kt_arena *arena, const struct kt_recent_heads *recent,
                           struct kt_credential_result *ret_result)
{
  static const struct kt_log_state nothing;
  struct kt_credential credential;
  struct kt_reason reason = { .code = NULL };
  const struct kt_client client = {
    .config = &log->config, .log = &nothing, .now_ms = log->timestamps[size - 1], .arena = arena, .reason = &reason
  };
  toy_credential_make(log, size, TOY_CREDENTIAL_LABEL, position, arena, &credential);
  const struct kt_bytes encoded = toy_credential_encode(log, &credential, arena);
  FUZZ_CHECK(kt_verify_credential(&client, recent, encoded, ret_result) == KT_OK);
  put("credential", name, 0, encoded);
}

/* Selectors are those of fuzz_credential.c. */
static void put_credentials(struct kt_arena *arena)
{
  static struct toy_log log;
  struct kt_recent_heads recent;
  struct kt_credential_result result;
  struct kt_combined_proof monitor;
  struct kt_writer w;
  toy_credential_log(&log);
  toy_recent_heads(&log, TOY_CREDENTIAL_SIZE, arena, &recent);
  put_credential(&log, TOY_CREDENTIAL_SIZE, "provisional", TOY_CREDENTIAL_POSITION, arena, &recent, &result);
  toy_credential_update(&log, &result.pending, TOY_CREDENTIAL_NEXT, arena, &monitor);
  put("credential", "update", 1, toy_credential_update_encode(&monitor, arena));
  kt_writer_init(&w, (size_t)1 << 20);
  kt_credential_pending_write(&w, &result.pending);
  put_written("credential", "pending", 2, &w);
  kt_writer_init(&w, (size_t)1 << 20);
  kt_recent_heads_write(&w, &recent);
  put_written("credential", "recent-heads", 3, &w);
  kt_writer_init(&w, (size_t)1 << 20);
  kt_request_credential(&w, result.label, result.position);
  put_written("credential", "request", 4, &w);
  kt_writer_init(&w, (size_t)1 << 20);
  kt_request_credential_update(&w, &result.pending, TOY_CREDENTIAL_NEXT);
  put_written("credential", "update-request", 5, &w);
  toy_recent_heads(&log, log.size, arena, &recent);
  put_credential(&log, log.size, "standard", TOY_CREDENTIAL_NEXT, arena, &recent, &result);
  toy_log_release(&log);
}

int main(int argc, char **argv)
{
  static struct toy_log log;
  struct kt_arena arena;
  if (argc != 2) {
    (void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  folder = argv[1];
  make_folder(folder);
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  toy_scene_log(&log);
  for (size_t i = 0; i < toy_scene_count(); i++) {
    put_scene(&log, i);
  }
  put_log_answers(&log, &arena);
  put_audit_feed(&log, &arena);
  put_evidence(&log, &arena);
  put_credentials(&arena);
  put_device_sets(&arena);
  put_sas();
  put_codes(&arena);
  put_texts();
  toy_log_release(&log);
  kt_arena_release(&arena);
  return 0;
}
