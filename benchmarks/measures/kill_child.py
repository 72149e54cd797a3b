"""The process that ``kill`` kills: logs 0.0, 1.0, 2.0, ... and after each call tells how many it has logged."""

from __future__ import annotations

import os
import struct
from functools import partial

import adapters
import loops
from job import Job


def measure(job: Job) -> None:
    tool = adapters.load(job.tool)
    recording = tool.start(job.path, job.more["name"])
    job.tell(recording.id)
    told = partial(os.write, job.more["fd"])
    loops.log_told(tool, recording, told, struct.Struct("<Q").pack, job.more["pause_s"])
