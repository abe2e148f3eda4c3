"""Speed and accuracy, outside the test suite: ours and the peers'."""
