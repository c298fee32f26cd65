"""What every document is made of: names, ports, texts, and the strict base model."""

from typing import Annotated, Any, Final, NamedTuple

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)


class Document(BaseModel):
    """A value written by a person: unknown keys are errors, nothing changes after parsing."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=False, hide_input_in_errors=True
    )


class Misfit(ValueError):
    """A value that is well formed and does not fit, and what to write instead."""

    def __init__(self, said: str, *, hint: str = "") -> None:
        super().__init__(said)
        self.hint = hint


class Form(NamedTuple):
    """How something is written: the pattern for the machine, the words for a person."""

    pattern: str
    said: str


# A DNS label (RFC 1123) short enough that names made from it (hash suffixes, volumes) stay one.
NAME: Final = Form(
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    "a name of lowercase letters, digits and dashes, at most 48 long",
)
HOST: Final = Form(
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    "a host name in lowercase such as shop.acme.dev",
)
COUNTRY: Final = Form(r"^[A-Z]{2}$", "a country as two capital letters, such as DE")
VARIABLE: Final = Form(
    r"^[A-Za-z_][A-Za-z0-9_]*$", "a variable's name: letters, digits and underscores"
)
ABSOLUTE_PATH: Final = Form(r"^/[^\x00]*$", "an absolute path such as /var/lib/app")
URL_PATH: Final = Form(r"^/[^\s#\x00]*$", "a path that starts with /, such as /healthz")
ROUTE_PATH: Final = Form(r"^/[^\s?#\x00]*$", "a path that starts with /, such as /api")
IMAGE: Final = Form(
    r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$", "a container image such as ghcr.io/acme/web:1.4.2"
)
RELATIVE_PATH: Final = Form(
    r"^[^/\x00][^\x00]*$", "a path relative to this document's file, such as ./web"
)
IP_ADDRESS: Final = Form(r"^[0-9a-fA-F.:]+$", "an IP address such as 127.0.0.1")
NETWORK: Final = Form(r"^[0-9a-fA-F.:]+/[0-9]{1,3}$", "a network such as 10.0.0.0/16")
DESTINATION: Final = Form(
    r"^[0-9a-fA-F.:]+/[0-9]{1,3}(:[0-9]{1,5})?$", "a network and a port such as 10.1.0.0/16:5432"
)
VALUE: Final = Form(
    r"^[a-z][a-z0-9_]*$", "a value's name: lowercase letters, digits and underscores"
)
REFERENCE: Final = Form(
    r"^[a-z][a-z0-9-]*:[A-Za-z0-9._/-]+(#[A-Za-z0-9._-]+)?$",
    "a reference to a secret such as store:db-password, never its value",
)
DEPENDENCY: Final = Form(
    r"^[a-z0-9-]+(/[a-z0-9-]+)?$", "a service's name, or namespace/name for one of another team"
)
TARGET: Final = Form(
    r"^[A-Z][A-Za-z0-9]*(/[-a-z0-9.]+)?$", "an object's kind such as Deployment, or Kind/name"
)
FORMS: Final = (
    NAME,
    HOST,
    COUNTRY,
    VARIABLE,
    ABSOLUTE_PATH,
    URL_PATH,
    ROUTE_PATH,
    IMAGE,
    RELATIVE_PATH,
    IP_ADDRESS,
    NETWORK,
    DESTINATION,
    VALUE,
    REFERENCE,
    DEPENDENCY,
    TARGET,
)


def parse_text(written: Any) -> str:
    """Text as it is, a whole number as its digits. Raises ValueError on what YAML may have
    changed on the way (`1.10` is 1.1, `true` was maybe `True`), and on NUL."""
    if type(written) is str:
        if "\x00" in written:
            raise ValueError("should not contain a NUL character")
        return written
    if type(written) is int:
        return str(written)
    if isinstance(written, (bool, float)) or written is None:
        raise ValueError("should be text: put it in quotes")
    raise ValueError("should be text")


Text = Annotated[str, BeforeValidator(parse_text), WithJsonSchema({"type": ["string", "integer"]})]
Name = Annotated[str, StringConstraints(pattern=NAME.pattern, max_length=48)]
Host = Annotated[str, StringConstraints(pattern=HOST.pattern, max_length=253)]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
Country = Annotated[str, StringConstraints(pattern=COUNTRY.pattern)]
EnvName = Annotated[str, StringConstraints(pattern=VARIABLE.pattern)]
AbsolutePath = Annotated[str, StringConstraints(pattern=ABSOLUTE_PATH.pattern, max_length=4096)]
