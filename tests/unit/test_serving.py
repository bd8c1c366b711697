"""Sockets that this project's servers listen on."""

from __future__ import annotations

import socket

import pytest

from mfn.errors import ConfigurationError
from mfn.serving import listen


def test_an_answer_is_sent_at_once_and_waits_for_no_acknowledgement() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("", 0, "Use e.g. 127.0.0.1, or 0.0.0.0"),
        ("192.0.2.1", 0, "Use an address of this machine"),
        ("a..b", 0, "Use an address of this machine"),
        ("127.0.0.1", 65536, "a port up to 65535"),
    ],
)
def test_an_address_of_another_machine_is_reported_as_such(host: str, port: int, expected: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        listen(host, port)
    assert expected in refused.value.remedy


def test_a_port_in_use_is_reported_with_the_option_that_names_another() -> None:
    with listen("127.0.0.1", 0) as listener, pytest.raises(ConfigurationError) as refused:
        listen("127.0.0.1", listener.getsockname()[1], setting="--reports-port")
    assert refused.value.remedy.startswith("Choose another one with --reports-port, or stop")
