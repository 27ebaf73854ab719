/* SPDX-License-Identifier: Apache-2.0 */
/* A log run by somebody who lies. It holds the signing and the VRF key, so whatever it shows is signed as far as the log
 * can sign it; in third-party-auditing mode the auditor signs along, unless the attack says otherwise.
 *
 * A world is one process: a copy of the honest log as it was when the process forked, with one attack. The attack does
 * nothing before its first strike. All memory lives as long as the process. */
#ifndef KT_TESTS_EVIL_WORLD_H
#define KT_TESTS_EVIL_WORLD_H

#include <kt/arena.h>
#include <kt/device_set.h>

#include "support/toy_log.h"
#include "wire/auditor.h"
#include "wire/search.h"

#define EVIL_VICTIM "alice@example.org"  /* has versions that her client published */
#define EVIL_OTHER "mallory@example.org" /* a label of the operator's */

struct evil_world;

struct evil_attack {
  const char *name;
  const char *does; /* one sentence */
  /* At each strike, the first is number 1. NULL: an ordinary entry. */
  void (*strike)(struct evil_world *world, unsigned number);
  /* Before an answer to a request of these kinds; world->request may be replaced. */
  void (*before)(struct evil_world *world);
  /* Changes decoded answers to requests of these kinds (bits 1 << enum toy_kind), after the first strike. */
  unsigned kinds;
  void (*lie)(struct evil_world *world, struct kt_arena *arena, void *response);
  /* Changes the auditor's feed: the update of an entry. */
  void (*feed)(struct evil_world *world, struct kt_arena *arena, uint64_t pos, struct kt_auditor_update *update);
  int refuse;       /* status with which these kinds are refused instead */
  bool replays;     /* the answer to such a request from before the first strike is given again */
  bool is_unsigned; /* what the lie leads to is not signed anew: the attack is about the head itself */
  uint64_t back;    /* of a fork: so many entries are replaced */
  uint64_t then;    /* … and so many put in their place */
};

struct evil_world {
  struct toy_log log;
  const struct evil_attack *attack;
  unsigned strikes;
  struct kt_arena arena;
  uint64_t now_ms;             /* when the world began */
  enum toy_kind kind;          /* of the request that is being answered */
  struct kt_bytes request;     /* it */
  struct kt_optional_u64 last; /* what the client says it saw */
  struct kt_bytes replay;      /* an answer that an attack kept */
};

/* A log with a past of a day, all of it honest. */
void evil_world_init(struct evil_world *world, enum kt_mode mode);
/* So that the world may grow for hours of its own clock without leaving what clients accept as now. */
#define EVIL_STEP_MS ((uint64_t)10 * 60 * 1000)
#define EVIL_WINDOW_MS ((uint64_t)60 * 60 * 1000)
#define EVIL_SKEW_MS ((uint64_t)24 * 60 * 60 * 1000)
#define EVIL_LAG_MS ((uint64_t)2 * 60 * 60 * 1000)

/* --- entries: each later than the one before -------------------------------------------------------------------------- */

uint64_t evil_newest_ms(const struct evil_world *world);
void evil_append(struct evil_world *world, uint64_t n, uint64_t step_ms);
void evil_append_value(struct evil_world *world, const char *label, struct kt_bytes value);
/* The log as it was `back` entries ago; what is appended after it is different from what was there. */
void evil_cut(struct evil_world *world, uint64_t back);
/* Every head has to be signed again. */
void evil_forget_signatures(struct evil_world *world);

/* --- content -------------------------------------------------------------------------------------------------------------- */

/* A list of one device that the owner did not sign: nobody did, or the holder of another account key. */
struct kt_bytes evil_device_set(struct evil_world *world, const char *label, bool is_signed);
/* The leaf of a version that the log has. */
struct kt_prefix_leaf evil_leaf(const struct evil_world *world, const char *label, uint32_t version);
/* Take a version's leaf out of the trees of these entries. */
void evil_take_out(struct evil_world *world, const char *label, uint32_t version, uint64_t from, uint64_t to);
/* From here on the log does not know of a version that its trees have. */
void evil_deny(struct evil_world *world, const char *label, uint32_t version);
uint32_t evil_greatest(const struct evil_world *world, const char *label);

/* --- parts of decoded answers, to be changed ----------------------------------------------------------------------------- */

struct kt_full_tree_head *evil_head(void *response);
struct kt_combined_proof *evil_proof(const struct evil_world *world, void *response);
/* A copy of an array with room for one more element; zero bytes when it is NULL. */
void *evil_copy(struct kt_arena *arena, const void *array, size_t n, size_t size);

/* --- answers -------------------------------------------------------------------------------------------------------------- */

/* KT_OK, or as toy_answer: the request is refused. The bytes are in the world's arena. */
enum kt_err evil_answer(struct evil_world *world, enum toy_kind kind, struct kt_bytes request,
                        struct kt_bytes *ret_response);
void evil_audit_page(struct evil_world *world, uint64_t start, uint64_t limit, struct kt_writer *w);
/* The form of kt_verify_consistency. False: no such sizes. */
bool evil_consistency(struct evil_world *world, uint64_t old_size, uint64_t size, struct kt_writer *w);
/* Sign, with the log's key, what a client computes from the answer; nothing when it comes to no root. */
void evil_sign_again(struct evil_world *world, struct kt_bytes response);

#endif
