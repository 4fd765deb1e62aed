"""The static-graph pipeline of the PaddlePaddle book: data sources, reader decorators, graphs, training, evaluation."""
