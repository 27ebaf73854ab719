/* SPDX-License-Identifier: Apache-2.0 */
/* The signing process, over a socket pair: what it signs, what it refuses whatever the log shows it, and its
 * messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_file.h"
#include "crypto/hash.h"
#include "frame.h"
#include "guard_file.h"
#include "keys.h"
#include "names.h"
#include "signer.h"
#include "tree/log_tree.h"
#include "wire/leaf.h"
#include "wire/tree_head.h"

/* --- a folder and a signer in it ---------------------------------------------------------------------------------- */

struct scene {
  char dir[64];
  struct kt_config config;
  uint8_t public_keys[2][KT_PUBLIC_KEY_MAX];
  bool guard_may_be_missing;
  int fd; /* ours */
  int their_fd;
  pthread_t thread;
};

static struct kt_path file(const struct scene *scene, const char *name)
{
  struct kt_path path;
  struct kt_error error;
  assert_int_equal(kt_path_join(scene->dir, name, &path, &error), KT_OK);
  return path;
}

static int set_up(void **state)
{
  struct scene *scene = calloc(1, sizeof *scene);
  struct kt_secret *key = NULL;
  struct kt_error error;
  uint8_t bytes[KT_CONFIG_MAX];
  const uint8_t vrf_seed[KT_SEED_LEN] = "another key";
  assert_non_null(scene);
  assert_int_equal(kt_crypto_init(), KT_OK);
  (void)snprintf(scene->dir, sizeof scene->dir, "/tmp/kt-signer-XXXXXX");
  assert_non_null(mkdtemp(scene->dir));
  assert_int_equal(kt_key_create(file(scene, KT_NAME_SIGNING_KEY).s, "signing", &key, &error), KT_OK);
  const struct kt_suite *suite = kt_suite_by_id(KT_SUITE_ED25519);
  assert_int_equal(suite->sign_public(key->seed, scene->public_keys[0]), KT_OK);
  assert_int_equal(suite->vrf_public(vrf_seed, scene->public_keys[1]), KT_OK);
  kt_secret_free(key);
  scene->config = (struct kt_config){ .suite = suite,
                                      .mode = KT_MODE_CONTACT_MONITORING,
                                      .signature_public_key = { scene->public_keys[0], suite->sign_public_len },
                                      .vrf_public_key = { scene->public_keys[1], suite->vrf_public_len },
                                      .max_ahead = 1000,
                                      .max_behind = 1000,
                                      .reasonable_monitoring_window = 1000 };
  size_t len = kt_config_encode(&scene->config, bytes);
  assert_int_equal(kt_file_replace(file(scene, KT_NAME_CONFIG).s, bytes, len, 0644, &error), KT_OK);
  *state = scene;
  return 0;
}

static int tear_down(void **state)
{
  struct scene *scene = *state;
  const char *names[] = { KT_NAME_SIGNING_KEY, KT_NAME_CONFIG, KT_NAME_HEAD_GUARD, KT_NAME_SIGNER_LOCK };
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    (void)unlink(file(scene, names[i]).s);
  }
  assert_int_equal(rmdir(scene->dir), 0);
  free(scene);
  return 0;
}

static void *serve(void *ctx)
{
  const struct scene *scene = ctx;
  kt_signer_serve(scene->their_fd, scene->dir, scene->guard_may_be_missing);
  (void)close(scene->their_fd);
  return NULL;
}

static void start(struct scene *scene)
{
  int fds[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  scene->fd = fds[0];
  scene->their_fd = fds[1];
  assert_int_equal(pthread_create(&scene->thread, NULL, serve, scene), 0);
}

/* A new log's, or one whose guard was given up. */
static void start_without_guard(struct scene *scene)
{
  scene->guard_may_be_missing = true;
  start(scene);
}

static void stop(struct scene *scene)
{
  (void)close(scene->fd);
  assert_int_equal(pthread_join(scene->thread, NULL), 0);
  scene->guard_may_be_missing = false;
}

static struct kt_signer_response ask(const struct scene *scene, enum kt_signer_request_type type,
                                     const struct kt_log_extension *extension)
{
  uint8_t message[KT_SIGNER_MESSAGE_MAX];
  struct kt_signer_response response;
  size_t len = kt_signer_request_encode(type, extension, message);
  assert_true(len > 0 && kt_frame_send(scene->fd, message, len));
  assert_true(kt_frame_receive_length(scene->fd, &len) && len <= sizeof message);
  assert_true(kt_frame_receive(scene->fd, message, len));
  assert_int_equal(kt_signer_response_decode(type, (struct kt_bytes){ message, len }, &response), KT_OK);
  return response;
}

/* --- a log -------------------------------------------------------------------------------------------------------- */

#define ENTRIES 20

/* Two worlds of entries: the second differs from entry `fork` on. */
struct history {
  struct kt_log_added entries[ENTRIES];
  struct kt_hash heads[ENTRIES + 1][KT_LOG_SUBTREES_MAX]; /* by size */
};

static struct history *history_new(size_t fork)
{
  struct history *history = calloc(1, sizeof *history);
  assert_non_null(history);
  for (size_t i = 0; i < ENTRIES; i++) {
    struct kt_hash leaf;
    history->entries[i].timestamp_ms = 5000 + i;
    memset(history->entries[i].prefix_root.b, i < fork ? (int)i : (int)i + 100, KT_HASH_LEN);
    kt_log_entry_hash(history->entries[i].timestamp_ms, &history->entries[i].prefix_root, &leaf);
    memcpy(history->heads[i + 1], history->heads[i], sizeof history->heads[i]);
    (void)kt_log_append(i, history->heads[i + 1], &leaf);
  }
  return history;
}

static struct kt_signer_response ask_to_sign(const struct scene *scene, const struct history *history, size_t from,
                                             size_t to)
{
  const struct kt_log_extension extension = { .size = from,
                                              .timestamp_ms = from > 0 ? history->entries[from - 1].timestamp_ms : 0,
                                              .heads = history->heads[from],
                                              .added = history->entries + from,
                                              .n_added = to - from };
  return ask(scene, KT_SIGNER_SIGN, &extension);
}

/* Signed, over the root of that size. */
static void signs(const struct scene *scene, const struct history *history, size_t from, size_t to)
{
  struct kt_hash root;
  struct kt_signer_response response = ask_to_sign(scene, history, from, to);
  assert_int_equal(response.err, KT_OK);
  kt_log_root(to, history->heads[to], &root);
  const struct kt_tree_head head = { .tree_size = to, .signature = { response.signature, response.signature_len } };
  assert_int_equal(kt_tree_head_verify(&scene->config, &head, &root), KT_OK);
}

static void refuses(const struct scene *scene, const struct history *history, size_t from, size_t to, enum kt_err err)
{
  struct kt_signer_response response = ask_to_sign(scene, history, from, to);
  assert_int_equal(response.err, err);
  assert_int_equal(response.signature_len, 0);
  assert_true(response.error.text[0] != '\0');
}

/* --- what it signs ------------------------------------------------------------------------------------------------ */

static void s12_the_signer_signs_a_log_that_grows(void **state)
{
  struct scene *scene = *state;
  struct history *history = history_new(ENTRIES);
  start_without_guard(scene);
  assert_int_equal(ask(scene, KT_SIGNER_GUARD, NULL).err, KT_ERR_ABSENT);
  signs(scene, history, 0, 1);
  signs(scene, history, 1, 2);
  signs(scene, history, 2, 9);
  signs(scene, history, 9, 9); /* the same head again */
  struct kt_signer_response guard = ask(scene, KT_SIGNER_GUARD, NULL);
  struct kt_hash root;
  kt_log_root(9, history->heads[9], &root);
  assert_int_equal(guard.err, KT_OK);
  assert_int_equal(guard.guard.size, 9);
  assert_int_equal(guard.guard.timestamp_ms, history->entries[8].timestamp_ms);
  assert_true(kt_hash_equal(&guard.guard.root, &root));
  stop(scene);
  start(scene); /* it remembers */
  signs(scene, history, 9, ENTRIES);
  stop(scene);
  free(history);
}

/* A log that holds everything but the signing key cannot make it sign a second world. */
static void s12_the_signer_refuses_every_fork(void **state)
{
  struct scene *scene = *state;
  struct history *history = history_new(ENTRIES);
  struct history *forked = history_new(5);
  start_without_guard(scene);
  signs(scene, history, 0, 8);
  for (int round = 0; round < 2; round++) {
    for (size_t from = 0; from <= ENTRIES; from++) {
      for (size_t to = from > 0 ? from : 1; to <= ENTRIES; to++) {
        refuses(scene, forked, from, to, KT_ERR_CONFLICT);
        if (from != 8) {
          refuses(scene, history, from, to, KT_ERR_CONFLICT);
        }
      }
    }
    stop(scene);
    start(scene); /* nor after a restart */
  }
  signs(scene, history, 8, ENTRIES);
  stop(scene);
  free(history);
  free(forked);
}

static void s12_the_signer_does_not_go_back_in_time(void **state)
{
  struct scene *scene = *state;
  struct history *history = history_new(ENTRIES);
  start_without_guard(scene);
  signs(scene, history, 0, 8);
  history->entries[8].timestamp_ms = history->entries[7].timestamp_ms - 1;
  refuses(scene, history, 8, 9, KT_ERR_CONFLICT);
  history->entries[8].timestamp_ms++; /* the same millisecond is fine; another entry than the one in heads[9], so: */
  assert_int_equal(ask_to_sign(scene, history, 8, 9).err, KT_OK);
  stop(scene);
  free(history);
}

static void s12_a_lost_guard_has_to_be_accepted(void **state)
{
  struct scene *scene = *state;
  struct history *history = history_new(ENTRIES);
  start_without_guard(scene);
  signs(scene, history, 0, 8);
  stop(scene);
  assert_int_equal(unlink(file(scene, KT_NAME_HEAD_GUARD).s), 0);
  start(scene);
  refuses(scene, history, 8, 9, KT_ERR_ABSENT);
  refuses(scene, history, 0, 1, KT_ERR_ABSENT); /* nor another log in its place */
  stop(scene);
  start_without_guard(scene);
  signs(scene, history, 8, 9);
  refuses(scene, history, 7, 9, KT_ERR_CONFLICT); /* once it has signed, it is bound */
  stop(scene);
  start(scene);
  signs(scene, history, 9, 10);
  stop(scene);
  free(history);
}

static void read_guard(const struct scene *scene, char ret_data[static KT_GUARD_FILE_LEN])
{
  FILE *stream = fopen(file(scene, KT_NAME_HEAD_GUARD).s, "rb");
  assert_non_null(stream);
  assert_int_equal(fread(ret_data, 1, KT_GUARD_FILE_LEN, stream), KT_GUARD_FILE_LEN);
  assert_int_equal(fclose(stream), 0);
}

/* The signer was killed between the two copies of 9: the next one signs 9 when both say so, or a bit that flips in the
 * first would make it forget. */
static void s12_what_another_signer_left_is_settled(void **state)
{
  struct scene *scene = *state;
  struct history *history = history_new(ENTRIES);
  static char before[KT_GUARD_FILE_LEN];
  static char after[KT_GUARD_FILE_LEN];
  start_without_guard(scene);
  signs(scene, history, 0, 8);
  read_guard(scene, before);
  signs(scene, history, 8, 9);
  read_guard(scene, after);
  stop(scene);
  FILE *stream = fopen(file(scene, KT_NAME_HEAD_GUARD).s, "r+b");
  assert_non_null(stream);
  assert_int_equal(fseek(stream, KT_GUARD_DISTANCE, SEEK_SET), 0);
  assert_int_equal(fwrite(before + KT_GUARD_DISTANCE, 1, KT_GUARD_COPY_LEN, stream), KT_GUARD_COPY_LEN);
  assert_int_equal(fclose(stream), 0);
  start(scene);
  signs(scene, history, 9, 9);
  read_guard(scene, before);
  assert_memory_equal(before, after, sizeof after);
  stop(scene);
  free(history);
}

/* --- what is wrong with the folder -------------------------------------------------------------------------------- */

/* The first answer says it, and nothing is signed. */
static void fails_to_start(struct scene *scene, enum kt_err err, const char *words)
{
  struct history *history = history_new(ENTRIES);
  start(scene);
  struct kt_signer_response response = ask(scene, KT_SIGNER_GUARD, NULL);
  assert_int_equal(response.err, err);
  assert_non_null(strstr(response.error.text, words));
  refuses(scene, history, 0, 1, err);
  stop(scene);
  free(history);
}

static void bad_folders(void **state)
{
  struct scene *scene = *state;
  struct kt_error error;
  struct kt_secret *other = NULL;
  const struct kt_path key = file(scene, KT_NAME_SIGNING_KEY);
  assert_int_equal(kt_signer_check(scene->dir, &error), KT_OK);
  assert_int_equal(chmod(key.s, 0640), 0);
  fails_to_start(scene, KT_ERR_DENIED, "0640");
  assert_int_equal(kt_signer_check(scene->dir, &error), KT_ERR_DENIED);
  assert_int_equal(chmod(key.s, 0600), 0);
  const struct kt_path mark = file(scene, KT_NAME_READ_ONLY);
  assert_int_equal(symlink(KT_NAME_READ_ONLY, mark.s), 0); /* to itself: whether it is there cannot be told */
  fails_to_start(scene, KT_ERR_STORE, KT_NAME_READ_ONLY);
  assert_int_equal(unlink(mark.s), 0);
  assert_int_equal(kt_file_replace(file(scene, KT_NAME_HEAD_GUARD).s, "junk", 4, 0600, &error), KT_OK);
  fails_to_start(scene, KT_ERR_FORMAT, KT_NAME_HEAD_GUARD);
  assert_int_equal(unlink(file(scene, KT_NAME_HEAD_GUARD).s), 0);
  assert_int_equal(unlink(key.s), 0);
  fails_to_start(scene, KT_ERR_ABSENT, KT_NAME_SIGNING_KEY);
  assert_int_equal(kt_key_create(key.s, "signing", &other, &error), KT_OK);
  kt_secret_free(other);
  fails_to_start(scene, KT_ERR_CRYPTO, "does not belong");
}

/* Nothing that can be sent makes it sign or crash, and what it does not understand ends the connection. */
static void garbage_ends_the_connection(void **state)
{
  struct scene *scene = *state;
  uint8_t message[KT_SIGNER_MESSAGE_MAX] = { 0 };
  for (size_t len = 1; len < 200; len += 7) {
    for (unsigned first = 0; first < 4; first++) {
      size_t answer_len = 0;
      if (first == KT_SIGNER_GUARD && len == 1) {
        continue; /* a request */
      }
      start(scene);
      memset(message, (int)len, sizeof message);
      message[0] = (uint8_t)first;
      assert_true(kt_frame_send(scene->fd, message, len));
      assert_false(kt_frame_receive_length(scene->fd, &answer_len));
      stop(scene);
    }
  }
  start(scene);
  const uint8_t too_long[] = { 0xff, 0xff, 0xff, 0xff };
  size_t answer_len = 0;
  assert_int_equal(send(scene->fd, too_long, sizeof too_long, 0), sizeof too_long);
  assert_false(kt_frame_receive_length(scene->fd, &answer_len));
  stop(scene);
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

static void requests_survive_their_encoding(void **state)
{
  struct history *history = history_new(ENTRIES);
  struct kt_signer_request *request = calloc(1, sizeof *request);
  (void)state;
  assert_non_null(request);
  for (size_t from = 0; from <= ENTRIES; from++) {
    const struct kt_log_extension extension = { .size = from,
                                                .timestamp_ms = 77,
                                                .heads = history->heads[from],
                                                .added = history->entries + from,
                                                .n_added = ENTRIES - from };
    uint8_t message[KT_SIGNER_MESSAGE_MAX];
    size_t len = kt_signer_request_encode(KT_SIGNER_SIGN, &extension, message);
    assert_int_equal(kt_signer_request_decode((struct kt_bytes){ message, len }, request), KT_OK);
    assert_int_equal(request->type, KT_SIGNER_SIGN);
    assert_int_equal(request->extension.size, from);
    assert_int_equal(request->extension.timestamp_ms, 77);
    assert_int_equal(request->extension.n_added, ENTRIES - from);
    assert_memory_equal(request->heads, history->heads[from], (size_t)__builtin_popcountll(from) * KT_HASH_LEN);
    for (size_t i = from; i < ENTRIES; i++) {
      assert_int_equal(request->added[i - from].timestamp_ms, history->entries[i].timestamp_ms);
      assert_true(kt_hash_equal(&request->added[i - from].prefix_root, &history->entries[i].prefix_root));
    }
    for (size_t cut = 0; cut < len; cut++) {
      assert_int_equal(kt_signer_request_decode((struct kt_bytes){ message, cut }, request), KT_ERR_FORMAT);
    }
    message[len] = 0;
    assert_int_equal(kt_signer_request_decode((struct kt_bytes){ message, len + 1 }, request), KT_ERR_FORMAT);
  }
  free(request);
  free(history);
}

static void refusals_survive_their_encoding(void **state)
{
  static const enum kt_err errors[] = { KT_ERR_ABSENT, KT_ERR_CONFLICT, KT_ERR_UNDETERMINED, KT_ERR_STORE };
  uint8_t message[KT_SIGNER_MESSAGE_MAX];
  struct kt_signer_response decoded;
  (void)state;
  for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
    struct kt_signer_response response = { .err = errors[i] };
    (void)snprintf(response.error.text, sizeof response.error.text, "reason %zu", i);
    size_t len = kt_signer_response_encode(KT_SIGNER_SIGN, &response, message);
    assert_int_equal(kt_signer_response_decode(KT_SIGNER_SIGN, (struct kt_bytes){ message, len }, &decoded), KT_OK);
    assert_int_equal(decoded.err, errors[i]);
    assert_string_equal(decoded.error.text, response.error.text);
    message[0] = 0x7f;
    assert_int_equal(kt_signer_response_decode(KT_SIGNER_SIGN, (struct kt_bytes){ message, len }, &decoded),
                     KT_ERR_FORMAT);
  }
}

static void signatures_survive_their_encoding(void **state)
{
  uint8_t message[KT_SIGNER_MESSAGE_MAX];
  struct kt_signer_response decoded;
  struct kt_signer_response response = { .signature_len = 64 };
  (void)state;
  memset(response.signature, 7, 64);
  size_t len = kt_signer_response_encode(KT_SIGNER_SIGN, &response, message);
  for (size_t cut = 0; cut < len; cut++) {
    assert_int_equal(kt_signer_response_decode(KT_SIGNER_SIGN, (struct kt_bytes){ message, cut }, &decoded),
                     KT_ERR_FORMAT);
  }
  assert_int_equal(kt_signer_response_decode(KT_SIGNER_SIGN, (struct kt_bytes){ message, len }, &decoded), KT_OK);
  assert_int_equal(decoded.signature_len, 64);
  assert_memory_equal(decoded.signature, response.signature, 64);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(s12_the_signer_signs_a_log_that_grows, set_up, tear_down),
    cmocka_unit_test_setup_teardown(s12_the_signer_refuses_every_fork, set_up, tear_down),
    cmocka_unit_test_setup_teardown(s12_the_signer_does_not_go_back_in_time, set_up, tear_down),
    cmocka_unit_test_setup_teardown(s12_a_lost_guard_has_to_be_accepted, set_up, tear_down),
    cmocka_unit_test_setup_teardown(s12_what_another_signer_left_is_settled, set_up, tear_down),
    cmocka_unit_test_setup_teardown(bad_folders, set_up, tear_down),
    cmocka_unit_test_setup_teardown(garbage_ends_the_connection, set_up, tear_down),
    cmocka_unit_test(requests_survive_their_encoding),
    cmocka_unit_test(refusals_survive_their_encoding),
    cmocka_unit_test(signatures_survive_their_encoding),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
