"""The check of an installation: whether the parts that the settings name can be used, in plain sentences."""
