"""Loads rolled with seeded dice."""

from collections.abc import Callable

import numpy as np

from yivideo.gpu.amounts import Demand
from yivideo.gpu.simulator.load import Load, SimDevice, Step, Workflow

# A step never takes less than this part of what is expected: the simulator may then hand events
# of a short while to the server together, none of which can bring about another within it.
_FLOOR = 0.4
# The steps of the subtitle chain: name, seconds of a film of ten minutes, whether on a device.
CHAIN = (
    ("ffmpeg.extract_keyframes", 6.0, False),
    ("paddleocr.detect_subtitle_area", 4.0, True),
    ("ffmpeg.crop_subtitle_images", 8.0, True),
    ("paddleocr.create_stitched_images", 5.0, False),
    ("paddleocr.perform_ocr", 12.0, True),
    ("paddleocr.postprocess_and_finalize", 3.0, False),
)
_WHOLE = Demand(exclusive=True)
_PRIORITIES = (3, 5, 7)
_PRIORITY_ODDS = (0.1, 0.8, 0.1)


def standard(
    devices: tuple[SimDevice, ...],
    workflows: int,
    *,
    seed: int = 1,
    load: float = 0.95,
    groups: int = 8,
    noise: float = 0.15,
) -> Load:
    """The standard load: the subtitle chain over films of different lengths, arriving at random.

    Arrivals are Poisson at ``load`` of what the devices can carry, from ``groups`` groups of
    equal chances. Films are 10 minutes in the median (log-normal, sigma 0.5); a step takes its
    rate times the film's length, give or take ``noise`` (log-normal), and is expected to take that
    without the give or take.
    """
    dice = np.random.default_rng(seed)
    per_film = sum(seconds for _, seconds, on_device in CHAIN if on_device)
    lengths = np.clip(dice.lognormal(0.0, 0.5, workflows), 0.2, 6.0)
    rate = load * len(devices) / (per_film * float(np.exp(0.125)))
    times = np.cumsum(dice.exponential(1 / rate, workflows))
    luck = np.clip(dice.lognormal(0.0, noise, (workflows, len(CHAIN))), _FLOOR, 3.0)
    names = dice.integers(groups, size=workflows)
    priorities = dice.choice(_PRIORITIES, workflows, p=_PRIORITY_ODDS)
    return Load(
        devices,
        tuple(
            Workflow(
                f"w{n}",
                float(times[n]),
                f"group-{names[n]}",
                int(priorities[n]),
                tuple(
                    Step(
                        what,
                        seconds * float(lengths[n] * luck[n, at]),
                        _WHOLE if on_device else None,
                        seconds * float(lengths[n]),
                    )
                    for at, (what, seconds, on_device) in enumerate(CHAIN)
                ),
            )
            for n in range(workflows)
        ),
    )


def flood(
    devices: tuple[SimDevice, ...],
    workflows: int,
    *,
    seed: int = 1,
    load: float = 0.95,
    groups: int = 8,
) -> Load:
    """One group asks for everything at once, the others go about their work.

    ``workflows`` requests of group-0 at time 0; each other group has a hundredth as many
    workflows of twenty device steps, one after another, with as much time between. ``load`` is not
    looked at: there is always somebody waiting.
    """
    del load
    dice = np.random.default_rng(seed)

    def seconds() -> float:
        return float(np.clip(dice.lognormal(0.0, 0.25), _FLOOR, 3.0))

    def step() -> Step:
        return Step("step", seconds(), _WHOLE, 1.0)

    def other(group: int, number: int) -> Workflow:
        steps = tuple(part for _ in range(20) for part in (step(), Step("between", seconds())))
        return Workflow(f"o{group}-{number}", 0.0, f"group-{group}", 5, steps)

    flooding = [Workflow(f"f{n}", 0.0, "group-0", 5, (step(),)) for n in range(workflows)]
    count = max(1, workflows // 100) * len(devices)
    others = [other(group, n) for group in range(1, groups) for n in range(count)]
    return Load(devices, (*flooding, *others))


def mixed(
    devices: tuple[SimDevice, ...],
    workflows: int,
    *,
    seed: int = 1,
    load: float = 0.95,
    groups: int = 8,
) -> Load:
    """The standard load on shared devices: decoding, detection and recognition each on a part."""
    shapes = {
        "paddleocr.detect_subtitle_area": Demand(memory=4096, compute=500),
        "ffmpeg.crop_subtitle_images": Demand(memory=1024, decoders=500),
        "paddleocr.perform_ocr": Demand(memory=8192, compute=500),
    }
    whole = standard(devices, workflows, seed=seed, groups=groups, load=load)
    per_film = sum(s for _, s, on_device in CHAIN if on_device)
    # The same load on less of each device: arrivals closer together, by what is scarcest.
    halves = [(s, shapes[what]) for what, s, on_device in CHAIN if on_device]
    compute = sum(s * d.compute / devices[0].compute for s, d in halves)
    decoders = sum(s * d.decoders / devices[0].decoders for s, d in halves)
    closer = max(compute, decoders) / per_film
    return Load(
        devices,
        tuple(
            Workflow(
                flow.id,
                flow.at * closer,
                flow.group,
                flow.priority,
                tuple(Step(s.what, s.seconds, shapes.get(s.what), s.expected) for s in flow.steps),
            )
            for flow in whole.workflows
        ),
    )


LOADS: dict[str, Callable[..., Load]] = {"standard": standard, "flood": flood, "mixed": mixed}
