"""The Imbi API's operations as tools."""
