"""Settings that are mistyped, empty or of the wrong form, in the environment and in `.env`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mfn.errors import ConfigurationError
from mfn.mistyped import lines_that_say_nothing
from mfn.settings import describe_settings, environment, load_settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MFN_HOME", "MFN_LEDGER_URL", "MFN_CONNECTIONS", "MFN_MAPPINGS", "MFN_PII_KEYS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_mistyped_setting_opens_no_other_ledger(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MFN_LEDGER_ULR", "postgresql://u:hunter2@h/d")
    (folder / ".env").write_text("MFN_CONECTIONS=here.yaml\nMFN_HOME=here\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    assert refused.value.message.splitlines() == [
        ".env:1: MFN_CONECTIONS: is not a setting. Did you mean MFN_CONNECTIONS? If not, give it another name.",
        "the environment: MFN_LEDGER_ULR: is not a setting. Did you mean MFN_LEDGER_URL? If not, give it another name.",
    ]


def test_somebody_elses_variables_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPAPI_MODELS", "LEDGER_USER", "REPORTS_PORT", "HOME_DIR", "HOST", "CONNECTIONS_FILE", ""):
        monkeypatch.setenv(f"MFN_{name}", "x")
    monkeypatch.setenv("LEDGER_URL", "x")
    load_settings()


def test_what_is_set_to_nothing_is_not_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("HOME", "LEDGER_URL", "CONNECTIONS", "MAPPINGS", "REPORTS_URL", "NOTIFICATION_BLOCK", "WORK_POOL")
    unset = {row["setting"]: (row["value"], row["origin"]) for row in describe_settings(load_settings())}
    for name in names:
        monkeypatch.setenv(f"MFN_{name}", "")
    assert {row["setting"]: (row["value"], row["origin"]) for row in describe_settings(load_settings())} == unset
    assert load_settings().home == folder / ".mfn"


def test_what_the_environment_sets_to_nothing_is_what_dotenv_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = "MFN_HOME=state\nmfn_ledger_url=sqlite:///orders.db\nLWA_APP_ID=x\n"
    (folder / ".env").write_text(written, encoding="utf-8")
    for name in ("MFN_HOME", "MFN_LEDGER_URL", "LWA_APP_ID"):
        monkeypatch.setenv(name, "")
    rows = {row["setting"]: (row["value"], row["origin"]) for row in describe_settings(load_settings())}
    assert rows["MFN_HOME"] == (str(folder / "state"), ".env")
    assert rows["MFN_LEDGER_URL"] == (f"sqlite:///{folder}/orders.db", ".env")
    assert environment()["LWA_APP_ID"] == "x"


def test_a_tilde_is_the_home_folder_as_in_a_shell(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder / "me"))
    (folder / ".env").write_text("MFN_HOME=~/state\nMFN_MAPPINGS=~/mappings\n", encoding="utf-8")
    settings = load_settings()
    assert (settings.home, settings.mappings) == (folder / "me/state", folder / "me/mappings")
    monkeypatch.setenv("MFN_HOME", "~nobody-of-this-name/state")
    with pytest.raises(ConfigurationError, match=r"MFN_HOME: begins with a ~, but no home folder is known for ~nobody"):
        load_settings()


def test_settings_of_the_wrong_form_are_reported_together_without_their_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MFN_NOTIFICATION_BLOCK", "https://hooks.example.com/services/hunter2")
    monkeypatch.setenv("MFN_REPORTS_URL", "ftp://u:hunter2@h")
    monkeypatch.setenv("MFN_WORK_POOL", "two words")
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    assert refused.value.message.splitlines() == [
        "the environment: MFN_REPORTS_URL: expected an address such as http://127.0.0.1:8400.",
        "the environment: MFN_NOTIFICATION_BLOCK: expected block-type/name, such as slack-webhook/operations.",
        "the environment: MFN_WORK_POOL: expected the name of a work pool, such as mfn.",
    ]


def test_a_setting_of_the_wrong_form_is_reported_where_it_is_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "# ours\n\nexport MFN_WORK_POOL='two words'\n\nmfn_reports_url=ftp://h\nMFN_NOTIFICATION_BLOCK=x\n"
    (folder / ".env").write_text(text, encoding="utf-8")
    monkeypatch.setenv("MFN_NOTIFICATION_BLOCK", "y")
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    assert [(fault.file, fault.line, fault.column) for fault in refused.value.problems] == [
        (".env", 5, "MFN_REPORTS_URL"),
        ("the environment", None, "MFN_NOTIFICATION_BLOCK"),
        (".env", 3, "MFN_WORK_POOL"),
    ]


def test_lines_of_dotenv_that_set_nothing_are_reported_by_number_alone(folder: Path) -> None:
    assert lines_that_say_nothing() == []
    text = "# ours\n\nset -a\nexport LWA_APP_ID=x\nLWA_CLIENT_SECRET='hunter2\nSP_API_REFRESH_TOKEN=x # theirs\n"
    (folder / ".env").write_text(text, encoding="utf-8")
    said = "this line sets nothing: it is not NAME=value, or its quotation mark is never closed."
    assert [str(problem) for problem in lines_that_say_nothing()] == [
        f".env:{line}: {said} Correct it, or put a # in front of it." for line in (3, 5)
    ]
