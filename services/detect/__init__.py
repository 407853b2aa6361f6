"""Finds faces in frames and places landmarks on them."""

import os

# ONNX Runtime reports to its maker from the moment it is loaded, unless this is said before (decision 0079).
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
