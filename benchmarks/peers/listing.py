"""The folder and the table of the peers that predict for folders."""

import csv
import os


def list_images(folder):
    return [
        os.path.join(place, name)
        for place, _, names in os.walk(folder)
        for name in sorted(names)
        if name.endswith(".png")
    ]


def write_rows(out, answers):
    """Write a row for each image of `answers`: paths, and the probabilities of each."""
    with open(out, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "label", "probability"])
        for paths, probabilities in answers:
            writer.writerows(zip(paths, probabilities.argmax(1).tolist(), probabilities.max(1).tolist(), strict=True))
