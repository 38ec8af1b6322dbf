"""The steps of the main job: plain functions of parameters and a context, found by name."""

from yivideo.steps import area, crop, finalize, keyframes, read, stitch

BUILT_IN = (
    keyframes.NAME,
    area.NAME,
    crop.NAME,
    stitch.NAME,
    read.NAME,
    finalize.NAME,
)
"""The chain that turns a video into its subtitles, in order."""
