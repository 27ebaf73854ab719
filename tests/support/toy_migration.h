/* SPDX-License-Identifier: Apache-2.0 */
/* A migration statement between two logs with fixed keys, which lost an entry on the way. */
#ifndef KT_TESTS_TOY_MIGRATION_H
#define KT_TESTS_TOY_MIGRATION_H

#include "wire/migration.h"

struct toy_side {
  struct kt_config config;
  struct kt_sign_key key;
  uint8_t sign_public[KT_PUBLIC_KEY_MAX];
  uint8_t vrf_public[KT_PUBLIC_KEY_MAX];
  uint8_t encoded[KT_CONFIG_MAX];
  size_t len;
};

struct toy_migration { /* stays where it is */
  struct toy_side old_log;
  struct toy_side new_log;
  uint8_t head_signature[KT_SIGNATURE_MAX];
  struct kt_migration statement;
};

void toy_migration_init(struct toy_migration *migration, const struct kt_suite *suite);
/* The old log signs the head that the statement names now. */
void toy_migration_sign_head(struct toy_migration *migration);
/* Signs the statement; w is initialised here. */
void toy_migration_write(const struct toy_migration *migration, bool has_old_key, struct kt_writer *w);

#endif
