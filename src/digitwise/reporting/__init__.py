"""Images and pages from run folders; nothing here imports Keras."""
