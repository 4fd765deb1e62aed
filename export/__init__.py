"""From a trained run to something that serves: inference model, ONNX, validation, benchmark, folder prediction."""
