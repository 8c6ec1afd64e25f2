"""AMD GPUs of a Windows host, which has no KFD: the registry's ids through the device table."""

from accelsel.model.profile import AmdDriver
from accelsel.probe.amd_table import tabled
from accelsel.probe.facts import GpuFact, PciDevice, VendorFacts


def from_registry(cards: tuple[PciDevice, ...]) -> VendorFacts:
    """The adapters' ids through the device table; usable with AMD's own driver."""
    gpus = tuple(
        tabled(
            GpuFact(
                vendor="amd",
                address=None,
                pci_id=card.pci_id,
                name=card.name,
                memory_bytes=card.memory_bytes,
                usable=card.driver is not None,
                note=None if card.driver else "no AMD display driver is installed",
            )
        )
        for card in cards
    )
    version = next((card.driver_version for card in cards if card.driver), None)
    driver = AmdDriver(version=version, rocm_version=None, source="registry") if version else None
    return VendorFacts(vendor="amd", gpus=gpus, driver=driver)
