"""Models for use without digitwise: ONNX with everything inside, or Keras' own forms, each held against the model."""
