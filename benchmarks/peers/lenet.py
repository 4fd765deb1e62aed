"""What the peers share: the model, and what goes into it and comes out of it. They get the model's file as $MODEL."""

import io
import os

import numpy as np
import onnxruntime
from PIL import Image


def open_session():
    """Return a session on one thread, for each peer has as many processes or threads as there are cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])


def run(session, images):
    """Return the probabilities of images float32 [n, 1, 28, 28]."""
    return session.run(None, {session.get_inputs()[0].name: images})[0]


def normalise(pixels):
    """Return pixels 0 to 255 as the model takes them, -1 to 1."""
    return pixels.astype(np.float32) / 127.5 - 1


def from_json(value):
    return np.asarray(value["tensor"], np.float32).reshape(1, 28, 28)


def from_raw(body):
    return np.frombuffer(body, np.float32).reshape(1, 28, 28)


def from_png(body):
    return normalise(np.asarray(Image.open(io.BytesIO(body)).convert("L")))[None]


def to_answer(probabilities):
    return {"label": int(probabilities.argmax()), "probabilities": probabilities.tolist()}
