/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds a fuzz target the files of a folder, without libFuzzer: replay FOLDER. Each input is its own allocation of
 * exactly its length, so that a sanitizer sees a read behind it. */
#include "fuzz.h"

#include <dirent.h>

#define PATH_SIZE 4096

static void replay_file(const char *path)
{
  FILE *file = fopen(path, "rb");
  FUZZ_CHECK(file != NULL);
  FUZZ_CHECK(fseek(file, 0, SEEK_END) == 0);
  long len = ftell(file);
  FUZZ_CHECK(len >= 0);
  rewind(file);
  uint8_t *input = malloc((size_t)len);
  FUZZ_CHECK(len == 0 || input != NULL);
  FUZZ_CHECK(fread(input, 1, (size_t)len, file) == (size_t)len);
  (void)fclose(file);
  (void)LLVMFuzzerTestOneInput(input, (size_t)len);
  free(input);
}

int main(int argc, char **argv)
{
  if (argc != 2) {
    (void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  DIR *folder = opendir(argv[1]);
  FUZZ_CHECK(folder != NULL);
  size_t n = 0;
  for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    char path[PATH_SIZE];
    if (entry->d_name[0] != '.') {
      FUZZ_CHECK(snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name) < PATH_SIZE);
      (void)printf("%s\n", entry->d_name); /* the last one printed is the one that crashed */
      (void)fflush(stdout);
      replay_file(path);
      n++;
    }
  }
  (void)closedir(folder);
  FUZZ_CHECK(n > 0);
  return 0;
}
