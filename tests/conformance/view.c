/* SPDX-License-Identifier: Apache-2.0 */
/* update-view, distinguished. */
#include "world.h"

#define STEP_MS 1000

static const uint64_t *evenly_spaced(struct conf_case *c, uint64_t size)
{
  uint64_t *timestamps = conf_alloc(c, size, sizeof *timestamps);
  for (uint64_t i = 0; i < size; i++) {
    timestamps[i] = i * STEP_MS;
  }
  return timestamps;
}

/* The draft's procedure: the direct path of the last entry seen, as far as it is new, then the remainder of the frontier
 * from there, or from the last entry seen when nothing on its path is new. */
static size_t naive_update(uint64_t size, uint64_t advertised, uint64_t ret_entries[static 2 * KT_IBST_DEPTH_MAX])
{
  uint64_t frontier[KT_IBST_DEPTH_MAX];
  size_t n_frontier = conf_naive_frontier(size, frontier);
  size_t n = 0;
  uint64_t last = frontier[0];
  if (advertised == size) {
    return 0;
  }
  if (advertised == 0) {
    ret_entries[n++] = last;
  } else {
    uint64_t path[KT_IBST_DEPTH_MAX];
    last = advertised - 1;
    for (size_t i = conf_naive_path(size, advertised - 1, path); i-- > 0;) {
      if (path[i] >= advertised) {
        last = path[i];
        ret_entries[n++] = last;
      }
    }
  }
  for (size_t i = 0; i < n_frontier; i++) {
    if (frontier[i] > last) {
      ret_entries[n++] = frontier[i];
    }
  }
  return n;
}

static void same_positions(struct conf_case *c, const uint64_t *got, size_t n, const uint64_t *wanted, size_t n_wanted,
                           const char *what)
{
  conf_same_u64(c, n, n_wanted, what);
  for (size_t i = 0; i < n; i++) {
    conf_same_u64(c, got[i], wanted[i], what);
  }
}

void conf_update_view(struct conf_case *c)
{
  uint64_t size = conf_u64(c, c->input, "size");
  uint64_t advertised = conf_u64_or_zero(c, c->input, "advertised");
  conf_require(c, size > 0 && size < (1 << 20) && advertised <= size, "sizes that make no log");
  const struct kt_config config = { .suite = c->suite };
  struct conf_world *world = conf_world(c, evenly_spaced(c, size), size);
  struct kt_view view = conf_view(world, &config, advertised);
  conf_err(c, kt_update_view(&view), KT_OK, "updating the view");
  conf_same_u64(c, view.rightmost_ms, (size - 1) * STEP_MS, "rightmost timestamp");

  uint64_t naive[2 * KT_IBST_DEPTH_MAX] = { 0 };
  size_t n_naive = naive_update(size, advertised, naive);
  same_positions(c, world->asked, world->n_asked, naive, n_naive, "entries, by the draft's procedure");
  size_t n;
  const uint64_t *entries = conf_u64s(c, c->expect, "entries", &n);
  if (conf_flag_or_false(c, c->expect, "right_edge_unchecked")) {
    /* The peer predates "in which case the log entry with index size-1 lies on the new tree's frontier. Starting from
     * this frontier log entry, compute the remainder of the frontier": it asks for nothing. */
    conf_same_u64(c, n, 0, "entries where the right edge is unchecked");
    conf_require(c, world->n_asked > 0, "the right edge is unchecked");
  } else {
    same_positions(c, world->asked, world->n_asked, entries, n, "entries");
  }
  if (conf_has(c->expect, "frontier")) {
    uint64_t frontier[KT_IBST_DEPTH_MAX];
    const uint64_t *wanted = conf_u64s(c, c->expect, "frontier", &n);
    same_positions(c, frontier, kt_ibst_frontier(size, frontier), wanted, n, "frontier");
  }
}

static bool is_among(uint64_t pos, const uint64_t *list, size_t n)
{
  size_t i = 0;
  while (i < n && list[i] != pos) {
    i++;
  }
  return i < n;
}

/* What was asked for is what the peer asked for, in some order; the timestamps of `known` and of the last entry apart. */
static void asked_as_requested(const struct conf_world *world, const char *key, uint64_t known)
{
  size_t n;
  uint64_t last = world->n - 1;
  const uint64_t *requested = conf_u64s(world->c, world->c->expect, key, &n);
  for (size_t i = 0; i < world->n_asked; i++) {
    if (world->asked[i] != last && !is_among(world->asked[i], requested, n)) {
      conf_fail(world->c, "entry %zu is consulted, but not among %s", (size_t)world->asked[i], key);
    }
  }
  for (size_t i = 0; i < n; i++) {
    bool apart = requested[i] == last || requested[i] == known;
    if (!apart && !is_among(requested[i], world->asked, world->n_asked)) {
      conf_fail(world->c, "entry %zu is not consulted, but among %s", (size_t)requested[i], key);
    }
  }
}

/* `requested` is the union of the two lists, ascending. */
static void check_union(struct conf_case *c)
{
  size_t n;
  size_t n_a;
  size_t n_b;
  size_t n_only_b = 0;
  const uint64_t *all = conf_u64s(c, c->expect, "requested", &n);
  const uint64_t *a = conf_u64s(c, c->expect, "requested_rightmost", &n_a);
  const uint64_t *b = conf_u64s(c, c->expect, "requested_previous", &n_b);
  for (size_t i = 0; i < n_b; i++) {
    n_only_b += is_among(b[i], a, n_a) ? 0 : 1;
  }
  conf_same_u64(c, n, n_a + n_only_b, "number of positions requested");
  for (size_t i = 0; i < n; i++) {
    conf_require(c, i == 0 || all[i - 1] < all[i], "requested is not ascending");
    conf_require(c, is_among(all[i], a, n_a) || is_among(all[i], b, n_b), "requested is not the union");
  }
}

static struct kt_view distinguished_view(struct conf_world *world, const struct kt_config *config)
{
  struct kt_view view = conf_view(world, config, 0);
  view.rightmost_ms = conf_rightmost_ms(world);
  world->n_asked = 0;
  return view;
}

static void same_optional(struct conf_case *c, const char *key, bool exists, uint64_t pos)
{
  conf_same_u64(c, exists, conf_has(c->expect, key), key);
  if (exists) {
    conf_same_u64(c, pos, conf_u64(c, c->expect, key), key);
  }
}

/* Rightmost distinguished entry left of the last one: on the path to the entry before the last, or that entry. */
static void check_previous(struct conf_world *world, const struct kt_config *config, const bool *distinguished)
{
  struct conf_case *c = world->c;
  bool exists = false;
  uint64_t pos = 0;
  for (size_t i = 0; i + 1 < world->n; i++) {
    exists = exists || distinguished[i];
    pos = distinguished[i] ? i : pos;
  }
  same_optional(c, "previous_rightmost", exists, pos);
  if (world->n < 2) {
    return;
  }
  struct kt_view view = distinguished_view(world, config);
  struct kt_path path;
  conf_err(c, kt_path_walk(&view, world->n - 2, &path), KT_OK, "path of the last entry but one");
  asked_as_requested(world, "requested_previous", world->n - 2);
  bool found = path.distinguished;
  uint64_t best = world->n - 2;
  for (size_t i = 0; !path.distinguished && i < path.n_distinguished; i++) {
    if (path.nodes[i] < world->n - 1) {
      best = path.nodes[i];
      found = true;
    }
  }
  conf_same_u64(c, found, exists, "a distinguished entry left of the last, from its path");
  conf_same_u64(c, found ? best : 0, pos, "rightmost distinguished entry left of the last, from its path");
}

void conf_distinguished(struct conf_case *c)
{
  size_t n;
  uint64_t size = conf_u64(c, c->input, "size");
  const uint64_t *timestamps = conf_u64s(c, c->input, "timestamps", &n);
  const struct kt_config config = { .suite = c->suite,
                                    .reasonable_monitoring_window = conf_u64(c, c->input, "window") };
  conf_same_u64(c, n, size, "number of timestamps");
  const bool *distinguished = conf_naive_distinguished(c, timestamps, n, config.reasonable_monitoring_window);
  struct conf_world *world = conf_world(c, timestamps, n);
  bool exists = false;
  uint64_t pos = 0;
  if (size > 0) {
    struct kt_view view = distinguished_view(world, &config);
    conf_err(c, kt_rightmost_distinguished(&view, &exists, &pos), KT_OK, "rightmost distinguished entry");
    asked_as_requested(world, "requested_rightmost", size - 1);
  }
  check_union(c);
  same_optional(c, "rightmost", exists, pos);
  bool any = false;
  for (size_t i = 0; i < n; i++) {
    any = any || distinguished[i];
    conf_require(c, !distinguished[i] || i <= pos, "an entry right of the rightmost is distinguished");
  }
  conf_require(c, any == exists && (!exists || distinguished[pos]), "the draft's recursion says otherwise");
  check_previous(world, &config, distinguished);
}
