/* A described host, read once from the file that STUB_HOST names. One statement a line:
 *   driver 580.65.06
 *   cuda 13000                                   (0: no libcuda, the v2 call answers 12)
 *   gpu id|cc|bus|memory|mig|slices|name         (0x248710de|8.6|0000:01:00.0|12884901888|0||NAME)
 *   fault CALL GPU EFFECT                        (GPU -1 for all; EFFECT crash, hang, slow or a code)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 64

struct gpu {
  unsigned id, major, minor, domain, bus, device, mig;
  unsigned long long memory;
  char address[32], slices[256], name[96];
};

struct fault {
  char call[64], effect[16];
  int gpu;
};

static struct {
  int read, cuda, gpus, faults;
  char driver[80];
  struct gpu gpu[MOST];
  struct fault fault[MOST];
} host;

static void read_host(void) {
  if (host.read) return;
  host.read = 1;
  const char *path = getenv("STUB_HOST");
  FILE *file = path ? fopen(path, "r") : NULL;
  char line[1024];
  while (file && fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = 0;
    if (!strncmp(line, "driver ", 7)) {
      snprintf(host.driver, sizeof host.driver, "%s", line + 7);
    } else if (!strncmp(line, "cuda ", 5)) {
      host.cuda = atoi(line + 5);
    } else if (!strncmp(line, "gpu ", 4)) {
      struct gpu *gpu = &host.gpu[host.gpus++];
      char *rest = line + 4, *field[7];
      for (int i = 0; i < 7; i++) field[i] = i < 6 ? strsep(&rest, "|") : rest;
      gpu->id = strtoul(field[0], NULL, 16);
      sscanf(field[1], "%u.%u", &gpu->major, &gpu->minor);
      sscanf(field[2], "%x:%x:%x", &gpu->domain, &gpu->bus, &gpu->device);
      snprintf(gpu->address, sizeof gpu->address, "%s", field[2]);
      gpu->memory = strtoull(field[3], NULL, 10);
      gpu->mig = atoi(field[4]);
      snprintf(gpu->slices, sizeof gpu->slices, "%s", field[5]);
      snprintf(gpu->name, sizeof gpu->name, "%s", field[6]);
    } else if (!strncmp(line, "fault ", 6)) {
      struct fault *fault = &host.fault[host.faults++];
      sscanf(line + 6, "%63s %d %15s", fault->call, &fault->gpu, fault->effect);
    }
  }
  if (file) fclose(file);
}

/* 0, or the code with which the call is to answer; does not return where it crashes or hangs. */
static int fault_of(const char *call, int gpu) {
  read_host();
  for (int i = 0; i < host.faults; i++) {
    struct fault *fault = &host.fault[i];
    if (strcmp(fault->call, call) || (fault->gpu >= 0 && gpu >= 0 && fault->gpu != gpu)) continue;
    if (!strcmp(fault->effect, "crash")) *(volatile int *)0 = 0;
    if (!strcmp(fault->effect, "hang"))
      for (;;) pause();
    if (!strcmp(fault->effect, "slow")) {
      sleep(2);
      continue;
    }
    return atoi(fault->effect);
  }
  return 0;
}

#define ANSWER(gpu)                        \
  do {                                     \
    int code = fault_of(__func__, gpu);    \
    if (code) return code;                 \
  } while (0)
