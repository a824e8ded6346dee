"""caption_node on a device whose memory is full: `python out_of_memory_node.py --ros-args ...`.

After the first image (the warm-up) every second glance fails with torch's error, and so does the
third image as a whole.
"""

from __future__ import annotations

import sys

import torch

from ser_ros.model.ser_model import SerModel
from ser_ros.node.caption_node import main

calls = {"encode": 0, "open_refine": 0}


def failing(name, fails):
    real = getattr(SerModel, name)

    def call(*args, **kwargs):
        calls[name] += 1
        if fails(calls[name]):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return real(*args, **kwargs)

    setattr(SerModel, name, call)


failing("open_refine", lambda call: call > 1)
failing("encode", lambda call: call == 4)

if __name__ == "__main__":
    sys.exit(main())
