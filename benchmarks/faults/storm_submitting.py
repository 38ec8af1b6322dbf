"""Whoever wants workflows in the storm: asks until each is accepted, under a key of its own."""

import contextlib
import json
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass


@dataclass
class Submission:
    """A workflow to be; ``workflow`` is its id once it is accepted.

    Attributes:
        token: its name to the observer.
        names: its steps.
        wait: seconds before it is submitted.
        asked: how often it took.
    """

    token: str
    names: tuple[str, ...]
    video: str
    folder: str
    wait: float = 0.0
    workflow: str = ""
    asked: int = 0

    @property
    def body(self) -> dict[str, object]:
        """What the API is asked."""
        params = {"token": self.token, "folder": self.folder}
        chain = [{"name": name, "params": params} for name in self.names]
        return {
            "video_path": self.video,
            "workflow_config": {"workflow_chain": chain},
            "labels": {"token": self.token},
        }


class Submitter:
    """Submits, one after the other."""

    def __init__(self, port: int, submissions: list[Submission]) -> None:
        self._url = f"http://127.0.0.1:{port}/v1/workflows"
        self._submissions = submissions
        self._stop = threading.Event()

    def stop(self) -> None:
        """Give up."""
        self._stop.set()

    def run(self) -> None:
        """Submit all."""
        for one in self._submissions:
            self._stop.wait(one.wait)
            while not one.workflow and not self._stop.is_set():
                one.asked += 1
                # No answer does not say that it was not accepted: the key says so the next time.
                with contextlib.suppress(OSError):
                    self._ask(one)
                if not one.workflow:
                    self._stop.wait(0.1)

    def _ask(self, one: Submission) -> None:
        request = urllib.request.Request(  # noqa: S310 - our own API
            self._url,
            json.dumps(one.body).encode(),
            {"content-type": "application/json", "idempotency-key": f"storm-{one.token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - as above
                one.workflow = json.load(answer)["id"]
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise AssertionError(error.read().decode()) from error
