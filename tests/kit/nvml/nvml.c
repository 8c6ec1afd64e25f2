/* Stands in for libnvidia-ml.so.1: the calls that nvidia-ml-py makes for accelsel, by nvml.h's ABI. */
#include "host.h"

enum { NOT_SUPPORTED = 3, NOT_FOUND = 6, LIBRARY_NOT_FOUND = 12 };

/* A handle is the GPU's number plus one; a slice's also has its own number from bit 8 on. */
typedef struct handle *device_t;
typedef struct {
  char bus_id_legacy[16];
  unsigned domain, bus, device, pci_device_id, pci_subsystem_id;
  char bus_id[32];
} pci_t;
typedef struct {
  unsigned long long total, free, used;
} memory_t;

static int number(device_t device) { return (int)((unsigned long)device & 0xff) - 1; }
static int slice(device_t device) { return (int)((unsigned long)device >> 8) - 1; }
static struct gpu *of(device_t device) { return &host.gpu[number(device)]; }

int nvmlInitWithFlags(unsigned flags) {
  (void)flags;
  ANSWER(-1);
  return 0;
}

int nvmlSystemGetDriverVersion(char *version, unsigned length) {
  ANSWER(-1);
  snprintf(version, length, "%s", host.driver);
  return 0;
}

int nvmlSystemGetCudaDriverVersion(int *version) {
  ANSWER(-1);
  *version = host.cuda ? host.cuda : 12000;
  return 0;
}

int nvmlSystemGetCudaDriverVersion_v2(int *version) {
  ANSWER(-1);
  *version = host.cuda;
  return host.cuda ? 0 : LIBRARY_NOT_FOUND;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
  ANSWER(-1);
  *count = host.gpus;
  return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, device_t *device) {
  ANSWER((int)index);
  *device = (device_t)(unsigned long)(index + 1);
  return 0;
}

int nvmlDeviceGetCudaComputeCapability(device_t device, int *major, int *minor) {
  ANSWER(number(device));
  if (!of(device)->major) return NOT_SUPPORTED;
  *major = of(device)->major;
  *minor = of(device)->minor;
  return 0;
}

int nvmlDeviceGetPciInfo_v3(device_t device, pci_t *pci) {
  ANSWER(number(device));
  struct gpu *gpu = of(device);
  if (!gpu->id) return NOT_SUPPORTED;
  memset(pci, 0, sizeof *pci);
  pci->domain = gpu->domain;
  pci->bus = gpu->bus;
  pci->device = gpu->device;
  pci->pci_device_id = gpu->id;
  snprintf(pci->bus_id, sizeof pci->bus_id, "0000%s", gpu->address);
  snprintf(pci->bus_id_legacy, sizeof pci->bus_id_legacy, "%s", gpu->address);
  return 0;
}

int nvmlDeviceGetName(device_t device, char *name, unsigned length) {
  ANSWER(number(device));
  struct gpu *gpu = of(device);
  if (slice(device) < 0) {
    snprintf(name, length, "%s", gpu->name);
    return 0;
  }
  char slices[sizeof gpu->slices], *rest = slices, *kind = NULL;
  strcpy(slices, gpu->slices);
  for (int i = 0; i <= slice(device); i++) kind = strsep(&rest, ",");
  snprintf(name, length, "%s MIG %s", gpu->name, kind ? kind : "");
  return 0;
}

int nvmlDeviceGetMemoryInfo(device_t device, memory_t *memory) {
  ANSWER(number(device));
  if (!of(device)->memory) return NOT_SUPPORTED;
  memory->total = memory->free = of(device)->memory;
  memory->used = 0;
  return 0;
}

int nvmlDeviceGetMigMode(device_t device, unsigned *current, unsigned *pending) {
  ANSWER(number(device));
  if (!of(device)->mig) return NOT_SUPPORTED;
  *current = *pending = of(device)->mig == 1;
  return 0;
}

int nvmlDeviceGetMaxMigDeviceCount(device_t device, unsigned *count) {
  ANSWER(number(device));
  *count = 7;
  return 0;
}

int nvmlDeviceGetMigDeviceHandleByIndex(device_t device, unsigned index, device_t *mig) {
  ANSWER(number(device));
  unsigned have = of(device)->slices[0] != 0;
  for (char *c = of(device)->slices; *c; c++) have += *c == ',';
  if (index >= have) return NOT_FOUND;
  *mig = (device_t)(unsigned long)((index + 1) << 8 | (number(device) + 1));
  return 0;
}
