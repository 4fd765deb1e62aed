"""A folder of PNG files to a table, as one would write it first: Pillow, one image after the other.

MODEL=model.onnx python pillow_loop.py FOLDER TABLE
"""

import sys

import numpy as np
from lenet import normalise, open_session, run
from listing import list_images, write_rows
from PIL import Image

if __name__ == "__main__":
    folder, out = sys.argv[1:]
    session = open_session()

    def answer(path):
        image = normalise(np.array(Image.open(path).convert("L")))
        return [path], run(session, image[None, None])

    write_rows(out, map(answer, list_images(folder)))
