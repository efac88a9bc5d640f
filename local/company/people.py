"""The company's people by team, besides the development users; the lead of a team comes first."""

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
"""The names of the members of each team, by the team's slug."""

DEVELOPMENT_MEMBERS: dict[str, str] = {DEVELOPER_EMAIL: "identity", ADMINISTRATOR_EMAIL: "platform"}
"""The slug of the team of each development user, by the user's email."""


def email_of(name: str) -> str:
    """Return the email of a person."""
    return f"{name.lower().replace(' ', '.')}@example.com"
