"""The shapes of what the API answers and `-o json` prints. Times are ISO 8601 in UTC."""

from typing import NotRequired

from typing_extensions import TypedDict


class HoldView(TypedDict):
    """Why a service is kept out of the repository's hands."""

    by: str
    at: str
    reason: str


class OverrideView(TypedDict):
    """A count of replicas set by hand; `until` is null when it does not expire."""

    replicas: int
    by: str
    at: str
    until: str | None


class ReplicaView(TypedDict):
    """One replica."""

    name: str
    ready: bool
    reason: str
    address: str | None
    release: int | None
    restarts: int
    since: str | None
    draining: bool
    updated: bool
    failed: bool
    last_lines: list[str]


class ServiceView(TypedDict):
    """One service; `replicas` only where one service was asked for."""

    name: str
    namespace: str
    state: str
    reason: str
    ready: int
    desired: int
    release: int | None
    image: str
    url: str | None
    since: str | None
    hold: HoldView | None
    override: OverrideView | None
    replicas: NotRequired[list[ReplicaView]]


class StatusView(TypedDict):
    """`skerry status -o json`."""

    cell: str
    services: list[ServiceView]


class ChangeView(TypedDict):
    """One service's change. `diff` lines start with `+`, `-` or two spaces, secrets masked."""

    service: str
    action: str
    reason: str
    layer: int
    diff: list[str]
    warnings: list[str]


class HeldView(TypedDict):
    """A change that is not made, and why."""

    service: str
    reason: str


class PlanView(TypedDict):
    """`skerry plan -o json`. The same digest does the same thing."""

    cell: str
    digest: str
    changes: list[ChangeView]
    held: list[HeldView]
    unchanged: int
    objects: NotRequired[list[dict[str, object]]]  # all compiled objects, where asked for


class ReleaseView(TypedDict):
    """One line of `skerry history`."""

    number: int
    image: str
    by: str
    at: str
    reason: str
    verdict: str
    verdict_reason: str
    current: bool


class HistoryView(TypedDict):
    """`skerry history NAME -o json`."""

    service: str
    releases: list[ReleaseView]


class OperationView(TypedDict):
    """A long piece of work."""

    id: str
    kind: str
    by: str
    at: str
    subject: str
    state: str
    error: str
    hint: str
    ended: str | None


class OperationsView(TypedDict):
    """Operations, newest first."""

    operations: list[OperationView]


class ProgressView(TypedDict):
    """One thing an operation said: an SSE event `progress`, its id the number."""

    number: int
    at: str
    stage: str
    message: str
    service: str
    since: str | None
    replicas: list[ReplicaView]
    last_lines: list[str]


class LogLineView(TypedDict):
    """One line a container said: an SSE event `line`."""

    at: str
    replica: str
    stream: str
    text: str


class TokenView(TypedDict):
    """A token as listed. `token` is given once, when it is made."""

    id: str
    name: str
    role: str
    namespaces: list[str]
    created: str
    expires: str | None
    token: NotRequired[str]


class TokensView(TypedDict):
    """`skerry token list -o json`."""

    tokens: list[TokenView]


class SecretsView(TypedDict):
    """`skerry secrets list -o json`: names, never values."""

    secrets: list[str]


class AuditView(TypedDict):
    """One audited mutation."""

    number: int
    at: str
    by: str
    action: str
    subject: str
    allowed: bool
    detail: str


class AuditsView(TypedDict):
    """`skerry server audit -o json`."""

    entries: list[AuditView]


class CheckView(TypedDict):
    """One thing `skerry doctor` looked at. What is not ok and `stops` keeps services from
    running or being reached; other things that are not ok are worth knowing."""

    name: str
    ok: bool
    message: str
    hint: str
    stops: bool


class ChecksView(TypedDict):
    """`skerry doctor -o json`."""

    checks: list[CheckView]


class ProblemView(TypedDict):
    """One fault in a document."""

    file: str
    line: int
    path: str
    message: str
    hint: str


class ErrorBody(TypedDict):
    """Why something was not done."""

    code: str
    subject: str
    cause: str
    hint: str
    problems: NotRequired[list[ProblemView]]
    last_lines: NotRequired[list[str]]


class ErrorView(TypedDict):
    """Every answer that is not a success."""

    error: ErrorBody


class InfoView(TypedDict):
    """The server, its cell, its engine and its gateway."""

    version: str
    cell: str
    domain: str
    engine: str
    gateway: str
    gateway_live: bool
    http: str | None
    https: str | None
    state: str
    pid: int


class ResultView(TypedDict):
    """What a command that waits prints with `-o json`: how the operation ended, and the
    services it was about as they are now. `operation` is null when nothing was to do."""

    operation: OperationView | None
    services: list[ServiceView]


class VolumeView(TypedDict):
    """A volume on this machine, and the service and repository it belongs to."""

    name: str
    service: str
    repository: str | None


class VolumesView(TypedDict):
    """GET /v1/volumes: what `skerry down` asks about or keeps."""

    volumes: list[VolumeView]


class VersionView(TypedDict):
    """`skerry version -o json`; `server` is null when none answers."""

    version: str
    server: str | None
