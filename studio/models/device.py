"""Where models run: chosen once, without importing torch until a torch model is used."""

from __future__ import annotations

import os
from enum import StrEnum
from functools import cache
from pathlib import Path


class Device(StrEnum):
    """What the operator may ask for; AUTO takes the best that is there."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    DIRECTML = "dml"


_ONNX_PROVIDERS = {Device.CUDA: "CUDAExecutionProvider", Device.DIRECTML: "DmlExecutionProvider"}
CPU_PROVIDER = "CPUExecutionProvider"


@cache
def physical_cores() -> int:
    """Return how many real cores this process may use: hyper-threads slow dense arithmetic down."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(usable, _cores_of_linux() or usable))


def _cores_of_linux() -> int:
    """Count distinct (package, core) pairs; 0 where the kernel does not tell."""
    cores = set()
    for topology in Path("/sys/devices/system/cpu").glob("cpu[0-9]*/topology"):
        try:
            package = (topology / "physical_package_id").read_text().strip()
            cores.add((package, (topology / "core_id").read_text().strip()))
        except OSError:
            return 0
    return len(cores)


def onnx_providers(device: Device) -> list[str]:
    """Return the onnxruntime providers to try, best first; the CPU is always the last."""
    if device is Device.CPU:
        return [CPU_PROVIDER]
    import onnxruntime

    available = onnxruntime.get_available_providers()
    wanted = [device] if device is not Device.AUTO else list(_ONNX_PROVIDERS)
    return [_ONNX_PROVIDERS[choice] for choice in wanted if _ONNX_PROVIDERS[choice] in available] + [CPU_PROVIDER]


def torch_device(device: Device) -> str:
    """Return the device of torch networks; imports torch unless the CPU was asked for."""
    if device is Device.CPU:
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
