/* SPDX-License-Identifier: Apache-2.0 */
/* The two folders of third-party management, and what has to pass between them (docs/formats.md,
 * Third-party management): the operator's leaf.pub goes to the Manager, the Manager's config.bin and
 * operator.token go to the operator. */
#ifndef KT_SERVER_ROLE_H
#define KT_SERVER_ROLE_H

#include "init_config.h"
#include "instance.h"

/* A Service Operator's folder: leaf.key, leaf.pub, settings, operator.db. registration: as in the settings. On failure
 * the files that were made stay, as long as the folder was empty before. */
KT_MUST_USE enum kt_err kt_role_init_operator(const char *dir, const struct kt_init_options *options,
                                              const char *registration, struct kt_error *error);
/* The files that either role adds to a folder. */
#define KT_ROLE_FILES 6
extern const char *const kt_role_files[KT_ROLE_FILES];
/* A new operator.token, in the Manager's folder. */
KT_MUST_USE enum kt_err kt_role_make_token(const char *dir, struct kt_error *error);

/* leaf.key, which has to be the Configuration's, and the token. */
KT_MUST_USE enum kt_err kt_role_load_operator(struct kt_instance *instance, struct kt_error *error);
KT_MUST_USE enum kt_err kt_role_load_token(struct kt_instance *instance, struct kt_error *error);

#endif
