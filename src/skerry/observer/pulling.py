"""Why an image does not come: the registry's words, without the wrapping."""

import re
from typing import Final

_WRAPPING: Final = re.compile(
    r"^(?:rpc error: code = \w+ desc = "
    r'|Back-off pulling image "[^"]*"(?:: )?'
    r'|Failed to pull image "[^"]*": '
    r"|ErrImagePull: |Error response from daemon: "
    r'|failed to pull and unpack image "[^"]*": '
    r'|(?:failed to )?pull(?:ing)? image "[^"]*": '
    r'|failed to resolve (?:reference|image) "[^"]*": '
    r"|failed to do request: |initializing source \S+: "
    r"|reading manifest \S+ in \S+: "
    r'|Get "[^"]*": |Head "[^"]*": )'
)
_TRANSIENT: Final = re.compile(
    r"timeout|timed out|deadline exceeded|connection re(?:fused|set)|i/o |unexpected eof|\beof\b"
    r"|toomanyrequests|too many requests|\b429\b|\b50[0234]\b|service unavailable"
    r"|temporary failure|try again|no route to host|qps exceeded",
    re.IGNORECASE,
)


def registry_words(message: str) -> str:
    """What is left when every layer that only says that it failed is taken off."""
    said = message.strip()
    while (shorter := _WRAPPING.sub("", said, count=1).strip()) != said:
        said = shorter
    return said


def may_come(message: str) -> bool:
    """Whether it failed for a reason that passes by itself: a registry that is slow or busy."""
    return _TRANSIENT.search(message) is not None
