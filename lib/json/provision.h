/* SPDX-License-Identifier: Apache-2.0 */
/* What the two readers of the operator's form share: that of a JSON object, and that of a line of an import. */
#ifndef KT_JSON_PROVISION_H
#define KT_JSON_PROVISION_H

#include "json/device_set.h"

#define KT_PROVISION_NAME_MAX UINT8_MAX

/* Take devices with names and keys for the provision's label: derive their ids, sort them. KT_ERR_CONFLICT: two are the
 * same. */
KT_MUST_USE enum kt_err kt_provision_finish(struct kt_json_provision *provision, struct kt_device *devices, size_t n);

#endif
