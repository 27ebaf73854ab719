/* SPDX-License-Identifier: Apache-2.0 */
/* A Third-Party Manager that cheats: adds a version of a label that its Service Operator never signed, to a stopped folder.
 *   kt-evil-manager DIR LABEL VALUE SIGNED_VERSION
 * Its log takes every signature for the operator's; everything else is the honest program's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance.h"
#include "wire/manager.h"

static enum kt_err believe(struct kt_bytes public_key, struct kt_bytes message, struct kt_bytes signature)
{
  (void)public_key;
  (void)message;
  (void)signature;
  return KT_OK;
}

static struct kt_bytes text(const char *words)
{
  return (struct kt_bytes){ (const uint8_t *)words, strlen(words) };
}

static enum kt_err insert(struct kt_instance *instance, const struct kt_manager_update_request *request)
{
  struct kt_log_reader *reader = NULL;
  struct kt_log_pending *pending = NULL;
  struct kt_log_outcome outcome = { .err = KT_ERR_CONFLICT };
  struct kt_log_problem problem = { .text = "" };
  enum kt_err err = kt_log_reader_new(instance->log, &reader, &problem);
  if (err == KT_OK) {
    err = kt_log_manager_prepare(reader, request, &pending, &problem);
    kt_log_reader_free(reader);
  }
  if (err == KT_OK && pending != NULL) {
    kt_log_insert(instance->log, &pending, 1, &outcome);
    err = outcome.err;
  }
  (void)fprintf(stderr, "%s %s\n", kt_err_text(err), problem.text);
  return err == KT_OK && outcome.inserted ? KT_OK : KT_ERR_CONFLICT;
}

static int run(struct kt_instance *instance, char **argv)
{
  static const uint8_t junk[KT_SIGNATURE_MAX];
  struct kt_error error;
  const struct kt_update_value value = { .value = text(argv[3]), .signature = { junk, sizeof junk } };
  uint32_t version = (uint32_t)strtoul(argv[4], NULL, 10);
  const struct kt_manager_update_request request = { .label = text(argv[2]),
                                                     .greatest_version = { version > 0, version - (version > 0) },
                                                     .values = &value,
                                                     .n_values = 1,
                                                     .signed_version = version };
  if (kt_instance_load(instance, argv[1], &error) != KT_OK) {
    (void)fprintf(stderr, "%s\n", error.text);
    return 2;
  }
  struct kt_suite suite = *instance->config.suite;
  suite.verify = believe;
  instance->config.suite = &suite;
  enum kt_err err = kt_instance_lock(instance, &error);
  if (err == KT_OK) {
    err = kt_instance_open_log(instance, false, &error);
  }
  int code = err == KT_OK && insert(instance, &request) == KT_OK ? 0 : 1;
  kt_instance_release(instance);
  return code;
}

int main(int argc, char **argv)
{
  /* Like kt-server, this program starts itself as the signer. */
  static const struct kt_verb signer = { "signer", "", "", kt_verb_signer };
  if (argc > 1 && strcmp(argv[1], signer.name) == 0) {
    return kt_crypto_init() == KT_OK ? kt_verb_signer(&signer, argc - 2, argv + 2) : 2;
  }
  struct kt_instance *instance = calloc(1, sizeof *instance);
  if (argc != 5 || instance == NULL || kt_crypto_init() != KT_OK) {
    (void)fprintf(stderr, "usage: kt-evil-manager DIR LABEL VALUE SIGNED_VERSION\n");
    return 2;
  }
  kt_instance_init(instance);
  int code = run(instance, argv);
  free(instance);
  return code;
}
