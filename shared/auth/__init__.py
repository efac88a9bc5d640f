"""Who asks: access tokens, principals, and the caller's credential on its way to the Imbi API."""
