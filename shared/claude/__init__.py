"""The client of Anthropic's Messages API; the only package that imports anthropic."""
