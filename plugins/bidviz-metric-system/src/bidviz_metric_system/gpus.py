"""What NVML says of the GPUs of this machine; without one nothing is imported and nothing is asked."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from typing import Any

#: Files that NVIDIA's driver makes: on Linux, under WSL, and on Windows. Looking for them costs a microsecond.
_DRIVER = (
    "/dev/nvidiactl",
    "/usr/lib/wsl/lib/libnvidia-ml.so.1",
    os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "nvml.dll"),
)
_MEBIBYTE = 2**20
#: More than a machine has of them.
_MOST = 64


@lru_cache(maxsize=1)
def devices() -> tuple[Any, ...]:
    """NVML's handles of the GPUs, in its order; none where there is no driver or it does not answer."""
    if not any(map(os.path.exists, _DRIVER)):
        return ()
    try:
        import pynvml
    except ImportError:  # installed without its dependencies
        return ()
    try:
        pynvml.nvmlInit()
        return tuple(
            pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(min(pynvml.nvmlDeviceGetCount(), _MOST))
        )
    except pynvml.NVMLError:
        return ()


def readings(handles: tuple[Any, ...]) -> dict[str, float]:
    """What each GPU says now: `0/load` in percent, `0/memory` in MiB, `0/temperature` in °C, `0/power` in watts.

    What a device does not tell is left out.
    """
    import pynvml

    asked: dict[str, Callable[[Any], float]] = {
        "load": lambda handle: pynvml.nvmlDeviceGetUtilizationRates(handle).gpu,
        "memory": lambda handle: pynvml.nvmlDeviceGetMemoryInfo(handle).used / _MEBIBYTE,
        "temperature": lambda handle: pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU),
        "power": lambda handle: pynvml.nvmlDeviceGetPowerUsage(handle) / 1000,  # it gives milliwatts
    }
    found = {}
    for index, handle in enumerate(handles):
        for name, ask in asked.items():
            try:
                found[f"{index}/{name}"] = float(ask(handle))
            except pynvml.NVMLError:
                continue
    return found
