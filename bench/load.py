"""10,000 services with ten keys each: how long until they are models, and in how much memory.

Run it alone: `python bench/load.py`. The parser is measured beside libyaml's loader, in the
same run, for the ratio.
"""

import resource
import time
from collections.abc import Callable
from typing import Any

import yaml
from ryaml import loads

from skerry.model.sources import Sources, SourceText
from skerry.spec.load import Loader

COUNT = 10_000
DOCUMENT = """service: web-{i}
image: registry.acme.dev/shop/web-{i}:1.{minor}.0
team: team-{team}
tags: {{cost-center: "4711", tier: gold}}
port: 8080
env:
  LOG_LEVEL: info
  DATABASE_HOST: db-{i}.internal
  WORKERS: 4
health: {{path: /healthz, interval: 5s, timeout: 2s}}
resources: {{cpu: 250m, memory: 256Mi}}
scale: {{min: 2, max: 10, cpu: 50%}}
drain: 30s
depends: [web-{before}]
"""
SETTINGS = "version: 1\ndefaults: {slo: {availability: 99.95%}}\nrequired_tags: [cost-center]\n"


def documents(count: int = COUNT) -> list[str]:
    """The services, each a document of its own."""
    return [
        DOCUMENT.format(i=i, minor=i % 50, team=i % 40, before=i - 1)
        if i
        else DOCUMENT.format(i=0, minor=0, team=0, before=0).replace("depends: [web-0]\n", "")
        for i in range(count)
    ]


def one_file(texts: list[str]) -> Sources:
    """All documents in one file."""
    return _sources([SourceText(path="shop.yaml", text="---\n".join(texts))])


def many_files(texts: list[str]) -> Sources:
    """A file for each document."""
    return _sources([SourceText(path=f"{i}/shop.yaml", text=text) for i, text in enumerate(texts)])


def measure() -> dict[str, float]:
    """Every figure, in seconds of wall time; memory in megabytes."""
    texts = documents()
    changed = [*texts]
    changed[COUNT // 2] = texts[COUNT // 2].replace("8080", "8081")
    loader = Loader()
    figures = {
        "load, one file, cold": _time(lambda: loader.load(one_file(texts))),
        "load, one file, one changed": _time(lambda: loader.load(one_file(changed))),
    }
    figures["peak memory, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    apart = Loader()
    figures["load, a file each, cold"] = _time(lambda: apart.load(many_files(texts)))
    figures["load, a file each, one changed"] = _time(lambda: apart.load(many_files(changed)))
    figures["parser alone: ryaml"] = _time(lambda: [loads(text) for text in texts])
    figures["parser alone: libyaml"] = _time(
        lambda: [yaml.load(text, Loader=yaml.CSafeLoader) for text in texts]
    )
    return figures


def main() -> None:
    """Print the figures, a line each."""
    for name, figure in measure().items():
        print(f"{name:32} {figure:8.3f}")


def _sources(texts: list[SourceText]) -> Sources:
    settings = SourceText(path="skerry.yaml", text=SETTINGS)
    return Sources(name="shop", texts=(settings, *texts))


def _time(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
