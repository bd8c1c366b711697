"""`mfn keys`: a new encryption key for buyers' data, and everything encrypted again under it."""

from __future__ import annotations

from dataclasses import asdict

import typer

from mfn.cli.output import JsonOption, print_json, print_line
from mfn.settings import load_settings

keys = typer.Typer(help="Change the keys that buyers' data is encrypted with.", no_args_is_help=True)


def add_to(application: typer.Typer) -> None:
    """Add the commands of this file."""
    application.add_typer(keys, name="keys")


@keys.callback()
def _keys() -> None:
    """Change the keys that buyers' data is encrypted with."""


@keys.command()
def rotate(as_json: JsonOption = False) -> None:
    """Encrypt everything again under a new key. Old keys are retired while runs go on. If interrupted, run it again."""
    from mfn.ledger.key_file import retired_file  # noqa: PLC0415 - so that --help answers at once
    from mfn.steps.privacy.key_rotation import rotate_keys  # noqa: PLC0415

    settings = load_settings()
    rotation = rotate_keys(settings)
    if as_json:
        print_json(asdict(rotation))
        return
    retired = ", ".join(rotation.retired)
    print_line(f"key {rotation.key_id} encrypts everything; {rotation.reencrypted} pages and chunks were re-encrypted")
    print_line(f"retired: {retired or 'none'}")
    if settings.pii_keys is not None:
        print_line("next: on every machine, remove all keys but the first from MFN_PII_KEYS; keep them for old backups")
    elif retired:
        path = retired_file(settings.keys_file)
        print_line(f"next: back up {settings.keys_file}; once no older backup is kept, delete {path}")


@keys.command()
def new(as_json: JsonOption = False) -> None:
    """Print a new key for MFN_PII_KEYS. It is not stored anywhere."""
    from mfn.ledger.encryption import new_key  # noqa: PLC0415 - so that --help answers at once

    if as_json:
        print_json({"key": new_key()})
    else:
        print_line(new_key())
