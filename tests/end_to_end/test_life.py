"""A service's life through the command line: what a builder does in a week."""

import json
import socket
import ssl
from collections.abc import Callable

import pytest

from tests.end_to_end.platform import Platform, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.gateway, pytest.mark.timeout(300)]


def test_two_lines_are_a_service_with_a_name_and_a_certificate(
    skerry: Platform, test_image: str
) -> None:
    skerry.write(f"service: hello\nimage: {test_image}\n")
    skerry.skerry("up", ".")
    assert skerry.get("hello.localhost") == (200, "hello")
    context = ssl.create_default_context(cadata=skerry.skerry("trust", "--print"))
    with (
        socket.create_connection(("127.0.0.1", skerry.https), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="hello.localhost") as secured,
    ):
        secured.sendall(b"GET / HTTP/1.1\r\nHost: hello.localhost\r\nConnection: close\r\n\r\n")
        assert b"".join(iter(lambda: secured.recv(4096), b"")).endswith(b"hello")
    status = skerry.json("status")
    assert set(status) == {"cell", "services", "cells"}
    assert {
        "name",
        "namespace",
        "state",
        "reason",
        "ready",
        "desired",
        "release",
        "image",
        "url",
    } <= set(status["services"][0])
    assert status["services"][0]["url"] == f"https://hello.localhost:{skerry.https}"


def test_a_changed_variable_or_file_alone_is_a_release_and_a_plan_afterwards_is_empty(
    skerry: Platform, test_image: str
) -> None:
    page = skerry.repository / "page.txt"
    text = "service: web\nimage: {}\nenv: {{TEXT: {}}}\nfiles: {{/etc/page.txt: ./page.txt}}\n"
    page.write_text("first")
    skerry.write(text.format(test_image, "one"))
    skerry.skerry("up", ".")
    assert skerry.run("plan", ".", "--exit-code").returncode == 0
    skerry.write(text.format(test_image, "two"))
    skerry.skerry("apply", ".", "--yes")
    assert skerry.get("web.localhost") == (200, "two")
    page.write_text("second")
    assert skerry.run("plan", ".", "--exit-code").returncode == 3
    skerry.skerry("apply", ".", "--yes")
    assert skerry.skerry("exec", "web", "--", "cat", "/etc/page.txt") == "second"
    assert skerry.run("plan", ".", "--exit-code").returncode == 0
    assert [each["number"] for each in skerry.json("history", "web")["releases"]] == [3, 2, 1]


def test_deploy_image_and_rollback_hold_a_service_until_its_document_changes(
    skerry: Platform, test_image: str, image_saying: Callable[[str], str]
) -> None:
    skerry.write(f"service: web\nimage: {test_image}\n")
    skerry.skerry("up", ".")
    skerry.skerry("deploy", "web", "--image", image_saying("two"))
    assert skerry.get("web.localhost") == (200, "two")
    plan = skerry.json("plan", ".")["plans"][0]
    assert plan["changes"] == []
    assert plan["held"][0]["service"] == "web"
    skerry.skerry("rollback", "web")
    assert skerry.get("web.localhost") == (200, "hello")
    assert skerry.status("web")["hold"]
    skerry.skerry("unhold", "web")
    assert skerry.status("web")["hold"] is None
    skerry.skerry("deploy", "web", "--image", image_saying("two"))
    skerry.write(f"service: web\nimage: {test_image}\nenv: {{TEXT: mine}}\n")
    skerry.skerry("apply", ".", "--yes")
    assert skerry.get("web.localhost") == (200, "mine")


def test_scale_by_hand_expires_by_itself(skerry: Platform, test_image: str) -> None:
    skerry.write(f"service: web\nimage: {test_image}\ndrain: 1s\n")
    skerry.skerry("up", ".")
    skerry.skerry("scale", "web", "3", "--for", "6s")
    assert skerry.status("web")["ready"] == 3
    wait_until(lambda: skerry.status("web")["desired"] == 1, "the override expires", seconds=20)
    wait_until(lambda: len(skerry.left()) == 1, "the others are gone", seconds=20)


def test_run_exec_and_logs_reach_in(skerry: Platform, test_image: str) -> None:
    skerry.write(f"service: web\nimage: {test_image}\nenv: {{TEXT: hi, SAY: started}}\n")
    skerry.skerry("up", ".")
    assert "started" in skerry.skerry("logs", "web")
    ran = skerry.run("run", "web", "--", "python3", "-c", "import os; print(os.environ['TEXT'])")
    assert (ran.returncode, ran.stdout) == (0, "hi\n"), ran.stderr
    assert skerry.run("run", "web", "--", "python3", "-c", "raise SystemExit(9)").returncode == 9
    assert skerry.run("exec", "web", "--", "sh", "-c", "exit 4").returncode == 4
    assert len(skerry.left()) == 1


def test_a_volume_survives_deploys_and_has_one_writer_at_a_time(
    skerry: Platform, redis_image: str
) -> None:
    skerry.write(
        f"service: redis\nimage: {redis_image}\nport: 6379\nprotocol: tcp\n"
        "command: [redis-server, --dir, /data, --appendonly, 'yes', --protected-mode, 'no']\n"
        "volumes: {data: /data}\nenv: {TURN: '1'}\n"
    )
    skerry.skerry("up", ".")
    skerry.skerry("exec", "redis", "--", "redis-cli", "set", "k", "kept")
    document = (skerry.repository / "services.yaml").read_text()
    skerry.write(document.replace("TURN: '1'", "TURN: '2'"))
    plan = skerry.json("plan", ".")["plans"][0]
    assert plan["changes"][0]["action"] == "replace"
    assert any("away" in each for each in plan["changes"][0]["warnings"])
    skerry.skerry("apply", ".", "--yes")
    assert skerry.skerry("exec", "redis", "--", "redis-cli", "get", "k").strip() == "kept"
    assert len(skerry.left("volumes")) == 1
    skerry.skerry("down")
    assert len(skerry.left("volumes")) == 1


def test_bad_documents_get_every_error_at_once_and_change_nothing(
    skerry: Platform, test_image: str
) -> None:
    skerry.write(f"service: web\nimage: {test_image}\n")
    skerry.skerry("up", ".")
    skerry.write(
        f"service: web\nimgae: {test_image}\nport: 99999\n---\nservice: other\nimage: x\n"
        "depends: [wbe]\n"
    )
    ended = skerry.run("apply", ".", "--yes")
    assert ended.returncode == 1
    for said in ("services.yaml:2", "image", "services.yaml:3", "65535", "web"):
        assert said in ended.stderr, ended.stderr
    assert json.loads(skerry.skerry("status", "-o", "json"))["services"][0]["release"] == 1
