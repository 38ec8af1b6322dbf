"""`yivideo up`: a whole system, from its first process to its last."""

import contextlib
import json
import time
from dataclasses import dataclass

from yivideo.cli.demo import submit_sample
from yivideo.cli.gpu_options import state_of
from yivideo.cli.serving import API_PORT
from yivideo.cli.streams import complain, say
from yivideo.config.sources import Loaded
from yivideo.engine.settings import EngineSettings
from yivideo.engine.supervisor import Program
from yivideo.engine.system import (
    Layout,
    answers,
    api_program,
    is_free,
    own_valkey,
    programs,
    settings_of,
    supervisor,
)
from yivideo.errors import AgentExists, ServerUnavailable
from yivideo.storage.locks import take
from yivideo.storage.redis import without_password
from yivideo.telemetry.logs import set_up_logs

_READY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What `yivideo up` was asked for."""

    loaded: Loaded
    stand_in: bool
    retain_days: float | None
    retain_number: int | None
    demo: bool
    as_json: bool

    @property
    def listen(self) -> tuple[str, int]:
        """Where the API is to listen."""
        given = self.loaded.config
        return given.listen or "127.0.0.1", given.port or API_PORT


def run_system(wish: Wish) -> None:
    """Run until a signal asks it to end.

    Raises:
        AgentExists: a system runs with this state folder already.
        ServerUnavailable: a server does not answer, or the API's port is taken.
    """
    given = wish.loaded.config
    state = state_of(str(given.state) if given.state else None)
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = take(state / "up.lock")
    if lock is None:
        raise AgentExists(f"A system runs with the state folder {state} already.")
    host, port = wish.listen
    if not is_free(port, host):
        raise ServerUnavailable(f"Something listens on port {port} of {host}: choose with --port.")
    set_up_logs("up")
    with contextlib.ExitStack() as stack:
        redis = given.redis_url
        if not redis:
            redis = stack.enter_context(own_valkey(state, given.redis_port)).url
        settings = settings_of(wish.loaded, redis=redis)
        found = supervisor(settings, [api_program(settings, host, port)])
        # The API first: it is what others wait for, and it makes the ledger's tables.
        found.later = lambda: _others(wish, settings)
        found.first_answers = _Readiness(wish, settings)
        found.run()


def _others(wish: Wish, settings: EngineSettings) -> list[Program]:
    from yivideo.engine.places import known_services, own_devices

    return programs(
        Layout(
            settings=settings,
            services=known_services(),
            devices=own_devices(stand_in=wish.stand_in),
            agent=("--stand-in",) if wish.stand_in else (),
            cpu_places=wish.loaded.config.cpu_places,
            reconciler=(*_file(wish), *_retention(wish)),
        )
    )


def _file(wish: Wish) -> tuple[str, ...]:
    """The file of settings, which the reconciler owns; a profile lies below it or stands alone."""
    file, profile = wish.loaded.file, wish.loaded.profile
    words = (f"--config={file.path}",) if file else ()
    return (*words, f"--profile={profile}") if profile else words


def _retention(wish: Wish) -> tuple[str, ...]:
    """What the reconciler is told to forget."""
    given = {"days": wish.retain_days, "number": wish.retain_number}
    return tuple(f"--retain-{name}={value}" for name, value in given.items() if value is not None)


class _Readiness:
    """Asks whether the API answers; when it does for the first time, says that all is ready."""

    def __init__(self, wish: Wish, settings: EngineSettings) -> None:
        self._wish = wish
        self._settings = settings
        self._deadline = time.monotonic() + _READY_S

    def __call__(self) -> bool:
        host, port = self._wish.listen
        if answers(host, port):
            _tell_ready(self._wish, self._settings)
            return True
        if time.monotonic() > self._deadline:
            complain(f"The API does not answer on port {port} of {host}.")
            return True
        return False


def _tell_ready(wish: Wish, settings: EngineSettings) -> None:
    host, port = wish.listen
    url = f"http://{host}:{port}"
    redis = without_password(settings.redis_url)
    if wish.as_json:
        roots = [str(root) for root in settings.media_roots]
        say(json.dumps({"ready": True, "url": url, "redis": redis, "media_roots": roots}))
    else:
        roots = ", ".join(str(root) for root in settings.media_roots)
        say(f"ready: {url}, Redis at {redis}, videos below {roots}")
    if wish.demo:
        submit_sample(url, settings.state)
