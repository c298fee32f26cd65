"""Whatever is thrown at the loader, it answers with a repository or with problems."""

import string

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.model.repository import Repository
from skerry.model.service import Service
from skerry.model.sources import Sources
from skerry.spec.load import Loader
from tests.spec.repositories import outcome, sources

FIELDS = sorted([*Service.model_fields, "cell", "stack", "version", "defaults", "nonsense"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["30s", "256Mi", "50%", "none", "web", "a/b", "store:x", "./x", "/x", "-1s"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.sampled_from(["min", "max", "cpu", "path", "host", "A"]), SCALARS),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)
DOCUMENTS = st.one_of(
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6),
    st.builds(
        lambda more: {"service": "web", "image": "web:1", **more},
        st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3),
    ),
    VALUES,
)
JUNK = st.text(
    st.one_of(
        st.sampled_from("&*!|>%@`\"'{}[]-?:,#\n\t \r\ufeff\x00\x85\u2028<~=."),
        st.sampled_from(string.ascii_lowercase + string.digits),
        st.characters(),
    ),
    max_size=60,
)
SAMPLE = settings(max_examples=150, deadline=None)


@SAMPLE
@given(JUNK, JUNK)
def test_any_text_gives_a_repository_or_problems(text: str, more: str) -> None:
    for given_text in (text, f"service: web\nimage: web:1\nenv: {text}", f"{text}\n---\n{more}"):
        answer = outcome(sources(given_text, settings=f"defaults: {more}"))
        assert answer or isinstance(answer, Repository)


@SAMPLE
@given(st.lists(DOCUMENTS, max_size=3))
def test_any_yaml_gives_a_repository_or_problems(documents: list[object]) -> None:
    answer = outcome(sources(*(yaml.safe_dump(each, allow_unicode=True) for each in documents)))
    if isinstance(answer, tuple):
        assert all(": " in line for line in answer)


NAMES = st.sampled_from(["a", "b", "c", "d"])
SMALL = st.builds(
    lambda name, team, depends, port: yaml.safe_dump(
        {"service": name, "image": f"{name}:1", "depends": depends, "port": port}
        | ({"team": team} if team else {})
    ),
    NAMES,
    st.sampled_from(["", "t"]),
    st.lists(st.one_of(NAMES, st.just("t/a")), max_size=2),
    st.sampled_from([80, 81, 0]),
)
STATES = st.builds(
    lambda documents, defaults: sources(*documents, settings=defaults),
    st.lists(SMALL, max_size=4, unique=True),
    st.sampled_from(["", "defaults: {drain: 5s}", "required_tags: [x]"]),
)


@SAMPLE
@given(st.lists(STATES, min_size=2, max_size=5))
def test_loading_step_by_step_equals_loading_at_once(states: list[Sources]) -> None:
    loader = Loader()
    for state in states:
        assert outcome(state, loader=loader) == outcome(state)
