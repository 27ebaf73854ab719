/* SPDX-License-Identifier: Apache-2.0 */
#include "report_set.h"

#include "report.h"

void kt_report_set(struct kt_output *out, const struct kt_set_judgement *judgement, bool endorsed)
{
  kt_output_set(out, "signed", json_boolean(judgement->has_set && judgement->set.is_signed));
  if (!judgement->has_set) {
    kt_output_data(out, "  not a list of devices\n");
    return;
  }
  if (judgement->set.is_signed) {
    kt_report_key(out, "account key", &judgement->set.account_key);
  }
  kt_output_set(out, "devices", json_array());
  for (size_t i = 0; i < judgement->set.n_devices; i++) {
    kt_report_device(out, &judgement->set.devices[i], endorsed, endorsed ? "endorsed" : "NOT ENDORSED");
  }
}
