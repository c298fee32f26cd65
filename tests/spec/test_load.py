"""What a valid repository becomes."""

import pytest

from skerry.model.keys import ServiceKey
from skerry.model.sources import Sources, SourceText
from skerry.spec.load import Loader, load
from tests.spec.repositories import only, outcome, sources, told

WEB = "service: web\nimage: web:1"


def test_two_lines_are_a_service() -> None:
    repository = load(sources(WEB))
    (declared,) = repository.services
    assert repository.name == "shop"
    assert declared.service.key == ServiceKey("default", "web")
    assert (declared.service.image, declared.service.port, declared.line) == ("web:1", 8080, 1)


def test_a_document_knows_its_file_its_folder_and_its_line() -> None:
    given = sources("service: db\nimage: db:1", WEB, file="apps/web/shop.yaml")
    declared = load(given).services[1]
    assert (declared.file, declared.folder, declared.line) == ("apps/web/shop.yaml", "apps/web", 4)


def test_the_settings_name_the_repository() -> None:
    assert load(sources(WEB, settings="name: acme")).name == "acme"


def test_services_may_live_beside_the_settings() -> None:
    given = Sources(
        name="shop", texts=(SourceText(path="skerry.yaml", text=f"version: 1\n---\n{WEB}"),)
    )
    assert only(given).service.service == "web"


def test_words_that_older_yaml_takes_for_booleans_stay_words() -> None:
    env = only(sources(WEB + "\nenv: {A: no, B: on, C: yes, D: 010, E: 12:30, F: 2026-01-01}"))
    assert list(env.service.env.values()) == ["no", "on", "yes", "010", "12:30", "2026-01-01"]


def test_whole_numbers_are_text_where_text_is_wanted() -> None:
    service = only(sources(WEB + "\nenv: {PORT: 80}\ncommand: [sleep, 5]\ntags: {cost: 4711}"))
    assert service.service.env == {"PORT": "80"}
    assert service.service.command == ("sleep", "5")
    assert service.service.tags == {"cost": "4711"}


def test_defaults_lie_under_every_service_and_the_document_wins() -> None:
    settings = "defaults: {drain: 5s, env: {A: x, B: x}, scale: {min: 2}}"
    service = only(sources(WEB + "\nenv: {B: y}\nscale: {max: 4}", settings=settings)).service
    assert service.drain == 5.0
    assert service.env == {"A": "x", "B": "y"}
    assert (service.scale.min, service.scale.max) == (2, 4)


def test_a_document_that_builds_does_not_inherit_an_image() -> None:
    given = sources("service: web\nbuild: ./web", settings="defaults: {image: base:1}")
    assert only(given).service.build == "./web"


def test_a_built_folder_is_replaced_by_its_image() -> None:
    given = sources("service: web\nbuild: ./web", builds={"web": "localhost/web:1"})
    service = only(given).service
    assert (service.image, service.build) == ("localhost/web:1", None)


def test_a_folder_not_built_yet_stays_for_the_compiler_to_refuse() -> None:
    service = only(sources("service: web\nbuild: ./web")).service
    assert (service.image, service.build) == (None, "./web")


def test_depends_is_looked_for_at_home_first_and_then_everywhere() -> None:
    given = sources(
        "service: a\nimage: a\nteam: t\ndepends: [db, cache]",
        "service: db\nimage: db\nteam: t",
        "service: db\nimage: db",
        "service: cache\nimage: c\nteam: other",
    )
    assert load(given).services[0].service.depends == ("t/db", "other/cache")


def test_the_same_route_is_fine_in_cells_that_do_not_meet() -> None:
    cells = ["cell: eu", "cell: us"]
    route = "image: a\nroute: {host: a.dev}\ncells"
    load(sources(*cells, f"service: a\n{route}: [eu]", f"service: b\n{route}: [us]"))


def test_aliases_within_reason_are_fine() -> None:
    service = only(sources(WEB + "\nenv: &e {A: x}\ntags: *e")).service
    assert service.tags == {"A": "x"}


def _digest(content: bytes = b"1", *, settings: str = "", file: str = "shop.yaml") -> str:
    document, contents = WEB + "\nfiles: {/etc/a: ./a}", {"a": content, "b": b"of nobody"}
    return only(sources(document, contents=contents, settings=settings, file=file)).digest


def test_a_digest_changes_with_files_and_defaults_and_images_only() -> None:
    assert _digest() == _digest(file="other.yaml")
    assert _digest() != _digest(b"2")
    assert _digest() != _digest(settings="defaults: {drain: 5s}")
    built = [only(sources("service: w\nbuild: .", builds={".": image})) for image in ("a", "b")]
    assert built[0].digest != built[1].digest


def test_a_comment_is_no_change() -> None:
    assert only(sources(WEB)).digest == only(sources("# hello\n" + WEB + " # there")).digest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("service: web\nimage: " + "x" * 2**20, "larger than a document may be"),
        ("x" * (64 * 2**20 + 1), "larger than a file may be"),
        ("[" * 100_000, "nested more than 32 levels deep"),
        ("{a: " * 100_000, "nested more than 32 levels deep"),
        ("- " * 100_000, "nested more than 32 levels deep"),
        ("? " * 100_000, "nested more than 32 levels deep"),
        ("a: &a [x, *a]", "refers to what it is part of"),
        ("a: &a " + "x" * 10_000 + "\nb: [" + "*a, " * 10_000 + "]", "repeats so much"),
        ("a: \x00", "control character"),
        ("a: \ud800", "not text in UTF-8"),
        ("\x00\x01\x02" * 100, "control character"),
    ],
    ids=lambda value: value[:24],
)
@pytest.mark.timeout(20)
def test_a_text_made_to_hurt_is_refused_at_once(text: str, said: str) -> None:
    assert said in told(sources(text))[0]


def test_a_billion_laughs_are_not_laughed() -> None:
    lines = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert "repeats so much by aliases" in told(sources("\n".join(lines)))[0]


def test_one_document_with_very_many_faults_is_told_some_of_them() -> None:
    depends = "".join(f"- other-{number}\n" for number in range(20_000))
    assert len(told(sources(f"{WEB}\ndepends:\n{depends}"))) == 50


def test_a_flood_of_problems_is_counted_not_told() -> None:
    said = told(sources(*["service: web\nimage: 5"] * 1500))
    assert len(said) == 1001
    assert "more documents with problems" in said[-1]


def test_a_secret_written_in_the_wrong_place_is_not_repeated() -> None:
    planted = "hunter2 is my pass"
    said = told(
        sources(
            WEB
            + f"\nsecrets: {{A: '{planted}', B: [{planted}]}}"
            + f"\nenv: {{'{planted}': x, C: {{x: {planted}}}}}\ncommand: {planted}"
            + f"\nbefore: {{x: {planted}}}\npasword: {planted}"
        )
    )
    assert len(said) == 7
    assert all(planted not in line.replace(f"env/{planted}", "") for line in said)


def test_loading_again_reads_only_what_changed() -> None:
    loader = Loader()
    first = loader.load(sources(WEB, "service: db\nimage: db:1"))
    second = loader.load(sources(WEB, "service: db\nimage: db:2"))
    assert second.services[0] is first.services[0]
    assert second.services[1].service.image == "db:2"


def test_a_loader_forgets_nothing_that_matters() -> None:
    loader = Loader()
    document = WEB + "\nfiles: {/etc/a: ./a}\ndepends: [db]"
    steps = [
        sources(document, "service: db\nimage: db:1", contents={"a": b"1"}),
        sources(document, "service: db\nimage: db:1", contents={"a": b"2"}),
        sources(document, "service: db\nimage: db:1"),
        sources(document, "service: db\nimage: db:1\nteam: t", contents={"a": b"2"}),
        sources("# moved\n" + document, contents={"a": b"2"}),
        sources(document, "service: db\nimage: b", contents={"a": b"2"}, settings="teams: [x]"),
        sources(document, "service: db\nimage: b", contents={"a": b"2"}, settings="defaults: {}"),
    ]
    for step in [*steps, *reversed(steps)]:
        assert outcome(step, loader=loader) == outcome(step)
