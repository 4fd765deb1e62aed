"""What a command about images lets one choose; apart, for `--help` must not import numpy."""

POLARITIES = ("auto", "light", "dark")  # the ink's colour: as in MNIST, as on paper, or told by each image
DEVICES = ("auto", "cpu", "gpu")
MAX_PIXELS = 80_000_000  # of one image: more than a camera usually has, below the number at which Pillow warns
