"""A film several times in one file, without encoding it again: rendering a long one takes long."""

from pathlib import Path

import av


def repeated(film: Path, times: int, target: Path) -> Path:
    """Write the film's video stream ``times`` times one after the other into ``target``."""
    with av.open(str(target), "w") as out:
        stream, shift = None, 0
        for _ in range(times):
            with av.open(str(film)) as container:
                source = container.streams.video[0]
                stream = stream or out.add_stream_from_template(source)
                end = 0
                for packet in container.demux(source):
                    if packet.pts is None or packet.dts is None:
                        continue
                    end = max(end, packet.pts + (packet.duration or 0))
                    packet.pts += shift
                    packet.dts += shift
                    packet.stream = stream
                    out.mux(packet)
                shift += end
    return target
