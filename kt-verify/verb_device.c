/* SPDX-License-Identifier: Apache-2.0 */
/* device add, remove, list: the devices of one's own account. */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "owner_report.h"
#include "publish.h"
#include "verbs.h"

/* --- KEY arguments ------------------------------------------------------------------------------------------------------ */

static enum kt_exit read_key_file(struct kt_session *session, const char *path, struct kt_bytes *ret_key)
{
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "key", "cannot read %s: %s", path, strerror(errno));
  }
  uint8_t *bytes = kt_arena_alloc(&session->arena, 1, KT_DEVICE_KEY_MAX + 1);
  size_t len = bytes != NULL ? fread(bytes, 1, KT_DEVICE_KEY_MAX + 1, file) : 0;
  bool ok = ferror(file) == 0 && len > 0 && len <= KT_DEVICE_KEY_MAX;
  fclose(file);
  *ret_key = (struct kt_bytes){ bytes, len };
  return ok ? KT_EXIT_OK
            : kt_output_fail(session->out, KT_EXIT_USAGE, "key", "%s: a key has 1 to %zu bytes", path,
                             KT_DEVICE_KEY_MAX);
}

static bool decode_key(struct kt_session *session, const char *base64, struct kt_bytes *ret_key)
{
  size_t len = 0;
  size_t cap = KT_BASE64_DECODED_MAX(strlen(base64));
  uint8_t *bytes = kt_arena_alloc(&session->arena, 1, cap);
  bool ok = bytes != NULL && kt_base64_decode(base64, strlen(base64), cap, bytes, &len) == KT_OK;
  *ret_key = (struct kt_bytes){ bytes, len };
  return ok;
}

/* ALG:BASE64 or ALG:@FILE. */
static enum kt_exit parse_key(struct kt_session *session, const char *argument, struct kt_device_key *ret_key)
{
  struct kt_output *out = session->out;
  size_t len = strcspn(argument, ":");
  if (argument[len] != ':') {
    return kt_output_fail(out, KT_EXIT_USAGE, "key", "%s: a key is ALG:BASE64 or ALG:@FILE", argument);
  }
  if (kt_key_algorithm_from_name(argument, len, &ret_key->algorithm) != KT_OK) {
    return kt_output_fail(
        out, KT_EXIT_USAGE, "key-algorithm",
        "%.*s: unknown algorithm; it is ed25519, x25519, p256, mlkem768, mlkem1024, mldsa65, openpgp, ssh or raw",
        (int)len, argument);
  }
  const char *rest = argument + len + 1;
  if (rest[0] == '@') {
    enum kt_exit code = read_key_file(session, rest + 1, &ret_key->key);
    if (code != KT_EXIT_OK) {
      return code;
    }
  } else if (!decode_key(session, rest, &ret_key->key)) {
    return kt_output_fail(out, KT_EXIT_USAGE, "key", "%.*s: the key is not Base64", (int)len, argument);
  }
  if (!kt_key_algorithm_fits(ret_key->algorithm, ret_key->key)) {
    return kt_output_fail(out, KT_EXIT_USAGE, "key", "%.*s: %zu bytes are no key of this algorithm", (int)len, argument,
                          ret_key->key.len);
  }
  return KT_EXIT_OK;
}

static enum kt_exit parse_device(struct kt_session *session, struct kt_device *ret_device)
{
  const struct kt_cli *cli = session->cli;
  const char *name = cli->values[KT_OPT_NAME];
  if (name == NULL || cli->n_keys == 0) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "usage", "device add needs --name and at least one --key");
  }
  json_t *text = json_string(name); /* NULL: not UTF-8 */
  bool ok = text != NULL && strlen(name) <= UINT8_MAX;
  json_decref(text);
  if (!ok) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "name", "a name has at most 255 bytes of UTF-8");
  }
  struct kt_device_key *keys = kt_arena_alloc(&session->arena, cli->n_keys, sizeof *keys);
  if (keys == NULL) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "memory", "out of memory");
  }
  for (size_t i = 0; i < cli->n_keys; i++) {
    enum kt_exit code = parse_key(session, cli->keys[i], &keys[i]);
    if (code != KT_EXIT_OK) {
      return code;
    }
  }
  *ret_device =
      (struct kt_device){ .name = kt_text_bytes(name), .added_ms = kt_now_ms(), .keys = keys, .n_keys = cli->n_keys };
  randombytes_buf(ret_device->id.b, KT_DEVICE_ID_LEN);
  return KT_EXIT_OK;
}

/* A device with the same keys is the same device: it keeps its id, for example when an attempt was cut off. */
static void keep_id(struct kt_own_label *own, struct kt_device *device)
{
  struct kt_device_set known;
  struct kt_hash keys;
  struct kt_hash other;
  if (kt_publish_candidates(own, &known) != KT_OK || kt_device_keys_hash(device, &keys) != KT_OK) {
    return;
  }
  for (size_t i = 0; i < known.n_devices; i++) {
    if (kt_device_keys_hash(&known.devices[i], &other) == KT_OK && memcmp(keys.b, other.b, KT_HASH_LEN) == 0) {
      device->id = known.devices[i].id;
      device->added_ms = known.devices[i].added_ms;
    }
  }
}

/* --- verbs --------------------------------------------------------------------------------------------------------------- */

enum kt_exit kt_verb_device_add(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct kt_own_label own;
  struct kt_secret *secret = NULL;
  struct kt_device device;
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = kt_own_open_said(&own, &session, cli->args[0]);
  }
  if (code == KT_EXIT_OK) {
    code = parse_device(&session, &device);
  }
  if (code == KT_EXIT_OK) {
    code = kt_own_load_key(&own, &secret);
  }
  if (code == KT_EXIT_OK) {
    keep_id(&own, &device);
    struct kt_publication publication = { .own = &own,
                                          .secret = secret,
                                          .token = cli->values[KT_OPT_TOKEN],
                                          .add = &device,
                                          .settlement = KT_SETTLEMENT_REMOVED };
    code = kt_own_publish_and_report(&publication);
  }
  kt_secret_free(secret);
  kt_session_close(&session);
  return code;
}

static enum kt_exit find_removed(struct kt_own_label *own, const struct kt_cli *cli, struct kt_device_id *ret_ids)
{
  for (size_t i = 1; i < cli->n_args; i++) {
    const struct kt_device *device = NULL;
    enum kt_exit code = kt_own_find_device(own, cli->args[i], &device);
    if (code == KT_EXIT_ABSENT) {
      return kt_output_fail(own->session->out, KT_EXIT_USAGE, "device", "%s: %s has no such device", cli->args[i],
                            own->name);
    }
    if (code != KT_EXIT_OK) {
      return code;
    }
    ret_ids[i - 1] = device->id;
  }
  return KT_EXIT_OK;
}

static enum kt_exit remove_devices(struct kt_own_label *own, const struct kt_cli *cli, const struct kt_secret *secret)
{
  struct kt_device_id ids[KT_CLI_ARGS_MAX];
  enum kt_exit code = find_removed(own, cli, ids);
  if (code != KT_EXIT_OK) {
    return code;
  }
  struct kt_publication publication = {
    .own = own, .secret = secret, .remove = ids, .n_remove = cli->n_args - 1, .settlement = KT_SETTLEMENT_REMOVED
  };
  return kt_own_publish_and_report(&publication);
}

enum kt_exit kt_verb_device_remove(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct kt_own_label own;
  struct kt_secret *secret = NULL;
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = kt_own_open_said(&own, &session, cli->args[0]);
  }
  if (code == KT_EXIT_OK) {
    code = kt_own_load_key(&own, &secret);
  }
  if (code == KT_EXIT_OK) {
    code = remove_devices(&own, cli, secret);
  }
  kt_secret_free(secret);
  kt_session_close(&session);
  return code;
}

enum kt_exit kt_verb_device_list(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct kt_own_label own;
  enum kt_exit code = kt_session_open(&session, cli, out);
  out->verified = true;
  if (code == KT_EXIT_OK) {
    code = kt_own_open_said(&own, &session, cli->args[0]);
  }
  if (code == KT_EXIT_OK) {
    code = kt_own_refresh(&own);
  }
  if (code == KT_EXIT_OK) {
    kt_output_set(out, "label", kt_output_text(own.label));
    kt_output_status(out, kt_report_code(&session, own.label, code), "%s as the log shows it now", own.name);
    kt_own_report_devices(&own);
    code = kt_report_alerts(&session, own.label, code);
  }
  kt_session_close(&session);
  return code;
}
