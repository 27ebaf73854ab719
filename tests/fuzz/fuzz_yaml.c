/* SPDX-License-Identifier: Apache-2.0 */
/* kt-server.yaml, whatever an editor left in it: refused with a place in the file, or settings within their ranges. */
#include "fuzz.h"

#include <unistd.h>

#include "settings.h"

#define INPUT_MAX ((size_t)16 << 10) /* the loader's own cap is far above; long inputs only make runs slow */

/* A file without a name: nothing stays behind. */
static int input_file(void)
{
  char path[] = "/tmp/kt-fuzz-yaml-XXXXXX";
  int fd = mkstemp(path);
  FUZZ_CHECK(fd >= 0);
  FUZZ_CHECK(unlink(path) == 0);
  return fd;
}

/* ":LINE" or ":COLUMN"; what follows it. */
static const char *check_number(const char *text)
{
  char *end = NULL;
  FUZZ_CHECK(text[0] == ':' && strtoul(text + 1, &end, 10) > 0 && end > text + 1);
  return end;
}

static void check_refusal(enum kt_err err, const char *path, const struct kt_error *error)
{
  FUZZ_CHECK(err == KT_ERR_FORMAT && strncmp(error->text, path, strlen(path)) == 0);
  FUZZ_CHECK(strncmp(check_number(check_number(error->text + strlen(path))), ": ", 2) == 0);
}

static void check_settings(const struct kt_settings *settings)
{
  FUZZ_CHECK(memchr(settings->listen, '\0', sizeof settings->listen) != NULL);
  FUZZ_CHECK(memchr(settings->admin_listen, '\0', sizeof settings->admin_listen) != NULL);
  FUZZ_CHECK(memchr(settings->head_guard, '\0', sizeof settings->head_guard) != NULL);
  FUZZ_CHECK(settings->registration <= KT_REGISTRATION_CLOSED && settings->access_log <= KT_ACCESS_LOG_ALL);
  FUZZ_CHECK(settings->threads >= 1 && settings->threads <= 256);
  FUZZ_CHECK(settings->limits.body_bytes >= 1024 && settings->limits.queue >= 1 && settings->limits.connections >= 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static int fd = -1;
  static char path[32];
  struct kt_settings settings;
  struct kt_error error = { { 0 } };
  if (fd < 0) {
    fd = input_file();
    (void)snprintf(path, sizeof path, "/dev/fd/%d", fd);
  }
  if (size > INPUT_MAX) {
    return 0;
  }
  FUZZ_CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
  enum kt_err err = kt_settings_load(path, &settings, &error);
  if (err == KT_OK) {
    check_settings(&settings);
  } else {
    check_refusal(err, path, &error);
  }
  return 0;
}
