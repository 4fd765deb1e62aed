"""`fluid.trainer_desc`: what an Executor is told to train with on a data set."""

from paddle.base.trainer_desc import DistMultiTrainer, MultiTrainer, PipelineTrainer, TrainerDesc

__all__ = ["DistMultiTrainer", "MultiTrainer", "PipelineTrainer", "TrainerDesc"]
