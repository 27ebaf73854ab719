/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#define CHAIN_MAX 8
#define PEM_MAX ((size_t)64 << 10)
#define KEY_ID_MAX 64

/* One pair of files as they were at one time. Connections may use an old one for as long as they live. */
struct generation {
  struct generation *older;
  gnutls_pcert_st chain[CHAIN_MAX];
  unsigned n;
  gnutls_privkey_t key;
};

struct kt_tls {
  struct kt_path certificate;
  struct kt_path key;
  _Atomic(struct generation *) current;
};

static enum kt_err refuse(const char *path, int code, struct kt_error *error)
{
  return kt_error_set(error, KT_ERR_FORMAT, "%s: %s", path, gnutls_strerror(code));
}

static enum kt_err load_chain(const struct kt_tls *tls, struct generation *generation, struct kt_error *error)
{
  size_t len = 0;
  char *text = malloc(PEM_MAX + 1);
  if (text == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  enum kt_err err = kt_file_read(tls->certificate.s, PEM_MAX, text, &len, error);
  if (err == KT_OK) {
    const gnutls_datum_t pem = { (unsigned char *)text, (unsigned)len };
    unsigned n = CHAIN_MAX;
    int code = gnutls_pcert_list_import_x509_raw(generation->chain, &n, &pem, GNUTLS_X509_FMT_PEM, 0);
    generation->n = code == GNUTLS_E_SUCCESS ? n : 0;
    err = code == GNUTLS_E_SUCCESS ? KT_OK : refuse(tls->certificate.s, code, error);
  }
  free(text);
  return err;
}

static enum kt_err load_key(const struct kt_tls *tls, struct generation *generation, struct kt_error *error)
{
  char text[4096];
  size_t len = 0;
  enum kt_err err = kt_file_read(tls->key.s, sizeof text - 1, text, &len, error);
  if (err == KT_OK) {
    const gnutls_datum_t pem = { (unsigned char *)text, (unsigned)len };
    int code = gnutls_privkey_init(&generation->key);
    if (code == GNUTLS_E_SUCCESS) {
      code = gnutls_privkey_import_x509_raw(generation->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    }
    err = code == GNUTLS_E_SUCCESS ? KT_OK : refuse(tls->key.s, code, error);
  }
  sodium_memzero(text, sizeof text);
  return err;
}

/* gnutls compares a pair for some kinds of key only, and a server with a wrong one has no handshake. */
static enum kt_err check_pair(const struct kt_tls *tls, const struct generation *generation, struct kt_error *error)
{
  unsigned char of_key[KEY_ID_MAX];
  unsigned char of_certificate[KEY_ID_MAX];
  size_t len = sizeof of_key;
  size_t certificate_len = sizeof of_certificate;
  gnutls_pubkey_t public_key = NULL;
  int code = gnutls_pubkey_init(&public_key);
  if (code == GNUTLS_E_SUCCESS) {
    code = gnutls_pubkey_import_privkey(public_key, generation->key, 0, 0);
  }
  if (code == GNUTLS_E_SUCCESS) {
    code = gnutls_pubkey_get_key_id(public_key, GNUTLS_KEYID_USE_SHA256, of_key, &len);
  }
  gnutls_pubkey_deinit(public_key);
  if (code == GNUTLS_E_SUCCESS) {
    code = gnutls_pubkey_get_key_id(generation->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, of_certificate,
                                    &certificate_len);
  }
  if (code != GNUTLS_E_SUCCESS) {
    return refuse(tls->key.s, code, error);
  }
  if (len != certificate_len || memcmp(of_key, of_certificate, len) != 0) {
    return kt_error_set(error, KT_ERR_FORMAT, "%s is not the key of the first certificate in %s", tls->key.s,
                        tls->certificate.s);
  }
  return KT_OK;
}

static void generation_free(struct generation *generation)
{
  for (unsigned i = 0; i < generation->n; i++) {
    gnutls_pcert_deinit(&generation->chain[i]);
  }
  if (generation->key != NULL) {
    gnutls_privkey_deinit(generation->key);
  }
  free(generation);
}

enum kt_err kt_tls_reload(struct kt_tls *tls, struct kt_error *error)
{
  enum kt_err err = kt_file_check_private(tls->key.s, error);
  if (err != KT_OK) {
    return err;
  }
  struct generation *generation = calloc(1, sizeof *generation);
  if (generation == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  err = load_chain(tls, generation, error);
  if (err == KT_OK) {
    err = load_key(tls, generation, error);
  }
  if (err == KT_OK) {
    err = check_pair(tls, generation, error);
  }
  if (err != KT_OK) {
    generation_free(generation);
    return err;
  }
  generation->older = atomic_load(&tls->current);
  atomic_store(&tls->current, generation);
  return KT_OK;
}

enum kt_err kt_tls_new(const char *dir, const char *certificate, const char *key, struct kt_tls **ret_tls,
                       struct kt_error *error)
{
  struct kt_tls *tls = calloc(1, sizeof *tls);
  if (tls == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  enum kt_err err = kt_path_join(dir, certificate, &tls->certificate, error);
  if (err == KT_OK) {
    err = kt_path_join(dir, key, &tls->key, error);
  }
  if (err == KT_OK) {
    err = kt_tls_reload(tls, error);
  }
  if (err != KT_OK) {
    kt_tls_free(tls);
    return err;
  }
  *ret_tls = tls;
  return KT_OK;
}

void kt_tls_free(struct kt_tls *tls)
{
  if (tls == NULL) {
    return;
  }
  struct generation *generation = atomic_load(&tls->current);
  while (generation != NULL) {
    struct generation *older = generation->older;
    generation_free(generation);
    generation = older;
  }
  free(tls);
}

void kt_tls_current(struct kt_tls *tls, gnutls_pcert_st **ret_chain, unsigned *ret_len, gnutls_privkey_t *ret_key)
{
  struct generation *generation = atomic_load(&tls->current);
  *ret_chain = generation->chain;
  *ret_len = generation->n;
  *ret_key = generation->key;
}
