"""Constants that scripts read off the SDK."""

from __future__ import annotations

from typing import Final

AZUREML_VERSION: Final = "1.61.0"
"""The version of azureml-core whose names and behaviour Milepost follows: what ``azureml.core.VERSION`` says."""

# Names of Azure's images.  Scripts put them into environments; Milepost pulls none of them.
DEFAULT_CPU_IMAGE: Final = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251130.v1"
DEFAULT_GPU_IMAGE: Final = "mcr.microsoft.com/azureml/openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04"
