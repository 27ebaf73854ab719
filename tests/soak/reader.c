/* SPDX-License-Identifier: Apache-2.0 */
#include "reader.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <kt/client.h>

#include "transport.h"

#define BROKEN_MAX 20 /* in a row: the server is gone */

static void count(struct soak_reader *reader, const struct kt_reply *reply)
{
  struct soak_counters *counters = reader->counters;
  counters->n_requests++;
  if (reply->kind == KT_REPLY_NETWORK) {
    counters->n_broken++;
  } else if (reply->kind == KT_REPLY_PROBLEM && reply->status >= 500) {
    counters->n_5xx++;
  } else if (reply->kind == KT_REPLY_PROBLEM) {
    counters->n_other++;
  }
  if (reply->kind == KT_REPLY_PROBLEM) {
    crash_truth_fail(reader->user.truth, "a question was answered %d %s %s", reply->status, reply->type, reply->error);
  }
}

/* With what the reader retained, so that answers are as long as a client's. */
static void search(struct soak_reader *reader, const struct crash_ack *ack, const uint32_t *version,
                   struct kt_reply *ret_reply)
{
  const struct kt_bytes label = { (const uint8_t *)ack->label, strlen(ack->label) };
  struct kt_writer request;
  kt_writer_init(&request, SIZE_MAX);
  kt_request_search(&request, &reader->user.log, label, version);
  kt_transport_post(reader->user.transport, "/v1/search", (struct kt_bytes){ request.buf, request.len }, NULL,
                    ret_reply);
  kt_writer_release(&request);
}

static void distinguished(struct soak_reader *reader, struct kt_reply *ret_reply)
{
  struct kt_writer request;
  kt_writer_init(&request, SIZE_MAX);
  kt_request_distinguished(&request, &reader->user.log, NULL);
  kt_transport_post(reader->user.transport, "/v1/distinguished", (struct kt_bytes){ request.buf, request.len }, NULL,
                    ret_reply);
  kt_writer_release(&request);
}

/* A page of the audit feed, somewhere in the log. */
static void audit(struct soak_reader *reader, struct kt_reply *ret_reply)
{
  char path[64];
  uint64_t size = reader->user.log.tree.size;
  uint64_t start = size > 0 ? crash_random_below(&reader->random, size) : 0;
  (void)snprintf(path, sizeof path, "/v1/audit?start=%llu&limit=8", (unsigned long long)start);
  kt_transport_get(reader->user.transport, path, ret_reply);
}

/* Of a hundred questions some 88 are for the newest version of a label, as people's are. */
static bool ask(struct soak_reader *reader, const struct crash_ack *ack)
{
  struct kt_reply reply = { .kind = KT_REPLY_NETWORK };
  uint64_t kind = crash_random_below(&reader->random, 100);
  if (kind < 2) {
    audit(reader, &reply);
  } else if (kind < 4) {
    distinguished(reader, &reply);
  } else if (kind < 6) {
    kt_transport_get(reader->user.transport, kind == 4 ? "/v1/tree-head" : "/v1/config", &reply);
  } else {
    search(reader, ack, kind < 12 ? &ack->version : NULL, &reply);
  }
  count(reader, &reply);
  bool answered = reply.kind != KT_REPLY_NETWORK;
  kt_reply_release(&reply);
  return answered;
}

static bool check(struct soak_reader *reader, const struct crash_ack *ack)
{
  struct soak_counters *counters = reader->counters;
  enum crash_answer answer = crash_user_check(&reader->user, ack);
  counters->n_requests++;
  counters->n_verified += answer == CRASH_OK ? 1 : 0;
  counters->n_5xx += answer == CRASH_BUSY ? 1 : 0;
  counters->n_broken += answer == CRASH_GONE ? 1 : 0;
  return answer != CRASH_GONE;
}

void *soak_reader_run(void *argument)
{
  struct soak_reader *reader = argument;
  const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
  unsigned n_broken = 0;
  while (reader->counters->n_requests < reader->counters->until && n_broken < BROKEN_MAX) {
    size_t n = crash_truth_count(reader->user.truth);
    if (n == 0) { /* the writers have just begun */
      (void)nanosleep(&pause, NULL);
      continue;
    }
    const struct crash_ack ack = crash_truth_ack(reader->user.truth, crash_random_below(&reader->random, n));
    bool verify = crash_random_below(&reader->random, SOAK_VERIFY_EVERY) == 0;
    n_broken = (verify ? check(reader, &ack) : ask(reader, &ack)) ? 0 : n_broken + 1;
  }
  return NULL;
}
