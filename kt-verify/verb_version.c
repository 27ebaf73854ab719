/* SPDX-License-Identifier: Apache-2.0 */
/* version. */
#include "verbs.h"

enum kt_exit kt_verb_version(const struct kt_cli *cli, struct kt_output *out)
{
  (void)cli;
  kt_output_data(out, "kt-verify %s\n", KT_VERIFY_VERSION);
  kt_output_set(out, "version", json_string(KT_VERIFY_VERSION));
  return KT_EXIT_OK;
}
