"""The company's blueprints: the attributes of projects by their type."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.domain.models import JsonObject


@dataclass(frozen=True, slots=True)
class BlueprintFacts:
    """A blueprint; `project_types` are the types that it applies to; if empty, it applies to all."""

    slug: str
    name: str
    description: str
    properties: dict[str, JsonObject]
    project_types: tuple[str, ...] = ()
    edge: str | None = field(default=None)


_RUNNING = ("http-api", "web-application", "event-consumer", "scheduled-job", "data-pipeline")

BLUEPRINTS = (
    BlueprintFacts(
        "ownership-and-risk",
        "Ownership and Risk",
        "How much depends on a project, who is called, who pays.",
        {
            "criticality": {
                "type": "string",
                "title": "Criticality",
                "description": "tier-1: customers notice at once; tier-4: nobody notices for days.",
                "enum": ["tier-1", "tier-2", "tier-3", "tier-4"],
            },
            "lifecycle": {
                "type": "string",
                "title": "Lifecycle",
                "description": "Where the project is in its life.",
                "enum": ["experimental", "active", "maintenance", "deprecated"],
            },
            "data_classification": {
                "type": "string",
                "title": "Data Classification",
                "description": "The most sensitive data that it handles.",
                "enum": ["public", "internal", "confidential", "restricted"],
            },
            "cost_center": {"type": "string", "title": "Cost Center", "description": "Who pays for it."},
            "on_call": {"type": "string", "title": "On-call", "description": "The rotation that is paged."},
        },
    ),
    BlueprintFacts(
        "software",
        "Software",
        "What a project is written in and how well it is tested.",
        {
            "programming_language": {
                "type": "string",
                "title": "Programming Language",
                "enum": ["Go", "HCL", "Java", "Kotlin", "Python", "Ruby", "Rust", "SQL", "TypeScript"],
            },
            "framework": {"type": "string", "title": "Framework", "description": "The main framework, if any."},
            "test_coverage": {
                "type": "number",
                "title": "Test Coverage",
                "description": "Per cent of the lines.",
                "minimum": 0,
                "maximum": 100,
            },
        },
        (*_RUNNING, "library", "infrastructure"),
    ),
    BlueprintFacts(
        "runtime",
        "Runtime",
        "Where and how a project runs.",
        {
            "orchestration": {
                "type": "string",
                "title": "Orchestration",
                "enum": ["kubernetes", "lambda", "virtual-machine"],
            },
            "has_health_check": {"type": "boolean", "title": "Health Check", "description": "Answers at /status."},
        },
        _RUNNING,
    ),
    BlueprintFacts(
        "data-store",
        "Data Store",
        "What a database is.",
        {
            "engine": {
                "type": "string",
                "title": "Engine",
                "enum": ["ClickHouse", "MySQL", "OpenSearch", "PostgreSQL", "Redis"],
            },
            "engine_version": {"type": "string", "title": "Engine Version"},
            "size_gb": {"type": "number", "title": "Size", "description": "Gigabytes on disk.", "minimum": 0},
            "last_restore_test": {
                "type": "string",
                "format": "date",
                "title": "Last Restore Test",
                "description": "When a backup was last restored for practice.",
            },
        },
        ("database",),
    ),
    BlueprintFacts(
        "deployment",
        "Deployment",
        "What is known of a project in one environment.",
        {"url": {"type": "string", "format": "uri", "title": "URL", "description": "Where it answers."}},
        edge="DEPLOYED_IN",
    ),
)

ENGINE_VERSIONS = {"ClickHouse": "26.3", "MySQL": "8.4", "OpenSearch": "3.2", "PostgreSQL": "18", "Redis": "8.2"}
