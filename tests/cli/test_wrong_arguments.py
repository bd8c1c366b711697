"""Every command with an argument, a setting or a file that it cannot use: refused in words, with what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mfn.cli.application import run
from mfn.cli.setup import CONNECTIONS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Mfn

ORDER = "111-1234567-1234567"
NO_UTF8 = "\udcff"
"""What Python makes of the byte 0xFF of an argument."""

OF_A_CONNECTION = (
    "check zz", "import zz", "follow zz", "backfill zz", "confirm zz", "inventory zz", "reconcile zz", "skus zz",
    "shipping-methods zz", "notifications zz", "reprocess zz", "orders --connection zz",
    f"erase {ORDER} --connection zz", f"orders release {ORDER} --why x --connection zz",
    f"orders dismiss {ORDER} --why x --connection zz",
    f"rules test rules.yaml --order {ORDER} --connection zz", "rules test rules.yaml --shipment P --connection zz",
    "rules test rules.yaml --sku P --connection zz",
)  # fmt: skip
OF_A_TEXT = (
    "orders show ?", "orders release ? --why x", "orders dismiss ? --why x", f"orders release {ORDER} --why ?",
    "erase ?", "audit --order ?", "import us --order ?", "report ?", "rerun ?", "rules test rules.yaml --order ?",
    "rules test rules.yaml --sku ?", "rules test rules.yaml --shipment ?", "rules test ? --order x", "site --host ?",
    "?",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MFN_HOME", "MFN_LEDGER_URL", "MFN_CONNECTIONS", "MFN_MAPPINGS", "MFN_PII_KEYS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "connections.yaml").write_text(CONNECTIONS.format(now="2026-11-29T00:00:00Z"), encoding="utf-8")
    (tmp_path / "rules.yaml").touch()
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("words", OF_A_CONNECTION)
def test_an_unknown_connection_is_reported_with_those_that_exist(mfn: Mfn, words: str) -> None:
    status, document = mfn(*words.split())
    assert (status, document["remedy"]) == (2, "Use one of these, or add an entry to the file.")
    assert document["error"] == "connections.yaml has no connection 'zz'; it has: us."


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("words", OF_A_TEXT)
def test_an_argument_that_is_not_utf_8_is_refused_before_it_reaches_a_database(mfn: Mfn, words: str) -> None:
    status, document = mfn(*words.replace("?", NO_UTF8).split())
    assert status == 2
    assert document["error"].endswith(r", \udcff, is not UTF-8.")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///a\0b",
        "sqlite:///a\nb",
        f"sqlite:///{NO_UTF8}",
        "postgresql://u%00:hunter2@127.0.0.1:1/d",
        "postgresql://u:hunter2%0a@127.0.0.1:1/d",
        "postgresql://u:hunter2@127.0.0.1:1/d\0",
        "postgresql://u:hunter2@a..b/d",
    ],
)
def test_a_database_url_with_invisible_characters_is_refused_without_its_password(
    mfn: Mfn, folder: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    settings = folder / ".env"
    if NO_UTF8 in url:
        monkeypatch.setenv("MFN_LEDGER_URL", url)
    else:
        settings.write_text(f'MFN_LEDGER_URL="{url}"\n', encoding="utf-8")
    status, document = mfn("orders")
    assert (status, document["error"].startswith("MFN_LEDGER_URL ")) == (2, True)
    assert "hunter2" not in str(document)
    settings.unlink(missing_ok=True)
    monkeypatch.delenv("MFN_LEDGER_URL", raising=False)
    written = url.encode("unicode_escape").decode()
    text = (folder / "connections.yaml").read_text(encoding="utf-8").replace("sqlite:///.mfn/warehouse.db", written)
    (folder / "connections.yaml").write_text(text, encoding="utf-8")
    status, document = mfn("check")
    assert (status, "connections.yaml:" in document["error"]) == (2, True)
    assert "hunter2" not in str(document)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["MFN_HOME", "MFN_CONNECTIONS", "MFN_MAPPINGS", "MFN_PII_KEYS_FILE"])
def test_a_setting_that_is_not_utf_8_is_refused_by_name(mfn: Mfn, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, NO_UTF8)
    status, document = mfn("orders")
    assert (status, document["problems"][0]["column"]) == (2, name)


@pytest.mark.usefixtures("folder")
def test_a_home_whose_name_no_file_system_takes_is_reported_with_what_to_do(
    mfn: Mfn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MFN_HOME", "a" * 300)
    status, document = mfn("orders")
    assert (status, document["remedy"]) == (1, "Use a shorter path.")


def test_a_home_that_is_a_broken_link_is_reported_as_one(mfn: Mfn, folder: Path) -> None:
    (folder / ".mfn").symlink_to("not-mounted")
    status, document = mfn("init")
    assert (status, "is a link to not-mounted" in document["error"]) == (2, True)
    assert "a disk that is not mounted?" in document["remedy"]


def test_a_file_of_retired_keys_without_keys_is_reported_and_left_alone(mfn: Mfn, folder: Path) -> None:
    assert mfn("init")[0] == 0
    (folder / ".mfn" / "keys.retired").write_bytes(b"\xff\xfe")
    status, document = mfn("keys", "rotate")
    assert (status, document["error"].endswith("keys.retired does not contain encryption keys.")) == (2, True)
    assert (folder / ".mfn" / "keys.retired").read_bytes() == b"\xff\xfe"
    (folder / ".mfn" / "keys.retired").unlink()
    assert mfn("keys", "rotate")[0] == 0


@pytest.mark.parametrize("section", ["warehouse", "orders", "notifications"])
def test_a_section_that_is_not_a_mapping_is_reported_with_the_keys_it_may_have(
    mfn: Mfn, folder: Path, section: str
) -> None:
    text = f"connections:\n  us: {{seller_id: [A], marketplaces: [US], {section}: 5}}\n"
    (folder / "connections.yaml").write_text(text, encoding="utf-8")
    status, document = mfn("orders", "--connection", "us")
    assert (
        status,
        "seller_id: Input should be a valid string, got ['A']: write a single text" in document["error"],
    ) == (
        2,
        True,
    )
    assert f"connections.us.{section}: expected a mapping with keys from: " in document["error"]


def test_more_orders_than_fit_into_memory_are_refused(mfn: Mfn) -> None:
    assert mfn("simulate", "--orders", "99999999999")[0] == 2


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("", "is not UTF-8, or this machine's locale is not."),
        ("os.rmdir(os.getcwd())", "the working directory does not exist: No such file or directory."),
    ],
)
def test_an_unusable_working_directory_is_reported_with_what_to_do(tmp_path: Path, before: str, expected: str) -> None:
    there = os.fsencode(tmp_path) + b"/l\xf6tin"
    os.mkdir(there)  # noqa: PTH102 - its name is bytes
    started = f"import os, sys; {before}\nfrom mfn.cli import main\nsys.exit(main())"
    # -P: as the program mfn does, look for modules elsewhere than in the folder that is gone, on which 3.13.0 fails.
    program = [sys.executable, "-P", "-c", started, "import", "us", "--json"]
    done = subprocess.run(program, cwd=there, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "")
    document = json.loads(done.stdout)
    assert document["error"].endswith(expected)
    assert document["remedy"].endswith(", then run the command again.")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "words",
    [
        f"import us --order {ORDER} --order 2",
        "orders --status held --status=loaded",
        "rerun x --from-stage load --from-stage push",
    ],
)
def test_a_second_value_of_an_option_is_refused_rather_than_dropped(mfn: Mfn, words: str) -> None:
    status, document = mfn(*words.split())
    assert (status, document["error"].startswith("given more than once, but takes one value: --")) == (2, True)
    assert document["remedy"].startswith("Run the command once for each")


@pytest.mark.usefixtures("folder")
def test_a_switch_given_twice_counts_once(mfn: Mfn) -> None:
    assert mfn("batches", "--failed", "--failed")[0] == 0
    assert mfn("orders", "--json", "--connection", "us")[0] == 0


@pytest.mark.parametrize(
    ("words", "where"),
    [
        ("--json orders", "mfn orders --json"),
        ("--since 2026-11-01 import us", "mfn import --since"),
        ("rules --order 1 test rules.yaml", "mfn rules test --order"),
    ],
)
def test_an_option_before_its_command_is_reported_with_where_it_belongs(
    words: str, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words.split()) == 2
    assert f"after the command: {where}." in "".join(capsys.readouterr())


@pytest.mark.parametrize("words", ["batches", "orders", "audit", "rerun --failed"])
def test_a_ledger_in_a_missing_folder_is_not_taken_for_an_empty_ledger(
    folder: Path, mfn: Mfn, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setenv("MFN_LEDGER_URL", f"sqlite:///{folder}/nowhere/ledger.db")
    status, document = mfn(*words.split())
    assert (status, f"its folder {folder}/nowhere does not exist" in document["error"]) == (1, True)
    assert not (folder / "nowhere").exists()


@pytest.mark.usefixtures("folder")
def test_a_list_says_so_and_for_which_ledger_if_nothing_ever_ran(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["batches", "--failed"]) == 0
    assert "no failed batches: there is no ledger sqlite:///" in capsys.readouterr().out
