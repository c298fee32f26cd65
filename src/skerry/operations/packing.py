"""Documents as an operation keeps them, to go on with after a crash. No secret values."""

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import orjson

from skerry.model.sources import Sources, SourceText


def pack_sources(sources: Sources) -> str:
    """As text: a stack of ten thousand tenants takes a tenth of what it is written in."""
    contents = {path: base64.b64encode(data).decode() for path, data in sources.contents.items()}
    parts = {
        "name": sources.name,
        "texts": [[each.path, each.text] for each in sources.texts],
        "contents": contents,
        "builds": dict(sources.builds),
    }
    return base64.b64encode(zlib.compress(orjson.dumps(parts), 1)).decode()


def unpack_sources(packed: str) -> Sources:
    """What `pack_sources` made."""
    parts: Mapping[str, Any] = orjson.loads(zlib.decompress(base64.b64decode(packed)))
    return Sources(
        name=parts["name"],
        texts=tuple(SourceText(path=path, text=text) for path, text in parts["texts"]),
        contents={path: base64.b64decode(data) for path, data in parts["contents"].items()},
        builds=parts["builds"],
    )
