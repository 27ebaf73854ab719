/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a log's folder. */
#ifndef KT_SERVER_NAMES_H
#define KT_SERVER_NAMES_H

#define KT_NAME_SETTINGS "kt-server.yaml"
#define KT_NAME_CONFIG "config.bin"
#define KT_NAME_SIGNING_KEY "signing.key"
#define KT_NAME_VRF_KEY "vrf.key"
#define KT_NAME_DATABASE "log.db"
#define KT_NAME_HEAD_GUARD "head-guard" /* unless the settings say otherwise */
#define KT_NAME_READ_ONLY "read-only"   /* made by restore: this folder must not sign; the text says why */
#define KT_NAME_LOCK "lock"
#define KT_NAME_SIGNER_LOCK "signer.lock"
#define KT_NAME_ADMIN "admin.sock"
/* Third-party management. */
#define KT_NAME_LEAF_KEY "leaf.key"
#define KT_NAME_LEAF_PUBLIC "leaf.pub"
#define KT_NAME_OPERATOR_TOKEN "operator.token"
#define KT_NAME_OPERATOR_DATABASE "operator.db"

#endif
