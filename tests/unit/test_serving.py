"""Sockets that this project's servers listen on."""

from __future__ import annotations

import socket

from mfn.serving import listen


def test_an_answer_is_sent_at_once_and_waits_for_no_acknowledgement() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
