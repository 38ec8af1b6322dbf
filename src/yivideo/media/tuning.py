"""How each codec decodes most cheaply."""

from yivideo.media.source import Source

# Deblocking of B pictures costs 10-15 % and its lack is not seen (see `for_reading`).
_NO_B_DEBLOCKING = {"skip_loop_filter": "bidir"}
# H.264 spends 20 % on deblocking; letters are as sharp without it, flat grounds are not.
_HARDLY_ANY_DEBLOCKING = {"skip_loop_filter": "nokey"}
# Synthetic film grain is work to add, and noise over the text.
_NO_GRAIN = {"export_side_data": "film_grain"}


def for_reading(source: Source, *, alone: bool = True) -> None:
    """Choose what reads a whole film in the fewest CPU seconds, if it takes no longer.

    Where a decoder is not ``alone``, others read other parts of the film, and it has one thread.

    Measured on 2 cores, CPU / wall seconds against PyAV's default (SLICE threads):

    - H.264, 4000 x 720p: default 7.1, without deblocking B pictures 6.2, this 5.6 CPU. What was
      read from the benchmark's clips stayed the same.
    - HEVC, 1000 x 720p: default 1.95 / 1.31, NONE 1.19 / 1.19, this 1.24 / 0.80. The same with
      10 bits, 500 x 720p: default 1.66 / 1.11, NONE 1.18 / 1.18, this 1.44 / 0.90; at least 55 dB.
    - AV1, 500 x 720p: one thread 0.52 / 0.52, dav1d's own threads 0.69 / 0.43: left to them.
    - VP9, MPEG-2, MPEG-4: within 5 % of each other whatever is chosen.
    """
    context = source.stream.codec_context
    if not alone:
        context.thread_type = "NONE"
        context.thread_count = 1
    if context.name == "h264":
        context.options = _HARDLY_ANY_DEBLOCKING
    elif context.name == "hevc":
        if alone and source.stamps == "pts":
            # Frame threads hold back more pictures than decoding times allow for.
            context.thread_type = "FRAME"
        context.options = _NO_B_DEBLOCKING
    elif context.name == "libdav1d":
        context.options = _NO_GRAIN


def for_sampling(source: Source) -> None:
    """Choose what decodes single frames with the least work thrown away by the next seek."""
    context = source.stream.codec_context
    if context.name in {"h264", "hevc"}:
        context.options = _NO_B_DEBLOCKING
    elif context.name == "libdav1d":
        # Threads would decode ahead by several frames.
        context.options = {"max_frame_delay": "1", **_NO_GRAIN}
