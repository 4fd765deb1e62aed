"""A folder of PNG files to a table, as many would write it for speed: OpenCV, batches of 128, two threads.

MODEL=model.onnx python opencv_threads.py FOLDER TABLE
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from lenet import normalise, open_session, run
from listing import list_images, write_rows

THREADS, BATCH = 2, 128

if __name__ == "__main__":
    folder, out = sys.argv[1:]
    cv2.setNumThreads(1)
    session = open_session()

    def answer(paths):
        images = np.stack([cv2.imread(path, cv2.IMREAD_GRAYSCALE) for path in paths])
        return paths, run(session, normalise(images)[:, None])

    paths = list_images(folder)
    batches = [paths[start : start + BATCH] for start in range(0, len(paths), BATCH)]
    with ThreadPoolExecutor(THREADS) as pool:
        write_rows(out, pool.map(answer, batches))
