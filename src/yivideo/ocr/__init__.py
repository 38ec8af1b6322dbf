"""Text detection and recognition: model files, runtimes, readers."""
