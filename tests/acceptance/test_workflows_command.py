"""`yivideo workflows` and `yivideo key`, with a real API and a real ledger."""

import json
import re
import sys
from pathlib import Path

import pytest
from tests.acceptance.station import line
from tests.acceptance.system import CHAIN, System, interrupted, make_system, subtitles

from yivideo.engine.ledger.records import ErrorKind

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no server runs on Windows")

FIRST, SECOND = CHAIN[:2]
UNKNOWN = "01a21091-3039-7d12-9e94-1e1fbf94553c"
MOMENT = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


def test_list_shows_and_filters(system: System) -> None:
    """Newest first, as a table or as JSON, filtered by what the options say."""
    ids = [
        system.submit(f"listed {number}.mp4", "--label", f"n={number}", "--group", "lists")
        for number in range(3)
    ]
    system("workflows", "cancel", ids[2])
    text = system("workflows", "list", "--group", "lists").out
    rows = text.splitlines()
    assert rows[0].split() == ["ID", "STATUS", "DONE", "VIDEO", "ACCEPTED", "TOOK", "LABELS"]
    assert [row.split()[0] for row in rows[1:4]] == ids[::-1]
    row = rf"^{ids[0]}  queued +0 %  \S+listed 0\.mp4 +{MOMENT} +-  n=0$"
    assert re.search(row, text, re.MULTILINE)

    def found(*words: str) -> list[str]:
        return [one["id"] for one in system.told("workflows", "list", *words)["workflows"]]

    assert found("--label", "n=1") == [ids[1]]
    assert found("--group", "lists", "--status", "cancelled") == [ids[2]]
    assert found("--text", "listed 0") == [ids[0]]
    assert found("--group", "lists", "--all") == ids[::-1]
    few = system.told("workflows", "list", "--group", "lists", "--limit", "2")
    assert (len(few["workflows"]), few["more"]) == (2, True)
    assert "--all shows them" in system("workflows", "list", "--limit", "2").out
    wrong = system("workflows", "list", "--status", "lost")
    assert (wrong.status, "there are queued, running" in wrong.err) == (2, True)


def test_show_and_logs_tell_of_attempts_and_their_errors(system: System) -> None:
    """Steps, attempts, times, what it waits for, where its results are; then all that happened."""
    identity = system.submit("shown.mp4", "--priority", "7")
    waits = system("workflows", "show", identity).out
    assert re.search(
        rf"^waits +{FIRST} waits for a worker \(\d+ in ffmpeg_queue\)$", waits, re.MULTILINE
    )
    assert re.search(rf"^{SECOND} +pending +0 % +0  - +-  -$", waits, re.MULTILINE)
    system.fail(system.begin(identity), ErrorKind.MACHINE, "worker-lost", "The worker was killed.")
    system.finish(system.begin(identity))
    shown = system("workflows", "show", identity).out
    assert re.search(rf"^{FIRST} +succeeded +100 % +2  {MOMENT} +\S+ s  h1$", shown, re.MULTILINE)
    assert re.search(
        rf"^{FIRST}, attempt 1 \(failed, {MOMENT}\): The worker was killed\.$", shown, re.MULTILINE
    )
    assert "priority  7 in group default" in shown
    assert f"{system.url}/v1/workflows/{identity}/events" in shown
    # It goes on, and the command ends all the same.
    lines = system("workflows", "logs", identity).out.splitlines()
    assert re.fullmatch(rf"{MOMENT}  workflow\.accepted", lines[0])
    assert re.fullmatch(
        rf"{MOMENT}  step\.failed +{FIRST}  is tried again, worker-lost: The worker was killed\.",
        next(one for one in lines if "failed" in one),
    )
    assert any(re.search(rf"step\.started +{FIRST}  on h1, attempt 2$", one) for one in lines)
    events = system.told("workflows", "logs", identity)["events"]
    assert [event["kind"] for event in events[:2]] == ["workflow.accepted", "step.ready"]
    record = system.told("workflows", "show", identity)
    assert [one["status"] for one in record["steps"][0]["attempts"]] == ["failed", "succeeded"]
    following = system.start("workflows", "logs", identity, "--follow", "--json")
    system("workflows", "cancel", identity)
    out, _ = following.communicate(timeout=20)
    assert json.loads(out.splitlines()[-1])["kind"] == "workflow.cancelled"
    assert following.returncode == 0


def test_cancel_and_retry(system: System) -> None:
    """Several at once; what cannot be is told and stops no other."""
    first, second = system.submit("r1.mp4"), system.submit("r2.mp4")
    ended = system("workflows", "cancel", first, UNKNOWN, second)
    assert (ended.status, ended.out) == (8, f"{first}  cancelled\n{second}  cancelled\n")
    assert ended.err == f"yivideo: {UNKNOWN}: There is no workflow '{UNKNOWN}'.\n"
    again = system("workflows", "cancel", first)
    assert (again.status, "has ended" in again.err) == (2, True)

    for _ in range(2):
        assert system("workflows", "retry", first).out == f"{first}  queued\n"
        system.finish(system.begin(first))
        system.fail(system.begin(first), ErrorKind.USER, "usage", "The area is empty.")
    changed = f"{FIRST}.side=320"
    (record,) = system.told("workflows", "retry", first, "--from", FIRST, "--param", changed)
    assert (record["status"], record["steps"][0]["params"]) == ("queued", {"side": 320})
    wrong = system("workflows", "retry", second, "--from", "ffmpeg.nonsense")
    assert (wrong.status, "no step 'ffmpeg.nonsense'" in wrong.err) == (2, True)
    living = system("workflows", "retry", first)
    assert (living.status, "has not ended" in living.err) == (2, True)


def test_watch_ends_as_the_workflow_did(system: System) -> None:
    """Also one that had ended before; of several, 8 if any failed. Ctrl-C changes nothing."""
    identity = system.submit("watched.mp4", "--chain", FIRST)
    process = system.start("workflows", "watch", identity)
    assert "waits for a worker" in line(process, of_errors=True)
    status, err = interrupted(process)
    assert (status, f"yivideo workflows cancel {identity}" in err) == (130, True)
    process = system.start("workflows", "watch", identity)
    line(process, of_errors=True)
    system.fail(system.begin(identity), ErrorKind.USER, "no-video-stream", "Only sound.")
    assert process.wait(20) == 3
    ended = system("workflows", "watch", identity)
    assert (ended.status, ended.err) == (3, "yivideo: watched.mp4: Only sound.\n")
    good = system.submit("good.mp4", "--chain", FIRST)
    system.run(good)
    records = system.told("workflows", "watch", good, identity, status=8)
    assert [record["exit_code_name"] for record in records] == ["OK", "INPUT"]


def test_watch_without_an_id_shows_everybodys_events(system: System) -> None:
    """A line each, from now on, until Ctrl-C."""
    process = system.start("workflows", "watch")
    assert "Ctrl-C ends it" in line(process, of_errors=True)
    identity = system.submit("event.mp4")
    assert re.fullmatch(rf"{MOMENT}  {identity}  workflow\.accepted", line(process))
    status, err = interrupted(process)
    assert (status, err) == (130, "yivideo: Stopped by Ctrl-C.\n")


def test_download_writes_files_as_extract_names_them(system: System) -> None:
    """With the language; never over what is there; a workflow without any is told."""
    identity = system.submit("film 电影.mp4")
    early = system("workflows", "download", identity)
    assert (early.status, "has not ended yet" in early.err) == (3, True)
    system.run(identity, subtitles("Come in!"))
    ended = system("workflows", "download", identity, "-f", "srt,json", "-o", "subs/")
    assert (ended.status, ended.err) == (0, "")
    names = ["film 电影.en.srt", "film 电影.en.json"]
    assert ended.out.splitlines() == [str(Path("subs", name)) for name in names]
    written = system.yivideo.folder / "subs" / names[0]
    assert "Come in!" in written.read_text(encoding="utf-8")
    assert system("workflows", "download", identity, "-o", "subs/").status == 6
    assert system("workflows", "download", identity, "-o", "subs/", "--skip-existing").out == ""
    one = system.told("workflows", "download", identity, "-o", "subs/", "--overwrite")
    assert one == [{"id": identity, "outputs": [str(Path("subs", names[0]))], "error": None}]


def test_an_unknown_workflow_is_a_mistake_everywhere(system: System) -> None:
    """Exit code 2 and one sentence, whatever was typed for an id."""
    for words in (("logs", UNKNOWN), ("show", "../workflows"), ("show", "é?")):
        ended = system("workflows", *words)
        assert (ended.status, ended.out, len(ended.err.splitlines())) == (2, "", 1)


def test_keys_are_made_listed_and_revoked(tmp_path: Path) -> None:
    """Shown once, needed from then on, refused when revoked; never told by any command."""
    system = make_system(tmp_path)
    try:
        system.start_api()
        made = system("key", "create", "Anna's laptop")
        secret = made.out.strip()
        assert made.status == 0
        assert re.fullmatch(r"yv_\S{40,}", secret)
        signing = system("key", "webhook-secret").out.strip()
        assert re.fullmatch(r"whsec_\S{40,}", signing)
        assert system.told("key", "webhook-secret") == {"webhook_secret": signing}
        assert (system.state / "webhook.secret").read_text().strip() == signing
        configured = system("key", "webhook-secret", YIVIDEO_WEBHOOK_SECRET="whsec_AAAA")
        assert configured.out == "whsec_AAAA\n"
        listed = system.told("key", "list")["keys"]
        assert [(key["name"], key["revoked_at"]) for key in listed] == [("Anna's laptop", None)]
        told = system("key", "list").out
        assert re.search(rf"^{listed[0]['id']}  Anna's laptop  good", told, re.MULTILINE)
        assert secret not in told

        def refused(**env: str | None) -> bool:
            ended = system("workflows", "list", **env)
            assert secret not in ended.out + ended.err
            if ended.status:
                assert (ended.status, ended.out) == (2, "")
                assert "YIVIDEO_KEY" in ended.err
            return ended.status != 0

        while not refused():
            # The API looks for keys about once a second.
            continue
        assert not refused(YIVIDEO_KEY=secret)
        database = f"sqlite:///{system.state / 'ledger.db'}"
        words = ("key", "revoke", listed[0]["id"], "--database", database)
        assert system(*words).out == f"{listed[0]['id']}  revoked\n"
        while not refused(YIVIDEO_KEY=secret):
            continue
    finally:
        system.end()
