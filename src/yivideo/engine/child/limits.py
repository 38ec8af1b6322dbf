"""What a step's child may use, and what it says confines it."""

from dataclasses import dataclass

_GIB = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a step may use. None lifts a limit.

    Attributes:
        memory: bytes. Without CUDA a limit on the address space, of which models take some 1.3 GiB:
            asking for more fails. With CUDA, which reserves far more than it uses, the memory in
            use is watched from outside instead, and the child killed.
        cpu_seconds: of one step, over all its threads.
        open_files: at a time.
        file_bytes: of one file it writes.
        network: whether it may use the network.
        idle_seconds: how long a child without work is kept, with its models loaded.
        keep_bytes: a child that has more than this in use after a step is replaced.
        grace_seconds: how long a step that should stop may take to do so before it is killed.
    """

    memory: int | None = 6 * _GIB
    cpu_seconds: float | None = 8 * 3600.0
    open_files: int | None = 512
    file_bytes: int | None = 16 * _GIB
    network: bool = False
    idle_seconds: float = 300.0
    keep_bytes: int = 2 * _GIB
    grace_seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class Confinement:
    """What is in force in a child, by name, and sentences about what is not."""

    held: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
