/* Stands in for libcuda.so.1: the calls of the driver API that list devices. Masks are honoured. */
#include "host.h"

enum { INVALID_VALUE = 1, NO_DEVICE = 100, INVALID_DEVICE = 101 };
enum { INTEGRATED = 18, MAJOR = 75, MINOR = 76 };

static int visible[MOST], count;

int cuDriverGetVersion(int *version) {
  ANSWER(-1);
  *version = host.cuda;
  return 0;
}

int cuInit(unsigned flags) {
  (void)flags;
  ANSWER(-1);
  const char *mask = getenv("CUDA_VISIBLE_DEVICES");
  for (count = 0; !mask && count < host.gpus; count++) visible[count] = count;
  for (char *end; mask && *mask; mask = *end == ',' ? end + 1 : end) {
    long index = strtol(mask, &end, 10);
    if (end == mask || index < 0 || index >= host.gpus) break;
    visible[count++] = index;
  }
  return count ? 0 : NO_DEVICE;
}

int cuDeviceGetCount(int *number) {
  ANSWER(-1);
  *number = count;
  return 0;
}

int cuDeviceGet(int *device, int index) {
  ANSWER(index < count ? visible[index] : -1);
  *device = index;
  return index < count ? 0 : INVALID_DEVICE;
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
  ANSWER(visible[device]);
  struct gpu *gpu = &host.gpu[visible[device]];
  if (attribute == MAJOR) *value = gpu->major;
  else if (attribute == MINOR) *value = gpu->minor;
  else if (attribute == INTEGRATED) *value = !gpu->id;
  else return INVALID_VALUE;
  return 0;
}

int cuDeviceGetName(char *name, int length, int device) {
  ANSWER(visible[device]);
  snprintf(name, length, "%s", host.gpu[visible[device]].name);
  return 0;
}

int cuDeviceGetPCIBusId(char *address, int length, int device) {
  ANSWER(visible[device]);
  snprintf(address, length, "%s", host.gpu[visible[device]].address);
  return 0;
}

int cuDeviceTotalMem_v2(size_t *bytes, int device) {
  ANSWER(visible[device]);
  *bytes = host.gpu[visible[device]].memory;
  return 0;
}
