"""What the doctor sees on a machine, and what it says to do about it."""

import asyncio
import os
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from skerry.errors import EngineUnavailable
from skerry.integrations.doctor.doctor import MachineDoctor, in_thread
from skerry.integrations.doctor.folder import LITTLE_BYTES, look_at_folder
from skerry.integrations.doctor.gateway import look_at_envoy, look_at_ports
from skerry.integrations.doctor.limits import look_at_limits
from skerry.integrations.doctor.names import look_at_names, look_at_trust
from skerry.model.cell import Cell
from skerry.model.process import Check


def by_name(checks: Iterable[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


class TestTheDoctor:
    async def test_a_look_that_breaks_or_hangs_stops_no_other(self) -> None:
        async def gone() -> Iterable[Check]:
            raise EngineUnavailable("nobody answers", subject="engine", hint="skerry up")

        async def hangs() -> Iterable[Check]:
            await asyncio.sleep(60)
            raise AssertionError

        def broken() -> Iterable[Check]:
            raise PermissionError(13, "no")

        def well() -> Iterable[Check]:
            yield Check(name="disk", ok=True, message="room")

        looks = {"engine": gone, "slow": hangs, "odd": in_thread(broken), "disk": in_thread(well)}
        checks = await MachineDoctor(looks, seconds=0.2).checks()
        assert [(check.name, check.ok, check.stops) for check in checks] == [
            ("engine", False, True),
            ("slow", False, False),
            ("odd", False, False),
            ("disk", True, True),
        ]
        assert checks[0].hint == "skerry up"


class TestTheStateFolder:
    def test_a_folder_of_ones_own_is_well(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o700)
        (tmp_path / "key").touch(mode=0o600)
        assert all(check.ok for check in look_at_folder(tmp_path, free=LITTLE_BYTES))

    @pytest.mark.parametrize(("mode", "stops"), [(0o755, False), (0o777, True)])
    def test_a_folder_open_to_others_is_named_with_what_closes_it(
        self, tmp_path: Path, mode: int, stops: bool
    ) -> None:
        tmp_path.chmod(mode)
        check = by_name(look_at_folder(tmp_path))["state folder"]
        assert (check.ok, check.stops, check.hint) == (False, stops, f"chmod 700 {tmp_path}")

    def test_a_key_others_can_read_stops_the_server(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o700)
        (tmp_path / "key").touch(mode=0o644)
        check = by_name(look_at_folder(tmp_path))["secrets key"]
        assert (check.ok, check.stops) == (False, True)
        assert check.hint == f"chmod 600 {tmp_path}/key"

    def test_a_folder_that_is_not_there_yet_is_not_made(self, tmp_path: Path) -> None:
        folder = tmp_path / "a" / "b"
        assert by_name(look_at_folder(folder))["state folder"].message == f"{folder} will be made"
        assert not (tmp_path / "a").exists()

    @pytest.mark.parametrize(("free", "stops"), [(LITTLE_BYTES - 1, False), (1 << 20, True)])
    def test_a_full_disk_stops_services_and_a_nearly_full_one_warns(
        self, tmp_path: Path, free: int, stops: bool
    ) -> None:
        check = by_name(look_at_folder(tmp_path, free=free))["disk"]
        assert (check.ok, check.stops) == (False, stops)
        assert check.hint.startswith("df -h")


class TestLimits:
    @pytest.mark.parametrize(
        ("most", "ok", "stops"), [(128, True, False), (6, False, False), (4, False, True)]
    )
    def test_inotify_instances_are_counted(
        self, tmp_path: Path, most: int, ok: bool, stops: bool
    ) -> None:
        (tmp_path / "sys/fs/inotify").mkdir(parents=True)
        (tmp_path / "sys/fs/inotify/max_user_instances").write_text(f"{most}\n")
        descriptors = tmp_path / "42" / "fd"
        descriptors.mkdir(parents=True)
        (descriptors / "3").symlink_to("anon_inode:inotify")
        (descriptors / "4").symlink_to("socket:[1]")
        check = by_name(look_at_limits(proc=tmp_path))["inotify"]
        assert (check.ok, check.stops) == (ok, stops)
        assert check.message.startswith(f"1 of {most} instances used")
        assert bool(check.hint) is not ok

    def test_a_low_limit_of_open_files_says_what_it_means(self, tmp_path: Path) -> None:
        check = by_name(look_at_limits(proc=tmp_path, files=1024))["open files"]
        assert (check.ok, check.stops) == (False, False)
        assert "about 409 connections" in check.message

    def test_this_machine_can_be_looked_at(self) -> None:
        assert "open files" in by_name(look_at_limits())


class TestNames:
    def test_names_that_lead_somewhere_are_well(self) -> None:
        (check,) = look_at_names(Cell(), resolve=lambda _: {"127.0.0.1"})
        assert (check.ok, check.message) == (True, "*.localhost leads to 127.0.0.1")

    def test_localhost_names_that_do_not_resolve_are_a_warning(self) -> None:
        (check,) = look_at_names(Cell(), resolve=lambda _: set())
        assert (check.ok, check.stops) == (False, False)
        assert "libnss-myhostname" in check.hint

    def test_another_domain_needs_a_record(self) -> None:
        (check,) = look_at_names(Cell(domain="acme.dev"), resolve=lambda _: set())
        assert check.hint == "add a DNS record for *.acme.dev with this machine's address"

    def test_an_authority_nobody_installed_says_trust(self, tmp_path: Path) -> None:
        authority, root = tmp_path / "authority", tmp_path / "root"
        assert list(look_at_trust(authority, root=root)) == []
        authority.mkdir()
        (authority / "root.crt").write_text("ours")
        (check,) = look_at_trust(authority, root=root)
        assert (check.ok, check.stops, check.hint) == (False, False, "skerry trust")
        store = root / "usr/local/share/ca-certificates"
        store.mkdir(parents=True)
        for content, ok in (("an older one", False), ("ours", True)):
            (store / "skerry-local-authority.crt").write_text(content)
            (check,) = look_at_trust(authority, root=root)
            assert check.ok is ok


class TestTheGateway:
    async def test_envoy_is_found_and_run(self) -> None:
        (check,) = await look_at_envoy()
        assert check.ok, check
        assert check.message.startswith("Envoy 1.")

    async def test_an_envoy_that_is_missing_or_breaks_stops_services(self, tmp_path: Path) -> None:
        broken = tmp_path / "envoy"
        broken.write_text(f"#!{sys.executable}\nraise SystemExit('wrong machine')\n")
        broken.chmod(0o755)
        for path, said in ((tmp_path / "none", "cannot be started"), (broken, "wrong machine")):
            (check,) = await look_at_envoy(path)
            assert (check.ok, check.stops) == (False, True)
            assert said in check.message
            assert check.hint

    def test_ports_are_free_or_somebody_is_named(self, tmp_path: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            cell = Cell(http=port, https=free_port())
            first, second = look_at_ports(tmp_path, cell)
        assert (first.ok, second.ok) == (False, True)
        assert f"(pid {os.getpid()})" in first.message
        assert first.hint == "end it, or set SKERRY_HTTP_PORT to another port"
