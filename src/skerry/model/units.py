"""Amounts as people write them: `30s`, `250m`, `256Mi`, `99.9%`.

Each type parses the written form and holds a plain number in the unit its name
says. A bare number is refused where its unit would be a guess.
"""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_DURATION = r"(\d+(?:\.\d+)?(?:ms|s|m|h|d))+"
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_DURATION_WHOLE = re.compile(rf"^{_DURATION}$")
_MEMORY = re.compile(r"^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G|T)$")
_CPU = re.compile(r"^(\d+(?:\.\d+)?)(m?)$")
_PERCENT = re.compile(r"^(\d+(?:\.\d+)?)%$")


def parse_seconds(written: Any) -> float:
    """`"1h30m"` -> 5400.0 seconds. Raises ValueError on anything else than a duration."""
    if isinstance(written, str) and _DURATION_WHOLE.match(written):
        return sum(float(n) * _SECONDS[unit] for n, unit in _DURATION_PART.findall(written))
    raise ValueError("should be a duration such as 500ms, 30s, 5m or 1h30m")


def parse_millicores(written: Any) -> int:
    """`"250m"` -> 250, `0.5` -> 500, `"2"` -> 2000 thousandths of a core."""
    if isinstance(written, (int, float, str)) and not isinstance(written, bool):
        match = _CPU.match(str(written))
        if match:
            number = float(match[1]) * (1 if match[2] else 1000)
            if number >= 1:
                return round(number)
    raise ValueError("should be an amount of cores such as 250m, 0.5 or 2")


def parse_bytes(written: Any) -> int:
    """`"256Mi"` -> 268435456 bytes. Raises ValueError without a unit."""
    if isinstance(written, str) and (match := _MEMORY.match(written)):
        number = round(float(match[1]) * _BYTES[match[2]])
        if number > 0:
            return number
    raise ValueError("should be an amount of memory such as 256Mi, 1Gi or 500M")


def parse_fraction(written: Any) -> float:
    """`"99.9%"` -> 0.999. Raises ValueError unless it is a percentage from 0% to 100%."""
    if isinstance(written, str) and (match := _PERCENT.match(written)):
        number = float(match[1])
        if number <= 100:
            return round(number / 100, 9)
    raise ValueError("should be a percentage such as 50% or 99.9%")


def show_seconds(seconds: float) -> str:
    """5400.0 -> `"1h30m"`: the shortest form `parse_seconds` reads back."""
    left = round(seconds * 1000)
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def show_bytes(count: int) -> str:
    """268435456 -> `"256Mi"`: exact where a unit divides it, else plain bytes in Ki rounded up."""
    for unit in ("Ti", "Gi", "Mi", "Ki"):
        if count % _BYTES[unit] == 0:
            return f"{count // _BYTES[unit]}{unit}"
    return str(count)


def _written(pattern: str, examples: list[str]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": examples})


Seconds = Annotated[
    float, BeforeValidator(parse_seconds), _written(rf"^{_DURATION}$", ["30s", "5m"])
]
Millicores = Annotated[
    int,
    BeforeValidator(parse_millicores),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": _CPU.pattern}]}),
]
Bytes = Annotated[int, BeforeValidator(parse_bytes), _written(_MEMORY.pattern, ["256Mi", "1Gi"])]
Fraction = Annotated[float, BeforeValidator(parse_fraction), _written(_PERCENT.pattern, ["50%"])]
