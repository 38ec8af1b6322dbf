"""What the public names are to a type checker: checked by the checker, never run."""

from typing import TYPE_CHECKING, assert_type

if TYPE_CHECKING:
    import yivideo

    def results(subtitles: yivideo.Subtitles) -> None:
        assert_type(subtitles.events, tuple[yivideo.Event, ...])
        assert_type(subtitles.to_srt(), str)
        assert_type(yivideo.Subtitles.from_json(subtitles.to_json()), yivideo.Subtitles)
        for event in subtitles.events:
            assert_type(event.start, float)
            assert_type(event.text, str)
            assert_type(event.lines, tuple[yivideo.Line, ...])
            assert_type(event.box, yivideo.Box | None)

    def extracts() -> None:
        assert_type(yivideo.extract("film.mp4"), yivideo.Subtitles)


def test_the_public_names_can_be_imported() -> None:
    """Every name the package promises is there, and help lists it."""
    import yivideo

    for name in yivideo.__all__:
        assert getattr(yivideo, name) is not None
        assert name in dir(yivideo)
