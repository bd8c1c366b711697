"""Buyers' data at rest: only the right key and the right row give it back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfn.errors import ConfigurationError, FatalError
from mfn.ledger.encryption import Cipher, new_key, parse_keys

KEYS = parse_keys(f"{new_key()},{new_key()}", origin="test")
CIPHER = Cipher(KEYS, b"secret")


@given(plain=st.binary(max_size=200), context=st.text(max_size=20))
def test_what_was_encrypted_comes_back_and_looks_like_nothing(plain: bytes, context: str) -> None:
    try:
        context.encode()
    except UnicodeEncodeError:
        return
    sealed = CIPHER.encrypt(plain, context=context)
    assert CIPHER.decrypt(sealed, context=context) == plain
    assert len(plain) < 4 or plain not in sealed
    assert CIPHER.encrypt(plain, context=context) != sealed


@given(plain=st.binary(min_size=1, max_size=50), position=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_one_changed_byte_anywhere_is_noticed(plain: bytes, position: int, flip: int) -> None:
    sealed = bytearray(CIPHER.encrypt(plain, context="us 1"))
    sealed[position % len(sealed)] ^= flip
    with pytest.raises(FatalError):
        CIPHER.decrypt(bytes(sealed), context="us 1")


@pytest.mark.parametrize("length", [0, 1, 8, 19, 20, 35])
def test_what_was_cut_short_is_noticed(length: int) -> None:
    with pytest.raises(FatalError):
        CIPHER.decrypt(CIPHER.encrypt(b"a buyer", context="us 1")[:length], context="us 1")


def test_the_content_of_one_row_cannot_be_moved_to_another() -> None:
    sealed = CIPHER.encrypt(b"a buyer", context="us 1")
    with pytest.raises(FatalError, match="us 2 was changed or belongs to another row"):
        CIPHER.decrypt(sealed, context="us 2")


def test_a_missing_key_is_named_and_neither_key_nor_content_is_shown() -> None:
    other = Cipher(parse_keys(new_key(), origin="test"), b"secret")
    sealed = other.encrypt(b"Planted Name", context="us 1")
    with pytest.raises(FatalError) as caught:
        CIPHER.decrypt(sealed, context="us 1")
    assert sealed[:8].hex() in caught.value.message
    assert "MFN_PII_KEYS" in caught.value.remedy
    assert "Planted" not in caught.value.message


def test_the_newest_key_encrypts_and_every_key_decrypts() -> None:
    old = Cipher(KEYS[1:], b"secret").encrypt(b"a buyer", context="us 1")
    assert CIPHER.decrypt(old, context="us 1") == b"a buyer"
    assert CIPHER.encrypt(b"x", context="us 1")[:8].hex() == KEYS[0].key_id


def test_keys_are_split_at_commas_and_lines_and_a_bad_one_is_named_by_its_place_only() -> None:
    first, second = new_key(), new_key()
    assert len(parse_keys(f" {first} ,\n{second}\n", origin="test")) == 2
    with pytest.raises(ConfigurationError, match=r"^test: key 2 is not 32 bytes") as caught:
        parse_keys(f"{first},{second[:-6]}", origin="test")
    assert second[:10] not in caught.value.message


def test_a_key_never_shows_itself() -> None:
    text = new_key()
    assert text.rstrip("=\n") not in repr(parse_keys(text, origin="test"))


def test_fingerprints_are_the_same_for_the_same_and_cannot_be_guessed_without_the_secret() -> None:
    assert CIPHER.digest(b"1 Example Street") == CIPHER.digest(b"1 Example Street")
    assert CIPHER.digest(b"1 Example Street") != CIPHER.digest(b"2 Example Street")
    assert CIPHER.digest(b"1 Example Street") != Cipher(KEYS, b"other").digest(b"1 Example Street")
