"""Exports of models for use without digitwise: ONNX or Keras' own formats, each compared with the original."""
