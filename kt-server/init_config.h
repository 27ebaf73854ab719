/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line asks of a new log's Configuration, or of a successor to it: suite, mode, windows, auditor.
 *
 * Texts are as given; NULL: not given. Every message names the option. */
#ifndef KT_SERVER_INIT_CONFIG_H
#define KT_SERVER_INIT_CONFIG_H

#include <kt/config.h>

#include "cli.h"

struct kt_init_options {
  const char *mode, *suite, *role, *upstream;
  const char *window, *max_ahead, *max_behind, *lifetime;
  const char *auditor_key, *auditor_lag, *auditor_start;
  const char *leaf_key;
};

/* A Configuration without the log's own keys, which borrows the third party's or the Service Operator's key from
 * here. */
struct kt_init_config {
  struct kt_config config;
  uint8_t auditor_key[KT_PUBLIC_KEY_MAX];
  uint8_t leaf_key[KT_PUBLIC_KEY_MAX];
};

/* "--mode third-party-management" with the operator's role: a folder without a log (role.h). */
bool kt_init_is_operator(const struct kt_init_options *options);

/* ret_init must stay where it is. KT_ERR_UNSUPPORTED, _USAGE, _FORMAT; errors of reading the key file. */
KT_MUST_USE enum kt_err kt_init_config_read(const struct kt_init_options *options, struct kt_init_config *ret_init,
                                            struct kt_error *error);
/* Only the auditor's three fields, of a Configuration in auditing mode; what was not given stays. */
KT_MUST_USE enum kt_err kt_init_auditor_read(const struct kt_init_options *options, struct kt_init_config *init,
                                             struct kt_error *error);

#endif
