"""Labels that everything carries which is started in the container engine: by them it is found and removed."""
import os


def marks():
    pairs = [pair.split("=", 1) for pair in os.environ.get("EMULATOR_LABELS", "").split(",") if pair]
    return dict(pairs)
