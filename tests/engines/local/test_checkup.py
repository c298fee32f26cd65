"""What the doctor sees in a container engine."""

import pytest

from skerry.engines.local.checkup import (
    look_at_engine,
    network_checks,
    reach_checks,
    runtime_checks,
)
from skerry.engines.local.host import Reach, look_at

INFO = {
    "DefaultRuntime": "crun",
    "CgroupVersion": "2",
    "CgroupDriver": "systemd",
    "MemoryLimit": True,
    "CpuCfsQuota": True,
    "PidsLimit": True,
}
PODMAN = {"networkBackend": "netavark", "ociRuntime": {"name": "crun", "path": "/usr/bin/crun"}}


def there(_name: str) -> str | None:
    return "/usr/sbin/ip"


def missing(_name: str) -> str | None:
    return None


class TestTheRuntime:
    def test_crun_with_new_cgroups_is_well(self) -> None:
        (check,) = runtime_checks(INFO, PODMAN)
        assert check.ok
        assert check.message == "crun, cgroups v2 by systemd, /usr/bin/crun"

    def test_crun_with_old_cgroups_is_a_warning(self) -> None:
        (check,) = runtime_checks({**INFO, "CgroupVersion": "1"}, PODMAN)
        assert (check.ok, check.stops) == (False, False)
        assert "runc" in check.hint

    def test_limits_that_do_not_hold_are_named(self) -> None:
        checks = list(runtime_checks({**INFO, "MemoryLimit": False, "PidsLimit": False}, PODMAN))
        assert "limits of memory, processes do not hold" in checks[1].message
        assert not checks[1].stops

    def test_no_runtime_stops_services(self) -> None:
        (check,) = runtime_checks({**INFO, "DefaultRuntime": ""}, PODMAN)
        assert (check.ok, check.stops) == (False, True)


class TestTheNetwork:
    def test_podmans_old_backend_stops_services_and_docker_has_its_own(self) -> None:
        assert [check.ok for check in network_checks(PODMAN)] == [True]
        (check,) = network_checks({**PODMAN, "networkBackend": "cni"})
        assert (check.ok, check.stops) == (False, True)
        assert list(network_checks({})) == []

    def test_routing_needs_ip_and_the_right_to_set_routes(self) -> None:
        ip, way = reach_checks(Reach.ROUTED, possible=Reach.ROUTED, which=missing, capable=False)
        assert (ip.ok, ip.hint) == (False, "apt install iproute2")
        assert (way.ok, way.stops) == (False, True)
        good = reach_checks(Reach.ROUTED, possible=Reach.ROUTED, which=there, capable=True)
        assert all(check.ok for check in good)

    def test_published_ports_say_what_they_cost(self) -> None:
        (forced,) = reach_checks(Reach.PUBLISHED, possible=Reach.PUBLISHED)
        (chosen,) = reach_checks(Reach.PUBLISHED, possible=Reach.ROUTED)
        assert (forced.ok, chosen.ok, chosen.stops) == (True, False, False)
        assert "a deploy may cut a connection between them" in forced.message

    def test_asking_for_routes_where_there_are_none_stops_services(self) -> None:
        *_, way = reach_checks(Reach.ROUTED, possible=Reach.PUBLISHED, which=there, capable=True)
        assert (way.ok, way.hint) == (False, "unset SKERRY_REACH")


@pytest.mark.engine
async def test_a_real_engine_is_looked_at(docker_url: str) -> None:
    host = await look_at(docker_url)
    assert host is not None
    try:
        checks = {check.name: check for check in await look_at_engine(host, host.reach)}
    finally:
        await host.api.close()
    assert checks["container engine"].message == f"{host.name} {host.version} answers"
    assert {"runtime", "reach"} <= set(checks)
