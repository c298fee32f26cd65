"""Amounts as people write them: `30s`, `250m`, `256Mi`, `99.9%`.

Each type parses the written form and holds a plain number in the unit its name
says. A bare number is refused where its unit would be a guess. `show_*` give the
shortest form that `parse_*` reads back as the same number.
"""

import re
from math import ceil
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

LONGEST_SECONDS: Final = 366 * 86400.0
MOST_BYTES: Final = 2**50
MOST_MILLICORES: Final = 1_000_000

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {
    "Ti": 2**40,
    "T": 10**12,
    "Gi": 2**30,
    "G": 10**9,
    "Mi": 2**20,
    "M": 10**6,
    "Ki": 2**10,
    "k": 10**3,
}
_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,9})?"
_DURATION = rf"({_NUMBER}(?:ms|s|m|h|d))+"
_ZERO_DURATION = r"(0+(?:\.0+)?(?:ms|s|m|h|d))+"
_DURATION_PART = re.compile(rf"({_NUMBER})(ms|s|m|h|d)")
_DURATION_WHOLE = re.compile(_DURATION)
_MEMORY = re.compile(rf"({_NUMBER})(Ki|Mi|Gi|Ti|k|M|G|T)")
_CPU = re.compile(rf"({_NUMBER})(m?)")
_PERCENT = re.compile(rf"({_NUMBER})%")


def parse_seconds(written: Any) -> float:
    """`"1h30m"` -> 5400.0 seconds, to the millisecond. Raises ValueError on anything else than
    a duration of at most 366d."""
    if isinstance(written, str) and _DURATION_WHOLE.fullmatch(written):
        parts = _DURATION_PART.findall(written)
        seconds = round(sum(float(number) * _SECONDS[unit] for number, unit in parts), 3)
        if seconds <= LONGEST_SECONDS:
            return seconds
        raise ValueError("should be at most 366d")
    raise ValueError("should be a duration such as 500ms, 30s, 5m or 1h30m")


def parse_time_limit(written: Any) -> float:
    """As `parse_seconds`, but nothing takes no time: raises ValueError on zero."""
    seconds = parse_seconds(written)
    if seconds <= 0:
        raise ValueError("should be longer than 0s")
    return seconds


def parse_millicores(written: Any) -> int:
    """`"250m"` -> 250, `0.5` -> 500, `"2"` -> 2000 thousandths of a core. Raises ValueError."""
    if isinstance(written, (int, float, str)) and not isinstance(written, bool):
        match = _CPU.fullmatch(str(written))
        if match:
            number = round(float(match[1]) * (1 if match[2] else 1000))
            if 1 <= number <= MOST_MILLICORES:
                return number
            raise ValueError("should be from 1m to 1000 cores")
    raise ValueError("should be an amount of cores such as 250m, 0.5 or 2")


def parse_bytes(written: Any) -> int:
    """`"256Mi"` -> 268435456 bytes; a fraction is rounded up to a whole Ki or k. Raises
    ValueError without a unit, and on nothing."""
    if isinstance(written, str) and (match := _MEMORY.fullmatch(written)):
        grain = 1024 if match[2].endswith("i") else 1000
        count = ceil(round(float(match[1]) * _BYTES[match[2]] / grain, 6)) * grain
        if 0 < count <= MOST_BYTES:
            return count
        raise ValueError("should be more than nothing, and at most 1024Ti")
    raise ValueError("should be an amount of memory such as 256Mi, 1Gi or 500M")


def parse_fraction(written: Any) -> float:
    """`"99.9%"` -> 0.999. Raises ValueError unless it is a percentage from 0% to 100%."""
    if isinstance(written, str) and (match := _PERCENT.fullmatch(written)):
        number = float(match[1])
        if number <= 100:
            return round(number / 100, 9)
        raise ValueError("should be at most 100%")
    raise ValueError("should be a percentage such as 50% or 99.9%")


def show_seconds(seconds: float) -> str:
    """5400.0 -> `"1h30m"`, to the millisecond."""
    left = round(seconds * 1000)
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def show_bytes(count: int) -> str:
    """268435456 -> `"256Mi"`, 500000000 -> `"500M"`: the shortest exact form. Bytes that no
    unit divides, which no document can hold, are shown plain, as Kubernetes writes them."""
    exact = [f"{count // size}{unit}" for unit, size in _BYTES.items() if count % size == 0]
    return min(exact, key=len) if exact and count else str(count)


def show_millicores(millicores: int) -> str:
    """250 -> `"250m"`, 2000 -> `"2"` cores."""
    cores, rest = divmod(millicores, 1000)
    return f"{millicores}m" if rest else str(cores)


def show_fraction(fraction: float) -> str:
    """0.999 -> `"99.9%"`."""
    return f"{round(fraction * 100, 7):.7f}".rstrip("0").rstrip(".") + "%"


def _written(pattern: str, *examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$", "examples": [*examples]})


Seconds = Annotated[
    float,
    BeforeValidator(parse_seconds),
    PlainSerializer(show_seconds, when_used="json"),
    _written(_DURATION, "30s", "5m"),
]
TimeLimit = Annotated[
    float,
    BeforeValidator(parse_time_limit),
    PlainSerializer(show_seconds, when_used="json"),
    _written(rf"(?!{_ZERO_DURATION}$){_DURATION}", "30s", "5m"),
]
Millicores = Annotated[
    int,
    BeforeValidator(parse_millicores),
    PlainSerializer(show_millicores, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0.001, "maximum": 1000},
                {"type": "string", "pattern": f"^{_CPU.pattern}$"},
            ],
            "examples": ["250m", 0.5, 2],
        }
    ),
]
Bytes = Annotated[
    int,
    BeforeValidator(parse_bytes),
    PlainSerializer(show_bytes, when_used="json"),
    _written(_MEMORY.pattern, "256Mi", "1Gi"),
]
Fraction = Annotated[
    float,
    BeforeValidator(parse_fraction),
    PlainSerializer(show_fraction, when_used="json"),
    _written(_PERCENT.pattern, "50%", "99.9%"),
]
