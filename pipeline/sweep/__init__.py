"""Trainings compared: one for each combination of varied options, with one table and one picture of them all."""

from pipeline.sweep.trainings import sweep

__all__ = ["sweep"]
