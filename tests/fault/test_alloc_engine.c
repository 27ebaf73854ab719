/* SPDX-License-Identifier: Apache-2.0 */
/* The log over its database, with every allocation failing: ours, SQLite's, libcrypto's. An answer is the same bytes or none;
 * an update that was not acknowledged can be sent again; nothing that was acknowledged is lost, and no head is signed twice
 * for one size with two roots (the world's signer refuses that, and the test counts what it is shown). */
#include "unit/log/prune_test.h"

#include <kt/credential.h>

#include "fault_test.h"

#define MONITOR_EVERY 100

struct scene {
  struct world *world;
  struct files files;
  struct person *alice;
  /* of the operation that runs */
  struct kt_bytes request;
  struct kt_bytes honest;
  struct kt_arena arena;
  struct kt_writer w;
  size_t n_findings;
  size_t n_fatal;
};

static struct scene scene;

static void check_refusal(enum kt_err err, bool refused, const struct kt_log_problem *problem)
{
  fault_check(refused && fault_is_ours(err), kt_err_text(err), problem->code);
  fault_check(problem->code != NULL && problem->text[0] != '\0', "without a reason", NULL);
}

/* --- queries ------------------------------------------------------------------------------------------------------------ */

typedef enum kt_err (*ask_fn)(struct scene *s);

struct query {
  struct scene *scene;
  ask_fn ask;
};

static void query_before(void *ctx)
{
  struct scene *s = ((struct query *)ctx)->scene;
  kt_arena_init(&s->arena, KT_ARENA_CAP_DEFAULT);
  kt_writer_init(&s->w, (size_t)16 << 20);
  s->world->problem = (struct kt_log_problem){ 0 };
}

static enum kt_err query_run(void *ctx)
{
  const struct query *query = ctx;
  return query->ask(query->scene);
}

static void query_after(void *ctx, enum kt_err err, bool refused)
{
  struct scene *s = ((struct query *)ctx)->scene;
  if (err == KT_OK && s->w.err == KT_OK) {
    fault_check(s->w.len == s->honest.len && memcmp(s->w.buf, s->honest.data, s->w.len) == 0, "another answer", NULL);
  } else {
    check_refusal(err != KT_OK ? err : s->w.err, refused,
                  err != KT_OK ? &s->world->problem : &(struct kt_log_problem){ .code = "writer", .text = "-" });
  }
  kt_writer_release(&s->w);
  kt_arena_release(&s->arena);
}

#define POST(name, type, decode, call)                                     \
  static enum kt_err name(struct scene *s)                                 \
  {                                                                        \
    type request;                                                          \
    struct kt_log_problem *problem = &s->world->problem;                   \
    enum kt_err err = decode;                                              \
    if (err != KT_OK) {                                                    \
      *problem = (struct kt_log_problem){ .code = "decode", .text = "-" }; \
      return err;                                                          \
    }                                                                      \
    return call(s->world->reader, &request, &s->arena, &s->w, problem);    \
  }

POST(ask_search, struct kt_search_request, kt_search_request_decode(s->request, &request), kt_log_search)
POST(ask_contact, struct kt_contact_monitor_request, kt_contact_monitor_request_decode(s->request, &s->arena, &request),
     kt_log_contact_monitor)
POST(ask_owner_init, struct kt_owner_init_request, kt_owner_init_request_decode(s->request, &request),
     kt_log_owner_init)
POST(ask_owner_monitor, struct kt_owner_monitor_request,
     kt_owner_monitor_request_decode(s->request, &s->arena, &request), kt_log_owner_monitor)
POST(ask_distinguished, struct kt_distinguished_request, kt_distinguished_request_decode(s->request, &request),
     kt_log_distinguished)
POST(ask_credential, struct kt_credential_request, kt_credential_request_decode(s->request, &request),
     kt_log_credential)

static enum kt_err ask_tree_head(struct scene *s)
{
  return kt_log_tree_head(s->world->reader, &s->arena, &s->w, &s->world->problem);
}

static enum kt_err ask_audit(struct scene *s)
{
  return kt_log_audit(s->world->reader, 0, 100, &s->arena, &s->w, NULL, &s->world->problem);
}

static enum kt_err ask_audit_state(struct scene *s)
{
  return kt_log_audit_state(s->world->reader, world_size(s->world), &s->arena, &s->w, &s->world->problem);
}

static enum kt_err ask_consistency(struct scene *s)
{
  return kt_log_consistency(s->world->reader, 2, world_size(s->world), &s->arena, &s->w, &s->world->problem);
}

static void each_query(struct scene *s, const char *name, ask_fn ask)
{
  struct query query = { s, ask };
  const struct fault_operation op = { name, &query, query_before, query_run, query_after };
  query_before(&query);
  world_ok(s->world, query_run(&query));
  assert_int_equal(s->w.err, KT_OK);
  s->honest = (struct kt_bytes){ kt_arena_copy(&s->world->arena, s->w.buf, s->w.len), s->w.len };
  kt_writer_release(&s->w);
  kt_arena_release(&s->arena);
  for (int for_good = 0; for_good <= 1; for_good++) {
    assert_true(fault_each_allocation(&op, fault_stride(1), for_good == 1) > 0);
  }
}

static void each_post(struct scene *s, const char *name, ask_fn ask, struct kt_writer *request)
{
  s->request = world_take(s->world, request);
  kt_writer_init(request, 10000);
  each_query(s, name, ask);
}

static void test_queries(void **state)
{
  const struct kt_log_state nothing = { 0 };
  const uint32_t first = 0;
  struct scene *s = *state;
  struct person *bob = person_new(s->world, "bob", 11);
  struct kt_contact_state contact = { 0 };
  struct kt_writer w;
  world_ok(s->world, person_search(s->world, bob, TEXT("alice"), NULL, &contact, search_result_new(s->world)));
  const uint64_t distinguished = person_heads(s->world, bob)->heads[0].size - 1;
  kt_writer_init(&w, 10000);
  kt_request_search(&w, &nothing, TEXT("alice"), NULL);
  each_post(s, "search", ask_search, &w);
  kt_request_search(&w, &nothing, TEXT("alice"), &first);
  each_post(s, "fixed search", ask_search, &w);
  kt_request_search(&w, &nothing, TEXT("nobody"), NULL);
  each_post(s, "absence", ask_search, &w);
  kt_request_contact(&w, &bob->log, TEXT("alice"), &contact);
  each_post(s, "contact monitoring", ask_contact, &w);
  kt_request_owner_init(&w, &nothing, TEXT("alice"), distinguished);
  each_post(s, "owner initialization", ask_owner_init, &w);
  kt_request_owner_monitor(&w, &s->alice->log, TEXT("alice"), &s->alice->owner);
  each_post(s, "owner monitoring", ask_owner_monitor, &w);
  kt_request_distinguished(&w, &nothing, NULL);
  each_post(s, "distinguished heads", ask_distinguished, &w);
  kt_request_credential(&w, TEXT("alice"), distinguished);
  each_post(s, "credential", ask_credential, &w);
  kt_writer_release(&w);
  each_query(s, "tree head", ask_tree_head);
  each_query(s, "audit", ask_audit);
  each_query(s, "audit state", ask_audit_state);
  each_query(s, "consistency", ask_consistency);
}

/* --- updates ------------------------------------------------------------------------------------------------------------ */

static struct kt_bytes value; /* of the update that runs */

/* After a failure that only a new start ends. */
static void reopen_when_fatal(struct scene *s)
{
  struct kt_log_status status;
  kt_log_status(s->world->log, &status);
  if (status.is_fatal) {
    s->n_fatal++;
    world_close(s->world);
    use_file(s->world, s->files.path, false);
    world_open(s->world);
  }
}

/* An owner who never monitored could not update any more after 255 versions. */
static void monitor_now_and_then(struct scene *s)
{
  if (s->alice->account.n_sets % MONITOR_EVERY == 0) {
    world_pass(s->world, WINDOW_MS / 2);
    while (!person_monitor(s->world, s->alice)) {
    }
  }
}

static void update_before(void *ctx)
{
  struct scene *s = ctx;
  struct kt_writer w;
  monitor_now_and_then(s);
  query_before(&(struct query){ s, NULL });
  value = person_set(s->world, s->alice, (uint8_t)(1 + s->alice->account.n_sets % 3), true);
  kt_writer_init(&w, (size_t)1 << 20);
  kt_request_update(&w, &s->alice->log, s->alice->label, &s->alice->owner, &value, 1);
  s->request = world_take(s->world, &w);
}

/* prepare → insert → respond, as the HTTP server does it. */
static enum kt_err update_run(void *ctx)
{
  struct scene *s = ctx;
  struct world *world = s->world;
  struct kt_update_request request;
  struct kt_log_pending *pending = NULL;
  struct kt_log_outcome outcome = { .err = KT_OK };
  enum kt_err err = kt_update_request_decode(s->request, &s->arena, &request);
  if (err != KT_OK) {
    world->problem = (struct kt_log_problem){ .code = "decode", .text = "-" };
    return err;
  }
  err = kt_log_update_prepare(world->reader, &request, (struct kt_bytes){ 0 }, &pending, &world->problem);
  if (err != KT_OK) {
    return err;
  }
  const bool queued = pending != NULL;
  struct kt_log_ahead ahead = { 0 };
  if (queued) {
    kt_log_update_keep(pending, &s->arena, &ahead);
    kt_log_update_ahead(world->reader, &request, &s->arena, &ahead);
    kt_log_insert(world->log, &pending, 1, &outcome);
  }
  return kt_log_update_respond(world->reader, &request, queued ? &outcome : NULL, queued ? &ahead : NULL, &s->arena,
                               &s->w, &world->problem);
}

/* The answer verifies, and the value is in it. */
static void accept_update(struct scene *s)
{
  struct kt_update_result *result = update_result_new(s->world);
  const struct kt_client client = person_client(s->world, s->alice);
  const struct kt_bytes response = { kt_arena_copy(&s->world->arena, s->w.buf, s->w.len), s->w.len };
  person_ok(s->alice, kt_verify_update(&client, s->alice->label, &s->alice->owner, &value, 1, response, result));
  assert_int_equal(result->n_values, 1);
  s->alice->log = result->log;
  s->alice->owner = result->owner;
  person_logged(s->world, s->alice, value);
}

static void update_after(void *ctx, enum kt_err err, bool refused)
{
  struct scene *s = ctx;
  enum kt_err answered = err == KT_OK ? s->w.err : err;
  if (answered != KT_OK) {
    fault_check(refused && fault_is_ours(answered), kt_err_text(err), s->world->problem.code);
    reopen_when_fatal(s);
    kt_writer_release(&s->w);
    kt_writer_init(&s->w, (size_t)16 << 20);
    err = update_run(s); /* the same request again, with memory */
    if (err != KT_OK) {  /* a transaction that could not be rolled back: found at the next one, and the log stops */
      reopen_when_fatal(s);
      err = update_run(s);
    }
    fault_check(err == KT_OK, "not even when sent again", s->world->problem.text);
  }
  accept_update(s);
  kt_writer_release(&s->w);
  kt_arena_release(&s->arena);
}

static void count_damage(void *ctx, const char *where, const char *what)
{
  struct scene *s = ctx;
  s->n_findings++;
  print_error("%s: %s\n", where, what);
}

static enum kt_err check_all(void *ctx)
{
  struct scene *s = ctx;
  const struct kt_log_fsck fsck = { .vrf_every = 7, .ctx = s, .report = count_damage };
  return kt_log_fsck(s->world->reader, &fsck, &s->world->problem);
}

static void test_updates(void **state)
{
  struct scene *s = *state;
  const struct fault_operation op = { "update", s, update_before, update_run, update_after };
  for (int for_good = 0; for_good <= 1; for_good++) {
    assert_true(fault_each_allocation(&op, fault_stride(7), for_good == 1) > 0);
  }
  print_message("%u times only a new start helped\n", (unsigned)s->n_fatal);
  world_ok(s->world, check_all(s));
  assert_int_equal(s->n_findings, 0);
}

/* --- administration ----------------------------------------------------------------------------------------------------- */

static enum kt_err erase_run(void *ctx)
{
  static const uint32_t first = 0;
  struct scene *s = ctx;
  struct kt_log_erased erased;
  return kt_log_erase(s->world->log, TEXT("alice"), &first, &erased, &s->world->problem);
}

static void erase_after(void *ctx, enum kt_err err, bool refused)
{
  struct scene *s = ctx;
  if (err != KT_OK) {
    check_refusal(err, refused, &s->world->problem);
    reopen_when_fatal(s);
    world_ok(s->world, erase_run(s));
  }
}

static void fsck_after(void *ctx, enum kt_err err, bool refused)
{
  struct scene *s = ctx;
  if (err != KT_OK) {
    check_refusal(err, refused, &s->world->problem);
  }
  fault_check(s->n_findings == 0, "damage is reported where there is none", NULL);
}

/* Close without a fault, open with. */
static void open_before(void *ctx)
{
  struct scene *s = ctx;
  world_close(s->world);
  kt_store_close(s->world->store);
  s->world->store = NULL;
}

static enum kt_err open_run(void *ctx)
{
  struct scene *s = ctx;
  struct world *world = s->world;
  const struct kt_store_options options = { .node_len = KT_LOG_NODE_LEN, .cache_bytes = 1 << 20 };
  struct kt_store_error error = { 0 };
  enum kt_err err = kt_store_open_sqlite(s->files.path, &options, &world->store, &error);
  world->problem = (struct kt_log_problem){ .code = "store" };
  (void)snprintf(world->problem.text, sizeof world->problem.text, "%s", error.text);
  if (err == KT_OK) {
    world->options.store = world->store;
    err = kt_log_open(&world->options, &world->log, &world->problem);
  }
  return err == KT_OK ? kt_log_reader_new(world->log, &world->reader, &world->problem) : err;
}

static void open_after(void *ctx, enum kt_err err, bool refused)
{
  struct scene *s = ctx;
  if (err != KT_OK) {
    check_refusal(err, refused, &s->world->problem);
    world_close(s->world);
    kt_store_close(s->world->store);
    s->world->store = NULL;
    world_ok(s->world, open_run(s));
  }
}

static void test_administration(void **state)
{
  struct scene *s = *state;
  static const uint64_t usual[] = { 97, 7, 1 };
  const struct fault_operation ops[] = {
    { "fsck", s, NULL, check_all, fsck_after },
    { "erase", s, NULL, erase_run, erase_after },
    { "open", s, open_before, open_run, open_after },
  };
  for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
    for (int for_good = 0; for_good <= 1; for_good++) {
      assert_true(fault_each_allocation(&ops[i], fault_stride(usual[i]), for_good == 1) > 0);
    }
  }
}

/* --- the log ------------------------------------------------------------------------------------------------------------ */

static int begin(void **state)
{
  scene.world = file_world(&scene.files);
  scene.alice = person_new(scene.world, "alice", 10);
  person_register(scene.world, scene.alice);
  for (size_t i = 0; i < 6; i++) {
    world_pass(scene.world, WINDOW_MS / 2);
    (void)person_update(scene.world, scene.alice, 2);
  }
  *state = &scene;
  return 0;
}

static int end(void **state)
{
  (void)state;
  file_world_end(scene.world, &scene.files);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    /* A log of its own for each: the one of the updates grows with every allocation of theirs. */
    cmocka_unit_test_setup_teardown(test_queries, begin, end),
    cmocka_unit_test_setup_teardown(test_updates, begin, end),
    cmocka_unit_test_setup_teardown(test_administration, begin, end),
  };
  return fail_alloc_hook() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
