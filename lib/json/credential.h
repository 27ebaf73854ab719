/* SPDX-License-Identifier: Apache-2.0 */
/* JSON views of Credential and CredentialUpdate (draft: Credentials). A new reference, or NULL without memory. */
#ifndef KT_JSON_CREDENTIAL_H
#define KT_JSON_CREDENTIAL_H

#include "json/builder.h"
#include "wire/credential.h"

json_t *kt_json_credential(const struct kt_config *config, const struct kt_credential *credential);
json_t *kt_json_credential_update(const struct kt_combined_proof *monitor);

#endif
