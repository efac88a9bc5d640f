"""The functions of `template.yaml` on one machine: behind one address, through their real entry points."""
