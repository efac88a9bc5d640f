"""The company's teams, project types, environments, link definitions and tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.domain.models import JsonObject

ORGANIZATION_DESCRIPTION = "An online shop for garden, house and outdoors, with three warehouses and nine languages."


@dataclass(frozen=True, slots=True)
class TeamFacts:
    """A team, with the values that its projects inherit."""

    slug: str
    name: str
    description: str
    cost_center: str
    on_call: str
    icon: str


TEAMS = (
    TeamFacts(
        "identity",
        "Identity",
        "Sign-in, accounts, permissions and the audit trail.",
        "CC-1100",
        "identity-primary",
        "lucide:shield",
    ),
    TeamFacts(
        "checkout",
        "Checkout & Payments",
        "Everything between the basket and the payment.",
        "CC-1200",
        "payments-primary",
        "lucide:credit-card",
    ),
    TeamFacts(
        "catalog",
        "Catalog & Search",
        "Products, prices, pictures and how shoppers find them.",
        "CC-1300",
        "catalog-primary",
        "lucide:search",
    ),
    TeamFacts(
        "fulfillment",
        "Fulfillment",
        "Orders, stock, warehouses, shipping and returns.",
        "CC-1400",
        "fulfillment-primary",
        "lucide:package",
    ),
    TeamFacts(
        "messaging",
        "Customer Messaging",
        "E-mails, text messages, push notifications and campaigns.",
        "CC-1500",
        "messaging-primary",
        "lucide:mail",
    ),
    TeamFacts(
        "data-platform",
        "Data Platform",
        "The warehouse, the pipelines, the models and the reports.",
        "CC-2100",
        "data-office-hours",
        "lucide:database",
    ),
    TeamFacts(
        "storefront",
        "Storefront",
        "The shop, the apps' back end and the design system.",
        "CC-1600",
        "storefront-primary",
        "lucide:store",
    ),
    TeamFacts(
        "platform",
        "Platform Engineering",
        "Clusters, networks, delivery tools and everything below the services.",
        "CC-2200",
        "platform-primary",
        "lucide:server",
    ),
)

PROJECT_TYPES: tuple[JsonObject, ...] = (
    {
        "slug": "http-api",
        "name": "HTTP API",
        "description": "A service that answers HTTP requests.",
        "icon": "lucide:globe",
        "deployable": True,
        "releasable": True,
    },
    {
        "slug": "web-application",
        "name": "Web Application",
        "description": "A user interface in the browser.",
        "icon": "lucide:app-window",
        "deployable": True,
        "releasable": True,
    },
    {
        "slug": "event-consumer",
        "name": "Event Consumer",
        "description": "A service that works on events from the event bus.",
        "icon": "lucide:inbox",
        "deployable": True,
        "releasable": True,
    },
    {
        "slug": "scheduled-job",
        "name": "Scheduled Job",
        "description": "A program that runs by the clock and ends.",
        "icon": "lucide:clock",
        "deployable": True,
        "releasable": True,
    },
    {
        "slug": "data-pipeline",
        "name": "Data Pipeline",
        "description": "Moves and transforms data between systems.",
        "icon": "lucide:workflow",
        "deployable": True,
        "releasable": True,
    },
    {
        "slug": "library",
        "name": "Library",
        "description": "Code that other projects are built with.",
        "icon": "lucide:book",
        "deployable": False,
        "releasable": True,
    },
    {
        "slug": "database",
        "name": "Database",
        "description": "A data store that a team operates.",
        "icon": "lucide:database",
        "deployable": False,
        "releasable": False,
    },
    {
        "slug": "infrastructure",
        "name": "Infrastructure",
        "description": "What the services run on, described as code.",
        "icon": "lucide:server",
        "deployable": True,
        "releasable": True,
    },
)

ENVIRONMENTS: tuple[JsonObject, ...] = (
    {
        "slug": "testing",
        "name": "Testing",
        "description": "Every merge arrives here within minutes.",
        "sort_order": 10,
        "label_color": "#64748B",
        "can_deploy": True,
        "can_promote": False,
    },
    {
        "slug": "staging",
        "name": "Staging",
        "description": "A copy of production with made-up data, for acceptance.",
        "sort_order": 20,
        "label_color": "#F59E0B",
        "can_deploy": True,
        "can_promote": True,
    },
    {
        "slug": "sandbox",
        "name": "Partner Sandbox",
        "description": "Where partners try the public APIs.",
        "sort_order": 30,
        "label_color": "#8B5CF6",
        "can_deploy": True,
        "can_promote": True,
    },
    {
        "slug": "production",
        "name": "Production",
        "description": "What customers use.",
        "sort_order": 40,
        "label_color": "#16A34A",
        "can_deploy": True,
        "can_promote": True,
    },
)

SANDBOXED = frozenset({"account-api", "product-api", "order-api", "checkout-api", "search-api", "shipping-service"})
"""Projects that partners can try in the sandbox."""

LINK_DEFINITIONS: tuple[JsonObject, ...] = (
    {
        "slug": "repository",
        "name": "Repository",
        "description": "The source code.",
        "icon": "lucide:git-branch",
        "url_template": "https://git.example.com/{team}/{slug}",
    },
    {
        "slug": "dashboard",
        "name": "Dashboard",
        "description": "Metrics and alerts.",
        "icon": "lucide:activity",
        "url_template": "https://grafana.example.com/d/{slug}",
    },
    {
        "slug": "documentation",
        "name": "Documentation",
        "description": "How it works and how it is operated.",
        "icon": "lucide:book-open",
        "url_template": "https://docs.example.com/{slug}",
    },
    {
        "slug": "runbook",
        "name": "Runbook",
        "description": "What to do when the pager goes off.",
        "icon": "lucide:siren",
        "url_template": "https://docs.example.com/runbooks/{slug}",
    },
)

TAGS: tuple[JsonObject, ...] = (
    {"slug": "architecture", "name": "Architecture", "description": "Decisions about how things are built."},
    {"slug": "incident-review", "name": "Incident Review", "description": "What was learned from an incident."},
    {"slug": "onboarding", "name": "Onboarding", "description": "For the first weeks of a colleague."},
    {"slug": "security", "name": "Security", "description": "Threats, measures and audits."},
)
