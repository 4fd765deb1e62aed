"""LeNet behind FastAPI: a session for each process, and handlers that take the request as it comes, its quickest way."""

from fastapi import FastAPI, Request
from lenet import from_json, from_png, from_raw, open_session, run, to_answer

app = FastAPI()
session = open_session()


def answer(image):
    return to_answer(run(session, image[None])[0])


@app.post("/json")
async def predict_json(request: Request):
    return answer(from_json(await request.json()))


@app.post("/raw")
async def predict_raw(request: Request):
    return answer(from_raw(await request.body()))


@app.post("/png")
async def predict_png(request: Request):
    return answer(from_png(await request.body()))
