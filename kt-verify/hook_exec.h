/* SPDX-License-Identifier: Apache-2.0 */
/* Running one hook: a program with nothing on its command line but what the user put there. What happened goes through
 * the environment (KT_EVENT, KT_SUMMARY, KT_JSON_FILE) and a file, so that a label can never become a command. */
#ifndef KT_VERIFY_HOOK_EXEC_H
#define KT_VERIFY_HOOK_EXEC_H

#include <stdbool.h>
#include <stddef.h>

struct kt_hook_call {
  const char *path;    /* a program, called without arguments; NULL: command */
  const char *command; /* for sh -c, as the user gave it */
  const char *event;
  const char *summary; /* one clean line */
  const char *json_file;
};

#define KT_HOOK_ERROR_SIZE 128

/* Its standard output goes to standard error; it has a minute, or until the monitor is asked to end. False: ret_error
 * says why it counts as failed. */
bool kt_hook_exec(const struct kt_hook_call *call, char ret_error[static KT_HOOK_ERROR_SIZE]);

#endif
