"""Roll-outs of cells -> the views of `report.rollouts`, for the API and the command line."""

from skerry.operations.answers import failures_view
from skerry.operations.cells import Replies
from skerry.operations.standing import Standing
from skerry.report.rollout_shapes import RolloutsView
from skerry.report.rollouts import rollout_view


def rollouts_view(found: Replies[tuple[Standing, ...]]) -> RolloutsView:
    """Those of every cell that answered."""
    return {
        "rollouts": [
            rollout_view(each.rollout, carried=each.carried)
            for _, standings in found.good
            for each in standings
        ],
        "unreachable": failures_view(found.failed),
    }
