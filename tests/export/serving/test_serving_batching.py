from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from bodies import floats
from classifiers import bar

from export.model import load
from export.serving.batching import Batcher, Job
from export.serving.errors import RequestError


class Recorded(Job):
    __slots__ = ("answer",)

    def __init__(self, *labels: int, pixels: bool = False) -> None:
        images = b"".join(bar(label).tobytes() for label in labels) if pixels else floats(*labels)
        super().__init__(images, pixels, len(labels))
        self.answer = None

    def finish(self, probabilities, best, timing):
        assert probabilities.shape == (self.count, 10)
        self.answer = best

    def fail(self, error):
        self.answer = error


@pytest.fixture(params=["in the loop", "in a thread"])
def batcher_of(request, bars):
    """Make a batcher that notes the sizes of its batches, of a model run in the event loop or in a thread."""
    thread = ThreadPoolExecutor(1) if request.param == "in a thread" else None

    def make(**options):
        batches = []
        defaults = {"max_batch": 4, "max_wait": 0.0, "max_queue": 100, "timeout": 10.0, "model": load(bars, "cpu")}
        batcher = Batcher(observe=batches.append, thread=thread, **(defaults | options))
        return SimpleNamespace(submit=batcher.submit, batches=batches, batcher=batcher)

    yield make
    if thread:
        thread.shutdown()


def run(scenario):
    return asyncio.run(asyncio.wait_for(scenario, 30))


async def answered(*jobs):
    while any(job.answer is None for job in jobs):
        await asyncio.sleep(0.001)


def test_what_is_ready_together_is_one_batch_in_its_order(batcher_of):
    async def scenario():
        made = batcher_of()
        jobs = [Recorded(3), Recorded(5, 6, pixels=True), Recorded(9)]
        for job in jobs:
            made.submit(job)
        await answered(*jobs)
        return jobs, made

    jobs, made = run(scenario())
    assert [job.answer for job in jobs] == [[3], [5, 6], [9]]
    assert made.batches == [4]
    assert made.batcher.waiting == 0


def test_a_job_larger_than_a_batch_is_answered_whole(batcher_of):
    async def scenario():
        made = batcher_of()
        jobs = [Recorded(1), Recorded(*range(10)), Recorded(2)]
        for job in jobs:
            made.submit(job)
        await answered(*jobs)
        return jobs, made

    jobs, made = run(scenario())
    assert [job.answer for job in jobs] == [[1], list(range(10)), [2]]
    assert made.batches == [4, 4, 4]


def test_with_a_wait_jobs_of_several_turns_share_a_batch_and_a_full_one_goes_at_once(batcher_of):
    async def scenario():
        made = batcher_of(max_wait=20.0)
        jobs = [Recorded(label) for label in range(4)]
        for job in jobs:
            made.submit(job)
            await asyncio.sleep(0.01)
        await answered(*jobs)
        return made.batches

    assert run(scenario()) == [4]


def test_a_full_queue_takes_no_more(batcher_of):
    async def scenario():
        made = batcher_of(max_queue=3)
        first, second = Recorded(1, 2), Recorded(3, 4)
        made.submit(first)
        with pytest.raises(RequestError, match="2 images are waiting") as refusal:
            made.submit(second)
        await answered(first)
        made.submit(second)
        await answered(second)
        return refusal.value, first.answer, second.answer

    refusal, *answers = run(scenario())
    assert (refusal.status, refusal.headers) == (503, b"retry-after: 1\r\n")
    assert answers == [[1, 2], [3, 4]]


def test_what_has_waited_too_long_is_refused_and_the_rest_answered(batcher_of):
    async def scenario():
        made = batcher_of(timeout=5.0)
        old, new = Recorded(1), Recorded(2)
        old.queued -= 6
        made.submit(old)
        made.submit(new)
        await answered(old, new)
        return old.answer, new.answer, made.batcher.waiting

    old, new, waiting = run(scenario())
    assert (old.status, new, waiting) == (503, [2], 0)


def test_an_answer_that_is_no_number_is_the_fault_of_its_own_request_alone(batcher_of):
    async def scenario():
        made = batcher_of()
        good, bad = Recorded(1), Recorded(2)
        bad.images = np.full(784, np.nan, "<f4").tobytes()
        made.submit(bad)
        made.submit(good)
        await answered(good, bad)
        return good.answer, bad.answer

    good, bad = run(scenario())
    assert (good, bad.status) == ([1], 422)


def test_a_model_that_fails_fails_its_batch_and_not_the_next(batcher_of, bars):
    async def scenario():
        made = batcher_of()
        broken, whole = Recorded(1), Recorded(2)
        broken.images = b"too short"
        made.submit(broken)
        await answered(broken)
        made.submit(whole)
        await answered(whole)
        return broken.answer.status, whole.answer

    assert run(scenario()) == (500, [2])
