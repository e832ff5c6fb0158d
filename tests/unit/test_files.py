"""Names of files, what a browser is told of them, quotas, and what a server that crashed leaves behind."""

import os
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.config import Settings
from sfu.ids import ParticipantId, RoomName
from signaling.file_store import LOCK, PREFIX, FileStore, Upload
from signaling.files import content_disposition
from signaling.names import MAX_FILE_NAME, file_name
from signaling.responses import HttpError

BLUE, RED = RoomName("blue"), RoomName("red")
ANA, BO = ParticipantId("p_ana"), ParticipantId("p_bo")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("notes.pdf", "notes.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ana\\plan.docx", "plan.docx"),
        ("", "file"),
        ("..", "file"),
        (".bashrc", "bashrc"),
        ("a\r\nSet-Cookie: x=1", "aSet-Cookie x=1"),
        ("evil\u202egpj.exe", "evilgpj.exe"),
        ('a"b<c>|?*.txt', "abc.txt"),
        ("e\u0301.txt", "é.txt"),
        ("x" * 200 + ".png", "x" * 124 + ".png"),
        ("x." + "y" * 200, ("x." + "y" * 200)[:128]),
    ],
)
def test_a_file_keeps_the_harmless_part_of_its_name(said: str, kept: str) -> None:
    assert file_name(said) == kept


@given(st.text())
def test_any_name_becomes_a_file_name(said: str) -> None:
    name = file_name(said)
    assert 1 <= len(name) <= MAX_FILE_NAME
    assert not re.search(r'[/\\<>:"|?*\x00-\x1f\x7f]', name)
    assert file_name(name) == name or len(name) == MAX_FILE_NAME


@given(st.text())
def test_a_browser_is_told_the_name_in_one_header_of_two_forms(said: str) -> None:
    name = file_name(said)
    header = content_disposition(name)
    found = re.fullmatch(r"attachment; filename=\"([ !#-\[\]-~]*)\"; filename\*=UTF-8''([A-Za-z0-9._~%-]*)", header)
    assert found, header
    assert unquote(found[2]) == name


def store(folder: Path, **limits: int) -> FileStore:
    return FileStore(Settings(files_directory=folder, **limits))  # type: ignore[arg-type]


def write(upload: Upload, data: bytes) -> Upload:
    upload.reserve(len(data))
    upload.write(data)
    return upload


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        ({"max_file_bytes": 9}, 413),
        ({"max_person_file_bytes": 19}, 507),
        ({"max_room_file_bytes": 19}, 507),
        ({"max_server_file_bytes": 19}, 507),
    ],
)
def test_each_quota_ends_an_upload_and_gives_back_what_it_took(
    tmp_path: Path, limits: dict[str, int], status: int
) -> None:
    files = store(tmp_path, **limits)
    first = files.begin(BLUE, ANA)
    if status == 507:
        assert write(first, b"0123456789").keep()
        first = files.begin(BLUE, ANA)
    before = files.used_bytes
    write(first, b"01234")
    with pytest.raises(HttpError) as caught:
        first.reserve(5)
    assert caught.value.status == status
    first.discard()
    assert files.used_bytes == before
    assert len([file for file in tmp_path.glob(f"{PREFIX}*/*") if file.name != LOCK]) == (1 if status == 507 else 0)
    files.close()


def test_quotas_are_a_persons_and_a_rooms_own(tmp_path: Path) -> None:
    files = store(tmp_path, max_person_file_bytes=10, max_room_file_bytes=20)
    assert write(files.begin(BLUE, ANA), b"0123456789").keep()
    assert write(files.begin(BLUE, BO), b"0123456789").keep()
    assert write(files.begin(RED, ANA), b"0123456789").keep()
    third = files.begin(BLUE, ParticipantId("p_cid"))
    with pytest.raises(HttpError):
        third.reserve(1)
    third.discard()
    files.forget(BLUE)
    assert files.used_bytes == 10
    assert write(files.begin(BLUE, ANA), b"0123456789").keep()
    files.close()


def test_files_go_with_their_room_even_those_that_are_just_coming(tmp_path: Path) -> None:
    files = store(tmp_path)
    whole = write(files.begin(BLUE, ANA), b"abc")
    assert whole.keep()
    assert files.find(BLUE, whole.path.name) == whole.path
    coming = write(files.begin(BLUE, ANA), b"abc")
    files.forget(BLUE)
    assert files.find(BLUE, whole.path.name) is None
    assert not whole.path.exists()
    assert not coming.keep()
    assert not coming.path.exists()
    assert files.used_bytes == 0
    files.close()
    assert list(tmp_path.iterdir()) == []


def test_nobody_else_may_look_into_the_directory(tmp_path: Path) -> None:
    files = store(tmp_path)
    write(files.begin(BLUE, ANA), b"abc").keep()
    [folder] = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o077 == 0
    files.close()


def test_what_a_crashed_server_left_is_removed_and_what_lives_is_not(tmp_path: Path) -> None:
    living, crashed = store(tmp_path), store(tmp_path)
    kept = write(living.begin(BLUE, ANA), b"abc")
    lost = write(crashed.begin(BLUE, ANA), b"abc")
    assert kept.keep()
    assert lost.keep()
    assert crashed._lock is not None
    os.close(crashed._lock)  # as the kernel does when a process dies
    fresh = tmp_path / f"{PREFIX}fresh"
    fresh.mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(tmp_path)
    (tmp_path / "else").mkdir()
    assert store(tmp_path).remove_stale() == 1
    assert kept.path.exists()
    assert not lost.path.parent.exists()
    os.utime(fresh, (0, 0))
    assert store(tmp_path).remove_stale() == 1
    assert sorted(path.name for path in tmp_path.iterdir() if path != kept.path.parent) == [f"{PREFIX}link", "else"]
    assert (kept.path.parent / LOCK).exists()
    living.close()


def test_a_file_that_was_taken_back_makes_room_and_is_gone(tmp_path: Path) -> None:
    files = store(tmp_path, max_person_file_bytes=20)
    first, second = (write(files.begin(BLUE, ANA), bytes(10)) for _ in range(2))
    assert first.keep()
    assert second.keep()
    assert files.owner(BLUE, first.path.name) == ANA
    third = files.begin(BLUE, ANA)
    with pytest.raises(HttpError):
        third.reserve(1)
    files.remove(BLUE, first.path.name)
    files.remove(BLUE, first.path.name)
    files.remove(RED, second.path.name)
    assert not first.path.exists()
    assert (files.find(BLUE, first.path.name), files.owner(BLUE, first.path.name)) == (None, None)
    assert files.find(BLUE, second.path.name) == second.path
    assert files.used_bytes == 10
    third.reserve(10)
    third.discard()
    files.forget(BLUE)
    assert not second.path.exists()
