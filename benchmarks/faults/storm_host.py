"""A host of the storm: `python -m benchmarks.faults.storm_host [--port N]`, set up by YIVIDEO_*.

The programs of a system under the engine's own supervisor, for the services named alone.
"""

import argparse
import sys

from benchmarks.faults.storm_steps import SERVICE
from yivideo.engine.settings import EngineSettings
from yivideo.engine.system import Layout, api_program, programs, supervisor
from yivideo.gpu.discovery import cpu_stand_in
from yivideo.telemetry.logs import set_up_logs


def main() -> int:
    """Run until a signal asks for the end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=None, help="of the API; none without")
    parser.add_argument("--cpu-places", type=int, default=1)
    parser.add_argument("--service", action="append", help="what runs; the storm's steps without")
    given = parser.parse_args()
    set_up_logs("host")
    layout = Layout(
        settings=EngineSettings.from_environment(),
        services=tuple(given.service or (SERVICE,)),
        devices=(cpu_stand_in(),),
        agent=("--stand-in", "--memory=4 GiB"),
        cpu_places=given.cpu_places,
    )
    found = programs(layout)
    if given.port is not None:
        found.insert(0, api_program(layout.settings, "127.0.0.1", given.port))
    supervisor(layout.settings, found).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
