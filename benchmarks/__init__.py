"""The public benchmark for burned-in subtitles: renderer, scorer, accuracy and cost."""
