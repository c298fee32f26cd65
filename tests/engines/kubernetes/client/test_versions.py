"""Which Kubernetes is taken."""

import pytest

from skerry.engines.kubernetes.client.versions import Version, version_of
from skerry.errors import Refused


@pytest.mark.parametrize(
    ("major", "minor", "text", "read"),
    [
        ("1", "36", "v0.0.0-master+$Format:%H$", Version(1, 36, "1.36")),
        ("1", "33+", "v1.33.4-eks-0a1b2c", Version(1, 33, "1.33.4-eks-0a1b2c")),
        ("1", "34", "", Version(1, 34, "1.34")),
        ("2", "0", "v2.0.0", Version(2, 0, "2.0.0")),
    ],
)
def test_major_and_minor_are_what_counts(major: str, minor: str, text: str, read: Version) -> None:
    said = {"major": major, "minor": minor, "gitVersion": text}
    assert version_of(said, subject="cell/eu-1") == read


def test_an_old_one_is_refused_with_a_sentence() -> None:
    said = {"major": "1", "minor": "32", "gitVersion": "v1.32.9"}
    with pytest.raises(Refused) as caught:
        version_of(said, subject="cell/eu-1")
    assert str(caught.value) == (
        "cell/eu-1: Kubernetes 1.32.9 is too old: Skerry works with 1.33 and newer"
    )
