"""Finds what has moved since the last frame that it was shown.

The name of this file is that of the interface in which `Detector` is exported.
"""

import json
from typing import List, Optional

import wit_world.exports.detection
from wit_world.imports import frames
from wit_world.imports.types import Finding_Motion, Fit, Inference, InputSpec, Motion, PixelFormat, Rect, Size

WIDTH = 160
HEIGHT = 90


class Detector(wit_world.exports.detection.Detector):
    def __init__(self, config: str) -> None:
        values = json.loads(config)
        self.threshold = values.get("threshold", 25)
        self.pixels = values.get("pixels", 12)
        self.last: Optional[bytes] = None

    def input(self) -> InputSpec:
        """The host decodes, scales and converts: here, 160x90 grey pixels, five times a second."""
        return InputSpec(PixelFormat.GRAY8, Size(WIDTH, HEIGHT), Fit.STRETCH, (0, 0, 0), 5.0)

    def detect(self, frame: frames.Frame) -> List[Inference]:
        """To refuse a frame, `raise Err("why")`, with `Err` of `componentize_py_types`."""
        last, self.last = self.last, frame.pixels()
        box = None if last is None else self.changed(last, self.last)
        if box is None:
            return []
        return [Inference(Finding_Motion(Motion(box)), None, None, [], None, [])]

    def changed(self, last: bytes, now: bytes) -> Optional[Rect]:
        """The box around all pixels that have changed."""
        threshold = self.threshold
        moved = [n for n, (a, b) in enumerate(zip(last, now)) if a - b > threshold or b - a > threshold]
        if len(moved) < self.pixels:
            return None
        columns = [n % WIDTH for n in moved]
        left, right = min(columns), max(columns) + 1
        top, bottom = moved[0] // WIDTH, moved[-1] // WIDTH + 1
        return Rect(left / WIDTH, top / HEIGHT, (right - left) / WIDTH, (bottom - top) / HEIGHT)
