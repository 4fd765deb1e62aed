"""LeNet behind Mosec: its server in Rust collects batches of at most 32 for two worker processes of each form."""

import json

import numpy as np
from lenet import from_json, from_png, from_raw, open_session, run, to_answer
from mosec import Runtime, Server, Worker

PROCESSES, BATCH, WAIT_MS = 2, 32, 1


class Classifier(Worker):
    def __init__(self):
        super().__init__()
        self.session = open_session()

    def forward(self, data):
        return [to_answer(probabilities) for probabilities in run(self.session, np.stack(data))]


class Json(Classifier):
    def deserialize(self, data):
        return from_json(json.loads(data))


class Raw(Classifier):
    def deserialize(self, data):
        return from_raw(data)


class Png(Classifier):
    def deserialize(self, data):
        return from_png(data)


if __name__ == "__main__":
    server = Server()
    server.register_runtime(
        {
            f"/{kind.__name__.lower()}": [Runtime(kind, num=PROCESSES, max_batch_size=BATCH, max_wait_time=WAIT_MS)]
            for kind in (Json, Raw, Png)
        }
    )
    server.run()
