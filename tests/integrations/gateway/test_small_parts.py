"""The parts that need no Envoy: authority, connections, log rotation, ports, name servers."""

import os
import socket
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from skerry.errors import GatewayUnavailable
from skerry.integrations.gateway.access_log import rotate
from skerry.integrations.gateway.authority import LEAF_DAYS, RENEW_DAYS, open_authority
from skerry.integrations.gateway.connections import connected, established_sockets
from skerry.integrations.gateway.files import WatchedFile
from skerry.integrations.gateway.occupant import check_free
from skerry.integrations.gateway.publisher import refusal
from skerry.integrations.gateway.resolvers import machine_resolvers
from skerry.model.proxy import Address

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    open_authority(tmp_path / "a", NOW)
    assert stat.S_IMODE(os.stat(tmp_path / "a").st_mode) == 0o700
    for name in ("root.key", "leaf.key"):
        assert stat.S_IMODE(os.stat(tmp_path / "a" / name).st_mode) == 0o600


def test_a_reopened_authority_is_the_same_and_signs_nothing_anew(tmp_path: Path) -> None:
    first = open_authority(tmp_path, NOW)
    leaf = first.leaves(["web.localhost"], NOW)
    again = open_authority(tmp_path, NOW)
    assert again.pem == first.pem
    assert again.leaves(["web.localhost"], NOW) == leaf


def test_a_certificate_is_renewed_in_time_and_in_a_new_file(tmp_path: Path) -> None:
    authority = open_authority(tmp_path, NOW)
    old = authority.leaves(["web.localhost"], NOW)["web.localhost"]
    just_before = NOW + timedelta(days=LEAF_DAYS - RENEW_DAYS - 1)
    assert not authority.due(["web.localhost"], just_before)
    late = just_before + timedelta(days=2)
    assert authority.due(["web.localhost"], late)
    new = authority.leaves(["web.localhost"], late)["web.localhost"]
    assert new != old
    assert x509.load_pem_x509_certificate(new.read_bytes()).not_valid_after_utc > late
    authority.prune(["web.localhost"])
    assert new.exists() and not old.exists()


def test_a_broken_authority_is_not_silently_replaced(tmp_path: Path) -> None:
    open_authority(tmp_path, NOW)
    (tmp_path / "root.crt").write_text("nonsense")
    with pytest.raises(GatewayUnavailable, match="cannot be read"):
        open_authority(tmp_path, NOW)


@pytest.fixture
def listener():
    """A server that accepts nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=600) as server:
        yield server


def test_only_addresses_with_an_established_connection_are_connected(listener) -> None:
    there = Address(*listener.getsockname())
    nobody = Address("127.0.0.1", 1)
    assert connected([there, nobody]) == frozenset()
    with socket.create_connection(there):
        assert connected([nobody, there]) == {there}
        assert connected([there, nobody]) == {there}
    assert connected([]) == frozenset()


def test_many_addresses_and_many_connections_are_told_apart(listener) -> None:
    there = Address(*listener.getsockname())
    others = [Address(f"127.9.{n // 250}.{n % 250 + 1}", 80) for n in range(1200)]
    connections = [socket.create_connection(there) for _ in range(300)]
    try:
        assert connected([*others, there]) == {there}
        inodes = {os.fstat(connection.fileno()).st_ino for connection in connections}
        assert inodes <= established_sockets()
    finally:
        for connection in connections:
            connection.close()


def test_a_log_is_rotated_by_size_and_the_oldest_goes(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    assert not rotate(log, most_bytes=10)
    for number in range(5):
        log.write_text(f"{number}" * 20)
        assert rotate(log, most_bytes=10, kept=3)
    log.write_text("short")
    assert not rotate(log, most_bytes=10, kept=3)
    kept = {path.name: path.read_text()[0] for path in tmp_path.iterdir()}
    assert kept.pop("access.log") == "s"
    assert kept == {"access.log.1": "4", "access.log.2": "3", "access.log.3": "2"}


def test_a_taken_port_names_its_owner_and_the_setting(listener) -> None:
    address = Address(*listener.getsockname())
    with pytest.raises(GatewayUnavailable) as caught:
        check_free(address, setting="http")
    assert f"port {address.port}" in caught.value.cause
    assert f"(pid {os.getpid()})" in caught.value.cause
    assert "`http:`" in caught.value.hint


def test_a_file_is_replaced_only_when_its_content_changes(tmp_path: Path) -> None:
    file = WatchedFile(tmp_path / "f.json")
    assert file.write([b'{"a":1}'])
    assert not file.write([b'{"a":1}'])
    assert not WatchedFile(tmp_path / "f.json").write([b'{"a":1}'])
    before = os.stat(tmp_path / "f.json").st_ino
    assert file.write([b'{"a":1}'], anyway=True)
    assert os.stat(tmp_path / "f.json").st_ino != before
    assert b'"version_info":"%s"' % file.version.encode() in (tmp_path / "f.json").read_bytes()


def test_what_could_not_be_written_is_not_taken_for_written(tmp_path: Path) -> None:
    file = WatchedFile(tmp_path / "later" / "f.json")
    with pytest.raises(OSError):
        file.write([b"1"])
    assert file.version == ""
    (tmp_path / "later").mkdir()
    assert file.write([b"1"])
    assert not file.write([b"1"])


def test_name_servers_are_read_from_resolv_conf(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("# c\nnameserver 10.0.0.2\nnameserver fe80::1%eth0\nsearch a b\nnameserver x\n")
    assert machine_resolvers(path) == (Address("10.0.0.2", 53), Address("fe80::1%eth0", 53))
    assert machine_resolvers(tmp_path / "none") == ()


def test_the_reason_of_a_refusal_is_found_behind_what_was_refused() -> None:
    said = "[x][warning] Filesystem config update rejected: in {\n a\n}\n: port must be set\n[2026]"
    assert refusal(said).endswith("port must be set")
    assert refusal("[x][warning] all is well") == ""
