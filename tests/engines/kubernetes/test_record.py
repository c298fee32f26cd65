"""Releases as records of a cell, without a cluster."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from skerry.engines.kubernetes.history import HISTORY, surplus
from skerry.engines.kubernetes.index import Entry
from skerry.engines.kubernetes.kept import read, shard_of, stack_of, written
from skerry.engines.kubernetes.record import read_record, record_of, verdict_patch
from skerry.model.change import Release, Verdict
from skerry.model.keys import ServiceKey
from skerry.model.stack import tenant_key

NOW = datetime(2026, 11, 21, tzinfo=UTC)
OBJECT = {"kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"a": "b" * 2000}}


def release(number: int, service: ServiceKey, **other: Any) -> Release:
    """One that has all there can be."""
    made = Release(
        service=service,
        number=number,
        image="web:1",
        by="ann",
        at=NOW,
        reason="new",
        inputs="ab-cd",
        objects=(OBJECT,),
        before={"kind": "Job"},
    )
    return replace(made, **other)


def test_a_record_gives_back_what_was_written() -> None:
    web = ServiceKey("default", "web")
    ended = release(3, web, verdict=Verdict.FAILED, verdict_reason="exited 1")
    record = record_of([ended], name="r-web-3")
    assert read_record(record) == {0: ended}
    assert len(record["data"]["packed"]) < 300


def test_metadata_alone_tells_all_but_the_objects() -> None:
    tenants = [tenant_key("eu", name) for name in ("acme", "globex")]
    record = record_of([release(1, each) for each in tenants], name="")
    told = read_record({"metadata": record["metadata"]})
    bare = [release(1, each, objects=(), before=None) for each in tenants]
    assert told == dict(enumerate(bare))


def test_a_verdict_reaches_the_release_at_its_place() -> None:
    acme, globex = (release(1, tenant_key("eu", name)) for name in ("acme", "globex"))
    record = record_of([acme, globex], name="")
    judged = replace(globex, verdict=Verdict.DEPLOYED)
    record["metadata"]["annotations"] |= verdict_patch({1: judged})["metadata"]["annotations"]
    assert read_record(record) == {0: acme, 1: judged}
    assert read_record(record, {judged.service}) == {1: judged}


def test_the_same_releases_make_the_same_record() -> None:
    tenants = [release(1, tenant_key("eu", name)) for name in ("acme", "globex")]
    names = {record_of(tenants, name="")["metadata"]["name"] for _ in range(2)}
    assert len(names) == 1


def test_history_keeps_the_newest() -> None:
    assert surplus(range(1, HISTORY + 3), good=HISTORY) == [1, 2]
    assert surplus(range(1, HISTORY + 3), good=1) == [2]
    assert surplus([7], good=None) == []


def test_a_key_of_a_config_map_is_read_back() -> None:
    for service in (ServiceKey("default", "web"), ServiceKey("a-b", "c.d")):
        assert read(written(service)) == service
        assert 0 <= shard_of(service) < 16


def test_a_tenants_stack_is_read_off_its_key() -> None:
    assert stack_of(tenant_key("eu-customers", "acme")) == "eu-customers"
    assert stack_of(ServiceKey("default", "web")) is None
    assert stack_of(ServiceKey("web", "web")) is None


def test_a_spoilt_entry_still_tells_whose_the_service_is() -> None:
    entry = Entry(inputs="0123-mark", release="7", fields="beef")
    assert Entry.read(entry.write()) == entry
    assert entry.spoilt.inputs == "changing-mark"
    assert entry.spoilt.spoilt == entry.spoilt
    assert Entry.read("0123-mark") == Entry(inputs="0123-mark")
