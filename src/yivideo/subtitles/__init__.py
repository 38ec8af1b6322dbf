"""Subtitles: the model, the file formats, and how bands and events are found."""
