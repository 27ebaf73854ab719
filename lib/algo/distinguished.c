/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Reasonable Monitoring Window, Maximum Lifetime, Walking Distinguished Heads. */
#include "algo/algo.h"

bool kt_is_wide(const struct kt_view *view, uint64_t left_ms, uint64_t right_ms)
{
  return right_ms - left_ms >= view->config->reasonable_monitoring_window;
}

bool kt_is_expired(const struct kt_view *view, uint64_t timestamp_ms)
{
  return view->config->has_maximum_lifetime && view->rightmost_ms - timestamp_ms >= view->config->maximum_lifetime;
}

enum kt_err kt_path_walk(struct kt_view *view, uint64_t pos, struct kt_path *ret_path)
{
  struct kt_path path = { 0 };
  path.n = kt_ibst_path(pos, view->size, path.nodes);
  uint64_t left = 0;
  uint64_t right = view->rightmost_ms;
  for (size_t i = 0; i < path.n && kt_is_wide(view, left, right); i++) {
    uint64_t ms;
    enum kt_err err = kt_view_timestamp(view, path.nodes[i], &ms);
    if (err != KT_OK) {
      return err;
    }
    path.n_distinguished++;
    if (pos < path.nodes[i]) {
      right = ms;
    } else {
      left = ms;
    }
  }
  path.distinguished = path.n_distinguished == path.n && kt_is_wide(view, left, right);
  *ret_path = path;
  return KT_OK;
}

enum kt_err kt_rightmost_distinguished(struct kt_view *view, bool *ret_exists, uint64_t *ret_pos)
{
  uint64_t frontier[KT_IBST_DEPTH_MAX];
  size_t n = kt_ibst_frontier(view->size, frontier);
  uint64_t left = 0;
  bool exists = false;
  uint64_t pos = 0;
  for (size_t i = 0; i < n && kt_is_wide(view, left, view->rightmost_ms); i++) {
    enum kt_err err = kt_view_timestamp(view, frontier[i], &left);
    if (err != KT_OK) {
      return err;
    }
    exists = true;
    pos = frontier[i];
  }
  *ret_exists = exists;
  *ret_pos = pos;
  return KT_OK;
}

struct walk {
  struct kt_view *view;
  const uint64_t *stop;
  uint64_t positions[KT_RECENT_MAX];
  size_t n;
};

/* The numbered steps are the draft's. Depth is bounded by the tree's (64). */
/* NOLINTNEXTLINE(misc-no-recursion) */
static enum kt_err walk_heads(struct walk *walk, uint64_t pos, uint64_t left, uint64_t right)
{
  struct kt_view *view = walk->view;
  if (!kt_is_wide(view, left, right)) { /* 1 */
    return KT_OK;
  }
  uint64_t ms;
  uint64_t child;
  enum kt_err err = kt_view_timestamp(view, pos, &ms);
  if (err == KT_OK && kt_ibst_right(pos, view->size, &child)) { /* 2 */
    err = walk_heads(walk, child, ms, right);
  }
  if (err != KT_OK || (walk->stop != NULL && pos <= *walk->stop)) { /* 3 */
    return err;
  }
  if (walk->n == KT_RECENT_MAX || kt_is_expired(view, ms)) { /* 4; expired ones are never recent (R60) */
    return KT_OK;
  }
  walk->positions[walk->n++] = pos;
  if (kt_ibst_left(pos, &child)) { /* 5 */
    err = walk_heads(walk, child, left, ms);
  }
  return err;
}

enum kt_err kt_walk_distinguished(struct kt_view *view, const uint64_t *stop,
                                  uint64_t ret_positions[static KT_RECENT_MAX], size_t *ret_n)
{
  struct walk walk = { .view = view, .stop = stop };
  enum kt_err err = walk_heads(&walk, kt_ibst_root(view->size), 0, view->rightmost_ms);
  for (size_t i = 0; err == KT_OK && i < walk.n; i++) {
    ret_positions[i] = walk.positions[i];
  }
  if (err == KT_OK) {
    *ret_n = walk.n;
  }
  return err;
}
