"""KServe's model server with a custom model and one worker."""

import os

import kserve
from iris_model import label, load


class Iris(kserve.Model):
    def __init__(self, name):
        super().__init__(name)
        self.load()

    def load(self):
        self.model = load()
        self.ready = True
        return True

    def predict(self, payload, headers=None, response_headers=None):
        return label(self.model, payload)


if __name__ == "__main__":
    kserve.ModelServer(http_port=int(os.environ["PORT"]), workers=1, enable_grpc=False).start([Iris("iris")])
