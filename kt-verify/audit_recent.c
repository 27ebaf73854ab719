/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_recent.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"

struct kt_recent_leaf {
  struct kt_hash vrf_output;
  uint64_t pos;
};

void kt_audit_recent_init(struct kt_audit_recent *recent, uint64_t from)
{
  *recent = (struct kt_audit_recent){ .complete_from = from };
}

void kt_audit_recent_release(struct kt_audit_recent *recent)
{
  free(recent->leaves);
  recent->leaves = NULL;
}

static void forget(struct kt_audit_recent *recent, size_t n)
{
  if (n > 0) {
    memmove(recent->leaves, recent->leaves + n, (recent->n - n) * sizeof *recent->leaves);
    recent->n -= n;
  }
}

/* Published leaves are of no interest any more. Half the memory is given up at a time, so that this stays linear. */
static void make_room(struct kt_audit_recent *recent, size_t n_new, const uint64_t *published)
{
  size_t n = 0;
  while (published != NULL && n < recent->n && recent->leaves[n].pos <= *published) {
    n++;
  }
  if (n >= recent->n / 2) {
    forget(recent, n);
  }
  if (recent->n + n_new > KT_AUDIT_RECENT_MAX) {
    n = recent->n / 2;
    recent->complete_from = recent->leaves[n].pos + 1;
    forget(recent, n);
  }
}

enum kt_err kt_audit_recent_add(struct kt_audit_recent *recent, const struct kt_auditor_update *update, uint64_t pos,
                                const uint64_t *published)
{
  make_room(recent, update->n_added, published);
  if (recent->n + update->n_added > recent->cap) {
    size_t needed = recent->n + update->n_added;
    size_t cap = 2 * needed <= KT_AUDIT_RECENT_MAX || needed > KT_AUDIT_RECENT_MAX ? 2 * needed : KT_AUDIT_RECENT_MAX;
    struct kt_recent_leaf *leaves = realloc(recent->leaves, cap * sizeof *leaves);
    if (leaves == NULL) {
      return KT_ERR_MEMORY;
    }
    recent->leaves = leaves;
    recent->cap = cap;
  }
  for (size_t i = 0; i < update->n_added; i++) {
    recent->leaves[recent->n++] = (struct kt_recent_leaf){ .vrf_output = update->added[i].vrf_output, .pos = pos };
  }
  return KT_OK;
}

/* The newest addition counts: a leaf may have been replaced. */
static bool added_at(void *ctx, const struct kt_hash *vrf_output, uint64_t *ret_pos)
{
  const struct kt_audit_recent *recent = ctx;
  for (size_t i = recent->n; i-- > 0;) {
    if (kt_hash_equal(&recent->leaves[i].vrf_output, vrf_output)) {
      *ret_pos = recent->leaves[i].pos;
      return true;
    }
  }
  return false;
}

struct kt_audit_history kt_audit_recent_history(struct kt_audit_recent *recent)
{
  return (struct kt_audit_history){ .ctx = recent, .added_at = added_at };
}

bool kt_audit_recent_reaches(const struct kt_audit_recent *recent, uint64_t start, const uint64_t *published)
{
  uint64_t needed = published != NULL ? *published + 1 : 0;
  return recent->complete_from <= (needed > start ? needed : start);
}
