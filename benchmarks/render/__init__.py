"""Render videos with burned-in subtitles whose exact words and frames are known."""
