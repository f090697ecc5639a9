"""Says who this component is. What it does stands in `detection.py`."""

import json

from wit_world import exports
from wit_world.exports.about import Description

# What a topology may say in `config`. The host checks it before the detector is made.
SCHEMA = {
    "type": "object",
    "properties": {
        # A pixel has changed when its brightness differs by more than this.
        "threshold": {"type": "integer", "minimum": 1, "maximum": 255},
        # Fewer changed pixels than this are noise.
        "pixels": {"type": "integer", "minimum": 1},
    },
    "additionalProperties": False,
}


class About(exports.About):
    def describe(self) -> Description:
        return Description("my-extension", "0.1.0", "Finds what moves", json.dumps(SCHEMA))
