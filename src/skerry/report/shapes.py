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
    """One service in one cell; `replicas` only where they were asked for."""

    cell: str
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


class CellStateView(TypedDict):
    """Whether a cell answered, and why not."""

    cell: str
    engine: str
    reachable: bool
    reason: str


class StatusView(TypedDict):
    """`skerry status -o json`. `cell` is the one that was asked; null when there were several."""

    cell: str | None
    services: list[ServiceView]
    cells: list[CellStateView]


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
    """What applying would change in one cell. The same digest does the same thing."""

    cell: str
    digest: str
    changes: list[ChangeView]
    held: list[HeldView]
    unchanged: int
    objects: NotRequired[list[dict[str, object]]]  # all compiled objects, where asked for


class ReleaseView(TypedDict):
    """One line of `skerry history`. Numbers are each cell's own."""

    cell: str
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
    unreachable: list["CellFailureView"]


class OperationView(TypedDict):
    """A long piece of work, in one cell."""

    id: str
    cell: str
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

    cell: str
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


class CellFailureView(TypedDict):
    """A cell that did not do what the others did, in a sentence and in full."""

    cell: str
    reason: str
    error: ErrorBody


class FindingView(TypedDict):
    """One thing `skerry verify` found. `trouble` is orphan, missing, drift, foreign or index;
    `service` is null where it is nobody's."""

    cell: str
    trouble: str
    object: str
    service: str | None
    reason: str


class FindingsView(TypedDict):
    """`skerry verify -o json`."""

    findings: list[FindingView]
    unreachable: list["CellFailureView"]


class ErrorView(TypedDict):
    """Every answer that is not a success."""

    error: ErrorBody


class InfoView(TypedDict):
    """The server and its cells; engine and gateway are the machine's own."""

    version: str
    cells: list[str]
    domain: str
    engine: str
    gateway: str
    gateway_live: bool
    http: str | None
    https: str | None
    state: str
    pid: int


class PlansView(TypedDict):
    """`skerry plan -o json`: a plan for each cell, and the cells none could be made for.
    `digest` is of all plans together."""

    digest: str
    plans: list[PlanView]
    unreachable: list["CellFailureView"]


class StartedView(TypedDict):
    """What was begun, an operation in each cell; and the cells where nothing was."""

    operations: list[OperationView]
    unreachable: list["CellFailureView"]


class AppliedView(TypedDict):
    """What an apply began, and of which plans. No operation where nothing was to do."""

    plans: list[PlanView]
    operations: list[OperationView]
    unreachable: list["CellFailureView"]


class ResultView(TypedDict):
    """What a command that waits prints with `-o json`: how the operations ended, and the
    services they were about as they are now. `operation` is the only one; null when nothing
    was to do, and when there are several."""

    operation: OperationView | None
    operations: list[OperationView]
    services: list[ServiceView]
    unreachable: list["CellFailureView"]


class CellView(TypedDict):
    """A cell at a glance. What it cannot tell is null: capacity, or all of one that does not
    answer, whose `reason` says why."""

    cell: str
    engine: str
    version: str | None
    region: str | None
    country: str | None
    domain: str
    reachable: bool
    reason: str
    machines: int | None
    cpu_millicores: int | None
    memory_bytes: int | None
    services: int | None
    pods: int | None
    problems: list[str]


class CellsView(TypedDict):
    """`skerry cells -o json`."""

    cells: list[CellView]


class VolumeView(TypedDict):
    """A volume, and the cell, service and repository it belongs to."""

    cell: str
    name: str
    service: str
    repository: str | None


class VolumesView(TypedDict):
    """GET /v1/volumes: what `skerry down` asks about or keeps."""

    volumes: list[VolumeView]
    unreachable: list[CellFailureView]


class VersionView(TypedDict):
    """`skerry version -o json`; `server` is null when none answers."""

    version: str
    server: str | None
