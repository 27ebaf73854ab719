/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Auditor Tree Head Signature. */
#include <string.h>

#include "model.h"

unsigned model_auditor_faults(const struct model_run *run, const struct model_auditing *auditing,
                              uint64_t previous_size, const struct model_auditor_head *head)
{
  uint64_t rightmost = run->log->timestamps[run->size - 1];
  unsigned faults = 0;
  if (run->last > 0 && previous_size < auditing->start_pos) { /* 1 */
    faults |= MODEL_AUDITOR_START;
  }
  if (rightmost < head->timestamp) { /* 2 */
    faults |= MODEL_AUDITOR_LATER;
  } else if (rightmost - head->timestamp > auditing->max_lag) {
    faults |= MODEL_AUDITOR_LAG;
  }
  if (head->tree_size > run->size || head->tree_size == 0) { /* 3; a tree without leaves has no root */
    return faults | MODEL_AUDITOR_SIZE;
  }
  struct model_value root; /* 4 */
  model_root(run->log, head->tree_size, &root);
  if (memcmp(&root, &head->signed_root, sizeof root) != 0) {
    faults |= MODEL_AUDITOR_SIGNATURE;
  }
  return faults;
}
