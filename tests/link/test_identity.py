"""The user's secret, what is proven with it, and the files that hold what is theirs alone."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bidviz_core.endpoint import Endpoint, load_record, parse_url, record_process, recorded
from bidviz_core.errors import LinkError
from bidviz_core.identity import (
    check_proof,
    create_private,
    load_secret,
    prove,
    read_private,
    spell_address,
    state_folder,
)

SECRET = b"s" * 32
PROOF = prove(SECRET, "dashboard", "n1", "n2", "127.0.0.1:10001", 1)


def test_the_secret_is_made_once_and_is_its_owners_alone(state_dir: Path) -> None:
    first = load_secret()
    assert load_secret() == first
    assert len(first) == 32
    assert stat.S_IMODE((state_dir / "secret").stat().st_mode) == 0o600


def test_the_state_folder_is_made_private(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(state_dir / "new"))
    assert stat.S_IMODE(state_folder().stat().st_mode) == 0o700


def test_a_secret_that_others_can_read_is_refused(state_dir: Path) -> None:
    load_secret()
    (state_dir / "secret").chmod(0o640)
    with pytest.raises(LinkError, match=r"Others can read .*640, expected 600.*remove it"):
        load_secret()


def test_a_damaged_secret_is_refused(state_dir: Path) -> None:
    create_private(state_dir / "secret", lambda: b"short")
    with pytest.raises(LinkError, match="should hold 32 bytes, got 5"):
        load_secret()


def test_a_link_in_place_of_a_private_file_is_not_followed(state_dir: Path) -> None:
    (state_dir / "elsewhere").write_bytes(b"x" * 32)
    (state_dir / "secret").symlink_to(state_dir / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        read_private(state_dir / "secret")


def test_processes_that_begin_together_agree_on_the_secret(state_dir: Path) -> None:
    code = "from bidviz_core.identity import load_secret; print(load_secret().hex())"
    together = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(8)]
    assert len({process.communicate(timeout=60)[0] for process in together}) == 1
    assert [path.name for path in state_dir.iterdir()] == ["secret"]


def test_a_proof_holds_for_what_it_was_made_for() -> None:
    assert check_proof(PROOF, SECRET, "dashboard", "n1", "n2", "127.0.0.1:10001", 1)


@pytest.mark.parametrize(
    "claimed",
    [
        (b"t" * 32, "dashboard", "n1", "n2", "127.0.0.1:10001", 1),
        (SECRET, "session", "n1", "n2", "127.0.0.1:10001", 1),  # sent back to its sender
        (SECRET, "dashboard", "n3", "n2", "127.0.0.1:10001", 1),  # an old one again
        (SECRET, "dashboard", "n1", "n3", "127.0.0.1:10001", 1),
        (SECRET, "dashboard", "n1", "n2", "127.0.0.1:10002", 1),  # passed on from another port
        (SECRET, "dashboard", "n1", "n2", "127.0.0.1:10001", 2),
        (SECRET, "dashboard", "n1\nn2", "", "127.0.0.1:10001", 1),
    ],
)
def test_a_proof_holds_for_nothing_else(claimed: tuple[bytes, str, str, str, str, int]) -> None:
    assert not check_proof(PROOF, *claimed)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [None, 7, "", "é", PROOF[:-1], {"proof": PROOF}])
def test_what_is_no_proof_is_none(given: object) -> None:
    assert not check_proof(given, SECRET, "dashboard", "n1", "n2", "127.0.0.1:10001", 1)


def test_addresses_are_spelled_alike_on_both_ends() -> None:
    assert spell_address(("127.0.0.1", 10001)) == "127.0.0.1:10001"
    assert spell_address(("::1", 10001, 0, 0)) == "[::1]:10001"
    assert spell_address(("::ffff:127.0.0.1", 10001, 0, 0)) == "127.0.0.1:10001"
    assert spell_address(("fe80::1%eth0", 1, 0, 2)) == "[fe80::1]:1"


def test_tokens_stay_the_same_over_restarts(state_dir: Path) -> None:
    first = load_record("127.0.0.1", 7)
    record_process("127.0.0.1", 7, 123)
    again = load_record("127.0.0.1", 7)
    assert again.tokens == first.tokens
    assert len(set(again.tokens.values())) == 3
    assert again.pid == 123
    (path,) = (state_dir / "dashboards").iterdir()
    assert path.name == "127.0.0.1-7.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_damaged_record_says_what_to_do(state_dir: Path) -> None:
    create_private(state_dir / "dashboards" / "127.0.0.1-7.json", lambda: b"{}")
    with pytest.raises(LinkError, match=r"is damaged .*remove it"):
        load_record("127.0.0.1", 7)


def test_a_host_cannot_leave_the_folder(state_dir: Path) -> None:
    load_record("../../evil", 7)
    assert len(list((state_dir / "dashboards").iterdir())) == 1
    assert [record.host for record in recorded()] == ["../../evil"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:10002", ("127.0.0.1", 10002)),
        ("http://localhost:5/", ("127.0.0.1", 5)),
        ("somewhere:7", ("somewhere", 7)),
        ("http://[::1]:8/?token=x", ("::1", 8)),
        ("http://host", ("host", 10001)),
    ],
)
def test_an_address_is_read(url: str, expected: tuple[str, int]) -> None:
    assert parse_url(url) == expected


@pytest.mark.parametrize("url", ["", "https://host:1", "http://", "http://host:port", "http://host:99999", "ftp://a:1"])
def test_a_wrong_address_says_what_one_is(url: str) -> None:
    with pytest.raises(LinkError, match="A dashboard's address is http://host:port"):
        parse_url(url)


def test_the_page_of_a_run_carries_the_token() -> None:
    endpoint = Endpoint("::1", 10001, {"view": "v", "tune": "t", "code": "c"})
    assert endpoint.page_url("a b/c") == "http://[::1]:10001/?token=c&run=a%20b%2Fc"
    assert endpoint.page_url() == "http://[::1]:10001/?token=c"
    assert endpoint.page_url(right="view") == "http://[::1]:10001/?token=v"
    assert Endpoint("far", 1).page_url("r") == "http://far:1/?run=r"
