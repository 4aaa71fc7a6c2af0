"""Bare FastAPI on uvicorn, in its two forms: a function with a declared body, or with `async` a coroutine that reads it."""

import os
import sys

import uvicorn
from fastapi import FastAPI, Request
from iris_model import label, load
from pydantic import BaseModel

app = FastAPI()
model = load()


class Flower(BaseModel):
    sepal_length: float
    sepal_width: float
    petal_length: float
    petal_width: float


def predict(flower: Flower):
    return label(model, flower.__dict__)


async def predict_in_loop(request: Request):
    return label(model, await request.json())


app.post("/predict")(predict_in_loop if sys.argv[1:] == ["async"] else predict)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False, log_level="warning")
