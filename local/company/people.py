"""The company's people beside the development users, by the team that they work in; leads come first."""

from __future__ import annotations

from local.company.principals import ADMINISTRATOR_EMAIL, DEVELOPER_EMAIL

MEMBERS: dict[str, tuple[str, ...]] = {
    "identity": ("Maya Lindqvist", "Tomasz Zielinski", "Priya Raman", "Jonas Weber"),
    "checkout": ("Elena Marchetti", "Kwame Mensah", "Sofia Castillo", "Henrik Dahl", "Aiko Tanaka"),
    "catalog": ("Rafael Moreira", "Ingrid Solberg", "Chloe Bennett", "Yusuf Demir"),
    "fulfillment": ("Marta Kowalczyk", "Daniel Osei", "Linh Nguyen", "Peter Novak"),
    "messaging": ("Amelie Laurent", "Samuel Adeyemi", "Nora Eriksen"),
    "data-platform": ("Viktor Petrov", "Hana Suzuki", "Carlos Ibarra", "Leila Haddad"),
    "storefront": ("Oliver Grant", "Zoe Papadaki", "Mateo Rojas", "Freya Madsen"),
    "platform": ("Ruth Abara", "Lukas Brandt", "Emma Fischer", "Arjun Mehta"),
}
"""Team slug → names."""

DEVELOPMENT_MEMBERS: dict[str, str] = {DEVELOPER_EMAIL: "identity", ADMINISTRATOR_EMAIL: "platform"}
"""Email of a development user → slug of the team that it belongs to."""


def email_of(name: str) -> str:
    """Make the address of a person from the name."""
    return f"{name.lower().replace(' ', '.')}@example.com"
