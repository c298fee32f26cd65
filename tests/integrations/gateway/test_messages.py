"""The name server's parts that need no socket: messages, tables, bounds."""

import json
from pathlib import Path

import dns.message
import dns.name
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.integrations.gateway.resolver import messages, tables
from skerry.integrations.gateway.resolver.quota import Quota

labels = st.text("abcXYZ019-_", min_size=1, max_size=63)
names = st.lists(labels, min_size=1, max_size=3).map(".".join)
kinds = st.sampled_from(["A", "AAAA", "MX", "TXT", "SRV", "HTTPS", "PTR"])
KNOWN = {messages.wire_name("redis"): b"\x0a\x00\x00\x07"}


@given(st.binary(max_size=80))
def test_nothing_that_is_sent_raises_an_error(message: bytes) -> None:
    asked = messages.question(message)
    if asked is None:
        said = messages.complaint(message)
        assert not said or said[:2] == message[:2]
    else:
        tables.answer(KNOWN, message, asked)
        assert messages.failure(message, asked)[:2] == message[:2]


@given(names, kinds, st.booleans())
def test_questions_are_read_as_a_whole_library_reads_them(name: str, kind: str, edns: bool) -> None:
    query = dns.message.make_query(name, kind, use_edns=edns)
    asked = messages.question(query.to_wire())
    assert asked is not None
    assert asked.name == query.question[0].name.canonicalize().to_wire() == _wire(name)
    assert asked.kind == query.question[0].rdtype


@given(names, kinds, st.booleans())
def test_our_answers_are_what_a_whole_library_takes_for_answers(
    name: str, kind: str, edns: bool
) -> None:
    query = dns.message.make_query(name, kind, use_edns=edns)
    wire = query.to_wire()
    asked = messages.question(wire)
    assert asked is not None
    said = tables.answer({_wire(name): b"\x0a\x00\x00\x07"}, wire, asked)
    assert said is not None
    answer = dns.message.from_wire(said)
    assert query.is_response(answer)
    assert answer.question[0].name.to_text() == query.question[0].name.to_text()  # its capitals
    assert (answer.edns >= 0) == edns
    data = [item.to_text() for rrset in answer.answer for item in rrset]
    assert data == (["10.0.0.7"] if kind == "A" else [])
    assert all(rrset.ttl == messages.TTL_SECONDS for rrset in answer.answer)


@given(names)
def test_only_a_name_of_several_labels_is_asked_of_others(name: str) -> None:
    wire = dns.message.make_query(name, "A").to_wire()
    asked = messages.question(wire)
    assert asked is not None
    assert (tables.answer({}, wire, asked) is None) == ("." in name)


def test_an_answer_is_one_only_to_its_own_question() -> None:
    query = dns.message.make_query("a.example", "A")
    other = dns.message.make_query("b.example", "A", id=query.id)
    wire = query.to_wire()
    asked = messages.question(wire)
    assert asked is not None
    good = dns.message.make_response(query)
    assert messages.answers(good.to_wire(), wire, asked)
    assert not messages.answers(dns.message.make_response(other).to_wire(), wire, asked)
    assert not messages.answers(messages.with_id(good.to_wire(), query.id ^ 1), wire, asked)
    assert not messages.answers(wire, wire, asked)
    assert not messages.answers(b"", wire, asked)


@pytest.mark.parametrize("name", ["", "a..b", "x" * 64, "é", ".".join(["x" * 60] * 5)])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        messages.wire_name(name)


@pytest.mark.parametrize("content", ["", "[]", '{"version": "1"}', '{"version":"1","tables":[]}'])
def test_a_broken_file_holds_no_tables(tmp_path: Path, content: str) -> None:
    path = tmp_path / "names.json"
    path.write_text(content)
    with pytest.raises(ValueError):
        tables.read(str(path))


def test_a_file_of_names_is_read(tmp_path: Path) -> None:
    path = tmp_path / "names.json"
    path.write_text(json.dumps({"version": "1", "tables": {"127.0.0.9": {"Redis": "10.0.0.7"}}}))
    assert tables.read(str(path)) == tables.Tables("1", {"127.0.0.9": KNOWN})


def test_one_client_leaves_room_for_others() -> None:
    quota = Quota(most=3, each=2)
    with quota.one("a") as first, quota.one("a") as second, quota.one("a") as third:
        assert (first, second, third) == (True, True, False)
        with quota.one("b") as other, quota.one("c") as beyond:
            assert (other, beyond) == (True, False)
    assert quota.used == 0


def _wire(name: str) -> bytes:
    return dns.name.from_text(name).canonicalize().to_wire()
