"""Reader decorators with the semantics of paddle.reader, which also end what they start and hand on what fails.

A reader, in paddle's words a reader creator, is a callable without arguments that returns an iterable of samples; each
call is one epoch. A decorator takes readers and returns a reader.

Beyond paddle:

- A consumer may stop early (`break`, `close()`, a dropped reference): the threads and processes behind it end too.
- What fails in a thread or process fails in the consumer: the same exception, after the samples that came before it. A
  worker process that is killed is an error as well; nothing waits for it.
- A shuffle may have a seed. Its epochs then differ from each other but are the same in every run, and any of them can
  be read without those before it (see `shuffle`).
- Over arrays, shuffled, cut and batched readers can be asked which rows they would give instead of for samples (see
  `order`).

Source: the reader decorators of PaddlePaddle 1.8 (`paddle.reader`, `paddle.batch`).
"""

from pipeline.readers.arrays import ArrayReader, order, order_of_batches
from pipeline.readers.plain import (
    Batched,
    ComposeNotAligned,
    FirstN,
    Shuffled,
    batch,
    cache,
    chain,
    compose,
    firstn,
    map_readers,
    shuffle,
)
from pipeline.readers.processes import multiprocess_reader
from pipeline.readers.threads import buffered, xmap_readers

__all__ = [
    "ArrayReader",
    "Batched",
    "ComposeNotAligned",
    "FirstN",
    "Shuffled",
    "batch",
    "buffered",
    "cache",
    "chain",
    "compose",
    "firstn",
    "map_readers",
    "multiprocess_reader",
    "order",
    "order_of_batches",
    "shuffle",
    "xmap_readers",
]
