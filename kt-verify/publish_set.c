/* SPDX-License-Identifier: Apache-2.0 */
#include "publish_set.h"

#include <stdlib.h>
#include <string.h>

#include "owner_report.h"

#define CANDIDATES_MAX ((size_t)3 * UINT8_MAX)

static bool same_id(const struct kt_device_id *a, const struct kt_device_id *b)
{
  return memcmp(a->b, b->b, KT_DEVICE_ID_LEN) == 0;
}

const struct kt_device *kt_publish_find(const struct kt_device *devices, size_t n, const struct kt_device_id *id)
{
  for (size_t i = 0; i < n; i++) {
    if (same_id(&devices[i].id, id)) {
      return &devices[i];
    }
  }
  return NULL;
}

static int compare_ids(const void *a, const void *b)
{
  return memcmp(((const struct kt_device *)a)->id.b, ((const struct kt_device *)b)->id.b, KT_DEVICE_ID_LEN);
}

/* Devices of the three values that `wanted` accepts, each id once, ascending; earlier values win. */
typedef enum kt_err (*device_wanted)(const struct kt_own_label *own, const struct kt_device *device, bool *ret_wanted);

static enum kt_err collect(struct kt_own_label *own, device_wanted wanted, struct kt_device **ret_devices,
                           size_t *ret_n)
{
  const struct kt_bytes values[] = { own->account.latest, own->account.own, own->account.foreign };
  struct kt_device *devices = kt_arena_alloc(&own->session->arena, CANDIDATES_MAX + 1, sizeof *devices);
  size_t n = 0;
  if (devices == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t v = 0; v < 3; v++) {
    struct kt_device_set set;
    size_t n_devices = kt_own_set(own->session, values[v], &set) ? set.n_devices : 0;
    for (size_t i = 0; i < n_devices; i++) {
      bool is_wanted = kt_publish_find(devices, n, &set.devices[i].id) == NULL;
      enum kt_err err = is_wanted ? wanted(own, &set.devices[i], &is_wanted) : KT_OK;
      if (err != KT_OK) {
        return err;
      }
      if (is_wanted) {
        devices[n++] = set.devices[i];
      }
    }
  }
  qsort(devices, n, sizeof *devices, compare_ids);
  *ret_devices = devices;
  *ret_n = n;
  return KT_OK;
}

static enum kt_err want_all(const struct kt_own_label *own, const struct kt_device *device, bool *ret_wanted)
{
  (void)own;
  (void)device;
  *ret_wanted = true;
  return KT_OK;
}

static enum kt_err want_approved(const struct kt_own_label *own, const struct kt_device *device, bool *ret_wanted)
{
  return kt_owner_knows_device(&own->known, device, ret_wanted);
}

enum kt_err kt_publish_candidates(struct kt_own_label *own, struct kt_device_set *ret_set)
{
  struct kt_device *devices;
  size_t n;
  enum kt_err err = collect(own, want_all, &devices, &n);
  if (err == KT_OK) {
    *ret_set = (struct kt_device_set){ .devices = devices, .n_devices = n };
  }
  return err;
}

/* --- what nobody decided about ---------------------------------------------------------------------------------------- */

bool kt_publish_is_ours(const struct kt_own_label *own)
{
  struct kt_device_set set;
  const struct kt_account_state *account = &own->account.account;
  struct kt_hash hash;
  if (!kt_own_is_established(own) || !kt_own_set(own->session, own->account.latest, &set) || !set.is_signed) {
    return false;
  }
  kt_device_set_value_hash(own->account.latest, &hash);
  return kt_account_key_equal(&set.account_key, &account->key) && kt_device_set_verify(&set) == KT_OK &&
         account->n_sets > 0 && set.seq == account->n_sets - 1 && memcmp(hash.b, account->latest.b, KT_HASH_LEN) == 0;
}

bool kt_publish_knows_recovery_key(const struct kt_own_label *own, const struct kt_account_key *key)
{
  struct kt_hash fingerprint;
  kt_account_key_fingerprint(key, &fingerprint);
  for (size_t i = 0; i < own->known.n_approved_keys; i++) {
    if (memcmp(own->known.approved_keys[i].b, fingerprint.b, KT_HASH_LEN) == 0) {
      return true;
    }
  }
  return false;
}

bool kt_publish_removes(const struct kt_publication *publication, const struct kt_device_id *id)
{
  for (size_t i = 0; i < publication->n_remove; i++) {
    if (same_id(&publication->remove[i], id)) {
      return true;
    }
  }
  return false;
}

bool kt_publish_leaves_out(const struct kt_publication *publication, const struct kt_device *device)
{
  bool knows = false;
  bool is_added = publication->add != NULL && same_id(&publication->add->id, &device->id);
  return !is_added && !kt_publish_removes(publication, &device->id) &&
         (kt_owner_knows_device(&publication->own->known, device, &knows) != KT_OK || !knows);
}

bool kt_publish_drops_recovery_key(const struct kt_publication *publication, const struct kt_account_key *key)
{
  const struct kt_account_key *removed = publication->remove_recovery;
  return !(removed != NULL && kt_account_key_equal(removed, key)) &&
         !kt_publish_knows_recovery_key(publication->own, key);
}

bool kt_publish_is_undecided(const struct kt_publication *publication)
{
  const struct kt_own_label *own = publication->own;
  const struct kt_account_state *account = &own->account.account;
  struct kt_device_set set;
  if (publication->endorser != NULL || !kt_own_is_established(own)) {
    return false;
  }
  size_t n_devices = kt_publish_is_ours(own) && kt_own_set(own->session, own->account.latest, &set) ? set.n_devices : 0;
  for (size_t i = 0; i < n_devices; i++) {
    if (kt_publish_leaves_out(publication, &set.devices[i])) {
      return true;
    }
  }
  for (size_t i = 0; i < account->n_recovery_keys; i++) {
    if (kt_publish_drops_recovery_key(publication, &account->recovery_keys[i])) {
      return true;
    }
  }
  return false;
}

/* --- the next set ------------------------------------------------------------------------------------------------------- */

/* What another client of ours took off stays off, even when nobody here decided about that yet: undoing it unasked would
 * lose a change. What anybody else took off comes back. */
static bool stays(const struct kt_publication *publication, const struct kt_device_set *latest,
                  const struct kt_device *device)
{
  bool is_added = publication->add != NULL && same_id(&device->id, &publication->add->id);
  return !is_added && (latest == NULL || kt_publish_find(latest->devices, latest->n_devices, &device->id) != NULL);
}

static enum kt_err list_devices(const struct kt_publication *publication, struct kt_device_set *set)
{
  const struct kt_own_label *own = publication->own;
  struct kt_device_set latest;
  struct kt_device *devices;
  size_t n;
  enum kt_err err = collect(publication->own, want_approved, &devices, &n);
  if (err != KT_OK) {
    return err;
  }
  bool is_ours = kt_publish_is_ours(own) && kt_own_set(own->session, own->account.latest, &latest);
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    devices[kept] = devices[i];
    kept += stays(publication, is_ours ? &latest : NULL, &devices[i]) ? 1 : 0;
  }
  if (publication->add != NULL) { /* the newer truth about its id */
    devices[kept++] = *publication->add;
    qsort(devices, kept, sizeof *devices, compare_ids);
  }
  set->devices = devices;
  set->n_devices = kept;
  return KT_OK;
}

/* Those listed now that the owner knows, in their order, and the new one. */
static enum kt_err list_recovery_keys(const struct kt_publication *publication, struct kt_device_set *set)
{
  const struct kt_own_label *own = publication->own;
  const struct kt_account_state *account = &own->account.account;
  const struct kt_account_key *removed = publication->remove_recovery;
  struct kt_account_key *keys = kt_arena_alloc(&own->session->arena, account->n_recovery_keys + 1, sizeof *keys);
  size_t n = 0;
  if (keys == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < account->n_recovery_keys; i++) {
    const struct kt_account_key *key = &account->recovery_keys[i];
    bool is_removed = removed != NULL && kt_account_key_equal(removed, key);
    if (!is_removed && kt_publish_knows_recovery_key(own, key)) {
      keys[n++] = *key;
    }
  }
  if (publication->add_recovery != NULL) {
    keys[n++] = *publication->add_recovery;
  }
  set->recovery_keys = keys;
  set->n_recovery_keys = n;
  return KT_OK;
}

/* Made anew for every attempt: an endorsement is good for one seq. */
static enum kt_err endorse(const struct kt_publication *publication, struct kt_device_set *set)
{
  struct kt_account_key successor;
  enum kt_err err = kt_account_key_from_seed(publication->secret->seed, &successor);
  if (err == KT_OK) {
    err = kt_endorsement_make(&set->log_id, set->label, set->seq, &publication->own->account.account.key, &successor,
                              publication->endorser->seed, &set->endorsement);
  }
  set->has_endorsement = err == KT_OK;
  return err;
}

enum kt_err kt_publish_make(struct kt_publication *publication)
{
  struct kt_own_label *own = publication->own;
  struct kt_device_set before;
  struct kt_device_set set = { .log_id = own->session->log_id,
                               .label = own->label,
                               .seq = own->account.account.n_sets,
                               .previous = own->account.account.latest };
  enum kt_err err = list_devices(publication, &set);
  if (err == KT_OK) {
    err = list_recovery_keys(publication, &set);
  }
  if (err == KT_OK && publication->endorser != NULL) {
    err = endorse(publication, &set);
  }
  if (kt_own_set(own->session, own->account.own, &before)) { /* what we once listed stays */
    set.extensions = before.extensions;
    set.n_extensions = before.n_extensions;
  }
  if (err == KT_OK) {
    err = kt_device_set_sign(&set, publication->secret->seed);
  }
  return err == KT_OK ? kt_device_set_encode(&set, &own->session->arena, &publication->value) : err;
}
