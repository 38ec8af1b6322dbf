"""`yivideo up --demo`: the sample is uploaded and goes the way of any video."""

from pathlib import Path

from yivideo.cli.api_options import open_client
from yivideo.cli.streams import complain, tell
from yivideo.errors import YiVideoError


def sample_video() -> Path:
    """The sample: in the installed package, or in the repository that is worked in."""
    package = Path(__file__).parents[1]
    packed = package / "samples" / "harbour.mp4"
    return packed if packed.is_file() else package.parents[1] / "samples" / packed.name


def submit_sample(url: str, state: Path) -> None:
    """Submit the sample to the API that listens there; what hinders it is said and does no harm.

    Args:
        url: of the API.
        state: the system's state folder.
    """
    from yivideo.cli.uploading import Uploads

    try:
        with open_client(url, None) as client:
            sent = Uploads(client, state / "uploads-sent").send(sample_video(), lambda _: None)
            accepted = client.submit(sent)
    except YiVideoError as error:
        complain(f"The sample was not submitted: {error.message}")
    else:
        tell(f"The sample is workflow {accepted['id']}: yivideo workflows watch {accepted['id']}")
