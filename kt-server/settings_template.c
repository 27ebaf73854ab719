/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The defaults here are those of settings.c; a test loads this text and compares. %s is the registration policy. The
 * limits are apart, because C promises no literal of more than 4095 bytes. */
static const char template[] =
    "# kt-server.yaml: configuration of one transparency log.\n"
    "#\n"
    "# Every option is here with its default. Durations are a number and a unit (ms, s, m, h, d), sizes are bytes or\n"
    "# KiB, MiB, GiB. Paths are relative to this folder. After a change: kt-server check-config DIR, then restart, or\n"
    "# SIGHUP for the options marked [reload].\n"
    "#\n"
    "# Not here, because every signature of the log covers them and clients pin them: cipher suite, mode, keys, and "
    "the\n"
    "# windows (reasonable monitoring window, max-ahead, max-behind, maximum lifetime). `init` fixed them in "
    "config.bin.\n"
    "\n"
    "# Where clients connect: ADDRESS:PORT, [IPV6]:PORT, or unix:PATH (for a proxy that terminates TLS). Port 0 picks "
    "a\n"
    "# free one. `run --listen` overrides it.\n"
    "listen: 127.0.0.1:8080\n"
    "\n"
    "# PEM files: clients connect with https. Without them in the clear, for a proxy or a trial. SIGHUP reads the files\n"
    "# again. The key's file must be of mode 0600. (Options without a default.)\n"
    "#tls-certificate: tls.pem\n"
    "#tls-key: tls.key\n"
    "\n"
    "# Health and metrics (/livez, /readyz, /metrics), apart from the clients. Give a fixed port for your monitoring;\n"
    "# port 0 picks a free one, which is printed at the start; off disables it. Keep it on loopback.\n"
    "admin-listen: 127.0.0.1:0\n"
    "\n"
    "# Who may claim a label that never had a key: open, token (single use, from `kt-server token`), or closed (only "
    "the\n"
    "# operator, with import and update-label).\n"
    "registration: %s\n"
    "\n"
    "# Who may ask this log at all: open (everybody), or token (holders of an access token, from `kt-server\n"
    "# access-create`; /metrics wants one too then). What a token permits is decided before anything is looked up.\n"
    "access: open\n"
    "\n"
    "# The last signed head, so that a restored backup can never sign a fork. It must not be in the backup: a guard "
    "in\n"
    "# this folder does not survive a restore of the whole folder. Put it on another disk (and move the file there).\n"
    "head-guard: head-guard\n"
    "\n"
    "# Who signs heads: internal is a child process, the only one that reads signing.key; unix:PATH is a service that\n"
    "# runs `kt-server signer DIR2 --listen unix:PATH`, best as another user. DIR2 then holds signing.key, config.bin "
    "and "
    "the\n"
    "# head guard, and this folder needs neither key nor guard.\n"
    "signer: internal\n"
    "\n"
    "# A fresh log entry at least this often, even when nobody updates; 0 is half of max-behind.\n"
    "heartbeat: 0\n"
    "\n"
    "# Least time between two commits under load; an idle log commits at once. More entries make searches longer.\n"
    "cadence: 250ms\n"
    "\n"
    "# How long SIGTERM waits for requests that are under way.\n"
    "drain: 10s\n"
    "\n"
    "# Memory for what answers read most: the prefix tree, entries, pages of the database. 0: all is read each time.\n"
    "cache: 256MiB\n"
    "\n"
    "# Threads that answer requests.\n"
    "threads: 4\n"
    "\n"
    "# One line per request on stderr, without labels: off, errors, all. [reload]\n"
    "access-log: off\n";

static const char limits[] = "\n"
                             "limits:\n"
                             "  # Bytes of a request body. [reload]\n"
                             "  body: 1MiB\n"
                             "  # Bytes of one value (a device set); at most 64KiB.\n"
                             "  value: 64KiB\n"
                             "  # Bytes of a response; longer ones are refused, never cut.\n"
                             "  response: 16MiB\n"
                             "  # Values in one update; at most 255.\n"
                             "  values-per-update: 128\n"
                             "  # Updates that wait for the sequencer; more get 503.\n"
                             "  queue: 4096\n"
                             "  # Entries in one page of the audit feed.\n"
                             "  audit-page: 256\n"
                             "  # Open connections; more are not accepted.\n"
                             "  connections: 1000\n"
                             "  # Open connections from one address (one /64 of IPv6), but for those from 127.0.0.1, "
                             "::1 and a unix socket: there\n"
                             "  # a proxy is in front, which has to limit its clients itself. 0: no limit.\n"
                             "  connections-per-address: 100\n"
                             "  # A connection that is silent for this long is closed.\n"
                             "  timeout: 30s\n"
                             "  # From the connection to the end of the request's head; from there to the end of its "
                             "body; and how long a client\n"
                             "  # may take to read the answer. However slowly the bytes trickle.\n"
                             "  head-timeout: 10s\n"
                             "  body-timeout: 30s\n"
                             "  send-timeout: 2m\n"
                             "  # Memory for the bodies and answers of all requests under way; more get 503.\n"
                             "  memory: 256MiB\n"
                             "  # With less than this free where the database or its guard is, /readyz says so.\n"
                             "  disk: 64MiB\n"
                             "\n"
                             "# Requests per second from one address, ten seconds' worth of them at once; more get "
                             "429. Not from 127.0.0.1, ::1\n"
                             "# or a unix socket, as above. 0: no limit. [reload]\n"
                             "rates:\n"
                             "  # Everything but the two below.\n"
                             "  search: 100\n"
                             "  # Monitoring of one's contacts and of one's own label: never used up by searches.\n"
                             "  monitor: 100\n"
                             "  update: 20\n";

char *kt_settings_template(const char *registration, const char *more)
{
  static const char nothing[] = "";
  const char *last = more != NULL ? more : nothing;
  size_t size = sizeof template + sizeof limits + strlen(registration) + strlen(last);
  char *text = malloc(size);
  if (text != NULL) {
    int n = snprintf(text, size, template, registration);
    (void)snprintf(text + n, size - (size_t)n, "%s%s", limits, last);
  }
  return text;
}
