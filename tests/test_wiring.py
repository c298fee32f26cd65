"""Settings reach what they are about."""

from pathlib import Path

from skerry.model.cell import Cell
from skerry.settings import Settings
from skerry.wiring.remembered import overruled, remember, remembered, settle


def settings(folder: Path, **ports: int) -> Settings:
    return Settings(state=folder, **ports)


def test_without_documents_the_settings_say_the_ports(tmp_path: Path) -> None:
    cell = remembered(settings(tmp_path, http_port=8080))
    assert (cell.http, cell.https) == (8080, 443)


def test_ports_no_document_says_follow_the_settings_also_later(tmp_path: Path) -> None:
    first = settings(tmp_path, http_port=8080, https_port=8443)
    declared = Cell(domain="acme.dev", https=9443)
    remember(first, settle(first, declared))
    assert remembered(first) == settle(first, declared)
    changed = settings(tmp_path, http_port=8081, https_port=8444)
    cell = remembered(changed)
    assert (cell.domain, cell.http, cell.https) == ("acme.dev", 8081, 9443)
    # What documents say later is the same cell, so services may go on.
    assert settle(changed, declared) == cell
    assert remembered(settings(tmp_path)).http == 80


def test_a_setting_that_a_document_overrules_is_said(tmp_path: Path) -> None:
    asked = settings(tmp_path, http_port=8081, https_port=8444)
    remember(asked, settle(asked, Cell(https=9443)))
    (said,) = overruled(asked, remembered(asked))
    assert said.startswith("SKERRY_HTTPS_PORT=8444 is not used")
    assert "`https: 9443`" in said
