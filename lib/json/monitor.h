/* SPDX-License-Identifier: Apache-2.0 */
/* JSON views of Contact Monitor, Owner Initialization and Owner Monitoring (draft: sections of those names under User
 * Operations). New references, or NULL without memory. */
#ifndef KT_JSON_MONITOR_H
#define KT_JSON_MONITOR_H

#include "json/builder.h"
#include "wire/monitor.h"

json_t *kt_json_contact_monitor_request(const struct kt_contact_monitor_request *request);
json_t *kt_json_owner_init_request(const struct kt_owner_init_request *request);
json_t *kt_json_owner_monitor_request(const struct kt_owner_monitor_request *request);

/* ContactMonitorResponse and OwnerMonitorResponse have one shape. */
json_t *kt_json_monitor_response(const struct kt_monitor_response *response);
json_t *kt_json_owner_init_response(const struct kt_config *config, const struct kt_owner_init_response *response);

#endif
