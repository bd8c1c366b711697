"""Buyers' data at rest: AES-256-GCM, a key for the whole ledger, newest first; the decision is docs/decisions/0004."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mfn.errors import ConfigurationError, FatalError

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY_BYTES = 32
KEY_ID_BYTES = 8
NONCE_BYTES = 12
REMEDY = (
    "Set MFN_PII_KEYS to the keys this ledger was written with, newest first, comma separated,"
    " or restore MFN_HOME/keys."
)


@dataclass(frozen=True)
class Key:
    """One encryption key.

    Attributes:
        key_id: Hexadecimal digest that identifies the key without revealing it; precedes everything that it
            encrypted.
        cipher: The cipher with this key.
    """

    key_id: str
    cipher: AESGCM = field(repr=False)


def new_key() -> str:
    """A fresh key as text: 32 random bytes in URL-safe base64."""
    return base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()


def parse_keys(text: str, *, origin: str) -> tuple[Key, ...]:
    """Keys from their text.

    Args:
        text: Keys in URL-safe base64, newest first, separated by commas or lines.
        origin: Where the text came from, for the message.

    Raises:
        ConfigurationError: One of them is not 32 bytes in base64; the message names its position, never its value.
    """
    keys = []
    for number, entry in enumerate((part.strip() for part in text.replace("\n", ",").split(",")), start=1):
        if not entry:
            continue
        try:
            raw = base64.urlsafe_b64decode(entry.encode())
        except (binascii.Error, UnicodeEncodeError):
            raw = b""
        if len(raw) != KEY_BYTES:
            raise ConfigurationError(f"{origin}: key {number} is not 32 bytes in URL-safe base64.", remedy=REMEDY)
        keys.append(Key(hashlib.sha256(raw).hexdigest()[: KEY_ID_BYTES * 2], AESGCM(raw)))
    if not keys:
        raise ConfigurationError(f"{origin} contains no key.", remedy=REMEDY)
    return tuple(keys)


def key_id_of(sealed: bytes) -> str:
    """The id of the key that something was encrypted with.

    Args:
        sealed: What `Cipher.encrypt` returned.
    """
    return sealed[:KEY_ID_BYTES].hex()


def proof_of(key: Key, secret: bytes) -> bytes:
    """The ledger's own secret under a key, which proves the key when the ledger is opened."""
    return Cipher([key]).encrypt(secret, context=key.key_id)


def proven_secret(key: Key, proof: bytes) -> bytes:
    """The ledger's own secret, from what `proof_of` returned.

    Raises:
        FatalError: The proof was changed, or is another key's.
    """
    return Cipher([key]).decrypt(proof, context=key.key_id)


class Cipher:
    """Encrypts with the newest key, decrypts with whichever fits.

    Args:
        keys: Newest first, at least one.
        secret: The ledger's own secret, with which fingerprints are made; it stays when keys change.

    Attributes:
        newest: The id of the key that encrypts.
    """

    def __init__(self, keys: Sequence[Key], secret: bytes = b"") -> None:
        self._secret = secret
        self._by_id = {bytes.fromhex(key.key_id): key.cipher for key in keys}
        self._newest = bytes.fromhex(keys[0].key_id), keys[0].cipher
        self.newest = keys[0].key_id

    def has(self, key_id: str) -> bool:
        """Whether this cipher can decrypt what was encrypted with a key."""
        return bytes.fromhex(key_id) in self._by_id

    def encrypt(self, plain: bytes, *, context: str) -> bytes:
        """Encrypt bytes, so that they may be stored.

        Args:
            plain: Any bytes.
            context: What the bytes belong to, e.g. connection and order id; the same is needed to decrypt, so that a
                row's content cannot be moved to another row.
        """
        key_id, cipher = self._newest
        nonce = os.urandom(NONCE_BYTES)
        return key_id + nonce + cipher.encrypt(nonce, plain, context.encode())

    def decrypt(self, sealed: bytes, *, context: str) -> bytes:
        """Decrypt what `encrypt` returned.

        Raises:
            FatalError: No key fits, or the row was changed.
        """
        key_id, nonce = sealed[:KEY_ID_BYTES], sealed[KEY_ID_BYTES : KEY_ID_BYTES + NONCE_BYTES]
        cipher = self._by_id.get(key_id)
        if cipher is None:
            raise FatalError(f"no key fits what is stored for {context} (it needs key {key_id.hex()}).", remedy=REMEDY)
        try:
            return cipher.decrypt(nonce, sealed[KEY_ID_BYTES + NONCE_BYTES :], context.encode())
        except (InvalidTag, ValueError):  # ValueError: it is too short
            raise FatalError(
                f"what is stored for {context} was changed or belongs to another row.",
                remedy="Restore the ledger from a backup, or fetch the order again: mfn import CONNECTION --order ID.",
            ) from None

    def digest(self, plain: bytes) -> str:
        """A fingerprint for "is it still the same", made with a secret so that nothing can be guessed from it."""
        return hashlib.blake2b(plain, key=self._secret, digest_size=16).hexdigest()
