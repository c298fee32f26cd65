"""The doors to the world, as small protocols. One conformance suite per port.

Everything that acts, waits or remembers is behind one of these; `wiring` alone knows
which implementation stands there.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol

from skerry.model.access import AuditEntry, Token
from skerry.model.cell import Cell
from skerry.model.change import Change, Outcome, Release
from skerry.model.commit import Commit, TreeFile
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.leader import Leader
from skerry.model.objects import Manifest
from skerry.model.process import BuildLine, Check, Chunk, LogLine, LogQuery
from skerry.model.progress import Operation, Progress
from skerry.model.proxy import Address, GatewayStatus, ProxyConfig
from skerry.model.secret import SecretValue
from skerry.model.world import EVERYTHING, CellReport, Finding, Observation, Override, Scope


class Clock(Protocol):
    """What time it is, and waiting."""

    def now(self) -> datetime:
        """The wall clock, in UTC: for people and records."""

    def monotonic(self) -> float:
        """Seconds that only grow: for deadlines and intervals."""

    async def sleep(self, seconds: float) -> None:
        """Let others run for that long."""


class Session(Protocol):
    """A process in a container that somebody is attached to."""

    def output(self) -> AsyncIterator[Chunk]:
        """What it says, until it ends."""

    async def write(self, data: bytes) -> None:
        """Send to its standard input; empty bytes close it."""

    async def resize(self, rows: int, columns: int) -> None:
        """Tell it its terminal's size; nothing without a terminal."""

    async def wait(self) -> int:
        """Its exit code, once it has ended."""

    async def close(self) -> None:
        """Leave; a process started by `run` is ended and removed."""


class Engine(Protocol):
    """One cell: runs objects, says what runs. Kubernetes-shaped whatever is beneath.

    Level-based: `apply` records what is wanted and returns; the engine gets there by
    itself, and `watch` says how far it is. A deploy drops no request: new replicas are
    ready before they are routed, old ones drained before they are stopped.
    """

    @property
    def cell(self) -> Cell:
        """The cell this engine runs."""

    def limits(self, objects: Sequence[Manifest]) -> tuple[str, ...]:
        """What of these objects this engine cannot do, a sentence each. Empty: all of it."""

    async def index(self) -> Mapping[ServiceKey, str]:
        """The inputs digest of every service here, in one cheap look."""

    async def inventory(self, scope: Scope = EVERYTHING) -> Observation:
        """What Skerry applied, as a plan needs it, in the cheapest look: each object in scope
        with at least its metadata and digest, Deployments whole; each service's newest release
        with at least its number, time and verdict; no pods, no events. What somebody changed
        behind Skerry's back may not show: `observe` and `verify` see it."""

    async def observe(self, scope: Scope = EVERYTHING) -> Observation:
        """One look at everything in scope, as it is."""

    def watch(self, scope: Scope = EVERYTHING) -> AsyncIterator[Observation]:
        """An observation now, and another after each change, several changes in one.

        Ends never; the consumer leaves. At least one every ten seconds, so that waits
        can say what they wait for.
        """

    async def apply(self, change: Change, *, take_over: bool = False) -> tuple[Outcome, ...]:
        """Make these objects wanted and the deleted ones not, as one step that a crash
        cannot split (or that applying it again finishes). Objects Skerry does not own are
        never touched, and fields another manager owns only with `take_over`: raises Conflict
        that names it."""

    async def delete(self, service: ServiceKey, *, volumes: bool) -> tuple[Outcome, ...]:
        """Unwant all of a service. Replicas drain and go; volumes stay unless told otherwise."""

    async def scale(self, service: ServiceKey, override: Override | None) -> None:
        """Set the count of replicas by hand, or give it back to the document (None).
        Raises NotFound."""

    async def restart(self, service: ServiceKey) -> None:
        """Roll every replica without changing the release. Raises NotFound."""

    def logs(self, service: ServiceKey, query: LogQuery) -> AsyncIterator[LogLine]:
        """Lines of all its replicas, merged by time. Raises NotFound."""

    async def exec(
        self, service: ServiceKey, command: Sequence[str], *, tty: bool, replica: str | None = None
    ) -> Session:
        """A command inside a running replica. Raises NotFound, or Conflict when none runs."""

    async def run(
        self, job: Manifest, *, tty: bool = False, beside: Sequence[Manifest] = ()
    ) -> Session:
        """A one-off container from a Job manifest, with its environment; removed when it ends.

        `beside` are the objects of a release not applied yet: where the job refers to one of
        them (its ConfigMap, its Secret), it is taken from there."""

    async def forward(
        self, service: ServiceKey, port: int | None, *, replica: str | None = None
    ) -> "Tunnel":
        """A byte stream to a port of a running replica; its service's own port when None.
        Raises NotFound, or Conflict when none runs."""

    async def record(self, *releases: Release) -> None:
        """Write releases, or their verdicts, by service and number: many in few requests."""

    async def releases(self, service: ServiceKey) -> tuple[Release, ...]:
        """Its releases, newest first."""

    def writing(
        self, services: Collection[ServiceKey], *, by: str, stack: str | None = None
    ) -> AbstractAsyncContextManager[None]:
        """Be the only one, in every process, that writes these services (or, with `stack`, any
        tenant of it) until the block ends, and leave the index as the cell is then. Renewed
        meanwhile; given up by itself soon after its holder died. Raises Conflict, naming who
        holds which."""

    def verify(self) -> AsyncIterator[Finding]:
        """Compare every object Skerry owns with what it applied, page by page, and put the
        index right."""

    async def report(self) -> CellReport:
        """The cell at a glance. Raises EngineUnavailable."""

    async def remember(self, name: str, fact: Mapping[str, Any] | None) -> None:
        """Keep a small document in the cell, or forget it (None): a roll-out under way, say."""

    async def recall(self, name: str) -> Mapping[str, Any] | None:
        """What was kept under this name."""


class Tunnel(Protocol):
    """A connection to a port of a replica."""

    def read(self) -> AsyncIterator[bytes]:
        """What it sends, until it closes."""

    async def write(self, data: bytes) -> None:
        """Send."""

    async def close(self) -> None:
        """Hang up."""


class ImageBuilder(Protocol):
    """Builds images where the cell can run them."""

    async def has(self, image: str) -> bool:
        """Whether the image is already here."""

    def build(
        self, context: AsyncIterator[bytes], *, image: str, containerfile: str
    ) -> AsyncIterator[BuildLine]:
        """Build from a tar stream and name the result. Raises DeployFailed with the last lines."""


class Gateway(Protocol):
    """The proxy before the services. Outlives the server: a dead server changes no traffic."""

    async def start(self) -> None:
        """Adopt the running proxy, or start one, and keep it alive. Raises GatewayUnavailable."""

    async def close(self) -> None:
        """Stop looking after it; it goes on serving."""

    async def stop(self) -> None:
        """End the proxy itself and remove what it left on the machine."""

    async def program(self, config: ProxyConfig) -> None:
        """Return once every worker of the proxy serves this. Raises GatewayUnavailable."""

    async def busy(self, addresses: Sequence[Address]) -> frozenset[Address]:
        """Those addresses the proxy still has established connections to."""

    async def upgrade(self) -> None:
        """Replace the proxy process by a new one; no connection is refused or cut."""

    def status(self) -> GatewayStatus:
        """How it is."""

    def authority(self) -> str:
        """The certificate that signs the gateway's names, PEM."""


class Secrets(Protocol):
    """Where references lead. One per provider (`store:`), behind one that picks by prefix."""

    async def resolve(self, reference: str) -> SecretValue:
        """The value, for handing to a container. Raises NotFound with the command that sets it."""

    async def fingerprint(self, reference: str) -> str:
        """A keyed HMAC of the value: equal values, equal fingerprints, nothing to guess from."""


class SecretStore(Secrets, Protocol):
    """The store of Skerry's own: encrypted at rest, the key outside the database."""

    async def put(self, name: str, value: SecretValue) -> None:
        """Create or replace."""

    async def drop(self, name: str) -> None:
        """Forget. Raises NotFound."""

    async def names(self) -> tuple[str, ...]:
        """What is there, sorted; never the values."""


class ObjectStore(Protocol):
    """What the local engine must not forget. Each call is one transaction."""

    async def objects(self) -> tuple[Manifest, ...]:
        """Every object wanted, in the order written."""

    async def write(self, puts: Sequence[Manifest], deletes: Sequence[ObjectKey]) -> None:
        """Put and delete, all or nothing."""

    async def facts(self, kind: str) -> Mapping[str, Mapping[str, Any]]:
        """Everything remembered of a kind (addresses given out, overrides, crashes), by key."""

    async def put_fact(self, kind: str, key: str, fact: Mapping[str, Any] | None) -> None:
        """Remember, or forget (None)."""

    async def record(self, release: Release) -> None:
        """Write a release, or its verdict."""

    async def releases(
        self, service: ServiceKey | None = None, *, newest_only: bool = False
    ) -> tuple[Release, ...]:
        """Releases of one service or of all, newest first."""


class Ledger(Protocol):
    """What the server must not forget: operations, tokens, and who did what."""

    async def open_operation(self, operation: Operation) -> None:
        """Write a new operation. Raises Conflict when its id is taken."""

    async def say(self, operation: str, progress: Progress) -> Progress:
        """Append to what an operation says; returns it numbered."""

    async def end_operation(self, operation: Operation) -> None:
        """Write how it ended."""

    async def operation(self, id: str, *, whole: bool = True) -> Operation:
        """One operation; not `whole`, without its request. Raises NotFound."""

    async def operations(
        self, *, running: bool = False, whole: bool = True, limit: int = 50
    ) -> tuple[Operation, ...]:
        """Operations, newest first; with `running`, only those not ended; not `whole`, without
        their requests."""

    async def said(self, operation: str, *, after: int = 0) -> tuple[Progress, ...]:
        """What an operation said, from the number after."""

    async def audit(self, entry: AuditEntry) -> None:
        """Append one."""

    async def audited(
        self, *, limit: int = 100, before: int | None = None
    ) -> tuple[AuditEntry, ...]:
        """Entries, newest first."""

    async def put_token(self, token: Token) -> None:
        """Keep a token. Raises Conflict when its name is taken."""

    async def token(self, digest: str) -> Token | None:
        """The token with this digest, or None."""

    async def tokens(self) -> tuple[Token, ...]:
        """All tokens."""

    async def drop_token(self, id: str) -> None:
        """Forget one. Raises NotFound."""

    def writing(
        self, service: ServiceKey, *, cell: str = "", operation: str = ""
    ) -> AbstractAsyncContextManager[None]:
        """Hold the service of that cell for one writer, the operation of that id. Raises
        Conflict at once, naming the operation at it."""


class Doctor(Protocol):
    """Looks at the machine and says what lacks."""

    async def checks(self) -> tuple[Check, ...]:
        """What was looked at, each with what to do about it."""


class GitRepository(Protocol):
    """One folder of one branch of a git repository, as far as its newest commit."""

    @property
    def subject(self) -> str:
        """What messages call it; never with a password."""

    @property
    def name(self) -> str:
        """What the repository is called when its documents do not say."""

    async def newest(self) -> Commit:
        """The branch's newest commit, fetched. Cheap when it is the one before. Raises
        NotFound for a branch or folder that is not there, Unavailable."""

    async def files(self, commit: Commit) -> Mapping[str, TreeFile]:
        """Every file of the folder at this commit, by path within the folder, sorted."""

    async def read(self, blobs: Collection[str], *, most: int) -> Mapping[str, bytes]:
        """The bytes of these blobs; without those longer than `most`."""


class Leadership(Protocol):
    """Which server acts, where several share one database. At no moment do two: a leader that
    could not renew its lease stops acting before another may take it, and what it still tries
    to write afterwards is refused by the database."""

    @property
    def leads(self) -> bool:
        """Whether this server may act now."""

    @property
    def leader(self) -> Leader | None:
        """Who leads, as last seen; None while nobody does or the database does not answer."""

    async def changed(self) -> None:
        """Return once `leads` is another than it was at the call."""

    async def close(self) -> None:
        """Give it up, so that another leads at once."""
