"""What the gateway is to serve now, from the engine's memory."""

from skerry.engines.local.addresses import Book
from skerry.engines.local.routes import Served, Serving, proxy_config
from skerry.engines.local.state import CellState
from skerry.engines.local.workload import read_care
from skerry.model.proxy import ProxyConfig


def config_of(state: CellState, book: Book) -> ProxyConfig:
    """Every service with those of its replicas that are ready and stay."""
    serving = {}
    for service, deployment in state.deployments().items():
        care = read_care(deployment)
        routed = [one for one in state.of(service) if one.routed]
        serving[service] = Serving(
            endpoints=tuple(one.address for one in routed if one.address),
            protocol=care.protocol,
            drain_seconds=care.drain_seconds,
        )
    return proxy_config(Served(objects=state.objects, serving=serving, book=book))
