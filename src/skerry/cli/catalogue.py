"""Every command: where its function is, one line about it, and examples that run.

Static, so that `skerry --help` and shell completion import no command at all.
"""

from typing import Final, NamedTuple

START: Final = "Get going"
CHANGE: Final = "Change what runs"
LOOK: Final = "Look and reach in"
RUN: Final = "Run the server"


class Entry(NamedTuple):
    """One command. `target` is `module:function` below `skerry.cli.commands`."""

    name: str
    target: str
    section: str
    summary: str
    examples: tuple[str, ...]
    extra_arguments: bool = False  # taken, so that they can be refused with a reason


CATALOGUE: Final[tuple[Entry, ...]] = (
    Entry(
        "init",
        "init:init",
        START,
        "Write a service document and a skerry.yaml.",
        (
            "skerry init",
            "skerry init shop --name web --image ghcr.io/acme/web:1.4.2",
            "skerry init --name web --build .",
        ),
    ),
    Entry(
        "up",
        "up:up",
        START,
        "Start the server if none runs, and bring a folder's services up.",
        ("skerry up", "skerry up examples/inspector", "skerry up shop -o json"),
    ),
    Entry(
        "down",
        "down:down",
        START,
        "Remove a folder's services; without a folder, everything of Skerry's.",
        ("skerry down examples/inspector", "skerry down", "skerry down --volumes"),
    ),
    Entry(
        "plan",
        "plan:plan",
        CHANGE,
        "Show what apply would change, and why.",
        ("skerry plan", "skerry plan shop --exit-code", "skerry plan shop -o yaml > objects.yaml"),
    ),
    Entry(
        "apply",
        "plan:apply",
        CHANGE,
        "Show the plan, ask, and do exactly that.",
        (
            "skerry apply",
            "skerry apply shop --yes",
            "skerry apply shop --only web --cell eu-1 --yes",
        ),
    ),
    Entry(
        "deploy",
        "change:deploy",
        CHANGE,
        "Deploy a folder without asking, one service's new image, or a stack's new version.",
        (
            "skerry deploy",
            "skerry deploy web --image ghcr.io/acme/web:1.4.3",
            "skerry deploy eu-customers --version 5.3.0 --waves 1%,10%,100% --bake 2m",
        ),
    ),
    Entry(
        "rollouts",
        "rollouts:rollouts",
        LOOK,
        "List the roll-outs of stacks, or show one.",
        ("skerry rollouts", "skerry rollouts eu-customers", "skerry rollouts -o json"),
    ),
    Entry(
        "resume",
        "rollouts:resume",
        CHANGE,
        "Go on with a stack's roll-out that halted or was left.",
        ("skerry resume eu-customers",),
    ),
    Entry(
        "abort",
        "rollouts:abort",
        CHANGE,
        "Stop a stack's roll-out.",
        ("skerry abort eu-customers", "skerry abort eu-customers --undo"),
    ),
    Entry(
        "rollback",
        "change:rollback",
        CHANGE,
        "Bring back a service's release before, or any older one; or a stack's.",
        (
            "skerry rollback web",
            "skerry rollback payments/checkout --to 7",
            "skerry rollback eu-customers",
        ),
    ),
    Entry(
        "unhold",
        "change:unhold",
        CHANGE,
        "Give a held service back to its document.",
        ("skerry unhold web",),
    ),
    Entry(
        "scale",
        "change:scale",
        CHANGE,
        "Set a count of replicas by hand, for a while or until told otherwise.",
        ("skerry scale web 4 --for 30m", "skerry scale web auto"),
    ),
    Entry(
        "restart",
        "change:restart",
        CHANGE,
        "Roll every replica of a service without a new release.",
        ("skerry restart web",),
    ),
    Entry(
        "delete",
        "delete:delete",
        CHANGE,
        "Remove one service; its volumes are kept unless told otherwise.",
        ("skerry delete web", "skerry delete payments/checkout --yes --volumes"),
    ),
    Entry(
        "status",
        "status:status",
        LOOK,
        "Say how every service is, or one of them and its replicas.",
        (
            "skerry status",
            "skerry status web",
            "skerry status --watch",
            "skerry status --cell eu-1",
        ),
    ),
    Entry(
        "cells",
        "cells:cells",
        LOOK,
        "List the cells: engine, version, place, capacity, what runs there.",
        ("skerry cells", "skerry cells -o wide", "skerry cells -o json"),
    ),
    Entry(
        "cells forget",
        "cells:forget",
        LOOK,
        "Know a cell no more; what runs there goes on.",
        ("skerry cells forget eu-1",),
    ),
    Entry(
        "history",
        "status:history",
        LOOK,
        "List a service's releases.",
        ("skerry history web", "skerry history web -o json"),
    ),
    Entry(
        "logs",
        "logs:logs",
        LOOK,
        "Print what services say.",
        ("skerry logs web", "skerry logs web api -f", "skerry logs web --since 10m --tail 50"),
    ),
    Entry(
        "open",
        "status:open_url",
        LOOK,
        "Print a service's URL, and open it in a browser when there is one.",
        ("skerry open web", "curl $(skerry open web)"),
    ),
    Entry(
        "exec",
        "attach:exec_",
        LOOK,
        "Run a command inside a running replica.",
        ("skerry exec web -- ls /srv", "skerry exec -it web -- sh"),
    ),
    Entry(
        "run",
        "attach:run",
        LOOK,
        "Run a command in a container of its own, with a service's environment.",
        ("skerry run web -- python manage.py migrate", "skerry run -it web -- sh"),
    ),
    Entry(
        "forward",
        "forward:forward",
        LOOK,
        "Reach a port of a service from this machine.",
        ("skerry forward web 8080", "skerry forward payments/checkout 15432:5432"),
    ),
    Entry(
        "verify",
        "verify:verify",
        LOOK,
        "Compare every object in the cells with what was applied.",
        ("skerry verify", "skerry verify --cell eu-1 -o json"),
    ),
    Entry(
        "operations",
        "operations:operations",
        LOOK,
        "List operations, or attach to one that runs.",
        ("skerry operations", "skerry operations 01JD3W9Q"),
    ),
    Entry(
        "doctor",
        "doctor:doctor",
        RUN,
        "Look at the machine and say what lacks.",
        ("skerry doctor", "skerry doctor -o json"),
    ),
    Entry(
        "server",
        "server:server",
        RUN,
        "Run the server in the foreground; or stop it, and more.",
        ("skerry server",),
    ),
    Entry(
        "server stop",
        "server:stop",
        RUN,
        "Stop the server; services and the gateway go on.",
        ("skerry server stop",),
    ),
    Entry(
        "server upgrade-gateway",
        "server:upgrade_gateway",
        RUN,
        "Replace the gateway's process without cutting a connection.",
        ("skerry server upgrade-gateway",),
    ),
    Entry(
        "server audit",
        "server:audit",
        RUN,
        "Print who asked for which change.",
        ("skerry server audit", "skerry server audit --limit 20 -o json"),
    ),
    Entry(
        "reconcile",
        "reconcile:reconcile",
        RUN,
        "Say how continuous mode stands: the commit of each cell, drift, and what is wrong.",
        ("skerry reconcile", "skerry reconcile -o wide", "skerry reconcile -o json"),
    ),
    Entry(
        "reconcile now",
        "reconcile:now",
        RUN,
        "Look at the repository, and at every object of every cell, now.",
        ("skerry reconcile now",),
    ),
    Entry(
        "token",
        "",
        RUN,
        "Make, list and revoke tokens.",
        ("skerry token list",),
    ),
    Entry(
        "token create",
        "token:create",
        RUN,
        "Make a token and print it, once.",
        (
            "skerry token create ci --role deployer --expires 90d",
            "skerry token create shop-ci --role deployer --namespace shop",
        ),
    ),
    Entry("token list", "token:list_", RUN, "List tokens.", ("skerry token list",)),
    Entry(
        "token revoke",
        "token:revoke",
        RUN,
        "Make a token useless from now on.",
        ("skerry token revoke ci",),
    ),
    Entry(
        "tenants",
        "",
        CHANGE,
        "List, add, remove and show the tenants of stacks, in their documents.",
        ("skerry tenants list eu-customers",),
    ),
    Entry(
        "tenants list",
        "tenants:list_",
        CHANGE,
        "List the tenants documents declare.",
        ("skerry tenants list", "skerry tenants list eu-customers -o wide"),
    ),
    Entry(
        "tenants add",
        "tenants:add",
        CHANGE,
        "Write a new tenant into its stack's document.",
        (
            "skerry tenants add eu-customers acme --version 5.3.0 --set db=eu-db-2",
            "skerry tenants add eu-customers acme --set scale.min=2 --set env.PLAN=gold",
        ),
    ),
    Entry(
        "tenants remove",
        "tenants:remove",
        CHANGE,
        "Stop a tenant, and let its data go when its time is over.",
        (
            "skerry tenants remove eu-customers acme",
            "skerry tenants remove eu-customers acme --now",
        ),
    ),
    Entry(
        "tenants show",
        "tenants:show",
        CHANGE,
        "Show a tenant's whole document, where it runs, and how it is.",
        ("skerry tenants show eu-customers acme",),
    ),
    Entry(
        "secrets",
        "",
        RUN,
        "Set, list and delete secrets.",
        ("skerry secrets set db-password",),
    ),
    Entry(
        "secrets set",
        "secrets:set_",
        RUN,
        "Store a secret, from a prompt or standard input.",
        (
            "skerry secrets set db-password",
            "pass show db | skerry secrets set payments/db-password",
        ),
        extra_arguments=True,
    ),
    Entry(
        "secrets list",
        "secrets:list_",
        RUN,
        "List the names of stored secrets.",
        ("skerry secrets list",),
    ),
    Entry(
        "secrets delete",
        "secrets:delete",
        RUN,
        "Forget a secret.",
        ("skerry secrets delete db-password", "skerry secrets delete payments/db-password"),
    ),
    Entry(
        "trust",
        "trust:trust",
        RUN,
        "Make this machine trust the gateway's certificates.",
        ("skerry trust", "skerry trust --print > skerry-ca.pem", "skerry trust --remove"),
    ),
    Entry(
        "schema",
        "doctor:schema",
        RUN,
        "Print the JSON Schema of documents, for editors.",
        ("skerry schema > skerry.schema.json",),
    ),
    Entry(
        "version",
        "doctor:version",
        RUN,
        "Print the versions of this command and of the server.",
        ("skerry version", "skerry version -o json"),
    ),
)


def entries_below(prefix: str) -> tuple[Entry, ...]:
    """The commands directly below a group: `""` for the top, `"token"` for its subcommands."""
    start = f"{prefix} " if prefix else ""
    return tuple(
        entry
        for entry in CATALOGUE
        if entry.name.startswith(start) and " " not in entry.name[len(start) :]
    )
