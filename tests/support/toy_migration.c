/* SPDX-License-Identifier: Apache-2.0 */
#include "toy_migration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "suite.h"
#include "wire/tree_head.h"

static void side_init(struct toy_side *side, const struct kt_suite *suite, uint8_t which)
{
  const uint8_t sign_seed[KT_SEED_LEN] = { which };
  const uint8_t vrf_seed[KT_SEED_LEN] = { (uint8_t)(which + 1) };
  assert_int_equal(suite->sign_public(sign_seed, side->sign_public), KT_OK);
  assert_int_equal(suite->vrf_public(vrf_seed, side->vrf_public), KT_OK);
  side->key = test_sign_key(suite, sign_seed);
  side->config = (struct kt_config){
    .suite = suite,
    .mode = KT_MODE_CONTACT_MONITORING,
    .signature_public_key = { side->sign_public, suite->sign_public_len },
    .vrf_public_key = { side->vrf_public, suite->vrf_public_len },
    .max_ahead = 1000,
    .max_behind = 60000,
    .reasonable_monitoring_window = 3600000,
  };
  side->len = kt_config_encode(&side->config, side->encoded);
  assert_true(side->len > 0);
}

void toy_migration_init(struct toy_migration *migration, const struct kt_suite *suite)
{
  assert_int_equal(kt_crypto_init(), KT_OK);
  side_init(&migration->old_log, suite, 1);
  side_init(&migration->new_log, suite, 11);
  migration->statement = (struct kt_migration){
    .old_config = { migration->old_log.encoded, migration->old_log.len },
    .size = 7,
    .timestamp_ms = 1700000000000,
    .root = { { 9 } },
    .head_signature = { migration->head_signature, suite->signature_len },
    .has_lost = true,
    .lost_size = 8,
    .lost_root = { { 10 } },
    .new_config = { migration->new_log.encoded, migration->new_log.len },
    .made_ms = 1700000001000,
  };
  toy_migration_sign_head(migration);
}

void toy_migration_sign_head(struct toy_migration *migration)
{
  assert_int_equal(kt_tree_head_sign(&migration->old_log.config, &migration->old_log.key, migration->statement.size,
                                     &migration->statement.root, migration->head_signature),
                   KT_OK);
}

void toy_migration_write(const struct toy_migration *migration, bool has_old_key, struct kt_writer *w)
{
  kt_writer_init(w, KT_MIGRATION_MAX);
  assert_int_equal(kt_migration_write(&migration->statement, &migration->old_log.config,
                                      has_old_key ? &migration->old_log.key : NULL, &migration->new_log.config,
                                      &migration->new_log.key, w),
                   KT_OK);
}
