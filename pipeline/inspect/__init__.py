"""What is inside a trained model: layers, parameters, activations, filters, its graphs, and where it is right and wrong.

A run folder's checkpoint is opened (opened), its program and its ONNX file are read into one form (network, from_program,
from_onnx), which tables (layers, statistics) and pictures (drawing, pictures, examples) are made of; `command` puts it
all together. `checks` shows the same of a training at work.
"""
