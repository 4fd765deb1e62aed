"""What `python -m legacy_fluid` does: run old programs, check code before running it, examine the installation."""
