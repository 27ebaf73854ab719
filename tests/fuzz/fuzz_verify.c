/* SPDX-License-Identifier: Apache-2.0 */
/* Whole responses against retained states, from a log that signs whatever it likes and finds any VRF proof. The first
 * byte selects mode and scene (tests/support/toy_scene.c), or one of the answers that are no structure of the draft.
 * fuzz_verify_p256.c is the same with the other suite's lengths.
 *
 * What is refused changes nothing and gives a reason; what is accepted gives states that can be kept and that do not go
 * back. */
#include "fuzz.h"

#include <kt/audit.h>

#include "support/toy_naive.h"
#include "support/toy_scene.h"
#include "support/toy_suite.h"
#include "tree/log_tree.h"
#include "wire/auditor.h"
#include "wire/tree_head.h"

#define STATE_LIMIT ((size_t)16 << 20)
#define SCENES_MAX 32 /* of a mode */
#define MODES 3
#define CONSISTENCY 0xf0
#define AUDIT_STATE 0xf1
#define AUDIT_FEED 0xf2
#define CONSISTENCY_FROM 5
#define FEED_MAX 64

#ifndef FUZZ_SUITE
#define FUZZ_SUITE "ed25519"
#endif

static const char *const modes[MODES] = { "contact", "auditing", "management" };
static struct toy_log honest_logs[MODES];
static struct toy_scene scenes[MODES][SCENES_MAX];
/* Of the answers that are the same in all modes. */
static struct toy_log *const honest = &honest_logs[0];
static struct kt_hash honest_root;

/* --- states ------------------------------------------------------------------------------------------------------- */

/* Append-only: what both trees have in common is as it was. */
static void check_retained(const struct kt_tree_state *before, const struct kt_tree_state *after)
{
  struct kt_log_node old_nodes[KT_LOG_SUBTREES_MAX];
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  (void)kt_log_full_subtrees(before->size, old_nodes);
  (void)kt_log_full_subtrees(after->size, nodes);
  for (size_t i = 0; i < before->n_heads && i < after->n_heads; i++) {
    if (old_nodes[i].start == nodes[i].start && old_nodes[i].level == nodes[i].level) {
      FUZZ_CHECK(memcmp(&before->heads[i], &after->heads[i], KT_HASH_LEN) == 0);
    }
  }
  for (size_t i = 0; i < before->n_frontier && i < after->n_frontier; i++) {
    if (before->frontier[i].pos == after->frontier[i].pos) {
      FUZZ_CHECK(before->frontier[i].timestamp_ms == after->frontier[i].timestamp_ms);
      FUZZ_CHECK(memcmp(&before->frontier[i].prefix_root, &after->frontier[i].prefix_root, KT_HASH_LEN) == 0);
    }
  }
}

static void check_log(const struct kt_log_state *before, const struct kt_log_state *after)
{
  static struct kt_log_state decoded;
  struct kt_writer w;
  struct kt_writer again;
  kt_writer_init(&w, STATE_LIMIT);
  kt_writer_init(&again, STATE_LIMIT);
  kt_log_state_write(&w, after);
  const struct kt_bytes encoded = { w.buf, w.len };
  FUZZ_CHECK(w.err == KT_OK && kt_log_state_decode(encoded, &decoded) == KT_OK);
  kt_log_state_write(&again, &decoded);
  FUZZ_CHECK(fuzz_wrote(&again, encoded));
  FUZZ_CHECK(memcmp(&decoded.root, &after->root, sizeof decoded.root) == 0);
  FUZZ_CHECK(after->tree.size > 0 && after->tree.size >= before->tree.size);
  kt_writer_release(&w);
  kt_writer_release(&again);
  /* "timestamps … are monotonic": along the frontier, and against what was seen before. */
  const struct kt_tree_state *tree = &after->tree;
  for (size_t i = 1; i < tree->n_frontier; i++) {
    FUZZ_CHECK(tree->frontier[i - 1].timestamp_ms <= tree->frontier[i].timestamp_ms);
  }
  check_retained(&before->tree, tree);
  if (before->tree.size > 0) {
    FUZZ_CHECK(before->tree.frontier[before->tree.n_frontier - 1].timestamp_ms <=
               tree->frontier[tree->n_frontier - 1].timestamp_ms);
  }
}

static void check_contact(const struct kt_contact_state *contact, uint64_t size, struct kt_arena *arena)
{
  struct kt_contact_state decoded;
  struct kt_writer w;
  struct kt_writer again;
  FUZZ_CHECK(contact->n_map <= UINT8_MAX);
  for (size_t i = 0; i < contact->n_map; i++) {
    FUZZ_CHECK(contact->map[i].position < size);
    FUZZ_CHECK(i == 0 || (contact->map[i - 1].position < contact->map[i].position &&
                          contact->map[i - 1].version < contact->map[i].version));
  }
  for (size_t i = 1; i < contact->n_known; i++) {
    FUZZ_CHECK(contact->known[i - 1].version < contact->known[i].version);
  }
  kt_writer_init(&w, STATE_LIMIT);
  kt_writer_init(&again, STATE_LIMIT);
  kt_contact_state_write(&w, contact);
  const struct kt_bytes encoded = { w.buf, w.len };
  FUZZ_CHECK(w.err == KT_OK && kt_contact_state_decode(encoded, arena, &decoded) == KT_OK);
  kt_contact_state_write(&again, &decoded);
  FUZZ_CHECK(fuzz_wrote(&again, encoded));
  kt_writer_release(&w);
  kt_writer_release(&again);
}

static void check_owner(const struct kt_owner_state *before, const struct kt_owner_state *owner, uint64_t size,
                        struct kt_arena *arena)
{
  struct kt_owner_state decoded;
  struct kt_writer w;
  struct kt_writer again;
  uint32_t old_greatest;
  uint32_t greatest;
  FUZZ_CHECK(owner->start < size && owner->start >= before->start);
  for (size_t i = 0; i < owner->n_upcoming; i++) {
    FUZZ_CHECK(owner->upcoming[i].position > owner->start && owner->upcoming[i].position < size);
    FUZZ_CHECK(i == 0 || owner->upcoming[i - 1].version < owner->upcoming[i].version);
  }
  if (kt_owner_greatest(before, &old_greatest)) {
    FUZZ_CHECK(kt_owner_greatest(owner, &greatest) && greatest >= old_greatest);
  }
  check_contact(&owner->contact, size, arena);
  kt_writer_init(&w, STATE_LIMIT);
  kt_writer_init(&again, STATE_LIMIT);
  kt_owner_state_write(&w, owner);
  const struct kt_bytes encoded = { w.buf, w.len };
  FUZZ_CHECK(w.err == KT_OK && kt_owner_state_decode(encoded, arena, &decoded) == KT_OK);
  kt_owner_state_write(&again, &decoded);
  FUZZ_CHECK(fuzz_wrote(&again, encoded));
  kt_writer_release(&w);
  kt_writer_release(&again);
}

/* --- responses of the draft --------------------------------------------------------------------------------------- */

static bool is_owner_query(enum toy_kind kind)
{
  return kind == TOY_OWNER_INIT || kind == TOY_OWNER_MONITOR || kind == TOY_UPDATE;
}

/* The results of the last verification are one stretch of the user. */
#define RESULTS_LEN (sizeof(struct toy_user) - offsetof(struct toy_user, search))

static enum kt_err check_scene(const struct toy_log *log, const struct toy_scene *scene, struct kt_bytes response)
{
  static struct toy_user user;
  static uint8_t untouched[RESULTS_LEN];
  user = scene->user;
  kt_arena_init(&user.arena, KT_ARENA_CAP_DEFAULT);
  memset(untouched, 0x5a, sizeof untouched);
  memcpy((uint8_t *)&user + offsetof(struct toy_user, search), untouched, sizeof untouched);
  const struct kt_bytes before = toy_user_encode(&user);
  enum kt_err err = toy_verify(&user, &scene->query, response, log->timestamps[log->size - 1]);
  const struct kt_bytes after = toy_user_encode(&user);
  if (err == KT_OK || (err == KT_ERR_ABSENT && scene->query.kind == TOY_SEARCH)) {
    check_log(&scene->user.state, &user.state);
    /* "verify that TreeHead.tree_size is greater than the advertised tree size" (R7) */
    FUZZ_CHECK(response.data[0] == KT_HEAD_SAME || user.state.tree.size > scene->user.state.tree.size);
    check_contact(&user.contact, user.state.tree.size, &user.arena);
    if (is_owner_query(scene->query.kind)) {
      check_owner(&scene->user.owner, &user.owner, user.state.tree.size, &user.arena);
    }
  } else { /* R59 */
    const struct kt_bytes results = { (const uint8_t *)&user + offsetof(struct toy_user, search), RESULTS_LEN };
    FUZZ_CHECK(fuzz_equal(before, after));
    FUZZ_CHECK(fuzz_equal(results, (struct kt_bytes){ untouched, sizeof untouched }));
    FUZZ_CHECK(err == KT_ERR_MEMORY || user.reason.code != NULL);
  }
  kt_arena_release(&user.arena);
  return err;
}

/* --- answers of ours ---------------------------------------------------------------------------------------------- */

static void check_consistency(struct kt_bytes response, struct kt_arena *arena)
{
  struct kt_reason reason = { 0 };
  struct kt_hash root;
  struct kt_hash expected;
  toy_naive_root(honest, CONSISTENCY_FROM, &expected);
  enum kt_err err =
      kt_verify_consistency(CONSISTENCY_FROM, honest->size, &honest_root, response, arena, &root, &reason);
  FUZZ_CHECK(err == KT_OK || err == KT_ERR_MEMORY || reason.code != NULL);
  /* The honest log's head is signed: nothing else leads to it. */
  FUZZ_CHECK(err != KT_OK || memcmp(&root, &expected, sizeof root) == 0);
}

static void check_audit_state(struct kt_bytes response, struct kt_arena *arena)
{
  static struct kt_audit_state state;
  struct kt_reason reason = { 0 };
  enum kt_err err = kt_audit_state_verify(honest->size, &honest_root, response, arena, &state, &reason);
  FUZZ_CHECK(err == KT_OK || err == KT_ERR_MEMORY || reason.code != NULL);
  FUZZ_CHECK(err != KT_OK ||
             memcmp(&state.prefix_root, &honest->prefix_roots[honest->size - 1].hash, KT_HASH_LEN) == 0);
}

/* A feed from entry 0 on, as far as it goes. */
static void check_audit_feed(struct kt_bytes feed, struct kt_arena *arena)
{
  static struct kt_audit_state state;
  static struct kt_audit_state next;
  struct kt_reader r;
  struct kt_auditor_update update;
  enum kt_err err = KT_OK;
  memset(&state, 0, sizeof state);
  kt_reader_init(&r, feed.data, feed.len);
  for (size_t i = 0; i < FEED_MAX && r.left > 0 && err == KT_OK; i++) {
    struct kt_reason reason = { 0 };
    kt_auditor_update_read(&r, arena, &update);
    if (r.err != KT_OK) {
      break;
    }
    memset(&next, 0x5a, sizeof next);
    err = kt_audit_step(&honest->config, &state, &update, NULL, &next, &reason);
    if (err != KT_OK) {
      FUZZ_CHECK(reason.code != NULL && next.size == UINT64_C(0x5a5a5a5a5a5a5a5a));
      break;
    }
    FUZZ_CHECK(next.size == state.size + 1 && next.frontier_ms[next.n_frontier - 1] == update.timestamp);
    FUZZ_CHECK(state.n_frontier == 0 || update.timestamp >= state.frontier_ms[state.n_frontier - 1]);
    state = next;
  }
}

static void start_mode(size_t mode)
{
  struct toy_log *log = &honest_logs[mode];
  FUZZ_CHECK(setenv("KT_TEST_MODE", modes[mode], 1) == 0);
  toy_scene_log(log);
  for (size_t i = 0; i < toy_scene_count(); i++) {
    toy_scene_set(log, i, &scenes[mode][i]);
  }
  log->config.suite = toy_suite_trusting();
  for (size_t i = 0; i < toy_scene_count(); i++) {
    FUZZ_CHECK(check_scene(log, &scenes[mode][i], scenes[mode][i].response) == scenes[mode][i].verdict);
  }
}

static void start(void)
{
  if (honest->size > 0) {
    return;
  }
  FUZZ_CHECK(toy_scene_count() <= SCENES_MAX && setenv("KT_TEST_SUITE", FUZZ_SUITE, 1) == 0);
  for (size_t i = 0; i < MODES; i++) {
    start_mode(i);
  }
  toy_naive_root(honest, honest->size, &honest_root);
}

static void check_answer(uint8_t selector, struct kt_bytes response)
{
  const size_t mode = selector / SCENES_MAX;
  const size_t scene = selector % SCENES_MAX;
  if (mode < MODES && scene < toy_scene_count()) {
    (void)check_scene(&honest_logs[mode], &scenes[mode][scene], response);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct fuzz_input input;
  struct kt_arena arena;
  start();
  if (!fuzz_split(data, size, &input)) {
    return 0;
  }
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  switch (input.selector) {
  case CONSISTENCY: check_consistency(input.rest, &arena); break;
  case AUDIT_STATE: check_audit_state(input.rest, &arena); break;
  case AUDIT_FEED: check_audit_feed(input.rest, &arena); break;
  default: check_answer(input.selector, input.rest);
  }
  kt_arena_release(&arena);
  return 0;
}
