"""What every stage shares: errors, the run folder, atomic files, the command line's manners. Imports no framework."""

__version__ = "0.1.0"
