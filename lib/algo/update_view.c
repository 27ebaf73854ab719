/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Updating Views of the Tree / Algorithm. */
#include "algo/algo.h"

/* "Starting from this frontier log entry, compute the remainder of the frontier." */
static enum kt_err rest_of_frontier(struct kt_view *view, uint64_t pos)
{
  uint64_t ms;
  enum kt_err err = KT_OK;
  while (err == KT_OK && kt_ibst_right(pos, view->size, &pos)) {
    err = kt_view_timestamp(view, pos, &ms);
  }
  return err;
}

static enum kt_err first_view(struct kt_view *view)
{
  uint64_t root = kt_ibst_root(view->size);
  uint64_t ms;
  enum kt_err err = kt_view_timestamp(view, root, &ms);
  return err == KT_OK ? rest_of_frontier(view, root) : err;
}

/* "compute the direct path of the log entry with index size-1 … Provide the timestamp of each log entry in the direct
 * path whose index is greater than or equal to size. The last of these log entries will lie on the new tree's frontier,
 * unless there were no such log entries, in which case the log entry with index size-1 lies on the new tree's
 * frontier." */
static enum kt_err next_view(struct kt_view *view)
{
  uint64_t last = view->retained_size - 1;
  uint64_t path[KT_IBST_DEPTH_MAX];
  size_t n = kt_ibst_path(last, view->size, path);
  enum kt_err err = KT_OK;
  for (size_t i = n; err == KT_OK && i-- > 0;) {
    if (path[i] >= view->retained_size) {
      uint64_t ms;
      last = path[i];
      err = kt_view_timestamp(view, last, &ms);
    }
  }
  return err == KT_OK ? rest_of_frontier(view, last) : err;
}

enum kt_err kt_update_view(struct kt_view *view)
{
  enum kt_err err = KT_OK;
  if (view->retained_size == 0) {
    err = first_view(view);
  } else if (view->retained_size < view->size) {
    err = next_view(view);
  }
  if (err == KT_OK) {
    err = kt_view_timestamp(view, view->size - 1, &view->rightmost_ms);
  }
  return err;
}
