"""One interface, `Captioner.describe`, over torch and ONNX Runtime; keyframe gate; batching of cameras."""
