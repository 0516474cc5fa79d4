"""A file is written whole or not at all, and nothing is left beside it; it keeps its mode."""

from pathlib import Path

import pytest

from reconciler.whole_file import write_whole


@pytest.mark.parametrize("mode", [None, 0o600, 0o644, 0o755])
def test_a_file_keeps_its_mode(mode: int | None, tmp_path: Path) -> None:
    path = tmp_path / "a"
    if mode is not None:
        path.write_bytes(b"old")
        path.chmod(mode)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert mode is None or path.stat().st_mode & 0o777 == mode
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["write_bytes", "chmod", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_fails_leaves_all_as_it_was(
    step: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fails(self: Path, *_: object) -> None:
        if step == "write_bytes":
            self.touch()
        raise error

    monkeypatch.setattr(Path, step, fails)
    with pytest.raises(type(error)):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
