/* SPDX-License-Identifier: Apache-2.0 */
/* update: proofs without the response around them. */
#include "owner.h"

#include "client/owner.h"
#include "world.h"

struct kt_owner_state conf_owner(struct conf_case *c, const json_t *object)
{
  size_t n;
  const uint64_t *positions = conf_u64s(c, object, "upcoming", &n);
  struct kt_version_at *upcoming = conf_alloc(c, n, sizeof *upcoming);
  struct kt_owner_state owner = { .start = conf_u64(c, object, "starting"),
                                  .has_version_at_start = conf_has(object, "version_at_starting"),
                                  .upcoming = upcoming,
                                  .n_upcoming = n };
  owner.version_at_start = owner.has_version_at_start ? conf_u32(c, object, "version_at_starting") : 0;
  uint32_t next = owner.has_version_at_start ? owner.version_at_start + 1 : 0;
  for (size_t i = 0; i < n; i++) {
    upcoming[i] = (struct kt_version_at){ .position = positions[i], .version = next++ };
  }
  return owner;
}

struct kt_label_update conf_label_update(const struct kt_owner_state *owner, uint64_t position, uint32_t n_new)
{
  struct kt_label_update update = {
    .position = position,
    .previous_pos = owner->n_upcoming > 0 ? owner->upcoming[owner->n_upcoming - 1].position : owner->start,
    .n_new = n_new,
  };
  update.has_previous = kt_owner_greatest(owner, &update.previous);
  return update;
}

struct update {
  struct conf_case *c;
  struct kt_config config;
  struct conf_world *world;
  uint64_t last; /* 0: none */
  struct kt_owner_state owner;
  struct kt_label_update what;
  struct kt_combined_proof proof;
};

static bool run(struct update *u, struct kt_view *view, struct kt_label_keys *keys)
{
  const struct kt_history history = kt_owner_history(&u->owner);
  bool distinguished = false;
  conf_err(u->c, kt_update_label(view, keys, &u->what, &history, &distinguished), KT_OK, "updating the label");
  return distinguished;
}

/* Versions up to some way over the greatest one: more than any ladder here looks up. */
static struct kt_label_keys blank_keys(const struct update *u)
{
  uint32_t n = u->what.previous + u->what.n_new + 1;
  uint32_t *versions = conf_alloc(u->c, 2 * n, sizeof *versions);
  for (uint32_t i = 0; i < 2 * n; i++) {
    versions[i] = i;
  }
  return conf_blank_keys(u->c, versions, 2 * n);
}

static void check_expectation(const struct update *u, bool distinguished, uint32_t greatest)
{
  struct conf_case *c = u->c;
  conf_same_u64(c, distinguished, conf_flag(c, c->expect, "distinguished"), "distinguished");
  const bool *naive =
      conf_naive_distinguished(c, u->world->timestamps, u->world->n, u->config.reasonable_monitoring_window);
  conf_same_u64(c, distinguished, naive[u->what.position], "distinguished, by the draft's recursion");
  /* "The label owner additionally inserts a new entry into their contact monitoring map" where it is not. */
  conf_same_u64(c, !distinguished, conf_has(c->expect, "contact"), "presence of a map entry");
  if (!distinguished) {
    const json_t *contact = conf_object(c, c->expect, "contact");
    conf_same_u64(c, u->what.position, conf_u64(c, contact, "position"), "position of the map entry");
    conf_same_u64(c, greatest, conf_u64(c, contact, "version"), "version of the map entry");
  }
}

static void read_proof(struct update *u)
{
  struct conf_case *c = u->c;
  const struct kt_bytes encoded = conf_hex(c, c->expect, "proof");
  conf_err(c, conf_read_combined(c, encoded, &u->proof), KT_OK, "decoding");
  struct kt_writer w = conf_writer(c);
  kt_combined_proof_write(&w, &u->proof);
  conf_same_bytes(c, conf_written(c, &w), encoded, "proof, decoded and encoded");
  conf_same_combined(c, c->expect, &u->proof);
}

void conf_update(struct conf_case *c)
{
  struct update u = { .c = c,
                      .config = conf_config(c, c->input),
                      .world = conf_world_read(c),
                      .last = conf_u64_or_zero(c, c->input, "last"),
                      .owner = conf_owner(c, conf_object(c, c->input, "owner")) };
  uint64_t position = conf_u64(c, c->input, "position");
  conf_same_u64(c, conf_u64(c, c->input, "tree_size"), u.world->n, "tree_size");
  conf_require(c, position > u.owner.start && position < u.world->n, "the position is outside the log");
  u.what = conf_label_update(&u.owner, position, conf_u32(c, c->input, "versions"));
  uint32_t greatest = (u.what.has_previous ? u.what.previous + 1 : 0) + u.what.n_new - 1;
  conf_same_u64(c, (uint64_t)greatest + 1, u.world->n_versions[position], "versions in the log described");
  read_proof(&u);

  struct kt_view view = conf_view(u.world, &u.config, u.last);
  struct kt_label_keys keys = blank_keys(&u);
  conf_err(c, kt_update_view(&view), KT_OK, "updating the view");
  check_expectation(&u, run(&u, &view, &keys), greatest);
  conf_same_trace(u.world, &view, &u.proof);

  struct kt_hash root;
  enum kt_err err;
  keys = conf_keys(c, c->input, "ladder");
  struct kt_replay *replay = conf_replay(u.world, &u.config, u.last, &u.proof, &err);
  conf_err(c, err, KT_OK, "updating the view");
  check_expectation(&u, run(&u, &replay->view, &keys), greatest);
  conf_err(c, conf_replay_end(u.world, replay, &root), KT_OK, "consuming the proof");
}
