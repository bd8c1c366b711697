"""Secrets in files: which are taken, which are refused, and who is told that others may read them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from mfn.amazon.credentials import Credentials, load_credentials
from mfn.cli.application import run
from mfn.cli.up import _environ
from mfn.connection import Connection
from mfn.errors import ConfigurationError
from mfn.secret_files import exposed_files, read_secret
from mfn.settings import Settings, describe_settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

PLANTED = "planted-Zq7-secret"
URL = f"postgresql://mfn:{PLANTED}@db.example.com/mfn"
GENERAL = {"SP_API_REFRESH_TOKEN": "token", "LWA_APP_ID": "app"}


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"MFN_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def a_file(folder: Path, content: str = f"\n {PLANTED}\n", mode: int = 0o600, name: str = "secret") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    path.chmod(mode)
    return path


def credentials(folder: Path, **environ: str) -> Credentials:
    connection = Connection.model_validate({"name": "us", "seller_id": "A2TESTSELLER", "marketplaces": ["US"]})
    return load_credentials(connection, GENERAL | environ, folder)


@pytest.mark.parametrize("variable", ["LWA_CLIENT_SECRET_FILE", "LWA_CLIENT_SECRET_US_FILE"])
def test_a_secret_may_be_in_a_file_that_only_its_owner_and_their_group_may_read(tmp_path: Path, variable: str) -> None:
    a_file(tmp_path, mode=0o640)
    assert credentials(tmp_path, **{variable: "secret"}) == Credentials("token", "app", PLANTED)
    assert credentials(tmp_path, **{variable: str(tmp_path / "secret")}).lwa_client_secret == PLANTED


def test_a_file_of_one_connection_beats_the_value_for_all(tmp_path: Path) -> None:
    a_file(tmp_path)
    found = credentials(tmp_path, LWA_CLIENT_SECRET="of all", LWA_CLIENT_SECRET_US_FILE="secret")
    assert found.lwa_client_secret == PLANTED
    found = credentials(tmp_path, LWA_CLIENT_SECRET_US="of us", LWA_CLIENT_SECRET_FILE="secret")
    assert found.lwa_client_secret == "of us"


def test_every_unusable_file_is_reported_with_what_is_missing_and_never_with_the_variables_value(
    tmp_path: Path,
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        credentials(
            tmp_path,
            SP_API_REFRESH_TOKEN_FILE="secret",
            LWA_APP_ID="",
            LWA_CLIENT_SECRET_US_FILE=PLANTED,  # somebody has taken the file's name for the secret
        )
    assert [problem.column for problem in caught.value.problems] == [
        "SP_API_REFRESH_TOKEN", "LWA_CLIENT_SECRET_US_FILE", "LWA_APP_ID_US (or LWA_APP_ID)"
    ]  # fmt: skip
    assert "and so is SP_API_REFRESH_TOKEN_FILE" in caught.value.message
    assert "No such file" in caught.value.message
    assert PLANTED not in caught.value.message + caught.value.remedy
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o666])
def test_a_file_that_everybody_may_read_or_write_is_refused_with_the_command_that_fixes_it(
    tmp_path: Path, mode: int
) -> None:
    path = a_file(tmp_path, mode=mode)
    with pytest.raises(ConfigurationError, match="chmod o-rw secret") as caught:
        read_secret(path, variable="X_FILE")
    assert PLANTED not in caught.value.message
    path.chmod(mode & ~0o006)
    assert read_secret(path, variable="X_FILE") == PLANTED


@pytest.mark.parametrize(
    ("content", "said"), [(b" \n", "is empty"), (b"\xff\xfe", "it is not text"), (b"x" * 70_000, "is longer than")]
)
def test_a_file_with_nothing_useful_in_it_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = a_file(tmp_path)
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=said):
        read_secret(path, variable="X_FILE")
    for other in (tmp_path, tmp_path / "nul\0"):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            read_secret(other, variable="X_FILE")


@pytest.mark.parametrize("content", ["one\ntwo", "es\x1bcape", "nul\0"])
def test_a_secret_that_no_program_could_have_issued_is_not_sent_to_amazon(tmp_path: Path, content: str) -> None:
    a_file(tmp_path, content)
    with pytest.raises(ConfigurationError, match=r"LWA_CLIENT_SECRET_FILE.*more than one line") as caught:
        credentials(tmp_path, LWA_CLIENT_SECRET_FILE="secret")
    assert content not in caught.value.message


def test_the_ledgers_url_and_keys_may_be_in_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_file(tmp_path, URL, name="url")
    a_file(tmp_path, name="keys")
    monkeypatch.setenv("MFN_LEDGER_URL_FILE", "url")
    monkeypatch.setenv("MFN_PII_KEYS_FILE", str(tmp_path / "keys"))
    monkeypatch.setenv("MFN_PII_KEYS", "")
    settings = load_settings()
    assert settings.ledger_url.get_secret_value() == URL.replace("://", "+psycopg://")
    assert settings.pii_keys is not None
    assert settings.pii_keys.get_secret_value() == PLANTED
    shown = {row["setting"]: row for row in describe_settings(settings)}
    assert shown["MFN_LEDGER_URL"]["origin"] == "MFN_LEDGER_URL_FILE"
    assert PLANTED not in repr(settings) + json.dumps(shown)


def test_programs_that_mfn_up_starts_get_the_files_path_and_not_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_file(tmp_path, URL, name="url")
    monkeypatch.setenv("MFN_LEDGER_URL_FILE", "url")
    environ = _environ(load_settings())
    assert environ["MFN_LEDGER_URL_FILE"] == str(tmp_path / "url")
    assert [name for name, value in environ.items() if PLANTED in value] == []


def test_runs_of_mfn_up_read_rotated_secrets_from_the_env_file_of_their_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_file(tmp_path, f"LWA_CLIENT_SECRET_US={PLANTED}\nPREFECT_API_AUTH_STRING=me:word\n", name=".env")
    monkeypatch.setenv("LWA_APP_ID", "app")
    elsewhere = _environ(load_settings())
    (tmp_path / "flows").mkdir()
    (tmp_path / "prefect.yaml").touch()
    here = _environ(load_settings())
    assert (elsewhere["LWA_CLIENT_SECRET_US"], here.get("LWA_CLIENT_SECRET_US")) == (PLANTED, None)
    assert (here["LWA_APP_ID"], here["PREFECT_API_AUTH_STRING"]) == ("app", "me:word")


def test_every_setting_with_an_unusable_file_is_reported_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_file(tmp_path, mode=0o644)
    monkeypatch.setenv("MFN_PII_KEYS_FILE", "secret")
    monkeypatch.setenv("MFN_LEDGER_URL_FILE", "secret")
    monkeypatch.setenv("MFN_LEDGER_URL", URL)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert [problem.column for problem in caught.value.problems] == ["MFN_LEDGER_URL", "MFN_PII_KEYS_FILE"]
    assert PLANTED not in caught.value.message


@pytest.mark.parametrize(
    "url",
    [f"postgresql://mfn:{PLANTED}", f"postgresql://mfn:pass@{PLANTED}@db/mfn", f"postgresql://mfn:{PLANTED}:@db:x/m"],
)
def test_a_password_that_breaks_its_url_is_never_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MFN_LEDGER_URL", url)
    with pytest.raises(ConfigurationError, match="MFN_LEDGER_URL") as caught:
        load_settings()
    assert PLANTED not in str(caught.value) + caught.value.remedy


def test_a_connection_that_is_printed_shows_no_password() -> None:
    given = {"name": "us", "seller_id": "A2TESTSELLER", "marketplaces": ["US"], "warehouse": {"url": URL}}
    connection = Connection.model_validate(given)
    assert PLANTED in connection.warehouse.url
    assert PLANTED not in repr(connection) + str(connection)


def test_files_with_secrets_that_others_may_read_are_named_and_those_without_are_not(tmp_path: Path) -> None:
    a_file(tmp_path, "LWA_CLIENT_SECRET=x\n", mode=0o640, name=".env")
    a_file(tmp_path, f'    warehouse: {{kind: sql, url: "{URL}"}}\n', mode=0o604, name="connections.yaml")
    texts = [str(problem) for problem in exposed_files(load_settings())]
    assert texts == [
        f"{name}: other users can read this file, which holds secrets. Run chmod 600 {name}."
        for name in (".env", "connections.yaml")
    ]
    for name in (".env", "connections.yaml"):
        (tmp_path / name).chmod(0o600)
    assert exposed_files(load_settings()) == []
    a_file(tmp_path, "LWA_CLIENT_SECRET=\n", mode=0o644, name=".env")
    a_file(tmp_path, "    warehouse: {url: sqlite:///warehouse.db}\n", mode=0o644, name="connections.yaml")
    assert exposed_files(load_settings()) == []


def test_every_command_warns_of_them_on_stderr_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    a_file(tmp_path, "LWA_CLIENT_SECRET=x\n", mode=0o644, name=".env")
    assert run(["settings", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["settings"]
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "warning: .env: other users can read this file, which holds secrets. Run chmod 600 .env."
    ]
    caplog.clear()
    (tmp_path / ".env").chmod(0o600)
    assert run(["settings", "--json"]) == 0
    assert caplog.records == []


def test_init_writes_files_for_secrets_that_only_their_owner_may_read(tmp_path: Path) -> None:
    assert run(["init", "--json"]) == 0
    modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in ("connections.yaml", ".env.example")}
    assert set(modes.values()) == {0o600}
