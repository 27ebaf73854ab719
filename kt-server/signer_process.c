/* SPDX-License-Identifier: Apache-2.0 */
/* What runs in the signing process: the key, the guard, and one peer. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/noun.h"
#include "config_file.h"
#include "folder.h"
#include "frame.h"
#include "guard_file.h"
#include "keys.h"
#include "names.h"
#include "settings.h"
#include "signer.h"
#include "tree/log_tree.h"
#include "wire/tree_head.h"

#define LOCK_TRIES 500 /* of 10 ms: a signer whose log was killed is about to end */

struct folder {
  uint8_t config_bytes[KT_CONFIG_MAX + 1];
  struct kt_config config; /* borrows from them */
  struct kt_sign_key *key;
  struct kt_path guard_path;
  struct kt_log_guard guard; /* size 0: there is none */
  bool guard_may_be_missing;
  int lock_fd;
  enum kt_err err; /* it cannot sign, or not any more: what is answered from now on */
  struct kt_error error;
};

/* --- the folder ------------------------------------------------------------------------------------------------------- */

/* A key that is not the Configuration's would make signatures that every client refuses. */
enum kt_err kt_signer_key_load(const char *path, const struct kt_config *config, struct kt_sign_key **ret_key,
                               struct kt_error *error)
{
  struct kt_secret *seed = NULL;
  uint8_t public_key[KT_PUBLIC_KEY_MAX];
  enum kt_err err = kt_key_load(path, "signing", &seed, error);
  if (err != KT_OK) {
    return err;
  }
  if (config->suite->sign_public(seed->seed, public_key) != KT_OK ||
      memcmp(public_key, config->signature_public_key.data, config->signature_public_key.len) != 0) {
    kt_secret_free(seed);
    return kt_error_set(error, KT_ERR_CRYPTO, "%s does not belong to this log's " KT_NAME_CONFIG, path);
  }
  err = kt_sign_key_new(config->suite, seed->seed, ret_key);
  kt_secret_free(seed);
  return err == KT_OK ? KT_OK : kt_error_set(error, err, "%s cannot be used: %s", path, kt_err_text(err));
}

static enum kt_err load_key(const char *dir, const struct kt_config *config, struct kt_sign_key **ret_key,
                            struct kt_error *error)
{
  struct kt_path path;
  enum kt_err err = kt_key_find(dir, KT_NAME_SIGNING_KEY, &path, error);
  return err == KT_OK ? kt_signer_key_load(path.s, config, ret_key, error) : err;
}

enum kt_err kt_signer_check(const char *dir, struct kt_error *error)
{
  uint8_t bytes[KT_CONFIG_MAX + 1];
  size_t len = 0;
  struct kt_config config;
  struct kt_sign_key *key = NULL;
  enum kt_err err = kt_config_file_load(dir, bytes, &len, &config, error);
  if (err == KT_OK) {
    err = load_key(dir, &config, &key, error);
  }
  kt_sign_key_free(key);
  return err;
}

/* Two signers with one guard could sign a fork between them. */
static enum kt_err lock(struct folder *folder, const char *dir)
{
  const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
  struct kt_path path;
  enum kt_err err = kt_path_join(dir, KT_NAME_SIGNER_LOCK, &path, &folder->error);
  if (err != KT_OK) {
    return err;
  }
  folder->lock_fd = open(path.s, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (folder->lock_fd < 0) {
    return kt_error_set(&folder->error, KT_ERR_STORE, "%s: %s", path.s, strerror(errno));
  }
  for (int i = 0; flock(folder->lock_fd, LOCK_EX | LOCK_NB) != 0; i++) {
    if (errno != EWOULDBLOCK || i == LOCK_TRIES) {
      return kt_error_set(&folder->error, KT_ERR_UNDETERMINED, "%s: another signer holds it", path.s);
    }
    (void)nanosleep(&pause, NULL);
  }
  return KT_OK;
}

/* Where the guard is: as kt-server.yaml says, which a signer with a folder of its own need not have. */
static enum kt_err find_guard(struct folder *folder, const char *dir)
{
  struct kt_path path;
  struct kt_settings settings;
  enum kt_err err = kt_path_join(dir, KT_NAME_SETTINGS, &path, &folder->error);
  if (err == KT_OK) {
    err = kt_settings_load(path.s, &settings, &folder->error);
  }
  if (err == KT_OK || err == KT_ERR_ABSENT) {
    const char *name = err == KT_OK ? settings.head_guard : KT_NAME_HEAD_GUARD;
    err = kt_path_join(dir, name, &folder->guard_path, &folder->error);
  }
  return err;
}

static enum kt_err load_guard(struct folder *folder)
{
  enum kt_err err = kt_guard_settle(folder->guard_path.s, &folder->guard, &folder->error);
  return err == KT_ERR_ABSENT ? KT_OK : err;
}

static void folder_open(struct folder *folder, const char *dir)
{
  size_t len = 0;
  folder->err = kt_folder_check_mark(dir, &folder->error);
  if (folder->err == KT_OK) {
    folder->err = kt_config_file_load(dir, folder->config_bytes, &len, &folder->config, &folder->error);
  }
  if (folder->err == KT_OK) {
    folder->err = load_key(dir, &folder->config, &folder->key, &folder->error);
  }
  if (folder->err == KT_OK) {
    folder->err = find_guard(folder, dir);
  }
  if (folder->err == KT_OK) {
    folder->err = lock(folder, dir);
  }
  if (folder->err == KT_OK) {
    folder->err = load_guard(folder);
  }
}

static void folder_close(struct folder *folder)
{
  kt_sign_key_free(folder->key);
  if (folder->lock_fd >= 0) {
    (void)close(folder->lock_fd);
  }
}

/* --- signing ---------------------------------------------------------------------------------------------------------- */

static enum kt_err no_guard(const struct folder *folder, struct kt_error *error)
{
  return kt_error_set(error, KT_ERR_ABSENT, "%s does not exist, so nothing shows what was signed last",
                      folder->guard_path.s);
}

/* What was signed last, or what is to be believed about it. */
static enum kt_err signed_last(const struct folder *folder, const struct kt_log_extension *extension,
                               struct kt_log_guard *ret_from, struct kt_error *error)
{
  if (folder->guard.size > 0) {
    *ret_from = folder->guard;
    return KT_OK;
  }
  if (!folder->guard_may_be_missing) {
    return no_guard(folder, error);
  }
  *ret_from = (struct kt_log_guard){ .size = extension->size, .timestamp_ms = extension->timestamp_ms };
  kt_log_root(extension->size, extension->heads, &ret_from->root);
  return KT_OK;
}

/* Durable before anything is signed. Of a write that failed nobody knows what the disk holds: that ends the signing. */
static enum kt_err save(struct folder *folder, const struct kt_log_guard *to, struct kt_error *error)
{
  if (to->size == folder->guard.size) {
    return KT_OK;
  }
  const struct kt_log_guard *before = folder->guard.size > 0 ? &folder->guard : NULL;
  enum kt_err err = kt_guard_save(folder->guard_path.s, before, to, error);
  if (err == KT_OK) {
    folder->guard = *to;
  } else if (err != KT_ERR_UNDETERMINED) {
    folder->err = err;
    folder->error = *error;
  }
  return err;
}

static enum kt_err sign(struct folder *folder, const struct kt_log_extension *extension,
                        struct kt_signer_response *response)
{
  const struct kt_config *config = &folder->config;
  struct kt_log_guard from = { 0 };
  struct kt_log_guard to;
  enum kt_err err = signed_last(folder, extension, &from, &response->error);
  if (err != KT_OK) {
    return err;
  }
  if (kt_log_extend(&from, extension, &to) != KT_OK) {
    return kt_error_set(&response->error, KT_ERR_CONFLICT,
                        "the signer refuses: this does not extend the head of %llu %s that it signed last",
                        (unsigned long long)from.size, kt_noun_entries(from.size));
  }
  err = save(folder, &to, &response->error);
  if (err != KT_OK) {
    return err;
  }
  response->signature_len = config->suite->signature_len;
  err = kt_tree_head_sign(config, folder->key, to.size, &to.root, response->signature);
  return err == KT_OK ? KT_OK : kt_error_set(&response->error, err, "signing failed: %s", kt_err_text(err));
}

static void answer(struct folder *folder, const struct kt_signer_request *request, struct kt_signer_response *response)
{
  *response = (struct kt_signer_response){ .err = folder->err, .error = folder->error };
  if (folder->err != KT_OK) {
    return;
  }
  if (request->type == KT_SIGNER_SIGN) {
    response->err = sign(folder, &request->extension, response);
  } else if (folder->guard.size == 0) {
    response->err = no_guard(folder, &response->error);
  } else {
    response->guard = folder->guard;
  }
}

/* --- the peer ----------------------------------------------------------------------------------------------------------- */

/* False: the peer is gone, or does not speak this. */
static bool exchange(int fd, struct folder *folder, struct kt_signer_request *request)
{
  uint8_t message[KT_SIGNER_MESSAGE_MAX];
  struct kt_signer_response response;
  size_t len = 0;
  if (!kt_frame_receive_length(fd, &len) || len > sizeof message || !kt_frame_receive(fd, message, len) ||
      kt_signer_request_decode((struct kt_bytes){ message, len }, request) != KT_OK) {
    return false;
  }
  answer(folder, request, &response);
  len = kt_signer_response_encode(request->type, &response, message);
  return kt_frame_send(fd, message, len);
}

void kt_signer_serve(int fd, const char *dir, bool guard_may_be_missing)
{
  struct folder *folder = calloc(1, sizeof *folder);
  struct kt_signer_request *request = calloc(1, sizeof *request);
  if (folder != NULL && request != NULL) {
    folder->lock_fd = -1;
    folder->guard_may_be_missing = guard_may_be_missing;
    folder_open(folder, dir);
    while (exchange(fd, folder, request)) {
    }
    folder_close(folder);
  }
  free(request);
  free(folder);
}
